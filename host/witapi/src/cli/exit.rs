//! How a run of `witapi` ends.

use std::{process::ExitCode, time::Duration};

use anstyle::{AnsiColor, Style};
use witapi_host::log;

/// The command was not done; or it was, and the answer is no: the operation answered with a problem, a test failed, a contract
/// is broken.
pub(crate) const FAILED: u8 = 1;

/// The command line is wrong. clap's own status for it.
pub(crate) const USAGE: u8 = 2;

/// Of a command that asks something: it could not be asked, since a file cannot be read or does not load.
pub(crate) const TROUBLE: u8 = 3;

/// How long the end of a command waits until what it logged is written.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Complains, and ends with that status. In colour only on a terminal.
pub(crate) fn with(status: u8, message: impl std::fmt::Display) -> ExitCode {
    // Names in files may hold anything; each line is made safe to print.
    let message = message.to_string();
    // What was logged comes first.
    log::flush(PATIENCE);
    let lines: Vec<_> = message.lines().map(log::printable).collect();
    anstream::eprintln!("{ERROR}witapi:{ERROR:#} {}", lines.join("\n"));
    ExitCode::from(status)
}
