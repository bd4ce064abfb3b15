//! What requests take of the host's memory: one account for all, and a part of it for each plugin.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::{Answer, Host, Setup, host};

const KIB: usize = 1 << 10;

/// Two plugins with 1 MiB for both. What one has may be twice what is free, so one alone has 682 KiB at most.
fn two_plugins() -> Setup {
    let config = "[server]\nbuffer_mib = 1\n[limits]\nbody_kib = 16384\nresult_kib = 16384\n[plugin.second]\nmount = \"/second\"";
    host().fixture("hostile").component("second", witapi_tests::fixture("hostile")).config(config)
}

/// A request with a body of that many bytes, of which the last is missing.
async fn unfinished(host: &Host, path: &str, bytes: usize) -> TcpStream {
    let mut connection = TcpStream::connect(host.address).await.expect("a connection");
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n");
    let head = format!("{head}content-length: {bytes}\r\nconnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).await.expect("to send");
    let (begin, end) = ("{\"text\":\"", "\"}");
    // The host may answer before it has all of it.
    let _ = connection
        .write_all(
            format!("{begin}{}{end}", "x".repeat(bytes - begin.len() - end.len())).split_at(bytes - 1).0.as_bytes(),
        )
        .await;
    connection
}

/// Ends the body, and says how the answer begins.
async fn finished(mut connection: TcpStream) -> String {
    let _ = connection.write_all(b"}").await;
    let mut answer = vec![];
    let _ = connection.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

/// Waits until that much is charged to that plugin.
async fn charged(host: &Host, plugin: &str, is_wanted: impl Fn(u64) -> bool) {
    let buffered = |status: &serde_json::Value| status["scheduler"]["buffered_kib"].as_u64();
    host.wait_for(plugin, |status| buffered(status).is_some_and(&is_wanted)).await;
}

async fn post(host: &Host, path: &str, bytes: usize) -> Answer {
    host.post(path, &json!({"text": "x".repeat(bytes)})).await
}

fn is_saturated(answer: &Answer) -> bool {
    if answer.status == 503 {
        assert_eq!(answer.json()["type"], "/problems/saturated");
        assert_eq!(answer.header("retry-after"), "1");
    }
    answer.status == 503
}

#[tokio::test]
async fn bodies_that_wait_are_charged_to_their_plugin() {
    let host = two_plugins().start().await;
    let waiting = unfinished(&host, "/hostile/memory", 500 * KIB).await;
    charged(&host, "hostile", |kib| kib >= 499).await;
    // The plugin has its part; the other one has room for as much as is free.
    assert!(is_saturated(&post(&host, "/hostile/memory", 300 * KIB).await));
    assert_eq!(post(&host, "/second/hostile/memory", 300 * KIB).await.status, 200);
    assert_eq!(finished(waiting).await, "HTTP/1.1 200 OK");
    charged(&host, "hostile", |kib| kib == 0).await;
    assert_eq!(post(&host, "/hostile/memory", 300 * KIB).await.status, 200);
}

#[tokio::test]
async fn a_body_beyond_the_plugins_part_is_refused() {
    let host = two_plugins().start().await;
    assert!(is_saturated(&post(&host, "/hostile/memory", 900 * KIB).await));
    charged(&host, "hostile", |kib| kib == 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_room_back() {
    let host = two_plugins().start().await;
    let waiting = unfinished(&host, "/hostile/memory", 500 * KIB).await;
    charged(&host, "hostile", |kib| kib >= 499).await;
    drop(waiting);
    charged(&host, "hostile", |kib| kib == 0).await;
}

#[tokio::test]
async fn an_answer_is_charged_until_it_is_sent() {
    let host = two_plugins().start().await;
    // More than the system buffers for a connection.
    let mut slow = TcpStream::connect(host.address).await.expect("a connection");
    slow.write_all(b"GET /hostile/string/15000 HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        .await
        .expect("to send");
    charged(&host, "hostile", |kib| kib >= 15_000).await;
    assert!(is_saturated(&host.get("/hostile/light").await));
    assert_eq!(host.get("/second/hostile/light").await.status, 200);
    let mut answer = vec![];
    slow.read_to_end(&mut answer).await.expect("an answer");
    assert!(answer.len() > 15_000 * KIB);
    charged(&host, "hostile", |kib| kib == 0).await;
    assert_eq!(host.get("/hostile/light").await.status, 200);
}

#[tokio::test]
async fn many_bodies_take_no_more_than_the_account() {
    let host = two_plugins().start().await;
    let mut waiting = vec![];
    for _ in 0..40 {
        waiting.push(unfinished(&host, "/hostile/memory", 100 * KIB).await);
    }
    let mut answers = vec![];
    for connection in waiting {
        answers.push(finished(connection).await);
    }
    let of = |begin: &str| answers.iter().filter(|answer| answer.starts_with(begin)).count();
    let (served, refused) = (of("HTTP/1.1 200"), of("HTTP/1.1 503"));
    // Six fit at a time; while they end, others may find room.
    assert!(served >= 6 && refused > 0 && served + refused == 40, "{answers:?}");
    let began = Instant::now();
    while host.get("/hostile/light").await.status != 200 {
        assert!(began.elapsed() < witapi_tests::PATIENCE, "the room is not given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
