//! The commands, as they are given on the command line: a file each.

/// Prints a line to stdout, in colour only on a terminal. That its reader has seen enough is no failure.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(anstream::stdout(), $($text)*);
    }};
}

pub(crate) mod build;
pub(crate) mod call;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dev;
pub(crate) mod exit;
pub(crate) mod help;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod new;
pub(crate) mod serving;
pub(crate) mod test;
