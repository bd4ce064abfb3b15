//! What plugins may import, and what they are told if they may not.

use std::fs;

use serde_json::{Value, json};
use witapi_tests::{Host, dummy_component, fixture, host, send};

async fn failure(host: &Host, name: &str) -> String {
    let status = host.status(name).await;
    assert_eq!(status["state"], "failed", "{status:#}");
    assert_eq!(status["routes"], Value::Null);
    let reason = status["failure"]["reason"].as_str().expect("a reason").to_owned();
    let log = host.log.wait_for(&format!("{name}.wasm")).await;
    assert!(log.contains("ERROR"), "{log}");
    reason
}

#[tokio::test]
async fn an_ungranted_import_is_rejected_with_the_grant() {
    let host = host().fixture("kv").fixture("facts").start().await;
    let reason = failure(&host, "kv").await;
    for import in ["store", "atomics"] {
        let line = format!(
            "import `wasi:keyvalue/{import}@0.2.0-draft` is not granted; to grant it, write \
             `grants = [\"wasi:keyvalue\"]` under `[plugin.kv]` in witapi.toml"
        );
        assert!(reason.contains(&line), "{reason}");
    }
    assert!(failure(&host, "facts").await.contains(
        "import `witapi:host/request@0.1.0` is not granted; to grant it, write `grants = [\"witapi:host\"]` under `[plugin.facts]`"
    ));
    assert_eq!(host.get("/entries").await.status, 404);
    assert_eq!(host.get("/facts/x").await.status, 404);
}

#[tokio::test]
async fn the_line_that_the_refusal_names_grants_it() {
    let refused = host().component("my.kv", fixture("kv")).start().await;
    let reason = failure(&refused, "my.kv").await;
    let line = |after: &str| {
        let rest = &reason[reason.find(after).expect(after) + after.len()..];
        rest[..rest.find('`').expect("its end")].to_owned()
    };
    let config = format!("{}\n{}", line("under `"), line("write `"));
    assert_eq!(config, "[plugin.\"my.kv\"]\ngrants = [\"wasi:keyvalue\"]");
    let host = host().component("my.kv", fixture("kv")).config(&config).start().await;
    let status = host.status("my.kv").await;
    assert_eq!((&status["state"], &status["grants"]), (&json!("serving"), &json!(["wasi:keyvalue"])), "{status:#}");
    assert_eq!(host.get("/entries").await.status, 200);
}

#[tokio::test]
async fn interfaces_can_be_granted_one_by_one_and_to_all() {
    let config = "grants = ['wasi:keyvalue/store', 'witapi:host/request']\n[plugin.both]\nmount = '/both'\ngrants = ['wasi:keyvalue/atomics']";
    let host = host().fixture("kv").component("both", fixture("kv")).fixture("facts").config(config).start().await;
    let reason = failure(&host, "kv").await;
    assert!(reason.contains("wasi:keyvalue/atomics") && !reason.contains("wasi:keyvalue/store"), "{reason}");
    assert_eq!(host.put("/both/entries/a", &json!({"value": "b"})).await.status, 204);
    assert_eq!(host.get("/facts/host").await.status, 200);
}

#[tokio::test]
async fn an_unknown_import_is_rejected_whatever_is_granted() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("unknown.wasm");
    let wit = "package a:b; interface other { f: func(); } interface api { get-x: func() -> u32; }
               world w { import other; export api; }";
    fs::write(&file, dummy_component(wit)).expect("a component");
    let host = host().component("unknown", &file).config("[plugin.unknown]\ngrants = ['a:b']").start().await;
    // Granted, it passes the check of grants, and then nothing is there to link.
    let reason = failure(&host, "unknown").await;
    assert!(reason.contains("a:b/other"), "{reason}");
    drop(host);
    let host = witapi_tests::host().component("unknown", &file).start().await;
    let reason = failure(&host, "unknown").await;
    assert!(reason.contains("import `a:b/other` is not provided by this host"), "{reason}");
    assert!(reason.contains("wasi:keyvalue/store"), "{reason}");
}

#[tokio::test]
async fn a_plugin_learns_the_facts_of_its_request() {
    let config = "[plugin.facts]\ngrants = ['witapi:host']\nmount = '/shop/v1'";
    let host = host().fixture("facts").config(config).start().await;
    let request = host
        .request("GET", "/shop/v1/facts/X-Thing?q=%C3%A4&q=")
        .header("x-request-id", "an-id")
        .header("x-thing", "one")
        .header("x-bytes", reqwest::header::HeaderValue::from_bytes(b"a\xffb").expect("a header"));
    let answer = send(request).await;
    // Only that it is given as it came, so the query may be one that does not bind.
    assert_eq!(answer.status, 422, "{answer:?}");
    let request = host
        .request("POST", "/shop/v1/facts/X-Thing?q=%C3%A4")
        .header("x-request-id", "an-id")
        .header("x-thing", "one")
        .header("x-thing", "two")
        .header("x-bytes", reqwest::header::HeaderValue::from_bytes(b"a\xffb").expect("a header"));
    let answer = send(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let facts = answer.json();
    assert_eq!(facts["id"], "an-id");
    assert_eq!(answer.header("x-request-id"), "an-id");
    assert_eq!(facts["method"], "POST");
    assert_eq!(facts["route"], "/shop/v1/facts/{name}");
    assert_eq!(facts["target"], "/shop/v1/facts/X-Thing?q=%C3%A4");
    assert_eq!(facts["header"], "one");
    let headers = facts["headers"].as_array().expect("headers");
    for expected in [json!(["x-thing", "one"]), json!(["x-thing", "two"]), json!(["x-bytes", "a\u{fffd}b"])] {
        assert!(headers.contains(&expected), "no {expected} in {headers:?}");
    }
    let peer: std::net::SocketAddr = facts["peer"].as_str().expect("a peer").parse().expect("an address");
    assert!(peer.ip().is_loopback() && peer.port() != host.address.port());
}

#[tokio::test]
async fn without_a_clients_id_the_plugin_gets_the_hosts() {
    let host = host().fixture("facts").config("[plugin.facts]\ngrants = ['witapi:host']").start().await;
    let answer = host.get("/facts/absent").await;
    assert_eq!(answer.json()["id"], answer.header("x-request-id"));
    assert_eq!(answer.json()["header"], Value::Null);
    assert_eq!(answer.json()["method"], "GET");
    // A name that is none of a header.
    assert_eq!(host.get("/facts/%20%0A").await.json()["header"], Value::Null);
}
