//! What the SDKs of Go and C do: errors, the log, the facts of a request, the store. `tests/fixtures/probe` is the same plugin in both.

use serde_json::json;
use witapi_tests::{built::Sources, host, root, send};

async fn the_sdk_does_what_it_says(language: &str) {
    let fixture = root().join("tests/fixtures/probe");
    let sources = Sources::default().folder(&fixture.join(language), "").folder(&fixture.join("wit"), "wit");
    let component = sources.built(&format!("probe-{language}"), "probe");
    let grants = "[plugin.probe]\ngrants = [\"wasi:keyvalue\", \"witapi:host\"]";
    let host = host().component("probe", component).config(grants).start().await;

    let typed = host.post("/probe/typed", &json!({})).await;
    assert_eq!((typed.status.as_u16(), &typed.json()["error"]), (400, &json!({ "tag": "sold-out", "val": 3 })));
    let text = host.post("/probe/text", &json!({})).await;
    assert_eq!((text.status.as_u16(), &text.json()["error"]), (400, &json!("closed on Sundays")));

    let unknown = host.post("/probe/unknown", &json!({})).await;
    assert_eq!(unknown.status, 500);
    assert!(!unknown.text().contains("secret"), "{unknown:?}");
    host.log.wait_for("a secret").await;

    assert_eq!(host.post("/probe/report", &json!({})).await.status, 204);
    host.log.wait_for("/probe/report").await;
    for expected in [" WARN guest: careful a=1 of.n=7 ", "ERROR guest: broken why=\"no reason\" ", "guest: plainly "] {
        host.log.wait_for(expected).await;
    }

    let facts = host.request("POST", "/probe/facts?a=b").header("x-request-id", "the-first").header("x-who", "me");
    let expected = json!(["the-first", "POST", "/probe/facts", "/probe/facts?a=b", "me", ""]);
    assert_eq!(send(facts).await.json(), expected);

    // With a NUL inside, and beyond ASCII.
    let kept = host.post("/probe/keep", &json!({ "text": "a\u{0}é" })).await;
    assert_eq!(kept.json(), json!(["a\u{0}é", false]), "{}", host.log.text());
}

#[tokio::test]
async fn the_sdk_of_c_does_what_it_says() {
    the_sdk_does_what_it_says("c").await;
}

#[tokio::test]
async fn the_sdk_of_go_does_what_it_says() {
    the_sdk_does_what_it_says("go").await;
}
