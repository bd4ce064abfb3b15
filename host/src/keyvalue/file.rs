//! The file of one store: opened when it is first used, closed when it fails, opened again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::Database;

use super::{Error, commit};

/// How long a store that failed answers with that failure before its file is opened again. To
/// open a damaged file reads all of it, which is too much for every request that asks.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// redb's page cache of one open store, in bytes; its own default of 1 GiB is meant for a program
/// with one database. What is not in it is most often in the kernel's cache.
const CACHE_BYTES: usize = 16 << 20;

pub(super) struct File {
    path: PathBuf,
    /// Locked for reading while the database is used, for writing while it is opened or closed.
    state: RwLock<State>,
}

enum State {
    Closed,
    Open(Database),
    Failed { error: Error, at: Instant },
}

impl File {
    pub(super) fn new(path: PathBuf) -> File {
        File { path, state: RwLock::new(State::Closed) }
    }

    /// Uses the database, opening it if need be. Blocks.
    ///
    /// Every error of redb's closes the file: after an I/O error redb refuses whatever follows
    /// until it is opened again.
    pub(super) fn using<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        self.open()?;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let outcome = match &*state {
            State::Open(database) => without_panic(|| work(database)),
            // Since then, by another thread.
            State::Failed { error, .. } => return Err(error.clone()),
            State::Closed => return Err(self.stopped()),
        };
        drop(state);
        outcome.map_err(|source| self.fail(source))
    }

    /// Uses the database if it is open and not about to be closed; else gives the work back.
    /// Waits for no lock. After an error the caller owes the file a [`File::fail`].
    pub(super) fn using_if_open<T, F>(&self, work: F) -> Result<Result<T, redb::Error>, F>
    where
        F: FnOnce(&Database) -> Result<T, redb::Error>,
    {
        match self.state.try_read().as_deref() {
            Ok(State::Open(database)) => Ok(without_panic(|| work(database))),
            _ => Err(work),
        }
    }

    /// Closes the file because of an error, which is the answer until it is opened again. Blocks.
    pub(super) fn fail(&self, source: redb::Error) -> Error {
        let error = self.error(source);
        self.leave(State::failed(&error));
        error
    }

    /// Closes the file, after the commit it is in. Blocks.
    pub(super) fn close(&self) {
        self.leave(State::Closed);
    }

    /// The answer of work that was abandoned: the host is shutting down.
    pub(super) fn stopped(&self) -> Error {
        self.error(redb::Error::DatabaseClosed)
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
        match without_panic(|| open_file(&self.path)) {
            Ok(database) => {
                *state = State::Open(database);
                Ok(())
            }
            Err(source) => {
                let error = self.error(source);
                *state = State::failed(&error);
                Err(error)
            }
        }
    }

    fn leave(&self, next: State) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
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
fn open_file(path: &Path) -> Result<Database, redb::Error> {
    create_file(path)?;
    let database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
    commit::prepare(&database)?;
    Ok(database)
}

/// Creates an empty file for redb to fill, if there is none. What plugins store may be
/// confidential: folder and file are for the host's user alone.
fn create_file(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut folder = std::fs::DirBuilder::new();
    let mut file = std::fs::OpenOptions::new();
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    folder.recursive(true).create(parent)?;
    file.write(true).create(true).truncate(false).open(path)?;
    // A new file or folder is durable once the folder that names it is. The one that holds the
    // data folder may not be ours to open.
    #[cfg(unix)]
    for (above, folder) in parent.ancestors().take(3).enumerate() {
        let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        if above == 0 {
            synced?;
        }
    }
    Ok(())
}
