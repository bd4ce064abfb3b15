//! Bodies that are more than they seem, or seem more than they are.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use witapi_tests::{Answer, Host, host, send};

use super::wire::Wire;
use crate::hostile::neighbour::{Neighbour, beside};

async fn post(host: &Host, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    send(host.request("POST", path).header("content-type", media_type).body(body)).await
}

/// `count` times the same, as one body.
fn repeated(before: &str, part: &str, count: usize, after: &str) -> String {
    [before, &part.repeat(count), after].concat()
}

/// Attack: JSON that is deep, wide, long in one number or string, with members again and again, with what is no text in it.
/// Expectation: 400 or 422, or a 200 where it is right after all. Nothing of it grows beyond a multiple of the body.
#[tokio::test]
async fn json_of_every_extreme_is_judged_in_bounds() {
    let host = beside(host().plugin("orders").fixture("hostile")).start().await;
    let neighbour = Neighbour::of(&host).await;
    let most = (1 << 20) - 100;
    let text = |value: &str| format!(r#"{{"text":{value},"times":0}}"#);
    let times = |value: &str| format!(r#"{{"text":"","times":{value}}}"#);
    let bodies: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("lists in lists", "[".repeat(most).into(), &[400]),
        ("objects in objects", r#"{"a":"#.repeat(most / 5).into(), &[400]),
        ("deep in what is passed over", text(&repeated("\"\",\"x\":", "[", most / 2, "")).into(), &[400]),
        ("deep and ended", format!("{}{}", "[".repeat(most / 2), "]".repeat(most / 2)).into(), &[400, 422]),
        ("a list of a million", repeated("[", "0,", most / 2 - 2, "0]").into(), &[422]),
        (
            "a hundred thousand members",
            repeated("{", "\"x\":0,", most / 7, "\"text\":\"\",\"times\":0}").into(),
            &[400, 422],
        ),
        ("a member twice", r#"{"text":"a","text":"b","times":0}"#.into(), &[400, 422]),
        ("a number of a million digits", times(&"9".repeat(most)).into(), &[400, 422]),
        ("a fraction of a million digits", times(&format!("0.{}", "1".repeat(most))).into(), &[400, 422]),
        ("an exponent without end", times(&format!("1e{}", "9".repeat(most))).into(), &[400, 422]),
        ("the smallest exponent", times("1e-999999999999999999999").into(), &[422]),
        ("a large exponent", times("1e400").into(), &[422]),
        ("a string of a million escapes", text(&repeated("\"", "\\u0000", most / 6, "\"")).into(), &[204]),
        ("half a surrogate", text(r#""\ud800""#).into(), &[400]),
        ("halves the wrong way round", text(r#""\udc00\ud800""#).into(), &[400]),
        ("NUL escaped", text(r#""\u0000""#).into(), &[204]),
        ("NUL", text("\"\0\"").into(), &[400]),
        ("NUL behind it", format!("{}\0", text("\"\"")).into(), &[400]),
        ("a mark of byte order", format!("\u{feff}{}", text("\"\"")).into(), &[400]),
        ("UTF-16", text("\"\"").encode_utf16().flat_map(u16::to_le_bytes).collect(), &[400]),
        ("no UTF-8", [br#"{"text":""#.as_slice(), b"\xff\xfe", br#"","times":0}"#].concat(), &[400]),
        ("UTF-8 that is too long", [br#"{"text":""#.as_slice(), b"\xc0\xaf", br#"","times":0}"#].concat(), &[400]),
        ("surrogates in UTF-8", [br#"{"text":""#.as_slice(), b"\xed\xa0\x80", br#"","times":0}"#].concat(), &[400]),
        ("NaN", times("NaN").into(), &[400]),
        ("Infinity", times("-Infinity").into(), &[400]),
        ("a comment", text("/**/\"\"").into(), &[400]),
        ("two values", format!("{}{}", text("\"\""), text("\"\"")).into(), &[400]),
        ("spaces", " ".repeat(most).into(), &[400, 422]),
        ("a prototype", r#"{"__proto__":{"times":9},"text":"","times":0}"#.into(), &[204, 422]),
    ];
    for (name, body, expected) in &bodies {
        let status = post(&host, "/hostile/print", "application/json", body.clone()).await.status.as_u16();
        assert!(expected.contains(&status), "{name}: {status}, expected {expected:?}");
    }
    // All of them at the same time.
    let all: Vec<_> = bodies.iter().cycle().take(100).map(|(_, body, _)| body.clone()).collect();
    let asked: Vec<_> = all
        .into_iter()
        .map(|body| {
            let request = host.request("POST", "/orders").header("content-type", "application/json").body(body);
            tokio::spawn(send(request))
        })
        .collect();
    for answer in asked {
        let answer = answer.await.expect("an answer");
        assert!([400, 422].contains(&answer.status.as_u16()), "{}", answer.status);
        // What is wrong with it is told in less than it was.
        assert!(answer.body.len() < 2 << 20, "{} bytes", answer.body.len());
    }
    neighbour.was_served().await;
    let peak = host.usage().peak >> 10;
    assert!(peak < 1000, "{peak} MiB");
}

/// Attack: bodies of some KiB that are GiB when decoded: by the dozen, one in the other, in many pieces.
/// Expectation: 413 at `body_kib`, or 400; decoded no further than that.
#[tokio::test]
async fn decompression_bombs_are_put_out_by_the_dozen() {
    let zeros = vec![b' '; 1 << 20];
    let mut bomb = GzEncoder::new(vec![], Compression::best());
    for _ in 0..200 {
        bomb.write_all(&zeros).expect("to compress");
    }
    let bomb = bomb.finish().expect("to compress");
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    // Empty files: much to read, and never anything to show for it.
    let empty = GzEncoder::new(vec![], Compression::best()).finish().expect("to compress");
    let empties = empty.repeat((1 << 20) / empty.len());
    let twice = {
        let mut outer = GzEncoder::new(vec![], Compression::best());
        outer.write_all(&bomb).expect("to compress");
        outer.finish().expect("to compress")
    };
    // Now, since to make them keeps the neighbour's client from its work.
    let host = beside(host().fixture("hostile")).start().await;
    let neighbour = Neighbour::of(&host).await;
    let bodies = [(&bomb, "gzip", 413), (&empties, "gzip", 400), (&twice, "gzip", 400), (&twice, "gzip, gzip", 415)];
    let mut asked = vec![];
    for i in 0..60 {
        let (body, coding, expected) = bodies[i % bodies.len()];
        let request = host.request("POST", "/hostile/print").header("content-type", "application/json");
        let request = request.header("content-encoding", coding).body(body.clone());
        asked.push((expected, tokio::spawn(send(request))));
    }
    for (expected, answer) in asked {
        assert_eq!(answer.await.expect("an answer").status, expected);
    }
    neighbour.was_served().await;
    let peak = host.usage().peak >> 10;
    assert!(peak < 600, "{peak} MiB");
}

/// Attack: forms of thousands of parts, of a part whose headers never end, of boundaries that are everywhere or nowhere.
/// Expectation: 400, 413 or 422, within the bounds of every body.
#[tokio::test]
async fn multipart_bombs_are_bodies_like_any_other() {
    let host = beside(host().fixture("forms")).start().await;
    let neighbour = Neighbour::of(&host).await;
    let part = |headers: &str| format!("--b\r\ncontent-disposition: form-data; name=\"tags\"\r\n{headers}\r\nx\r\n");
    let end = "--b--\r\n";
    let multipart = "multipart/form-data; boundary=b";
    let long = "multipart/form-data; boundary=".to_owned() + &"b".repeat(70);
    let most = (1 << 20) - 200;
    for (name, media_type, body, expected) in [
        ("parts", multipart, part("").repeat(most / part("").len()) + end, &[400, 422][..]),
        ("a part of many headers", multipart, part(&"x: y\r\n".repeat(100_000)) + end, &[400]),
        ("a part of a long header", multipart, part(&format!("x: {}\r\n", "y".repeat(900_000))) + end, &[400, 422]),
        ("headers that do not end", multipart, format!("--b\r\n{}", "x: y\r\n".repeat(100_000)), &[400]),
        ("nothing but boundaries", multipart, "--b\r\n".repeat(most / 5), &[400]),
        (
            "nearly boundaries",
            &long,
            format!("--{}", "\r\n--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb".repeat(20_000)),
            &[400],
        ),
        ("no boundary", multipart, "x".repeat(most), &[400]),
        ("no end", multipart, part("").repeat(1000), &[400]),
        (
            "a name without end",
            multipart,
            format!("--b\r\ncontent-disposition: form-data; name=\"{}", "n".repeat(most)),
            &[400, 413],
        ),
        (
            "forms in forms",
            multipart,
            part("content-type: multipart/mixed; boundary=c\r\n").repeat(5000) + end,
            &[400, 422],
        ),
    ] {
        let status = post(&host, "/forms/order", media_type, body).await.status.as_u16();
        assert!(expected.contains(&status), "{name}: {status}, expected {expected:?}");
    }
    neighbour.was_served().await;
    let peak = host.usage().peak >> 10;
    assert!(peak < 600, "{peak} MiB");
}

/// Attack: a hundred thousand pairs in a form, and as many as fit in a query; all of one name, or each of its own.
/// Expectation: an answer like any other; names cannot be chosen so that looking for them takes long.
#[tokio::test]
async fn pairs_by_the_hundred_thousand_are_read_in_one_pass() {
    let host = beside(host().fixture("forms").fixture("hostile")).start().await;
    let neighbour = Neighbour::of(&host).await;
    let same = "tags=x&".repeat(100_000);
    let own: String = (0..100_000).map(|i| format!("n{i:x}=&")).collect();
    let nothing = "&".repeat(1 << 20);
    let escapes = "%74%61%67%73=%&".repeat(60_000);
    for body in [&same, &own, &nothing, &escapes] {
        let status = post(&host, "/forms/order", "application/x-www-form-urlencoded", body.clone()).await.status;
        assert!([400, 422].contains(&status.as_u16()), "{status}");
        let query = &body[..60_000];
        let request = format!("GET /hostile/light?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert_eq!(Wire::with(&host, request).await.answer().await.expect("an answer").status, 200);
        let request = format!("GET /neighbour/name?{query}&name=x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        assert_eq!(Wire::with(&host, request).await.answer().await.expect("an answer").text(), "\"x\"");
    }
    neighbour.was_served().await;
}
