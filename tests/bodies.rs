//! What a request's body may be: its form, its media type, its size, and what is no JSON at all.

use reqwest::RequestBuilder;
use serde_json::json;
use witapi_tests::{Answer, Host, host, send};

/// A POST with that content type and body.
fn post(host: &Host, path: &str, content_type: Option<&str>, body: &str) -> RequestBuilder {
    let request = host.request("POST", path).body(body.to_owned());
    content_type.into_iter().fold(request, |request, it| request.header("content-type", it))
}

#[track_caller]
fn problem(answer: &Answer, status: u16, kind: &str) -> String {
    let document = answer.json();
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(document["type"], format!("/problems/{kind}"));
    assert_eq!(document["status"], status);
    assert!(document["title"].as_str().is_some_and(|title| !title.is_empty()), "{document}");
    document["detail"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_sole_compound_parameter_is_the_body() {
    let host = host().fixture("zoo").start().await;
    for (path, body) in [
        ("/things", json!({"id": 1, "name": "a"})),
        ("/echo/shape", json!({"tag": "nothing"})),
        ("/echo/index", json!({"a": ""})),
        ("/echo/numbers", json!([1])),
        ("/echo/triple", json!([1, 2, 3])),
        ("/echo/pair", json!([1, "a", null])),
    ] {
        let answer = host.post(path, &body).await;
        assert!(answer.status.is_success(), "{path} {answer:?}");
        assert_eq!(answer.json(), body, "{path}");
    }
}

#[tokio::test]
async fn other_parameters_are_the_members_of_one_object() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(
        host.post("/echo/two", &json!({"first_part": 1})).await.text(),
        r#"{"first_part":1,"second_part":null}"#
    );
    assert_eq!(host.post("/echo/alias", &json!({"value": "a"})).await.json(), json!(["a"]));
    assert_eq!(host.post("/echo/text", &json!({"value": "a"})).await.text(), r#""a""#);
    assert_eq!(host.post("/echo/perhaps", &json!({"value": 1})).await.text(), "1");
    assert_eq!(host.post("/echo/perhaps", &json!({"value": null})).await.text(), "null");
    assert_eq!(host.post("/echo/perhaps", &json!({})).await.text(), "null");

    let answer = host.post("/echo/two", &json!({"second_part": 1, "third_part": 2})).await;
    assert_eq!(answer.faults(), ["body.first_part missing", "body.second_part type", "body.third_part unknown_member"]);
    assert_eq!(host.post("/echo/two", &json!([1, "a"])).await.faults(), ["body type"]);
    assert_eq!(host.post("/echo/text", &json!("a")).await.faults(), ["body type"]);
    assert_eq!(
        host.post_text("/echo/two", r#"{"first_part":1,"first_part":2}"#).await.faults(),
        ["body.first_part duplicate"]
    );
}

#[tokio::test]
async fn a_body_of_optional_members_may_be_absent() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(send(host.request("POST", "/echo/perhaps")).await.text(), "null");
    assert_eq!(send(post(&host, "/echo/perhaps", Some("application/json"), "")).await.text(), "null");
    assert_eq!(send(post(&host, "/echo/perhaps", Some("application/json"), " \n")).await.text(), "null");
    assert_eq!(send(host.request("POST", "/echo/two")).await.faults(), ["body missing"]);
    assert_eq!(send(host.request("POST", "/things")).await.faults(), ["body missing"]);
    assert_eq!(send(host.request("POST", "/echo/numbers")).await.faults(), ["body missing"]);
    // An operation without parameters for a body reads none.
    assert_eq!(send(post(&host, "/outcomes/value", Some("text/plain"), "{{{")).await.text(), "7");
    // The document says the same.
    let document = host.get("/openapi.json").await.json();
    let required = |path: &str| document["paths"][path]["post"]["requestBody"]["required"].clone();
    assert_eq!(required("/echo/perhaps"), false);
    assert_eq!(required("/echo/two"), true);
    assert_eq!(required("/things"), true);
    assert!(required("/outcomes/value").is_null());
}

#[tokio::test]
async fn bytes_alone_are_the_body_itself_both_ways() {
    let host = host().fixture("zoo").start().await;
    let raw =
        |body: Vec<u8>| host.request("POST", "/echo/raw").header("content-type", "application/octet-stream").body(body);
    for body in [vec![], b"\0\xff{not json".to_vec(), (0..=255).collect(), vec![7; 100_000]] {
        let answer = send(raw(body.clone())).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &body[..]));
        assert_eq!(answer.header("content-type"), "application/octet-stream");
    }
    let detail = problem(
        &send(post(&host, "/echo/raw", Some("application/json"), "\"AA==\"")).await,
        415,
        "unsupported-media-type",
    );
    assert_eq!(detail, "Expected `application/octet-stream`, found `application/json`.");
}

#[tokio::test]
async fn the_media_type_has_to_be_json() {
    let host = host().fixture("zoo").start().await;
    for right in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/merge-patch+json",
        "application/ld+json; profile=x",
    ] {
        assert_eq!(send(post(&host, "/echo/numbers", Some(right), "[1]")).await.text(), "[1]", "{right}");
    }
    for wrong in [
        "text/plain",
        "application/xml",
        "text/json",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "",
        "+json",
    ] {
        let answer = send(post(&host, "/echo/numbers", Some(wrong), "[1]")).await;
        let detail = problem(&answer, 415, "unsupported-media-type");
        assert_eq!(detail, format!("Expected `application/json`, found `{wrong}`."));
    }
    let detail = problem(&send(post(&host, "/echo/numbers", None, "[1]")).await, 415, "unsupported-media-type");
    assert_eq!(detail, "Expected `application/json`, found no `content-type`.");
}

#[tokio::test]
async fn what_is_no_json_is_told_by_line_and_column() {
    let host = host().fixture("zoo").start().await;
    for (body, at) in [
        ("[1,2", "Line 1, column 4"),
        ("[1,\n 2,\n x]", "Line 3, column 2"),
        ("[1 2]", "Line 1, column 4"),
        ("[1,]", "Line 1, column 4"),
        ("[1]]", "Line 1, column 4"),
        ("[1] [2]", "Line 1, column 5"),
        ("[01]", "Line 1, column 3"),
        ("[1.]", "Line 1, column 4"),
        ("[-]", "Line 1, column 3"),
        ("['a']", "Line 1, column 2"),
        ("// none", "Line 1, column 1"),
        ("\u{feff}[1]", "Line 1, column 1"),
        ("nul", "Line 1, column 3"),
        ("[\"a\nb\"]", "Line "),
        ("[\"\\x\"]", "Line 1, column 4"),
        ("[\"\\ud83d\"]", "Line 1, column "),
    ] {
        let detail = problem(&host.post_text("/echo/numbers", body).await, 400, "malformed-json");
        assert!(detail.starts_with(at), "{body:?}: {detail:?}, expected {at}");
    }
    // Bytes that are no UTF-8 are no JSON either.
    let request = host.request("POST", "/echo/text").header("content-type", "application/json");
    let answer = send(request.body(b"{\"value\":\"\xff\"}".to_vec())).await;
    problem(&answer, 400, "malformed-json");
}

#[tokio::test]
async fn malformed_json_hides_other_errors() {
    let host = host().fixture("zoo").start().await;
    for body in
        [r#"{"first_part":"x","second_part":}"#, r#"{"unknown":[1,}"#, r#"{"first_part":1"#, r#"{"a":1,}"#, "{1:2}"]
    {
        problem(&host.post_text("/echo/two", body).await, 400, "malformed-json");
    }
}

#[tokio::test]
async fn nesting_without_end_is_malformed_and_harms_no_one() {
    let host = host().fixture("zoo").start().await;
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(200_000);
        for body in
            [deep.clone(), format!("{{\"value\":{deep}"), format!("{{\"unknown\":{deep}"), format!("{{\"val\":{deep}")]
        {
            for path in ["/echo/numbers", "/echo/two", "/echo/shape", "/echo/options"] {
                problem(&host.post_text(path, &body).await, 400, "malformed-json");
            }
        }
    }
    assert_eq!(host.post_text("/echo/numbers", "[1]").await.text(), "[1]");
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_not_larger() {
    let host = host().fixture("zoo").config("[plugin.zoo]\nbody_kib = 4").start().await;
    let raw = |body: reqwest::Body| {
        host.request("POST", "/echo/raw").header("content-type", "application/octet-stream").body(body)
    };
    assert_eq!(send(raw(vec![7; 4096].into())).await.body.len(), 4096);
    let answer = send(raw(vec![7; 4097].into())).await;
    assert_eq!(problem(&answer, 413, "body-too-large"), "Expected at most 4096 bytes.");
    assert_eq!(answer.header("connection"), "close");
    let text = |length: usize| format!("[{}]", " ".repeat(length - 2));
    assert_eq!(host.post_text("/echo/numbers", &text(4096)).await.text(), "[]");
    problem(&host.post_text("/echo/numbers", &text(4097)).await, 413, "body-too-large");
}

#[tokio::test]
async fn a_body_in_chunks_is_one_like_any_other() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = host().fixture("zoo").config("[plugin.zoo]\nbody_kib = 1").start().await;
    let chunked = |content_type: &'static str, chunks: String| async move {
        let mut stream = tokio::net::TcpStream::connect(host.address).await.expect("a connection");
        let head = format!(
            "POST /echo/numbers HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{content_type}transfer-encoding: chunked\r\n\r\n"
        );
        stream.write_all(format!("{head}{chunks}").as_bytes()).await.expect("a sent request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    };
    let chunked = &chunked;
    let json = "content-type: application/json\r\n";
    let answer = chunked(json, "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n".into()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("[1,2]"), "{answer}");
    let answer = chunked(json, format!("{:x}\r\n{}\r\n0\r\n\r\n", 1025, " ".repeat(1025))).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = chunked("", "3\r\n[1]\r\n0\r\n\r\n".into()).await;
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
}
