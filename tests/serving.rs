//! The host as a server: health, ids, logs, slow clients, the end.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};
use witapi_tests::{Host, PATIENCE, free_address, host, send, witapi};

/// Runs the host where it is to end by itself.
async fn run(folder: &std::path::Path, arguments: &[&str]) -> Output {
    let child =
        Command::new(witapi()).args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true).output();
    tokio::time::timeout(Duration::from_secs(60), child).await.expect("an end in time").expect("a process")
}

#[tokio::test]
async fn health_and_readiness_are_told() {
    let host = host().start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(host.get(path).await.status, 200);
    }
}

#[tokio::test]
async fn sigterm_waits_for_requests_in_flight() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let host = host().fixture("hostile").start().await;
        let address = host.address;
        let slow = host.request("GET", "/hostile/wait/2000").header("x-request-id", "slow");
        let slow = tokio::spawn(send(slow));
        host.log.wait_for("request=slow ").await;
        // One that is idle does not hold up the end.
        let _idle = TcpStream::connect(address).await.expect("a connection");
        host.signal(signal);
        host.log.wait_for("stopping").await;
        assert!(TcpStream::connect(address).await.is_err(), "it still listens");
        assert!(!slow.is_finished());
        let answer = slow.await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(2000)));
        let (status, stopped) = host.ended().await;
        assert_eq!(status, Some(0), "{}", stopped.log.text());
    }
}

#[tokio::test]
async fn requests_beyond_the_drain_are_cut_off() {
    let host = host().fixture("hostile").config("[server]\ndrain_ms = 200").start().await;
    let endless = tokio::spawn(host.request("GET", "/hostile/spin").header("x-request-id", "endless").send());
    host.log.wait_for("request=endless ").await;
    host.signal(libc::SIGTERM);
    let (status, stopped) = host.ended().await;
    assert_eq!(status, Some(0));
    assert!(stopped.log.text().contains("drain_ms"), "{}", stopped.log.text());
    assert!(endless.await.expect("an end").is_err());
}

#[tokio::test]
async fn a_second_signal_ends_the_host_at_once() {
    for (first, second, status) in [(libc::SIGTERM, libc::SIGTERM, 143), (libc::SIGTERM, libc::SIGINT, 130)] {
        // Without the second signal it would go on for minutes.
        let limits = "[limits]\ndeadline_ms = 600000\n[server]\ndrain_ms = 600000";
        let host = host().fixture("hostile").config(limits).start().await;
        let slow = tokio::spawn(host.request("GET", "/hostile/wait/600000").header("x-request-id", "slow").send());
        host.log.wait_for("request=slow ").await;
        host.signal(first);
        host.log.wait_for("stopping").await;
        host.signal(second);
        let (ended, stopped) = host.ended().await;
        assert_eq!(ended, Some(status), "{}", stopped.log.text());
        assert!(stopped.log.text().contains("second signal"), "{}", stopped.log.text());
        assert!(slow.await.expect("an end").is_err());
    }
}

#[tokio::test]
async fn an_id_is_taken_or_made_and_stands_in_the_answer() {
    let host = host().plugin("orders").start().await;
    let with = async |id: &[u8]| {
        let id = reqwest::header::HeaderValue::from_bytes(id).expect("a header");
        let answer = send(host.request("GET", "/hello").header("x-request-id", id)).await;
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(with(b"abc-123/{}~").await, "abc-123/{}~");
    let longest = "x".repeat(128);
    assert_eq!(with(longest.as_bytes()).await, longest);
    let is_made = |id: &str| id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    for unfit in [b"".as_slice(), b"two words", b"tab\there", b"\xff", "é".as_bytes(), "x".repeat(129).as_bytes()] {
        let id = with(unfit).await;
        assert!(is_made(&id), "{id} for {unfit:?}");
    }
    let ids: Vec<_> = [host.get("/hello").await, host.get("/nowhere").await, host.get("/healthz").await]
        .iter()
        .map(|answer| answer.header("x-request-id").to_owned())
        .collect();
    assert!(ids.iter().all(|id| is_made(id)), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn every_request_has_a_line_in_the_log() {
    let host = host().plugin("orders").start().await;
    for (path, expected) in [
        ("/hello", r#"plugin="orders" operation="hello.say-hello" status=200"#),
        ("/orders/prices/none", r#"plugin="orders" operation="orders.price-of" status=404"#),
        ("/nowhere", "status=404"),
        ("/healthz", "status=200"),
    ] {
        let id = format!("id-of{}", path.replace('/', "-"));
        send(host.request("GET", path).header("x-request-id", &id)).await;
        let line = host.log.wait_for(&format!("id=\"{id}\"")).await;
        assert!(line.contains(" INFO request: ") && line.contains(" ms="), "{line}");
        assert!(line.contains(expected) && line.contains(&format!("path={path}")), "{line}");
    }
}

#[tokio::test]
async fn in_json_every_line_of_the_log_is_an_object() {
    let host = host().plugin("orders").fixture("hostile").argument("--log-format=json").start().await;
    let ask = async |path: &str, id: &str| {
        send(host.request("GET", path).header("x-request-id", id)).await;
        let line = host.log.wait_for(&format!("\"id\":\"{id}\"")).await;
        serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    };
    let line = ask("/hello", "fine").await;
    assert_eq!((&line["plugin"], &line["operation"]), (&json!("orders"), &json!("hello.say-hello")));
    assert_eq!((&line["level"], &line["method"], &line["path"]), (&json!("INFO"), &json!("GET"), &json!("/hello")));
    // With arbitrary precision a number is read as it stands.
    assert_eq!(line["status"].as_u64(), Some(200));
    assert!(line["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    let line = ask("/hostile/panic", "failed").await;
    assert_eq!((&line["level"], line["status"].as_u64()), (&json!("ERROR"), Some(500)));
    assert!(line["fault"].as_str().is_some_and(|fault| fault.contains("unreachable")), "{line}");
    ask("/no%20where", "nowhere").await;
    std::fs::write(host.file("broken"), "no wasm").expect("to write it");
    host.log.wait_for("not loaded").await;
    for line in host.log.text().lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert!(object.is_object());
    }
}

#[tokio::test]
async fn a_client_cannot_forge_a_line_of_the_log() {
    let host = host().start().await;
    let mut stream = TcpStream::connect(host.address).await.expect("a connection");
    let request = b"GET /a\x1b[31m\xe2\x80\xaeb HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.expect("to send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(host.get("/%1b%5b31m%0aforged").await.status, 404);
    host.log.wait_for("forged").await;
    assert!(!host.log.text().contains(['\u{1b}', '\u{202e}']), "{}", host.log.text());
}

async fn raw(host: &Host, request: &str) -> String {
    let mut stream = TcpStream::connect(host.address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("to send");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("an end in time").expect("an answer");
    answer
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_a_408() {
    let host = host().plugin("orders").config("[server]\nbody_timeout_ms = 300").start().await;
    for head in ["content-length: 10\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"] {
        let request = format!("POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}");
        // The connection ends with it, since the rest of the body may still come.
        let answer = raw(&host, &request).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("/problems/slow-request"), "{answer}");
    }
}

#[tokio::test]
async fn a_late_head_ends_its_connection() {
    let host = host().config("[server]\nheader_timeout_ms = 300").start().await;
    assert_eq!(raw(&host, "GET / HTTP/1.1\r\nhost:").await.lines().count(), 0);
    assert_eq!(host.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn two_hosts_on_one_port_the_second_says_why_and_ends() {
    let host = host().start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let address = host.address.to_string();
    let output = run(folder.path(), &["serve", "--listen", &address]).await;
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(&format!("witapi: cannot listen on {address}")), "{error}");
    assert!(error.contains("another program does"), "{error}");
    assert_eq!(host.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn the_plugin_folder_is_made_if_it_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugins = folder.path().join("new/plugins");
    let host = host().argument("--plugins").argument(plugins.to_str().expect("a path")).start().await;
    assert!(plugins.is_dir());
    std::fs::copy(witapi_tests::plugin("orders"), plugins.join("orders.wasm")).expect("to copy it");
    host.wait_for("orders", |it| it["state"] == "serving").await;
}

#[tokio::test]
async fn a_path_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &["serve", "--listen", "127.0.0.1:0", "missing.wasm"]).await;
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("missing.wasm: no such file or folder"), "{error}");
}

#[tokio::test]
async fn one_component_can_be_served_by_its_path() {
    let file = witapi_tests::plugin("orders");
    let host = host().plugin("todos").argument(file.to_str().expect("a path")).start().await;
    assert_eq!(host.get("/hello").await.status, 200);
    assert_eq!(host.status("todos").await, Value::Null, "the folder is served only if it is named too");
}

#[tokio::test]
async fn the_terminal_shows_the_routes_at_start() {
    let host = host().plugin("orders").start().await;
    assert!(host.printed.contains("orders") && host.printed.contains("/orders/prices/{sku}"), "{}", host.printed);
}

/// A component with one function, which traps, at that path.
fn at_path(path: &str) -> Vec<u8> {
    witapi_tests::dummy_component(&format!(
        "package a:b; interface api {{ @external-id(\"GET {path}\") f: func() -> u32; }} world w {{ export api; }}"
    ))
}

/// What a host answers that may not listen yet.
async fn early(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let began = std::time::Instant::now();
    loop {
        if let Ok(answer) = reqwest::get(format!("http://{address}{path}")).await {
            return (answer.status().as_u16(), answer.text().await.expect("a body"));
        }
        assert!(began.elapsed() < witapi_tests::PATIENCE, "it does not listen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn readiness_waits_five_seconds_for_a_writer() {
    let (folder, address) = (tempfile::tempdir().expect("a folder"), witapi_tests::free_address());
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).expect("a folder");
    let orders = std::fs::read(witapi_tests::plugin("orders")).expect("the plugin");
    let path = plugins.join("late.wasm");
    std::fs::write(&path, &orders[..100]).expect("to write it");
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (writes, half) = (is_over.clone(), orders[..orders.len() / 2].to_vec());
    let late = path.clone();
    let writer = std::thread::spawn(move || {
        let mut length = 100;
        while !writes.load(std::sync::atomic::Ordering::SeqCst) {
            length = (length + 10).min(half.len());
            std::fs::write(&late, &half[..length]).expect("to write it");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let setup = host().argument("--plugins").argument(plugins.to_str().expect("a path"));
    std::fs::copy(witapi_tests::fixture("versioned"), plugins.join("versioned.wasm")).expect("to copy it");
    let began = std::time::Instant::now();
    let starting = tokio::spawn(setup.on(address).start());
    while early(address, "/version").await.0 != 200 {
        assert!(began.elapsed() < witapi_tests::PATIENCE);
    }
    let served = began.elapsed();
    let (status, body) = early(address, "/readyz").await;
    let host = starting.await.expect("a host");
    let ready = began.elapsed();
    println!("start beside a writer: the other serves after {served:?}, ready after {ready:?}");
    if served < Duration::from_secs(4) {
        assert_eq!((status, body.as_str()), (503, "not ready\nstill being written: late.wasm\n"));
    }
    assert!(ready >= Duration::from_secs(5), "{ready:?}");
    let answer = host.get("/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ready\nstill being written: late.wasm\n"));
    is_over.store(true, std::sync::atomic::Ordering::SeqCst);
    writer.join().expect("the writer");
    std::fs::write(&path, &orders).expect("to write it");
    host.wait_for("late", |it| it["state"] == "serving").await;
    while host.get("/readyz").await.text() != "ready\n" {}
}

#[tokio::test]
async fn readiness_names_what_failed() {
    let host = host().made("broken", b"no wasm".to_vec()).plugin("orders").start().await;
    let answer = host.get("/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ready\nfailed: broken\n"));
}

#[tokio::test]
async fn at_start_the_first_name_has_the_route() {
    // The first takes seconds to compile if it does at all, the last is there at once.
    let slow = std::fs::read(witapi_tests::plugin("greeter")).expect("the plugin");
    let same = witapi_tests::fixture("versioned");
    for _ in 0..3 {
        let host = host()
            .made("a", slow.clone())
            .made("z", slow.clone())
            .component("m", &same)
            .component("n", &same)
            .made("b", at_path("/only-b"))
            .start()
            .await;
        let mut states = vec![];
        for name in ["a", "b", "m", "n", "z"] {
            states.push(host.status(name).await["state"].as_str().unwrap_or_default().to_owned());
        }
        assert_eq!(states, ["serving", "serving", "serving", "failed", "failed"], "{}", host.log.text());
    }
}

#[tokio::test]
async fn an_earlier_name_that_comes_late_takes_its_route() {
    let (folder, address) = (tempfile::tempdir().expect("a folder"), witapi_tests::free_address());
    let plugins = folder.path().join("plugins");
    std::fs::create_dir(&plugins).expect("a folder");
    let first = at_path("/same");
    let (whole, half) = (plugins.join("a.wasm"), first.len() / 2);
    std::fs::write(&whole, &first[..half]).expect("a half");
    // It gets the route by being there first, and with the other's arrival it is refused for good.
    std::fs::write(plugins.join("b.wasm"), at_path("/same")).expect("to write it");
    let setup = host().argument("--plugins").argument(plugins.to_str().expect("a path")).on(address);
    let starting = tokio::spawn(setup.start());
    while early(address, "/same").await.0 == 404 {}
    std::fs::write(&whole, &first).expect("the rest");
    let host = starting.await.expect("a host");
    host.wait_for("a", |it| it["state"] == "serving" || it["state"] == "failed").await;
    let states = (host.status("a").await, host.status("b").await);
    assert_eq!((&states.0["state"], &states.1["state"]), (&json!("serving"), &json!("failed")), "{}", host.log.text());
    let reason = states.1["failure"]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("GET /same") && reason.contains("plugin `a`"), "{reason}");
}

#[tokio::test]
async fn without_inotify_the_folder_is_looked_at() {
    let host = host().apart("-Ur", "echo 0 > /proc/sys/user/max_inotify_instances").plugin("orders").start().await;
    let line = host.log.wait_for("fs.inotify.max_user_instances").await;
    assert!(line.contains("WARN"), "{line}");
    assert_eq!(host.get("/hello").await.status, 200);
    std::fs::copy(witapi_tests::fixture("versioned"), host.file("versioned")).expect("to copy it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    std::fs::remove_file(host.file("versioned")).expect("to remove it");
    host.wait_for("versioned", Value::is_null).await;
    assert_eq!(host.log.lines("max_user_instances", 1).await.len(), 1);
}

#[tokio::test]
async fn without_watches_the_folder_is_looked_at() {
    let host = host().apart("-Ur", "echo 0 > /proc/sys/user/max_inotify_watches").plugin("orders").start().await;
    host.log.wait_for("fs.inotify.max_user_watches").await;
    std::fs::remove_file(host.file("orders")).expect("to remove it");
    host.wait_for("orders", Value::is_null).await;
    assert_eq!(host.log.lines("max_user_watches", 1).await.len(), 1);
}

/// Becomes the program behind the address, with a socket that listens there as its descriptor 3 (sd_listen_fds(3)).
const SERVICE_MANAGER: &str = "
import os, socket, sys
host, port = sys.argv[1].rsplit(':', 1)
listener = socket.create_server((host, int(port)))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])";

#[tokio::test]
async fn a_service_manager_passes_its_socket() {
    let address = free_address();
    let setup = host().plugin("orders").run_by(["python3", "-c", SERVICE_MANAGER, &address.to_string()]);
    let host = setup.start().await;
    assert_eq!(host.address, address);
    assert_eq!(host.get("/hello").await.status, 200);
}

#[tokio::test]
async fn a_service_manager_is_told_when_it_is_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let told = tokio::net::UnixDatagram::bind(&path).expect("a socket");
    let host = host().plugin("orders").env("NOTIFY_SOCKET", path.to_str().expect("a path")).start().await;
    let next = async || {
        let mut text = [0; 64];
        let length = tokio::time::timeout(PATIENCE, told.recv(&mut text)).await.expect("in time").expect("a message");
        String::from_utf8_lossy(&text[..length]).trim().to_owned()
    };
    assert_eq!(next().await, "READY=1");
    host.signal(libc::SIGTERM);
    assert_eq!(next().await, "STOPPING=1");
    assert_eq!(host.ended().await.0, Some(0));
}
