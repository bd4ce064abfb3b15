//! The documents before judges that nobody here wrote: two linters, schemathesis, and two generators of clients, whose clients
//! are type-checked and call every operation of the examples. `tools/setup-judges` installs them; `tests/judges` has what they need.
//! The third linter, openapi-spec-validator, is in `documents`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::process::Command;
use witapi_tests::{Host, cli::Folder, host, root};

/// How long a judge may take, on a machine that is busy with others.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a document of an operator who filled in everything says of the API.
const OPERATOR: &str = r#"
[openapi]
title = "Shop"
description = "What the examples do."
version = "1.0.0"
servers = ["https://api.shop.test"]
contact = { name = "Ann", url = "https://example.com/ann", email = "ann@example.com" }
license = { name = "MIT License", identifier = "MIT" }
terms_of_service = "https://example.com/terms"
"#;

/// A file below `target/tools/judges`.
fn tool(path: &str) -> PathBuf {
    let path = root().join("target/tools/judges").join(path);
    assert!(path.exists(), "{} is not there: run tools/setup-judges", path.display());
    path
}

/// A command that reports to nobody and reaches nothing but this machine.
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .env("NO_COLOR", "1")
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    // Nobody listens there.
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(proxy, "http://127.0.0.1:9");
    }
    command
}

async fn output(command: &mut Command) -> Output {
    tokio::time::timeout(4 * PATIENCE, command.output()).await.expect("a judge that is done in time").expect("a judge")
}

/// What it printed, if all is well with it.
#[track_caller]
fn printed(run: Output) -> String {
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{}\n{text}\n{}", run.status, String::from_utf8_lossy(&run.stderr));
    text
}

fn node(script: &str) -> Command {
    let mut command = command("node");
    command.arg(tool("node_modules").join(script));
    command
}

/// The documents of all examples: that of an operator who says nothing, and that of one who says everything. Then one of every type
/// and keyword.
async fn documents() -> [String; 3] {
    let (silent, eloquent) = (host().examples().start().await, host().examples().config(OPERATOR).start().await);
    let all_types = host().fixture("zoo").fixture("keywords").config(OPERATOR).start().await;
    [
        silent.get("/openapi.json").await.text(),
        eloquent.get("/openapi.json").await.text(),
        all_types.get("/openapi.json").await.text(),
    ]
}

/// Compares the rules that found something with those of which it is known why.
#[track_caller]
fn settle(found: &[(String, String)], explained: &[&str]) {
    let unexplained: Vec<_> = found.iter().filter(|(rule, _)| !explained.contains(&rule.as_str())).collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    let occurs = |rule: &&&str| found.iter().any(|(found, _)| found == *rule);
    let obsolete: Vec<_> = explained.iter().filter(|rule| !occurs(rule)).collect();
    assert!(obsolete.is_empty(), "these explain nothing any more: {obsolete:?}");
}

async fn redocly(document: &str) -> Vec<(String, String)> {
    let folder = Folder::new();
    let file = folder.write("openapi.json", document);
    let run = output(
        node("@redocly/cli/bin/cli.js")
            .args(["lint", "--extends", "recommended", "--format", "json", "--max-problems", "1000"])
            .arg(&file)
            .current_dir(folder.path("")),
    )
    .await;
    let report: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let problem = |it: &Value| (text(&it["ruleId"]), format!("{} at {}", it["message"], it["location"][0]["pointer"]));
    report["problems"].as_array().expect("problems").iter().map(problem).collect()
}

async fn spectral(document: &str) -> Vec<(String, String)> {
    let folder = Folder::new();
    let rules = folder.write("rules.yaml", "extends: [\"spectral:oas\"]\n");
    let file = folder.write("openapi.json", document);
    let run = output(
        node("@stoplight/spectral-cli/dist/index.js")
            .args(["lint", "--format", "json", "--quiet", "--fail-severity", "hint", "--ruleset"])
            .args([&rules, &file]),
    )
    .await;
    let report: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let problem = |it: &Value| (text(&it["code"]), format!("{} at {}", it["message"], it["path"]));
    report.as_array().expect("problems").iter().map(problem).collect()
}

#[tokio::test]
async fn redocly_finds_nothing_but_what_is_explained() {
    let [silent, eloquent, all_types] = documents().await;
    settle(&redocly(&eloquent).await, &[]);
    // `operation-4xx-response` wants an answer for a request that is wrong. Nothing can be wrong with one for an operation without
    // parameters, body and value.
    settle(&redocly(&all_types).await, &["operation-4xx-response"]);
    // `info-license`: which license an API has, only its operator knows.
    settle(&redocly(&silent).await, &["info-license"]);
}

#[tokio::test]
async fn spectral_finds_nothing_but_what_is_explained() {
    let [silent, eloquent, all_types] = documents().await;
    settle(&spectral(&eloquent).await, &[]);
    settle(&spectral(&all_types).await, &[]);
    // `info-contact`: whom to ask, only the operator knows.
    settle(&spectral(&silent).await, &["info-contact"]);
}

/// A linter that finds nothing may also not have looked.
#[tokio::test]
async fn the_linters_find_what_is_wrong() {
    let [_, eloquent, _] = documents().await;
    let broken = eloquent
        .replace("orders_price_order", "todos_get_todo")
        .replace("\"example\":{\"title\":", "\"example\":{\"name\":");
    assert_ne!(broken, eloquent);
    let rules = |found: Vec<(String, String)>| found.into_iter().map(|(rule, _)| rule).collect::<BTreeSet<_>>();
    let (redocly, spectral) = (rules(redocly(&broken).await), rules(spectral(&broken).await));
    for rule in ["operation-operationId-unique", "no-invalid-media-type-examples"] {
        assert!(redocly.contains(rule), "{redocly:?}");
    }
    for rule in ["operation-operationId-unique", "oas3-valid-media-example"] {
        assert!(spectral.contains(rule), "{spectral:?}");
    }
}

/// The operations of a document: method and path pattern, and the id.
fn operations(document: &Value) -> BTreeMap<(String, String), String> {
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            operations.insert((method.to_uppercase(), path.clone()), id);
        }
    }
    operations
}

#[tokio::test]
async fn schemathesis_finds_no_undocumented_response() {
    let host = host().examples().start().await;
    let expected = operations(&host.get("/openapi.json").await.json()).len();
    // From the repository's root, as people run it: `schemathesis.toml` is found there.
    let run = output(
        command(tool("venv/bin/schemathesis"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg("run")
            .arg(host.url("/openapi.json"))
            .args(["--checks", "all"])
            .current_dir(root()),
    )
    .await;
    let report = printed(run);
    assert!(report.contains(&format!("Selected: {expected}/{expected}\n  Tested: {expected}\n")), "{report}");
    assert!(report.contains("Stateful") && !report.contains("WARNINGS"), "{report}");
    println!("{}", &report[report.find("SUMMARY").unwrap_or_default()..]);
}

/// Which of the operations a request with that method and path was for. A literal segment wins over a parameter.
fn operation_of<'d>(
    operations: &'d BTreeMap<(String, String), String>,
    method: &str,
    path: &str,
) -> Option<&'d (String, String)> {
    let literals = |pattern: &str| {
        let mut pairs = pattern.split('/').zip(path.split('/'));
        let fits = pattern.split('/').count() == path.split('/').count()
            && pairs.all(|(expected, found)| expected == found || (expected.starts_with('{') && !found.is_empty()));
        fits.then(|| pattern.split('/').filter(|segment| !segment.starts_with('{')).count())
    };
    let fitting = operations.keys().filter(|(known, _)| known == method);
    fitting.filter_map(|known| Some((literals(&known.1)?, known))).max().map(|(_, known)| known)
}

/// Compares the calls that a client printed, as `GET /todos/1 200` each, with the operations of the document.
#[track_caller]
fn compare_calls(client: &str, printed: &str, document: &Value) {
    let operations = operations(document);
    let mut statuses: BTreeMap<&(String, String), BTreeSet<&str>> = BTreeMap::new();
    for line in printed.lines() {
        let [method, path, status] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("no call: {line}") };
        let operation = operation_of(&operations, method, path).unwrap_or_else(|| panic!("no operation for {line}"));
        statuses.entry(operation).or_default().insert(status);
    }
    println!("{client}: {} operations called, {} in the document", statuses.len(), operations.len());
    for (operation @ (method, path), id) in &operations {
        let statuses: Vec<_> = statuses.get(operation).into_iter().flatten().copied().collect();
        println!("  {id:34} {method:6} {path:24} {}", statuses.join(" "));
    }
    let succeeds = |key: &&(String, String)| {
        statuses.get(key).is_some_and(|statuses| statuses.iter().any(|status| status.starts_with('2')))
    };
    let never: Vec<_> = operations.keys().filter(|key| !succeeds(key)).collect();
    assert!(never.is_empty(), "never called with success: {never:?}; add a call in tests/judges/{client}");
}

/// A host with all examples, and a folder with its document and the program that calls it.
async fn with_program(name: &str) -> (Host, Value, Folder) {
    let host = host().examples().start().await;
    let document = host.get("/openapi.json").await;
    let folder = Folder::new();
    folder.write("document.json", &document.body);
    copy_files(&root().join("tests/judges").join(name), &folder.path(""));
    (host, document.json(), folder)
}

fn copy_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).expect("a folder").map(|file| file.expect("a file")) {
        fs::copy(file.path(), to.join(file.file_name())).expect("a copied file");
    }
}

/// Makes `schema.d.ts` of `document.json`. Unless it is told otherwise, it takes a member with a default for one that is always
/// there, which is true of an answer, but not of a request.
fn openapi_typescript() -> Command {
    let mut generate = node("openapi-typescript/bin/cli.js");
    generate.args(["document.json", "-o", "schema.d.ts", "--default-non-nullable", "false"]);
    generate
}

#[tokio::test]
async fn a_generated_typescript_client_calls_everything() {
    let (host, document, folder) = with_program("typescript").await;
    std::os::unix::fs::symlink(tool("node_modules"), folder.path("node_modules")).expect("a link");
    folder.write("package.json", "{\"type\": \"module\"}");
    printed(output(openapi_typescript().current_dir(folder.path(""))).await);
    printed(output(node("typescript/bin/tsc").args(["--project", "."]).current_dir(folder.path(""))).await);
    let calls = output(command("node").arg("out/main.js").arg(host.url("")).current_dir(folder.path(""))).await;
    compare_calls("typescript", &printed(calls), &document);
}

/// The document for openapi-python-client. Of a body with more than one media type it writes functions that name a class which they
/// do not import (0.29.1); so it gets the bodies as JSON alone.
fn without_forms(mut document: Value) -> Value {
    let operations = document["paths"].as_object_mut().expect("paths").values_mut();
    for operation in operations.flat_map(|path| path.as_object_mut().expect("operations").values_mut()) {
        if let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut)
            && content.contains_key("application/json")
        {
            content.retain(|media_type, _| media_type == "application/json");
        }
    }
    document
}

#[tokio::test]
async fn a_generated_python_client_calls_every_operation() {
    let (host, document, folder) = with_program("python").await;
    folder.write("document.json", without_forms(document.clone()).to_string());
    let mut generate = command(tool("venv/bin/openapi-python-client"));
    generate.args(["generate", "--path", "document.json", "--output-path", "witapi_client", "--meta", "none"]);
    // A warning is an operation or a type that it left out.
    generate.args(["--config", "generator.yaml", "--fail-on-warning"]).current_dir(folder.path(""));
    printed(output(&mut generate).await);
    printed(output(command(tool("venv/bin/mypy")).args(["--strict", "."]).current_dir(folder.path(""))).await);
    let python = tool("venv/bin/python");
    let calls = output(command(python).args(["main.py", &host.url("")]).current_dir(folder.path(""))).await;
    compare_calls("python", &printed(calls), &document);
}

#[tokio::test]
async fn the_generators_know_every_type_and_keyword() {
    let [_, _, document] = documents().await;
    let folder = Folder::new();
    folder.write("document.json", document);
    copy_files(&root().join("tests/judges/typescript"), &folder.path(""));
    // The types alone: the programs call other operations.
    for program in fs::read_dir(folder.path("")).expect("a folder").flatten() {
        if program.path().extension().is_some_and(|ending| ending == "ts") {
            fs::remove_file(program.path()).expect("a program");
        }
    }
    fs::write(folder.path("main.ts"), "export type * from \"./schema.js\";\n").expect("a program");
    printed(output(openapi_typescript().current_dir(folder.path(""))).await);
    printed(output(node("typescript/bin/tsc").args(["--project", "."]).current_dir(folder.path(""))).await);

    let document: Value = serde_json::from_slice(&fs::read(folder.path("document.json")).expect("it")).expect("JSON");
    folder.write("document.json", without_forms(document).to_string());
    copy_files(&root().join("tests/judges/python"), &folder.path(""));
    let mut generate = command(tool("venv/bin/openapi-python-client"));
    generate.args(["generate", "--path", "document.json", "--output-path", "witapi_client", "--meta", "none"]);
    generate.args(["--config", "generator.yaml"]).current_dir(folder.path(""));
    let run = output(&mut generate).await;
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    printed(run);
    // openapi-python-client knows no lists in headers, and leaves out the one operation that has one.
    assert_eq!(said.matches("WARNING").count(), 1, "{said}");
    assert!(said.contains("WARNING parsing GET /keywords/all") && said.contains("is not allowed in header"), "{said}");
    let mypy = command(tool("venv/bin/mypy")).args(["--strict", "witapi_client"]).current_dir(folder.path("")).output();
    printed(mypy.await.expect("mypy"));
}
