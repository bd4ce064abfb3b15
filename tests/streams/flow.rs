//! Who waits for whom, and how much of a stream is in memory.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::{Host, fixture, host};

use super::{BYTES, NDJSON, wire::Wire};

const MIB: u64 = 1 << 20;

/// MiB that the guest says it has written.
fn written(host: &Host) -> usize {
    host.log.lines_with("wrote ").len()
}

/// The greatest resident memory of the host so far, in KiB.
fn peak(host: &Host) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("the status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_guest() {
    let host = host().fixture("streams").start().await;
    let size = 128 * MIB;
    let mut wire = Wire::begin(&host, "GET", &format!("/bytes?count={size}&chunk=65536"), "").await;
    wire.head().await;
    // Until it writes no more: the connection's buffers are full.
    let mut before = usize::MAX;
    while written(&host) != before {
        before = written(&host);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(before < 32, "{before} MiB were written for a client that reads nothing");
    let mut received = 0;
    while let Some(chunk) = wire.chunk().await.expect("no break") {
        received += chunk.len() as u64;
    }
    assert_eq!(received, size);
    host.log.wait_for("wrote 128 MiB").await;
}

#[tokio::test]
async fn memory_stays_flat_however_much_streams() {
    let host = host().fixture("streams").start().await;
    let round = async |mib: u64| {
        let mut wire = Wire::begin(&host, "GET", &format!("/bytes?count={}&chunk=65536", mib * MIB), "").await;
        wire.head().await;
        let mut received = 0;
        while let Some(chunk) = wire.chunk().await.expect("no break") {
            received += chunk.len() as u64;
        }
        assert_eq!(received, mib * MIB);

        let head = format!(
            "POST /bytes HTTP/1.1\r\nhost: test\r\ncontent-type: {BYTES}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            mib * MIB
        );
        let mut connection = TcpStream::connect(host.address).await.expect("a connection");
        connection.write_all(head.as_bytes()).await.expect("to send");
        let chunk = vec![1; MIB as usize];
        for _ in 0..mib {
            connection.write_all(&chunk).await.expect("to send");
        }
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with(&format!("{{\"count\":{0},\"sum\":{0}}}", mib * MIB)), "{answer}");
    };
    round(8).await;
    let before = peak(&host);
    round(256).await;
    let items = host.get("/strings?count=20000&length=1000").await;
    assert_eq!(items.body.len(), 20_000 * 1003);
    let grown = peak(&host) - before;
    assert!(grown < 32 << 10, "{grown} KiB more after 512 MiB of streams, from {before}");
}

#[tokio::test]
async fn a_stream_survives_replacement_and_unloading() {
    let host = host().fixture("streams").start().await;
    let item = host.get("/items?count=1").await.text();
    let mut wire = Wire::begin_body(&host, "/echo/items", NDJSON, "").await;
    wire.send(item.as_bytes()).await;
    wire.head().await;
    assert_eq!(wire.text().await, item);

    // The same with a byte more is another plugin.
    let digest = host.status("streams").await["digest"].clone();
    let mut other = fs::read(fixture("streams")).expect("the fixture");
    other.extend_from_slice(&[0, 2, 1, b'x']);
    fs::write(host.file("streams"), other).expect("to replace it");
    host.wait_for("streams", |status| status["digest"] != digest).await;
    wire.send(item.as_bytes()).await;
    assert_eq!(wire.text().await, item);

    fs::remove_file(host.file("streams")).expect("to unload it");
    host.wait_for("streams", |status| status.is_null()).await;
    assert_eq!(host.get("/items?count=1").await.status, 404);
    wire.send(item.as_bytes()).await;
    assert_eq!(wire.text().await, item);
    wire.end().await;
    assert_eq!(wire.rest().await, (String::new(), true));
}
