//! What a client gets of a handler: an answer, a problem, or half an answer that is seen to be one.

use serde_json::json;
use witapi_tests::send;

use super::{HANDLERS, exchange, handlers};
use crate::streams::wire::Wire;

#[tokio::test]
async fn without_an_answer_there_is_a_problem() {
    let host = handlers().start().await;
    for (path, why) in [
        ("/raw/none", "the handler returned without an answer"),
        ("/raw/error", "the handler answered with the error ErrorCode::InternalError"),
        ("/raw3/error", "the handler answered with the error ErrorCode::InternalError"),
        ("/raw/trap", "wasm trap"),
        ("/raw3/trap", "wasm trap"),
        ("/raw/status?101", "the handler's answer has the status 101"),
        ("/raw3/status?103", "the handler's answer has the status 103"),
    ] {
        let id = path.replace(['/', '?'], "-");
        let answer = send(host.request("GET", path).header("x-request-id", &id)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (500, "application/problem+json"),
            "{path}"
        );
        assert_eq!(answer.json()["type"], json!("/problems/plugin-failed"));
        assert!(!answer.text().contains("secret") && !answer.text().contains("wasm"), "{answer:?}");
        let line = host.log.wait_for(&format!("request: id=\"{id}\"")).await;
        assert!(line.contains(why) && line.contains("ERROR"), "{line}");
    }
}

#[tokio::test]
async fn a_handler_has_until_its_deadline_for_the_head() {
    let host = handlers().config("deadline_ms = 1000\n[plugin.raw]\ndeadline_ms = 1000").start().await;
    for name in HANDLERS {
        for path in ["wait?60000", "spin"] {
            let path = format!("/{name}/{path}");
            // While one spins, others are answered.
            let beside = format!("/{name}/wait?20");
            let (answer, other) = tokio::join!(host.get(&path), host.get(&beside));
            assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (504, &json!("/problems/deadline")), "{path}");
            assert_eq!(other.text(), "waited");
        }
    }
}

#[tokio::test]
async fn half_an_answer_is_seen_to_be_one() {
    let host = handlers().start().await;
    for (path, why) in [
        ("/raw/trap-in-body", "wasm trap"),
        ("/raw3/trap-in-body", "wasm trap"),
        ("/raw/unfinished", "without finishing the body"),
        ("/raw3/error-in-body", "broke off the body of its answer"),
    ] {
        let id = path.replace('/', "-");
        let mut wire = Wire::begin(&host, "GET", path, &format!("x-request-id: {id}\r\n")).await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "), "{path}");
        assert_eq!(wire.rest().await, ("the first half".to_owned(), false), "{path}");
        let line = host.log.wait_for(&format!("request: id=\"{id}\"")).await;
        assert!(line.contains(why) && line.contains("fault=") && line.contains("status=200"), "{line}");
    }
    for name in HANDLERS {
        let answer = exchange(&host, &format!("GET /{name}/short HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        assert!(answer.contains("content-length: 10\r\n") && answer.ends_with("\r\n\r\n12345"), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_has_a_deadline_of_its_own() {
    let host = handlers().config("stream_deadline_ms = 1500\n[plugin.raw]\nstream_deadline_ms = 1500").start().await;
    for name in HANDLERS {
        let mut wire =
            Wire::begin(&host, "GET", &format!("/{name}/zeros"), &format!("x-request-id: {name}-1\r\n")).await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        assert!(!wire.rest().await.1);
        let line = host.log.wait_for(&format!("request: id=\"{name}-1\"")).await;
        assert!(line.contains("`stream_deadline_ms` sets the limit"), "{line}");
    }
}

#[tokio::test]
async fn a_chunk_arrives_before_the_handler_goes_on() {
    let host = handlers().start().await;
    for name in HANDLERS {
        for path in ["send-and-wait", "send-and-spin"] {
            let mut wire = Wire::begin(&host, "GET", &format!("/{name}/{path}"), "").await;
            wire.head().await;
            assert_eq!(wire.text().await, "sent", "{name} {path}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_handler() {
    let host = handlers().config("[scheduler]\ninstances = 1\nqueue = 0").start().await;
    for name in HANDLERS {
        let id = format!("{name}-left");
        let mut wire = Wire::begin(&host, "GET", &format!("/{name}/zeros"), &format!("x-request-id: {id}\r\n")).await;
        wire.head().await;
        assert!(wire.chunk().await.is_ok_and(|chunk| chunk.is_some()));
        // Its instance is busy for as long as it lives.
        let answer = host.get(&format!("/{name}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (503, &json!("/problems/saturated")));
        drop(wire);
        let line = host.log.wait_for(&format!("request: id=\"{id}\"")).await;
        assert!(line.contains("the client went away"), "{line}");
        host.freed(&format!("/{name}")).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_ends_it_too() {
    let host = handlers().config("[scheduler]\ninstances = 2\nqueue = 0").start().await;
    let mut connections = vec![];
    for name in HANDLERS {
        let id = format!("x-request-id: {name}-spins\r\n");
        connections.push(Wire::begin(&host, "GET", &format!("/{name}/spin"), &id).await);
    }
    // Nothing else asks for an instance until both have theirs.
    for name in HANDLERS {
        host.wait_for(name, |status| status["scheduler"]["running"] == 1).await;
    }
    assert_eq!(host.get("/raw").await.status, 503);
    drop(connections);
    for name in HANDLERS {
        let line = host.log.wait_for(&format!("id=\"{name}-spins\"")).await;
        assert!(line.contains("the client went away"), "{line}");
    }
    host.freed("/raw").await;
}

#[tokio::test]
async fn a_handler_may_go_on_behind_its_answer() {
    let host = handlers().start().await;
    for name in HANDLERS {
        let id = format!("{name}-behind");
        let answer = send(host.request("GET", &format!("/{name}/behind")).header("x-request-id", &id)).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "done"));
        let line = host.log.wait_for(&format!("request: id=\"{id}\"")).await;
        assert!(!line.contains("fault"), "{line}");
        let line = host.log.wait_for(&format!("after its response plugin={name} ")).await;
        assert!(line.contains(&id) && line.contains("wasm trap"), "{line}");
    }
}

#[tokio::test]
async fn what_a_handler_says_of_its_answer_stands() {
    let cors = "[cors]\norigins = [\"https://app.example\"]";
    let host = handlers().config(cors).start().await;
    let asking = |method: &str| {
        let request = host.request(method, "/raw/own").header("accept-encoding", "gzip, identity;q=0");
        let request = request.header("origin", "https://app.example").header("accept", "image/png");
        request.header("access-control-request-method", "GET").header("if-none-match", "\"mine\"")
    };
    for method in ["GET", "OPTIONS", "HEAD"] {
        let answer = send(asking(method)).await;
        assert_eq!(answer.status, 200);
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-encoding", "x-own"),
            ("etag", "\"mine\""),
            ("vary", "x-own"),
            ("access-control-allow-origin", "https://own.example"),
        ] {
            let values: Vec<_> = answer.headers.get_all(name).iter().collect();
            assert_eq!(values, [value], "{method} {name}");
        }
        assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(answer.headers.get("access-control-allow-methods"), None);
        assert_eq!(answer.body.len(), if method == "HEAD" { 0 } else { 5000 });
    }
    // No body on the wire either.
    let answer = exchange(&host, "HEAD /raw/own HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
    assert!(answer.ends_with("\r\n\r\n") && answer.contains("etag: \"mine\""), "{answer}");
}

#[tokio::test]
async fn headers_of_the_connection_are_the_hosts() {
    let host = handlers().start().await;
    let judged = host.get("/raw/forbidden").await.text();
    for name in ["connection", "keep-alive", "transfer-encoding", "upgrade", "host"] {
        assert!(judged.contains(&format!("{name} HeaderError::Forbidden")), "{judged}");
    }
    assert!(judged.contains("x-own taken"), "{judged}");
}
