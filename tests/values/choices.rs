//! Values that are one of several things: options, results, enums, flags and variants.

use serde_json::json;
use witapi_tests::host;

use super::{becomes, comes_back, faults, message};

#[tokio::test]
async fn an_option_is_its_value_null_or_absent() {
    let host = host().fixture("zoo").start().await;
    let none = r#"{"plain":null,"nested":null,"thrice":null,"point":null,"numbers":null}"#;
    comes_back(&host, "/echo/options", none).await;
    becomes(&host, "/echo/options", "{}", none).await;
    let some = r#"{"plain":7,"nested":{"some":7},"thrice":{"some":{"some":"x"}},"point":{"x":1,"y":2},"numbers":[]}"#;
    comes_back(&host, "/echo/options", some).await;
    let inner = r#"{"plain":0,"nested":{"some":null},"thrice":{"some":{"some":null}},"point":null,"numbers":[1]}"#;
    comes_back(&host, "/echo/options", inner).await;
    let less = r#"{"plain":0,"nested":null,"thrice":{"some":null},"point":null,"numbers":null}"#;
    comes_back(&host, "/echo/options", less).await;

    faults(&host, "/echo/options", r#"{"plain":"7"}"#, &["body.plain type"]).await;
    faults(&host, "/echo/options", r#"{"plain":null,"plain":7}"#, &["body.plain duplicate"]).await;
    faults(&host, "/echo/options", r#"{"nested":7}"#, &["body.nested type"]).await;
    faults(&host, "/echo/options", r#"{"nested":{"some":256}}"#, &["body.nested.some maximum"]).await;
    faults(&host, "/echo/options", r#"{"nested":{"some":1,"none":2}}"#, &["body.nested.none unknown_member"]).await;
    faults(&host, "/echo/options", r#"{"point":{"x":1}}"#, &["body.point.y missing"]).await;
    faults(&host, "/echo/options", r#"{"numbers":[null]}"#, &["body.numbers[0] type"]).await;
}

#[tokio::test]
async fn the_object_of_an_inner_option_follows_its_schema() {
    let host = host().fixture("zoo").start().await;
    let document = host.get("/openapi.json").await.json();
    let nested = &document["components"]["schemas"]["Maybes"]["properties"]["nested"];
    let wrapper = &nested["oneOf"][0];
    assert_eq!(wrapper["properties"]["some"]["type"], json!(["integer", "null"]), "{nested:#}");
    let is_required = wrapper["required"] == json!(["some"]);
    let answer = host.post_text("/echo/options", r#"{"nested":{}}"#).await;
    assert_eq!(answer.status == 422, is_required, "the host says {answer:?}, the schema {wrapper:#}");
}

#[tokio::test]
async fn enums_flags_and_variants_without_payload_are_words() {
    let host = host().fixture("zoo").start().await;
    let body = |color: &str, permissions: &str, state: &str| {
        format!(r#"{{"color":{color},"permissions":{permissions},"state":{state}}}"#)
    };
    let all = r#"["read","write","run-as-root"]"#;
    comes_back(&host, "/echo/words", &body("\"dark-blue\"", all, "\"stand-by\"")).await;
    comes_back(&host, "/echo/words", &body("\"red\"", "[]", "\"off\"")).await;
    // A set has no order, so it goes out in that of the WIT.
    becomes(
        &host,
        "/echo/words",
        &body("\"red\"", r#"["write","read"]"#, "\"on\""),
        &body("\"red\"", r#"["read","write"]"#, "\"on\""),
    )
    .await;
    for (wrong, expected) in [
        (body("\"dark_blue\"", "[]", "\"on\""), "body.color enum"),
        (body("\"Red\"", "[]", "\"on\""), "body.color enum"),
        (body("0", "[]", "\"on\""), "body.color type"),
        (body("\"red\"", "[]", "\"standby\""), "body.state enum"),
        (body("\"red\"", "[]", r#"{"tag":"on"}"#), "body.state type"),
        (body("\"red\"", r#"["read","read"]"#, "\"on\""), "body.permissions[1] unique"),
        (body("\"red\"", r#"["read","fly"]"#, "\"on\""), "body.permissions[1] enum"),
        (body("\"red\"", "[1]", "\"on\""), "body.permissions[0] type"),
        (body("\"red\"", r#"{"read":true}"#, "\"on\""), "body.permissions type"),
        (body("\"red\"", "\"read\"", "\"on\""), "body.permissions type"),
    ] {
        faults(&host, "/echo/words", &wrong, &[expected]).await;
    }
    let answer = message(&host, "/echo/words", &body("\"pink\"", "[]", "\"on\"")).await;
    assert_eq!(answer, "expected one of `red`, `green`, `dark-blue`, found `pink`");
}

#[tokio::test]
async fn a_variant_is_an_object_with_a_tag() {
    let host = host().fixture("zoo").start().await;
    for body in [
        r#"{"tag":"circle","val":3}"#,
        r#"{"tag":"polygon","val":[{"x":0,"y":0},{"x":1,"y":2}]}"#,
        r#"{"tag":"label","val":"a"}"#,
        r#"{"tag":"label","val":null}"#,
        r#"{"tag":"nothing"}"#,
    ] {
        comes_back(&host, "/echo/shape", body).await;
    }
    becomes(&host, "/echo/shape", r#"{"tag":"label"}"#, r#"{"tag":"label","val":null}"#).await;
    becomes(&host, "/echo/shape", r#"{"val":3,"tag":"circle"}"#, r#"{"tag":"circle","val":3}"#).await;
    for (wrong, expected) in [
        (r#"{}"#, &["body.tag missing"][..]),
        (r#"{"val":3}"#, &["body.tag missing"]),
        (r#"{"tag":"square","val":3}"#, &["body.tag enum"]),
        (r#"{"tag":"Circle","val":3}"#, &["body.tag enum"]),
        (r#"{"tag":7}"#, &["body.tag type"]),
        (r#"{"tag":"circle"}"#, &["body.val missing"]),
        (r#"{"tag":"circle","val":null}"#, &["body.val type"]),
        (r#"{"tag":"circle","val":-1}"#, &["body.val minimum"]),
        (r#"{"val":-1,"tag":"circle"}"#, &["body.val minimum"]),
        (r#"{"val":[{"x":0}],"tag":"polygon"}"#, &["body.val[0].y missing"]),
        (r#"{"tag":"nothing","val":null}"#, &["body.val unknown_member"]),
        (r#"{"val":1,"tag":"nothing"}"#, &["body.val unknown_member"]),
        (r#"{"tag":"nothing","more":1}"#, &["body.more unknown_member"]),
        (r#"{"tag":"nothing","tag":"nothing"}"#, &["body.tag duplicate"]),
        (r#"{"tag":"circle","val":1,"val":1}"#, &["body.val duplicate"]),
        (r#"{"val":1,"val":1,"tag":"circle"}"#, &["body.val duplicate"]),
        (r#""nothing""#, &["body type"]),
        (r#"null"#, &["body type"]),
    ] {
        faults(&host, "/echo/shape", wrong, expected).await;
    }
    // A payload in front of its tag is text like any other.
    for malformed in [r#"{"val":[1,],"tag":"polygon"}"#, r#"{"val":"\ud83d","tag":"label"}"#] {
        assert_eq!(host.post_text("/echo/shape", malformed).await.status, 400, "{malformed}");
    }
}

#[tokio::test]
async fn a_nested_result_is_an_object_with_ok_or_err() {
    let host = host().fixture("zoo").start().await;
    let body = |both: &str, only_ok: &str, only_err: &str, neither: &str| {
        format!(r#"{{"both":{both},"only_ok":{only_ok},"only_err":{only_err},"neither":{neither}}}"#)
    };
    let (ok, err) = (r#"{"ok":null}"#, r#"{"err":null}"#);
    comes_back(&host, "/echo/results", &body(r#"{"ok":1}"#, r#"{"ok":2}"#, ok, ok)).await;
    comes_back(&host, "/echo/results", &body(r#"{"err":"a"}"#, err, r#"{"err":"b"}"#, err)).await;
    for (wrong, expected) in [
        ("{}", "body.both one_of"),
        ("null", "body.both type"),
        (r#"{"ok":"a"}"#, "body.both.ok type"),
        (r#"{"err":1}"#, "body.both.err type"),
        (r#"{"ok":256}"#, "body.both.ok maximum"),
        (r#"{"ok":1,"err":"a"}"#, "body.both.err one_of"),
        (r#"{"ok":1,"more":2}"#, "body.both.more unknown_member"),
    ] {
        faults(&host, "/echo/results", &body(wrong, ok.replace("null", "1").as_str(), ok, ok), &[expected]).await;
    }
    faults(&host, "/echo/results", &body(r#"{"ok":1}"#, err, ok, r#"{"ok":1}"#), &["body.neither.ok type"]).await;
    // Said twice is a fault, whether the two are alike or not.
    let twice = body(r#"{"ok":1,"ok":1}"#, err, ok, ok);
    assert_eq!(host.post_text("/echo/results", &twice).await.status, 422);
}
