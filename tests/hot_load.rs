//! Plugins come, change and go while the host runs.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use witapi_tests::{Host, dummy_component, fixture, host, plugin, send};

/// The fixture `versioned` in that version.
pub fn version(number: u32) -> Vec<u8> {
    let mut bytes = fs::read(fixture("versioned")).expect("the fixture");
    let (marker, expected) = (b"version-00000000", format!("version-{number:08}"));
    let places: Vec<_> = (0..bytes.len() - marker.len()).filter(|&at| bytes[at..].starts_with(marker)).collect();
    assert_eq!(places.len(), 2, "a version stands in two places");
    for at in places {
        bytes[at..at + marker.len()].copy_from_slice(expected.as_bytes());
    }
    bytes
}

/// Which version an answer is of; it has to be one.
#[track_caller]
fn version_of(answer: &Value) -> u32 {
    assert_eq!(answer["first"], answer["second"], "a mixed answer");
    let text = answer["first"].as_str().expect("a version");
    text.strip_prefix("version-").and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut child = std::process::Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("sha256sum");
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), bytes).expect("to write");
    let output = child.wait_with_output().expect("its output");
    let mut text = "sha256:".to_owned();
    write!(text, "{}", &String::from_utf8_lossy(&output.stdout)[..64]).expect("text");
    text
}

/// Writes a file beside its place and renames it there.
fn put(path: &Path, bytes: &[u8]) {
    let draft = path.with_extension("draft");
    fs::write(&draft, bytes).expect("a draft");
    fs::rename(&draft, path).expect("to put it there");
}

#[tokio::test]
async fn a_copied_component_is_served_and_documented() {
    let host = host().start().await;
    assert_eq!(host.get("/hello").await.status, 404);
    assert_eq!(host.get("/_witapi/plugins").await.json(), json!([]));
    let began = Instant::now();
    fs::copy(plugin("orders"), host.file("orders")).expect("to copy it");
    while host.get("/hello").await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", host.log.text());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("hot load: orders (Rust) is live {:?} after it was copied", began.elapsed());
    assert!(host.get("/openapi.json").await.json()["paths"]["/hello"]["get"].is_object());
    assert_eq!(host.get("/openapi/orders.json").await.status, 200);
    let status = host.status("orders").await;
    assert_eq!(status["state"], "serving");
    assert_eq!(status["digest"], digest(&fs::read(plugin("orders")).expect("the file")));
    assert_eq!(status["size_bytes"], fs::metadata(plugin("orders")).expect("the file").len());
    assert!(status["load_ms"].is_u64() && status["loaded_at"].is_string(), "{status:#}");
    let hello = json!({"method": "GET", "path": "/hello", "operation": "hello.say-hello"});
    assert!(status["routes"].as_array().expect("routes").contains(&hello), "{status:#}");
    let line = host.log.wait_for("loaded").await;
    assert!(line.contains("plugin=orders"), "{line}");
}

#[tokio::test]
async fn a_removed_component_takes_its_routes_along() {
    let host = host().plugin("orders").component("versioned", fixture("versioned")).start().await;
    let etag = host.get("/openapi.json").await.header("etag").to_owned();
    let began = Instant::now();
    fs::remove_file(host.file("orders")).expect("to remove it");
    host.wait_for("orders", Value::is_null).await;
    println!("hot load: orders is gone {:?} after it was removed", began.elapsed());
    assert_eq!(host.get("/hello").await.status, 404);
    assert_eq!(host.get("/openapi/orders.json").await.status, 404);
    let document = host.get("/openapi.json").await;
    assert!(document.json()["paths"]["/hello"].is_null());
    assert_ne!(document.header("etag"), etag);
    assert_eq!(host.get("/version").await.status, 200);
    host.log.wait_for("unloaded").await;
}

#[tokio::test]
async fn a_newer_component_takes_the_place_of_the_older() {
    let host = host().start().await;
    let file = host.file("versioned");
    fs::write(&file, version(1)).expect("to write it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    let mut times = vec![];
    for number in 2..12 {
        let bytes = version(number);
        let expected = digest(&bytes);
        let began = Instant::now();
        if number % 2 == 0 {
            fs::write(&file, bytes).expect("to write it")
        } else {
            put(&file, &bytes)
        }
        loop {
            let found = version_of(&host.get("/version").await.json());
            if found == number {
                break;
            }
            assert_eq!(found, number - 1);
            assert!(began.elapsed() < Duration::from_secs(30), "{}", host.log.text());
        }
        times.push(began.elapsed());
        assert_eq!(host.status("versioned").await["digest"], expected);
    }
    times.sort();
    if times[9] > Duration::from_secs(1) {
        // Where the time went: `ms` is that of the load alone.
        println!("{}", host.log.lines_with("replaced").join("\n"));
    }
    println!("hot load: versioned is replaced in {:?} to {:?}, median {:?}", times[0], times[9], times[5]);
    assert_eq!(host.log.lines("replaced", 10).await.len(), 10);
}

#[tokio::test]
async fn a_request_in_flight_ends_in_its_first_version() {
    let host = host().start().await;
    let file = host.file("versioned");
    put(&file, &version(1));
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    let slow = |host: &Host| tokio::spawn(send(host.request("GET", "/version/8000")));
    let first = slow(&host);
    host.wait_for("versioned", |it| it["scheduler"]["running"] == 1).await;
    put(&file, &version(2));
    while version_of(&host.get("/version").await.json()) != 2 {}
    let second = slow(&host);
    host.wait_for("versioned", |it| it["scheduler"]["running"] == 2).await;
    fs::remove_file(&file).expect("to remove it");
    host.wait_for("versioned", Value::is_null).await;
    assert!(!first.is_finished() && !second.is_finished(), "the test was too slow to tell");
    assert_eq!(version_of(&first.await.expect("an answer").json()), 1);
    assert_eq!(version_of(&second.await.expect("an answer").json()), 2);
    assert_eq!(host.get("/version").await.status, 404);
}

/// Asks for the version until told to stop. Each answer is wholly of one version, and of none that is older than the
/// one known to be served when it was asked for.
fn ask(host: &Host, reported: &Arc<AtomicU64>, is_over: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let (client, reported, is_over) = (reqwest::Client::new(), reported.clone(), is_over.clone());
    let urls = [host.url("/version"), host.url("/version/5")];
    tokio::spawn(async move {
        let mut answers = 0;
        let mut newest = 0;
        while !is_over.load(Ordering::SeqCst) {
            let at_least = reported.load(Ordering::SeqCst);
            let answer = send(client.get(&urls[answers as usize % 2])).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let version = u64::from(version_of(&answer.json()));
            assert!(version >= at_least, "version {version} after {at_least} was reported");
            assert!(version >= newest, "version {version} after {newest} on the same connection");
            newest = version;
            answers += 1;
        }
        answers
    })
}

#[tokio::test]
async fn twenty_replacements_under_load_fail_no_request() {
    let host = host().start().await;
    let file = host.file("versioned");
    put(&file, &version(1));
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    let (reported, is_over) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..24).map(|_| ask(&host, &reported, &is_over)).collect();
    for number in 2..=21 {
        let bytes = version(number);
        let expected = digest(&bytes);
        // As `cp` does it, and as `mv` does.
        if number % 2 == 0 {
            fs::write(&file, bytes).expect("to write it")
        } else {
            put(&file, &bytes)
        }
        host.wait_for("versioned", |it| it["digest"] == expected).await;
        reported.store(number.into(), Ordering::SeqCst);
        assert!(!clients.iter().any(JoinHandle::is_finished), "a client met a failure");
    }
    is_over.store(true, Ordering::SeqCst);
    let mut answers = 0;
    for client in clients {
        answers += client.await.expect("a client without a failure");
    }
    println!("hot load: {answers} answers during 20 replacements");
    assert!(answers > 100, "{answers}");
    assert_eq!(host.log.lines("replaced", 20).await.len(), 20);
    assert_eq!(host.log.lines_with("ERROR"), [""; 0]);
}

#[tokio::test]
async fn rapid_replacements_end_with_the_last_one() {
    let host = host().start().await;
    let file = host.file("versioned");
    put(&file, &version(1));
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    for round in 1..=3 {
        let last = digest(&version(round * 100 + 49));
        for i in 0..50 {
            let bytes = version(round * 100 + i);
            if i % 3 == 0 {
                fs::write(&file, bytes).expect("to write it")
            } else {
                put(&file, &bytes)
            }
            tokio::time::sleep(Duration::from_millis(u64::from(i % 7) * 10)).await;
            version_of(&host.get("/version").await.json());
        }
        host.wait_for("versioned", |it| it["digest"] == last && it["state"] == "serving").await;
        assert_eq!(version_of(&host.get("/version").await.json()), round * 100 + 49);
    }
}

#[tokio::test]
async fn a_file_removed_while_it_loads_is_not_served() {
    let host = host().plugin("orders").start().await;
    // It takes seconds to compile, so this is while it loads.
    fs::copy(plugin("greeter"), host.file("greeter")).expect("to copy it");
    tokio::time::sleep(Duration::from_millis(250)).await;
    fs::remove_file(host.file("greeter")).expect("to remove it");
    fs::copy(plugin("todos"), host.file("todos")).expect("to copy it");
    // What came later is done, and the loads before it too.
    host.wait_for("todos", |it| it["state"] == "failed").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(host.status("greeter").await, Value::Null);
    assert_eq!(host.get("/hello").await.status, 200);
}

#[tokio::test]
async fn others_are_served_while_a_large_plugin_compiles() {
    let host = host().component("versioned", fixture("versioned")).start().await;
    let began = Instant::now();
    fs::copy(plugin("greeter"), host.file("greeter")).expect("to copy it");
    let mut answers = 0;
    while host.status("greeter").await["state"] != "serving" {
        assert_eq!(host.get("/version").await.status, 200);
        answers += 1;
        assert!(began.elapsed() < Duration::from_secs(300), "{}", host.log.text());
    }
    println!(
        "hot load: greeter (JavaScript, 1.6 MB) is live {:?} after it was copied, {answers} answers meanwhile",
        began.elapsed()
    );
    assert!(answers > 10, "{answers}");
}

/// How often threads of that name have gone to sleep so far.
fn naps(host: &Host, name: &str) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", host.pid())).expect("its threads");
    let read = |path: std::path::PathBuf| fs::read_to_string(path).unwrap_or_default();
    let threads = threads.flatten().map(|thread| thread.path()).filter(|path| read(path.join("comm")).contains(name));
    let of = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().to_owned();
        line.parse::<u64>().ok()
    };
    threads.filter_map(|path| of(read(path.join("status")))).sum()
}

#[tokio::test]
async fn a_folder_in_which_nothing_happens_wakes_nobody() {
    let host = host().plugin("orders").start().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = naps(&host, "notify");
    assert_ne!(before, 0, "there is a thread that waits for changes");
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Looking at the folder now and then is fine; each look must not be the reason for the next.
    let woken = naps(&host, "notify") - before;
    assert!(woken < 60, "{woken} times in 3 s");
}

/// Sets when a file was changed last to what it was of another, as `cp -p` does.
fn take_time(file: &Path, of: &Path) {
    let modified = fs::metadata(of).and_then(|it| it.modified()).expect("a time");
    fs::File::options().append(true).open(file).and_then(|it| it.set_modified(modified)).expect("to set it");
}

#[tokio::test]
async fn a_version_of_the_same_size_and_time_is_seen() {
    let host = host().start().await;
    let (file, source) = (host.file("versioned"), host.folder().join("source.wasm"));
    fs::write(&source, version(1)).expect("to write it");
    fs::copy(&source, &file).expect("to copy it");
    take_time(&file, &source);
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    for number in 2..5 {
        // In place, so that the inode is the same too.
        fs::write(&file, version(number)).expect("to write it");
        take_time(&file, &source);
        let expected = digest(&version(number));
        host.wait_for("versioned", |it| it["digest"] == expected).await;
    }
}

#[tokio::test]
async fn a_touched_file_is_not_loaded_again() {
    let host = host().start().await;
    fs::write(host.file("versioned"), version(1)).expect("to write it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    let loaded = host.status("versioned").await["loaded_at"].clone();
    for _ in 0..3 {
        fs::write(host.file("versioned"), version(1)).expect("to write it");
        // What comes after it is done, and so is this.
        fs::copy(plugin("orders"), host.file("orders")).expect("to copy it");
        host.wait_for("orders", |it| it["state"] == "serving").await;
        fs::remove_file(host.file("orders")).expect("to remove it");
        host.wait_for("orders", Value::is_null).await;
    }
    assert_eq!(host.status("versioned").await["loaded_at"], loaded);
    assert_eq!(host.log.lines_with("replaced"), [""; 0]);
    assert_eq!(host.log.lines("loaded plugin=versioned", 1).await.len(), 1);
    // One that was broken for a while is what it was.
    fs::write(host.file("versioned"), "no wasm").expect("to write it");
    host.wait_for("versioned", |it| it["state"] == "outdated").await;
    fs::write(host.file("versioned"), version(1)).expect("to write it");
    host.wait_for("versioned", |it| it["state"] == "serving" && it["failure"].is_null()).await;
    assert_eq!(host.log.lines_with("replaced"), [""; 0]);
}

#[tokio::test]
async fn many_changes_at_once_are_few_catalogs() {
    const MANY: usize = 300;
    let host = host().fixture("versioned").start().await;
    let made: Vec<_> = (0..MANY)
        .map(|i| {
            dummy_component(&format!(
                "package a:b; interface api {{ @external-id(\"GET /many/{i}\") f: func() -> u32; }} world w {{ export api; }}"
            ))
        })
        .collect();
    let events = host.request("GET", "/_witapi/events").send().await.expect("events");
    let seen = Arc::new(AtomicU64::new(0));
    let counted = seen.clone();
    tokio::spawn(async move {
        let mut events = events;
        while let Ok(Some(chunk)) = events.chunk().await {
            let texts = String::from_utf8_lossy(&chunk).matches("data:").count();
            counted.fetch_add(texts as u64, Ordering::SeqCst);
        }
    });
    let count = async || host.get("/_witapi/plugins").await.json().as_array().expect("plugins").len();
    let began = Instant::now();
    for (i, component) in made.iter().enumerate() {
        fs::write(host.file(&format!("many{i}")), component).expect("to write it");
    }
    while count().await != MANY + 1 {
        assert!(began.elapsed() < witapi_tests::PATIENCE, "{}", host.log.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (added, catalogs) = (began.elapsed(), seen.swap(0, Ordering::SeqCst));
    let began = Instant::now();
    for i in 0..MANY {
        fs::remove_file(host.file(&format!("many{i}"))).expect("to remove it");
    }
    while count().await != 1 {
        assert!(began.elapsed() < witapi_tests::PATIENCE, "{}", host.log.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!(
        "{MANY} added in {added:?}, {catalogs} events; removed in {:?}, {} events",
        began.elapsed(),
        seen.load(Ordering::SeqCst)
    );
    assert!(seen.load(Ordering::SeqCst) < MANY as u64 / 10);
    assert_eq!(host.get("/version").await.status, 200);
}
