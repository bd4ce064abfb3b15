//! Heads without measure.

use witapi_tests::host;

use super::wire::Wire;
use crate::hostile::neighbour::{Neighbour, beside};

/// Attack: heads with many headers, with long ones, with one that never ends; targets that never end. Dozens at a time.
/// Expectation: 431 or 414 and the connection is closed, as soon as it is more than `header_kib`; the host never holds more.
#[tokio::test]
async fn heads_are_bounded() {
    let host = beside(host().fixture("hostile")).start().await;
    let neighbour = Neighbour::of(&host).await;
    let get = "GET /hostile/light HTTP/1.1\r\nhost: x\r\n";
    let headers = |count: usize| (0..count).map(|i| format!("x{i}: y\r\n")).collect::<String>();
    assert_eq!(
        Wire::with(&host, format!("{get}{}\r\n", headers(99))).await.answer().await.expect("an answer").status,
        200
    );
    let long = "y".repeat(8 << 20);
    let floods = [
        (format!("{get}{}\r\n", headers(101)), 431),
        (format!("{get}{}\r\n", headers(100_000)), 431),
        (format!("{get}{}\r\n", "cookie: a=b\r\n".repeat(100_000)), 431),
        (format!("{get}x: {long}\r\n\r\n"), 431),
        (format!("{get}{long}: x\r\n\r\n"), 431),
        (format!("{get}x: {long}"), 431),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", &long[..65_535]), 414),
        (format!("GET /{long}"), 431),
        (format!("GET /?{long} HTTP/1.1\r\n"), 431),
        (long.clone(), 431),
    ];
    let mut attacks = vec![];
    for _ in 0..8 {
        for (flood, status) in &floods {
            let (mut wire, flood, status) = (Wire::to(host.address).await, flood.clone(), *status);
            attacks.push(tokio::spawn(async move {
                wire.send(&flood).await;
                // What was sent after the end is unread when the host closes, which may take the answer away.
                let statuses: Vec<_> = wire.answers().await.iter().map(|it| it.status).collect();
                assert!(statuses.is_empty() || statuses == [status], "{statuses:?} to {:?}", &flood[..100]);
            }));
        }
    }
    for attack in attacks {
        attack.await.expect("an end");
    }
    neighbour.was_served().await;
    // 80 of them would be 600 MiB.
    let peak = host.usage().peak >> 10;
    assert!(peak < 400, "{peak} MiB");
}

/// Attack: headers with much to look at, in each of those that the host reads: lists of thousands.
/// Expectation: each is one that is passed over, or an answer that says what was wrong with it.
#[tokio::test]
async fn headers_of_thousands_of_parts_are_read_in_no_time() {
    let host = beside(host().fixture("hostile")).start().await;
    let neighbour = Neighbour::of(&host).await;
    for (header, part, expected) in [
        ("accept", "text/x;q=0.1,", [406, 200]),
        ("accept", "*/*;a=\",\";q=0.001,", [406, 200]),
        ("accept-encoding", "gzip;q=0.1,", [200, 200]),
        ("if-none-match", "\"x\",", [200, 200]),
        ("range", "bytes=0-1,", [200, 200]),
        ("if-match", "\"x\",", [200, 200]),
        ("cookie", "a=b;", [200, 200]),
        ("forwarded", "for=1.2.3.4,", [200, 200]),
        ("connection", "x-y,", [200, 200]),
        ("te", "a,", [200, 200]),
        ("origin", "http://a.b", [200, 200]),
        ("content-type", "a/b;", [200, 200]),
        ("expect", "100-continue,", [200, 200]),
    ] {
        let value = part.repeat(50_000 / part.len());
        for (path, expected) in [("/hostile/light", expected[0]), ("/openapi.json", expected[1])] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{header}: {value}\r\nconnection: close\r\n\r\n");
            let answer = Wire::with(&host, request).await.answer().await.expect("an answer");
            assert_eq!(answer.status, expected, "{header} of {path}");
        }
    }
    neighbour.was_served().await;
}
