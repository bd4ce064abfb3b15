//! Connections, by the thousand.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use witapi_tests::{Host, PATIENCE, host, process::raise_open_files, send};

use super::wire::Wire;
use crate::hostile::neighbour::{Neighbour, beside};

async fn silent(host: &Host, count: usize) -> Vec<Wire> {
    let mut wires = Vec::with_capacity(count);
    for _ in 0..count {
        wires.push(Wire::to(host.address).await);
    }
    wires
}

/// Whether the host has closed it already.
fn is_closed(wire: &Wire) -> bool {
    match wire.stream.try_read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

/// Attack: 10,000 connections that say nothing.
/// Expectation: they wait until `header_timeout_ms`, cost little memory each, and are in nobody's way.
#[tokio::test]
async fn ten_thousand_idle_connections_are_in_nobodys_way() {
    let files = raise_open_files();
    assert!(files >= 11_000, "this test needs `ulimit -Hn` of 11,000 and more; it is {files}");
    let host = beside(host().config("[server]\nheader_timeout_ms = 600000")).start().await;
    // Before the neighbour has a connection, which it may not have at the moment when they are counted again.
    let before = host.usage();
    let mut neighbour = Neighbour::of(&host).await;
    let idle = silent(&host, 10_000).await;
    // The last one has been accepted when a later one is answered.
    neighbour.answers(50).await;
    assert_eq!(host.get("/healthz").await.status, 200);
    let during = host.usage();
    assert!(during.descriptors >= before.descriptors + 10_000, "{during:?}");
    let each = (during.memory - before.memory) / 10_000;
    assert!(each < 32, "{each} KiB each");
    assert!(!idle.iter().any(is_closed));
    drop(idle);
    host.closes_all_but(before.descriptors + 2).await;
    neighbour.was_served().await;
}

/// Attack: more connections than the host takes, all of them silent.
/// Expectation: those that have waited longest are closed, so that a new client is always answered; a request in flight is
/// not given up for them.
#[tokio::test]
async fn idle_connections_give_way_when_all_are_taken() {
    let setup = host().fixture("hostile").config("[server]\nconnections = 200\nheader_timeout_ms = 600000");
    let host = beside(setup).start().await;
    let neighbour = Neighbour::of(&host).await;
    let mut busy = Wire::with(&host, "GET /hostile/wait/3000 HTTP/1.1\r\nhost: x\r\nx-request-id: busy\r\n\r\n").await;
    host.log.wait_for("request=busy ").await;
    let first = silent(&host, 500).await;
    let mut last = silent(&host, 1).await;
    for _ in 0..50 {
        let mut wire = Wire::with(&host, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
    }
    // The host has given them up by now; their ends may still be on their way.
    let began = Instant::now();
    while !first[..100].iter().all(is_closed) {
        assert!(began.elapsed() < PATIENCE, "the first ones are still open");
        sleep(Duration::from_millis(10)).await;
    }
    let mut last = last.remove(0);
    assert!(!is_closed(&last), "one that came later was closed");
    last.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(last.answer().await.expect("an answer").status, 200);
    let answer = busy.answer().await.expect("an answer to what was in flight");
    assert_eq!((answer.status, answer.text().as_str()), (200, "3000"));
    neighbour.was_served().await;
}

/// Attack: as many slow requests as there may be connections.
/// Expectation: none of them is given up. Who comes then waits until one has been answered, and is answered too.
#[tokio::test]
async fn when_all_connections_are_busy_the_next_one_waits() {
    let host = host().fixture("hostile").config("[server]\nconnections = 20").start().await;
    let mut busy = vec![];
    for i in 0..20 {
        let head = format!("GET /hostile/wait/2000 HTTP/1.1\r\nhost: x\r\nx-request-id: b{i}\r\n\r\n");
        busy.push(Wire::with(&host, head).await);
    }
    for i in 0..20 {
        host.log.wait_for(&format!("request=b{i} ")).await;
    }
    let mut next = Wire::with(&host, "GET /hostile/light HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(next.answer().await.expect("an answer").status, 200);
    for mut wire in busy {
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
    }
    host.log.wait_for("all of `connections`").await;
}

/// Attack: one address takes all connections.
/// Expectation: it gets `connections_per_peer`, its own idle ones go first, and one more than it may have busy is closed.
/// Other addresses do not notice.
#[tokio::test]
async fn one_address_has_no_more_connections_than_it_may() {
    let config = "[server]\nconnections = 100\nconnections_per_peer = 10\nheader_timeout_ms = 600000";
    let host = beside(host().fixture("hostile").config(config)).start().await;
    // It comes from 127.0.0.1.
    let neighbour = Neighbour::of(&host).await;
    let before = host.usage().descriptors;
    let mut attackers = vec![];
    for _ in 0..300 {
        attackers.push(Wire::from("127.0.0.2", &host).await);
    }
    for mut wire in attackers.drain(..290) {
        wire.ends().await;
    }
    let during = host.usage().descriptors;
    assert!(during <= before + 12, "{during} descriptors, {before} before");
    for (i, wire) in attackers.iter_mut().enumerate() {
        wire.send(format!("GET /hostile/wait/3000 HTTP/1.1\r\nhost: x\r\nx-request-id: w{i}\r\n\r\n")).await;
    }
    for i in 0..10 {
        host.log.wait_for(&format!("request=w{i} ")).await;
    }
    let mut eleventh = Wire::from("127.0.0.2", &host).await;
    assert_eq!(eleventh.answers().await, []);
    let mut other = Wire::from("127.0.0.3", &host).await;
    other.send("GET /hostile/light HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(other.answer().await.expect("an answer").status, 200);
    for mut wire in attackers {
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
    }
    neighbour.was_served().await;
}

/// Attack: connections that are opened and closed, or broken off, at once.
/// Expectation: nothing is left of them.
#[tokio::test]
async fn connections_that_come_and_go_leave_nothing() {
    let host = beside(host()).start().await;
    let neighbour = Neighbour::of(&host).await;
    let before = host.usage();
    for i in 0..10_000 {
        let wire = Wire::to(host.address).await;
        // Half of them with a reset, which leaves no socket in TIME_WAIT either.
        if i % 2 == 0 { wire.reset() } else { drop(wire) }
    }
    host.closes_all_but(before.descriptors + 2).await;
    assert_eq!(send(host.request("GET", "/healthz")).await.status, 200);
    let after = host.usage();
    assert!(after.memory < before.memory + (64 << 10), "{after:?}, {before:?} before");
    neighbour.was_served().await;
}
