//! Streams and futures over HTTP: as results, as parameters, and both at once.

mod arrival;
mod breaks;
mod flow;
mod requests;
pub mod wire;

use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use witapi_tests::{Answer, Host, host, send};

const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";
const BYTES: &str = "application/octet-stream";

/// The values of an answer that has one a line.
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.header("content-type"), NDJSON, "{answer:?}");
    let text = answer.text();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"))).collect()
}

async fn get_accepting(host: &Host, path: &str, accept: &str) -> Answer {
    send(host.request("GET", path).header(ACCEPT, accept)).await
}

#[tokio::test]
async fn items_are_json_one_a_line() {
    let host = host().fixture("streams").start().await;
    let answer = host.get("/items?count=200").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    let items = lines(&answer);
    assert_eq!(
        items.iter().map(|item| item["seq"].as_u64().expect("a number")).collect::<Vec<_>>(),
        (0..200).collect::<Vec<_>>()
    );
    let first = json!({
        "seq": 0, "name": "item 0 \"é\"", "note": "even", "size": {"tag": "unknown"}, "tags": [], "blob": "",
        "color": "red", "marks": ["new", "sold"], "parent": {"err": "none"},
    });
    let sixth = json!({
        "seq": 5, "name": "item 5 \"é\"", "note": null, "size": {"tag": "grams", "val": 5}, "tags": ["tag 0", "tag 1"],
        "blob": "", "color": "green", "marks": [], "parent": {"ok": 5},
    });
    assert_eq!((&items[0], &items[5]), (&first, &sixth));
    assert_eq!(items[6]["size"], json!({"tag": "sides", "val": [0.5, 6.0]}));
    assert_eq!(items[7]["size"], json!({"tag": "named", "val": "large"}));
    assert_eq!(items[7]["blob"], "Bwc=");

    let numbers = lines(&host.get("/numbers?count=5000").await);
    assert_eq!(numbers, (0..5000).map(Value::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_prefers_events_gets_events() {
    let host = host().fixture("streams").start().await;
    let answer = get_accepting(&host, "/numbers?count=2", EVENTS).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, EVENTS));
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.text(), "data: 0\n\ndata: 1\n\n");

    for (accept, expected) in [
        ("*/*", NDJSON),
        ("application/x-ndjson, text/event-stream;q=0.9", NDJSON),
        ("application/x-ndjson;q=0.5, text/event-stream", EVENTS),
        ("text/*", EVENTS),
    ] {
        let answer = get_accepting(&host, "/numbers?count=1", accept).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, expected), "{accept}");
    }
    for path in ["/numbers?count=1", "/bytes?count=1&chunk=1"] {
        let answer = get_accepting(&host, path, "application/json").await;
        assert_eq!(answer.status, 406);
        assert_eq!(answer.json()["type"], "/problems/not-acceptable");
    }
}

#[tokio::test]
async fn bytes_are_sent_as_they_are() {
    let host = host().fixture("streams").start().await;
    let answer = host.get("/bytes?count=1000003&chunk=70000").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, BYTES));
    assert_eq!(answer.body.len(), 1_000_003);
    assert_eq!(host.get("/bytes?count=7&chunk=1").await.body, vec![0; 7]);
}

#[tokio::test]
async fn a_stream_without_items_has_an_end() {
    let host = host().fixture("streams").start().await;
    for (path, accept) in [("/numbers?count=0", NDJSON), ("/items?count=0", EVENTS), ("/bytes?count=0&chunk=1", BYTES)]
    {
        let answer = get_accepting(&host, path, accept).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, accept));
        assert!(answer.body.is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn head_has_the_headers_and_nothing_else() {
    let host = host().fixture("streams").config("[scheduler]\ninstances = 1\nqueue = 0").start().await;
    for _ in 0..3 {
        let answer = send(host.request("HEAD", "/silent")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, NDJSON));
    }
}

#[tokio::test]
async fn only_the_outermost_result_decides_on_the_status() {
    let host = host().fixture("streams").start().await;
    let failed = host.get("/maybe?fail=true").await;
    assert_eq!((failed.status.as_u16(), &failed.json()["error"]), (400, &json!("green")));
    // What an item is says nothing of the answer: `none` is null, and an `err` is a value.
    assert_eq!(lines(&host.get("/maybe?fail=false").await), [json!(0), json!(null), json!(2)]);
    assert_eq!(lines(&host.get("/results").await), [json!({"ok": 7}), json!({"err": "no"})]);
}

#[tokio::test]
async fn a_future_is_waited_for() {
    let host = host().fixture("streams").start().await;
    let answer = host.get("/later").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json()["name"], "item 6 \"é\"");

    assert_eq!(host.get("/later/1").await.json(), "one");
    let none = host.get("/later/2").await;
    assert_eq!((none.status.as_u16(), &none.json()["type"]), (404, &json!("/problems/none-found")));
    for path in ["/later/result", "/later/ok"] {
        assert_eq!(host.get(&format!("{path}?fail=false")).await.json(), "fine");
        let failed = host.get(&format!("{path}?fail=true")).await;
        assert_eq!((failed.status.as_u16(), &failed.json()["error"]), (400, &json!("red")), "{path}");
    }
}

#[tokio::test]
async fn a_future_parameter_is_read_like_any_other() {
    let host = host().fixture("streams").start().await;
    let items = lines(&host.get("/items?count=8").await);
    for item in &items {
        assert_eq!(host.put("/wait", &json!({"item": item})).await.json(), json!([item]));
        assert_eq!(host.put("/wait", &json!({"item": item, "twice": true})).await.json(), json!([item, item]));
    }
    let answer = host.put("/wait", &json!({"item": {"seq": -1}, "twice": 1})).await;
    assert!(answer.faults().contains(&"body.item.seq minimum".to_owned()), "{answer:?}");
    assert!(answer.faults().contains(&"body.twice type".to_owned()), "{answer:?}");
}

#[tokio::test]
async fn each_item_is_bounded_and_not_their_sum() {
    let host = host().fixture("streams").config("[limits]\nresult_kib = 1").start().await;
    let answer = host.get("/strings?count=3000&length=1000").await;
    assert_eq!(answer.body.len(), 3000 * 1003);
    assert!(host.request("GET", "/strings?count=1&length=1100").send().await.expect("a head").bytes().await.is_err());
    host.log.wait_for("larger than 1024 bytes").await;
}

#[tokio::test]
async fn the_document_has_the_schema_of_an_item() {
    let host = host().fixture("streams").start().await;
    let document = host.get("/openapi.json").await.json();
    let content = |path: &str, method: &str| document["paths"][path][method]["responses"]["200"]["content"].clone();
    let item = json!({"schema": {"$ref": "#/components/schemas/Item"}});
    assert_eq!(content("/items", "get"), json!({NDJSON: item, EVENTS: item}));
    assert_eq!(content("/bytes", "get")[BYTES]["schema"]["type"], "string");
    assert_eq!(content("/later", "get")["application/json"]["schema"], item["schema"]);
    let body = |path: &str, method: &str| document["paths"][path][method]["requestBody"]["content"].clone();
    assert_eq!(body("/echo/items", "post"), json!({NDJSON: item, "application/jsonl": item}));
    assert_eq!(body("/bytes", "post").as_object().expect("types").keys().collect::<Vec<_>>(), [BYTES]);
    assert!(document["paths"]["/items"]["get"]["responses"]["406"].is_object());
}
