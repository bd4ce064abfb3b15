//! Raw HTTP handlers that would write into the connection what is not theirs. What goes over the wire is looked at byte by byte.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::{Setup, host, send};

use super::attack::{Attack, peak_mib, resident_mib};
use crate::streams::wire::Wire;

fn handler() -> Setup {
    host().fixture("raw").config("[limits]\ndeadline_ms = 10000\nstream_deadline_ms = 2000")
}

/// All that comes over a connection on which these paths are asked for, one right after the other.
async fn pipelined(attack: &Attack, paths: &[&str]) -> String {
    let mut connection = TcpStream::connect(attack.host.address).await.expect("a connection");
    let last = paths.len() - 1;
    for (i, path) in paths.iter().enumerate() {
        let close = if i == last { "connection: close\r\n" } else { "" };
        let head = format!("GET {path} HTTP/1.1\r\nhost: test\r\n{close}\r\n");
        // The host may have closed it already.
        let _ = connection.write_all(head.as_bytes()).await;
    }
    let mut answers = vec![];
    let _ = connection.read_to_end(&mut answers).await;
    String::from_utf8_lossy(&answers).into_owned()
}

async fn is_over(attack: Attack) {
    assert!(attack.host.get("/raw/fine").await.text().contains("target /raw/fine"));
    attack.ended().await;
}

#[tokio::test]
async fn headers_whose_names_or_values_end_their_line() {
    let attack = Attack::on(handler()).await;
    for what in ["names", "values"] {
        let answer = attack.host.get(&format!("/raw/hostile-{what}")).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""), "taken: {}", answer.text());
    }
    is_over(attack).await;
}

#[tokio::test]
async fn headers_without_end() {
    let attack = Attack::on(handler().config("[plugin.raw]\ndeadline_ms = 120000\nstream_deadline_ms = 120000")).await;
    assert_eq!(attack.host.get("/raw/hostile-large-header?20").await.header("x-large").len(), 20 << 10);
    for path in ["/raw/hostile-large-header?40", "/raw/hostile-large-header?60000", "/raw/hostile-many-headers?100000"]
    {
        attack.fails(path, "").await;
    }
    is_over(attack).await;
}

/// They are not in the guest's memory but in the host's.
#[tokio::test]
async fn headers_that_are_kept() {
    let attack = Attack::on(host().fixture("raw")).await;
    let before = resident_mib(&attack.host);
    let path = "/raw/hostile-keep-headers";
    attack.fails(path, "").await;
    let peak = peak_mib(&attack.host);
    assert!(peak < before + 128, "{peak} MiB, {before} before");
    let all = (0..4).map(|_| tokio::spawn(send(attack.host.request("GET", path))));
    for answer in all.collect::<Vec<_>>() {
        assert_eq!(answer.await.expect("an answer").status, 500);
    }
    is_over(attack).await;
}

/// The client of the next request on the connection has its own answer, or none.
#[tokio::test]
async fn a_body_that_is_longer_or_shorter_than_it_says() {
    let attack = Attack::on(handler()).await;
    for path in ["/raw/hostile-long", "/raw/short"] {
        for _ in 0..5 {
            let answers = pipelined(&attack, &[path, "/neighbour/name?name=own"]).await;
            let (_, rest) = answers.split_once("\r\n\r\n").unwrap_or_default();
            assert!(!rest.contains("forged"), "{answers}");
            let (body, next) = rest.split_at(rest.find("HTTP/1.1").unwrap_or(rest.len()));
            assert!("abcd".starts_with(body) || "12345".starts_with(body), "{answers}");
            assert!(next.is_empty() || next.starts_with("HTTP/1.1 200 OK") && next.ends_with("\"own\""), "{answers}");
            if path.ends_with("short") {
                assert!(next.is_empty(), "an answer within another's body: {answers}");
            }
        }
    }
    is_over(attack).await;
}

#[tokio::test]
async fn lengths_that_are_none_or_more_than_one() {
    let attack = Attack::on(handler()).await;
    for i in 0..6 {
        let answers = pipelined(&attack, &[&format!("/raw/hostile-lengths?{i}"), "/neighbour/name?name=own"]).await;
        let (head, _) = answers.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answers}"));
        let head = head.to_lowercase();
        let framed = head.matches("\r\ncontent-length:").count() + head.matches("\r\ntransfer-encoding:").count();
        assert!(framed <= 1, "{i}: {answers}");
        if head.starts_with("http/1.1 200") && framed == 1 && head.contains("content-length") {
            assert!(head.contains("content-length: 4\r\n") || head.ends_with("content-length: 4"), "{i}: {answers}");
        }
        // The second answer is whole, or is not there.
        let second = answers.rfind("HTTP/1.1").filter(|at| *at > 0);
        assert!(second.is_none_or(|at| answers[at..].ends_with("\"own\"")), "{i}: {answers}");
    }
    is_over(attack).await;
}

#[tokio::test]
async fn trailers_that_frame_what_follows() {
    let attack = Attack::on(handler()).await;
    let answers = pipelined(&attack, &["/raw/hostile-trailers", "/neighbour/name?name=own"]).await;
    let (head, rest) = answers.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 500"), "{answers}");
    assert!(!rest.split("HTTP/1.1").next().unwrap_or_default().contains("content-length"), "{answers}");
    assert!(answers.matches("HTTP/1.1 ").count() == 1 || answers.ends_with("\"own\""), "{answers}");
    is_over(attack).await;
}

#[tokio::test]
async fn statuses_that_are_no_answer() {
    let attack = Attack::on(handler()).await;
    for status in [0, 1, 99, 100, 101, 102, 103, 199, 1000, 65535] {
        attack.fails(&format!("/raw/status?{status}"), "").await;
    }
    is_over(attack).await;
}

/// Each has an instance until its time is up, and a client who reads nothing makes the host hold nothing.
#[tokio::test]
async fn bodies_that_never_end() {
    let attack = Attack::on(handler()).await;
    let read = (0..4).map(|_| attack.host.request("GET", "/raw/zeros")).map(|request| {
        tokio::spawn(async move {
            let mut answer = request.send().await.expect("a head");
            loop {
                match answer.chunk().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("an end"),
                    Err(_) => return,
                }
            }
        })
    });
    let read: Vec<_> = read.collect();
    let mut unread = vec![];
    for _ in 0..8 {
        let mut wire = Wire::begin(&attack.host, "GET", "/raw/zeros", "").await;
        assert!(wire.head().await.starts_with("HTTP/1.1 200 "));
        unread.push(wire);
    }
    for read in read {
        read.await.expect("an answer that breaks off");
    }
    let line = attack.host.log.wait_for("fault=").await;
    assert!(line.contains("stream_deadline_ms"), "{line}");
    drop(unread);
    is_over(attack).await;
}

/// Spins and sleeps, before its head and behind its answer.
#[tokio::test]
async fn handlers_that_never_return() {
    let attack = Attack::on(handler().config("[plugin.raw]\ndeadline_ms = 1500")).await;
    for path in ["/raw/spin", "/raw/wait?4000000000"] {
        tokio::join!(
            attack.is_overdue(path),
            attack.is_overdue(path),
            attack.is_overdue(path),
            attack.is_overdue(path)
        );
    }
    let answer = attack.host.get("/raw/behind").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "done"));
    attack.host.log.wait_for("after its response").await;
    attack.answers("/neighbour/name?name=x", json!("x")).await;
    is_over(attack).await;
}
