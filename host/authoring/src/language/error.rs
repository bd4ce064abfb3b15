//! Why a plugin was not built.

use std::{io, path::PathBuf};

use crate::{
    embed::EmbedError,
    project::ProjectError,
    tools::{InstallError, Missing},
    wit::WitError,
};

/// Why there is no new component. The one of an earlier build is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Wit(#[from] WitError),
    #[error(
        "the toolchain for {language} is incomplete; missing:{}\nrun the command again with `--install` to install it",
        list(missing)
    )]
    Missing { language: &'static str, missing: Vec<Missing> },
    #[error(transparent)]
    Install(#[from] InstallError),
    /// All that the compiler said, as it said it.
    #[error("{}\n{tool} failed", said.trim_end())]
    Compiler { tool: String, said: String },
    #[error("cannot start {tool}: {error}")]
    Start { tool: String, error: io::Error },
    #[error("the compiler's output is not a component: {0}")]
    Component(String),
    #[error("{0}")]
    Unsupported(String),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error("{}: {error}", file.display())]
    Io { file: PathBuf, error: io::Error },
}

fn list(missing: &[Missing]) -> String {
    missing.iter().map(|piece| format!("\n  {}: {}", piece.what, piece.command)).collect()
}
