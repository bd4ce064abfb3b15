//! Raw HTTP handlers: components that export `wasi:http/incoming-handler` 0.2 or `wasi:http/handler` 0.3, in Rust, Python and C.

mod answers;
mod bodies;
mod documents;
mod mounts;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::{Answer, Host, Setup, host, send};

/// Those in Rust: of WASI 0.2 and of 0.3.
const HANDLERS: [&str; 2] = ["raw", "raw3"];

/// A host with both of them, under their own names.
fn handlers() -> Setup {
    host().fixture("raw").fixture("raw3").config("[plugin.raw3]\ngrants = [\"witapi:host\"]")
}

/// Sends that text over a connection of its own, and reads until the host closes it.
async fn exchange(host: &Host, request: &str) -> String {
    let mut connection = TcpStream::connect(host.address).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("to send");
    let mut answer = vec![];
    connection.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8(answer).expect("text")
}

/// The line of an answer that says `name`.
fn said<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(&answer.body).expect("text");
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[tokio::test]
async fn a_request_comes_as_it_was_sent() {
    let host = handlers().start().await;
    for name in HANDLERS {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let target = format!("/{name}/a%2Fb/%C3%A9//c?q=%20&q=+");
            let request = host.request(method, &target).header("x-twice", "1").header("x-twice", "2");
            let answer = send(request.header("te", "trailers").header("keep-alive", "5").body("unread")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(said(&answer, "method"), Some(method));
            assert_eq!(said(&answer, "target"), Some(target.as_str()));
            assert_eq!(said(&answer, "scheme").map(str::to_lowercase).as_deref(), Some("scheme::http"));
            assert_eq!(said(&answer, "authority"), Some(host.address.to_string().as_str()));
            assert_eq!(answer.text().lines().filter(|line| line.starts_with("x-twice:")).count(), 2);
            assert_eq!(said(&answer, "te:"), Some("trailers"));
            // Of one connection, and so not of the request that a guest sees.
            for hop in ["connection", "keep-alive", "transfer-encoding", "host"] {
                assert_eq!(said(&answer, &format!("{hop}:")), None, "{answer:?}");
            }
            assert!(!answer.header("x-request-id").is_empty());
        }
    }
}

#[tokio::test]
async fn the_authority_is_known_without_a_host_header() {
    let host = handlers().start().await;
    for name in HANDLERS {
        for (request, authority) in [
            (format!("GET /{name} HTTP/1.0\r\n\r\n"), "localhost"),
            (format!("GET /{name} HTTP/1.1\r\nhost: \r\nconnection: close\r\n\r\n"), "localhost"),
            (format!("GET /{name} HTTP/1.1\r\nhost: own.example:81\r\nconnection: close\r\n\r\n"), "own.example:81"),
            (
                format!("GET http://whole.example/{name} HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n"),
                "whole.example",
            ),
        ] {
            let answer = exchange(&host, &request).await;
            for line in [format!("authority {authority}"), format!("target /{name}")] {
                assert!(answer.lines().any(|it| it == line), "no {line}: {request}{answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_handler_learns_where_it_is_mounted_if_it_asks() {
    let host = handlers().config("mount = \"/shop/v1\"").start().await;
    let answer = host.get("/shop/v1/x").await;
    assert_eq!(said(&answer, "mount"), Some("/shop/v1"));
    assert_eq!(said(&answer, "target"), Some("/shop/v1/x"));
}

#[tokio::test]
async fn handlers_of_other_toolchains_answer_too() {
    let python = ["raw-python", "raw3-python"];
    let host = python.into_iter().fold(host(), Setup::fixture).fixture("raw-c").start().await;
    for name in python {
        let path = format!("/{name}/a%20b?c");
        let answer = send(host.request("PROPFIND", &path).header("x-request-id", format!("of-{name}"))).await;
        assert_eq!(answer.header("content-type"), "application/json");
        let facts = answer.json();
        assert_eq!((&facts["method"], &facts["path"]), (&json!("PROPFIND"), &json!(path)));
        assert_eq!(facts["authority"], host.address.to_string());
        let answer = host.get(&format!("/{name}/trap")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (500, &json!("/problems/plugin-failed")));
        assert!(!answer.text().contains("secret"), "{answer:?}");
    }
    assert_eq!(
        send(host.request("GET", "/raw-c/a%20b?c").header("x-request-id", "of-raw-c")).await.text(),
        "/raw-c/a%20b?c"
    );
    let body = "0123456789".repeat(200_000);
    for name in ["raw-python", "raw3-python", "raw-c"] {
        // What it prints is in the log, under the request's id.
        let line = host.log.wait_for(&format!("asked for /{name}/a%20b?c")).await;
        assert!(line.contains(&format!("plugin={name} ")) && line.contains(&format!("request=of-{name}")), "{line}");
        let echoed = send(host.request("POST", &format!("/{name}/echo")).body(body.clone())).await.text();
        assert!(echoed == body, "{name}: {} bytes", echoed.len());
    }
}

#[tokio::test]
async fn requests_of_a_handler_are_refused() {
    let host = handlers().start().await;
    for name in HANDLERS {
        assert_eq!(host.get(&format!("/{name}/fetch")).await.text(), "ErrorCode::HttpRequestDenied", "{name}");
    }
}

#[tokio::test]
async fn each_request_is_a_line_in_the_log() {
    let host = handlers().start().await;
    for (name, export) in [("raw", "wasi:http/incoming-handler@0.2.3"), ("raw3", "wasi:http/handler@0.3.0")] {
        let path = format!("/{name}/status?418");
        let answer = send(host.request("GET", &path).header("x-request-id", format!("of-{name}"))).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-request-id")), (418, format!("of-{name}").as_str()));
        let line = host.log.wait_for(&format!("request: id=\"of-{name}\"")).await;
        for part in [format!("plugin=\"{name}\""), format!("operation=\"{export}\""), "status=418".into()] {
            assert!(line.contains(&part), "{line}");
        }
        assert!(!line.contains("fault") && !line.contains("broke"), "{line}");
    }
}
