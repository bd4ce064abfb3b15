//! The attacks of the soak: those of guests, by their requests, and those of clients.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use witapi_tests::PATIENCE;

use super::{Chance, Counts};
use crate::hostile::clients::wire::Wire;

/// What hostile guests are asked, and the statuses that this may have. 503 is fine for all of them; and so is 504 for all that
/// run: their deadline is short, and the machine may have more to do than this.
const GUESTS: [(&str, &[u16]); 24] = [
    ("/hostile/panic", &[500, 504]),
    ("/hostile/unreachable", &[500, 504]),
    ("/hostile/exit?success=true", &[500, 504]),
    ("/hostile/exit?success=false", &[500, 504]),
    ("/hostile/recurse", &[500, 504]),
    ("/hostile/bomb", &[500, 504]),
    ("/hostile/spin", &[504]),
    ("/hostile/spin/20", &[200, 504]),
    ("/hostile/wait/50", &[200, 504]),
    ("/hostile/wait/60000", &[504]),
    ("/hostile/allocate/12", &[200, 504]),
    ("/hostile/allocate/40", &[500, 504]),
    ("/hostile/flood", &[504]),
    ("/hostile/string/500", &[200, 504]),
    ("/hostile/string/20000", &[500, 504]),
    ("/hostile/bytes/1025", &[500, 504]),
    ("/hostile/lists/1000", &[200, 500, 504]),
    ("/hostile/handles", &[500, 504]),
    ("/hostile/random/2000000000", &[500, 504]),
    ("/hostile/sockets/500", &[200, 504]),
    ("/liar/name?name=x", &[500, 504]),
    ("/endless/name?name=x", &[504]),
    ("/trap?after=3", &[200, 504]),
    ("/openapi/../../witapi.toml", &[400, 404]),
];

/// What is sent as it is, and then left.
fn raw(chance: &mut Chance) -> Vec<u8> {
    let post = "POST /hostile/print HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let long = |count: u64| "y".repeat(count as usize);
    match chance.below(12) {
        0 => format!("GET /hostile/light HTTP/1.1\r\nhost: x\r\n{}", long(200_000)).into(),
        1 => format!("GET /hostile/light HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(5000)).into(),
        2 => format!("GET /{} HTTP/1.1\r\n", long(70_000)).into(),
        3 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        4 => format!("{post}content-length: 5\r\ncontent-length: 6\r\n\r\n").into(),
        5 => format!("{post}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx").into(),
        6 => format!("{post}content-length: {}\r\n\r\n{}", 1 << 20, long(chance.below(1 << 20))).into(),
        7 => format!("{post}content-length: 900000\r\n\r\n{}", "[".repeat(900_000)).into(),
        8 => "GET /hostile/string/500 HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20).into(),
        9 => "GET /bytes?count=100000000000&chunk=65536 HTTP/1.1\r\nhost: x\r\n\r\n".into(),
        10 => "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(500).into(),
        _ => (0..chance.below(3000)).map(|_| chance.below(256) as u8).collect(),
    }
}

/// Attacks until it is over.
pub async fn attacks(address: SocketAddr, mut chance: Chance, counts: Arc<Counts>) {
    // A connection for each request: between two of them it would be idle for so long that the host may close it at the
    // very moment at which the next one is sent (RFC 9112, section 9.3.1), which is nobody's fault.
    let client = reqwest::Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).build().expect("a client");
    while counts.goes_on() {
        counts.attacks.fetch_add(1, Ordering::Relaxed);
        match chance.below(4) {
            0 | 1 => {
                let (path, expected) = GUESTS[chance.below(GUESTS.len() as u64) as usize];
                let answer = client.get(format!("http://{address}{path}")).send().await;
                // One whose stream breaks off has a status all the same; and it is not read to its end.
                match answer.map(|answer| answer.status().as_u16()) {
                    Ok(503) => {}
                    Ok(status) if expected.contains(&status) => {}
                    other => counts.wrong(format!("{path}: {other:?}, expected {expected:?}")),
                }
            }
            2 => {
                let bytes = raw(&mut chance);
                let mut wire = Wire::to(address).await;
                // Whole, or in pieces with pauses.
                let piece = if chance.below(2) == 0 { bytes.len().max(1) } else { bytes.len() / 8 + 1 };
                for piece in bytes.chunks(piece) {
                    let sent = wire.send(piece);
                    // A client that reads nothing is not read from for ever either.
                    if !tokio::time::timeout(Duration::from_secs(2), sent).await.unwrap_or(false) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(chance.below(20))).await;
                }
                tokio::time::sleep(Duration::from_millis(chance.below(1500))).await;
                if chance.below(2) == 0 {
                    wire.reset();
                }
            }
            _ => {
                let mut idle = vec![];
                for _ in 0..chance.below(100) {
                    idle.push(Wire::to(address).await);
                }
                tokio::time::sleep(Duration::from_millis(chance.below(500))).await;
            }
        }
    }
}
