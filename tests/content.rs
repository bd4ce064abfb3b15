//! What an answer is, what a client accepts, and how both are encoded on the way.

use std::{
    fs,
    io::{Read, Write},
};

use flate2::{
    Compression,
    read::GzDecoder,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::{Answer, Host, host, send};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).expect("to compress");
    encoder.finish().expect("to compress")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(vec![], Compression::default());
    encoder.write_all(bytes).expect("to compress");
    encoder.finish().expect("to compress")
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = vec![];
    GzDecoder::new(bytes).read_to_end(&mut plain).expect("gzip");
    plain
}

#[track_caller]
fn problem(answer: &Answer, status: u16, kind: &str) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json()["type"], format!("/problems/{kind}"));
    answer.json()["detail"].as_str().unwrap_or_default().to_owned()
}

async fn accepting(host: &Host, method: &str, path: &str, accept: &str) -> Answer {
    send(host.request(method, path).header("accept", accept)).await
}

#[tokio::test]
async fn an_unacceptable_response_is_a_406_before_the_call() {
    let host = host().fixture("zoo").fixture("hostile").start().await;
    for accept in [
        "application/json",
        "application/*",
        "*/*",
        "Application/JSON; charset=utf-8",
        "text/html, application/json;q=0.1",
        "text/html, */*;q=0.8",
        "nonsense",
        "",
    ] {
        assert_eq!(accepting(&host, "GET", "/things/1", accept).await.status, 200, "{accept}");
    }
    for accept in ["text/html", "application/json;q=0", "*/*, application/json;q=0", "application/problem+json"] {
        let detail = problem(&accepting(&host, "GET", "/things/1", accept).await, 406, "not-acceptable");
        assert_eq!(detail, "Expected `accept` to accept one of `application/json`.");
        assert_eq!(accepting(&host, "HEAD", "/things/1", accept).await.status, 406);
    }
    // It would trap, if it ran; and it comes before what is wrong with the request.
    problem(&accepting(&host, "GET", "/hostile/panic", "text/html").await, 406, "not-acceptable");
    problem(&accepting(&host, "GET", "/things/x", "text/html").await, 406, "not-acceptable");
    assert_eq!(host.log.lines_with("unreachable"), [""; 0]);
}

#[tokio::test]
async fn bytes_and_empty_responses_have_their_media_types() {
    let host = host().fixture("zoo").start().await;
    let raw = async |accept: &str| {
        let request = host.request("POST", "/echo/raw").header("content-type", "application/octet-stream");
        send(request.header("accept", accept).body("x")).await
    };
    for accept in ["application/octet-stream", "application/*;q=0.1", "image/png, */*"] {
        assert_eq!(raw(accept).await.text(), "x", "{accept}");
    }
    let detail = problem(&raw("application/json").await, 406, "not-acceptable");
    assert_eq!(detail, "Expected `accept` to accept one of `application/octet-stream`.");
    // A success without a body has no type.
    assert_eq!(accepting(&host, "POST", "/outcomes/nothing", "text/html").await.status, 204);
}

#[tokio::test]
async fn problems_are_sent_whatever_is_accepted() {
    let host = host().fixture("zoo").start().await;
    for accept in ["application/json", "*/*", "application/*;q=0.5"] {
        problem(&accepting(&host, "GET", "/things/2", accept).await, 404, "none-found");
        problem(&accepting(&host, "GET", "/things/x", accept).await, 422, "invalid-request");
    }
    problem(&accepting(&host, "GET", "/nothing", "text/html").await, 404, "no-route");
    problem(&accepting(&host, "PUT", "/things", "text/html").await, 405, "method-not-allowed");
}

#[tokio::test]
async fn text_is_utf_8_whatever_else_a_media_type_says() {
    let host = host().fixture("zoo").start().await;
    let post = async |content_type: &str, body: &'static str| {
        send(host.request("POST", "/echo/two").header("content-type", content_type).body(body)).await
    };
    for content_type in [
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json ; Charset=Utf8; x=y",
        "application/json;",
        "application/json; profile=\"a;charset=latin1\"",
        "application/vnd.x+json; charset=utf-8",
    ] {
        assert_eq!(post(content_type, r#"{"first_part":1}"#).await.status, 200, "{content_type}");
    }
    for (content_type, body) in [
        ("application/json; charset=iso-8859-1", r#"{"first_part":1}"#),
        ("application/x-www-form-urlencoded; charset=ISO-8859-1", "first_part=1"),
        ("multipart/form-data; boundary=x; charset=iso-8859-1", "--x--"),
    ] {
        let detail = problem(&post(content_type, body).await, 415, "unsupported-media-type");
        assert_eq!(detail.to_lowercase(), "expected `utf-8`, found the charset `iso-8859-1`.", "{content_type}");
    }
    problem(&post("application/json; charset", "{}").await, 415, "unsupported-media-type");
    // Bytes have no charset.
    let request = host.request("POST", "/echo/raw").header("content-type", "application/octet-stream;charset=x");
    assert_eq!(send(request.body("a")).await.text(), "a");
}

#[tokio::test]
async fn encoded_bodies_are_decoded() {
    let host = host().fixture("zoo").start().await;
    let post = async |coding: &str, body: Vec<u8>| {
        let request = host.request("POST", "/echo/numbers").header("content-type", "application/json");
        send(request.header("content-encoding", coding).body(body)).await
    };
    let plain = b"[1,2,3]".to_vec();
    let two = [gzip(b"[1,2"), gzip(b",3]")].concat();
    for (coding, body) in [
        ("gzip", gzip(&plain)),
        ("GZip", gzip(&plain)),
        ("x-gzip", gzip(&plain)),
        ("gzip", two),
        ("deflate", zlib(&plain)),
        ("identity", plain.clone()),
        ("", plain.clone()),
    ] {
        assert_eq!(post(coding, body).await.text(), "[1,2,3]", "{coding}");
    }
    for coding in ["br", "zstd", "compress", "gzip, gzip", "identity, br", "x"] {
        let answer = post(coding, plain.clone()).await;
        let detail = problem(&answer, 415, "unsupported-encoding");
        assert_eq!(detail, format!("Expected `gzip`, `deflate` or no content encoding, found `{coding}`."));
        assert_eq!(answer.header("accept-encoding"), "gzip, deflate");
    }
    // Forms and bytes as well.
    let request = host.request("POST", "/echo/two").header("content-type", "application/x-www-form-urlencoded");
    let answer = send(request.header("content-encoding", "gzip").body(gzip(b"first_part=1"))).await;
    assert_eq!(answer.json(), json!({"first_part": 1, "second_part": null}));
    let request = host.request("POST", "/echo/raw").header("content-type", "application/octet-stream");
    assert_eq!(send(request.header("content-encoding", "gzip").body(gzip(b"raw"))).await.text(), "raw");
}

#[tokio::test]
async fn a_broken_encoding_is_a_400() {
    let host = host().fixture("zoo").start().await;
    let post = async |coding: &str, body: &[u8]| {
        let request = host.request("POST", "/echo/numbers").header("content-type", "application/json");
        send(request.header("content-encoding", coding).body(body.to_owned())).await
    };
    let whole = gzip(format!("[{}1]", "1,".repeat(1000)).as_bytes());
    let mut flipped = whole.clone();
    let crc = flipped.len() - 8;
    flipped[crc] ^= 1;
    let trailing = [&whole[..], b"more"].concat();
    let mut raw_deflate = DeflateEncoder::new(vec![], Compression::default());
    raw_deflate.write_all(b"[1]").expect("to compress");
    let raw_deflate = raw_deflate.finish().expect("to compress");
    for (coding, body) in [
        ("gzip", &b"[1,2,3]"[..]),
        ("gzip", b"x"),
        ("gzip", &whole[..whole.len() - 1]),
        ("gzip", &whole[..whole.len() / 2]),
        ("gzip", &whole[..5]),
        ("gzip", &flipped),
        ("gzip", &trailing),
        ("deflate", &whole),
        // RFC 9110, section 8.4.1.2: `deflate` is in zlib's wrapping.
        ("deflate", &raw_deflate),
    ] {
        let answer = post(coding, body).await;
        assert_eq!(answer.status, 400, "{coding} {body:?}");
        let detail = problem(&answer, 400, "malformed-body");
        assert_eq!(detail, format!("It is not valid {coding}, which its `content-encoding` says it is."));
    }
    assert_eq!(post("gzip", &whole).await.status, 200);
}

#[tokio::test]
async fn a_bomb_is_put_out_at_the_limit() {
    let host = host().fixture("zoo").start().await;
    let mut encoder = GzEncoder::new(vec![], Compression::best());
    let block = vec![b' '; 1 << 20];
    for _ in 0..512 {
        encoder.write_all(&block).expect("to compress");
    }
    let bomb = encoder.finish().expect("to compress");
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let peak = || {
        let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("the process's status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10
    };
    assert_eq!(host.post("/echo/numbers", &json!([1])).await.status, 200);
    let before = peak();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let request = host.request("POST", "/echo/numbers").header("content-type", "application/json");
            tokio::spawn(send(request.header("content-encoding", "gzip").body(bomb.clone())))
        })
        .collect();
    for call in calls {
        assert_eq!(problem(&call.await.expect("an answer"), 413, "body-too-large"), "Expected at most 1048576 bytes.");
    }
    let grown = peak() - before;
    // Eight bodies of 1 MiB at most, and eight bombs of half that: not 4 GiB.
    assert!(grown < 64, "{grown} MiB");
    // To the byte.
    let of = async |length: usize| {
        let text = format!("[{}]", " ".repeat(length - 2));
        let request = host.request("POST", "/echo/numbers").header("content-type", "application/json");
        send(request.header("content-encoding", "gzip").body(gzip(text.as_bytes()))).await.status
    };
    assert_eq!((of(1 << 20).await.as_u16(), of((1 << 20) + 1).await.as_u16()), (200, 413));
}

#[tokio::test]
async fn responses_worth_it_are_compressed_on_request() {
    let host = host().fixture("zoo").start().await;
    let numbers = |count: usize| json!((0..count).collect::<Vec<_>>());
    let post = async |count: usize, accept: &str| {
        send(host.request("POST", "/echo/numbers").json(&numbers(count)).header("accept-encoding", accept)).await
    };
    for accept in ["gzip", "GZIP;q=0.5", "br, gzip", "*", "deflate, gzip;q=1.0, *;q=0.5"] {
        let answer = post(1000, accept).await;
        assert_eq!((answer.header("content-encoding"), answer.header("vary")), ("gzip", "accept-encoding"), "{accept}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&gunzip(&answer.body)).expect("JSON"), numbers(1000));
    }
    for accept in ["", "br", "deflate", "identity", "gzip;q=0", "identity, gzip;q=0.5", "*;q=0, identity"] {
        let answer = post(1000, accept).await;
        assert_eq!((answer.header("content-encoding"), answer.json()), ("", numbers(1000)), "{accept}");
        assert_eq!(answer.header("vary"), "accept-encoding");
    }
    // Who does not ask gets what it always was, and caches know.
    let answer = host.post("/echo/numbers", &numbers(1000)).await;
    assert_eq!((answer.header("content-encoding"), answer.header("vary")), ("", "accept-encoding"));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    // Small, and of a kind that may well be compressed already.
    let small = post(10, "gzip").await;
    assert_eq!((small.header("content-encoding"), small.header("vary")), ("", ""));
    let raw = host.request("POST", "/echo/raw").header("content-type", "application/octet-stream");
    let raw = send(raw.header("accept-encoding", "gzip").body(vec![0; 5000])).await;
    assert_eq!((raw.header("content-encoding"), raw.body.len()), ("", 5000));
    // Problems too.
    let faults = host.request("POST", "/echo/numbers").json(&json!(vec!["x"; 1000])).header("accept-encoding", "gzip");
    let faults = send(faults).await;
    assert_eq!((faults.status.as_u16(), faults.header("content-encoding")), (422, "gzip"));
    // Neither compressed nor as it is: there is nothing to send.
    for accept in ["identity;q=0", "*;q=0", "br, *;q=0", "gzip;q=0, identity;q=0"] {
        let detail = problem(&post(1000, accept).await, 406, "not-acceptable");
        assert_eq!(detail, "Expected `accept-encoding` to accept one of `gzip`, `identity`.", "{accept}");
    }
    assert_eq!(post(1000, "identity;q=0, *").await.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn compression_can_be_turned_off() {
    let host = host().fixture("zoo").config("[server]\ncompression = false").start().await;
    let answer = send(host.request("GET", "/openapi.json").header("accept-encoding", "gzip")).await;
    assert_eq!((answer.header("content-encoding"), answer.status.as_u16()), ("", 200));
    assert_eq!(answer.json()["openapi"], "3.1.0");
    // Bodies of requests are decoded all the same.
    let request = host.request("POST", "/echo/numbers").header("content-type", "application/json");
    assert_eq!(send(request.header("content-encoding", "gzip").body(gzip(b"[1]"))).await.text(), "[1]");
}

#[tokio::test]
async fn a_document_has_one_tag_in_every_encoding() {
    let host = host().fixture("zoo").start().await;
    for path in ["/openapi.json", "/openapi/zoo.json"] {
        let get = async |method: &str, coding: &str, known: &[&str]| {
            let request = host.request(method, path).header("accept-encoding", coding);
            send(known.iter().fold(request, |request, known| request.header("if-none-match", *known))).await
        };
        let (plain, zipped) = (get("GET", "identity", &[]).await, get("GET", "gzip", &[]).await);
        assert_eq!(zipped.header("content-encoding"), "gzip");
        assert_eq!(gunzip(&zipped.body), plain.body);
        // Weak, since two encodings of one document are not the same bytes.
        let etag = plain.header("etag").to_owned();
        assert!(etag.starts_with("W/\"") && etag.ends_with('"'), "{etag}");
        assert_eq!(zipped.header("etag"), etag);
        let strong = etag.trim_start_matches("W/");
        for coding in ["identity", "gzip"] {
            for method in ["GET", "HEAD"] {
                for known in [&[etag.as_str()][..], &[strong], &["*"], &["\"a,b\", W/\"c\"", &format!("\"d\" ,{etag}")]]
                {
                    let answer = get(method, coding, known).await;
                    assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{method} {known:?}");
                    assert_eq!((answer.header("etag"), answer.header("vary")), (etag.as_str(), "accept-encoding"));
                    assert_eq!(answer.header("content-encoding"), "");
                }
                for known in ["\"other\"", "W/\"other\"", "", "x"] {
                    assert_eq!(get(method, coding, &[known]).await.status, 200);
                }
            }
        }
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let host = host().fixture("zoo").start().await;
    for path in [
        "/openapi.json",
        "/openapi/zoo.json",
        "/docs/",
        "/healthz",
        "/readyz",
        "/_witapi/plugins",
        "/things",
        "/nothing",
    ] {
        for coding in [None, Some("gzip")] {
            let ask = async |method: &str| {
                let request = host.request(method, path);
                let request = coding.into_iter().fold(request, |request, it| request.header("accept-encoding", it));
                let mut answer = send(request).await;
                for own in ["date", "x-request-id", "transfer-encoding"] {
                    answer.headers.remove(own);
                }
                answer
            };
            let (get, head) = (ask("GET").await, ask("HEAD").await);
            assert!(!get.body.is_empty() && head.body.is_empty(), "{path}");
            assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{path} {coding:?}");
        }
    }
}

#[tokio::test]
async fn options_tells_what_a_path_takes() {
    let host = host().fixture("zoo").start().await;
    for (path, allow) in [
        ("/things", "GET, HEAD, POST, OPTIONS"),
        ("/things/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/echo/numbers", "POST, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/docs/", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let answer = send(host.request("OPTIONS", path)).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, allow), "{path}");
        assert!(answer.body.is_empty());
        assert_eq!(send(host.request("TRACE", path)).await.header("allow"), allow);
    }
    problem(&send(host.request("OPTIONS", "/nothing")).await, 404, "no-route");
    // About the host as a whole: no client library can ask that.
    let mut stream = TcpStream::connect(host.address).await.expect("a connection");
    stream.write_all(b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("to send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.contains("allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"), "{answer}");
}
