//! Files that are no plugin, not yet, or not beside those that are there.

use std::{fs, io::Write, path::Path, time::Duration};

use serde_json::Value;
use witapi_tests::{Host, dummy_component, fixture, host, plugin};

use crate::hot_load::version;

async fn is_failed(host: &Host, name: &str) -> String {
    host.wait_for(name, |it| it["state"] == "failed").await;
    let status = host.status(name).await;
    status["failure"]["reason"].as_str().expect("a reason").to_owned()
}

async fn is_outdated(host: &Host, name: &str) -> String {
    host.wait_for(name, |it| it["state"] == "outdated").await;
    let status = host.status(name).await;
    status["failure"]["reason"].as_str().expect("a reason").to_owned()
}

/// Writes a file piece by piece.
async fn write_slowly(path: &Path, bytes: &[u8], pieces: usize, pause: Duration) {
    let mut file = fs::File::create(path).expect("a file");
    for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
        file.write_all(piece).expect("to write");
        tokio::time::sleep(pause).await;
    }
}

#[tokio::test]
async fn a_file_that_is_still_being_written_is_waited_for() {
    let host = host().start().await;
    let orders = fs::read(plugin("orders")).expect("the plugin");
    // Once with pauses shorter than those after which a file may count as complete, once with longer ones.
    for (name, pause) in [("quick", 20), ("slow", 400)] {
        write_slowly(&host.file(name), &orders, 6, Duration::from_millis(pause)).await;
        host.wait_for(name, |it| it["state"] == "serving").await;
        assert_eq!(host.log.lines_with("not loaded"), [""; 0]);
        fs::remove_file(host.file(name)).expect("to remove it");
        host.wait_for(name, Value::is_null).await;
    }
}

#[tokio::test]
async fn an_older_version_serves_while_a_newer_is_written() {
    let host = host().start().await;
    fs::write(host.file("versioned"), version(1)).expect("to write it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    let path = host.file("versioned");
    let writing = tokio::spawn(async move { write_slowly(&path, &version(2), 8, Duration::from_millis(150)).await });
    while !writing.is_finished() {
        let status = host.status("versioned").await;
        assert_eq!(status["state"], "serving", "{status:#}");
        assert_eq!(host.get("/version").await.status, 200);
    }
    while host.get("/version").await.json()["first"] != "version-00000002" {
        assert_eq!(host.status("versioned").await["state"], "serving");
    }
    assert_eq!(host.log.lines_with("not loaded"), [""; 0]);
}

#[tokio::test]
async fn a_truncated_file_is_reported_beside_the_old_one() {
    let host = host().start().await;
    fs::write(host.file("versioned"), version(1)).expect("to write it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    let digest = host.status("versioned").await["digest"].clone();
    let next = version(2);
    fs::write(host.file("versioned"), &next[..next.len() / 2]).expect("to write a half");
    let reason = is_outdated(&host, "versioned").await;
    assert!(reason.contains("end") || reason.contains("truncated") || reason.contains("incomplete"), "{reason}");
    let status = host.status("versioned").await;
    assert_eq!(status["digest"], digest);
    assert!(status["failure"]["file"].as_str().expect("a file").ends_with("plugins/versioned.wasm"), "{status:#}");
    assert!(status["failure"]["at"].is_string(), "{status:#}");
    let line = host.log.wait_for("not loaded").await;
    assert!(line.contains("ERROR") && line.contains("versioned.wasm"), "{line}");
    assert_eq!(host.get("/version").await.json()["first"], "version-00000001");
    assert!(host.get("/openapi.json").await.json()["paths"]["/version"].is_object());
    // The rest arrives.
    fs::write(host.file("versioned"), &next).expect("to write it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    assert_eq!(host.status("versioned").await["failure"], Value::Null);
    assert_eq!(host.get("/version").await.json()["first"], "version-00000002");
    assert_eq!(host.log.lines("not loaded", 1).await.len(), 1);
}

#[tokio::test]
async fn invalid_files_fail_with_reasons_beside_a_good_one() {
    let host = host().plugin("orders").start().await;
    let core = wat::parse_str("(module (func (export \"f\")))").expect("a module");
    let cases: [(&str, &[u8], &str); 5] = [
        ("core", &core, "core WebAssembly module"),
        ("garbage", b"this is no wasm at all, just some text", "wasm"),
        ("empty", b"", ""),
        ("text", b"(component)", ""),
        ("nothing", b"\0asm\x0d\0\x01\0", "export"),
    ];
    for (name, bytes, _) in cases {
        fs::write(host.file(name), bytes).expect("to write it");
    }
    for (name, _, expected) in cases {
        let reason = is_failed(&host, name).await;
        assert!(!reason.is_empty() && reason.contains(expected), "no `{expected}` in {reason}");
        host.log.wait_for(&format!("{name}.wasm")).await;
    }
    assert_eq!(host.get("/hello").await.status, 200);
    assert_eq!(host.status("orders").await["state"], "serving");
    fs::remove_file(host.file("core")).expect("to remove it");
    host.wait_for("core", Value::is_null).await;
    fs::copy(fixture("versioned"), host.file("garbage")).expect("to mend it");
    host.wait_for("garbage", |it| it["state"] == "serving").await;
}

#[tokio::test]
async fn broken_files_do_not_keep_a_host_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken");
    fs::write(&broken, "no wasm").expect("to write it");
    let host = host().component("broken", &broken).plugin("orders").start().await;
    is_failed(&host, "broken").await;
    assert_eq!(host.get("/hello").await.status, 200);
    assert_eq!(host.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn mutated_components_never_take_the_host_down() {
    let host = host().component("versioned", fixture("versioned")).start().await;
    let good = fs::read(plugin("orders")).expect("the plugin");
    // Twelve files, each with bytes changed all over: most fail, some may even load.
    for i in 0..12usize {
        let mut bytes = good.clone();
        for k in 0..4 + i {
            let at = (7919 * (i + 1) * (k + 1) + 8) % bytes.len();
            bytes[at] ^= 1 << ((i + k) % 8);
        }
        fs::write(host.file(&format!("mutated{i}")), bytes).expect("to write it");
    }
    for i in 0..12 {
        host.wait_for(&format!("mutated{i}"), |it| !it.is_null()).await;
    }
    assert_eq!(host.get("/version").await.status, 200);
    assert_eq!(host.get("/openapi.json").await.status, 200);
}

#[tokio::test]
async fn a_taken_route_is_rejected_and_retried() {
    let host = host().start().await;
    fs::copy(plugin("orders"), host.file("owner")).expect("to copy it");
    host.wait_for("owner", |it| it["state"] == "serving").await;
    fs::copy(plugin("orders"), host.file("newcomer")).expect("to copy it");
    let reason = is_failed(&host, "newcomer").await;
    for expected in ["POST /orders", "orders.price-order", "plugin `owner`", "mount", "[plugin."] {
        assert!(reason.contains(expected), "no `{expected}` in {reason}");
    }
    let line = host.log.wait_for("not loaded").await;
    assert!(line.contains("newcomer.wasm") && line.contains("`owner`"), "{line}");
    assert_eq!(host.status("owner").await["state"], "serving");
    fs::remove_file(host.file("owner")).expect("to remove it");
    host.wait_for("newcomer", |it| it["state"] == "serving").await;
    assert_eq!(host.get("/hello").await.status, 200);
}

#[tokio::test]
async fn a_route_that_a_new_version_gives_up_is_free() {
    let host = host().start().await;
    let with_route = |path: &str| {
        dummy_component(&format!(
            "package a:b; interface api {{ @external-id(\"GET {path}\") f: func() -> u32; }} world w {{ export api; }}"
        ))
    };
    fs::write(host.file("first"), with_route("/a")).expect("to write it");
    host.wait_for("first", |it| it["state"] == "serving").await;
    fs::write(host.file("second"), with_route("/a")).expect("to write it");
    is_failed(&host, "second").await;
    fs::write(host.file("first"), with_route("/b")).expect("to write it");
    host.wait_for("second", |it| it["state"] == "serving").await;
    // And the other way round: a version that wants another's route is refused, the one before it serves on.
    fs::write(host.file("first"), with_route("/a")).expect("to write it");
    let reason = is_outdated(&host, "first").await;
    assert!(reason.contains("GET /a") && reason.contains("`second`"), "{reason}");
    assert_eq!(host.get("/b").await.status, 500, "a dummy traps");
}

#[tokio::test]
async fn a_name_in_two_folders_is_served_from_one() {
    let other = tempfile::tempdir().expect("a folder");
    let plugins = "plugins";
    let host = host().plugin("orders").argument(plugins).argument(other.path().to_str().expect("a path")).start().await;
    let second = other.path().join("orders.wasm");
    fs::copy(fixture("versioned"), &second).expect("to copy it");
    let reason = is_outdated(&host, "orders").await;
    assert!(
        reason.contains("another file already serves a plugin of this name") && reason.contains("plugins/orders.wasm"),
        "{reason}"
    );
    assert_eq!((host.get("/hello").await.status.as_u16(), host.get("/version").await.status.as_u16()), (200, 404));
    // The first goes, the second gets its turn.
    fs::remove_file(host.file("orders")).expect("to remove it");
    host.wait_for("orders", |it| it["state"] == "serving").await;
    assert_eq!((host.get("/hello").await.status.as_u16(), host.get("/version").await.status.as_u16()), (404, 200));
    // The first comes back, is refused and goes again: the second serves as if nothing was.
    fs::copy(plugin("orders"), host.file("orders")).expect("to copy it");
    is_outdated(&host, "orders").await;
    fs::remove_file(host.file("orders")).expect("to remove it");
    host.wait_for("orders", |it| it["state"] == "serving").await;
    assert_eq!(host.get("/version").await.status, 200);
}

#[tokio::test]
async fn a_file_whose_name_is_no_plugins_name_is_reported() {
    let host = host().start().await;
    for name in ["with space", "ümlaut", &"x".repeat(140)] {
        fs::copy(plugin("orders"), host.file(name)).expect("to copy it");
        let reason = is_failed(&host, name).await;
        assert!(reason.contains("name") && reason.contains("letters, digits"), "{reason}");
        fs::remove_file(host.file(name)).expect("to remove it");
        host.wait_for(name, Value::is_null).await;
    }
}

#[tokio::test]
async fn what_is_no_wasm_file_is_not_looked_at() {
    let host = host().start().await;
    let folder = host.file("x").parent().expect("the folder").to_owned();
    fs::copy(plugin("orders"), folder.join(".hidden.wasm")).expect("to copy it");
    fs::copy(plugin("orders"), folder.join("orders.wasm.part")).expect("to copy it");
    fs::create_dir(folder.join("folder.wasm")).expect("a folder");
    std::os::unix::fs::symlink("/nonexistent", folder.join("dangling.wasm")).expect("a link");
    fs::copy(fixture("versioned"), folder.join("good.wasm")).expect("to copy it");
    host.wait_for("good", |it| it["state"] == "serving").await;
    let names = host.get("/_witapi/plugins").await.json();
    assert_eq!(names.as_array().expect("plugins").len(), 1, "{names:#}");
    assert_eq!(host.get("/hello").await.status, 404);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_read() {
    let host = host().start().await;
    let file = fs::File::create(host.file("huge")).expect("a file");
    // Without a byte on the disk.
    file.set_len(40 << 30).expect("a length");
    let reason = is_failed(&host, "huge").await;
    assert!(reason.contains("found 42949672960"), "{reason}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_reported() {
    let host = host().start().await;
    // A file whose first bytes nobody can read, not even root: no process has memory at address 0.
    std::os::unix::fs::symlink("/proc/self/mem", host.file("secret")).expect("a link");
    assert!(is_failed(&host, "secret").await.contains("cannot read the file"));
}

#[tokio::test]
async fn a_plugin_folder_that_comes_back_is_followed() {
    let host = host().plugin("orders").start().await;
    let folder = host.file("x").parent().expect("the folder").to_owned();
    fs::rename(&folder, folder.with_file_name("elsewhere")).expect("to move it");
    // A folder that is not there tells nothing of its files.
    host.log.wait_for("plugins: ").await;
    assert_eq!(host.get("/hello").await.status, 200);
    fs::create_dir(&folder).expect("a folder");
    host.wait_for("orders", Value::is_null).await;
    fs::copy(plugin("orders"), host.file("orders")).expect("to copy it");
    host.wait_for("orders", |it| it["state"] == "serving").await;
    fs::remove_file(host.file("orders")).expect("to remove it");
    host.wait_for("orders", Value::is_null).await;
}

/// The plugin folder of a host.
fn folder_of(host: &Host) -> std::path::PathBuf {
    host.file("x").parent().expect("the folder").to_owned()
}

/// Waits until the host has looked at its folder twice more, which it shows by serving what is put there.
async fn looked_again(host: &Host, folder: &Path) {
    for name in ["look-a", "look-b"] {
        fs::write(folder.join(format!("{name}.wasm")), "no wasm").expect("to write it");
        host.wait_for(name, |it| it["state"] == "failed").await;
        fs::remove_file(folder.join(format!("{name}.wasm"))).expect("to remove it");
        host.wait_for(name, Value::is_null).await;
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_unloads_nothing() {
    let host = host().plugin("orders").start().await;
    let folder = folder_of(&host);
    let elsewhere = folder.with_file_name("elsewhere");
    fs::rename(&folder, &elsewhere).expect("to move it");
    // A link to itself: no process can open it, not even root's.
    std::os::unix::fs::symlink(&folder, &folder).expect("a link");
    host.log.wait_for("plugins: ").await;
    // More than one look.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(host.get("/hello").await.status, 200);
    assert_eq!(host.log.lines("cannot read", 1).await.len(), 1, "{}", host.log.text());
    fs::remove_file(&folder).expect("to remove it");
    fs::rename(&elsewhere, &folder).expect("to move it back");
    host.log.wait_for("plugins is readable again").await;
    fs::remove_file(host.file("orders")).expect("to remove it");
    host.wait_for("orders", Value::is_null).await;
    assert_eq!(host.log.lines("loaded plugin", 2).await.len(), 2, "once, and unloaded once: {}", host.log.text());
}

#[tokio::test]
async fn a_volume_that_is_away_unloads_nothing() {
    // The folder is a volume in the host's own mount namespace, which is unmounted from there.
    let host = host().apart("-Urm", "mount -t tmpfs none plugins").start().await;
    let inside = |command: &str| {
        let pid = host.pid().to_string();
        let status = std::process::Command::new("nsenter")
            .args(["-t", &pid, "-U", "-m", "--preserve-credentials", "sh", "-c", command])
            .current_dir(host.folder())
            .env("PLUGINS", folder_of(&host))
            .status();
        assert!(status.expect("nsenter").success(), "{command}");
    };
    let orders = plugin("orders");
    inside(&format!("cp {} $PLUGINS/orders.wasm", orders.display()));
    host.wait_for("orders", |it| it["state"] == "serving").await;
    inside("umount -l $PLUGINS");
    host.log.wait_for("is a volume not mounted?").await;
    assert_eq!(host.get("/hello").await.status, 200);
    // What comes then is what there is.
    inside(&format!("mount -t tmpfs none $PLUGINS && cp {} $PLUGINS/versioned.wasm", fixture("versioned").display()));
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    host.wait_for("orders", Value::is_null).await;
}

#[tokio::test]
async fn a_dangling_link_serves_what_it_led_to() {
    let host = host().start().await;
    let real = host.folder().join("real.wasm");
    fs::copy(plugin("orders"), &real).expect("to copy it");
    std::os::unix::fs::symlink(&real, host.file("orders")).expect("a link");
    host.wait_for("orders", |it| it["state"] == "serving").await;
    fs::rename(&real, host.folder().join("away.wasm")).expect("to move it");
    host.log.wait_for("target does not exist").await;
    assert_eq!(host.get("/hello").await.status, 200);
    fs::remove_file(host.file("orders")).expect("to remove it");
    host.wait_for("orders", Value::is_null).await;
}

#[tokio::test]
async fn without_descriptors_nothing_is_unloaded() {
    let host = host().plugin("orders").after("ulimit -n 34").start().await;
    let mut clients = vec![];
    for _ in 0..60 {
        clients.push(tokio::net::TcpStream::connect(host.address).await.expect("a connection"));
    }
    looked_again(&host, &folder_of(&host)).await;
    assert_eq!(host.get("/hello").await.status, 200);
    assert_eq!(host.log.lines_with("unloaded plugin=orders"), [""; 0]);
    assert_eq!(host.log.lines_with("os error 24"), [""; 0]);
    fs::copy(fixture("versioned"), host.file("versioned")).expect("to copy it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    drop(clients);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_now_is_read_later() {
    let host = host().start().await;
    let source = host.folder().join("source");
    std::os::unix::fs::symlink("/proc/self/mem", &source).expect("a link");
    std::os::unix::fs::symlink(&source, host.file("orders")).expect("a link");
    assert!(is_failed(&host, "orders").await.contains("cannot read the file"));
    fs::remove_file(&source).expect("to remove it");
    fs::copy(plugin("orders"), &source).expect("to copy it");
    host.wait_for("orders", |it| it["state"] == "serving").await;
    assert_eq!(host.log.lines("not loaded", 1).await.len(), 1, "{}", host.log.text());
}
