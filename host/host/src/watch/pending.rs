//! What is known of files and not in the catalog yet: the newest of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    path::PathBuf,
};

use crate::{
    catalog::{Change, Precedence},
    plugin::{Listed, LoadError},
};

/// See the module.
#[derive(Default)]
pub(super) struct Pending {
    gone: BTreeSet<PathBuf>,
    settled: BTreeMap<PathBuf, Settled>,
}

/// What became of a file.
pub(super) enum Settled {
    Loaded(Box<Listed>),
    Failed(LoadError),
    /// It is what serves already.
    Same,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.settled.is_empty()
    }

    pub(super) fn gone(&mut self, file: PathBuf) {
        self.settled.remove(&file);
        self.gone.insert(file);
    }

    pub(super) fn settled(&mut self, file: PathBuf, settled: Settled) {
        if matches!(settled, Settled::Same) {
            self.gone.remove(&file);
        }
        self.settled.insert(file, settled);
    }

    /// All of it, in the order of names.
    pub(super) fn take(&mut self, precedence: Precedence) -> Change {
        let mut change =
            Change { gone: mem::take(&mut self.gone).into_iter().collect(), precedence, ..Change::default() };
        for (file, settled) in mem::take(&mut self.settled) {
            match settled {
                Settled::Loaded(plugin) => change.loaded.push(*plugin),
                Settled::Failed(error) => change.failed.push(error),
                Settled::Same => change.same.push(file),
            }
        }
        change
    }
}
