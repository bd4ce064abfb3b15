//! Streams that do not come to their end.

use serde_json::{Value, json};
use witapi_tests::host;

use super::{BYTES, EVENTS, NDJSON, wire::Wire};

/// The events of an answer's text, each with its name.
fn events(text: &str) -> Vec<(String, Value)> {
    let event = |event: &str| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let data = serde_json::from_str(field("data:").expect("data")).expect("JSON");
        (field("event:").unwrap_or("message").to_owned(), data)
    };
    text.split_terminator("\n\n").map(event).collect()
}

#[tokio::test]
async fn a_trap_in_mid_stream_breaks_the_answer() {
    let host = host().fixture("streams").start().await;
    for (path, sent) in [("/trap?after=3", "0\n1\n2\n"), ("/trap/bytes?after=2", "\u{7}\u{7}"), ("/nan", "0.5\n")] {
        let mut wire = Wire::begin(&host, "GET", path, "").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        assert_eq!(wire.rest().await, (sent.to_owned(), false), "{path}");
    }
    for (path, sent) in [("/trap?after=2", vec![json!(0), json!(1)]), ("/nan", vec![json!(0.5)])] {
        let mut wire = Wire::begin(&host, "GET", path, &format!("accept: {EVENTS}\r\n")).await;
        wire.head().await;
        let (text, is_whole) = wire.rest().await;
        assert!(!is_whole, "{text}");
        let mut events = events(&text);
        let (name, problem) = events.pop().expect("an event");
        assert_eq!(name, "error");
        assert_eq!((&problem["type"], &problem["status"]), (&json!("/problems/plugin-failed"), &json!(500)));
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(events, sent.into_iter().map(|data| ("message".to_owned(), data)).collect::<Vec<_>>());
    }
    // Why, is in the line of the request.
    let line = host.log.wait_for("operation=\"streams.trap\"").await;
    assert!(line.contains("wasm trap") && line.contains("status=200"), "{line}");
    let line = host.log.wait_for("operation=\"streams.nan\"").await;
    assert!(line.contains("NaN"), "{line}");
}

#[tokio::test]
async fn a_guest_that_waits_for_itself_is_not_waited_for() {
    let host = host().fixture("streams").start().await;
    let mut wire = Wire::begin(&host, "GET", "/stuck", "").await;
    wire.head().await;
    assert_eq!(wire.rest().await, (String::new(), false));
    assert!(host.log.wait_for("operation=\"streams.stuck\"").await.contains("wasm trap"));
}

#[tokio::test]
async fn a_wrong_line_breaks_a_begun_response() {
    let host = host().fixture("streams").start().await;
    let item = host.get("/items?count=1").await.text();
    for accept in [NDJSON, EVENTS] {
        let mut wire = Wire::begin_body(&host, "/echo/items", NDJSON, &format!("accept: {accept}\r\n")).await;
        wire.send(item.as_bytes()).await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        assert!(wire.text().await.contains("item 0"));
        wire.send(b"{\"seq\": \"one\"}\n").await;
        let (text, is_whole) = wire.rest().await;
        assert!(!is_whole, "{text}");
        if accept == EVENTS {
            let (name, problem) = events(&text).pop().expect("an event");
            assert_eq!((name.as_str(), &problem["status"]), ("error", &json!(422)));
            assert_eq!(problem["errors"][0]["loc"], json!(["body", 1, "seq"]));
        } else {
            assert_eq!(text, "");
        }
    }
    host.log.wait_for("the request's stream broke").await;
}

#[tokio::test]
async fn a_broken_request_is_never_an_end_for_the_guest() {
    let host = host().fixture("streams").start().await;
    let mut wire = Wire::begin_body(&host, "/sum", NDJSON, "x-request-id: breaks-off-1\r\n").await;
    wire.send(b"1\n2\n").await;
    drop(wire);
    let mut wire = Wire::begin_body(&host, "/echo/bytes", BYTES, "x-request-id: breaks-off-2\r\n").await;
    wire.send(b"1\n2\n").await;
    wire.head().await;
    assert_eq!(wire.text().await, "1\n2\n");
    drop(wire);
    // Their lines in the log are written when they have ended.
    for id in ["breaks-off-1", "breaks-off-2"] {
        host.log.wait_for(&format!("id=\"{id}\"")).await;
    }
    assert_eq!(host.log.lines_with("saw the end").len(), 0, "{}", host.log.text());

    let mut wire = Wire::begin_body(&host, "/sum", NDJSON, "").await;
    wire.send(b"1\n2\n").await;
    wire.end().await;
    wire.head().await;
    host.log.wait_for("saw the end").await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_guest() {
    let host = host().fixture("streams").config("[scheduler]\ninstances = 1\nqueue = 0").start().await;
    for path in ["/silent", "/numbers?count=4000000000", "/bytes?count=1000000000000&chunk=65536"] {
        let mut wire = Wire::begin(&host, "GET", path, "").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "), "{path}");
        wire.chunk().await.expect("a chunk");
        // The only instance is taken.
        assert_eq!(host.get("/numbers?count=1").await.status, 503);
        drop(wire);
        // There is no other sign of the guest's end than that the next one is let in.
        host.freed("/numbers?count=1").await;
        // Its line tells of it: an answer that nobody read to its end has no other end.
        let path = path.split('?').next().expect("a path");
        host.log.wait_for(&format!("path={path} broke=\"the client went away\"")).await;
    }
}

#[tokio::test]
async fn a_stream_has_a_deadline_of_its_own() {
    let limits = "[limits]\ndeadline_ms = 1000\nstream_deadline_ms = 3000\n[scheduler]\ninstances = 1\nqueue = 0";
    let host = host().fixture("streams").config(limits).start().await;
    // A guest that is silent, and a client that does not read.
    for path in ["/silent", "/bytes?count=1000000000000&chunk=65536"] {
        let mut wire = Wire::begin(&host, "GET", path, "").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "), "{path}");
        host.freed("/numbers?count=1").await;
        while let Ok(chunk) = wire.chunk().await {
            assert!(chunk.is_some(), "{path} has an end");
        }
    }
    host.log.wait_for("`stream_deadline_ms` sets the limit").await;

    // A guest that takes nothing for that long has no more time than any other.
    let mut wire = Wire::begin_body(&host, "/spin", NDJSON, "").await;
    wire.send(b"1\n").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 504 "));
}

#[tokio::test]
async fn a_request_may_take_long_but_not_pause_long() {
    let limits = "[limits]\ndeadline_ms = 1500\n[server]\nbody_timeout_ms = 1000";
    let host = host().fixture("streams").config(limits).start().await;
    let mut wire = Wire::begin_body(&host, "/sum", NDJSON, "").await;
    for _ in 0..20 {
        wire.send(b"1\n").await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    wire.end().await;
    assert!(wire.head().await.starts_with("HTTP/1.1 200 "));

    let mut wire = Wire::begin_body(&host, "/sum", NDJSON, "").await;
    wire.send(b"1\n").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 408 "));
}
