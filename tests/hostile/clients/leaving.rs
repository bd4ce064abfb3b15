//! Clients that leave, at every stage of a request.

use witapi_tests::{Host, host};

use super::wire::Wire;
use crate::hostile::neighbour::{Neighbour, beside};

/// With what a client breaks off: FIN, or RST.
fn leave(wire: Wire, is_rude: bool) {
    if is_rude { wire.reset() } else { drop(wire) }
}

/// That so many calls can run at one time: no instance is held for somebody who left.
async fn are_free(host: &Host, instances: usize) {
    let calls: Vec<_> =
        (0..instances).map(|_| tokio::spawn(witapi_tests::send(host.request("GET", "/hostile/wait/200")))).collect();
    for call in calls {
        assert_eq!(call.await.expect("an answer").status, 200);
    }
}

/// Attack: clients leave in the head, in the body, in a chunk, in a form, while they wait for a document.
/// Expectation: nothing is begun for them, and nothing left of them.
#[tokio::test]
async fn clients_that_leave_early_leave_nothing() {
    let setup = host().fixture("hostile").config("[scheduler]\ninstances = 4\nqueue = 0");
    let host = beside(setup).start().await;
    let before = host.usage().descriptors;
    let whole = "POST /hostile/print HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{\"text\":";
    let chunks = "POST /hostile/print HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"te";
    for request in [whole, chunks] {
        for end in 0..=request.len() {
            leave(Wire::with(&host, &request[..end]).await, end % 2 == 0);
        }
    }
    for i in 0..100 {
        leave(Wire::with(&host, "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await, i % 2 == 0);
    }
    host.closes_all_but(before).await;
    are_free(&host, 4).await;
    assert_eq!(host.log.lines_with("request=\""), [""; 0], "a guest was run");
}

/// Attack: clients leave while they are queued, while their guest runs, waits, or makes a large answer.
/// Expectation: their calls end, and their instances are free.
#[tokio::test]
async fn who_leaves_while_a_guest_runs_ends_it() {
    let config = "[limits]\ndeadline_ms = 600000\n[scheduler]\ninstances = 4\nqueue = 100";
    let host = beside(host().fixture("hostile").config(config)).start().await;
    // With the connections that the test's own client keeps.
    are_free(&host, 4).await;
    let before = host.usage().descriptors;
    for (round, path) in
        ["/hostile/wait/500000", "/hostile/spin", "/hostile/flood", "/hostile/string/1000"].into_iter().enumerate()
    {
        let mut wires = vec![];
        // Four run, and the rest waits.
        for i in 0..40 {
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-request-id: r{round}-{i}-\r\n\r\n");
            wires.push(Wire::with(&host, request).await);
        }
        if path.ends_with("500000") || path.ends_with("spin") {
            host.log.wait_for(&format!("request=r{round}-")).await;
        }
        for (i, wire) in wires.into_iter().enumerate() {
            leave(wire, i % 2 == 0);
        }
        host.closes_all_but(before).await;
        are_free(&host, 4).await;
    }
}

/// Attack: clients leave in the midst of an answer: of a large one, of a stream, of events; and in the midst of their own
/// stream, with an answer that has begun.
/// Expectation: the stream's guest ends with its client; a neighbour never notices.
#[tokio::test]
async fn who_leaves_in_an_answer_ends_its_stream() {
    let setup = host().fixture("hostile").fixture("streams").config("[scheduler]\ninstances = 16");
    let host = beside(setup).start().await;
    let neighbour = Neighbour::of(&host).await;
    let before = host.usage().descriptors;
    let get = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n");
    let echo = "POST /echo/bytes HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for round in 0..10 {
        for request in [
            get("/hostile/string/1000", ""),
            get("/bytes?count=1000000000000&chunk=65536", ""),
            get("/strings?count=4000000000&length=1000", "accept: text/event-stream\r\n"),
            get("/numbers?count=4000000000", ""),
            get("/_witapi/events", ""),
            get("/docs/swagger-ui-bundle.js", ""),
            echo.to_owned(),
        ] {
            let mut wire = Wire::with(&host, &request).await;
            wire.has_begun().await;
            leave(wire, round % 2 == 0);
        }
    }
    host.closes_all_but(before + 1).await;
    are_free(&host, 16).await;
    neighbour.was_served().await;
}
