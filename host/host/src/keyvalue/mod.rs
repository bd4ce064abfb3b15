//! The storage behind `wasi:keyvalue` (`store` and `atomics`): one redb file for every plugin.
//!
//! A file of its own isolates a plugin from the others and gives it a writer of its own, since
//! redb has one writer a file. This module knows redb and tokio, not wasmtime.
//!
//! **Writes** are acknowledged after the commit that holds them has been fsynced. An fsync takes
//! far longer than a write, so the writes that arrive during one commit wait in a queue and share
//! the next: one transaction, one fsync, answers in the order of arrival. While nothing is
//! written there is no task and no thread; the first write starts one, which ends when the queue
//! is empty. A write whose caller has gone (the client left) still happens.
//!
//! **Reads** see every acknowledged write. redb's readers never wait for its writer.
//!
//! **Counters** are decimal text, as in wasmtime's own in-memory host: `increment` of a key that
//! `set` gave the value `41` answers 42, and `get` then reads `42`.
//!
//! **Failures** of the disk or of the file are values. They close the file; the next use opens
//! it again, which is where redb repairs, but at most once in [`RETRY_AFTER`].
//!
//! **A full disk** is no failure of the file: what would make a store larger is refused, before redb writes; reads go on,
//! and so does what makes it smaller. See `disk`.
//!
//! **What is not used** is closed after a while (`keyvalue.idle_s`), and sooner when too many are open ([`MAX_OPEN`]).

mod commit;
mod disk;
mod file;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use redb::Database;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use commit::StoreChange;
use file::File;
pub use file::RETRY_AFTER;

/// The longest key, in bytes of UTF-8. The shortest has one.
pub const MAX_KEY_BYTES: usize = 1024;

/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1 << 20;

/// What an entry counts for beside its key and value: about what redb and the index of keys need
/// for it, so that a million tiny entries do not fill the disk while they count for nothing.
pub const ENTRY_BYTES: u64 = 64;

/// The most keys in one page of [`Store::list_keys`].
pub const PAGE_KEYS: usize = 1000;

/// The most bytes of keys in one page of [`Store::list_keys`].
pub const PAGE_BYTES: usize = 64 << 10;

/// The longest name of a plugin, in bytes: with the ending it fits any file system.
const MAX_NAME_BYTES: usize = 128;

/// The most a store's queued writes may hold, in bytes as the store counts them. It also bounds
/// one transaction. Further writers wait, first come, first served.
const QUEUE_BYTES: usize = 8 << 20;

/// The most writes in one transaction, so that the first of them does not wait for too many.
const BATCH_WRITES: usize = 1024;

/// Bytes of the pages that a write takes beside those of its value: of three trees, some levels deep.
const PAGES_OF_A_WRITE: usize = 16 * disk::PAGE as usize;

/// The most files that are open at once, but for those that are opened in the same moment. When there are more, the one
/// that was not used for the longest time is closed. It bounds descriptors, and memory to 2 GiB where all are large.
pub const MAX_OPEN: usize = 128;

/// How many threads of the blocking pool all stores together may take, of its 512: on a disk that does not answer they
/// hang, and what else needs a thread must not.
const THREADS: usize = 128;

/// How many threads of the blocking pool one store's reads may take (opening and paging), so that
/// a store under repair cannot starve the others of threads.
const READERS: usize = 4;

/// Why a store did not do what it was asked. The messages name the bound and what was found.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The plugin's name cannot be a file name.
    #[error("invalid store name {name:?}: expected 1 to {MAX_NAME_BYTES} of A-Z a-z 0-9 . _ - and no dot first")]
    Name { name: String },
    /// The key is empty or longer than [`MAX_KEY_BYTES`].
    #[error("expected a key of 1 to {MAX_KEY_BYTES} bytes, found {found}")]
    KeySize { found: usize },
    /// The value is longer than [`MAX_VALUE_BYTES`].
    #[error("key {key:?}: expected a value of at most {MAX_VALUE_BYTES} bytes, found {found}")]
    ValueSize { key: String, found: usize },
    /// The write would make the store larger than it may be.
    #[error(
        "key {key:?}: the store is full: expected at most {max} bytes (keys, values and {ENTRY_BYTES} for each entry), found {needed} with this write"
    )]
    Full { key: String, max: u64, needed: u64 },
    /// The value to increment is not a number.
    #[error("key {key:?}: expected a whole number in decimal text to increment, found {found}")]
    NotANumber { key: String, found: String },
    /// The incremented value would not fit 64 bits.
    #[error("key {key:?}: {found} plus {delta} exceeds {}", u64::MAX)]
    Overflow { key: String, found: u64, delta: u64 },
    /// The file cannot be opened, read or written: locked by another process, damaged, disk full.
    #[error("{}: {source}", path.display())]
    Storage { path: PathBuf, source: Arc<redb::Error> },
    /// The disk has no room for what would make the store larger. Nothing has changed.
    #[error("{}: the disk is full; free some space, or delete keys", path.display())]
    NoRoom { path: PathBuf },
}

impl Error {
    /// The message for the guest: the whole of it where the guest's own call is at fault, else
    /// nothing about the host's disk, which is for the log.
    pub fn for_guest(&self) -> String {
        match self {
            Error::Name { .. } | Error::Storage { .. } => "the host's storage is not available".to_owned(),
            Error::NoRoom { .. } => "the host's storage is full".to_owned(),
            fault => fault.to_string(),
        }
    }
}

/// The stores of all plugins, each opened when it is used. Cheap to clone.
///
/// A store outlives its plugin's replacement and unloading: the new one finds its data.
#[derive(Clone)]
pub struct Stores(Arc<Folder>);

struct Folder {
    path: PathBuf,
    max_bytes: u64,
    /// Where a plugin's store may hold something else.
    exceptions: HashMap<String, u64>,
    stores: Mutex<HashMap<String, Store>>,
    idle: Duration,
    max_open: usize,
    /// How many files are open.
    open: Arc<AtomicUsize>,
    threads: Arc<Semaphore>,
    /// Whether somebody looks for what is idle. Changes under the lock of `stores`.
    sweeping: AtomicBool,
}

impl Stores {
    /// The stores in `<data>/keyvalue/`. Nothing is touched on disk until one is opened.
    ///
    /// Each may hold `max_bytes`, the sum of its keys and values and of [`ENTRY_BYTES`] for each
    /// entry. A store that already holds more keeps it, and can be read, deleted from and
    /// overwritten with less. The file may take two or three times as much, since redb never
    /// overwrites what a reader may still see. `exceptions` has plugins whose stores may hold something else.
    ///
    /// A file that was not used for `idle` is closed. Where `idle` is under a millisecond, that is one.
    pub fn new(data: &Path, max_bytes: u64, exceptions: HashMap<String, u64>, idle: Duration) -> Stores {
        Stores::bounded(data, max_bytes, exceptions, idle, MAX_OPEN)
    }

    fn bounded(
        data: &Path,
        max_bytes: u64,
        exceptions: HashMap<String, u64>,
        idle: Duration,
        max_open: usize,
    ) -> Stores {
        Stores(Arc::new(Folder {
            path: data.join("keyvalue"),
            max_bytes,
            exceptions,
            stores: Mutex::default(),
            idle: idle.max(Duration::from_millis(1)),
            max_open,
            open: Arc::default(),
            threads: Arc::new(Semaphore::new(THREADS)),
            sweeping: AtomicBool::new(false),
        }))
    }

    /// The store of one plugin, its file created and opened if it is not yet, off the async
    /// threads.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] for a name that cannot be a file name, so none leads out of the folder;
    /// [`Error::Storage`] if the file cannot be opened; [`Error::NoRoom`] if it cannot be created.
    pub async fn open(&self, plugin: &str) -> Result<Store, Error> {
        if !is_file_name(plugin) {
            return Err(Error::Name { name: plugin.chars().take(MAX_NAME_BYTES).collect() });
        }
        let folder = &self.0;
        let store = {
            let mut stores = lock(&folder.stores);
            if !folder.sweeping.swap(true, Ordering::Relaxed) {
                tokio::spawn(sweep(Arc::downgrade(folder), folder.idle));
            }
            let found = stores.get(plugin).cloned();
            found.unwrap_or_else(|| {
                let max_bytes = folder.exceptions.get(plugin).copied().unwrap_or(folder.max_bytes);
                let store = Store::new(folder, &format!("{plugin}.redb"), max_bytes);
                stores.insert(plugin.to_owned(), store.clone());
                store
            })
        };
        if store.0.file.used().is_none() && folder.open.load(Ordering::Relaxed) >= folder.max_open {
            folder.close_those(folder.in_excess(1)).await;
        }
        store.read(|_| Ok(())).await?;
        Ok(store)
    }

    /// Closes every file, after the commit it is in. To be called when the host shuts down: a file
    /// that was not closed is read from end to end when it is opened next, to verify it (under a
    /// second for 256 MiB).
    ///
    /// A store that is used afterwards opens again.
    pub async fn close(&self) {
        for store in self.0.all() {
            // Fails only when the runtime is gone, and with it the files.
            let _ = tokio::task::spawn_blocking(move || store.0.file.close()).await;
        }
    }
}

impl Folder {
    fn all(&self) -> Vec<Store> {
        lock(&self.stores).values().cloned().collect()
    }

    /// The open ones that are too many, with so many `more`: those that were not used for the longest time.
    fn in_excess(&self, more: usize) -> Vec<Store> {
        let open = self.all().into_iter().filter_map(|store| Some((store.0.file.used()?, store)));
        let mut open: Vec<(Instant, Store)> = open.collect();
        open.sort_by_key(|(used, _)| *used);
        open.truncate((open.len() + more).saturating_sub(self.max_open));
        open.into_iter().map(|(_, store)| store).collect()
    }

    async fn close_those(&self, stores: Vec<Store>) {
        for store in stores {
            let Ok(turn) = self.threads.clone().acquire_owned().await else { return };
            let closing = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                store.0.file.close();
            });
            // Fails only when the runtime is gone.
            let _ = closing.await;
        }
    }
}

/// Closes what is idle, as long as any is open or in use.
async fn sweep(folder: Weak<Folder>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / 2).await;
        let Some(folder) = folder.upgrade() else { return };
        let is_idle = |store: &Store| store.0.file.used().is_some_and(|used| used.elapsed() >= idle);
        let idle = folder.all().into_iter().filter(is_idle).collect();
        folder.close_those(idle).await;
        folder.close_those(folder.in_excess(0)).await;
        let mut stores = lock(&folder.stores);
        // What nobody else has is made again when it is asked for.
        stores.retain(|_, store| Arc::strong_count(&store.0) > 1 || store.0.file.used().is_some());
        if stores.is_empty() {
            folder.sweeping.store(false, Ordering::Relaxed);
            return;
        }
    }
}

/// Allowed are `[A-Za-z0-9._-]`, no dot first: a name without separators that is neither `.` nor
/// `..` nor hidden.
fn is_file_name(plugin: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_NAME_BYTES).contains(&plugin.len()) && !plugin.starts_with('.') && plugin.bytes().all(allowed)
}

/// A page of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most [`PAGE_KEYS`] keys of at most [`PAGE_BYTES`] bytes together, oldest first.
    pub keys: Vec<String>,
    /// Where the next page begins; none after the last.
    pub cursor: Option<u64>,
}

/// The store of one plugin. Cheap to clone; every clone is the same store.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    file: File,
    max_bytes: u64,
    queue: Mutex<Queue>,
    queue_bytes: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    /// Of all stores.
    threads: Arc<Semaphore>,
    /// When the file could not get longer the last time.
    full: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Write>,
    /// Whether a thread is at work on the queue. It takes whatever is added meanwhile.
    draining: bool,
}

struct Write {
    change: StoreChange,
    /// Answers with the new value of a counter; of no meaning for the other changes.
    done: oneshot::Sender<Result<u64, Error>>,
    /// The write's share of [`QUEUE_BYTES`].
    _room: OwnedSemaphorePermit,
}

impl Store {
    /// The value of a key, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`], [`Error::Storage`].
    pub async fn get(&self, key: String) -> Result<Option<Vec<u8>>, Error> {
        check_key(&key)?;
        self.read(move |database| commit::get(database, &key)).await
    }

    /// Whether a key has a value.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`], [`Error::Storage`].
    pub async fn exists(&self, key: String) -> Result<bool, Error> {
        check_key(&key)?;
        self.read(move |database| commit::exists(database, &key)).await
    }

    /// Gives a key a value, new or instead of the old one.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`], [`Error::ValueSize`], [`Error::Full`], [`Error::NoRoom`]: nothing has changed.
    /// [`Error::Storage`]: the change may have happened or not.
    pub async fn set(&self, key: String, value: Vec<u8>) -> Result<(), Error> {
        check_key(&key)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(Error::ValueSize { key, found: value.len() });
        }
        self.write(StoreChange::Set { key, value }).await.map(drop)
    }

    /// Removes a key and its value; a key that is not there is no error.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`], [`Error::NoRoom`]: nothing has changed. [`Error::Storage`]: the change may have happened or not.
    pub async fn delete(&self, key: String) -> Result<(), Error> {
        check_key(&key)?;
        self.write(StoreChange::Delete { key }).await.map(drop)
    }

    /// Adds to a counter, atomically, and answers its new value. A key that is not there counts
    /// from 0.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`], [`Error::NotANumber`], [`Error::Overflow`], [`Error::Full`], [`Error::NoRoom`]: nothing has
    /// changed. [`Error::Storage`]: the change may have happened or not.
    pub async fn increment(&self, key: String, delta: u64) -> Result<u64, Error> {
        check_key(&key)?;
        self.write(StoreChange::Increment { key, delta }).await
    }

    /// A page of the keys, in the order they were created.
    ///
    /// The cursor is the creation number of the page's first key, and no number is given twice.
    /// So a key that is there from the first page to the last is listed exactly once, whatever is
    /// created or deleted meanwhile, and a page costs the same wherever it begins. Any number is a
    /// cursor; one beyond the last key answers an empty page.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub async fn list_keys(&self, cursor: Option<u64>) -> Result<Page, Error> {
        let start = cursor.unwrap_or(0);
        // Many blocks of the file, other than a single get.
        self.read_elsewhere(move |database| commit::list_keys(database, start)).await
    }

    /// Reads on this thread if the file is open: a few blocks, nearly always in memory, in about
    /// 2 µs, where another thread's answer takes 30.
    async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Database) -> Result<T, redb::Error> + Send + 'static,
    {
        match self.0.file.reading_if_open(&work) {
            Some(answer) => Ok(answer),
            None => self.read_elsewhere(work).await,
        }
    }

    /// Reads on a thread that may block, opening the file if need be.
    async fn read_elsewhere<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Database) -> Result<T, redb::Error> + Send + 'static,
    {
        let store = self.0.clone();
        // Moved into the thread, which goes on if the caller does not.
        let turn = self.0.readers.clone().acquire_owned().await;
        let thread = self.0.threads.clone().acquire_owned().await;
        let work = move || {
            let _turn = (turn, thread);
            store.file.reading(work)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| self.0.file.stopped())?
    }

    /// Queues a change and waits until it is durable.
    async fn write(&self, change: StoreChange) -> Result<u64, Error> {
        let stopped = || self.0.file.stopped();
        let permits = room(&change);
        let queue = self.0.queue_bytes.clone();
        let room = queue.acquire_many_owned(permits).await;
        let (done, answer) = oneshot::channel();
        let write = Write { change, done, _room: room.map_err(|_| stopped())? };
        let begins = {
            let mut queue = lock(&self.0.queue);
            queue.waiting.push_back(write);
            !std::mem::replace(&mut queue.draining, true)
        };
        if begins {
            let store = self.clone();
            let drain = |thread| {
                tokio::task::spawn_blocking(move || {
                    let _thread = thread;
                    store.drain();
                })
            };
            match self.0.threads.clone().try_acquire_owned() {
                Ok(thread) => drop(drain(thread)),
                Err(_) => {
                    // In a task of its own: whoever began may leave, and others rely on it.
                    let threads = self.0.threads.clone();
                    tokio::spawn(async move { threads.acquire_owned().await.map(drain) });
                }
            }
        }
        answer.await.map_err(|_| stopped())?
    }

    /// Commits batch after batch until the queue is empty. Blocks.
    fn drain(&self) {
        loop {
            let batch: Vec<Write> = {
                let mut queue = lock(&self.0.queue);
                let writes = queue.waiting.len().min(BATCH_WRITES);
                if writes == 0 {
                    queue.draining = false;
                    return;
                }
                queue.waiting.drain(..writes).collect()
            };
            let answers = self.0.commit(&batch);
            // A caller that has gone does not hear the answer, which is no error.
            match answers {
                Ok(answers) => {
                    for (write, answer) in batch.into_iter().zip(answers) {
                        let _ = write.done.send(answer);
                    }
                }
                Err(error) => {
                    for write in batch {
                        let _ = write.done.send(Err(error.clone()));
                    }
                }
            }
        }
    }
}

impl Shared {
    /// One answer for each write, all of them durable. Blocks.
    ///
    /// Where the disk has no room for all of them, those that do not make the store larger are made without the others,
    /// at last one by one, since many at once take more room than one.
    fn commit(&self, batch: &[Write]) -> Result<Vec<Result<u64, Error>>, Error> {
        if let Some(answers) = self.attempt(batch, None)? {
            return Ok(answers);
        }
        if self.lengthen(batch)
            && let Some(answers) = self.attempt(batch, None)?
        {
            return Ok(answers);
        }
        let refused = self.file.no_room();
        if let Some(answers) = self.attempt(batch, Some(&refused))? {
            return Ok(answers);
        }
        self.file.lengthen(0);
        let one = |write| {
            let answers = self.attempt(std::slice::from_ref(write), Some(&refused))?;
            Ok(answers.and_then(|mut answers| answers.pop()).unwrap_or_else(|| Err(refused.clone())))
        };
        batch.iter().map(one).collect()
    }

    fn attempt(&self, batch: &[Write], refused: Option<&Error>) -> Result<Option<Vec<Result<u64, Error>>>, Error> {
        self.file.using(|open| {
            let changes = batch.iter().map(|write| &write.change);
            commit::commit(&open.database, &open.disk, changes, self.max_bytes, refused)
        })
    }

    /// Makes the file longer by what the writes take. redb itself would double it, for which there is no room.
    fn lengthen(&self, batch: &[Write]) -> bool {
        let mut full = lock(&self.full);
        if full.is_some_and(|at| at.elapsed() < RETRY_AFTER) {
            return false;
        }
        let bytes: usize = batch.iter().map(|write| 4 * write.change.bytes() + PAGES_OF_A_WRITE).sum();
        let is_longer = self.file.lengthen(bytes as u64 + disk::kept(bytes as u64));
        *full = (!is_longer).then(Instant::now);
        is_longer
    }
}

impl Store {
    fn new(folder: &Folder, name: &str, max_bytes: u64) -> Store {
        Store(Arc::new(Shared {
            file: File::new(folder.path.join(name), folder.open.clone()),
            max_bytes,
            queue: Mutex::default(),
            queue_bytes: Arc::new(Semaphore::new(QUEUE_BYTES)),
            readers: Arc::new(Semaphore::new(READERS)),
            threads: folder.threads.clone(),
            full: Mutex::default(),
        }))
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    match key.len() {
        1..=MAX_KEY_BYTES => Ok(()),
        found => Err(Error::KeySize { found }),
    }
}

/// What a change takes of [`QUEUE_BYTES`]: at most a little more than [`MAX_VALUE_BYTES`].
fn room(change: &StoreChange) -> u32 {
    u32::try_from(change.bytes()).unwrap_or(u32::MAX / 2) + ENTRY_BYTES as u32
}

/// The lock's data, also after a panic of another holder: none leaves it half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
