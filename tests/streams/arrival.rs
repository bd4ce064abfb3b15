//! When items arrive: as soon as they are written, whatever the guest does next.
//!
//! Each guest here writes and then does something for an hour. What it wrote before has to arrive all the same.

use witapi_tests::host;

use super::{EVENTS, wire::Wire};

/// What the guest does between its items and after the last: it blocks in a call of WASI 0.2, or computes.
const PAUSES: [&str; 2] = ["block", "spin"];

#[tokio::test]
async fn an_item_arrives_before_the_guest_goes_on() {
    let host = host().fixture("streams").start().await;
    for pause in PAUSES {
        for headers in ["", &format!("accept: {EVENTS}\r\n")] {
            let mut wire = Wire::begin(&host, "GET", &format!("/paced/{pause}?count=3&ms=5"), headers).await;
            wire.head().await;
            let mut text = String::new();
            for seq in 0..3 {
                while !text.contains(&format!("\"seq\":{seq},")) {
                    text += &wire.text().await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_byte_arrives_before_the_guest_goes_on() {
    let host = host().fixture("streams").start().await;
    for pause in PAUSES {
        let mut wire = Wire::begin(&host, "GET", &format!("/paced/{pause}/bytes?count=3&ms=5"), "").await;
        wire.head().await;
        let mut text = String::new();
        while text != "abc" {
            text += &wire.text().await;
        }
    }
}

#[tokio::test]
async fn the_shipped_stream_of_ticks_ticks() {
    let host = host().plugin("ticker").start().await;
    // The second tick is written a minute after the first.
    let mut wire = Wire::begin(&host, "GET", "/ticks?count=2&interval_ms=60000", "").await;
    wire.head().await;
    assert!(wire.text().await.starts_with("{\"seq\":0,"));
    // Ticks that come apart arrive apart: each is a chunk of its own.
    let mut wire = Wire::begin(&host, "GET", "/ticks?count=4&interval_ms=100", "").await;
    wire.head().await;
    for seq in 0..4 {
        let text = wire.text().await;
        assert!(text.starts_with(&format!("{{\"seq\":{seq},")) && text.lines().count() == 1, "{text}");
    }
}
