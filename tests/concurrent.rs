//! `async` exports, called beside each other and beside sync ones.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;
use witapi_tests::{Answer, Host, host, send};

fn begin(host: &Host, path: &str) -> JoinHandle<Answer> {
    tokio::spawn(send(host.request("GET", path)))
}

#[tokio::test]
async fn calls_that_wait_do_not_wait_for_each_other() {
    let host = host().fixture("waiter").start().await;
    for path in ["/waiter/async/1000", "/waiter/sync/1000"] {
        let began = Instant::now();
        let calls: Vec<_> = (0..50).map(|_| begin(&host, path)).collect();
        for call in calls {
            assert_eq!(call.await.expect("an answer").json(), 1000);
        }
        // One after the other they would take 50 s.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn an_async_export_that_spins_stops_no_other() {
    let host = host().fixture("waiter").plugin("orders").config("[limits]\ndeadline_ms = 6000").start().await;
    let spinners: Vec<_> = (0..8).map(|_| begin(&host, "/waiter/spin")).collect();
    let mut answered = 0;
    while !spinners.iter().any(JoinHandle::is_finished) {
        assert_eq!(host.get("/waiter/async/1").await.json(), 1);
        assert_eq!(host.get("/waiter/sync/1").await.json(), 1);
        assert_eq!(host.get("/hello").await.status, 200);
        answered += 1;
    }
    assert!(answered >= 3, "{answered} answers beside the spinners");
    for spinner in spinners {
        assert_eq!(spinner.await.expect("an answer").status, 504);
    }
}

#[tokio::test]
async fn a_trap_in_an_async_export_is_a_500() {
    let host = host().fixture("waiter").start().await;
    let answer = host.get("/waiter/panic").await;
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(!answer.text().contains("secret"));
    host.log.wait_for("wasm trap").await;
    assert_eq!(host.get("/waiter/async/1").await.json(), 1);
}

#[tokio::test]
async fn concurrent_python_calls_run_beside_a_sync_plugin() {
    let host = host().plugin("wordcount").plugin("orders").start().await;
    let text = |i: usize| format!("wasm {}", "component ".repeat(i));
    let count =
        |i: usize| tokio::spawn(send(host.request("POST", "/words/count").json(&json!({"text": text(i), "top": 1}))));
    let calls: Vec<_> = (2..22).map(|i| (i, count(i), begin(&host, "/hello"))).collect();
    for (i, count, hello) in calls {
        let answer = count.await.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["words"], 1 + i);
        assert_eq!(answer.json()["frequent"], json!([{"word": "component", "count": i}]));
        assert_eq!(hello.await.expect("an answer").status, 200);
    }
    assert_eq!(host.post("/words/count", &json!({"text": "!"})).await.status, 400);
    assert_eq!(host.get("/words/stop-words?prefix=th").await.status, 200);
}
