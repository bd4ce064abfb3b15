//! `witapi config`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use witapi_host::config::{self, Config};

use super::help;
use crate::print;

#[derive(Args)]
#[command(after_help = help::CONFIG)]
pub(crate) struct Configuration {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a configuration file
    Check {
        /// The file
        #[arg(default_value = config::FILE_NAME)]
        file: PathBuf,
    },
    /// Print the JSON Schema of witapi.toml, with which editors complete and check it
    Schema,
}

pub(crate) fn run(arguments: &Configuration) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Check { file } => check(file),
        Command::Schema => print(&format!("{:#}\n", config::schema())),
    }
}

fn check(file: &Path) -> anyhow::Result<()> {
    let config = Config::load(Some(file))?;
    for name in config.plugin_names().filter(|name| !config.plugins.join(format!("{name}.wasm")).exists()) {
        let folder = config.plugins.display();
        eprintln!("witapi: warning: {}: configures `[plugin.{name}]`, but {folder} has no {name}.wasm", file.display());
    }
    print(&format!("{} is valid\n", file.display()))
}
