//! `witapi completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::help;
use crate::{Cli, print};

#[derive(Args)]
#[command(after_help = help::COMPLETIONS)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Completions) -> anyhow::Result<()> {
    let mut script = vec![];
    clap_complete::generate(arguments.shell, &mut Cli::command(), "witapi", &mut script);
    print(&String::from_utf8_lossy(&script))
}
