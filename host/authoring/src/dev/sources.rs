//! Saves. As in `plugin::watch` the watcher only wakes; what changed is found by looking at all sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{sync::mpsc, time::timeout};

use crate::Project;
use witapi_host::watch::explained;

/// A save is over when nothing has changed for so long: editors write in several steps, and some save all files at once.
const SETTLE: Duration = Duration::from_millis(40);

/// But never later than this.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often the sources are looked at without an event, for file systems that send none.
const POLL: Duration = Duration::from_secs(2);

/// Files that tools of languages write while they build.
const LOCKS: [&str; 5] = ["Cargo.lock", "go.sum", "package-lock.json", "uv.lock", "poetry.lock"];

/// The sources as they were at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Snapshot {
    /// Takes files over from another one.
    pub(super) fn take_over(&mut self, other: &Snapshot, is_wanted: impl Fn(&Path) -> bool) {
        self.0.retain(|file, _| !is_wanted(file));
        let files = other.0.iter().filter(|(file, _)| is_wanted(file));
        self.0.extend(files.map(|(file, stamp)| (file.clone(), *stamp)));
    }

    /// Whether a build may write the file itself.
    pub(super) fn is_lock(file: &Path) -> bool {
        file.file_name().and_then(|name| name.to_str()).is_some_and(|name| LOCKS.contains(&name))
    }
}

/// Follows the sources of a project.
pub(super) struct SourceWatch {
    project: Project,
    wake: mpsc::Receiver<()>,
    /// `None`: the system had none to give.
    watcher: Option<RecommendedWatcher>,
    /// Kept, so that `wake` waits also where nobody tells.
    _tell: mpsc::Sender<()>,
    watched: BTreeSet<PathBuf>,
}

impl SourceWatch {
    pub(super) fn new(project: Project) -> SourceWatch {
        let (tell, wake) = mpsc::channel(1);
        let kept = tell.clone();
        // A full channel means that the sources are about to be looked at anyway.
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(&event)) {
                let _ = tell.try_send(());
            }
        });
        // They are still looked at every few seconds.
        let complain =
            |error: &_| tracing::warn!("changes are noticed with a delay of some seconds: {}", explained(error));
        let watcher = watcher.inspect_err(complain).ok();
        SourceWatch { project, wake, watcher, _tell: kept, watched: BTreeSet::new() }
    }

    /// The sources as they are now. Folders that came are watched from now on.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        for folder in self.project.source_folders().unwrap_or_default() {
            if !self.watched.contains(&folder) {
                let watched = self.watcher.as_mut().map(|it| it.watch(&folder, RecursiveMode::NonRecursive));
                if let Some(Err(error)) = watched {
                    let why = explained(&error);
                    tracing::warn!(folder = %folder.display(), "changes are noticed with a delay of some seconds: {why}");
                }
                self.watched.insert(folder);
            }
        }
        // A folder that is gone is watched anew if it comes back.
        self.watched.retain(|folder| folder.is_dir());
        let files = self.project.sources().unwrap_or_default().into_iter().filter(|file| !is_scratch(file));
        let stamp = |file: &PathBuf| fs::metadata(file).ok().map(|it| (it.len(), it.modified().ok()));
        Snapshot(files.filter_map(|file| stamp(&file).map(|stamp| (file, stamp))).collect())
    }

    /// Waits until the sources are other than in `seen`, and are at rest. Gives when that was first seen, and what
    /// they are now.
    pub(super) async fn changed(&mut self, seen: &Snapshot) -> (Instant, Snapshot) {
        loop {
            let mut now = self.snapshot();
            if now == *seen {
                let _ = timeout(POLL, self.wake.recv()).await;
                continue;
            }
            let at = Instant::now();
            while at.elapsed() < PATIENCE && timeout(SETTLE, self.wake.recv()).await.is_ok() {}
            now = self.snapshot();
            if now != *seen {
                return (at, now);
            }
        }
    }
}

/// Reading changes nothing, or each look would wake the next.
fn is_change(event: &Event) -> bool {
    let is_change = match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    event.need_rescan() || is_change && event.paths.iter().any(|path| !is_scratch(path))
}

/// What editors write beside the file that is edited.
fn is_scratch(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // vim tries with a file of this name whether it can write into a folder; JetBrains' editors write `___jb_tmp___`.
    name.starts_with(['.', '#'])
        || name.ends_with(['~', '#'])
        || name == "4913"
        || [".swp", ".swx", ".swo", ".tmp", "___jb_tmp___", "___jb_old___"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_files_of_editors_are_no_sources() {
        for name in ["src/.lib.rs.swp", "src/lib.rs~", "src/#lib.rs#", "4913", "src/.#lib.rs", "app.py___jb_tmp___"] {
            assert!(is_scratch(Path::new(name)), "{name}");
        }
        for name in ["src/lib.rs", "wit/plugin.wit", "README.md", "src/c#.txt"] {
            assert!(!is_scratch(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn only_lock_files_are_taken_over() {
        let snapshot = |stamps: &[(&str, u64)]| {
            Snapshot(stamps.iter().map(|(file, length)| (PathBuf::from(file), (*length, None))).collect())
        };
        let mut seen = snapshot(&[("a/src/lib.rs", 1), ("a/Cargo.lock", 1)]);
        seen.take_over(&snapshot(&[("a/src/lib.rs", 2), ("a/Cargo.lock", 2), ("a/go.sum", 1)]), Snapshot::is_lock);
        assert_eq!(seen, snapshot(&[("a/src/lib.rs", 1), ("a/Cargo.lock", 2), ("a/go.sum", 1)]));
    }
}
