//! What is not spoken here, and what nobody asked for.

use witapi_tests::host;

use super::wire::Wire;
use crate::hostile::neighbour::{Neighbour, beside};

const CONFIG: &str = "[server]\nheader_timeout_ms = 1000\nbody_timeout_ms = 1000";

/// Attack: upgrades to HTTP/2 and WebSocket, HTTP/2 without asking, TLS, and noise.
/// Expectation: an upgrade is passed over and the request answered; all else is a 400, or the end of the connection.
#[tokio::test]
async fn no_other_protocol_is_spoken() {
    let host = beside(host().fixture("hostile").config(CONFIG)).start().await;
    let neighbour = Neighbour::of(&host).await;
    for upgrade in [
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n",
        "connection: upgrade\r\nupgrade: TLS/1.2\r\n",
    ] {
        for path in ["/hostile/light", "/healthz", "/_witapi/plugins"] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{upgrade}\r\n");
            let answers = Wire::with(&host, request).await.answers().await;
            assert_eq!(answers.iter().map(|it| it.status).collect::<Vec<_>>(), [200], "{upgrade}");
            assert_eq!(answers[0].header("upgrade"), None);
        }
    }
    let tls = [b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03".as_slice(), &[7; 200]].concat();
    let noise: Vec<u8> = (0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for bytes in
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".as_slice(), &tls, &noise, b"\0", b"SSH-2.0-x\r\n"]
    {
        for answer in Wire::with(&host, bytes).await.answers().await {
            assert!((400..500).contains(&answer.status), "{answer:?} to {bytes:?}");
        }
    }
    neighbour.was_served().await;
}

/// Attack: methods that nobody has: TRACE, CONNECT, other words, endless ones, other cases.
/// Expectation: 405 that names those there are, and nothing of the request in the answer; 400 where it is no word.
#[tokio::test]
async fn methods_that_nobody_has_are_refused() {
    let host = beside(host().fixture("hostile").config(CONFIG)).start().await;
    let neighbour = Neighbour::of(&host).await;
    let long = "G".repeat(50_000);
    for method in ["TRACE", "TRACK", "CONNECT", "get", "PRI", "PROPFIND", "QUERY", "X-!#$%&'*+.^_`|~9", &long] {
        for path in ["/hostile/light", "/healthz", "/openapi.json", "/docs"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nhost: x\r\nx-secret: s3cr3t\r\nconnection: close\r\n\r\n");
            let answer = Wire::with(&host, request).await.answer().await.expect("an answer");
            assert_eq!(answer.status, 405, "{} {path}", &method[..method.len().min(20)]);
            assert!(answer.header("allow").is_some_and(|allow| allow.contains("get")), "{}", answer.head);
            assert!(!answer.text().contains("s3cr3t"));
        }
    }
    for method in ["G(T", "G\u{e9}", "G\0", "", "\u{7f}"] {
        let wire = Wire::with(&host, format!("{method} /healthz HTTP/1.1\r\nhost: x\r\n\r\n")).await.answers().await;
        assert_eq!(wire.iter().map(|it| it.status).collect::<Vec<_>>(), [400], "{method}");
    }
    neighbour.was_served().await;
}

/// Attack: thousands of requests on one connection before the first answer is read, on several at once.
/// Expectation: they are answered one after the other, in their order, and take no more instances than connections.
#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let config = "[scheduler]\ninstances = 8\nqueue = 4";
    let host = beside(host().config(config)).start().await;
    let neighbour = Neighbour::of(&host).await;
    let mut floods = vec![];
    for flood in 0..4 {
        let wire = Wire::to(host.address).await;
        floods.push(tokio::spawn(async move {
            let requests: String = (0..3000)
                .map(|i| format!("GET /neighbour/name?name=f{flood}-{i} HTTP/1.1\r\nhost: x\r\n\r\n"))
                .collect();
            let mut wire = wire;
            // All at once would wait for the reader when both buffers are full: the host reads no further than it answers.
            for (i, requests) in requests.as_bytes().chunks(16 << 10).enumerate() {
                assert!(wire.send(requests).await, "chunk {i}");
            }
            for i in 0..3000 {
                let answer = wire.answer().await.expect("an answer");
                assert_eq!((answer.status, answer.text()), (200, format!("\"f{flood}-{i}\"")));
            }
        }));
    }
    for flood in floods {
        flood.await.expect("all answers");
    }
    neighbour.was_served().await;
}

/// Attack: `Expect: 100-continue` with nothing behind it, for bodies that are refused, with other words, again and again.
/// Expectation: the host says to go on only where it wants the body, waits no longer than for any, and answers else at once.
#[tokio::test]
async fn an_expectation_is_answered_once() {
    let host = beside(host().fixture("hostile").config(CONFIG)).start().await;
    let neighbour = Neighbour::of(&host).await;
    let body = r#"{"text":"","times":0}"#;
    let head = |rest: &str| {
        format!(
            "POST /hostile/print HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n{rest}"
        )
    };
    for (request, expected) in [
        (head("content-length: 21\r\n\r\n"), &[100, 408][..]),
        (head(&format!("content-length: 21\r\n\r\n{body}")), &[100, 204]),
        (
            head(&format!("expect: 100-continue\r\nexpect: 100-continue\r\ncontent-length: 21\r\n\r\n{body}")),
            &[100, 204],
        ),
        (head("content-length: 2000000\r\n\r\n"), &[413]),
        (head("transfer-encoding: chunked\r\n\r\n"), &[100, 408]),
        (head("content-encoding: br\r\ncontent-length: 21\r\n\r\n"), &[415]),
        ("POST /nowhere HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n".into(), &[404]),
        ("GET /hostile/light HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n".into(), &[200]),
        ("GET /hostile/light HTTP/1.1\r\nhost: x\r\nexpect: the-unexpected\r\n\r\n".into(), &[200]),
    ] {
        let statuses: Vec<_> = Wire::with(&host, &request).await.answers().await.iter().map(|it| it.status).collect();
        assert_eq!(statuses, expected, "{request}");
    }
    neighbour.was_served().await;
}
