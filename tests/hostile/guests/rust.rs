//! Guests in Rust, with the toolchain that authors have: traps, limits, what they see of the world.

use std::fs;

use serde_json::json;
use witapi_tests::{Answer, Host, fixture, host, send};

use super::attack::{assert_problem, peak_mib};

#[track_caller]
fn assert_failed(answer: &Answer) {
    assert_problem(answer, 500, "/problems/plugin-failed");
}

/// That this request fails, that the log says why, and that the host goes on.
async fn fails(host: &Host, path: &str, reason: &str) {
    let id = format!("of{}", path.replace('/', "-"));
    let answer = send(host.request("GET", path).header("x-request-id", &id)).await;
    assert_failed(&answer);
    let line = host.log.wait_for(&format!("id=\"{id}\"")).await;
    assert!(line.contains(reason), "no `{reason}` in {line}");
    assert!(!line.contains("Stack backtrace"), "the host's own stack is of no use to the operator: {line}");
    assert!(line.contains("ERROR") && line.contains("plugin=\"hostile\"") && line.contains("status=500"), "{line}");
    assert_eq!(host.get("/hostile/light").await.status, 200);
}

#[tokio::test]
async fn a_trap_is_a_500_whose_reason_only_the_log_has() {
    let host = host().fixture("hostile").start().await;
    fails(&host, "/hostile/panic", "unreachable").await;
    fails(&host, "/hostile/unreachable", "unreachable").await;
}

#[tokio::test]
async fn endless_recursion_is_a_500() {
    let host = host().fixture("hostile").start().await;
    fails(&host, "/hostile/recurse", "wasm trap").await;
}

#[tokio::test]
async fn a_guest_gets_no_more_memory_than_its_limit() {
    let host = host().fixture("hostile").config("[plugin.hostile]\nmemory_mib = 16").start().await;
    assert_eq!(host.get("/hostile/allocate/12").await.json(), 12);
    fails(&host, "/hostile/allocate/20", "memory_mib").await;
    fails(&host, "/hostile/bomb", "memory_mib").await;
}

#[tokio::test]
async fn each_plugin_may_have_its_own_memory_limit() {
    let host = host()
        .fixture("hostile")
        .component("large", fixture("hostile"))
        .config("[limits]\nmemory_mib = 16\n[plugin.large]\nmemory_mib = 200\nmount = '/large'")
        .start()
        .await;
    assert_eq!(host.get("/hostile/allocate/30").await.status, 500);
    assert_eq!(host.get("/large/hostile/allocate/150").await.json(), 150);
}

#[tokio::test]
async fn memory_bombs_by_the_dozen_leave_the_host_up() {
    let host = host().fixture("hostile").config("[limits]\nmemory_mib = 16").start().await;
    let bombs: Vec<_> = (0..40).map(|_| tokio::spawn(send(host.request("GET", "/hostile/bomb")))).collect();
    for bomb in bombs {
        assert_failed(&bomb.await.expect("an answer"));
    }
    assert_eq!(host.get("/hostile/light").await.status, 200);
}

#[tokio::test]
async fn too_large_a_result_is_a_500_and_cheap() {
    let host = host()
        .fixture("hostile")
        .config("[limits]\nresult_kib = 1024\nmemory_mib = 512\ndeadline_ms = 120000")
        .start()
        .await;
    assert_eq!(host.get("/hostile/string/1000").await.body.len(), (1000 << 10) + 2);
    assert_eq!(host.get("/hostile/bytes/1024").await.body.len(), 1 << 20);
    for path in ["/hostile/string/1024", "/hostile/string/200000", "/hostile/bytes/1025", "/hostile/bytes/200000"] {
        let answer = host.get(path).await;
        assert_failed(&answer);
    }
    fails(&host, "/hostile/lists/10000", "result_kib").await;
    // The guest's own memory counts too: a string of 200 MB is once in it.
    let peak = peak_mib(&host);
    assert!(peak < 700, "{peak} MiB");
}

#[tokio::test]
async fn what_one_request_leaves_in_memory_no_other_finds() {
    // One instance, so that all have the same place in the pool.
    let host = host().fixture("hostile").config("[scheduler]\ninstances = 1").start().await;
    assert_eq!(host.post("/hostile/memory", &json!({"text": "s3cr3t-0123456789"})).await.status, 200);
    for _ in 0..3 {
        assert_eq!(host.get("/hostile/memory/9876543210-t3rc3s").await.json(), 0);
    }
    // That it can find what is there: its own text forwards is in the argument.
    assert_ne!(host.get("/hostile/memory/abccba").await.json(), 0);
}

#[tokio::test]
async fn a_guest_sees_no_environment_files_or_network() {
    let host = host().fixture("hostile").env("SECRET", "of the host").start().await;
    let answer = host.get("/hostile/surroundings").await;
    let outside = answer.json();
    assert_eq!(outside["environment"], json!([]));
    assert_eq!(outside["arguments"], json!([]));
    assert_eq!(outside["folder"], json!(null));
    assert_eq!(outside["folders"], json!([]));
    for (kind, error) in [("tcp", "access-denied"), ("udp", "access-denied"), ("names", "permanent-resolver-failure")] {
        assert!(outside[kind].as_str().is_some_and(|text| text.contains(error)), "{outside}");
    }
    assert_eq!(host.get("/hostile/sockets/5000").await.json(), 0);
}

/// A component whose module does `start` when it is instantiated, and has one export.
fn starting_with(start: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (func $start {start})
                (start $start)
                (func (export "get") (result i32) i32.const 7))
            (core instance $i (instantiate $m))
            (func $get (result u32) (canon lift (core func $i "get")))
            (instance (export "test:start/starter") (export "get-answer" (func $get))))"#
    );
    wat::parse_str(text).expect("a component")
}

#[tokio::test]
async fn a_bad_start_function_costs_only_its_requests() {
    let folder = tempfile::tempdir().expect("a folder");
    let component = |name: &str, start| {
        let path = folder.path().join(name);
        fs::write(&path, starting_with(start)).expect("a component");
        path
    };
    let host = host()
        .component("fine", component("fine", "nop"))
        .component("traps", component("traps", "unreachable"))
        .component("loops", component("loops", "(loop $l (br $l))"))
        .component("recurses", component("recurses", "(call $start)"))
        .component("grows", component("grows", "(drop (memory.grow (i32.const 65000)))"))
        .config("[limits]\ndeadline_ms = 500")
        .config("[plugin.fine]\nmount = '/fine'\n[plugin.traps]\nmount = '/traps'")
        .config("[plugin.loops]\nmount = '/loops'\n[plugin.recurses]\nmount = '/recurses'\n[plugin.grows]\nmount = '/grows'")
        .start()
        .await;
    for _ in 0..2 {
        assert_failed(&host.get("/traps/starter/answer").await);
        assert_failed(&host.get("/recurses/starter/answer").await);
        assert_eq!(host.get("/loops/starter/answer").await.status, 504);
        assert_eq!(host.get("/grows/starter/answer").await.json(), 7);
        assert_eq!(host.get("/fine/starter/answer").await.json(), 7);
    }
    host.log.wait_for("call stack exhausted").await;
}
