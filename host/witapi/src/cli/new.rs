//! `witapi new`.

use std::path::PathBuf;

use clap::Args;
use witapi_authoring::{Language, language::toolchain, new::new};

#[derive(Args)]
#[command(after_help = super::help::NEW)]
pub(crate) struct New {
    /// The folder to create; its last part is the plugin's name
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// The plugin's language
    #[arg(short, long, value_enum)]
    lang: Language,
    /// Start from this contract (a WIT file or a folder of them), with a stub for each function
    #[arg(long, value_name = "FILE")]
    wit: Option<PathBuf>,
}

pub(crate) fn run(arguments: &New) -> anyhow::Result<()> {
    let project = new(&arguments.folder, arguments.lang, arguments.wit.as_deref())?;
    let folder = arguments.folder.display();
    anstream::eprintln!(
        "made {folder}, a plugin in {}. Next:\n\n  cd {folder}\n  witapi dev",
        toolchain(project.language).name()
    );
    Ok(())
}
