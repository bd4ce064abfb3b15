//! The documents: OpenAPI of each plugin and of all of them, and the pages that show them.

use std::{fs, process::Command};

use serde_json::{Value, json};
use witapi_tests::{
    Host,
    cli::{self, Folder},
    dummy_component, host, root, send,
};

const EXAMPLES: [&str; 5] = ["orders", "ticker", "todos", "greeter", "wordcount"];

/// Compares a document with `tests/goldens/<name>.json`, or writes it there if `WITAPI_UPDATE_GOLDENS` is set.
#[track_caller]
fn golden(name: &str, document: &Value) {
    let file = root().join(format!("tests/goldens/{name}.json"));
    let text = format!("{document:#}\n");
    if std::env::var_os("WITAPI_UPDATE_GOLDENS").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("the folder of goldens");
        return fs::write(&file, text).expect("a written golden");
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    let differs = golden.lines().zip(text.lines()).position(|(golden, now)| golden != now);
    if let Some(line) = differs.or((golden != text).then(|| golden.lines().count().min(text.lines().count()))) {
        let around = |text: &str| text.lines().skip(line.saturating_sub(5)).take(11).collect::<Vec<_>>().join("\n");
        panic!(
            "{} differs from line {} on; if that is right, run with WITAPI_UPDATE_GOLDENS=1\n\ngolden:\n{}\n\nnow:\n{}",
            file.display(),
            line + 1,
            around(&golden),
            around(&text)
        );
    }
}

/// The document without the answers that every operation has: those with nothing but a problem of the host.
fn without_host_problems(mut document: Value) -> Value {
    let operations = document["paths"].as_object_mut().expect("paths").values_mut();
    for operation in operations.flat_map(|path| path.as_object_mut().expect("operations").values_mut()) {
        operation["responses"].as_object_mut().expect("responses").retain(|_, response| {
            let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
            !["#/components/schemas/Problem", "#/components/schemas/InvalidRequest"].map(Value::from).contains(schema)
        });
    }
    document
}

#[tokio::test]
async fn the_documents_of_the_examples_are_as_they_were() {
    let host = host().examples().start().await;
    for name in EXAMPLES {
        golden(name, &host.get(&format!("/openapi/{name}.json")).await.json());
    }
}

#[tokio::test]
async fn the_document_of_the_zoo_is_as_it_was() {
    let host = host().fixture("zoo").start().await;
    golden("zoo", &without_host_problems(host.get("/openapi/zoo.json").await.json()));
}

#[tokio::test]
async fn every_document_is_valid_openapi_3_1() {
    let host = host().examples().start().await;
    let folder = Folder::new();
    let zoo = fs::read(witapi_tests::fixture("zoo")).expect("a component");
    let mut files = vec![folder.write("zoo.json", cli::document(&zoo).to_string())];
    for path in ["/openapi.json".to_owned()].into_iter().chain(EXAMPLES.map(|name| format!("/openapi/{name}.json"))) {
        let document = host.get(&path).await;
        assert!(document.json()["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")), "{path}");
        files.push(folder.write(path.trim_start_matches('/'), &document.body));
    }
    let python = root().join("target/tools/venv/bin/python");
    let run = Command::new(python).args(["-m", "openapi_spec_validator"]).args(&files).output();
    let run = run.expect("tools/setup-python installs the validator");
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{said}");
    assert_eq!(said.matches(": OK").count(), files.len(), "{said}");
}

#[tokio::test]
async fn inspect_prints_the_document_that_the_host_serves() {
    let host = host().examples().start().await;
    for name in EXAMPLES {
        let file = witapi_tests::plugin(name);
        let printed = Folder::new().run(["inspect", file.to_str().expect("a path"), "--openapi"]).printed();
        let printed: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(printed, host.get(&format!("/openapi/{name}.json")).await.json(), "{name}");
    }
}

#[tokio::test]
async fn the_document_of_all_holds_each_plugins_operations_under_a_tag_of_its_own() {
    let host = host().examples().start().await;
    let document = host.get("/openapi.json").await.json();
    let names: Vec<_> = document["tags"].as_array().expect("tags").iter().map(|tag| tag["name"].clone()).collect();
    assert_eq!(names, ["greeter", "orders", "ticker", "todos", "wordcount"]);
    assert_eq!(document["paths"]["/orders"]["post"]["tags"], json!(["orders"]));
    assert_eq!(document["paths"]["/todos/{id}"]["patch"]["tags"], json!(["todos"]));
    assert_eq!(
        document["tags"][3]["description"],
        "A to-do list that survives restarts.\n\nThe todos are kept in the host's key-value store."
    );
    let one = host.get("/openapi/orders.json").await.json();
    assert_eq!(one["info"], json!({"title": "orders", "version": "1.0.0"}));
    assert_eq!(one["paths"].as_object().expect("paths").keys().collect::<Vec<_>>().len(), 4);
    assert_eq!(host.get("/openapi/nothing.json").await.status, 404);
    assert_eq!(host.get("/openapi/orders").await.status, 404);
}

#[tokio::test]
async fn a_document_that_is_known_is_not_sent_again() {
    let host = host().plugin("orders").start().await;
    for path in ["/openapi.json", "/openapi/orders.json"] {
        let first = host.get(path).await;
        assert_eq!(first.header("content-type"), "application/json");
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with("W/\"") && etag.ends_with('"') && etag.len() > 4, "{etag}");
        assert_eq!(host.get(path).await.header("etag"), etag);
        for known in
            [etag.clone(), etag.trim_start_matches("W/").to_owned(), format!("\"other\", {etag}"), "*".to_owned()]
        {
            let again = send(host.request("GET", path).header("if-none-match", &known)).await;
            assert_eq!(
                (again.status.as_u16(), again.body.len(), again.header("etag")),
                (304, 0, etag.as_str()),
                "{known}"
            );
        }
        let other = send(host.request("GET", path).header("if-none-match", "\"other\"")).await;
        assert_eq!((other.status.as_u16(), &other.body), (200, &first.body));
    }
    // Another document, another tag.
    let combined = host.get("/openapi.json").await.header("etag").to_owned();
    assert_ne!(combined, host.get("/openapi/orders.json").await.header("etag"));
    fs::copy(witapi_tests::fixture("zoo"), host.file("zoo")).expect("a copied component");
    host.wait_for("zoo", |plugin| plugin["state"] == "serving").await;
    assert_ne!(host.get("/openapi.json").await.header("etag"), combined);
}

/// A host with a plugin for each of these worlds.
async fn with_worlds<const N: usize>(worlds: [(&str, &str); N]) -> Host {
    let folder = Folder::new();
    let components = worlds.map(|(name, wit)| (name, folder.write(&format!("{name}.wasm"), dummy_component(wit))));
    components.into_iter().fold(host(), |host, (name, file)| host.component(name, file)).start().await
}

fn schema_names(document: &Value) -> Vec<String> {
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let own = ["Problem", "InvalidRequest", "Fault"];
    schemas.keys().filter(|name| !own.contains(&name.as_str())).cloned().collect()
}

#[tokio::test]
async fn a_schema_has_its_types_name_and_more_only_where_two_differ() {
    let alike = "record item { a: u8 } enum color { red } get-item: func(id: u8) -> tuple<item, color>;";
    let other = "record item { a: u16 } enum color { red } get-item: func(id: u8) -> tuple<item, color>;";
    let world = |package: &str, interface: &str, items: &str| {
        format!("package {package}; interface {interface} {{ {items} }} world w {{ export {interface}; }}")
    };
    let (one, two) = (world("a:one", "left", alike), world("a:two", "right", alike));
    let host = with_worlds([("one", &one), ("two", &two)]).await;
    assert_eq!(schema_names(&host.get("/openapi.json").await.json()), ["Color", "Item"]);

    let two = world("a:two", "right", other);
    let host = with_worlds([("one", &one), ("two", &two)]).await;
    let document = host.get("/openapi.json").await.json();
    assert_eq!(schema_names(&document), ["Color", "LeftItem", "RightItem"]);
    assert_eq!(document["components"]["schemas"]["RightItem"]["properties"]["a"]["format"], "uint16");
    let item =
        &document["paths"]["/left/{id}/item"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(item["prefixItems"][0]["$ref"], "#/components/schemas/LeftItem");
    // In a document of its own there is no other, so there is no need.
    assert_eq!(schema_names(&host.get("/openapi/two.json").await.json()), ["Color", "Item"]);

    // The same names down to the interface: then the package tells them apart.
    let two = world("a:two", "left", other).replace("get-item", "read-it");
    let host = with_worlds([("one", &one), ("two", &two)]).await;
    let names = schema_names(&host.get("/openapi.json").await.json());
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name == "Color" || name.ends_with("LeftItem")), "{names:?}");
}

#[tokio::test]
async fn no_two_operations_of_all_plugins_have_one_id() {
    let things = "package a:b; interface things { get-thing: func(id: u8) -> u8; } world w { export things; }";
    let other = "package a:b; interface a-b-things { get-thing: func(id: u8) -> u8; } world w { export a-b-things; }";
    let folder = Folder::new();
    let things = folder.write("things.wasm", dummy_component(things));
    let other = folder.write("other.wasm", dummy_component(other));
    let mounts = ["a-b", "a.b", "c"].map(|name| format!("[plugin.{name:?}]\nmount = \"/{name}\"\n")).concat();
    let host = host().component("a-b", &things).component("a.b", &things).component("c", &things);
    let host = host.component("other", &other).config(&mounts).start().await;
    let document = host.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("paths").values();
    let ids: Vec<_> = paths.map(|path| path["get"]["operationId"].as_str().expect("an id").to_owned()).collect();
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!((ids.len(), distinct.len()), (4, 4), "{ids:?}");
}

#[tokio::test]
async fn types_of_one_name_in_every_respect_but_structure_have_names_of_their_own() {
    let world = |ty: &str| {
        format!(
            "package a:one; interface left {{ record item {{ a: {ty} }} get-item: func(id: u8) -> item; }} world w {{ export left; }}"
        )
    };
    let folder = Folder::new();
    let types = ["u8", "u16", "u32", "u64", "s8"];
    let mounts = types.map(|ty| format!("[plugin.{ty}]\nmount = \"/{ty}\"\n")).concat();
    let host = types
        .into_iter()
        .fold(host(), |host, ty| host.component(ty, folder.write(&format!("{ty}.wasm"), dummy_component(&world(ty)))));
    let host = host.config(&mounts).start().await;
    let document = host.get("/openapi.json").await.json();
    assert_eq!(schema_names(&document).len(), types.len());
    for ty in types {
        let value = &document["paths"][format!("/{ty}/left/{{id}}/item")]["get"]["responses"]["200"]["content"]["application/json"]
            ["schema"];
        let name = value["$ref"].as_str().expect("a reference").trim_start_matches("#/components/schemas/");
        let format = &document["components"]["schemas"][name]["properties"]["a"]["format"];
        let wanted = ty.replace('u', "uint").replace('s', "int");
        assert_eq!(format, &wanted, "{name}");
    }
}

#[tokio::test]
async fn a_plugins_type_may_be_called_what_the_hosts_own_are() {
    let wit = "package a:b; interface things { record problem { a: u8 } record fault { b: u8 } variant shape { round(u8), flat }
        record shape-round { c: u8 }
        get-things: func() -> tuple<problem, fault, shape, shape-round>; } world w { export things; }";
    let host = with_worlds([("it", wit)]).await;
    let document = host.get("/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    assert!(schemas["Problem"]["properties"]["title"].is_object() && schemas["Fault"]["properties"]["loc"].is_object());
    let value = &document["paths"]["/things"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    let target = |i: usize| {
        let reference = value["prefixItems"][i]["$ref"].as_str().expect("a reference");
        schemas[reference.trim_start_matches("#/components/schemas/")].clone()
    };
    assert!(target(0)["properties"]["a"].is_object(), "{document:#}");
    assert!(target(1)["properties"]["b"].is_object(), "{document:#}");
    assert_eq!(target(2)["oneOf"].as_array().map(Vec::len), Some(2));
    assert!(target(3)["properties"]["c"].is_object(), "{document:#}");
}

#[tokio::test]
async fn the_pages_of_the_documentation_come_from_the_binary_alone() {
    let host = host().plugin("orders").start().await;
    let index = host.get("/docs/").await;
    assert_eq!(index.status, 200);
    assert!(index.header("content-type").starts_with("text/html"), "{index:?}");
    assert!(index.header("content-security-policy").contains("default-src 'self'"));
    let page = index.text();
    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for link in page.split(attribute).skip(1).map(|rest| rest.split('"').next().expect("a quote")) {
            assert!(!link.contains("//"), "the page refers to {link}");
            let file = host.get(&format!("/docs/{}", link.trim_start_matches("./"))).await;
            assert_eq!(file.status, 200, "{link}");
            loaded += 1;
        }
    }
    assert!(loaded >= 3, "{page}");
    assert!(host.get("/docs/swagger-initializer.js").await.text().contains("/openapi.json"));
    assert_eq!(host.get("/docs/nothing.js").await.status, 404);
    // reqwest follows where it is sent.
    assert_eq!(host.get("/docs").await.body, index.body);
}
