//! Bodies of any size, both ways, while they come.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::{Host, send};

use super::{HANDLERS, exchange, handlers};
use crate::streams::wire::Wire;

const MIB: usize = 1 << 20;

/// KiB that the host's process had at most so far.
fn peak(host: &Host) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Sends `mib` to a path while it reads what comes back, and says how much that was.
async fn sent_through(host: &Host, path: &str, mib: usize) -> usize {
    let connection = TcpStream::connect(host.address).await.expect("a connection");
    let (mut from, mut to) = connection.into_split();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", mib * MIB);
    let sending = tokio::spawn(async move {
        to.write_all(head.as_bytes()).await.expect("to send");
        let block = vec![b'x'; MIB];
        for _ in 0..mib {
            to.write_all(&block).await.expect("to send");
        }
        to
    });
    let (mut count, mut block) = (0, vec![0; MIB]);
    loop {
        let read = from.read(&mut block).await.expect("to read");
        count += block[..read].iter().filter(|byte| **byte == b'x').count();
        if read == 0 {
            drop(sending.await.expect("to have sent"));
            return count;
        }
    }
}

#[tokio::test]
async fn bodies_larger_than_memory_pass_both_ways() {
    let host =
        handlers().config("memory_mib = 16\n[plugin.raw]\nmemory_mib = 16\nbody_kib = 1\nresult_kib = 1").start().await;
    let round = async |mib: usize| {
        // `x` is also in the head: of an answer that is passed on, it counts what is behind.
        for path in ["/raw/echo", "/raw3/echo", "/raw3/pass"] {
            let head = sent_through(&host, path, 0).await;
            assert_eq!(sent_through(&host, path, mib).await - head, mib * MIB, "{path}");
        }
        for name in HANDLERS {
            let answer = host.get(&format!("/{name}/zeros?{mib}")).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (200, mib * MIB));
            let body = vec![0; mib * MIB];
            let counted = send(host.request("POST", &format!("/{name}/count")).body(body)).await;
            assert_eq!(counted.text(), (mib * MIB).to_string());
        }
    };
    round(8).await;
    let before = peak(&host);
    round(64).await;
    let grown = peak(&host) - before;
    assert!(grown < 32 << 10, "{grown} KiB more after 448 MiB, from {before}");
}

#[tokio::test]
async fn a_handler_may_answer_before_it_reads() {
    let host = handlers().start().await;
    for name in HANDLERS {
        let mut wire = Wire::begin_body(&host, &format!("/{name}/early"), "text/plain", "").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 202 "));
        assert_eq!(wire.text().await, "begun\n");
        for _ in 0..100 {
            wire.send(&[0; 10_000]).await;
        }
        wire.end().await;
        assert_eq!(wire.rest().await, ("1000000 bytes\n".to_owned(), true));
    }
}

#[tokio::test]
async fn a_handler_need_not_read() {
    let host = handlers().start().await;
    for name in HANDLERS {
        let answer = send(host.request("POST", &format!("/{name}/status?201")).body(vec![0; 100_000])).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (201, 0));
        // The next one on the same connection or another is not disturbed.
        assert_eq!(host.get(&format!("/{name}/wait?1")).await.text(), "waited");
    }
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let host = handlers().start().await;
    let request = |path: &str, te: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close{te}\r\ntrailer: x-sum\r\n\
             transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n"
        )
    };
    for path in ["/raw/echo", "/raw3/echo"] {
        let answer = exchange(&host, &request(path, ", te\r\nte: trailers")).await;
        assert!(answer.contains("\r\ntrailer: x-sum\r\n"), "{answer}");
        assert!(answer.ends_with("hello\r\n0\r\nx-sum: 42\r\n\r\n"), "{answer}");
        // Who does not take them gets none (RFC 9110, section 6.5.1).
        let answer = exchange(&host, &request(path, "")).await;
        assert!(answer.ends_with("hello\r\n0\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_may_not_pause_for_long() {
    let host = handlers().config("[server]\nbody_timeout_ms = 200").start().await;
    // The handler learns of it, and may answer. (Of streams of 0.2, wasmtime tells no code.)
    for (name, code) in [("raw", "unknown"), ("raw3", "ErrorCode::ConnectionReadTimeout")] {
        let mut wire = Wire::begin_body(&host, &format!("/{name}/count"), "text/plain", "").await;
        wire.send(b"begun").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 400 "));
        assert_eq!(wire.text().await, code);
    }
    // If it has no answer then, the host has.
    let mut wire = Wire::begin_body(&host, "/raw/needs", "text/plain", "").await;
    wire.send(b"begun").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 408 "));
    let (text, _) = wire.rest_of_length().await;
    assert!(text.contains(&json!("/problems/slow-request").to_string()), "{text}");
}

#[tokio::test]
async fn half_a_request_is_never_a_whole_one() {
    let host = handlers().start().await;
    for (path, answer) in [
        ("/raw/count", "unknown"),
        ("/raw3/count", "ErrorCode::ConnectionTerminated"),
        ("/raw/needs", "/problems/malformed-body"),
    ] {
        let mut connection = TcpStream::connect(host.address).await.expect("a connection");
        let request = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhello");
        connection.write_all(request.as_bytes()).await.expect("to send");
        // It says that nothing more will come, and still listens.
        connection.shutdown().await.expect("to end");
        let mut text = String::new();
        connection.read_to_string(&mut text).await.expect("an answer");
        assert!(text.starts_with("HTTP/1.1 400 ") && text.contains(answer), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_request_may_take_its_time_as_long_as_it_comes() {
    let host = handlers().config("deadline_ms = 1500\n[plugin.raw]\ndeadline_ms = 1500").start().await;
    for name in HANDLERS {
        let mut wire = Wire::begin_body(&host, &format!("/{name}/count"), "text/plain", "").await;
        for _ in 0..20 {
            wire.send(b"0123456789").await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        wire.end().await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        assert_eq!(wire.rest().await, ("200".to_owned(), true));
    }
}
