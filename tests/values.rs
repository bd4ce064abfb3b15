//! The table "Values" of the contract: what goes in comes out again, and what does not fit is told why.

mod choices;
mod scalars;

use serde_json::{Value, json};
use witapi_tests::{Host, host};

/// Sends `body` and expects exactly the text `answer`.
async fn becomes(host: &Host, path: &str, body: &str, answer: &str) {
    let got = host.post_text(path, body).await;
    assert_eq!((got.status.as_u16(), got.text()), (200, answer.to_owned()), "{path} {body}");
    assert_eq!(got.header("content-type"), "application/json");
}

/// Sends `body` and expects it back as it is.
async fn comes_back(host: &Host, path: &str, body: &str) {
    becomes(host, path, body, body).await;
}

/// Sends `body` and expects these faults.
async fn faults(host: &Host, path: &str, body: &str, expected: &[&str]) {
    assert_eq!(host.post_text(path, body).await.faults(), expected, "{path} {body}");
}

/// The message of the only fault of `body`.
async fn message(host: &Host, path: &str, body: &str) -> String {
    let answer = host.post_text(path, body).await.json();
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    answer["errors"][0]["msg"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn lists_and_tuples_are_arrays() {
    let host = host().fixture("zoo").start().await;
    comes_back(&host, "/echo/numbers", "[]").await;
    comes_back(&host, "/echo/numbers", "[1,2,3]").await;
    comes_back(&host, "/echo/points", r#"[{"x":1,"y":-2},{"x":0,"y":0}]"#).await;
    comes_back(&host, "/echo/triple", "[1,2,65535]").await;
    comes_back(&host, "/echo/pair", r#"[1,"a",true]"#).await;
    comes_back(&host, "/echo/pair", r#"[1,"a",null]"#).await;

    faults(&host, "/echo/numbers", "{}", &["body type"]).await;
    faults(&host, "/echo/numbers", "null", &["body type"]).await;
    faults(&host, "/echo/numbers", "[1, -1, \"2\", 3]", &["body[1] minimum", "body[2] type"]).await;
    faults(&host, "/echo/triple", "[1,2]", &["body length"]).await;
    faults(&host, "/echo/triple", "[1,2,3,4]", &["body length"]).await;
    faults(&host, "/echo/triple", "[1,2,65536]", &["body[2] maximum"]).await;
    faults(&host, "/echo/pair", r#"[1,"a"]"#, &["body length"]).await;
    faults(&host, "/echo/pair", r#"["a",1,true]"#, &["body[0] type", "body[1] type"]).await;
    // Items too many are not read, but what stands in the right place still is.
    faults(&host, "/echo/pair", r#"["a","b",true,4]"#, &["body length", "body[0] type"]).await;
}

#[tokio::test]
async fn records_take_each_member_once_and_no_other() {
    let host = host().fixture("zoo").start().await;
    let two = "/echo/points";
    becomes(&host, two, r#"[{"y":2,"x":1}]"#, r#"[{"x":1,"y":2}]"#).await;
    faults(&host, two, r#"[{"x":1}]"#, &["body[0].y missing"]).await;
    faults(&host, two, r#"[{}]"#, &["body[0].x missing", "body[0].y missing"]).await;
    faults(&host, two, r#"[{"x":1,"y":2,"z":3}]"#, &["body[0].z unknown_member"]).await;
    faults(&host, two, r#"[{"x":1,"y":2,"x":1}]"#, &["body[0].x duplicate"]).await;
    faults(&host, two, r#"[{"x":1,"y":2,"\u0078":1}]"#, &["body[0].x duplicate"]).await;
    faults(&host, two, r#"[{"X":1,"x":1,"y":2}]"#, &["body[0].X unknown_member"]).await;
    faults(&host, two, r#"[[1,2]]"#, &["body[0] type"]).await;
    // All at once, in every place.
    faults(
        &host,
        two,
        r#"[{"x":"1","z":0},{"x":1.5,"y":3000000000},7]"#,
        &[
            "body[0].x type",
            "body[0].y missing",
            "body[0].z unknown_member",
            "body[1].x integer",
            "body[1].y maximum",
            "body[2] type",
        ],
    )
    .await;
    assert_eq!(
        message(&host, two, r#"[{"x":1,"y":2,"z":3}]"#).await,
        "unknown member, expected one of `x`, `y`",
        "the message names the members there are"
    );
}

#[tokio::test]
async fn a_map_is_an_object_or_an_array_of_pairs() {
    let host = host().fixture("zoo").start().await;
    let empty = r#"{"by_string":{},"by_number":[],"by_flag":[],"by_char":[]}"#;
    comes_back(&host, "/echo/maps", empty).await;
    comes_back(
        &host,
        "/echo/maps",
        r#"{"by_string":{"":0,"a b":1,"é":2},"by_number":[[0,"x"],[4294967295,"y"]],"by_flag":[[false,"n"],[true,"y"]],"by_char":[["é",1]]}"#,
    )
    .await;
    let with = |name: &str, value: &str| {
        let good = [("by_string", "{}"), ("by_number", "[]"), ("by_flag", "[]"), ("by_char", "[]")];
        let members = good.map(|(it, good)| format!("\"{it}\":{}", if it == name { value } else { good }));
        format!("{{{}}}", members.join(","))
    };
    for (name, value, expected) in [
        ("by_string", "[]", "body.by_string type"),
        ("by_string", r#"{"a":256}"#, "body.by_string.a maximum"),
        ("by_string", r#"{"a":1,"a":1}"#, "body.by_string.a duplicate"),
        ("by_string", r#"{"a":null}"#, "body.by_string.a type"),
        ("by_number", "{}", "body.by_number type"),
        ("by_number", r#"{"1":"a"}"#, "body.by_number type"),
        ("by_number", r#"[["1","a"]]"#, "body.by_number[0][0] type"),
        ("by_number", "[[1]]", "body.by_number[0] length"),
        ("by_number", r#"[[1,"a",2]]"#, "body.by_number[0] length"),
        ("by_number", r#"[[-1,"a"]]"#, "body.by_number[0][0] minimum"),
        ("by_number", r#"[{"1":"a"}]"#, "body.by_number[0] type"),
        ("by_char", r#"[["ab",1]]"#, "body.by_char[0][0] length"),
    ] {
        faults(&host, "/echo/maps", &with(name, value), &[expected]).await;
    }
}

#[tokio::test]
async fn aliases_and_foreign_types_are_what_they_stand_for() {
    let host = host().fixture("zoo").start().await;
    comes_back(
        &host,
        "/echo/named",
        r#"{"name":"a","names":["b"],"at":{"x":1,"y":2},"width":2.5,"way":{"length":1.0,"rough":true}}"#,
    )
    .await;
    faults(
        &host,
        "/echo/named",
        r#"{"name":1,"names":[2],"at":{"x":1},"width":"2","way":{"length":1e999,"rough":0}}"#,
        &[
            "body.at.y missing",
            "body.name type",
            "body.names[0] type",
            "body.way.length maximum",
            "body.way.rough type",
            "body.width type",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_flood_of_faults_is_counted_and_not_listed() {
    let host = host().fixture("zoo").start().await;
    let body = Value::from(vec!["x"; 5_000]);
    let answer = host.post("/echo/numbers", &body).await;
    assert_eq!(answer.faults().len(), 1_000);
    assert_eq!(answer.json()["detail"], "5000 errors, the first 1000 in `errors`.");
    let answer = host.post("/echo/numbers", &json!([-1])).await;
    assert_eq!(answer.json()["detail"], "1 error, see `errors`.");
}

#[tokio::test]
async fn what_a_client_chose_is_repeated_in_part_only() {
    let host = host().fixture("zoo").start().await;
    // A small body may not ask for a large answer.
    let long = "k".repeat(20_000);
    let items = vec!["-1"; 1_000].join(",");
    for (path, body) in [
        ("/echo/index", format!(r#"{{"{long}":7}}"#)),
        ("/echo/two", format!(r#"{{"first_part":"{long}","{long}":7}}"#)),
        ("/echo/maps", format!(r#"{{"by_string":{{"{long}":[{items}]}},"by_number":[],"by_flag":[],"by_char":[]}}"#)),
        ("/echo/words", format!(r#"{{"color":"{long}","permissions":["{long}"],"state":"{long}"}}"#)),
    ] {
        let answer = host.post_text(path, &body).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.len() < 2_000, "{path} answers with {} bytes", answer.body.len());
    }
    let answer = host.post_text("/echo/index", &format!(r#"{{"{long}":7}}"#)).await;
    let name = answer.json()["errors"][0]["loc"][1].as_str().expect("a name").chars().count();
    assert!((200..=201).contains(&name), "a name of {name} characters");
}

#[tokio::test]
async fn a_wrong_value_is_skipped_down_to_200_levels() {
    let host = host().fixture("zoo").start().await;
    let nested = |depth: usize| format!("{{\"value\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    faults(&host, "/echo/number", &nested(150), &["body.value type"]).await;
    assert_eq!(host.post_text("/echo/number", &nested(300)).await.status, 400);
}
