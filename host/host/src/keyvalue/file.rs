//! The file of one store: opened when it is used, closed when it was not used for a while or fails, opened again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::Database;

use super::disk::{self, Disk};
use super::{Error, commit};

/// How long a store that failed answers with that failure before its file is opened again. To
/// open a damaged file reads all of it, which is too much for every request that asks.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// redb's page cache of one open store, in bytes; its own default of 1 GiB is meant for a program
/// with one database. What is not in it is most often in the kernel's cache.
const CACHE_BYTES: usize = 16 << 20;

/// How often something is tried that finds the file closed by others. Each time it was opened before.
const ATTEMPTS: usize = 100;

pub(super) struct File {
    path: PathBuf,
    /// Locked for reading while the database is used, for writing while it is opened or closed.
    state: RwLock<State>,
    /// When it was used last, in [`milliseconds`].
    used: AtomicU64,
    /// How often it was opened.
    opened: AtomicU64,
    /// How many files are open, of all stores.
    all_open: Arc<AtomicUsize>,
}

/// Before any use of a file.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time, in milliseconds since [`BEGAN`].
pub(super) fn milliseconds() -> u64 {
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

enum State {
    Closed,
    Open(Open),
    Failed { error: Error, at: Instant },
}

/// An open file.
pub(super) struct Open {
    pub(super) database: Database,
    pub(super) disk: Disk,
    /// How often the file had been opened before.
    number: u64,
    _counted: Counted,
}

/// One of the files that are open.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(all: &Arc<AtomicUsize>) -> Counted {
        all.fetch_add(1, Ordering::Relaxed);
        Counted(all.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl File {
    /// Counts itself in `all_open` while it is open.
    pub(super) fn new(path: PathBuf, all_open: Arc<AtomicUsize>) -> File {
        let (used, opened) = (AtomicU64::new(0), AtomicU64::new(0));
        File { path, state: RwLock::new(State::Closed), used, opened, all_open }
    }

    /// Reads the database, opening it if need be. Blocks.
    ///
    /// Every error of redb's closes the file: after an I/O error redb refuses whatever follows
    /// until it is opened again. Where that was a write's, the read goes on in the file that is opened next.
    pub(super) fn reading<T>(&self, work: impl Fn(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        loop {
            match self.using(|open| work(&open.database)) {
                Err(Error::Storage { source, .. }) if matches!(*source, redb::Error::PreviousIo) => {}
                outcome => return outcome,
            }
        }
    }

    /// Uses the database, opening it if need be. Blocks.
    pub(super) fn using<T>(&self, work: impl FnOnce(&Open) -> Result<T, redb::Error>) -> Result<T, Error> {
        for _ in 0..ATTEMPTS {
            self.open()?;
            self.touch();
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let (outcome, number) = match &*state {
                State::Open(open) => (without_panic(|| work(open)), open.number),
                // Since then, by another thread.
                State::Failed { error, .. } => return Err(error.clone()),
                State::Closed => continue,
            };
            drop(state);
            return outcome.map_err(|source| self.fail(source, number));
        }
        Err(self.stopped())
    }

    /// Reads the database if it is open, not about to be closed, and in memory as far as one can tell; `None` if not, or if
    /// that fails: then it is to be read by [`File::reading`]. Waits for no lock.
    pub(super) fn reading_if_open<T>(&self, work: impl Fn(&Database) -> Result<T, redb::Error>) -> Option<T> {
        match self.state.try_read().as_deref() {
            Ok(State::Open(open)) if !open.disk.is_cold() => {
                self.touch();
                without_panic(|| work(&open.database)).ok()
            }
            _ => None,
        }
    }

    /// Closes the file because of an error, which is the answer until it is opened again. Blocks.
    ///
    /// That is at once where nothing is wrong with the file: what failed was a write for which there was no room, or
    /// came after another failure, which told why.
    fn fail(&self, source: redb::Error, number: u64) -> Error {
        let at_once = match &source {
            redb::Error::Io(error) => disk::is_no_room(error),
            redb::Error::PreviousIo => true,
            _ => false,
        };
        let error = self.error(source);
        self.leave(if at_once { State::Closed } else { State::failed(&error) }, Some(number));
        error
    }

    /// Closes the file, after the commit it is in. Blocks.
    pub(super) fn close(&self) {
        self.leave(State::Closed, None);
    }

    /// When it was used last; `None` if it is not open. One that is about to be opened or closed counts as open.
    pub(super) fn used(&self) -> Option<Instant> {
        match self.state.try_read().as_deref() {
            Ok(State::Closed | State::Failed { .. }) => None,
            _ => Some(*BEGAN + Duration::from_millis(self.used.load(Ordering::Relaxed))),
        }
    }

    /// Makes the file longer by `bytes`, with room on the disk for all of that, and opens it again; without as many by
    /// what it kept. Whether redb has more of it now. Blocks, and so does whoever reads meanwhile.
    pub(super) fn lengthen(&self, bytes: u64) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(open) if bytes > 0 || open.disk.keeps_room() => {}
            _ => return false,
        }
        let State::Open(open) = std::mem::replace(&mut *state, State::Closed) else { return false };
        let before = open.disk.length();
        let _ = without_panic(|| {
            drop(open);
            Ok(())
        });
        let longer = || -> std::io::Result<()> {
            if bytes == 0 {
                return Ok(());
            }
            let file = std::fs::OpenOptions::new().read(true).write(true).open(&self.path)?;
            let length = file.metadata()?.len();
            disk::lengthen(&file, length, length + bytes / disk::PAGE * disk::PAGE)
        };
        if let Err(error) = longer() {
            tracing::debug!(file = %self.path.display(), %error, bytes, "a store's file does not get longer");
        }
        match self.open_again() {
            Ok(open) => {
                let is_longer = open.disk.length() > before;
                *state = State::Open(open);
                is_longer
            }
            Err(error) => {
                *state = State::failed(&error);
                false
            }
        }
    }

    /// The answer of work that was abandoned: the host is shutting down.
    pub(super) fn stopped(&self) -> Error {
        self.error(redb::Error::DatabaseClosed)
    }

    /// The answer of a write for which the disk has no room.
    pub(super) fn no_room(&self) -> Error {
        Error::NoRoom { path: self.path.clone() }
    }

    fn touch(&self) {
        let now = milliseconds();
        // Others read it as well: not written more often than it changes.
        if self.used.load(Ordering::Relaxed) != now {
            self.used.store(now, Ordering::Relaxed);
        }
    }

    fn open(&self) -> Result<(), Error> {
        if let State::Open(_) = *self.state.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(());
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(_) => return Ok(()),
            State::Failed { error, at } if at.elapsed() < RETRY_AFTER => return Err(error.clone()),
            State::Failed { .. } | State::Closed => {}
        }
        match self.open_again() {
            Ok(open) => {
                // Lest it is closed before it was used at all.
                self.touch();
                *state = State::Open(open);
                Ok(())
            }
            Err(error) => {
                *state = State::failed(&error);
                Err(error)
            }
        }
    }

    fn open_again(&self) -> Result<Open, Error> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let opened = without_panic(|| open_file(&self.path));
        let open = |(database, disk)| Open { database, disk, number, _counted: Counted::new(&self.all_open) };
        opened.map(open).map_err(|source| match source {
            redb::Error::Io(error) if disk::is_no_room(&error) => self.no_room(),
            source => self.error(source),
        })
    }

    /// Closes what is open, unless that was opened after the one of that number.
    fn leave(&self, next: State, number: Option<u64>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let (Some(number), State::Open(open)) = (number, &*state)
            && open.number != number
        {
            return;
        }
        if let (State::Closed, State::Failed { .. }) = (&next, &*state) {
            return;
        }
        let last = std::mem::replace(&mut *state, next);
        // Dropping the database closes the file: under the lock, lest it be opened meanwhile.
        let _ = without_panic(|| {
            drop(last);
            Ok(())
        });
    }

    fn error(&self, source: redb::Error) -> Error {
        Error::Storage { path: self.path.clone(), source: Arc::new(source) }
    }
}

impl State {
    fn failed(error: &Error) -> State {
        State::Failed { error: error.clone(), at: Instant::now() }
    }
}

/// redb trusts a file that was closed in order and documents that it may panic if something else
/// has changed it since. That must end neither the thread that commits nor a guest's call.
fn without_panic<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("no message");
        Err(redb::Error::Corrupted(format!("redb panicked: {text}")))
    })
}

/// Opens the file, creating it with its folder and tables. Blocks, for long if it needs repair.
fn open_file(path: &Path) -> Result<(Database, Disk), redb::Error> {
    let disk = Disk::new(create_file(path)?)?;
    let database = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(disk.clone())?;
    commit::prepare(&database)?;
    Ok((database, disk))
}

/// Opens the file, an empty one for redb to fill if there is none. What plugins store may be
/// confidential: folder and file are for the host's user alone.
fn create_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut file = std::fs::OpenOptions::new();
    file.read(true).write(true);
    if path.exists() {
        return file.open(path);
    }
    let mut folder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    folder.recursive(true).create(parent)?;
    let file = file.create(true).truncate(false).open(path)?;
    // A new file or folder is durable once the folder that names it is. The one that holds the
    // data folder may not be ours to open.
    #[cfg(unix)]
    for (above, folder) in parent.ancestors().take(3).enumerate() {
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        if above == 0 {
            synced?;
        }
    }
    Ok(file)
}
