//! Which files were there at the start and are not loaded yet, for whoever asks whether the host is ready.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::log;

/// So many files are named.
const MAX_NAMED: usize = 100;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Awaited(Arc<Mutex<BTreeMap<PathBuf, State>>>);

/// Why a file is not loaded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is being loaded, or about to be.
    Loading,
    /// It still changes, or is not whole.
    Unsettled,
    /// It, or the folder, could not be read so far.
    Unread,
}

impl Awaited {
    pub(super) fn set(&self, files: BTreeMap<PathBuf, State>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// A line for each of them, of which there are not too many.
    pub fn lines(&self) -> String {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = String::new();
        for (file, state) in files.iter().take(MAX_NAMED) {
            // Of a file its name is enough; where it is is the operator's affair.
            let name = file.file_name().map_or(file.as_path(), Path::new).to_string_lossy();
            let _ = writeln!(lines, "{state}: {}", log::printable(&name));
        }
        if let Some(more) = files.len().checked_sub(MAX_NAMED).filter(|&more| more > 0) {
            let _ = writeln!(lines, "and {more} more");
        }
        lines
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Loading => "loading",
            State::Unsettled => "still being written",
            State::Unread => "cannot be read",
        })
    }
}
