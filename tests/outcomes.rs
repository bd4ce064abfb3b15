//! The tables "Results and errors": what a function returns, and what a client gets.

use serde_json::{Value, json};
use witapi_tests::{Answer, Host, host, send};

/// Status and body of a POST.
async fn post(host: &Host, path: &str, body: Value) -> (u16, String) {
    let answer = host.post(path, &body).await;
    (answer.status.as_u16(), answer.text())
}

fn ok(status: u16, body: &str) -> (u16, String) {
    (status, body.to_owned())
}

/// The `error` of an answer that carries one, with this status.
#[track_caller]
fn error(answer: &Answer, status: u16) -> Value {
    let document = answer.json();
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(document["type"], "/problems/operation-error");
    assert_eq!(document["status"], status);
    document.get("error").cloned().unwrap_or(json!("no member `error`"))
}

/// An answer that says nothing of what went wrong inside the plugin.
#[track_caller]
fn failed(answer: &Answer) {
    assert_eq!(answer.status, 500, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        answer.json(),
        json!({
            "type": "/problems/plugin-failed",
            "title": "Plugin failed",
            "status": 500,
            "detail": "The host's log has the reason, under this response's `x-request-id`.",
        })
    );
}

#[tokio::test]
async fn a_value_is_200_and_nothing_is_204() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(post(&host, "/outcomes/value", json!({})).await, ok(200, "7"));
    assert_eq!(post(&host, "/outcomes/nothing", json!({})).await, ok(204, ""));
    assert_eq!(post(&host, "/outcomes/bare-result", json!({"ok": true})).await, ok(204, ""));
    assert_eq!(post(&host, "/outcomes/no-value", json!({"ok": true})).await, ok(204, ""));
    assert_eq!(post(&host, "/outcomes/no-error", json!({"ok": true})).await, ok(200, "7"));
    assert_eq!(post(&host, "/outcomes/either", json!({"ok": true})).await, ok(200, r#""dark-blue""#));
    let nothing = send(host.request("POST", "/outcomes/nothing")).await;
    assert_eq!(nothing.header("content-type"), "");
    assert_eq!(host.delete("/things/1/part/a").await.status, 204);
}

#[tokio::test]
async fn a_chosen_status_holds_with_and_without_a_value() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(post(&host, "/outcomes/accepted", json!({})).await, ok(202, "7"));
    assert_eq!(post(&host, "/outcomes/accepted-silently", json!({})).await, ok(202, ""));
    assert_eq!(post(&host, "/things", json!({"id": 1, "name": "a"})).await, ok(201, r#"{"id":1,"name":"a"}"#));
}

#[tokio::test]
async fn an_option_is_404_where_one_thing_is_asked_for() {
    let host = host().fixture("zoo").start().await;
    let one = r#"{"id":1,"name":"one"}"#;
    let thing = json!({"id": 1, "name": "one"});
    for (found, missing) in [
        (host.get("/things/1").await, host.get("/things/2").await),
        (host.put("/things/1", &thing).await, host.put("/things/2", &thing).await),
        (host.patch("/things/1", &json!({})).await, host.patch("/things/2", &json!({})).await),
        (host.delete("/things/1").await, host.delete("/things/2").await),
    ] {
        assert_eq!((found.status.as_u16(), found.text()), ok(200, one));
        assert_eq!(missing.status, 404);
        assert_eq!(missing.json(), json!({"type": "/problems/none-found", "title": "Not found", "status": 404}));
        assert_eq!(missing.header("content-type"), "application/problem+json");
    }
    // Inside a result as well.
    assert_eq!(host.get("/outcomes/maybe?some=true&ok=true").await.text(), "7");
    assert_eq!(host.get("/outcomes/maybe?some=false&ok=true").await.status, 404);
    assert_eq!(error(&host.get("/outcomes/maybe?some=false&ok=false").await, 400), "no");
    // Only the outermost option: the one within is a value.
    assert_eq!(host.get("/outcomes/nested?depth=0").await.status, 404);
    assert_eq!(host.get("/outcomes/nested?depth=1").await.text(), "null");
    assert_eq!(host.get("/outcomes/nested?depth=2").await.text(), "7");
    // What is posted is not looked up.
    assert_eq!(post(&host, "/outcomes/posted-option", json!({"some": false})).await, ok(200, "null"));
    assert_eq!(post(&host, "/outcomes/posted-option", json!({"some": true})).await, ok(200, "7"));
}

#[tokio::test]
async fn the_name_of_an_errors_case_is_its_status() {
    let host = host().fixture("zoo").start().await;
    for (case, status) in [
        ("invalid", 400),
        ("invalid-name", 400),
        ("bad-request", 400),
        ("unauthorized", 401),
        ("unauthenticated", 401),
        ("payment-required", 402),
        ("forbidden", 403),
        ("permission-denied", 403),
        ("not-found", 404),
        ("conflict", 409),
        ("already-exists", 409),
        ("gone", 410),
        ("precondition-failed", 412),
        ("too-large", 413),
        ("unprocessable", 422),
        ("locked", 423),
        ("too-many-requests", 429),
        ("rate-limited", 429),
        ("internal", 500),
        ("not-implemented", 501),
        ("unavailable", 503),
        ("timeout", 504),
        ("odd", 400),
    ] {
        let answer = host.post("/outcomes/trouble", &json!({ "kind": case })).await;
        assert_eq!(error(&answer, status), case);
    }
    for (case, status) in [
        (json!({"tag": "not-found", "val": "x"}), 404),
        (json!({"tag": "conflict", "val": [1, 2]}), 409),
        (json!({"tag": "unavailable"}), 503),
        (json!({"tag": "odd", "val": null}), 400),
    ] {
        assert_eq!(error(&host.post("/outcomes/refusal", &case).await, status), case);
    }
}

#[tokio::test]
async fn an_error_that_is_neither_variant_nor_enum_is_400() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(error(&host.post("/outcomes/no-value", &json!({"ok": false})).await, 400), "no");
    assert_eq!(error(&host.post("/outcomes/either", &json!({"ok": false})).await, 400), "no");
    assert_eq!(error(&host.post("/outcomes/bare-result", &json!({"ok": false})).await, 400), "no member `error`");
    assert_eq!(error(&host.post("/outcomes/no-error", &json!({"ok": false})).await, 400), "no member `error`");
    // A member `status` of another type than `u16` is data like any other.
    assert_eq!(error(&send(host.request("POST", "/outcomes/note")).await, 400), json!({"status": 200}));
}

#[tokio::test]
async fn an_error_may_carry_its_own_status() {
    let host = host().fixture("zoo").start().await;
    for status in [400, 418, 499, 500, 599] {
        let body = json!({"status": status, "message": "x"});
        assert_eq!(error(&host.post("/outcomes/failure", &body).await, status), body);
    }
    for status in [0, 99, 200, 302, 399, 600, 65535] {
        let answer = host.post("/outcomes/failure", &json!({"status": status, "message": "x"})).await;
        failed(&answer);
        host.log
            .wait_for(&format!("the error's member `status`: expected a number from 400 to 599, found {status}"))
            .await;
    }
}

#[tokio::test]
async fn a_number_without_json_is_the_plugins_failure() {
    let host = host().fixture("zoo").start().await;
    assert_eq!(
        post(&host, "/outcomes/samples", json!({"at": 9, "what": "finite"})).await,
        ok(200, r#"{"samples":[0.25,0.25,0.25],"single":null}"#)
    );
    for (what, found) in [("not-a-number", "NaN"), ("infinite", "inf"), ("negative-infinite", "-inf")] {
        failed(&host.post("/outcomes/samples", &json!({"at": 2, "what": what})).await);
        host.log.wait_for(&format!("the result holds {found} at `.samples[2]`, which JSON cannot express")).await;
        failed(&host.post("/outcomes/in-map", &json!({"what": what})).await);
        host.log.wait_for(&format!("{found} at `.key`")).await;
        failed(&host.post("/outcomes/single", &json!({"what": what})).await);
    }
}

#[tokio::test]
async fn bytes_may_be_as_many_as_the_limit_and_not_more() {
    let host = host().fixture("zoo").config("[plugin.zoo]\nresult_kib = 64").start().await;
    for bytes in [0, 20_000, 40_000, 65_536] {
        let answer = host.post("/outcomes/large", &json!({ "bytes": bytes })).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, bytes));
    }
    for bytes in [65_537, 1_000_000] {
        failed(&host.post("/outcomes/large", &json!({ "bytes": bytes })).await);
    }
    host.log.wait_for("`result_kib` sets the limit").await;
}

#[tokio::test]
async fn a_text_may_be_as_large_as_the_limit_and_not_larger() {
    let host = host().fixture("zoo").config("[plugin.zoo]\nresult_kib = 64").start().await;
    // As JSON it has two quotes more.
    let answer = host.post("/outcomes/large-text", &json!({"bytes": 65_534})).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 65_536));
    for bytes in [65_535, 1_000_000] {
        failed(&host.post("/outcomes/large-text", &json!({ "bytes": bytes })).await);
    }
    host.log.wait_for("`result_kib` sets the limit").await;
}

#[tokio::test]
async fn a_trap_is_a_500_with_its_reason_in_the_log_alone() {
    let host = host().fixture("zoo").start().await;
    let answer = send(host.request("POST", "/outcomes/trap").header("x-request-id", "trap-1")).await;
    failed(&answer);
    let line = host.log.wait_for("trap-1").await;
    assert!(line.contains("outcomes.trap") && line.contains("500"), "{line}");
    assert_eq!(post(&host, "/outcomes/value", json!({})).await, ok(200, "7"));
}

#[tokio::test]
async fn every_status_that_can_occur_is_in_the_document() {
    let host = host().fixture("zoo").start().await;
    let document = host.get("/openapi.json").await.json();
    let statuses = |path: &str, method: &str| {
        let responses = document["paths"][path][method]["responses"].as_object().expect("responses");
        responses.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        statuses("/outcomes/trouble", "post"),
        "204 400 401 402 403 404 408 409 410 412 413 415 422 423 429 500 501 503 504"
    );
    assert_eq!(statuses("/outcomes/refusal", "post"), "200 400 404 406 408 409 413 415 422 500 503 504");
    assert_eq!(statuses("/outcomes/failure", "post"), "200 400 406 408 413 415 422 4XX 500 503 504 5XX");
    assert_eq!(statuses("/things/{id}", "get"), "200 404 406 422 500 503 504");
    assert_eq!(statuses("/things/{id}", "delete"), "200 404 406 422 500 503 504");
    assert_eq!(statuses("/things", "get"), "200 406 500 503 504");
    assert_eq!(statuses("/things", "post"), "201 400 406 408 413 415 422 500 503 504");
    assert_eq!(statuses("/echo/raw", "post"), "200 400 406 408 413 415 500 503 504");
    assert_eq!(statuses("/outcomes/accepted", "post"), "202 406 500 503 504");
    assert_eq!(statuses("/outcomes/nothing", "post"), "204 500 503 504");
}
