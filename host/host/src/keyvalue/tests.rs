//! Storage, without a host around it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const MAX_BYTES: u64 = 256 << 20;
const IDLE: Duration = Duration::from_secs(60);

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
        Stores::new(&self.0, MAX_BYTES, HashMap::new(), IDLE)
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
async fn a_counter_never_wraps_or_overwrites_text() {
    let data = Data::new();
    let store = data.stores().open("todos").await.unwrap();
    set(&store, "n", "41").await;
    assert_eq!(store.increment(key("n"), 1).await.unwrap(), 42);
    assert_eq!(get(&store, "n").await.as_deref(), Some("42"));
    assert_eq!(store.increment(key("m"), u64::MAX).await.unwrap(), u64::MAX);
    let error = store.increment(key("m"), 1).await.unwrap_err();
    assert_eq!(error.to_string(), "key \"m\": 18446744073709551615 plus 1 exceeds 18446744073709551615");
    set(&store, "t", "ten").await;
    let error = store.increment(key("t"), 1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "key \"t\": expected a whole number in decimal text to increment, found \"ten\" (3 bytes): invalid digit found in string"
    );
    store.set(key("t"), vec![0xff]).await.unwrap();
    assert!(store.increment(key("t"), 1).await.is_err());
    assert_eq!(store.get(key("t")).await.unwrap(), Some(vec![0xff]));
}

#[tokio::test]
async fn a_failed_write_leaves_others_of_its_commit_alone() {
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
async fn keys_and_values_are_stored_up_to_their_bounds() {
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
            assert_eq!(error.to_string(), format!("expected a key of 1 to 1024 bytes, found {}", wrong.len()));
        }
    }
    let error = store.set(key("k"), vec![0; MAX_VALUE_BYTES + 1]).await;
    assert_eq!(error.unwrap_err().to_string(), "key \"k\": expected a value of at most 1048576 bytes, found 1048577");
}

#[tokio::test]
async fn a_full_store_rejects_growth_and_counts_deletes() {
    let data = Data::new();
    // Room for two entries of 1 + 9 bytes.
    let stores = Stores::new(&data.0, 2 * (ENTRY_BYTES + 10), HashMap::new(), IDLE);
    let store = stores.open("todos").await.unwrap();
    set(&store, "a", "123456789").await;
    set(&store, "b", "123456789").await;
    let error = store.set(key("b"), b"1234567890".to_vec()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "key \"b\": the store is full: expected at most 148 bytes (keys, values and 64 for each entry), found 149 with this write"
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
    let store = Stores::new(&data.0, 10, HashMap::new(), IDLE).open("todos").await.unwrap();
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
async fn pages_of_keys_survive_changes_between_them() {
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
async fn a_locked_file_is_an_error_until_it_is_released() {
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
async fn a_file_that_is_not_a_database_is_an_error() {
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
async fn a_store_recovers_from_a_panic_during_a_write() {
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
        let once = std::future::poll_fn(|context| std::task::Poll::Ready(write.as_mut().poll(context).is_pending()));
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

/// Stores that close what was not used for `idle`, and have no more than `max_open` open.
fn bounded(data: &Data, idle: Duration, max_open: usize) -> Stores {
    Stores::bounded(&data.0, MAX_BYTES, HashMap::new(), idle, max_open)
}

/// Waits until so many files are open.
async fn wait_for_open(stores: &Stores, wanted: usize) {
    let began = Instant::now();
    while stores.0.open.load(Ordering::Relaxed) != wanted {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", stores.0.open.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_store_is_closed_and_forgotten() {
    let data = Data::new();
    let stores = bounded(&data, Duration::from_millis(50), 10);
    let store = stores.open("a").await.unwrap();
    set(&store, "key", "1").await;
    set(&stores.open("b").await.unwrap(), "key", "2").await;
    wait_for_open(&stores, 0).await;
    // Whoever has it uses it on.
    assert_eq!(get(&store, "key").await.as_deref(), Some("1"));
    drop(store);
    let began = Instant::now();
    while !stores.0.all().is_empty() || stores.0.sweeping.load(Ordering::Relaxed) {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(get(&stores.open("b").await.unwrap(), "key").await.as_deref(), Some("2"));
    wait_for_open(&stores, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_while_stores_are_closed_all_the_time() {
    let data = Data::new();
    let stores = bounded(&data, Duration::from_millis(1), 2);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let stores = stores.clone();
        tasks.spawn(async move {
            for round in 1..=30 {
                let store = stores.open(&format!("store-{}", number % 4)).await.unwrap();
                let counter = format!("n-{number}");
                assert_eq!(store.increment(counter.clone(), 1).await.unwrap(), round);
                assert_eq!(get(&store, &counter).await, Some(round.to_string()));
                tokio::time::sleep(Duration::from_millis(round % 4)).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    wait_for_open(&stores, 0).await;
}

#[tokio::test]
async fn no_more_files_are_open_than_may_be() {
    let data = Data::new();
    let stores = bounded(&data, Duration::from_secs(3600), 3);
    for round in 0..2 {
        for number in 0..20 {
            let store = stores.open(&format!("store-{number}")).await.unwrap();
            assert_eq!(store.increment(key("n"), 1).await.unwrap(), round + 1);
            assert!(stores.0.open.load(Ordering::Relaxed) <= 3);
        }
    }
    // The last ones are.
    let open = stores.0.stores.lock().unwrap();
    let open = open.iter().filter(|(_, store)| store.0.file.used().is_some()).map(|(name, _)| name.as_str());
    assert_eq!(open.collect::<std::collections::BTreeSet<_>>(), ["store-17", "store-18", "store-19"].into());
}

#[tokio::test]
async fn a_file_whose_making_was_cut_short_is_made_anew() {
    let data = Data::new();
    std::fs::create_dir_all(data.0.join("keyvalue")).unwrap();
    std::fs::write(data.file("todos"), vec![0; 1 << 20]).unwrap();
    set(&data.stores().open("todos").await.unwrap(), "a", "1").await;
}

/// The file's length, and the room that it has on the disk.
#[cfg(target_os = "linux")]
fn room(file: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    let metadata = file.metadata().unwrap();
    (metadata.len(), metadata.blocks() * 512)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_has_room_for_all_of_itself_and_some_more() {
    let data = Data::new();
    let stores = data.stores();
    let store = stores.open("todos").await.unwrap();
    for n in 0..40 {
        store.set(format!("key-{n}"), vec![7; 100_000]).await.unwrap();
    }
    for n in 0..40 {
        store.delete(format!("key-{n}")).await.unwrap();
        let (length, on_disk) = room(&data.file("todos"));
        assert!(on_disk >= length, "{on_disk} of {length}");
    }
    stores.close().await;
    let (length, on_disk) = room(&data.file("todos"));
    assert!(on_disk >= length && length > disk::kept(0), "{on_disk} of {length}");
    assert!(length < 1 << 20, "what is kept is bounded: {length}");
}
