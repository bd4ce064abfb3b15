//! The plugin folder → the catalog, for as long as the host runs.
//!
//! The watcher only wakes; what is there is always found by looking at the whole folder, so that a lost or merged
//! event loses nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep_until, timeout},
};

use super::{
    Listed,
    load::{self, Cause, LoadError},
};
use crate::{Host, contract::sections::Sections};

/// A file that has not changed for so long is taken to be complete.
const SETTLE: Duration = Duration::from_millis(60);

/// A truncated file may still be on its way this long after its last change.
const UNFINISHED: Duration = Duration::from_secs(2);

/// How often the folder is looked at without an event, for file systems that send none.
const POLL: Duration = Duration::from_secs(2);

/// Files that are compiled at one time, at least, and at most: one for each core. Compilation itself uses all cores.
const LOADS: RangeInclusive<usize> = 2..=8;

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: SystemTime,
    inode: u64,
}

/// A file as it was last seen.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    since: Instant,
    /// The stamp that was last loaded, or that failed to.
    handled: Option<Stamp>,
    is_loading: bool,
    /// It lost a route or a name to another plugin, so it gets another try when one goes.
    is_refused: bool,
}

/// Watches folders and files, and keeps the host's catalog like them.
pub struct Watch {
    host: Arc<Host>,
    sources: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Seen>,
    loads: JoinSet<Loaded>,
    /// While the host starts: what is loaded and not yet served.
    arrived: Option<Vec<Loaded>>,
    wake: mpsc::Receiver<()>,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

struct Loaded {
    file: PathBuf,
    stamp: Stamp,
    /// `None` if the file changed while it was read.
    outcome: Option<Result<Listed, LoadError>>,
}

impl Watch {
    /// Begins to watch `sources`: folders, whose `*.wasm` count, and files.
    ///
    /// # Errors
    ///
    /// The system has no more watches to give.
    pub fn new(host: Arc<Host>, sources: Vec<PathBuf>) -> notify::Result<Watch> {
        let (tell, wake) = mpsc::channel(1);
        // A full channel means that the loop is about to look anyway.
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| may_matter(&event)) {
                let _ = tell.try_send(());
            }
        })?;
        let files = BTreeMap::new();
        let mut watch = Watch {
            host,
            sources,
            files,
            loads: JoinSet::new(),
            arrived: None,
            wake,
            watcher,
            watched: BTreeSet::new(),
        };
        watch.watch_folders();
        Ok(watch)
    }

    /// Loads all that is there, and returns when each file serves or has failed. Then the names decide who comes first,
    /// not the time that compiling takes: of two plugins that want one route, the same one has it after each start.
    pub async fn load_all(&mut self) {
        self.arrived = Some(vec![]);
        if self.host.loader.engines.compete() {
            self.choose_engine().await;
        }
        let mut due = self.look();
        while due.is_some() || !self.loads.is_empty() {
            due = self.wait(due).await;
        }
        let mut arrived = self.arrived.take().unwrap_or_default();
        arrived.sort_by(|a, b| a.file.cmp(&b.file));
        self.apply(arrived);
    }

    /// Where one engine's room is the other's want, only a folder whose plugins all use component-model async begins with
    /// the engine for those, whichever is loaded first.
    async fn choose_engine(&self) {
        let (files, engines) = (find(&self.sources), self.host.loader.engines.clone());
        let look = move || {
            let is_sync = |file: &PathBuf| {
                load::read(file).is_ok_and(|bytes| Sections::read(&bytes).is_ok_and(|found| !found.uses_async))
            };
            // Whoever needs it is told what is wrong.
            let _ = files.keys().any(is_sync).then(|| engines.get(false));
        };
        // It cannot fail but by a panic, which is logged where it happens.
        let _ = spawn_blocking(look).await;
    }

    /// Follows every change, for ever.
    pub async fn run(mut self) {
        // Here, since what told of all plugins took the most.
        give_back();
        let mut due = self.look();
        loop {
            due = self.wait(due).await;
            // Each that woke was read and decoded, which took several times what stays of it.
            if self.host.loader.residents.take_mark() {
                let _ = spawn_blocking(give_back).await;
            }
        }
    }

    /// Waits until there may be something to do, does it, and says when there is more.
    async fn wait(&mut self, due: Option<Instant>) -> Option<Instant> {
        let due = due.unwrap_or_else(|| Instant::now() + POLL);
        tokio::select! {
            Some(loaded) = self.loads.join_next() => {
                // To look at thousands of files after each of them would take longer than to load them.
                return if self.finish(loaded) { self.begin() } else { self.look() };
            }
            // Events come in bursts; one look serves them all.
            _ = self.wake.recv() => drop(timeout(Duration::from_millis(5), std::future::pending::<()>()).await),
            () = sleep_until(due) => {}
        }
        self.look()
    }

    /// Compares the folder with what was seen, begins what is to be done, and says when to look again.
    fn look(&mut self) -> Option<Instant> {
        self.watch_folders();
        let now = Instant::now();
        let found = find(&self.sources);
        let gone: Vec<_> = self.files.keys().filter(|file| !found.contains_key(*file)).cloned().collect();
        for file in gone {
            self.files.remove(&file);
            self.host.unload(&file);
            self.retry_refused();
        }
        for (file, stamp) in found {
            let fresh = || Seen { stamp, since: now, handled: None, is_loading: false, is_refused: false };
            let seen = self.files.entry(file).or_insert_with(fresh);
            if seen.stamp != stamp {
                (seen.stamp, seen.since) = (stamp, now);
            }
        }
        self.begin()
    }

    /// Begins to load what has settled, as far as there is room, and says when there is more.
    fn begin(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let at_once = cores.clamp(*LOADS.start(), *LOADS.end());
        // Of many that nobody has asked for yet, none is worth its memory.
        let is_asleep = self.arrived.is_some() && self.files.len() > self.host.loader.residents.most();
        let mut due: Option<Instant> = None;
        for (file, seen) in &mut self.files {
            if seen.handled == Some(seen.stamp) || seen.is_loading {
                continue;
            }
            // A file that was written long before it was seen has nothing more to come.
            let is_old = seen.stamp.modified.elapsed().is_ok_and(|age| age > UNFINISHED);
            let settled = seen.since + if is_old { Duration::ZERO } else { SETTLE };
            if settled > now {
                due = Some(due.map_or(settled, |due| due.min(settled)));
            } else if self.loads.len() < at_once {
                seen.is_loading = true;
                let (host, file, stamp) = (self.host.clone(), file.clone(), seen.stamp);
                self.loads.spawn_blocking(move || {
                    let bytes = load::read(&file);
                    // Bytes of a file that changed meanwhile may be half old and half new.
                    let is_whole = self::stamp(&file).is_ok_and(|now| now == Some(stamp));
                    let outcome = match bytes {
                        _ if !is_whole => None,
                        Ok(bytes) => Some(load::listed(&host.loader, &file, &bytes)),
                        Err(cause) => Some(Err(LoadError { file: file.clone(), cause })),
                    };
                    let outcome = if is_asleep { outcome.map(|it| it.map(Listed::asleep)) } else { outcome };
                    Loaded { file, stamp, outcome }
                });
            }
        }
        due
    }

    /// Takes in what was loaded, and says whether the file was still the same then.
    fn finish(&mut self, loaded: Result<Loaded, tokio::task::JoinError>) -> bool {
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                // No load is meant to panic. Which one it was is not known here, so all that were under way begin anew
                // when they change.
                tracing::error!(%error, "loading a plugin failed inside the host");
                for seen in self.files.values_mut().filter(|seen| seen.is_loading) {
                    (seen.is_loading, seen.handled) = (false, Some(seen.stamp));
                }
                return true;
            }
        };
        let Some(seen) = self.files.get_mut(&loaded.file) else { return true };
        seen.is_loading = false;
        let Some(outcome) = &loaded.outcome else { return false };
        if let Err(LoadError { cause, .. }) = outcome {
            // What is wrong with a file that is no more is of no interest; the next look begins with the new one.
            if seen.stamp != loaded.stamp {
                return false;
            }
            if cause.may_be_unfinished() && seen.stamp.modified.elapsed().is_ok_and(|age| age < UNFINISHED) {
                // Another look after another while.
                seen.since = Instant::now();
                return true;
            }
        }
        seen.handled = Some(loaded.stamp);
        match &mut self.arrived {
            Some(arrived) => arrived.push(loaded),
            None => self.apply(vec![loaded]),
        }
        true
    }

    /// Serves what was loaded, or notes why not.
    fn apply(&mut self, loaded: Vec<Loaded>) {
        let (mut plugins, mut errors) = (vec![], vec![]);
        for Loaded { file, outcome, .. } in loaded {
            match outcome {
                Some(Ok(plugin)) if self.files.contains_key(&file) => plugins.push(plugin),
                Some(Err(error)) if self.files.contains_key(&file) => errors.push(error),
                _ => {}
            }
        }
        let wanted = plugins.len();
        let refused = self.host.serve_all(plugins);
        if refused.len() < wanted {
            // A new version may have left routes that others wanted.
            self.retry_refused();
        }
        for error in refused {
            if let Some(seen) = self.files.get_mut(&error.file) {
                seen.is_refused = matches!(error.cause, Cause::Conflict(_) | Cause::NameTaken { .. });
            }
            errors.push(error);
        }
        self.host.note_failures(&errors);
    }

    fn retry_refused(&mut self) {
        for seen in self.files.values_mut().filter(|seen| seen.is_refused) {
            (seen.is_refused, seen.handled) = (false, None);
        }
    }

    /// Watches the folders that are there. One that is made later is found by the next look.
    fn watch_folders(&mut self) {
        for source in &self.sources {
            let folder = if source.is_dir() { source.as_path() } else { source.parent().unwrap_or(source) };
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            if !folder.is_dir() {
                self.watched.remove(folder);
            } else if !self.watched.contains(folder) {
                match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                    Ok(()) => drop(self.watched.insert(folder.to_owned())),
                    Err(error) => {
                        // It is still looked at every few seconds.
                        tracing::warn!(folder = %folder.display(), %error, "changes are seen with delay: the folder cannot be watched");
                        self.watched.insert(folder.to_owned());
                    }
                }
            }
        }
    }
}

/// Gives memory back to the system that loading needed and that the allocator holds: of thousands of plugins it is more
/// than what stays.
fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes any number, and changes nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Every component file of `sources`.
fn find(sources: &[PathBuf]) -> BTreeMap<PathBuf, Stamp> {
    let mut found = BTreeMap::new();
    for source in sources {
        let files = match fs::read_dir(source) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|file| is_component(file)).collect(),
            Err(_) => vec![source.clone()],
        };
        for file in files {
            if let Ok(Some(stamp)) = stamp(&file) {
                found.insert(file, stamp);
            }
        }
    }
    found
}

/// By name. Hidden files are what editors and `rsync` write before they rename.
fn is_component(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".wasm") && !name.starts_with('.')
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

fn stamp(file: &Path) -> io::Result<Option<Stamp>> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(file)?;
    let stamp = || Ok(Stamp { len: metadata.len(), modified: metadata.modified()?, inode: metadata.ino() });
    metadata.is_file().then(stamp).transpose()
}
