//! Compiled code is kept between runs, and only trusted if nobody else could have written it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;
use witapi_tests::{Host, Setup, Stopped, disk::Disk, fixture, plugin};

/// How long a test waits for something that should take milliseconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// A host of which no code is known.
fn host() -> Setup {
    witapi_tests::host().compiled_anew()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("data/code")).expect("the cache");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// A host that has run once and so has its code in the cache.
async fn warm() -> Stopped {
    let host = host().plugin("orders").start().await;
    assert_eq!(host.get("/hello").await.status, 200);
    kept(&host, "cwasm").await;
    host.kill().await
}

/// Waits for a file of the cache: what was compiled serves before it is stored.
async fn kept(host: &Host, ending: &str) -> PathBuf {
    let began = Instant::now();
    loop {
        if let Some(file) = files(host.folder()).into_iter().find(|file| file.to_string_lossy().ends_with(ending)) {
            return file;
        }
        assert!(began.elapsed() < PATIENCE, "{}", host.log.text());
        sleep(Duration::from_millis(10)).await;
    }
}

/// Starts it again, and sees that it serves.
async fn again(stopped: Stopped) -> Host {
    let host = host().in_folder_of(stopped).start().await;
    assert_eq!(host.get("/hello").await.status, 200);
    host
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("to change the mode");
}

#[tokio::test]
async fn the_second_start_uses_the_code_of_the_first() {
    let stopped = warm().await;
    let before: Vec<_> = files(stopped.path());
    assert_eq!(before.len(), 1, "{before:?}");
    let identity = |path: &Path| fs::metadata(path).map(|it| (it.ino(), it.len())).expect("a file");
    let first = identity(&before[0]);
    let host = again(stopped).await;
    assert_eq!(files(host.folder()), before);
    assert_eq!(identity(&before[0]), first, "it was not written anew");
    assert_eq!(host.log.lines_with("WARN"), [""; 0]);
}

#[tokio::test]
async fn only_the_user_of_the_host_can_read_and_write_it() {
    let stopped = warm().await;
    let mode = |path: &Path| fs::symlink_metadata(path).expect("an entry").mode() & 0o777;
    assert_eq!(mode(&stopped.path().join("data/code")), 0o700);
    for file in files(stopped.path()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_not_used() {
    let stopped = warm().await;
    let folder = stopped.path().join("data/code");
    // Whoever could write it put code of his own there; nothing of it is looked at.
    for file in files(stopped.path()) {
        fs::write(&file, "someone else's code").expect("to change it");
    }
    chmod(&folder, 0o777);
    let host = again(stopped).await;
    let line = host.log.wait_for("not caching compiled code").await;
    assert!(line.contains("WARN") && line.contains("data/code") && line.contains("777"), "{line}");
    for file in files(host.folder()) {
        assert_eq!(fs::read(&file).expect("a file"), b"someone else's code");
    }
}

#[tokio::test]
async fn a_folder_that_is_a_link_is_not_used() {
    let stopped = warm().await;
    let folder = stopped.path().join("data/code");
    let elsewhere = stopped.path().join("elsewhere");
    fs::rename(&folder, &elsewhere).expect("to move it");
    symlink(&elsewhere, &folder).expect("a link");
    let host = again(stopped).await;
    host.log.wait_for("not caching compiled code").await;
}

#[tokio::test]
async fn a_file_that_others_can_write_is_replaced() {
    let stopped = warm().await;
    let file = files(stopped.path()).remove(0);
    chmod(&file, 0o666);
    let before = fs::metadata(&file).expect("the file").ino();
    let host = again(stopped).await;
    let line = host.log.wait_for("file of the code cache").await;
    assert!(line.contains("WARN") && line.contains("666"), "{line}");
    let began = Instant::now();
    while fs::metadata(&file).expect("the file").ino() == before {
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fs::metadata(&file).expect("the file").mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_that_is_a_link_is_not_used() {
    let stopped = warm().await;
    let file = files(stopped.path()).remove(0);
    let elsewhere = stopped.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("to move it");
    symlink(&elsewhere, &file).expect("a link");
    let host = again(stopped).await;
    host.log.wait_for("file of the code cache").await;
    let began = Instant::now();
    while !fs::symlink_metadata(&file).expect("the file").is_file() {
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_damaged_file_is_not_used_but_replaced() {
    let mut stopped = warm().await;
    let file = files(stopped.path()).remove(0);
    let good = fs::read(&file).expect("the code");
    let half = &good[..good.len() / 2];
    let no_head = &good[good.len() / 2..];
    for damaged in [b"".as_slice(), b"no code", half, no_head] {
        fs::write(&file, damaged).expect("to damage it");
        let host = again(stopped).await;
        host.log.wait_for("file of the code cache").await;
        let began = Instant::now();
        while fs::read(&file).expect("the code").len() != good.len() {
            assert!(began.elapsed() < PATIENCE);
            sleep(Duration::from_millis(10)).await;
        }
        stopped = host.kill().await;
    }
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_costs_time_only() {
    let stopped = warm().await;
    let folder = stopped.path().join("data/code");
    fs::remove_dir_all(&folder).expect("to remove it");
    fs::write(&folder, "a file in its place").expect("a file");
    let host = again(stopped).await;
    host.log.wait_for("not caching compiled code").await;
}

/// Bytes of all that is in that folder.
fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("the cache").flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[tokio::test]
async fn the_operator_says_how_much_is_kept() {
    let all = ["echo", "facts", "forms", "kv", "keywords", "streams", "zoo"];
    let mut sizes = vec![];
    for config in ["", "code_cache_mib = 1"] {
        let host = all.into_iter().fold(host(), |host, name| host.fixture(name)).config(config);
        let host = host.config("grants = ['wasi:keyvalue', 'witapi:host/request']").start().await;
        host.signal(libc::SIGTERM);
        let (status, stopped) = host.ended().await;
        assert_eq!(status, Some(0));
        sizes.push(bytes(&stopped.path().join("data/code")));
    }
    assert!(sizes[0] > 1 << 20, "{sizes:?}");
    assert!((1..=1 << 20).contains(&sizes[1]), "{sizes:?}");
}

#[tokio::test]
async fn no_more_is_kept_than_a_quarter_of_a_small_disk() {
    let disk = Disk::of_mib(4);
    let all = ["echo", "facts", "forms", "kv", "keywords", "streams", "zoo"];
    let host = all.into_iter().fold(host(), |host, name| host.fixture(name));
    let host = host.config("grants = ['wasi:keyvalue', 'witapi:host/request']").data_on(&disk).start().await;
    host.signal(libc::SIGTERM);
    assert_eq!(host.ended().await.0, Some(0));
    let kept = bytes(&disk.path().join("code"));
    assert!((1..=1 << 20).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_full_disk_stops_no_load_and_fills_no_further() {
    let disk = Disk::of_mib(4);
    let host = host().plugin("orders").data_on(&disk).start().await;
    disk.fill();
    fs::copy(fixture("kv"), host.file("late")).expect("to copy it");
    host.wait_for("late", |late| late["state"] != Value::Null).await;
    assert_eq!(host.get("/hello").await.status, 200);
    let stopped = host.kill().await;
    // Nothing of it is on disk when it starts.
    fs::remove_dir_all(disk.path().join("code")).expect("to remove it");
    disk.fill();
    let host = self::host().in_folder_of(stopped).data_on(&disk).start().await;
    assert_eq!(host.get("/hello").await.status, 200);
    assert_eq!(bytes(&disk.path().join("code")), 0);
}

#[tokio::test]
async fn hosts_with_one_folder_leave_each_other_be() {
    let config = "code_cache_mib = 1\ngrants = ['wasi:keyvalue', 'witapi:host/request']";
    let first = host().config(config).plugin("orders").fixture("zoo").fixture("kv").start().await;
    let data = first.folder().join("data");
    let data = data.to_str().expect("a path");
    // They put out what the first one uses, and have to.
    for fixtures in [["echo", "forms"], ["keywords", "streams"]] {
        let other = fixtures.into_iter().fold(host(), |host, name| host.fixture(name));
        let other = other.config(config).argument("--data").argument(data).plugin("orders").start().await;
        assert_eq!(other.get("/hello").await.status, 200);
        assert_eq!(first.get("/hello").await.status, 200);
        other.signal(libc::SIGTERM);
        assert_eq!(other.ended().await.0, Some(0));
    }
    assert!(bytes(Path::new(data).join("code").as_path()) <= 1 << 20);
    assert_eq!(first.get("/hello").await.status, 200);
}

/// The plugin in JavaScript as it would be after a change of its source: other bytes, and the same QuickJS in them.
fn changed(version: &str) -> Vec<u8> {
    use wasm_encoder::{ComponentSection, CustomSection};
    let mut component = fs::read(plugin("greeter")).expect("a component");
    CustomSection { name: "version".into(), data: version.as_bytes().into() }.append_to_component(&mut component);
    component
}

/// How many functions a compilation compiled, and how many it knew; `index` counts the compilations of that host.
async fn functions(host: &Host, index: usize) -> (u64, u64) {
    let began = Instant::now();
    let line = loop {
        if let Some(line) = host.log.lines_with("functions compiled=").into_iter().nth(index) {
            break line;
        }
        assert!(began.elapsed() < PATIENCE, "{}", host.log.text());
        sleep(Duration::from_millis(10)).await;
    };
    let number = |name: &str| line.split(name).nth(1).and_then(|it| it.split(' ').next()).expect("a number");
    (number("compiled=").parse().expect("a number"), number("known=").parse().expect("a number"))
}

#[tokio::test]
async fn only_new_functions_of_a_plugin_are_compiled() {
    let debug = || host().env("WITAPI_LOG", "info,witapi=debug");
    let host = debug().plugin("greeter").start().await;
    let (all, _) = functions(&host, 0).await;
    assert!(all > 1000, "{all}");
    let file = kept(&host, "functions").await;
    fs::write(host.file("greeter"), changed("2")).expect("to write it");
    // Cranelift itself does not recognise some.
    let is_fraction = |(compiled, known): (u64, u64)| compiled < all / 4 && known > all;
    assert!(is_fraction(functions(&host, 1).await));
    host.log.wait_for("replaced").await;
    assert_eq!(host.get("/greetings/languages").await.status, 200);
    let plugin = host.file("greeter");
    let mut stopped = host.kill().await;

    // The same holds for the next host in this folder, as long as what it reads is whole and written by none but its user.
    type Damage = fn(&Path);
    let writable: Damage = |file| chmod(file, 0o666);
    let one_bit: Damage = |file| {
        let mut bytes = fs::read(file).expect("the functions");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).expect("to damage it");
    };
    for (version, damage) in [("3", None), ("4", Some(writable)), ("5", Some(one_bit))] {
        fs::write(&plugin, changed(version)).expect("to write it");
        if let Some(damage) = damage {
            damage(&file);
        }
        let host = debug().in_folder_of(stopped).start().await;
        assert_eq!(is_fraction(functions(&host, 0).await), damage.is_none(), "{version}");
        assert_eq!(
            host.log.lines("file of the code cache", usize::from(damage.is_some())).await.len(),
            usize::from(damage.is_some())
        );
        assert_eq!(host.get("/greetings/languages").await.status, 200);
        stopped = host.kill().await;
    }
}
