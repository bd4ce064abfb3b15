//! The commands, as they are given on the command line: a file each.

/// Prints a line to stdout, in colour only on a terminal. That its reader has seen enough is no failure.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(anstream::stdout(), $($text)*);
    }};
}

pub mod build;
pub mod call;
pub mod completions;
pub mod dev;
pub mod exit;
pub mod help;
pub mod inspect;
pub mod man;
pub mod new;
pub mod serving;
pub mod test;
