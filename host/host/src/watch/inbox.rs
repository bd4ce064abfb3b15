//! What the watcher's thread waits for: events of the system, loads that ended, the end.

use std::{
    collections::BTreeSet,
    mem,
    path::PathBuf,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::Loaded;

/// Events come in bursts; one look serves them all.
const BURST: Duration = Duration::from_millis(5);

/// Of so many files it is kept that they were written. The times of the others tell as much, on most file systems.
const MAX_WRITTEN: usize = 1 << 16;

/// See the module.
#[derive(Default)]
pub(super) struct Inbox {
    letters: Mutex<Letters>,
    has_some: Condvar,
}

/// What came since it was last looked.
#[derive(Default)]
pub(super) struct Letters {
    /// Something happened to the folders.
    pub is_woken: bool,
    /// Files that were written and closed, by their absolute paths.
    pub written: BTreeSet<PathBuf>,
    pub loaded: Vec<Loaded>,
    /// Nobody wants to know any more.
    pub is_over: bool,
}

impl Inbox {
    pub(super) fn wake(&self, written: impl IntoIterator<Item = PathBuf>) {
        let mut letters = self.letters();
        letters.is_woken = true;
        for file in written {
            if letters.written.len() < MAX_WRITTEN {
                letters.written.insert(file);
            }
        }
        self.has_some.notify_one();
    }

    pub(super) fn loaded(&self, loaded: Loaded) {
        self.letters().loaded.push(loaded);
        self.has_some.notify_one();
    }

    pub(super) fn end(&self) {
        self.letters().is_over = true;
        self.has_some.notify_one();
    }

    /// All that came, as soon as there is something, or nothing at that time.
    pub(super) fn take(&self, until: Instant) -> Letters {
        let mut letters = self.letters();
        while !(letters.is_woken || letters.is_over || !letters.loaded.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            letters = self.has_some.wait_timeout(letters, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if letters.is_woken {
            drop(letters);
            thread::sleep(BURST);
            letters = self.letters();
        }
        mem::take(&mut letters)
    }

    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
