//! Clients that take their time, with everything.

use std::time::Duration;

use witapi_tests::{PATIENCE, host};

use super::wire::Wire;
use crate::hostile::neighbour::{Neighbour, beside};

/// Sends a byte of it now and then until the host has had enough, and says what it answered.
async fn drip(mut wire: Wire, bytes: &[u8]) -> Vec<u16> {
    for byte in bytes.iter().cycle() {
        tokio::select! {
            // It speaks, or it closes: there is no reason to go on.
            ready = wire.stream.readable() => { ready.expect("a socket"); break }
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
        if !wire.send([*byte]).await {
            break;
        }
    }
    wire.answers().await.iter().map(|answer| answer.status).collect()
}

/// Attack: hundreds of connections send a head byte by byte and never end it (Slowloris).
/// Expectation: each is closed after `header_timeout_ms`, however often it sends a byte.
#[tokio::test]
async fn heads_sent_byte_by_byte_end_their_connections() {
    let setup = host().config("[server]\nheader_timeout_ms = 1000");
    let host = beside(setup).start().await;
    let neighbour = Neighbour::of(&host).await;
    let mut drips = vec![];
    for _ in 0..300 {
        let wire = Wire::with(&host, "GET /neighbour/name HTTP/1.1\r\nhost: x\r\n").await;
        drips.push(tokio::spawn(drip(wire, b"x-slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")));
    }
    for drip in drips {
        assert_eq!(drip.await.expect("an end"), [0u16; 0]);
    }
    neighbour.was_served().await;
}

/// Attack: the same with a body, of a length and in chunks.
/// Expectation: 408 after `body_timeout_ms`, and the connection is closed. No guest was instantiated for it.
#[tokio::test]
async fn bodies_that_come_byte_by_byte_are_a_408() {
    let setup = host().fixture("hostile").config("[server]\nbody_timeout_ms = 1000\n[scheduler]\ninstances = 2");
    let host = beside(setup).start().await;
    let neighbour = Neighbour::of(&host).await;
    let mut drips = vec![];
    for i in 0..200 {
        let (framing, bytes): (_, &[u8]) = match i % 2 {
            0 => ("content-length: 100000", b" "),
            _ => ("transfer-encoding: chunked", b"1\r\n \r\n"),
        };
        let head =
            format!("POST /hostile/print HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{framing}\r\n\r\n");
        drips.push(tokio::spawn(drip(Wire::with(&host, head).await, bytes)));
    }
    for drip in drips {
        assert_eq!(drip.await.expect("an end"), [408]);
    }
    neighbour.was_served().await;
}

/// Attack: clients ask for large answers, many on each connection, and read nothing.
/// Expectation: the host stops making answers for them, breaks the connections after `write_timeout_ms`, and keeps none of
/// their memory; `/hostile/string` needs instances, which others have meanwhile.
#[tokio::test]
async fn clients_that_read_nothing_are_given_up() {
    let setup = host().fixture("hostile").config("[server]\nwrite_timeout_ms = 1000\n[scheduler]\ninstances = 4");
    let host = beside(setup).start().await;
    let neighbour = Neighbour::of(&host).await;
    let before = host.usage().descriptors;
    let mut wires = vec![];
    for _ in 0..20 {
        // More than the buffers of both sockets.
        wires.push(Wire::with(&host, "GET /hostile/string/1000 HTTP/1.1\r\nhost: x\r\n\r\n".repeat(40)).await);
    }
    // Each has been accepted.
    for wire in &mut wires {
        wire.has_begun().await;
    }
    host.closes_all_but(before + 1).await;
    for mut wire in wires {
        // It got the beginning, and not all of it.
        let mut answers = 0;
        while wire.answer().await.is_some() {
            answers += 1;
        }
        assert!(answers < 40, "{answers}");
    }
    neighbour.was_served().await;
    let peak = host.usage().peak >> 10;
    assert!(peak < 700, "{peak} MiB");
}

/// Attack: clients ask for an endless stream, of events and of bytes, and read nothing of it.
/// Expectation: the guest is held where it is, and given up with the connection after `write_timeout_ms`.
#[tokio::test]
async fn streams_that_nobody_reads_are_given_up() {
    let setup = host().fixture("streams").config("[server]\nwrite_timeout_ms = 1000\n[scheduler]\ninstances = 8");
    let host = beside(setup).start().await;
    let neighbour = Neighbour::of(&host).await;
    let before = host.usage().descriptors;
    let mut wires = vec![];
    for i in 0..6 {
        let path = ["/bytes?count=1000000000000&chunk=65536", "/strings?count=4000000000&length=10000"][i % 2];
        wires.push(Wire::with(&host, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await);
    }
    // Each has been accepted.
    for wire in &mut wires {
        wire.has_begun().await;
    }
    host.closes_all_but(before + 1).await;
    // All their instances are free again.
    let asks = (0..8).map(|_| tokio::spawn(witapi_tests::send(host.request("GET", "/numbers?count=3"))));
    for ask in asks.collect::<Vec<_>>() {
        assert_eq!(tokio::time::timeout(PATIENCE, ask).await.expect("an answer").expect("an answer").status, 200);
    }
    neighbour.was_served().await;
}
