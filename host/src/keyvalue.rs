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

mod commit;
mod file;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::Database;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use commit::Change;
use file::File;
pub use file::RETRY_AFTER;

/// The longest key, in bytes of UTF-8. The shortest has one.
pub const MAX_KEY_BYTES: usize = 1024;

/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1 << 20;

/// How much a store may hold unless the operator says otherwise, in bytes as [`Stores::new`]
/// counts them.
pub const DEFAULT_MAX_BYTES: u64 = 256 << 20;

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

/// How many threads of the blocking pool one store's reads may take (opening and paging), so that
/// a store under repair cannot starve the others of threads.
const READERS: usize = 4;

/// Why a store did not do what it was asked. The messages name the bound and what was found.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The plugin's name cannot be a file name.
    #[error("a store cannot be named {name:?}: wanted 1 to {MAX_NAME_BYTES} of A-Z a-z 0-9 . _ - and no dot first")]
    Name { name: String },
    /// The key is empty or longer than [`MAX_KEY_BYTES`].
    #[error("a key has 1 to {MAX_KEY_BYTES} bytes, found {found}")]
    KeySize { found: usize },
    /// The value is longer than [`MAX_VALUE_BYTES`].
    #[error("a value has at most {MAX_VALUE_BYTES} bytes, found {found} for key {key:?}")]
    ValueSize { key: String, found: usize },
    /// The write would make the store larger than it may be.
    #[error(
        "the store holds at most {max} bytes (keys, values and {ENTRY_BYTES} for each entry), with key {key:?} it would hold {wanted}"
    )]
    Full { key: String, max: u64, wanted: u64 },
    /// The value to increment is not a number.
    #[error("to be incremented, key {key:?} must hold a whole number in decimal text, found {found}")]
    NotANumber { key: String, found: String },
    /// The incremented value would not fit 64 bits.
    #[error("key {key:?} holds {found}, plus {delta} exceeds {}", u64::MAX)]
    Overflow { key: String, found: u64, delta: u64 },
    /// The file cannot be opened, read or written: locked by another process, damaged, disk full.
    #[error("{}: {source}", path.display())]
    Storage { path: PathBuf, source: Arc<redb::Error> },
}

impl Error {
    /// The message for the guest: the whole of it where the guest's own call is at fault, else
    /// nothing about the host's disk, which is for the log.
    pub fn for_guest(&self) -> String {
        match self {
            Error::Name { .. } | Error::Storage { .. } => "the host's storage is not available".to_owned(),
            fault => fault.to_string(),
        }
    }
}

/// The stores of all plugins, each opened once, when first asked for. Cheap to clone.
///
/// A store stays open when its plugin is replaced or unloaded: the new one finds its data.
#[derive(Clone)]
pub struct Stores(Arc<Folder>);

struct Folder {
    path: PathBuf,
    max_bytes: u64,
    stores: Mutex<HashMap<String, Store>>,
}

impl Stores {
    /// The stores in `<data>/keyvalue/`. Nothing is touched on disk until one is opened.
    ///
    /// Each may hold `max_bytes`, the sum of its keys and values and of [`ENTRY_BYTES`] for each
    /// entry. A store that already holds more keeps it, and can be read, deleted from and
    /// overwritten with less. The file may take two or three times as much, since redb never
    /// overwrites what a reader may still see.
    pub fn new(data: &Path, max_bytes: u64) -> Stores {
        Stores(Arc::new(Folder { path: data.join("keyvalue"), max_bytes, stores: Mutex::new(HashMap::new()) }))
    }

    /// The store of one plugin, its file created and opened if it is not yet, off the async
    /// threads.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] for a name that cannot be a file name, so none leads out of the folder;
    /// [`Error::Storage`] if the file cannot be opened.
    pub async fn open(&self, plugin: &str) -> Result<Store, Error> {
        if !is_file_name(plugin) {
            return Err(Error::Name { name: plugin.chars().take(MAX_NAME_BYTES).collect() });
        }
        let store = lock(&self.0.stores)
            .entry(plugin.to_owned())
            .or_insert_with(|| Store::new(self.0.path.join(format!("{plugin}.redb")), self.0.max_bytes))
            .clone();
        store.read(|_| Ok(())).await?;
        Ok(store)
    }

    /// Closes every file, after the commit it is in. To be called when the host shuts down: a file
    /// that was not closed is read from end to end when it is opened next, to verify it (under a
    /// second for 256 MiB).
    ///
    /// A store that is used afterwards opens again.
    pub async fn close(&self) {
        let stores: Vec<Store> = lock(&self.0.stores).values().cloned().collect();
        for store in stores {
            // Fails only when the runtime is gone, and with it the files.
            let _ = tokio::task::spawn_blocking(move || store.0.file.close()).await;
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
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Write>,
    /// Whether a thread is at work on the queue. It takes whatever is added meanwhile.
    draining: bool,
}

struct Write {
    change: Change,
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
    /// [`Error::KeySize`], [`Error::ValueSize`], [`Error::Full`]: nothing has changed.
    /// [`Error::Storage`]: the change may have happened or not.
    pub async fn set(&self, key: String, value: Vec<u8>) -> Result<(), Error> {
        check_key(&key)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(Error::ValueSize { key, found: value.len() });
        }
        self.write(Change::Set { key, value }).await.map(drop)
    }

    /// Removes a key and its value; a key that is not there is no error.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`]; [`Error::Storage`]: the change may have happened or not.
    pub async fn delete(&self, key: String) -> Result<(), Error> {
        check_key(&key)?;
        self.write(Change::Delete { key }).await.map(drop)
    }

    /// Adds to a counter, atomically, and answers its new value. A key that is not there counts
    /// from 0.
    ///
    /// # Errors
    ///
    /// [`Error::KeySize`], [`Error::NotANumber`], [`Error::Overflow`], [`Error::Full`]: nothing has
    /// changed. [`Error::Storage`]: the change may have happened or not.
    pub async fn increment(&self, key: String, delta: u64) -> Result<u64, Error> {
        check_key(&key)?;
        self.write(Change::Increment { key, delta }).await
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
        F: FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    {
        match self.0.file.using_if_open(work) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => {
                let store = self.0.clone();
                self.elsewhere(move || Err(store.file.fail(source))).await
            }
            Err(work) => self.read_elsewhere(work).await,
        }
    }

    /// Reads on a thread that may block, opening the file if need be.
    async fn read_elsewhere<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    {
        let store = self.0.clone();
        // Moved into the thread, which goes on if the caller does not.
        let turn = self.0.readers.clone().acquire_owned().await;
        self.elsewhere(move || {
            let _turn = turn;
            store.file.using(work)
        })
        .await
    }

    async fn elsewhere<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let ended = |_| self.0.file.stopped();
        tokio::task::spawn_blocking(work).await.map_err(ended)?
    }

    /// Queues a change and waits until it is durable.
    async fn write(&self, change: Change) -> Result<u64, Error> {
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
            tokio::task::spawn_blocking(move || store.drain());
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
            let answers = self.0.file.using(|database| {
                let changes = batch.iter().map(|write| &write.change);
                commit::commit(database, changes, self.0.max_bytes)
            });
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

impl Store {
    fn new(path: PathBuf, max_bytes: u64) -> Store {
        Store(Arc::new(Shared {
            file: File::new(path),
            max_bytes,
            queue: Mutex::default(),
            queue_bytes: Arc::new(Semaphore::new(QUEUE_BYTES)),
            readers: Arc::new(Semaphore::new(READERS)),
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
fn room(change: &Change) -> u32 {
    let bytes = match change {
        Change::Set { key, value } => key.len() + value.len(),
        Change::Delete { key } | Change::Increment { key, .. } => key.len(),
    };
    u32::try_from(bytes).unwrap_or(u32::MAX / 2) + ENTRY_BYTES as u32
}

/// The lock's data, also after a panic of another holder: none leaves it half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A folder that is removed when the test ends.
    struct Data(PathBuf);

    impl Data {
        fn new() -> Data {
            static NUMBER: AtomicUsize = AtomicUsize::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("witapi-keyvalue-{}-{number}", std::process::id());
            Data(std::env::temp_dir().join(name))
        }

        fn stores(&self) -> Stores {
            Stores::new(&self.0, DEFAULT_MAX_BYTES)
        }

        fn file(&self, plugin: &str) -> PathBuf {
            self.0.join("keyvalue").join(format!("{plugin}.redb"))
        }
    }

    impl Drop for Data {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn key(text: &str) -> String {
        text.to_owned()
    }

    async fn set(store: &Store, name: &str, value: &str) {
        store.set(key(name), value.into()).await.unwrap();
    }

    async fn get(store: &Store, name: &str) -> Option<String> {
        let value = store.get(key(name)).await.unwrap();
        value.map(|value| String::from_utf8(value).unwrap())
    }

    /// All keys, page by page, and the number of pages.
    async fn all_keys(store: &Store) -> (Vec<String>, usize) {
        let (mut keys, mut pages, mut cursor) = (Vec::new(), 0, None);
        loop {
            let page = store.list_keys(cursor).await.unwrap();
            assert!(page.keys.len() <= PAGE_KEYS);
            assert!(page.keys.iter().map(String::len).sum::<usize>() <= PAGE_BYTES);
            keys.extend(page.keys);
            pages += 1;
            cursor = page.cursor;
            if cursor.is_none() {
                return (keys, pages);
            }
        }
    }

    /// Many writes at once, to fill a store in few commits.
    async fn set_keys(store: &Store, names: impl Iterator<Item = String>) {
        let mut writes = tokio::task::JoinSet::new();
        for name in names {
            let store = store.clone();
            writes.spawn(async move { store.set(name, b"x".to_vec()).await });
        }
        while let Some(written) = writes.join_next().await {
            written.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_set_is_read_overwritten_and_deleted() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        assert_eq!(get(&store, "a").await, None);
        assert!(!store.exists(key("a")).await.unwrap());
        set(&store, "a", "1").await;
        set(&store, "\u{1f980}", "crab").await;
        assert_eq!(get(&store, "a").await.as_deref(), Some("1"));
        assert_eq!(get(&store, "\u{1f980}").await.as_deref(), Some("crab"));
        set(&store, "a", "").await;
        assert_eq!(get(&store, "a").await.as_deref(), Some(""));
        assert!(store.exists(key("a")).await.unwrap());
        store.delete(key("a")).await.unwrap();
        store.delete(key("a")).await.unwrap();
        assert_eq!(get(&store, "a").await, None);
        assert_eq!(all_keys(&store).await.0, ["\u{1f980}"]);
    }

    #[tokio::test]
    async fn plugins_do_not_see_each_other() {
        let data = Data::new();
        let stores = data.stores();
        let (a, b) = (stores.open("a").await.unwrap(), stores.open("b").await.unwrap());
        set(&a, "key", "of a").await;
        assert_eq!(get(&b, "key").await, None);
        set(&b, "key", "of b").await;
        b.delete(key("key")).await.unwrap();
        assert_eq!(get(&a, "key").await.as_deref(), Some("of a"));
    }

    #[tokio::test]
    async fn a_store_opened_twice_is_the_same_store() {
        let data = Data::new();
        let stores = data.stores();
        let (a, b) = tokio::join!(stores.open("todos"), stores.open("todos"));
        let (a, b) = (a.unwrap(), b.unwrap());
        set(&a, "key", "value").await;
        assert_eq!(get(&b, "key").await.as_deref(), Some("value"));
    }

    #[tokio::test]
    async fn data_and_counters_survive_reopening() {
        let data = Data::new();
        let stores = data.stores();
        let store = stores.open("todos").await.unwrap();
        set(&store, "a", "1").await;
        store.increment(key("n"), 41).await.unwrap();
        stores.close().await;
        drop((store, stores));

        let store = data.stores().open("todos").await.unwrap();
        assert_eq!(get(&store, "a").await.as_deref(), Some("1"));
        assert_eq!(store.increment(key("n"), 1).await.unwrap(), 42);
        set(&store, "b", "2").await;
        assert_eq!(all_keys(&store).await.0, ["a", "n", "b"]);
    }

    #[tokio::test]
    async fn a_closed_store_opens_again_when_it_is_used() {
        let data = Data::new();
        let stores = data.stores();
        let store = stores.open("todos").await.unwrap();
        set(&store, "a", "1").await;
        stores.close().await;
        assert_eq!(get(&store, "a").await.as_deref(), Some("1"));
        stores.close().await;
        set(&store, "a", "2").await;
        assert_eq!(get(&store, "a").await.as_deref(), Some("2"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn increments_of_64_tasks_add_up() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let store = store.clone();
            tasks.spawn(async move {
                for _ in 0..10 {
                    store.increment(key("n"), 3).await.unwrap();
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        assert_eq!(get(&store, "n").await.as_deref(), Some("1920"));
    }

    #[tokio::test]
    async fn writes_apply_in_the_order_of_arrival() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        let (a, b, c, d) = tokio::join!(
            store.set(key("n"), b"5".to_vec()),
            store.increment(key("n"), 2),
            store.delete(key("n")),
            store.increment(key("n"), 9),
        );
        assert_eq!((a.unwrap(), b.unwrap()), ((), 7));
        assert_eq!((c.unwrap(), d.unwrap()), ((), 9));
    }

    #[tokio::test]
    async fn a_counter_is_decimal_text_and_neither_wraps_nor_overwrites_text() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        set(&store, "n", "41").await;
        assert_eq!(store.increment(key("n"), 1).await.unwrap(), 42);
        assert_eq!(get(&store, "n").await.as_deref(), Some("42"));
        assert_eq!(store.increment(key("m"), u64::MAX).await.unwrap(), u64::MAX);
        let error = store.increment(key("m"), 1).await.unwrap_err();
        assert_eq!(error.to_string(), "key \"m\" holds 18446744073709551615, plus 1 exceeds 18446744073709551615");
        set(&store, "t", "ten").await;
        let error = store.increment(key("t"), 1).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "to be incremented, key \"t\" must hold a whole number in decimal text, found \"ten\" (3 bytes): invalid digit found in string"
        );
        store.set(key("t"), vec![0xff]).await.unwrap();
        assert!(store.increment(key("t"), 1).await.is_err());
        assert_eq!(store.get(key("t")).await.unwrap(), Some(vec![0xff]));
    }

    #[tokio::test]
    async fn a_write_that_fails_does_not_fail_those_it_shares_a_commit_with() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        set(&store, "t", "ten").await;
        let (a, b, c) = tokio::join!(
            store.set(key("a"), b"1".to_vec()),
            store.increment(key("t"), 1),
            store.set(key("c"), b"3".to_vec()),
        );
        assert!(a.is_ok() && b.is_err() && c.is_ok());
        assert_eq!(get(&store, "c").await.as_deref(), Some("3"));
    }

    #[tokio::test]
    async fn keys_and_values_up_to_their_bounds_are_stored_and_beyond_refused() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        let (longest, largest) = ("k".repeat(MAX_KEY_BYTES), vec![7; MAX_VALUE_BYTES]);
        store.set(longest.clone(), largest.clone()).await.unwrap();
        assert_eq!(store.get(longest.clone()).await.unwrap(), Some(largest));
        for wrong in [String::new(), longest + "k"] {
            let errors = [
                store.get(wrong.clone()).await.unwrap_err(),
                store.exists(wrong.clone()).await.unwrap_err(),
                store.delete(wrong.clone()).await.unwrap_err(),
                store.increment(wrong.clone(), 1).await.unwrap_err(),
                store.set(wrong.clone(), vec![]).await.unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.to_string(), format!("a key has 1 to 1024 bytes, found {}", wrong.len()));
            }
        }
        let error = store.set(key("k"), vec![0; MAX_VALUE_BYTES + 1]).await;
        assert_eq!(error.unwrap_err().to_string(), "a value has at most 1048576 bytes, found 1048577 for key \"k\"");
    }

    #[tokio::test]
    async fn a_full_store_refuses_growth_and_counts_what_is_freed() {
        let data = Data::new();
        // Room for two entries of 1 + 9 bytes.
        let stores = Stores::new(&data.0, 2 * (ENTRY_BYTES + 10));
        let store = stores.open("todos").await.unwrap();
        set(&store, "a", "123456789").await;
        set(&store, "b", "123456789").await;
        let error = store.set(key("b"), b"1234567890".to_vec()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store holds at most 148 bytes (keys, values and 64 for each entry), with key \"b\" it would hold 149"
        );
        assert!(store.increment(key("c"), 1).await.is_err());
        assert_eq!(get(&store, "b").await.as_deref(), Some("123456789"));
        set(&store, "b", "12345678").await;
        set(&store, "a", "1234567890").await;
        store.delete(key("b")).await.unwrap();
        store.increment(key("c"), 1).await.unwrap();
    }

    #[tokio::test]
    async fn a_store_over_a_bound_lowered_since_may_shrink() {
        let data = Data::new();
        let stores = data.stores();
        let store = stores.open("todos").await.unwrap();
        set(&store, "a", "123456789").await;
        stores.close().await;
        drop((store, stores));
        let store = Stores::new(&data.0, 10).open("todos").await.unwrap();
        set(&store, "a", "1").await;
        assert!(store.set(key("a"), b"12".to_vec()).await.is_err());
        store.delete(key("a")).await.unwrap();
        assert_eq!(all_keys(&store).await.0, [""; 0]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_of_keys_hold_every_key_once() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        assert_eq!(all_keys(&store).await, (vec![], 1));
        let names: Vec<String> = (0..2500).map(|n| format!("key-{n:04}")).collect();
        set_keys(&store, names.iter().cloned()).await;
        let (mut keys, pages) = all_keys(&store).await;
        keys.sort();
        assert_eq!(keys, names);
        assert_eq!(pages, 3);
        let beyond = store.list_keys(Some(u64::MAX)).await.unwrap();
        assert_eq!((beyond.keys.len(), beyond.cursor), (0, None));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_of_long_keys_are_bounded_in_bytes() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        let names: Vec<String> = (0..130).map(|n| format!("{n:01024}")).collect();
        set_keys(&store, names.iter().cloned()).await;
        let (mut keys, pages) = all_keys(&store).await;
        keys.sort();
        assert_eq!(keys, names);
        assert_eq!(pages, 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn changes_between_pages_neither_hide_nor_repeat_a_key() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        set_keys(&store, (0..1500).map(|n| format!("key-{n}"))).await;
        let first = store.list_keys(None).await.unwrap();
        for name in &first.keys[..500] {
            store.delete(name.clone()).await.unwrap();
        }
        set(&store, &first.keys[600], "changed").await;
        set(&store, "new", "x").await;
        let second = store.list_keys(first.cursor).await.unwrap();
        assert_eq!(second.keys.len(), 501);
        assert_eq!(second.keys.last().map(String::as_str), Some("new"));
        assert!(second.keys.iter().all(|name| !first.keys.contains(name)));
    }

    #[tokio::test]
    async fn no_plugin_name_leads_out_of_the_folder() {
        let data = Data::new();
        let stores = data.stores();
        let long = "n".repeat(129);
        for name in ["", ".", "..", ".hidden", "../x", "a/b", "a\\b", "a\0b", "ä", "a b", &long] {
            let error = stores.open(name).await.err().unwrap();
            assert!(matches!(error, Error::Name { .. }), "{name}: {error}");
        }
        for name in ["todos", "a.b", "A_b-9", &long[1..]] {
            assert!(stores.open(name).await.is_ok(), "{name}");
            assert!(data.file(name).is_file());
        }
    }

    #[tokio::test]
    async fn a_locked_file_is_an_error_with_its_path_until_it_is_released() {
        let data = Data::new();
        drop(data.stores().open("todos").await.unwrap());
        let other = Database::create(data.file("todos")).unwrap();
        let stores = data.stores();
        let error = stores.open("todos").await.err().unwrap();
        let path = data.file("todos").display().to_string();
        assert!(error.to_string().starts_with(&path), "{error}");
        assert!(!error.for_guest().contains(&path));
        drop(other);
        // The failure is remembered for a while, then the file is tried again.
        assert!(stores.open("todos").await.is_err());
        tokio::time::sleep(RETRY_AFTER).await;
        set(&stores.open("todos").await.unwrap(), "a", "1").await;
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_an_error_with_its_path() {
        let data = Data::new();
        std::fs::create_dir_all(data.0.join("keyvalue")).unwrap();
        std::fs::write(data.file("todos"), vec![b'x'; 8192]).unwrap();
        let error = data.stores().open("todos").await.err().unwrap();
        let path = data.file("todos").display().to_string();
        assert!(error.to_string().starts_with(&path), "{error}");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_created_is_an_error() {
        let data = Data::new();
        std::fs::write(&data.0, "a file where the folder should be").unwrap();
        assert!(data.stores().open("todos").await.is_err());
        std::fs::remove_file(&data.0).unwrap();
    }

    #[tokio::test]
    async fn a_panic_under_a_write_is_an_error_and_the_store_recovers() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        set(&store, "a", "1").await;
        let failed = store.read(|_| -> Result<(), _> { panic!("as redb may") }).await;
        assert!(failed.unwrap_err().to_string().ends_with("redb panicked: as redb may"));
        assert!(store.get(key("a")).await.is_err());
        assert!(store.set(key("a"), vec![]).await.is_err());
        tokio::time::sleep(RETRY_AFTER).await;
        assert_eq!(get(&store, "a").await.as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn a_write_whose_caller_left_still_happens() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        {
            let mut write = std::pin::pin!(store.set(key("a"), b"1".to_vec()));
            let once =
                std::future::poll_fn(|context| std::task::Poll::Ready(write.as_mut().poll(context).is_pending()));
            assert!(once.await);
        }
        // A later write is committed with it or after it.
        set(&store, "b", "2").await;
        assert_eq!(get(&store, "a").await.as_deref(), Some("1"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn writes_beyond_the_queue_wait_their_turn() {
        let data = Data::new();
        let store = data.stores().open("todos").await.unwrap();
        let mut writes = tokio::task::JoinSet::new();
        for n in 0..3 * QUEUE_BYTES / MAX_VALUE_BYTES {
            let store = store.clone();
            writes.spawn(async move { store.set(n.to_string(), vec![0; MAX_VALUE_BYTES]).await });
        }
        while let Some(written) = writes.join_next().await {
            written.unwrap().unwrap();
        }
        assert_eq!(store.list_keys(None).await.unwrap().keys.len(), 24);
        // All of the room is given back.
        let all = u32::try_from(QUEUE_BYTES).unwrap();
        drop(store.0.queue_bytes.acquire_many(all).await.unwrap());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn folder_and_file_are_for_the_host_alone() {
        use std::os::unix::fs::PermissionsExt;

        let data = Data::new();
        data.stores().open("todos").await.unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data.0), 0o700);
        assert_eq!(mode(&data.0.join("keyvalue")), 0o700);
        assert_eq!(mode(&data.file("todos")), 0o600);
    }
}
