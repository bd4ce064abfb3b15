//! What the system tells of changes in folders. Without it the folders are looked at every few seconds all the same.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{
    ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};

use super::{folder::is_component, inbox::Inbox};

/// Wakes whoever waits at an inbox.
pub(super) struct Events {
    inbox: Arc<Inbox>,
    /// `None`: the system had none to give, so far.
    watcher: Option<RecommendedWatcher>,
    /// Folders that are watched, each by its device and inode: another in its place is not.
    watched: BTreeMap<PathBuf, (u64, u64)>,
    /// What was last complained of.
    complaint: Option<String>,
}

impl Events {
    pub(super) fn new(inbox: Arc<Inbox>) -> Events {
        Events { inbox, watcher: None, watched: BTreeMap::new(), complaint: None }
    }

    /// Watches these folders from now on, as far as the system lets it. What is not watched is tried again next time.
    pub(super) fn follow<'p>(&mut self, folders: impl Iterator<Item = &'p Path>) {
        let failed = folders.filter_map(|folder| self.watch(folder).err().map(|error| (folder, error))).last();
        let complaint = failed.map(|(folder, error)| {
            let folder = crate::log::printable(&folder.to_string_lossy()).into_owned();
            format!("changes in {folder} are seen with a delay of some seconds: {}", explained(&error))
        });
        match (&complaint, &self.complaint) {
            (Some(now), before) if before.as_ref() != Some(now) => tracing::warn!("{now}"),
            (None, Some(_)) => tracing::info!("file system events work again"),
            _ => {}
        }
        self.complaint = complaint;
    }

    fn watch(&mut self, folder: &Path) -> notify::Result<()> {
        let Ok(metadata) = fs::metadata(folder) else {
            // The look at the folder says what is wrong with it.
            self.watched.remove(folder);
            return Ok(());
        };
        let identity = (metadata.dev(), metadata.ino());
        if self.watched.get(folder) == Some(&identity) {
            return Ok(());
        }
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            none => none.insert(watcher(self.inbox.clone())?),
        };
        if self.watched.remove(folder).is_some() {
            // It is no more if the folder is none.
            let _ = watcher.unwatch(folder);
        }
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        self.watched.insert(folder.to_owned(), identity);
        Ok(())
    }
}

fn watcher(inbox: Arc<Inbox>) -> notify::Result<RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<Event>| match event {
        Ok(event) if may_matter(&event) => {
            let is_written = event.kind == EventKind::Access(AccessKind::Close(AccessMode::Write));
            inbox.wake(event.paths.into_iter().filter(|path| is_written && is_component(path)));
        }
        Ok(_) => {}
        Err(_) => inbox.wake([]),
    })
}

/// Whether an event may change what is served. Reading changes nothing, or each look would wake the next; nor does a
/// change of other files, such as a log that someone writes beside the plugins.
fn may_matter(event: &Event) -> bool {
    let is_change = match event.kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    // Folders come and go too, and have no extension, as a rule.
    let is_ours = |path: &PathBuf| is_component(path) || path.extension().is_none();
    event.need_rescan() || is_change && event.paths.iter().any(is_ours)
}

/// In words of what an operator can do.
pub fn explained(error: &notify::Error) -> String {
    let errno = match &error.kind {
        ErrorKind::Io(error) => error.raw_os_error(),
        ErrorKind::MaxFilesWatch => Some(libc::ENOSPC),
        _ => None,
    };
    match errno {
        Some(libc::EMFILE) => {
            "all inotify instances of this user are in use, or all descriptors of this process; raise \
             `fs.inotify.max_user_instances` (sysctl), or `ulimit -n`"
                .to_owned()
        }
        Some(libc::ENOSPC) => {
            "all inotify watches of this user are in use; raise `fs.inotify.max_user_watches` (sysctl)".to_owned()
        }
        _ => match &error.kind {
            ErrorKind::Io(error) => io::Error::to_string(error),
            _ => error.to_string(),
        },
    }
}
