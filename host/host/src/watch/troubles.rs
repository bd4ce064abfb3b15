//! What could not be read, said once and not with each look.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::folder::Unread;
use crate::log;

/// How often the same may be said of one file or folder if it comes and goes.
const PAUSE: Duration = Duration::from_secs(60);

/// Lines for one look at most, of each kind.
const MAX_LINES: usize = 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<PathBuf, Trouble>);

#[derive(Debug)]
struct Trouble {
    why: Unread,
    said: Instant,
    is_over: bool,
}

impl Troubles {
    /// Says what is new of what a look could not read, and what is over.
    pub(super) fn tell(&mut self, unread: &BTreeMap<PathBuf, Unread>) {
        let printable = |file: &Path| log::printable(&file.to_string_lossy()).into_owned();
        let mut over = 0;
        for (file, trouble) in self.0.iter_mut().filter(|(file, it)| !it.is_over && !unread.contains_key(*file)) {
            trouble.is_over = true;
            over += 1;
            if over <= MAX_LINES {
                tracing::info!("{} is readable again", printable(file));
            }
        }
        let mut new = 0;
        for (file, &why) in unread {
            let before = self.0.get_mut(file);
            let is_known = before.is_some_and(|it| {
                it.is_over &= it.why != why || it.said.elapsed() >= PAUSE;
                it.why == why && !it.is_over
            });
            if is_known {
                continue;
            }
            self.0.insert(file.clone(), Trouble { why, said: Instant::now(), is_over: false });
            new += 1;
            if new <= MAX_LINES {
                tracing::warn!("cannot read {}: {why}; keeping what it serves, and trying again", printable(file));
            }
        }
        if new > MAX_LINES {
            tracing::warn!("cannot read {} more", new - MAX_LINES);
        }
        self.0.retain(|_, it| !it.is_over || it.said.elapsed() < PAUSE);
    }
}
