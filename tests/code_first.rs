//! Code first in Python: the WIT that is derived from annotated functions, and plugins that are built from nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use witapi_tests::{Host, dummy_component, host, root, send, witapi, with_wit};

fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("a process");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The ports of the tutorial, as tests/tutorial/port makes them, once for all tests.
fn ports() -> &'static Path {
    static PORTS: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PORTS.get_or_init(|| {
        let folder = root().join("target/tmp/tutorial");
        succeed(Command::new(root().join("tests/tutorial/port")).arg(&folder));
        folder
    })
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(of).expect("a folder").map(|it| it.expect("an entry").path()).collect();
    folders.sort();
    folders
}

/// The pages of the tutorial, each with its programs: name, and the WIT or what says why there is none.
fn pages() -> Vec<(String, Vec<(String, String)>)> {
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let pages = folders(ports()).into_iter().filter(|page| !page.ends_with("all"));
    pages
        .map(|page| {
            let wit = |program: PathBuf| {
                let text = fs::read_to_string(program.join("wit.txt")).expect("what was derived");
                (name(&program), text)
            };
            (name(&page), folders(&page).into_iter().map(wit).collect())
        })
        .collect()
}

const IS_DERIVED: &str = "// Derived from src/app.py by `witapi build`: edit that, not this.\n";

#[test]
fn the_wit_of_each_page_of_the_tutorial() {
    let goldens = root().join("tests/goldens/tutorial");
    let pages = pages();
    assert!(pages.len() >= 19, "{} pages", pages.len());
    let update = std::env::var_os("WITAPI_UPDATE_GOLDENS").is_some();
    for (page, programs) in &pages {
        let mut text = String::new();
        for (program, wit) in programs {
            text += &format!("==== {program}\n{}\n", wit.trim_end());
        }
        let golden = goldens.join(format!("{page}.txt"));
        if update {
            fs::create_dir_all(&goldens).expect("a folder");
            fs::write(&golden, text).expect("a golden");
        } else {
            let wanted = fs::read_to_string(&golden).unwrap_or_default();
            assert!(text == wanted, "{page} is another; WITAPI_UPDATE_GOLDENS=1 writes it anew:\n{text}");
        }
    }
    assert_eq!(fs::read_dir(goldens).expect("the goldens").count(), pages.len(), "a golden without a page");
}

/// A plugin's folder with this module in it.
fn project(module: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("code").tempdir().expect("a folder");
    fs::create_dir(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join("src/app.py"), module).expect("a module");
    folder
}

fn build(folder: &Path) -> Output {
    let tools = root().join("target/tools");
    let mut command = Command::new(witapi());
    command.args(["build", "--install"]).arg(folder).env("WITAPI_TOOLS", tools);
    command.output().expect("witapi build")
}

/// Builds it, and gives the component.
fn built(folder: &Path) -> PathBuf {
    let output = build(folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join(format!("{}.wasm", folder.file_name().expect("a name").to_string_lossy()))
}

/// What `witapi build` says of a module that it cannot derive WIT from.
fn refusal(module: &str) -> String {
    let folder = project(module);
    let output = build(folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!folder.path().join("wit").exists(), "nothing is written");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn what_wit_cannot_say_is_an_error_that_names_place_found_and_wanted() {
    // A function for each, and what is said of it.
    let table = [
        ("a: dict[str, int]", "int", "parameter a: found `dict[str, int]`; wanted a model"),
        ("a: Decimal", "int", "parameter a: found `Decimal`; wanted `float`, or `str`"),
        ("a: Any", "int", "parameter a: found `Any`; wanted a type"),
        ("a: list", "int", "parameter a: found `list`, items of any type; wanted their type"),
        ("a: complex", "int", "parameter a: found `complex`; wanted a model with two numbers"),
        ("a: Literal[1, 2]", "int", "found the value 1 in `Literal[1, 2]`; wanted strings"),
        ("a: Literal['a_b']", "int", "found the value 'a_b' in `Literal['a_b']`; wanted words of letters"),
        ("a: int | str", "int", "parameter a: found `int | str` in the query; wanted a scalar"),
        ("a: Annotated[int, Query(include_in_schema=False)]", "int", "found `Query(include_in_schema=…)`"),
        ("a: Annotated[int, AfterValidator(print)]", "int", "found `AfterValidator`, a rule in Python"),
        (
            "a: Annotated[int, Cookie()]",
            "int",
            "parameter a: found `Cookie()`; wanted `witapi.request.header(\"cookie\")`",
        ),
        ("a: int = 'x'", "int", "found a value for default that is not of its type: 'x' is no s64"),
        ("a: Item", "int", "parameter a: found a body with GET; wanted `post`, `put` or `patch`"),
        ("*a: int", "int", "found `*a: int`; wanted parameters with names"),
        ("a: int = Depends(print)", "int", "parameter a: found `Depends`; wanted a call of that function"),
        (
            "lineTwo: int, line_one: int",
            "int",
            "parameter lineTwo: found the name 'lineTwo', which WIT has as `line-two`; wanted one casing",
        ),
        ("line_2: int", "int", "parameter line_2: found the name 'line_2', which WIT has as `line2`"),
        ("", "dict", "the answer: found `dict`"),
        ("", "Tree", "found `Tree` within itself; wanted types that end"),
        ("", "Response", "the answer: found `Response`; wanted the value that is the answer"),
        ("", "Empty", "found `empty` without members; wanted at least one"),
    ];
    let head = "from decimal import Decimal\nfrom typing import Annotated, Any, Literal, Optional\n\
        from witapi import *\nfrom witapi import AfterValidator\napp = API()\n\
        class Item(BaseModel):\n    name: str\nclass Tree(BaseModel):\n    left: Optional['Tree']\nclass Empty(BaseModel):\n    pass\n";
    let mut module = head.to_owned();
    for (i, (params, answer, _)) in table.iter().enumerate() {
        module += &format!("@app.get('/{i}')\ndef function_{i}({params}) -> {answer}: ...\n");
    }
    module += "@app.get('/files/{path:path}')\ndef whole(path: str) -> str: ...\n";
    module += "@app.get('/0')\ndef again() -> str: ...\n@app.get('/0')\ndef again_too() -> str: ...\n";
    module += "@app.get('/x', response_description='x')\ndef described() -> str: ...\n";
    module += "@app.get('/y', status_code=404)\ndef failing() -> str: ...\n";
    module += "@app.get('/z')\ndef guessed():\n    return open('x')\n";
    module += "@app.get('/v')\ndef various(a: int):\n    if a: return 1\n    return 'one'\n";
    module += "@app.get('/w')\ndef headed() -> int:\n    raise HTTPException(404, headers={})\n";
    let said = refusal(&module);
    for (i, (_, _, wanted)) in table.iter().enumerate() {
        let line = said.lines().find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("no {wanted} in\n{said}"));
        let is_placed = line.trim_start_matches("witapi: ").starts_with("src/app.py:") && line.contains("; wanted ");
        assert!(is_placed, "{line}");
        // A function by its decorator's line; what a class has wrong, by the class's.
        if line.contains(&format!("function_{i}")) {
            assert!(line.contains(&format!("app.py:{}: ", head.lines().count() + 1 + 2 * i)), "{line}");
        }
    }
    for wanted in [
        "whole: found `{path:path}` in '/files/{path:path}'; wanted a parameter that is one whole segment",
        "again_too: found `GET /0`, which again has already",
        "described: found `response_description='x'`; wanted the route without it",
        "failing: found `status_code=404`; wanted a number from 200 to 299",
        "guessed: found no return annotation, and what it returns cannot be read off the source: `open('x')`; wanted `-> T`",
        "various: found no return annotation, and what it returns cannot be read off the source: `int` here and `str` there",
        "HTTPException: found `HTTPException(headers=…)`; wanted `status_code` and `detail` only",
        "app.py:9: Tree",
    ] {
        assert!(said.contains(wanted), "no {wanted} in\n{said}");
    }
}

#[test]
fn what_is_no_module_of_ours_is_said_in_a_line() {
    assert!(refusal("x = 1\n").contains("src/app.py:1: module: found no instance of `API`; wanted one, `app = API()`"));
    let said = refusal("import nothing_of_that_name\n");
    assert!(said.contains("line 1, in <module>") && said.contains("ModuleNotFoundError"), "{said}");
    assert!(!said.contains("importlib"), "only what the author wrote: {said}");
    let said = refusal("from witapi import API\napp = API()\n@app.middleware('http')\ndef m(): ...\n");
    assert!(said.contains("src/app.py:3: API: found `middleware`; wanted functions only"), "{said}");
}

#[tokio::test]
async fn a_query_beside_a_body_is_a_query() {
    let wit = |docs: &str| {
        format!(
            "package a:b; interface things {{ record r {{ name: string }}\n{docs}\n\
             update-thing: func(id: u32, count: u32, tags: list<string>, r: r); }} world w {{ export things; }}"
        )
    };
    let docs = "/// Changes it.\n/// @query count\n/// @query tags\n@external-id(\"PUT /things/{id}/\")";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("things.wasm");
    fs::write(&file, with_wit(&dummy_component(&wit("")), &wit(docs))).expect("a component");
    let host = host().component("things", &file).start().await;
    let body = json!({"name": "x"});
    // What fits the contract reaches the function, which traps.
    assert_eq!(host.put("/things/1/?count=2&tags=a&tags=b", &body).await.status, 500);
    assert_eq!(host.put("/things/1/?count=2", &body).await.status, 500);
    assert_eq!(host.put("/things/1/", &body).await.faults(), ["query.count missing"]);
    assert_eq!(
        host.put("/things/1/?count=-1", &json!({})).await.faults(),
        ["body.name missing", "query.count minimum"]
    );
    // The path has the slash that its author wrote, and no other one is it.
    assert_eq!(host.put("/things/1?count=2", &body).await.status, 404);
    let document = host.get("/openapi.json").await.json();
    let operation = &document["paths"]["/things/{id}/"]["put"];
    let places: Vec<_> = operation["parameters"].as_array().expect("parameters").iter().map(|it| &it["in"]).collect();
    assert_eq!(places, ["path", "query", "query"]);
    assert!(operation["requestBody"]["content"]["application/json"].is_object(), "{operation}");
}

/// Members that are `null` left out, and numbers as JSON compares them: `42` is `42.0`.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (name.clone(), comparable(value))).collect()
        }
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

#[tokio::test]
async fn the_ported_tutorial_answers_as_fastapi_does() {
    let folder = ports().join("all");
    let host = host().component("all", built(&folder)).start().await;
    let tutorial = root().join("tests/tutorial");
    let python = root().join("target/tools/tutorial/venv/bin/python");
    assert!(python.exists(), "FastAPI is not there: run tools/setup-tutorial");
    let answers = succeed(Command::new(python).arg(tutorial.join("answers")));
    let requests = fs::read_to_string(tutorial.join("requests.txt")).expect("the requests");
    assert_eq!(answers.lines().count(), requests.lines().count());
    for (request, answer) in requests.lines().zip(answers.lines()) {
        let [wanted_status, wanted]: [Value; 2] = serde_json::from_str(answer).expect("an answer");
        let mut words = request.splitn(3, ' ');
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let mut sent = host.request(method, &format!("/{path}"));
        if let Some(body) = words.next() {
            sent = sent.header("content-type", "application/json").body(body.to_owned());
        }
        let answer = send(sent).await;
        assert_eq!(answer.status.as_u16(), wanted_status, "{request}: {answer:?}\n{}", host.log.text());
        let (found, wanted) = (comparable(&answer.json()), comparable(&wanted));
        match (&wanted["detail"], answer.status.is_success()) {
            (_, true) => assert_eq!(found, wanted, "{request}"),
            // What a function raised says the same; what the host answers itself has words of its own.
            (Value::String(detail), _) if found["type"] == "/problems/operation-error" => {
                assert_eq!(found["error"]["detail"], *detail, "{request}");
            }
            _ => {}
        }
    }
    // Each program was asked for something.
    for (page, programs) in pages() {
        for (program, wit) in programs {
            let is_asked = requests.lines().any(|line| line.contains(&format!(" {page}/{program}/")));
            assert!(
                is_asked == wit.starts_with(IS_DERIVED) || UNCOMPARED.contains(&&*format!("{page}/{program}")),
                "{page}/{program}"
            );
        }
    }
}

/// Ports that are asked for nothing, since they had to become something else.
const UNCOMPARED: [&str; 3] = ["header_params/tutorial001", "header_params/tutorial003", "response_model/tutorial004"];

/// A host with the plugin of tests/code_first, built once.
async fn everything() -> &'static Host {
    static HOST: OnceCell<Host> = OnceCell::const_new();
    HOST.get_or_init(async || {
        let module = fs::read_to_string(root().join("tests/code_first/app.py")).expect("the module");
        let folder = project(&module);
        let component = built(folder.path());
        let grants = "[plugin.everything]\ngrants = [\"wasi:keyvalue\", \"witapi:host\"]";
        host().component("everything", component).config(grants).start().await
    })
    .await
}
