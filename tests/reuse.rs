//! Instances that serve more than one request, where the operator wants it.

use serde_json::json;
use witapi_tests::{Host, host, send};

/// A component that counts its calls, and traps when it is asked to.
fn counter() -> Vec<u8> {
    let text = r#"(component
        (core module $m
            (memory (export "memory") 1)
            (global $calls (mut i32) (i32.const 0))
            (func (export "count") (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (global.get $calls))
            (func (export "trap") (result i32) unreachable))
        (core instance $i (instantiate $m))
        (func $count (result u32) (canon lift (core func $i "count")))
        (func $trap (result u32) (canon lift (core func $i "trap")))
        (instance (export "test:reuse/counter") (export "get-count" (func $count)) (export "get-trap" (func $trap))))"#;
    wat::parse_str(text).expect("a component")
}

async fn counts(host: &Host, times: usize) -> Vec<u64> {
    let mut counts = vec![];
    for _ in 0..times {
        counts.push(host.get("/counter/count").await.json().as_u64().expect("a number"));
    }
    counts
}

#[tokio::test]
async fn an_instance_serves_the_configured_requests() {
    let host = host().made("counter", counter()).config("[plugin.counter]\nrequests_per_instance = 3").start().await;
    assert_eq!(counts(&host, 7).await, [1, 2, 3, 1, 2, 3, 1]);
}

#[tokio::test]
async fn by_default_it_serves_one() {
    let host = host().made("counter", counter()).start().await;
    assert_eq!(counts(&host, 3).await, [1, 1, 1]);
}

#[tokio::test]
async fn an_instance_that_trapped_serves_no_other() {
    let host = host().made("counter", counter()).config("[plugin.counter]\nrequests_per_instance = 100").start().await;
    assert_eq!(counts(&host, 2).await, [1, 2]);
    assert_eq!(host.get("/counter/trap").await.status, 500);
    assert_eq!(counts(&host, 2).await, [1, 2]);
}

/// The lines of a request are its own, the last without its end among them, and so is what may be logged of them.
#[tokio::test]
async fn a_reused_instance_logs_for_its_current_request() {
    let config = "[plugin.hostile]\nrequests_per_instance = 100\nlog_kib = 1";
    let host = host().fixture("hostile").config(config).start().await;
    for i in 0..3 {
        let output = json!({"text": format!("said by {i} {}\n", "x".repeat(600)), "times": 2, "to_stderr": true});
        let request =
            host.request("POST", "/hostile/print").header("x-request-id", format!("request-{i}")).json(&output);
        assert_eq!(send(request).await.status, 204);
        let line = host.log.wait_for(&format!("said by {i} x")).await;
        assert!(line.contains(&format!("request=request-{i}")), "{line}");
        host.log.wait_for(&format!("request=request-{i} ")).await;
    }
    let cuts = host.log.text().matches("dropping the rest of the call's output; `log_kib` sets the limit").count();
    assert_eq!(cuts, 3, "{}", host.log.text());
}
