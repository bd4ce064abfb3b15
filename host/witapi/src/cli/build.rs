//! `witapi build`.

use std::{io::IsTerminal, path::PathBuf};

use clap::Args;
use witapi_authoring::{
    Language, Project,
    build::{BuildOptions, Built, build},
};

#[derive(Args)]
#[command(after_help = super::help::BUILD)]
pub(crate) struct Build {
    /// The plugin's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where to write the component [default: NAME.wasm in the folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The plugin's language, if the folder has several
    #[arg(short, long, value_enum)]
    lang: Option<Language>,
    /// The plugin's world, if its WIT has several
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// Install the missing parts of the language's toolchain
    #[arg(long)]
    install: bool,
}

pub(crate) fn run(arguments: Build) -> anyhow::Result<()> {
    let project = match arguments.lang {
        Some(language) => Project::find_in(&arguments.folder, &[language])?,
        None => Project::find(&arguments.folder)?,
    };
    let options = BuildOptions {
        output: arguments.output,
        install: arguments.install,
        is_draft: false,
        is_coloured: std::io::stderr().is_terminal(),
        world: arguments.world,
    };
    let built = build(&project, &options)?;
    for warning in &built.warnings {
        anstream::eprintln!("witapi: warning: {}: {warning}", built.file.display());
    }
    anstream::eprintln!("{}", line(&built));
    Ok(())
}

/// What was built, on one line.
fn line(built: &Built) -> String {
    let file = built.file.display();
    if built.was_fresh {
        return format!("{file} is up to date");
    }
    format!("built {file} ({} KB) in {:.1} s", built.size.div_ceil(1000), built.took.as_secs_f64())
}
