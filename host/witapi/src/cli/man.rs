//! `witapi man`.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Args, Command, CommandFactory, builder::Resettable};
use clap_mangen::Man;

use super::help;
use crate::{Cli, print};

#[derive(Args)]
#[command(after_help = help::MAN)]
pub(crate) struct ManPage {
    /// The command [default: the page of witapi itself]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// Write all pages into this folder; created if it does not exist
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "command")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ManPage) -> anyhow::Result<()> {
    let mut root = Cli::command();
    root.build();
    // The command `help` says no more than `--help`.
    let commands = || root.get_subcommands().filter(|it| it.get_name() != "help");
    if let Some(folder) = &arguments.output {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for command in std::iter::once(&root).chain(commands()) {
            let name = command.get_display_name().unwrap_or(command.get_name());
            let file = folder.join(format!("{name}.1"));
            fs::write(&file, page(command.clone())?).with_context(|| file.display().to_string())?;
        }
        return Ok(());
    }
    let command = match &arguments.command {
        None => &root,
        Some(name) => commands().find(|it| it.get_name() == name).with_context(|| {
            let known = commands().map(|it| it.get_name()).collect::<Vec<_>>().join(", ");
            format!("no command `{name}`; there are: {known}")
        })?,
    };
    print(&page(command.clone())?)
}

/// A page in roff. What stands behind the options in `--help` is laid out already, and stays so.
fn page(command: Command) -> anyhow::Result<String> {
    let notes = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let mut page = vec![];
    let command = command.after_help(Resettable::Reset).after_long_help(Resettable::Reset);
    Man::new(command).manual("WitAPI").render(&mut page)?;
    let mut page = String::from_utf8(page)?;
    if let Some(notes) = notes {
        page.push_str(".SH NOTES\n.nf\n");
        for line in notes.lines() {
            // A line that begins with a dot or a quote would be a request of roff.
            let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
            page.push_str(&format!("\\&{line}\n"));
        }
        page.push_str(".fi\n");
    }
    Ok(page)
}
