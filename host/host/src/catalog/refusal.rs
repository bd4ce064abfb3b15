//! Why a plugin that loaded does not serve.

use std::{error::Error, fmt, path::PathBuf};

use crate::{
    config::toml_key,
    plugin::load::{Cause, of_file},
};

/// What loaded and does not serve. Names the file.
#[derive(Debug)]
pub struct Refusal {
    pub file: PathBuf,
    pub reason: Reason,
}

/// What of others is in its way.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    #[error("another file already serves a plugin of this name: {}; rename one of them", other.display())]
    NameTaken { other: PathBuf },
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error(
        "the contract breaks clients of the serving version; to allow it, write `compatible = \"warn\"` under `[plugin.{}]` \
         in witapi.toml:\n{breaks}",
        toml_key(plugin)
    )]
    Incompatible { plugin: String, breaks: String },
    /// One of the two contracts, to be compared, cannot be read back.
    #[error(transparent)]
    Unread(#[from] Cause),
}

/// Two plugins that want one route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the route `{route}` of `{newcomer}` is already served by `{operation}` of plugin `{owner}`; mount one of them elsewhere \
     (`mount` under `[plugin.<name>]` in witapi.toml)"
)]
pub struct Conflict {
    pub route: String,
    /// The operation that wanted it.
    pub newcomer: String,
    /// The operation that has it, and its plugin.
    pub operation: String,
    pub owner: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&of_file(&self.file, &self.reason))
    }
}

impl Error for Refusal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text has that of the reason.
        self.reason.source()
    }
}
