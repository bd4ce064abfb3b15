//! The documents: OpenAPI of each plugin and of all of them, and the pages that show them.

use std::{collections::BTreeMap, fs, process::Command};

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
    let python = root().join("target/tools/judges/venv/bin/python");
    let run = Command::new(python).args(["-m", "openapi_spec_validator"]).args(&files).output();
    let run = run.expect("tools/setup-judges installs the validator");
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
async fn interfaces_have_tags_and_plugins_groups_of_tags() {
    let host = host().examples().start().await;
    let document = host.get("/openapi.json").await.json();
    let names: Vec<_> = document["tags"].as_array().expect("tags").iter().map(|tag| tag["name"].clone()).collect();
    assert_eq!(names, ["greeter: greetings", "orders", "orders: hello", "ticker", "todos", "wordcount: words"]);
    assert_eq!(document["paths"]["/orders"]["post"]["tags"], json!(["orders"]));
    assert_eq!(document["paths"]["/hello"]["get"]["tags"], json!(["orders: hello"]));
    assert_eq!(document["paths"]["/todos/{id}"]["patch"]["tags"], json!(["todos"]));
    let groups = document["x-tagGroups"].as_array().expect("groups");
    assert_eq!(groups.len(), 5);
    assert_eq!(groups[1], json!({"name": "orders", "tags": ["orders", "orders: hello"]}));
    assert_eq!(
        document["tags"][4]["description"],
        "A to-do list that survives restarts.\n\nThe todos are kept in the host's key-value store."
    );
    let one = host.get("/openapi/orders.json").await.json();
    assert_eq!((&one["info"]["title"], &one["info"]["version"]), (&json!("orders"), &json!("1.0.0")));
    let about = one["info"]["description"].as_str().expect("a description");
    assert!(about.starts_with("Orders and what they cost.") && about.ends_with("to measure with."), "{about}");
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
async fn schemas_are_qualified_only_where_two_differ() {
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
    let is_name = |id: &String| id.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    assert!(ids.iter().all(is_name), "{ids:?}");
    // The one that keeps the id has it in the document of its own too.
    assert!(ids.contains(&"a_b_things_get_thing".to_owned()), "{ids:?}");
}

#[tokio::test]
async fn operation_ids_are_equal_in_every_document() {
    let ids = |document: &Value| -> Vec<(String, String)> {
        let paths = document["paths"].as_object().expect("paths").iter();
        let operations =
            paths.flat_map(|(path, item)| item.as_object().expect("operations").iter().map(move |it| (path, it)));
        operations
            .map(|(path, (method, operation))| {
                (format!("{method} {path}"), operation["operationId"].as_str().expect("an id").to_owned())
            })
            .collect()
    };
    let host = host().examples().start().await;
    let mut of_all = ids(&host.get("/openapi.json").await.json());
    let mut of_each = vec![];
    for name in EXAMPLES {
        of_each.extend(ids(&host.get(&format!("/openapi/{name}.json")).await.json()));
    }
    of_all.sort();
    of_each.sort();
    assert_eq!(of_all, of_each);
    assert!(of_all.contains(&("get /todos/{id}".to_owned(), "todos_get_todo".to_owned())), "{of_all:?}");
    // `get-thing` of `things` in `one` beside the same in `two`: neither is called otherwise for the other's sake.
    let things = "package a:b; interface things { get-thing: func(id: u8) -> u8; } world w { export things; }";
    let alone = with_worlds([("one", things)]).await.get("/openapi.json").await.json();
    assert_eq!(ids(&alone), [("get /things/{id}".to_owned(), "one_things_get_thing".to_owned())]);
    let other = things.replace("get-thing:", "get-part:");
    let both = with_worlds([("one", things), ("two", &other)]).await.get("/openapi.json").await.json();
    assert!(ids(&both).contains(&ids(&alone)[0]), "{both:#}");
}

/// All examples of a document beside the schemas that they are of.
fn examples<'d>(value: &'d Value, found: &mut Vec<(&'d Value, &'d Value)>) {
    match value {
        Value::Object(members) => {
            if let Some(schema) = members.get("schema") {
                found.extend(members.get("example").map(|example| (schema, example)));
                let named = members.get("examples").and_then(Value::as_object);
                found.extend(named.into_iter().flat_map(|it| it.values()).map(|example| (schema, &example["value"])));
            }
            if let Some(list) = members.get("examples").and_then(Value::as_array) {
                found.extend(list.iter().map(|example| (value, example)));
            }
            members.iter().filter(|(name, _)| *name != "example").for_each(|(_, member)| examples(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| examples(item, found)),
        _ => {}
    }
}

/// Compares every example of a document with its schema, and says how many there are.
#[track_caller]
pub fn examples_fit(document: &Value) -> usize {
    let mut found = vec![];
    examples(document, &mut found);
    for (schema, example) in &found {
        let mut schema = (*schema).clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        assert!(validator.is_valid(example), "{example} is no example of {schema:#}");
    }
    found.len()
}

#[tokio::test]
async fn every_example_fits_its_schema() {
    let host = host().examples().start().await;
    let of_fixture = |name| cli::document(&fs::read(witapi_tests::fixture(name)).expect("a component"));
    for document in [host.get("/openapi.json").await.json(), of_fixture("zoo"), of_fixture("keywords")] {
        let found = examples_fit(&document);
        assert!(found > 10, "only {found} examples");
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let Some(content) = operation["requestBody"]["content"].get("application/json") else { continue };
                let has_example = content.get("example").or(content.get("examples")).is_some();
                assert!(has_example, "{method} {path} has no example of its body");
            }
        }
    }
}

#[tokio::test]
async fn a_variant_as_body_has_an_example_for_each_case() {
    let zoo = fs::read(witapi_tests::fixture("zoo")).expect("a component");
    let document = cli::document(&zoo);
    let examples = &document["paths"]["/echo/shape"]["post"]["requestBody"]["content"]["application/json"]["examples"];
    let examples = examples.as_object().expect("examples");
    assert_eq!(examples.keys().collect::<Vec<_>>(), ["circle", "label", "nothing", "polygon"]);
    assert_eq!(examples["polygon"]["value"], json!({"tag": "polygon", "val": [{"x": 1, "y": 1}]}));
    assert_eq!(examples["nothing"]["value"], json!({"tag": "nothing"}));
}

#[test]
fn an_authors_tags_replace_those_of_interfaces() {
    let document = cli::document(&fs::read(witapi_tests::fixture("keywords")).expect("a component"));
    let tags = |path: &str, method: &str| document["paths"][path][method]["tags"].clone();
    assert_eq!(tags("/keywords/echo", "post"), json!(["it: Echo", "it: Lines"]));
    assert_eq!(tags("/keywords/pay", "post"), json!(["it: Shop"]));
    let described: Vec<_> =
        document["tags"].as_array().expect("tags").iter().map(|tag| (&tag["name"], &tag["description"])).collect();
    let [echo, lines, shop] =
        ["`Echo` of the plugin `it`.", "`Lines` of the plugin `it`.", "Orders, to be echoed."].map(Value::from);
    let names = ["it: Echo", "it: Lines", "it: Shop"].map(Value::from);
    assert_eq!(described, [(&names[0], &echo), (&names[1], &lines), (&names[2], &shop)]);
    assert_eq!(document["x-tagGroups"], json!([{"name": "it", "tags": names}]));
}

#[tokio::test]
async fn the_operator_describes_the_api_as_a_whole() {
    let settings = r#"
        [openapi]
        title = "Shop"
        description = "Everything *we* sell."
        version = "2026-11"
        servers = ["https://api.example.com/", "/"]
        contact = { name = "Ann", url = "https://example.com/ann", email = "ann@example.com" }
        license = { name = "MIT License", identifier = "MIT" }
        terms_of_service = "https://example.com/terms"
    "#;
    let host = host().plugin("orders").config(settings).start().await;
    let document = host.get("/openapi.json").await.json();
    let contact = json!({"name": "Ann", "url": "https://example.com/ann", "email": "ann@example.com"});
    let license = json!({"name": "MIT License", "identifier": "MIT"});
    assert_eq!(
        document["info"],
        json!({
            "title": "Shop",
            "description": "Everything *we* sell.",
            "termsOfService": "https://example.com/terms",
            "contact": contact,
            "license": license,
            "version": "2026-11",
        })
    );
    assert_eq!(document["servers"], json!([{"url": "https://api.example.com"}, {"url": "/"}]));
    let one = host.get("/openapi/orders.json").await.json();
    let info = &one["info"];
    assert_eq!((&info["title"], &info["version"]), (&json!("orders"), &json!("1.0.0")));
    assert_eq!((&info["contact"], &info["license"], &one["servers"]), (&contact, &license, &document["servers"]));

    let silent = with_worlds([("one", "package a:b; interface i { f: func(); } world w { export i; }")]).await;
    let document = silent.get("/openapi.json").await.json();
    assert_eq!((&document["info"]["title"], &document["servers"]), (&json!("WitAPI"), &json!([{"url": "/"}])));
    assert_eq!((&document["info"]["contact"], &document["info"]["license"]), (&Value::Null, &Value::Null));
    assert_eq!(document["tags"][0], json!({"name": "one: i", "description": "`i` of the plugin `one`."}));
}

/// What a WIT text exports: each interface with its functions.
fn exports(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut resolve = wit_parser::Resolve { all_features: true, ..Default::default() };
    let main = resolve.push_source("downloaded.wit", text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
    let worlds = resolve.packages[main].worlds.values().map(|id| &resolve.worlds[*id]);
    let exported = worlds.flat_map(|world| world.exports.iter()).filter_map(|(key, item)| match item {
        wit_parser::WorldItem::Interface { id, .. } => {
            let functions = resolve.interfaces[*id].functions.keys().cloned().collect();
            Some((resolve.name_world_key(key), functions))
        }
        _ => None,
    });
    exported.collect()
}

#[tokio::test]
async fn the_wit_of_a_plugin_is_there_to_build_against() {
    let plain = "package a:b@1.2.0; interface things { record thing { name: string } get-thing: func(id: u8) -> thing; } \
        world w { export things; }";
    let folder = Folder::new();
    let plain = folder.write("plain.wasm", dummy_component(plain));
    let host = host().plugin("orders").component("plain", &plain).component("a.b", &plain);
    let host = host.config("[plugin.\"a.b\"]\nmount = \"/elsewhere\"").start().await;

    // As its author wrote it, documentation and external ids included.
    let answer = host.get("/openapi/orders.wit").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    let text = answer.text();
    assert!(text.contains("/// Orders and what they cost.") && text.contains("@external-id("), "{text}");
    let exported = exports(&text);
    assert!(exported["example:orders/orders@1.0.0"].contains(&"price-order".to_owned()), "{exported:?}");
    assert_eq!(exported["example:orders/hello@1.0.0"], ["say-hello"]);

    // As the component's own types tell it.
    for name in ["plain", "a.b"] {
        let text = host.get(&format!("/openapi/{name}.wit")).await.text();
        assert_eq!(exports(&text), BTreeMap::from([("a:b/things@1.2.0".to_owned(), vec!["get-thing".to_owned()])]));
    }

    let etag = answer.header("etag");
    let again = send(host.request("GET", "/openapi/orders.wit").header("if-none-match", etag)).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    for unknown in ["/openapi/nothing.wit", "/openapi/orders.txt", "/openapi/wit", "/openapi/.wit"] {
        assert_eq!(host.get(unknown).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn equal_names_of_different_types_are_qualified() {
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
        let expected = ty.replace('u', "uint").replace('s', "int");
        assert_eq!(format, &expected, "{name}");
    }
}

#[tokio::test]
async fn a_plugins_type_may_have_the_name_of_a_hosts() {
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
