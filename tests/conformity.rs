//! Answers are what the document says: each has a response with its status and media type, and fits the schema of it.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use witapi_tests::{Answer, Host, host, send};

/// What is wrong with an answer of that operation, as the document sees it; nothing if all is well.
fn complaint(document: &Value, path: &str, method: &str, answer: &Answer) -> Option<String> {
    let responses = &document["paths"][path][method]["responses"];
    assert!(responses.is_object(), "{method} {path} is not in the document");
    let status = answer.status.as_u16();
    // An exact status goes before a range, as OpenAPI has it.
    let response = [status.to_string(), format!("{}XX", status / 100)].into_iter().find_map(|it| responses.get(it));
    let Some(response) = response else { return Some(format!("the status {status} is not documented")) };
    let content_type = answer.header("content-type");
    let Some(content) = response["content"].as_object() else {
        return (!answer.body.is_empty()).then(|| format!("{status} has a body: {:?}", answer.body));
    };
    let Some(media_type) = content.get(content_type) else {
        return Some(format!("{status} is `{content_type}`, which is not documented"));
    };
    if content_type == "application/octet-stream" {
        return None;
    }
    let mut schema = media_type["schema"].clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let value = answer.json();
    let errors: Vec<_> = validator.iter_errors(&value).map(|it| format!("{it} at {}", it.instance_path())).collect();
    (!errors.is_empty()).then(|| format!("{value} does not fit: {}", errors.join("; ")))
}

/// One request of each kind, with the path as the document has it.
fn requests(host: &Host) -> Vec<(&'static str, &'static str, RequestBuilder)> {
    let get = |template, path: &str| (template, "get", host.request("GET", path));
    let json = |method: &'static str, template, path: &str, body: Value| {
        (template, method, host.request(&method.to_uppercase(), path).json(&body))
    };
    let post = |path: &'static str, body: Value| json("post", path, path, body);
    let text = |path: &'static str, body: &'static str, content_type: &'static str| {
        (path, "post", host.request("POST", path).header("content-type", content_type).body(body))
    };
    let numbers = json!({"u8": 255, "u16": 65535, "u32": 4294967295_u32, "u64": u64::MAX, "s8": -128, "s16": -32768, "s32": i32::MIN, "s64": i64::MIN});
    vec![
        post("/echo/integers", numbers),
        post("/echo/scalars", json!({"bool": true, "f32": f32::MAX, "f64": f64::MAX, "char": "😀", "string": "\0"})),
        post("/echo/scalars", json!({"bool": true, "f32": -1e-45, "f64": f64::MIN, "char": "\"", "string": ""})),
        post("/echo/number", json!({"value": 1})),
        text("/echo/raw", "bytes", "application/octet-stream"),
        post("/echo/blob", json!({"file_name": "a", "content": "AAE="})),
        post("/echo/points", json!([{"x": 1, "y": 2}])),
        post("/echo/triple", json!([1, 2, 3])),
        post("/echo/pair", json!([1, "a", null])),
        post("/echo/pair", json!([1, "a", true])),
        post("/echo/options", json!({})),
        post(
            "/echo/options",
            json!({"plain": 1, "nested": {"some": null}, "thrice": {"some": {"some": null}}, "point": {"x": 1, "y": 2}, "numbers": [1]}),
        ),
        post("/echo/options", json!({"nested": {"some": 1}, "thrice": {"some": {"some": "a"}}})),
        post("/echo/perhaps", json!({})),
        post("/echo/words", json!({"color": "dark-blue", "permissions": ["read", "write"], "state": "off"})),
        post("/echo/shape", json!({"tag": "circle", "val": 1})),
        post("/echo/shape", json!({"tag": "polygon", "val": [{"x": 1, "y": 2}]})),
        post("/echo/shape", json!({"tag": "label"})),
        post("/echo/shape", json!({"tag": "label", "val": "a"})),
        post("/echo/shape", json!({"tag": "nothing"})),
        post(
            "/echo/results",
            json!({"both": {"ok": 1}, "only_ok": {"err": null}, "only_err": {"err": "a"}, "neither": {"ok": null}}),
        ),
        post(
            "/echo/results",
            json!({"both": {"err": "a"}, "only_ok": {"ok": 1}, "only_err": {"ok": null}, "neither": {"err": null}}),
        ),
        post(
            "/echo/maps",
            json!({"by_string": {"a": 1}, "by_number": [[1, "a"]], "by_flag": [[true, "a"]], "by_char": [["a", 1]]}),
        ),
        post("/echo/index", json!({"a": "AAE="})),
        post(
            "/echo/named",
            json!({"name": "a", "names": ["a"], "at": {"x": 1, "y": 2}, "width": 1.5, "way": {"length": 1, "rough": true}}),
        ),
        post("/echo/two", json!({"first_part": 1})),
        get("/things", "/things"),
        get("/things/{id}", "/things/1"),
        get("/things/{id}", "/things/2"),
        get("/things/{id}", "/things/x"),
        json("put", "/things/{id}", "/things/2", json!({"id": 2, "name": "a"})),
        json("delete", "/things/{thing_id}/part/{part_id}", "/things/1/part/a", json!(null)),
        post("/things", json!({"id": 1, "name": "a"})),
        post("/things", json!({"id": -1, "names": ["a"]})),
        text("/things", "{", "application/json"),
        text("/things", "{}", "text/plain"),
        text("/things", "", "application/json"),
        get("/params/scalars", "/params/scalars"),
        get("/params/lists", "/params/lists?numbers=1&colors=red&rights=read"),
        get("/params/optional", "/params/optional"),
        get("/params/path/{text_line}/{color}/{number}", "/params/path/a/red/1"),
        post("/outcomes/nothing", json!({})),
        post("/outcomes/accepted", json!({})),
        post("/outcomes/accepted-silently", json!({})),
        post("/outcomes/bare-result", json!({"ok": true})),
        post("/outcomes/bare-result", json!({"ok": false})),
        post("/outcomes/no-value", json!({"ok": false})),
        post("/outcomes/no-error", json!({"ok": false})),
        post("/outcomes/either", json!({"ok": true})),
        post("/outcomes/either", json!({"ok": false})),
        post("/outcomes/trouble", json!({"kind": "unprocessable"})),
        post("/outcomes/trouble", json!({"kind": "internal"})),
        post("/outcomes/trouble", json!({"kind": "timeout"})),
        post("/outcomes/trouble", json!({"kind": "odd"})),
        post("/outcomes/trouble", json!({"kind": "none"})),
        post("/outcomes/refusal", json!({"tag": "conflict", "val": [1]})),
        post("/outcomes/refusal", json!({"tag": "odd", "val": null})),
        post("/outcomes/failure", json!({"status": 418, "message": "a"})),
        post("/outcomes/failure", json!({"status": 500, "message": "a"})),
        post("/outcomes/failure", json!({"status": 422, "message": "a"})),
        post("/outcomes/failure", json!({"status": 400, "message": "a"})),
        post("/outcomes/failure", json!({"status": 503, "message": "a"})),
        post("/outcomes/failure", json!({"status": 7, "message": "a"})),
        post("/outcomes/note", json!({})),
        get("/outcomes/maybe", "/outcomes/maybe?some=true&ok=true"),
        get("/outcomes/maybe", "/outcomes/maybe?some=false&ok=true"),
        get("/outcomes/maybe", "/outcomes/maybe?some=false&ok=false"),
        post("/outcomes/posted-option", json!({"some": false})),
        get("/outcomes/nested", "/outcomes/nested?depth=1"),
        get("/outcomes/nested", "/outcomes/nested?depth=2"),
        post("/outcomes/samples", json!({"at": 9, "what": ""})),
        post("/outcomes/single", json!({"what": "infinite"})),
        post("/outcomes/large", json!({"bytes": 10})),
        post("/outcomes/trap", json!({})),
        get("/zoo/{animal_name}/name", "/zoo/elk/name"),
        get("/weather", "/weather"),
    ]
}

#[tokio::test]
async fn every_response_is_one_that_the_document_announces() {
    let host = host().fixture("zoo").start().await;
    let document = host.get("/openapi.json").await.json();
    let mut complaints = vec![];
    for (path, method, request) in requests(&host) {
        let shown = format!("{request:?}");
        let answer = send(request).await;
        if let Some(complaint) = complaint(&document, path, method, &answer) {
            complaints.push(format!("{method} {path}: {complaint}\n    {shown}"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[tokio::test]
async fn too_large_a_response_is_announced() {
    let host = host().fixture("zoo").config("[plugin.zoo]\nbody_kib = 1").start().await;
    let document = host.get("/openapi.json").await.json();
    let answer = host.post("/echo/text", &json!({"value": "x".repeat(2_000)})).await;
    assert_eq!(answer.status, 413);
    assert_eq!(complaint(&document, "/echo/text", "post", &answer), None);
}
