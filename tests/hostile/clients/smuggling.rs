//! Requests that a proxy and the host could read in two ways, so that one client's bytes become another client's request.

use witapi_tests::{Host, host};

use super::wire::{Heard, Wire};
use crate::hostile::neighbour::{Neighbour, beside};

const BODY: &str = r#"{"text":"","times":0}"#;

/// What is hidden behind the request, or in it.
const HIDDEN: &str = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

/// The body in one chunk of 21 bytes.
fn chunked() -> String {
    format!("15\r\n{BODY}\r\n0\r\n\r\n")
}

async fn statuses(host: &Host, request: &[u8]) -> Vec<u16> {
    Wire::with(host, request).await.answers().await.iter().map(|it: &Heard| it.status).collect()
}

/// That each of these requests is answered so, with [`HIDDEN`] behind it, and by nothing else.
async fn are_answered(host: &Host, requests: Vec<(&str, Vec<u8>, &[u16])>) {
    for (name, mut request, expected) in requests {
        request.extend_from_slice(HIDDEN.as_bytes());
        assert_eq!(statuses(host, &request).await, expected, "{name}");
    }
}

/// A POST with these headers, which end with an empty line, and what follows them.
fn post(rest: impl AsRef<[u8]>) -> Vec<u8> {
    let head = b"POST /hostile/print HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    [head, rest.as_ref()].concat()
}

/// Nothing is refused because it is late.
const CONFIG: &str = "[server]\nheader_timeout_ms = 1000\nbody_timeout_ms = 1000";

/// Both requests are answered: the body ended where everybody sees its end, and what came then is a request of its own.
const BOTH: &[u16] = &[204, 404];
/// The first is refused and the connection closed, so that nothing behind it is a request.
const REFUSED: &[u16] = &[400];

/// Attack: two lengths, a length and chunks, codings that only one side knows (CL.CL, CL.TE, TE.CL, TE.TE).
/// Expectation: either there is one reading, or the request is refused. In both cases the connection is closed where another
/// reading is possible, so that the request behind it is never seen.
#[tokio::test]
async fn a_body_has_one_end_or_the_connection_does() {
    let host = beside(host().fixture("hostile").config(CONFIG)).start().await;
    let neighbour = Neighbour::of(&host).await;
    let (length, chunks) = (format!("content-length: 21\r\n\r\n{BODY}"), chunked());
    let coded = |coding: &str| post(format!("{coding}\r\n\r\n{chunks}"));
    let measured = |length: &str| post(format!("content-length: {length}\r\n\r\n{BODY}"));
    let requests: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("one length", post(&length), BOTH),
        ("chunks", coded("transfer-encoding: chunked"), BOTH),
        ("chunks in capitals", coded("transfer-encoding: CHUNKED"), BOTH),
        // RFC 9112, section 6.3: chunks it is, and the connection ends.
        ("CL.TE", coded("content-length: 21\r\ntransfer-encoding: chunked"), &[204]),
        ("CL.TE, short", coded("content-length: 5\r\ntransfer-encoding: chunked"), &[204]),
        ("TE.CL", coded("transfer-encoding: chunked\r\ncontent-length: 21"), &[204]),
        ("TE.TE", coded("transfer-encoding: chunked\r\ntransfer-encoding: x"), REFUSED),
        ("chunks twice", coded("transfer-encoding: chunked\r\ntransfer-encoding: chunked"), &[501]),
        ("chunks in chunks", coded("transfer-encoding: chunked, chunked"), &[501]),
        ("identity first", coded("transfer-encoding: identity, chunked"), &[501]),
        ("gzip first", coded("transfer-encoding: gzip, chunked"), &[501]),
        ("identity last", coded("transfer-encoding: chunked, identity"), REFUSED),
        ("nearly chunked", coded("transfer-encoding: xchunked"), REFUSED),
        ("chunked in quotes", coded("transfer-encoding: \"chunked\""), REFUSED),
        ("chunked after a vertical tab", coded("transfer-encoding: \u{b}chunked"), REFUSED),
        ("chunked in a folded line", coded("transfer-encoding:\r\n chunked"), REFUSED),
        ("a space before the colon", coded("transfer-encoding : chunked"), REFUSED),
        ("the same of a length", post(format!("content-length : 21\r\n\r\n{BODY}")), REFUSED),
        ("a line that begins with a space", post(format!(" content-length: 21\r\n\r\n{BODY}")), REFUSED),
        ("another folded line", post(format!("x: a\r\n b\r\n{length}")), REFUSED),
        ("two lengths", post(format!("content-length: 5\r\n{length}")), REFUSED),
        ("one length twice", post(format!("content-length: 21\r\n{length}")), BOTH),
        ("a list of lengths", measured("21, 21"), REFUSED),
        ("a list of two lengths", measured("21, 5"), REFUSED),
        ("+", measured("+21"), REFUSED),
        ("-", measured("-21"), REFUSED),
        ("hexadecimal", measured("0x15"), REFUSED),
        ("empty", measured(""), REFUSED),
        ("a fraction", measured("21.0"), REFUSED),
        ("an exponent", measured("2e1"), REFUSED),
        ("no number", measured("2_1"), REFUSED),
        ("more than 64 bits", measured("99999999999999999999999"), REFUSED),
        ("all of 64 bits", measured("18446744073709551615"), &[431]),
        ("63 bits", measured("9223372036854775807"), &[413]),
        (
            "a space that is none",
            post([b"content-length: 21\xa0\r\n\r\n".as_slice(), BODY.as_bytes()].concat()),
            REFUSED,
        ),
        // RFC 9112, section 2.2: a line may end so.
        ("bare LF", post(format!("content-length: 21\n\n{BODY}")), BOTH),
        ("bare CR", post(format!("x: a\rcontent-length: 5\r\n{length}")), REFUSED),
        ("NUL", post(format!("x: a\0b\r\n{length}")), REFUSED),
        ("a header without a name", post(format!(": a\r\n{length}")), REFUSED),
        ("a header without a colon", post(format!("a\r\n{length}")), REFUSED),
    ];
    are_answered(&host, requests).await;
    neighbour.was_served().await;
}

/// Attack: chunks whose size, extension or end two programs read in two ways.
/// Expectation: 400, and the connection is closed.
#[tokio::test]
async fn a_chunk_has_one_size_or_the_connection_ends() {
    let host = beside(host().fixture("hostile").config(CONFIG)).start().await;
    let neighbour = Neighbour::of(&host).await;
    let chunks = |text: &str| post(format!("transfer-encoding: chunked\r\n\r\n{}", text.replace("BODY", BODY)));
    let end = "\r\nBODY\r\n0\r\n\r\n";
    let sized = |size: &str| chunks(&format!("{size}{end}"));
    let many = "1;aaaaaaaaaaaaaaaaaa\r\n \r\n".repeat(2000);
    let requests: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("an extension", sized("15;a=b"), BOTH),
        ("an extension with a line's end in it", sized("15;a\nb"), REFUSED),
        ("an endless extension", sized(&format!("15;{}", "a".repeat(100_000))), REFUSED),
        ("many extensions", chunks(&format!("{many}15{end}")), REFUSED),
        ("bare LF", chunks("15\nBODY\r\n0\r\n\r\n"), REFUSED),
        ("0x", sized("0x15"), REFUSED),
        ("-", sized("-15"), REFUSED),
        ("+", sized("+15"), REFUSED),
        ("more than 64 bits", sized("10000000000000015"), REFUSED),
        ("no size", sized(""), REFUSED),
        ("more than its size", chunks("15\r\nBODYxx0\r\n\r\n"), REFUSED),
        // The rest does not come.
        ("all of 64 bits", sized("ffffffffffffffff"), &[408]),
        ("trailers that say otherwise", chunks("15\r\nBODY\r\n0\r\ncontent-length: 5\r\nhost: y\r\n\r\n"), BOTH),
        ("many trailers", chunks(&format!("15\r\nBODY\r\n0\r\n{}\r\n", "x: y\r\n".repeat(20_000))), REFUSED),
        ("a long trailer", chunks(&format!("15\r\nBODY\r\n0\r\nx: {}\r\n\r\n", "y".repeat(200_000))), REFUSED),
    ];
    are_answered(&host, requests).await;
    neighbour.was_served().await;
}

/// Attack: what is a body for one and a request for the other: of a GET, of HTTP/1.0, of a path that nobody has.
/// Expectation: a body is a body whoever reads it, and never a request.
#[tokio::test]
async fn a_body_that_nobody_reads_is_no_request() {
    let host = beside(host().fixture("hostile").config(CONFIG)).start().await;
    let neighbour = Neighbour::of(&host).await;
    let of_hidden = format!("content-length: {}\r\n\r\n{HIDDEN}", HIDDEN.len());
    let chunked_hidden = format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    for rest in [&of_hidden, &chunked_hidden] {
        for (line, expected) in
            [("GET /hostile/light", 200), ("POST /nowhere", 404), ("GET /healthz", 200), ("PUT /docs", 405)]
        {
            let request = format!("{line} HTTP/1.1\r\nhost: x\r\n{rest}");
            assert_eq!(statuses(&host, request.as_bytes()).await, [expected], "{request}");
        }
    }
    assert_eq!(host.log.lines_with("smuggled"), [""; 0]);
    let first = |line: &str, rest: &str| format!("{line}\r\n{rest}").into_bytes();
    let old = "POST /hostile/print HTTP/1.0\r\ncontent-type: application/json";
    are_answered(
        &host,
        vec![
            ("1.0", first("GET /hostile/light HTTP/1.0", "\r\n"), &[200]),
            ("1.0, kept alive", first("GET /hostile/light HTTP/1.0\r\nconnection: keep-alive", "\r\n"), &[200, 404]),
            ("1.0 in chunks", first(old, &format!("transfer-encoding: chunked\r\n\r\n{}", chunked())), REFUSED),
            (
                "1.0 in chunks, kept alive",
                first(old, &format!("connection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n{}", chunked())),
                REFUSED,
            ),
            ("1.0 without a length", first(old, "\r\n"), &[422]),
            ("1.2", first("GET /hostile/light HTTP/1.2\r\nhost: x", "\r\n"), REFUSED),
            ("0.9", first("GET /hostile/light", "\r\n"), REFUSED),
            ("http/1.1", first("GET /hostile/light http/1.1\r\nhost: x", "\r\n"), REFUSED),
        ],
    )
    .await;
    neighbour.was_served().await;
}

/// Attack: no host, two, or one that could not be; targets that name another, or a user.
/// Expectation: 400, and the connection is closed; what is for a proxy is answered by its path, and never passed on.
#[tokio::test]
async fn a_request_names_one_host() {
    let host = beside(host().fixture("hostile").config(CONFIG)).start().await;
    let neighbour = Neighbour::of(&host).await;
    let get = |hosts: &str| format!("GET /hostile/light HTTP/1.1\r\n{hosts}\r\n").into_bytes();
    let target = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes();
    are_answered(
        &host,
        vec![
            ("one", get("host: [::1]:80\r\n"), &[200, 404]),
            ("an empty one", get("host:\r\n"), &[200, 404]),
            ("none", get(""), REFUSED),
            ("two", get("host: x\r\nhost: y\r\n"), REFUSED),
            ("the same twice", get("host: x\r\nhost: x\r\n"), REFUSED),
            ("with a space", get("host: a b\r\n"), REFUSED),
            ("with a path", get("host: a/b\r\n"), REFUSED),
            ("with a user", get("host: u@x\r\n"), REFUSED),
            ("not ASCII", get("host: ä\r\n"), REFUSED),
            ("absolute form", target("http://other.example/hostile/light"), &[200, 404]),
            ("absolute form with a user", target("http://u:p@x/hostile/light"), REFUSED),
            ("absolute form without a host", target("http:///hostile/light"), REFUSED),
            ("authority form", target("x:80"), &[404, 404]),
            ("asterisk form", target("*"), &[404, 404]),
            ("no slash", target("hostile/light"), REFUSED),
            ("nothing", target(""), REFUSED),
            ("a space in it", target("/hostile/light /x"), REFUSED),
            ("CONNECT", b"CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n".to_vec(), &[404, 404]),
        ],
    )
    .await;
    neighbour.was_served().await;
}
