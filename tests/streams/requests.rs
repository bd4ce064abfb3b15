//! Streams as parameters.

use serde_json::json;
use witapi_tests::{Answer, Host, host, send};

use super::{BYTES, NDJSON, lines, wire::Wire};

async fn post(host: &Host, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    send(host.request("POST", path).header("content-type", content_type).body(body)).await
}

#[tokio::test]
async fn bytes_come_in_as_they_are() {
    let host = host().fixture("streams").start().await;
    assert_eq!(post(&host, "/bytes", BYTES, "hello").await.json(), json!({"count": 5, "sum": 532}));
    assert_eq!(
        post(&host, "/bytes", BYTES, vec![1; 3_000_000]).await.json(),
        json!({"count": 3_000_000, "sum": 3_000_000})
    );
    assert_eq!(send(host.request("POST", "/bytes")).await.json(), json!({"count": 0, "sum": 0}));
    for path in ["/echo/bytes", "/pass/bytes"] {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
        let answer = post(&host, path, BYTES, bytes.clone()).await;
        assert!(answer.body == bytes, "{path}: {} bytes", answer.body.len());
    }
}

#[tokio::test]
async fn items_come_in_one_a_line() {
    let host = host().fixture("streams").start().await;
    for (body, count, sum) in [("", 0, 0), ("7", 1, 7), ("1\n2\n", 2, 3), ("\n1\r\n\n 2 \n\t\n3", 3, 6), ("\n\n", 0, 0)]
    {
        for content_type in [NDJSON, "application/jsonl", "application/x-ndjson; charset=utf-8"] {
            let answer = post(&host, "/sum", content_type, body).await;
            assert_eq!(answer.json(), json!({"count": count, "sum": sum}), "{body:?}");
        }
    }
    let many: String = (0..100_000).map(|i| format!("{i}\n")).collect();
    assert_eq!(post(&host, "/sum", NDJSON, many).await.json(), json!({"count": 100_000, "sum": 4_999_950_000u64}));
}

#[tokio::test]
async fn items_of_every_kind_pass_unchanged() {
    let host = host().fixture("streams").start().await;
    let items = host.get("/items?count=300").await;
    assert_eq!(lines(&items).len(), 300);
    for path in ["/echo/items", "/pass/items"] {
        let answer = post(&host, path, NDJSON, items.body.clone()).await;
        assert!(answer.body == items.body, "{path}");
    }
    let named = host.request("PUT", "/named/Ada%20L").header("content-type", NDJSON).body(items.body.slice(..));
    assert!(send(named).await.json().as_str().expect("text").starts_with("Ada L 0 1 2 3 "));
}

#[tokio::test]
async fn another_media_type_is_refused() {
    let host = host().fixture("streams").start().await;
    for (path, content_type) in
        [("/sum", "application/json"), ("/sum", BYTES), ("/bytes", NDJSON), ("/bytes", "text/plain")]
    {
        assert_eq!(post(&host, path, content_type, "1").await.status, 415, "{path} {content_type}");
    }
}

#[tokio::test]
async fn a_line_that_is_wrong_is_named() {
    let host = host().fixture("streams").config("[limits]\nbody_kib = 1").start().await;
    let answer = post(&host, "/sum", NDJSON, "1\n2\n-3\n4\n").await;
    assert_eq!(answer.faults(), ["body[2] minimum"]);
    let answer = post(&host, "/echo/items", NDJSON, "\n{\"seq\": true}\n").await;
    assert!(answer.status != 422 || answer.faults().contains(&"body[1].seq type".to_owned()), "{answer:?}");

    let answer = post(&host, "/sum", NDJSON, "1\n\n{\"a\": \n").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (400, &json!("/problems/malformed-json")));
    assert!(answer.json()["detail"].as_str().expect("text").starts_with("Line 3, column "), "{answer:?}");

    // Each line is bounded; all of them together are not.
    let answer = post(&host, "/sum", NDJSON, "1\n".repeat(10_000)).await;
    assert_eq!(answer.json()["count"], 10_000);
    for end in ["", "\n"] {
        let long = format!("1\n{}2{end}", " ".repeat(1024));
        assert_eq!(post(&host, "/sum", NDJSON, long).await.status, 413);
    }
    assert!(!host.log.text().contains("panic"), "{}", host.log.text());
}

#[tokio::test]
async fn the_answer_comes_while_the_request_goes_on() {
    let host = host().fixture("streams").start().await;
    let items = host.get("/items?count=3").await.text();
    for path in ["/echo/items", "/pass/items"] {
        let mut wire = Wire::begin_body(&host, path, NDJSON, "").await;
        for (i, line) in items.lines().enumerate() {
            let line = format!("{line}\n");
            // In two halves: only a whole line is an item.
            wire.send(&line.as_bytes()[..10]).await;
            wire.send(&line.as_bytes()[10..]).await;
            if i == 0 {
                assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
            }
            assert_eq!(wire.text().await, line, "{path}");
        }
        wire.end().await;
        assert_eq!(wire.rest().await, (String::new(), true));
    }
    for path in ["/echo/bytes", "/pass/bytes"] {
        let mut wire = Wire::begin_body(&host, path, BYTES, "").await;
        wire.send(b"first").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        assert_eq!(wire.text().await, "first");
        wire.send(b"second").await;
        assert_eq!(wire.text().await, "second", "{path}");
        wire.end().await;
        assert_eq!(wire.rest().await, (String::new(), true));
    }
}

#[tokio::test]
async fn one_instance_is_enough_for_both_ways() {
    let host = host().fixture("streams").config("[scheduler]\ninstances = 1").start().await;
    let items = host.get("/items?count=100").await;
    for _ in 0..20 {
        assert!(post(&host, "/echo/items", NDJSON, items.body.clone()).await.body == items.body);
        let item = &lines(&items)[0];
        assert_eq!(host.put("/wait", &json!({"item": item, "twice": true})).await.json(), json!([item, item]));
    }
}

#[tokio::test]
async fn many_streams_run_beside_each_other() {
    let host = host().fixture("streams").start().await;
    let items = host.get("/items?count=1").await.text();
    let mut wires = vec![];
    for _ in 0..100 {
        let mut wire = Wire::begin_body(&host, "/echo/items", NDJSON, "").await;
        wire.send(items.as_bytes()).await;
        wires.push(wire);
    }
    for wire in &mut wires {
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        assert_eq!(wire.text().await, items);
    }
    for wire in &mut wires {
        wire.end().await;
        assert_eq!(wire.rest().await, (String::new(), true));
    }
}

#[tokio::test]
async fn rules_of_the_parameter_hold_for_each_item() {
    let host = host().fixture("streams").start().await;
    assert_eq!(post(&host, "/first", NDJSON, "3\n").await.json(), 3);
    assert_eq!(post(&host, "/first", NDJSON, "2\n").await.faults(), ["body[0] minimum"]);
}

#[tokio::test]
async fn a_function_may_respond_before_the_request_ends() {
    let host = host().fixture("streams").start().await;
    let mut wire = Wire::begin_body(&host, "/first", NDJSON, "").await;
    wire.send(b"41\n42\n").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
}
