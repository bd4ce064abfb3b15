//! Much at once: calls, loads, and both while guests spin.

use std::{fs, net::TcpListener, process::Stdio, time::Duration};

use serde_json::json;
use tokio::{process::Command, task::JoinHandle};
use witapi_tests::{Answer, Host, fixture, host, plugin, send, witapi};

fn begin(host: &Host, path: &str) -> JoinHandle<Answer> {
    tokio::spawn(send(host.request("GET", path)))
}

#[tokio::test]
async fn plugins_are_managed_while_guests_spin_everywhere() {
    let host = host().fixture("hostile").config("[limits]\ndeadline_ms = 15000").start().await;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let spinners: Vec<_> = (0..threads * 2).map(|_| begin(&host, "/hostile/spin")).collect();
    host.log.wait_for("running").await;
    fs::copy(fixture("versioned"), host.file("versioned")).expect("to copy it");
    host.wait_for("versioned", |it| it["state"] == "serving").await;
    assert_eq!(host.get("/version").await.status, 200);
    fs::write(host.file("versioned"), crate::hot_load::version(7)).expect("to replace it");
    while host.get("/version").await.json()["first"] != "version-00000007" {}
    fs::remove_file(host.file("versioned")).expect("to remove it");
    host.wait_for("versioned", serde_json::Value::is_null).await;
    assert!(!spinners.iter().any(JoinHandle::is_finished), "the spinners ended too early to tell");
    for spinner in spinners {
        spinner.abort();
    }
}

#[tokio::test]
async fn as_many_calls_run_as_there_are_instances() {
    let host = host().fixture("waiter").fixture("hostile").start().await;
    // The defaults: 256 instances, 1024 places in the queue.
    for path in ["/hostile/wait/1000", "/waiter/async/1000"] {
        let calls: Vec<_> = (0..600).map(|_| begin(&host, path)).collect();
        for call in calls {
            let answer = call.await.expect("an answer");
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "1000"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn components_of_many_modules_fill_the_pool_last() {
    let host = host().plugin("wordcount").config("[scheduler]\ninstances = 8").start().await;
    let post = || host.request("POST", "/words/count").json(&json!({"text": "so many words"}));
    let calls: Vec<_> = (0..60).map(|_| tokio::spawn(send(post()))).collect();
    for call in calls {
        let answer = call.await.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}\n{}", host.log.text());
    }
}

#[tokio::test]
async fn dozens_of_components_are_loaded_at_one_start() {
    let names: Vec<_> = (0..40).map(|i| format!("copy{i}")).collect();
    let mut setup = host();
    for name in &names {
        setup = setup.component(name, fixture("versioned")).config(&format!("[plugin.{name}]\nmount = '/{name}'"));
    }
    let host = setup.start().await;
    for name in &names {
        assert_eq!(host.get(&format!("/{name}/version")).await.status, 200);
    }
    assert_eq!(host.log.lines_with("ERROR"), [""; 0]);
}

#[tokio::test]
async fn while_it_loads_the_host_is_alive_and_not_ready() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(plugin("greeter"), folder.path().join("greeter.wasm")).expect("to copy it");
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").to_string();
    let mut child = Command::new(witapi())
        .args(["serve", "--listen", &address, "--plugins", "."])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("a process");
    let client = reqwest::Client::new();
    let ready = async || client.get(format!("http://{address}/readyz")).send().await.map(|it| it.status().as_u16());
    let first = loop {
        if let Ok(status) = ready().await {
            break status;
        }
        assert!(child.try_wait().expect("a status").is_none(), "the host has ended");
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    assert_eq!(first, 503);
    assert_eq!(client.get(format!("http://{address}/healthz")).send().await.expect("an answer").status(), 200);
    while ready().await.expect("an answer") != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_ne!(client.get(format!("http://{address}/greetings")).send().await.expect("an answer").status(), 404);
}

#[tokio::test]
async fn sigterm_does_not_wait_for_a_compilation() {
    let host = host().start().await;
    fs::copy(plugin("wordcount"), host.file("wordcount")).expect("to copy it");
    // Longer than a file is waited for, shorter than it takes to compile.
    tokio::time::sleep(Duration::from_millis(500)).await;
    host.signal(libc::SIGTERM);
    let (status, stopped) = host.ended().await;
    assert_eq!(status, Some(0));
    assert_eq!(stopped.log.lines_with("loaded"), [""; 0]);
}

#[tokio::test]
async fn large_results_by_the_dozen_cost_bounded_memory() {
    let host = host()
        .fixture("hostile")
        .config("[limits]\nresult_kib = 512\ndeadline_ms = 170000\n[scheduler]\ninstances = 8")
        .start()
        .await;
    let calls: Vec<_> = (0..60)
        .map(|i| begin(&host, ["/hostile/string/500", "/hostile/bytes/500", "/hostile/lists/2000"][i % 3]))
        .collect();
    for call in calls {
        let status = call.await.expect("an answer").status;
        assert!(status == 200 || status == 500, "{status}");
    }
    assert_eq!(host.get("/hostile/light").await.status, 200);
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("the process's status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let mib = peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10;
    // Eight instances: each with some 60 MiB of its own, and as much on its way out.
    assert!(mib < 1500, "{mib} MiB");
}
