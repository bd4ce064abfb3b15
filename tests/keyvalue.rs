//! What plugins store: each its own, there when it was acknowledged, bounded.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::Mutex;
use wasm_encoder::{ComponentSection, CustomSection};
use witapi_tests::{
    Host, PATIENCE, Setup,
    disk::Disk,
    fixture, host, send,
    stall::{Stall, forget},
};

const KV: &str = "[plugin.kv]\ngrants = ['wasi:keyvalue']";

fn kv() -> Setup {
    host().fixture("kv").config(KV)
}

async fn get(host: &Host, key: &str) -> Value {
    let answer = host.get(&format!("/entries/{key}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["value"].clone()
}

async fn set(host: &Host, key: &str, value: &str) {
    let answer = host.put(&format!("/entries/{key}"), &json!({"value": value})).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

#[tokio::test]
async fn every_operation_does_what_wasi_says() {
    let host = kv().start().await;
    assert_eq!(get(&host, "a").await, Value::Null);
    set(&host, "a", "ä").await;
    set(&host, "b", "").await;
    assert_eq!(get(&host, "a").await, "ä");
    assert_eq!(get(&host, "b").await, "");
    assert_eq!(host.get("/entries/a/exists").await.json(), true);
    assert_eq!(host.get("/entries/c/exists").await.json(), false);
    assert_eq!(host.get("/entries").await.json(), json!({"keys": ["a", "b"], "cursor": null}));
    assert_eq!(host.delete("/entries/a").await.status, 204);
    assert_eq!(host.delete("/entries/a").await.status, 204);
    assert_eq!(get(&host, "a").await, Value::Null);
    assert_eq!(host.post("/entries/n/increment", &json!({"delta": 5})).await.json(), 5);
    assert_eq!(host.post("/entries/n/increment", &json!({"delta": 37})).await.json(), 42);
    assert_eq!(get(&host, "n").await, "42");
}

#[tokio::test]
async fn there_is_one_store_and_its_name_is_default() {
    let host = kv().start().await;
    assert_eq!(host.post("/stores/default", &json!(null)).await.status, 204);
    for name in ["other", "..%2Fkv", "%2Fetc%2Fpasswd"] {
        let answer = host.post(&format!("/stores/{name}"), &json!(null)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.json()["error"]["tag"], "no-such-store", "{answer:?}");
    }
}

#[tokio::test]
async fn many_keys_come_in_pages_each_once() {
    let host = kv().start().await;
    let keys: BTreeSet<String> = (0..2100).map(|i| format!("key-{i}")).collect();
    let all: Vec<_> = keys.iter().cloned().collect();
    for part in all.chunks(300) {
        let sets = part.iter().map(|key| {
            let url = format!("/entries/{key}");
            tokio::spawn(send(host.request("PUT", &url).json(&json!({"value": "v"}))))
        });
        for set in sets.collect::<Vec<_>>() {
            assert_eq!(set.await.expect("an answer").status, 204);
        }
    }
    let (mut found, mut cursor, mut pages) = (vec![], String::new(), 0);
    loop {
        let page = host.get(&format!("/entries{cursor}")).await.json();
        found.extend(page["keys"].as_array().expect("keys").iter().map(|key| key.as_str().expect("a key").to_owned()));
        pages += 1;
        if page["cursor"].is_null() {
            break;
        }
        cursor = format!("?cursor={}", page["cursor"]);
    }
    assert!(pages > 1);
    assert_eq!(found.len(), keys.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), keys);
}

#[tokio::test]
async fn increments_from_many_connections_are_all_counted() {
    let host = kv().start().await;
    let increment = || tokio::spawn(send(host.request("POST", "/entries/n/increment").json(&json!({"delta": 1}))));
    let increments: Vec<_> = (0..200).map(|_| increment()).collect();
    let mut answers = BTreeSet::new();
    for increment in increments {
        answers.insert(increment.await.expect("an answer").json().as_u64().expect("a number"));
    }
    assert_eq!(answers, (1..=200).collect());
}

#[tokio::test]
async fn plugins_of_one_component_have_separate_stores() {
    let host = kv()
        .component("other", fixture("kv"))
        .config("[plugin.other]\ngrants = ['wasi:keyvalue']\nmount = '/other'")
        .start()
        .await;
    set(&host, "shared", "of kv").await;
    assert_eq!(host.get("/other/entries/shared").await.json()["value"], Value::Null);
    assert_eq!(host.get("/other/entries").await.json()["keys"], json!([]));
    assert_eq!(host.put("/other/entries/shared", &json!({"value": "of other"})).await.status, 204);
    assert_eq!(host.delete("/other/entries/shared").await.status, 204);
    assert_eq!(get(&host, "shared").await, "of kv");
}

#[tokio::test]
async fn data_survive_replacement_unloading_and_restart() {
    let host = kv().start().await;
    set(&host, "a", "1").await;
    let digest = host.status("kv").await["digest"].clone();
    let mut other = fs::read(fixture("kv")).expect("the fixture");
    CustomSection { name: "another-version".into(), data: (&[]).into() }.append_to_component(&mut other);
    fs::write(host.file("kv"), other).expect("to replace it");
    host.wait_for("kv", |kv| kv["digest"] != digest || kv["state"] != "serving").await;
    assert_eq!(host.status("kv").await["state"], "serving", "{:#}", host.status("kv").await);
    assert_eq!(get(&host, "a").await, "1");
    fs::remove_file(host.file("kv")).expect("to remove it");
    host.wait_for("kv", Value::is_null).await;
    fs::copy(fixture("kv"), host.file("kv")).expect("to copy it");
    host.wait_for("kv", |kv| kv["state"] == "serving").await;
    assert_eq!(get(&host, "a").await, "1");
    host.signal(libc::SIGTERM);
    let (status, stopped) = host.ended().await;
    assert_eq!(status, Some(0));
    let host = witapi_tests::host().in_folder_of(stopped).start().await;
    assert_eq!(get(&host, "a").await, "1");
}

#[tokio::test]
async fn too_large_an_entry_is_an_error_for_the_guest() {
    let host = kv().start().await;
    let put = async |path: &str| send(host.request("PUT", path)).await;
    assert_eq!(put("/entries/k/1048576").await.status, 204);
    let answer = put("/entries/k/1048577").await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let error = &answer.json()["error"];
    assert_eq!(error["tag"], "other");
    let text = error["val"].as_str().expect("a text");
    assert!(text.contains("1048576") && text.contains("1048577"), "{text}");
    assert_eq!(put(&format!("/entries/{}/1", "k".repeat(1024))).await.status, 204);
    assert_eq!(put(&format!("/entries/{}/1", "k".repeat(1025))).await.status, 400);
    let answer = host.post("/entries/k/increment", &json!({"delta": 1})).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    set(&host, "max", "18446744073709551615").await;
    assert_eq!(host.post("/entries/max/increment", &json!({"delta": 1})).await.status, 400);
    assert_eq!(get(&host, "max").await, "18446744073709551615");
}

#[tokio::test]
async fn a_full_store_takes_nothing_until_a_delete() {
    // For all plugins, and for this one.
    for config in ["[keyvalue]\nmax_mib = 2", "keyvalue_mib = 2\n[keyvalue]\nmax_mib = 1"] {
        let host = kv().config(config).start().await;
        let put = async |path: &str| send(host.request("PUT", path)).await.status;
        assert_eq!(put("/entries/a/1000000").await, 204);
        assert_eq!(put("/entries/b/1000000").await, 204);
        assert_eq!(put("/entries/c/200000").await, 400);
        assert_eq!(host.delete("/entries/a").await.status, 204);
        assert_eq!(put("/entries/c/200000").await, 204);
    }
}

#[tokio::test]
async fn a_store_that_another_host_has_open_is_an_error() {
    let first = kv().start().await;
    set(&first, "a", "1").await;
    let data = first.folder().join("data");
    let second = kv().argument("--data").argument(data.to_str().expect("a path")).plugin("orders").start().await;
    let answer = second.get("/entries/a").await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["error"]["val"], "the host's storage is not available");
    second.log.wait_for("kv.redb").await;
    assert_eq!(second.get("/hello").await.status, 200);
    assert_eq!(get(&first, "a").await, "1");
}

#[tokio::test]
async fn a_damaged_store_is_an_error_and_no_more() {
    let host = kv().start().await;
    set(&host, "a", "1").await;
    let stopped = host.kill().await;
    let folder = stopped.path().join("data/keyvalue");
    let file = fs::read_dir(&folder).expect("the stores").next().expect("a store").expect("an entry").path();
    fs::write(&file, "no database").expect("to damage it");
    let host = witapi_tests::host().plugin("orders").in_folder_of(stopped).start().await;
    assert_eq!(host.get("/entries/a").await.status, 400);
    assert_eq!(host.get("/hello").await.status, 200);
    assert_eq!(fs::read(&file).expect("the store"), b"no database", "what is damaged is left as it is");
}

/// Ids of todos whose POST was answered 201, with their titles.
type Acknowledged = Arc<Mutex<Vec<(u64, String)>>>;

/// Posts todos without a pause until the host is gone.
async fn storm(host: &Host, round: u32, connection: u32, acknowledged: Acknowledged) -> tokio::task::JoinHandle<()> {
    let (client, url) = (reqwest::Client::new(), host.url("/todos"));
    tokio::spawn(async move {
        for i in 0.. {
            let title = format!("{round}-{connection}-{i}");
            let Ok(response) = client.post(&url).json(&json!({"title": title})).send().await else { return };
            assert_eq!(response.status(), 201);
            let Ok(body) = response.bytes().await else { return };
            let todo: Value = serde_json::from_slice(&body).expect("a todo");
            acknowledged.lock().await.push((todo["id"].as_u64().expect("an id"), title));
        }
    })
}

#[tokio::test]
async fn every_acknowledged_todo_survives_kill_9() {
    let config = "[plugin.todos]\ngrants = ['wasi:keyvalue', 'witapi:host/request']";
    let mut host = host().plugin("todos").config(config).start().await;
    let acknowledged = Acknowledged::default();
    for round in 0..4 {
        let before = acknowledged.lock().await.len();
        let mut storms = vec![];
        for connection in 0..8 {
            storms.push(storm(&host, round, connection, acknowledged.clone()).await);
        }
        // In the middle of it: when enough are acknowledged, many more are on their way.
        while acknowledged.lock().await.len() < before + 40 {
            assert!(!storms.iter().any(|storm| storm.is_finished()), "{}", host.log.text());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let stopped = host.kill().await;
        for storm in storms {
            storm.await.expect("a storm without a wrong answer");
        }
        host = witapi_tests::host().in_folder_of(stopped).start().await;
        let acknowledged = acknowledged.lock().await;
        let ids: BTreeSet<_> = acknowledged.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), acknowledged.len(), "an id was given twice");
        for (id, title) in acknowledged.iter() {
            let answer = host.get(&format!("/todos/{id}")).await;
            assert_eq!(answer.status, 200, "todo {id} of {} is gone after round {round}", acknowledged.len());
            assert_eq!(answer.json()["title"], *title);
        }
    }
}

async fn put_size(host: &Host, key: &str, size: usize) -> u16 {
    let answer = send(host.request("PUT", &format!("/entries/{key}/{size}"))).await;
    if answer.status != 204 {
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.json()["error"]["val"], "the host's storage is full", "{answer:?}");
    }
    answer.status.as_u16()
}

/// Writes until the disk takes no more of any size. What was acknowledged, by key, is in `there`.
async fn fill_store(host: &Host, disk: &Disk, round: &str, there: &mut BTreeMap<String, usize>) {
    for size in [200_000, 5_000, 100] {
        for number in 0.. {
            disk.fill();
            let key = format!("{round}-{size}-{number}");
            if put_size(host, &key, size).await != 204 {
                break;
            }
            there.insert(key, size);
        }
    }
}

async fn check(host: &Host, there: &BTreeMap<String, usize>) {
    for (key, size) in there {
        let value = get(host, key).await;
        assert_eq!(value.as_str().map(str::len), Some(*size), "{key}");
        assert_eq!(host.get(&format!("/entries/{key}/exists")).await.json(), true);
    }
    let keys = host.get("/entries").await.json()["keys"].as_array().expect("keys").len();
    assert_eq!(keys, there.len());
}

#[tokio::test]
async fn a_full_disk_refuses_growth_and_nothing_else() {
    let disk = Disk::of_mib(24);
    let kv = || kv().config("[limits]\nresult_kib = 2048").data_on(&disk);
    let mut host = kv().start().await;
    let mut there = BTreeMap::new();
    for key in ["a", "b", "c"] {
        assert_eq!(put_size(&host, key, 1_000_000).await, 204);
        there.insert(key.to_owned(), 1_000_000);
    }
    for round in ["first", "second"] {
        fill_store(&host, &disk, round, &mut there).await;
        check(&host, &there).await;
        // The disk is full when it starts, too.
        host = witapi_tests::host().in_folder_of(host.kill().await).data_on(&disk).start().await;
        check(&host, &there).await;
        assert_ne!(put_size(&host, "new", 1_000_000).await, 204);
        disk.fill();
        for (size, name) in [(300_000, "b"), (7, "c"), (300_000, "a"), (9, "a")] {
            if there.get(name).is_some_and(|now| size <= *now) {
                assert_eq!(put_size(&host, name, size).await, 204, "{}", host.log.text());
                there.insert(name.to_owned(), size);
            }
        }
        let gone: Vec<_> = there.keys().filter(|key| key.contains('-')).cloned().collect();
        for key in gone {
            disk.fill();
            let answer = host.delete(&format!("/entries/{key}")).await;
            assert_eq!(answer.status, 204, "{key}: {answer:?}");
            there.remove(&key);
        }
        check(&host, &there).await;
        // In the room that these had.
        assert_eq!(put_size(&host, "again", 100_000).await, 204);
        there.insert("again".to_owned(), 100_000);
    }
    fill_store(&host, &disk, "third", &mut there).await;
    disk.free();
    let began = Instant::now();
    while put_size(&host, "last", 1_000_000).await != 204 {
        assert!(began.elapsed() < PATIENCE, "{}", host.log.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    there.insert("last".to_owned(), 1_000_000);
    check(&host, &there).await;
    assert_eq!(host.log.lines_with("panicked"), [""; 0]);
}

/// Descriptors of stores that the host has open.
fn open_stores(host: &Host) -> usize {
    let entries = fs::read_dir(format!("/proc/{}/fd", host.pid())).expect("its descriptors");
    let files = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    files.filter(|file| file.extension().is_some_and(|it| it == "redb")).count()
}

#[tokio::test]
async fn a_store_nobody_uses_is_closed_and_opens_again() {
    let host = kv().config("[keyvalue]\nidle_s = 1").start().await;
    for value in ["1", "2", "3"] {
        set(&host, "a", value).await;
        assert_eq!(open_stores(&host), 1);
        let began = Instant::now();
        while open_stores(&host) > 0 {
            assert!(began.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(get(&host, "a").await, value);
    }
}

#[tokio::test]
async fn a_store_outlives_its_plugin_but_not_for_long() {
    let host = kv().config("[keyvalue]\nidle_s = 1").start().await;
    set(&host, "a", "1").await;
    fs::remove_file(host.file("kv")).expect("to remove it");
    host.wait_for("kv", Value::is_null).await;
    let began = Instant::now();
    while open_stores(&host) > 0 {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_read_that_waits_for_the_disk_holds_up_nobody() {
    // More of them than the host has threads that serve.
    const READS: usize = 8;
    const VALUE: usize = 500_000;
    let stall = Stall::built();
    let host = kv().config("deadline_ms = 120000").fixture("versioned").start().await;
    set(&host, "small", "1").await;
    for i in 0..READS {
        assert_eq!(put_size(&host, &format!("key-{i}"), VALUE).await, 204);
    }
    host.signal(libc::SIGTERM);
    let (_, stopped) = host.ended().await;
    let host = witapi_tests::host().in_folder_of(stopped).with_stall(&stall).start().await;
    assert_eq!(get(&host, "small").await, "1");
    // What was missing just now is read elsewhere for a second.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    forget(&host.folder().join("data/keyvalue/kv.redb"));
    stall.begin();
    let reads: Vec<_> =
        (0..READS).map(|i| tokio::spawn(send(host.request("GET", &format!("/entries/key-{i}"))))).collect();
    stall.waiting(1).await;
    for _ in 0..50 {
        assert_eq!(host.get("/version").await.status, 200);
    }
    assert!(reads.iter().all(|read| !read.is_finished()));
    stall.end();
    for read in reads {
        let answer = read.await.expect("an answer");
        assert_eq!(answer.json()["value"].as_str().map(str::len), Some(VALUE), "{answer:?}");
    }
}
