//! The plugin folder → the catalog, for as long as the host runs.
//!
//! # What it owns
//!
//! A thread of its own has what is known of each file (`seen`), of the folders (`folder`), and what is not in the catalog yet
//! (`pending`). Nobody else writes any of it: loads run on a few blocking threads and put their outcome into the `inbox`;
//! events of the kernel (`events`) and the end of the host come in there too.
//!
//! # How it goes round
//!
//! 1. It waits for a letter, for a file to settle, for the next look, or for the next catalog to be due.
//! 2. It looks at the whole folder. Events only wake it: what is there is always found by looking, so a lost or merged event
//!    loses nothing, and file systems that send none are looked at every 2 s.
//! 3. It begins to load what has settled, as far as there is room for more loads.
//! 4. It makes one catalog of all that is ready ([`Host::change`]), and waits four times as long as that took before the next
//!    one, while more is being loaded.
//!
//! # What always holds
//!
//! - What cannot be read changes nothing. A plugin is unloaded only when its folder was read to the end without it.
//! - A file is loaded as it was when it had not changed for a while, and again when its inode changed, whatever its size and
//!   times say. Of a file with the bytes of what serves nothing is loaded.
//! - Each file is loaded by one thread at one time, and its outcome counts only for the content that it was read of.
//! - At start, names decide between two plugins that want one route, not the time that loading takes.

mod awaited;
mod events;
mod folder;
mod inbox;
mod pending;
mod seen;
#[cfg(test)]
mod tests;
mod troubles;

use std::{
    collections::BTreeMap,
    io,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use tokio::{runtime::Handle, sync::watch};

use self::{
    awaited::State,
    events::Events,
    folder::{Folders, Stamp, Unread},
    inbox::{Inbox, Letters},
    pending::{Pending, Settled},
    seen::{SETTLE, Seen},
    troubles::Troubles,
};
use crate::{
    catalog::{Catalog, Host, Precedence, Reason},
    contract::sections::Sections,
    plugin::{
        Listed,
        load::{self, Cause, LoadError},
    },
};

pub use self::{awaited::Awaited, events::explained};

/// How often the folders are looked at without an event, for file systems that send none.
const POLL: Duration = Duration::from_secs(2);

/// So long after the start the host is not ready for the sake of files that still change, or cannot be read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Files that are compiled at one time, at least, and at most: one for each core. Compilation itself uses all cores.
const LOADS: RangeInclusive<usize> = 2..=8;

/// While more is being loaded, the next catalog is made when this many times as long has passed as the last one took, so
/// that thousands of plugins are not thousands of catalogs of thousands.
const PACE: u32 = 4;

/// But never later than this.
const MAX_PAUSE: Duration = Duration::from_millis(250);

/// The thread that watches. It ends when this is dropped.
pub struct Watch {
    inbox: Arc<Inbox>,
    awaited: Awaited,
    is_started: watch::Receiver<bool>,
}

/// The thread is no more, which is a mistake in the host.
#[derive(Debug, thiserror::Error)]
#[error("the file watcher failed; see the log")]
pub struct Ended;

/// A file that was loaded, or was to be.
pub struct Loaded {
    file: PathBuf,
    stamp: Stamp,
    outcome: Outcome,
}

enum Outcome {
    /// The file changed while it was read.
    Changed,
    /// It holds what serves, of that digest.
    Same([u8; 32]),
    Loaded(Box<Listed>),
    Failed(LoadError),
}

impl Watch {
    /// Begins to watch `sources`: folders, whose `*.wasm` count, and files. Each plugin serves as soon as it is loaded.
    ///
    /// # Errors
    ///
    /// The system has no more threads to give.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, whose threads load.
    pub fn start(host: Arc<Host>, sources: Vec<PathBuf>) -> io::Result<Watch> {
        let (inbox, awaited) = (Arc::<Inbox>::default(), Awaited::default());
        let (started, is_started) = watch::channel(false);
        let follower = Follower {
            runtime: Handle::current(),
            events: Events::new(inbox.clone()),
            inbox: inbox.clone(),
            folders: Folders::new(sources),
            files: BTreeMap::new(),
            looked: Instant::now(),
            loading: 0,
            pending: Pending::default(),
            not_before: Instant::now(),
            troubles: Troubles::default(),
            first: BTreeMap::new(),
            start: Some(Start { began: Instant::now(), wants_retry: false }),
            awaited: awaited.clone(),
            started,
            host,
        };
        thread::Builder::new().name("watch".into()).spawn(move || follower.run())?;
        Ok(Watch { inbox, awaited, is_started })
    }

    /// Those that were there at the start and are not loaded yet.
    pub fn awaited(&self) -> Awaited {
        self.awaited.clone()
    }

    /// Waits until all that was there at the start serves or has failed. Files that still change then, or that cannot be
    /// read, are waited for no longer than a few seconds.
    ///
    /// # Errors
    ///
    /// See [`Ended`].
    pub async fn started(&mut self) -> Result<(), Ended> {
        self.is_started.wait_for(|is_started| *is_started).await.map(drop).map_err(|_| Ended)
    }

    /// Waits until the thread is no more, which it never ought to be.
    pub async fn ended(&mut self) -> Ended {
        while self.is_started.changed().await.is_ok() {}
        Ended
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.inbox.end();
    }
}

/// What the thread knows.
struct Follower {
    host: Arc<Host>,
    runtime: Handle,
    inbox: Arc<Inbox>,
    events: Events,
    folders: Folders,
    files: BTreeMap<PathBuf, Seen>,
    /// When the folders were last looked at.
    looked: Instant,
    /// Loads under way.
    loading: usize,
    /// What is known and not in the catalog yet.
    pending: Pending,
    /// When the next catalog may be made.
    not_before: Instant,
    troubles: Troubles,
    /// What was there at the first look and is not loaded yet.
    first: BTreeMap<PathBuf, State>,
    /// As long as the host is not ready.
    start: Option<Start>,
    awaited: Awaited,
    started: watch::Sender<bool>,
}

/// At start the names decide who comes first, not the time that compiling takes: of two plugins that want one route, the
/// same one has it after each start.
struct Start {
    began: Instant,
    /// Whether those that lost a route are to try again when all others are loaded.
    wants_retry: bool,
}

impl Follower {
    fn run(mut self) {
        if self.host.loader.engines.compete() {
            self.choose_engine();
        }
        let unread = self.look();
        let unread = unread.into_iter().filter(|(_, why)| *why != Unread::DanglingLink);
        self.first.extend(self.files.keys().map(|file| (file.clone(), State::Loading)));
        self.first.extend(unread.map(|(file, _)| (file, State::Unread)));
        let mut due = self.begin();
        loop {
            self.advance_start();
            let Letters { is_woken, written, loaded, is_over } = self.inbox.take(self.wake_at(due));
            if is_over {
                return;
            }
            for file in written {
                if let Some(seen) = self.known(&file).and_then(|file| self.files.get_mut(&file)) {
                    seen.was_written();
                }
            }
            let mut is_other = is_woken;
            for loaded in loaded {
                is_other |= !self.finish(loaded);
            }
            let now = Instant::now();
            // To look at thousands of files after each that was loaded would take longer than to load them.
            if is_other || due.is_some_and(|due| due <= now) || self.looked + POLL <= now {
                self.look();
            }
            due = self.begin();
            self.apply();
            self.host.drop_unused();
            // Each that woke was read and decoded, which took several times what stays of it.
            if self.start.is_none() && self.host.loader.residents.take_mark() {
                give_back();
            }
        }
    }

    fn wake_at(&self, due: Option<Instant>) -> Instant {
        let apply = (!self.pending.is_empty()).then_some(self.not_before);
        let start = self.start.as_ref().map(|start| start.began + PATIENCE).filter(|at| *at > Instant::now());
        [due, apply, start].into_iter().flatten().fold(self.looked + POLL, Instant::min)
    }

    /// Which of the files is at that absolute path.
    fn known(&self, written: &Path) -> Option<PathBuf> {
        if self.files.contains_key(written) {
            return Some(written.to_owned());
        }
        let name = written.file_name()?;
        let mut files = self.folders.folders().map(|folder| folder.join(name)).chain([name.into()]);
        files.find(|file| {
            self.files.contains_key(file) && std::path::absolute(file).is_ok_and(|absolute| absolute == written)
        })
    }

    /// Where one engine's room is the other's want, only a folder whose plugins all use component-model async begins with
    /// the engine for those, whichever is loaded first.
    fn choose_engine(&mut self) {
        let is_sync = |file: &PathBuf| {
            load::read(file).is_ok_and(|bytes| Sections::read(&bytes).is_ok_and(|found| !found.uses_async))
        };
        // Whoever needs it is told what is wrong.
        let _ = self.folders.look().files.keys().any(is_sync).then(|| self.host.loader.engines.get(false));
    }

    /// Compares the folders with what was seen, and says what could not be read.
    fn look(&mut self) -> BTreeMap<PathBuf, Unread> {
        self.events.follow(self.folders.folders());
        let look = self.folders.look();
        self.looked = Instant::now();
        self.troubles.tell(&look.unread);
        let gone: Vec<_> = self.files.keys().filter(|file| look.is_gone(file)).cloned().collect();
        for file in gone {
            self.files.remove(&file);
            self.pending.gone(file);
        }
        // What could not be read at the first look, and can be now, was there all the same.
        let is_unread = |path: &Path| look.unread.contains_key(path) || look.unread.contains_key(folder::parent(path));
        let unread = self.first.iter().filter(|(_, state)| **state == State::Unread).map(|(path, _)| path);
        let found: Vec<_> = unread.filter(|path| !is_unread(path)).cloned().collect();
        for path in found {
            self.first.remove(&path);
            let files = look.files.keys().filter(|file| **file == path || folder::parent(file) == path);
            self.first.extend(files.map(|file| (file.clone(), State::Loading)));
        }
        for (file, seen) in &mut self.files {
            seen.is_there = look.files.contains_key(file);
        }
        for (file, stamp) in look.files {
            self.files.entry(file).or_insert_with(|| Seen::new(stamp)).see(stamp);
        }
        look.unread
    }

    /// Begins to load what has settled, as far as there is room, and says when there is more.
    fn begin(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let at_once = cores.clamp(*LOADS.start(), *LOADS.end());
        // Of many that nobody has asked for yet, none is worth its memory.
        let most = self.host.loader.residents.most();
        let is_asleep = self.start.is_some() && self.files.len() > most
            || self.files.values().filter(|seen| seen.is_wanted()).count() > most;
        let mut due: Option<Instant> = None;
        for (file, seen) in self.files.iter_mut().filter(|(_, seen)| seen.is_wanted()) {
            let at = seen.settles_at();
            if at > now {
                due = Some(due.map_or(at, |due| due.min(at)));
            } else if self.loading < at_once {
                self.loading += 1;
                let stamp = seen.begins();
                let (host, inbox, file) = (self.host.clone(), self.inbox.clone(), file.clone());
                self.runtime.spawn_blocking(move || {
                    // No load is meant to panic.
                    let outcome = catch_unwind(AssertUnwindSafe(|| load(&host, &file, stamp, is_asleep)));
                    let outcome = outcome.unwrap_or_else(|_| {
                        let cause = Cause::Host("it panicked; the log says where".into());
                        Outcome::Failed(LoadError { file: file.clone(), cause })
                    });
                    inbox.loaded(Loaded { file, stamp, outcome });
                });
            }
        }
        due
    }

    /// Takes in what was loaded, and says whether the file was still the same then.
    fn finish(&mut self, Loaded { file, stamp, outcome }: Loaded) -> bool {
        self.loading -= 1;
        let Some(seen) = self.files.get_mut(&file) else { return true };
        seen.is_loading = false;
        let settled = match outcome {
            Outcome::Changed => {
                seen.waits(SETTLE);
                return false;
            }
            Outcome::Same(digest) if is_serving(&self.host, &file, &digest) => Settled::Same,
            // It went meanwhile.
            Outcome::Same(_) => {
                seen.tries_again();
                return true;
            }
            // It was read once more while it was loaded.
            Outcome::Loaded(plugin) if is_serving(&self.host, &file, &plugin.digest) => Settled::Same,
            Outcome::Loaded(plugin) => Settled::Loaded(plugin),
            // What is wrong with a file that is no more is of no interest; the next look begins with the new one.
            Outcome::Failed(_) if seen.stamp != stamp => return false,
            Outcome::Failed(LoadError { cause, .. }) if cause.may_be_unfinished() && seen.may_be_unfinished() => {
                seen.waits(SETTLE);
                return true;
            }
            Outcome::Failed(LoadError { cause: Cause::Read(error), .. }) => {
                seen.waits(POLL);
                // The next look says whether it is gone.
                let is_there = error.kind() != io::ErrorKind::NotFound;
                if is_there && seen.cannot_be_read(&error) {
                    let error = LoadError { file: file.clone(), cause: Cause::Read(error) };
                    self.pending.settled(file, Settled::Failed(error));
                }
                return is_there;
            }
            Outcome::Failed(error) => Settled::Failed(error),
        };
        seen.note_handled(stamp);
        self.pending.settled(file, settled);
        true
    }

    /// Makes a catalog of what is known by now, unless it is better to wait for more.
    fn apply(&mut self) {
        if self.pending.is_empty() || self.loading > 0 && self.not_before > Instant::now() {
            return;
        }
        let began = Instant::now();
        let precedence = if self.start.is_some() { Precedence::ByName } else { Precedence::Served };
        let changed = self.host.change(self.pending.take(precedence));
        if changed.has_freed {
            // A new version may have left routes that others wanted.
            match &mut self.start {
                Some(start) => start.wants_retry = true,
                None => drop(self.retry_refused()),
            }
        }
        for refusal in changed.refused {
            if let Some(seen) = self.files.get_mut(&refusal.file) {
                seen.is_refused = matches!(refusal.reason, Reason::Conflict(_) | Reason::NameTaken { .. });
            }
        }
        self.not_before = Instant::now() + (began.elapsed() * PACE).min(MAX_PAUSE);
    }

    fn retry_refused(&mut self) -> Vec<PathBuf> {
        let refused = self.files.iter_mut().filter(|(_, seen)| seen.is_refused);
        refused
            .map(|(file, seen)| {
                seen.tries_again();
                file.clone()
            })
            .collect()
    }

    /// Tells what is not loaded yet of what was there at first, and ends the start when it is time.
    fn advance_start(&mut self) {
        if self.start.is_none() && self.first.is_empty() {
            return;
        }
        let now = Instant::now();
        self.first.retain(|file, state| match self.files.get(file) {
            Some(seen) if seen.is_settled() => false,
            Some(seen) => {
                *state = match seen.settles_at() <= now {
                    _ if seen.is_loading => State::Loading,
                    _ if !seen.is_there => State::Unread,
                    true => State::Loading,
                    false => State::Unsettled,
                };
                true
            }
            None => *state == State::Unread,
        });
        let is_loading = self.first.values().any(|state| *state == State::Loading);
        if let Some(start) = &mut self.start
            && !is_loading
            && self.pending.is_empty()
        {
            if std::mem::take(&mut start.wants_retry) {
                let refused = self.retry_refused();
                self.first.extend(refused.into_iter().map(|file| (file, State::Loading)));
                self.begin();
            }
            if let Some(start) = &self.start
                && !self.first.values().any(|state| *state == State::Loading)
                && (self.first.is_empty() || start.began.elapsed() >= PATIENCE)
            {
                self.start = None;
                self.awaited.set(self.first.clone());
                self.started.send_replace(true);
                // What told of all plugins took the most.
                give_back();
                return;
            }
        }
        self.awaited.set(self.first.clone());
    }
}

/// Reads the file, and loads it if it is another than the one that serves.
fn load(host: &Host, file: &Path, stamp: Stamp, is_asleep: bool) -> Outcome {
    let bytes = load::read(file);
    // Bytes of a file that changed meanwhile may be half old and half new.
    if Stamp::of(file).is_ok_and(|now| now != Some(stamp)) {
        return Outcome::Changed;
    }
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(cause) => return Outcome::Failed(LoadError { file: file.to_owned(), cause }),
    };
    if serving(&host.catalog(), file).is_some_and(|serving| serving.size == bytes.len()) {
        let digest = Sha256::digest(&bytes).into();
        if is_serving(host, file, &digest) {
            return Outcome::Same(digest);
        }
    }
    match load::listed(&host.loader, file, &bytes) {
        Ok(plugin) => Outcome::Loaded(Box::new(if is_asleep { plugin.asleep() } else { plugin })),
        Err(error) => Outcome::Failed(error),
    }
}

/// What serves of that file.
fn serving<'c>(catalog: &'c Catalog, file: &Path) -> Option<&'c Arc<Listed>> {
    let serving = catalog.entries().get(load::name_of(file)?)?.serving.as_ref();
    serving.filter(|serving| serving.file == file)
}

fn is_serving(host: &Host, file: &Path, digest: &[u8; 32]) -> bool {
    serving(&host.catalog(), file).is_some_and(|serving| serving.digest == *digest)
}

/// Gives memory back to the system that loading needed and that the allocator holds: of thousands of plugins it is more
/// than what stays.
fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes any number, and changes nothing that is in use.
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}
