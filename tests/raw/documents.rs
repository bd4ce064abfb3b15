//! What the documents say of handlers: their mount, or what they say of themselves.

use std::{fs, process::Command};

use serde_json::{Value, json};
use witapi_tests::{
    Host,
    cli::{Folder, document, inspected},
    fixture, host, root, with_section,
};

use super::handlers;

const OWN: &str = include_str!("../fixtures/raw/src/openapi.json");

/// What is changed in [`OWN`].
type Change = fn(&mut Value);

fn raw() -> Vec<u8> {
    fs::read(fixture("raw")).expect("the fixture")
}

/// Method, path and id of each operation.
fn operations(document: &Value) -> Vec<String> {
    let mut operations = vec![];
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in
            item.as_object().expect("an object").iter().filter(|(_, it)| it.get("responses").is_some())
        {
            operations.push(format!("{method} {path} {}", operation["operationId"].as_str().expect("an id")));
        }
    }
    operations
}

/// What the operator reads at `/_witapi/plugins` of the document.
async fn warnings(host: &Host, name: &str) -> String {
    host.status(name).await["warnings"].as_array().expect("warnings").iter().map(Value::to_string).collect()
}

#[track_caller]
fn is_valid(document: &Value) {
    let folder = Folder::new();
    let file = folder.write("openapi.json", document.to_string());
    let python = root().join("target/tools/judges/venv/bin/python");
    let run = Command::new(python).args(["-m", "openapi_spec_validator"]).arg(file).output().expect("the validator");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

#[tokio::test]
async fn a_mount_is_documented_without_a_document() {
    let host = handlers().start().await;
    let document = host.get("/openapi.json").await.json();
    is_valid(&document);
    assert_eq!(
        operations(&document),
        ["get /greetings/{id} raw3_greetings_get_greeting", "get /raw raw_mount", "get /raw3 raw3_mount"]
    );
    let mount = json!({ "prefix": "/raw", "export": "wasi:http/incoming-handler@0.2.3" });
    assert_eq!(document["paths"]["/raw"]["x-witapi-mount"], mount);
    let groups = json!([{ "name": "raw", "tags": ["raw"] }, { "name": "raw3", "tags": ["raw3: greetings", "raw3"] }]);
    assert_eq!(document["x-tagGroups"], groups);
    assert_eq!(operations(&host.get("/openapi/raw.json").await.json()), ["get /raw raw_mount"]);
}

#[tokio::test]
async fn a_document_that_the_handler_serves_is_merged() {
    let config =
        "[plugin.raw]\nopenapi = \"/openapi.json\"\n[plugin.b]\nmount = \"/b/c\"\nopenapi = \"/openapi.json?x\"";
    let host = host().fixture("raw").component("b", fixture("raw")).config(config).start().await;
    assert!(host.status("raw").await["raw"]["has_document"].as_bool().expect("a word"));
    let document = host.get("/openapi.json").await.json();
    is_valid(&document);
    assert_eq!(
        operations(&document),
        [
            "get /b/c/entries/{id} b_get_entry",
            "post /b/c/entries b_post_b_c_entries",
            "get /raw/entries/{id} raw_get_entry",
            "post /raw/entries raw_post_raw_entries",
        ]
    );
    // Names of components are told apart, wherever they are used.
    let entry = &document["paths"]["/raw/entries/{id}"]["get"];
    let schema = json!({ "$ref": "#/components/schemas/RawEntry" });
    assert_eq!(entry["responses"]["200"]["content"]["application/json"]["schema"], schema);
    assert_eq!(document["components"]["schemas"]["RawEntry"]["properties"]["parent"], schema);
    assert_eq!(entry["security"], json!([{ "RawKey": [] }]));
    assert_eq!(document["paths"]["/raw/entries"]["post"]["security"], json!([]));
    assert_eq!(document["security"], json!([]));
    assert_eq!(document["components"]["securitySchemes"]["BKey"]["name"], "x-key");
    assert_eq!(
        (&entry["tags"], &document["paths"]["/raw/entries"]["post"]["tags"]),
        (&json!(["raw: entries"]), &json!(["raw"]))
    );
    let tags = document["tags"].as_array().expect("tags");
    let text = |name: &str| tags.iter().find(|tag| tag["name"] == name).map(|tag| tag["description"].clone());
    assert_eq!(text("raw: entries"), Some(json!("What guests wrote.")));
    assert_eq!(text("raw"), Some(json!("A guest book, told by the handler itself.")));
    // The page shows them.
    assert_eq!(operations(&host.get("/openapi/b.json").await.json()).len(), 2);
}

#[tokio::test]
async fn what_is_no_document_is_a_warning() {
    for (path, why) in [
        ("/status?404", "expected status 200, found 404"),
        ("/plain", "expected OpenAPI 3.1 as JSON"),
        ("/trap", "expected a response, found none"),
        ("/large.json", "cannot read the body: length limit exceeded"),
        ("/trap-in-body", "the response ended early"),
        ("/wait?60000", "expected a response within 500ms, found none"),
    ] {
        let deadline = if path.starts_with("/wait") { 500 } else { 60_000 };
        let config = format!("[plugin.raw]\nopenapi = \"{path}\"\ndeadline_ms = {deadline}");
        let host = host().fixture("raw").config(&config).start().await;
        let warnings = warnings(&host, "raw").await;
        assert!(warnings.contains(&format!("the OpenAPI document at `{path}`: {why}")), "{warnings}");
        host.log.wait_for("it is not shown").await;
        assert_eq!(operations(&host.get("/openapi.json").await.json()), ["get /raw raw_mount"]);
        assert_eq!(host.get("/raw").await.status, 200);
    }
}

#[tokio::test]
async fn an_operation_keeps_its_path_from_a_handler() {
    let own = json!({
        "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
        "paths": {
            "/todos/{other}": { "get": { "responses": {} } },
            "/b/x": { "get": { "responses": {} } },
            "/any": { "get": { "responses": { "200": { "description": "x", "content": { "a/b": { "schema": {} } } } } } },
            "/todos": { "trace": { "operationId": "todos_list", "responses": {} } },
        },
    });
    let folder = Folder::new();
    let file = folder.write("all.wasm", with_section(&raw(), "witapi:openapi", &own.to_string()));
    let config =
        "[plugin.all]\nmount = \"/\"\n[plugin.raw]\nmount = \"/b\"\n[plugin.todos]\ngrants = [\"wasi:keyvalue\"]";
    let host = host().component("all", file).fixture("raw").plugin("todos").config(config).start().await;
    let document = host.get("/openapi.json").await.json();
    is_valid(&document);
    let operations = operations(&document);
    assert!(operations.contains(&"get /todos/{id} todos_get_todo".to_owned()), "{operations:?}");
    assert!(operations.contains(&"get /any all_get_any".to_owned()), "{operations:?}");
    assert!(!operations.iter().any(|it| it.contains("other") || it.contains("/b/x") || it.starts_with("trace")));
}

#[test]
fn a_document_that_a_component_embeds_is_merged() {
    let embedding = |own: &str| with_section(&raw(), "witapi:openapi", own);
    let document = document(&embedding(OWN));
    is_valid(&document);
    assert_eq!(operations(&document), ["get /it/entries/{id} it_get_entry", "post /it/entries it_post_it_entries"]);
    // Of several, the component's own counts before those of what is in it, and it is still the same contract.
    assert_eq!(inspected(&embedding(OWN))["raw"]["has_document"], true);

    let with = |change: Change| {
        let mut own: Value = serde_json::from_str(OWN).expect("JSON");
        change(&mut own);
        inspected(&embedding(&own.to_string()))
    };
    let cases: [(Change, &str); 10] = [
        (|own| own["openapi"] = "3.0.3".into(), "expected OpenAPI 3.1, found the version \\\"3.0.3\\\""),
        (|own| *own = json!([1]), "found the version null"),
        (|own| own["paths"] = json!(3), "expected an object at `paths`, found something else"),
        (|own| own["paths"]["/entries"] = json!([]), "expected an object at `paths./entries`, found something else"),
        (
            |own| own["paths"]["/entries"]["post"]["tags"] = json!([1]),
            "expected a string at `paths./entries.post.tags`",
        ),
        (|own| own["components"]["schemas"]["Entry"] = json!(1), "expected an object at `components.schemas.Entry`"),
        (|own| own["paths"]["entries"] = json!({}), "found `entries`"),
        (|own| own["components"]["schemas"]["ä b"] = json!({}), "found `ä b`"),
        (
            |own| own["components"]["schemas"]["Entry"] = json!({ "$ref": "https://example.com/x" }),
            "found `https://example.com/x`",
        ),
        (
            |own| own["components"]["schemas"]["Entry"] = json!({ "$ref": "#/components/schemas/None" }),
            "found `#/components/schemas/None`",
        ),
    ];
    for (change, why) in cases {
        let contract = with(change);
        assert_eq!(contract["raw"]["has_document"], false, "{why}");
        assert!(contract["warnings"].to_string().contains(why), "{why}: {}", contract["warnings"]);
    }
    let contract = inspected(&embedding("{"));
    assert!(
        contract["warnings"].to_string().contains("the section `witapi:openapi`: expected an OpenAPI document as JSON"),
        "{contract}"
    );
    let typed = with_section(&fs::read(fixture("facts")).expect("the fixture"), "witapi:openapi", OWN);
    assert!(inspected(&typed)["warnings"].to_string().contains("without a raw HTTP handler"));
}
