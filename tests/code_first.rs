//! Code first in Python: the WIT that is derived from annotated functions, and plugins that are built from nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use witapi_tests::{built::Sources, dummy_component, host, root, says, send, witapi, with_wit};

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
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            assert!(text == expected, "{page} is another; WITAPI_UPDATE_GOLDENS=1 writes it anew:\n{text}");
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
fn python_without_wit_fails_with_its_place() {
    // A function for each, and what is said of it.
    let table = [
        ("a: dict[str, int]", "int", "parameter a: expected a model, found `dict[str, int]`"),
        ("a: Decimal", "int", "parameter a: expected `float`, or `str`, found `Decimal`"),
        ("a: Any", "int", "parameter a: expected a type, found `Any`"),
        ("a: list", "int", "parameter a: expected their type, found `list`, items of any type"),
        ("a: complex", "int", "parameter a: expected a model with two numbers, found `complex`"),
        ("a: Literal[1, 2]", "int", "expected strings, found the value 1 in `Literal[1, 2]`"),
        ("a: Literal['a_b']", "int", "expected words of letters, found the value 'a_b' in `Literal['a_b']`"),
        ("a: int | str", "int", "parameter a: expected a scalar, found `int | str` in the query"),
        ("a: Annotated[int, Query(include_in_schema=False)]", "int", "found `Query(include_in_schema=…)`"),
        ("a: Annotated[int, AfterValidator(print)]", "int", "found `AfterValidator`, a rule in Python"),
        (
            "a: Annotated[int, Cookie()]",
            "int",
            "parameter a: expected `witapi.request.header(\"cookie\")`, found `Cookie()`",
        ),
        ("a: int = 'x'", "int", "found a value for default that is not of its type: 'x' is no s64"),
        ("a: Item", "int", "parameter a: expected `post`, `put` or `patch`, found a body with GET"),
        ("*a: int", "int", "expected parameters with names, found `*a: int`"),
        ("a: int = Depends(print)", "int", "parameter a: expected a call of that function, found `Depends`"),
        (
            "lineTwo: int, line_one: int",
            "int",
            "parameter lineTwo: expected one casing, found the name 'lineTwo', which WIT has as `line-two`",
        ),
        ("line_2: int", "int", "found the name 'line_2', which WIT has as `line2`"),
        ("", "dict", "found `dict`"),
        ("", "Tree", "expected types that end, found `Tree` within itself"),
        ("", "Response", "the answer: expected the value that is the answer, found `Response`"),
        ("", "Empty", "expected at least one, found `empty` without members"),
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
    for (i, (_, _, expected)) in table.iter().enumerate() {
        let line = said.lines().find(|line| says(line, expected)).unwrap_or_else(|| panic!("no {expected} in\n{said}"));
        let is_placed = line.trim_start_matches("witapi: ").starts_with("src/app.py:") && line.contains(": expected ");
        assert!(is_placed, "{line}");
        // A function by its decorator's line; what a class has wrong, by the class's.
        if line.contains(&format!("function_{i}")) {
            assert!(line.contains(&format!("app.py:{}: ", head.lines().count() + 1 + 2 * i)), "{line}");
        }
    }
    for expected in [
        "whole: expected a parameter that is one whole segment, found `{path:path}` in '/files/{path:path}'",
        "found `GET /0`, which again has already",
        "described: expected the route without it, found `response_description='x'`",
        "failing: expected a number from 200 to 299, found `status_code=404`",
        "guessed: expected `-> T`, found no return annotation, and what it returns cannot be read off the source: `open('x')`",
        "found no return annotation, and what it returns cannot be read off the source: `int` here and `str` there",
        "HTTPException: expected `status_code` and `detail` only, found `HTTPException(headers=…)`",
        "app.py:9: Tree",
    ] {
        assert!(said.lines().any(|line| says(line, expected)), "no {expected} in\n{said}");
    }
}

#[test]
fn what_is_no_module_of_ours_is_said_in_a_line() {
    assert!(says(&refusal("x = 1\n"), "src/app.py:1: module: expected one, `app = API()`, found no instance of `API`"));
    let said = refusal("import nothing_of_that_name\n");
    assert!(said.contains("line 1, in <module>") && said.contains("ModuleNotFoundError"), "{said}");
    assert!(!said.contains("importlib"), "only what the author wrote: {said}");
    let said = refusal("from witapi import API\napp = API()\n@app.middleware('http')\ndef m(): ...\n");
    assert!(says(&said, "src/app.py:3: API: expected functions only, found `middleware`"), "{said}");
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
    let component = Sources::default().folder(&ports().join("all/src"), "src").built("tutorial", "all");
    let host = host().component("all", component).start().await;
    let tutorial = root().join("tests/tutorial");
    let python = root().join("target/tools/tutorial/venv/bin/python");
    assert!(python.exists(), "FastAPI is not there: run tools/setup-tutorial");
    let answers = succeed(Command::new(python).arg(tutorial.join("answers")));
    let requests = fs::read_to_string(tutorial.join("requests.txt")).expect("the requests");
    assert_eq!(answers.lines().count(), requests.lines().count());
    for (request, answer) in requests.lines().zip(answers.lines()) {
        let [wanted_status, expected]: [Value; 2] = serde_json::from_str(answer).expect("an answer");
        let mut words = request.splitn(3, ' ');
        let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
        let mut sent = host.request(method, &format!("/{path}"));
        if let Some(body) = words.next() {
            sent = sent.header("content-type", "application/json").body(body.to_owned());
        }
        let answer = send(sent).await;
        assert_eq!(answer.status.as_u16(), wanted_status, "{request}: {answer:?}\n{}", host.log.text());
        let (found, expected) = (comparable(&answer.json()), comparable(&expected));
        match (&expected["detail"], answer.status.is_success()) {
            // A duration that no annotation tells of is a number of seconds in FastAPI, and else a text as it is here.
            (_, true) if path.starts_with("extra_data_types/") => assert_eq!(found["item_id"], expected["item_id"]),
            (_, true) => assert_eq!(found, expected, "{request}"),
            // What a function raised says the same; what the host answers itself has words of its own.
            (Value::String(detail), _) if found["type"] == "/problems/operation-error" => {
                assert_eq!(found["error"]["detail"], *detail, "{request}");
            }
            _ => {}
        }
    }
    // A union has a tag here.
    let car = json!({"tag": "car-item", "val": {"description": "All my friends drive a low rider", "type": "car"}});
    assert_eq!(host.get("/extra_models/tutorial003/items/item1").await.json(), car);
    let plane = host.get("/extra_models/tutorial003/items/item2").await.json();
    assert_eq!((&plane["tag"], &plane["val"]["size"]), (&json!("plane-item"), &json!(5)));
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
const UNCOMPARED: [&str; 4] = [
    "extra_models/tutorial003",
    "header_params/tutorial001",
    "header_params/tutorial003",
    "response_model/tutorial004",
];

#[tokio::test]
async fn a_module_of_functions_is_the_plugins_contract() {
    let module = fs::read_to_string(root().join("tests/code_first/app.py")).expect("the module");
    let component = Sources::default().file("src/app.py", module).built("code-first", "everything");
    let config = "[plugin.everything]\ngrants = [\"wasi:keyvalue\", \"witapi:host\"]";
    let host = host().component("everything", component).config(config).start().await;

    // Values of every kind, in and out.
    let echoed = json!({
        "color": "dark-blue",
        "shape": {"tag": "circle", "val": {"center": {"x": 1.5, "y": 0.5, "tags": []}, "radius": 2.0}},
        "note": {"text": "hello", "author": null},
        "raw": "AP8=",
        "pair": [-9007199254740993_i64, "two"],
        "when": "2024-02-29T12:30:00.250000+02:00",
        "size": "small",
        "day": null,
        "wait": "PT1H30M",
        "ids": [],
    });
    let mut sent = echoed.clone();
    for left_out in ["size", "day", "wait", "ids"] {
        sent.as_object_mut().expect("an object").remove(left_out);
    }
    sent["shape"]["val"]["center"] = json!({"x": 1.5});
    sent["when"] = json!("2024-02-29t12:30:00.25+02:00");
    let answer = host.post("/echo", &sent).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, echoed), "{}", host.log.text());
    let more = json!({
        "color": "red", "shape": {"tag": "square", "val": {"corner": {"x": 1, "y": 2, "tags": ["a"]}, "side": 1}},
        "note": {"text": "a", "author": "b"}, "raw": "", "pair": [1, ""], "when": "2024-02-29T12:30:00Z", "size": "large",
        "day": "2024-02-29", "wait": "-P2DT0.5S", "ids": ["00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000a"],
    });
    let answer = host.post("/echo", &more).await.json();
    let ids = json!(["00000000-0000-0000-0000-00000000000a"]);
    assert_eq!((&answer["day"], &answer["wait"], &answer["ids"]), (&json!("2024-02-29"), &json!("-P2DT0.5S"), &ids));
    let mut wrong = sent.clone();
    wrong["wait"] = json!("1 hour");
    wrong["when"] = json!("2024-02-29T12:30:00");
    wrong["shape"]["val"]["radius"] = json!(0);
    let faults = ["body.shape.val.radius exclusive_minimum", "body.wait pattern", "body.when format"];
    assert_eq!(host.post("/echo", &wrong).await.faults(), faults);

    // Errors: typed, by status, and those of the plugin itself.
    let order = async |count: i64| host.post("/order", &json!({"sku": "A", "count": count})).await;
    let answer = order(3).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (202, json!(7)));
    let answer = order(11).await;
    let error = json!({"tag": "out-of-stock", "val": {"sku": "A", "left": 10}});
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (409, &error));
    let answer = order(101).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (503, &json!({"tag": "closed"})));
    let answer = host.get("/fail/404").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]),
        (404, &json!({"status": 404, "detail": "Not Found"}))
    );
    assert_eq!(host.get("/fail/200").await.status, 500, "a status of a success is none of an error");
    assert_eq!(host.get("/wrong").await.status, 500);
    host.log.wait_for("wrong returned what its contract has not: 'no number' is no s64").await;

    // The facts of the request, and headers as parameters.
    let request = host.request("GET", "/facts").header("x-tenant", "acme").header("tags", "a, b");
    let facts = send(request.header("x-request-id", "id-1").header("user-agent", "test")).await.json();
    let expected = json!({"id": "id-1", "method": "GET", "route": "/facts", "tenant": "acme", "tags": ["a", "b"], "agent": "test"});
    assert_eq!(facts, expected);
    assert_eq!(host.get("/facts").await.faults(), ["header.x-tenant missing"]);

    // Lines of `logging`, with plugin, request and level.
    let request = host.request("GET", "/log?words=hello").header("x-request-id", "id-2");
    assert_eq!(send(request).await.status, 204);
    for (level, number) in [("INFO", 20), ("WARN", 30), ("ERROR", 40)] {
        let line = host.log.wait_for(&format!("said hello at {number}")).await;
        for part in [level, "everything", "id-2", "shop"] {
            assert!(line.contains(part), "no {part} in {line}");
        }
    }

    // What is stored.
    assert_eq!(host.get("/counters/a").await.status, 404);
    assert_eq!(host.post("/counters/a", &json!({})).await.json(), 1);
    assert_eq!(host.post("/counters/a", &json!({"by": 4})).await.json(), 5);
    assert_eq!(host.get("/counters/a").await.json(), 5);
    assert_eq!(host.get("/counters/").await.json(), json!(["of a=by 4", "a=5"]));
    assert_eq!(host.delete("/counters/a").await.status, 204);
    let answer = host.delete("/counters/a").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["detail"]), (404, &json!("a was never counted")));

    // A function that waits for another one.
    assert_eq!(host.get("/twice?number=21").await.json(), 42);

    // What the document says of it.
    let document = host.get("/openapi/everything.json").await.json();
    assert_eq!(document["info"]["version"], "1.2.3");
    let order = &document["paths"]["/order"]["post"];
    assert_eq!(
        (&order["summary"], &order["description"]),
        (&json!("Order something"), &json!("Answers what is left."))
    );
    let statuses: Vec<_> = order["responses"].as_object().expect("responses").keys().cloned().collect();
    for status in ["202", "409", "503"] {
        assert!(statuses.contains(&status.to_owned()), "{statuses:?}");
    }
    assert_eq!(document["components"]["schemas"]["Circle"]["properties"]["radius"]["exclusiveMinimum"], 0);
}

#[test]
fn derived_wit_follows_its_source() {
    let module = |name: &str| {
        format!("from witapi import API\napp = API()\n@app.get('/')\ndef {name}() -> str:\n    return ''\n")
    };
    let folder = project(&module("first"));
    let wit = folder.path().join("wit/plugin.wit");
    built(folder.path());
    let first = fs::read_to_string(&wit).expect("the WIT");
    assert!(first.starts_with(IS_DERIVED) && first.contains("    first: func() -> string;"), "{first}");
    let again = String::from_utf8(build(folder.path()).stderr).expect("text");
    assert!(again.contains("is up to date"), "{again}");
    // The same source says the same, byte for byte.
    fs::remove_dir_all(folder.path().join("wit")).expect("a removed folder");
    fs::write(folder.path().join("src/app.py"), "x = 1\n").expect("a module");
    assert!(!build(folder.path()).status.success() && !wit.exists());

    let own = "package a:b;\ninterface things { first: func() -> string; }\nworld w { export things; }\n";
    fs::create_dir_all(folder.path().join("wit")).expect("a folder");
    fs::write(&wit, own).expect("WIT");
    fs::write(folder.path().join("src/app.py"), module("other")).expect("a module");
    let said = String::from_utf8(build(folder.path()).stderr).expect("text");
    assert!(said.contains("Things"), "the class that the author's contract asks for: {said}");
    assert_eq!(fs::read_to_string(&wit).expect("the WIT"), own);
}

#[test]
fn an_existing_contract_gets_a_method_per_function() {
    let folder = tempfile::tempdir().expect("a folder");
    let wit = "package a:b@1.0.0;\ninterface from-things {\n    record r { a: option<u8>, b: list<u8> }\n    enum e { x, y }\n    \
        /// Gets \"it\"\n    get-it: func(id: u32, class: e, many: list<r>) -> result<r, string>;\n    wait: async func(t: tuple<u8, f32>);\n}\n\
        world w { export from-things; export hello: func(name: string) -> string; }\n";
    fs::write(folder.path().join("z.wit"), wit).expect("WIT");
    succeed(Command::new(witapi()).args(["new", "z", "--lang", "python", "--wit", "z.wit"]).current_dir(&folder));
    let stubs = fs::read_to_string(folder.path().join("z/src/app.py")).expect("the source");
    let expected = [
        "import wit_world\nfrom wit_world import exports\nfrom wit_world.exports import from_things\n",
        "class FromThings(exports.FromThings):\n    def get_it(self, id: int, class_: from_things.E, many: list[from_things.R]) -> from_things.R:\n        \"\"\"Gets 'it'\"\"\"\n        raise NotImplementedError\n",
        "    async def wait(self, t: tuple[int, float]) -> None:\n        raise NotImplementedError\n",
        "class WitWorld(wit_world.WitWorld):\n    def hello(self, name: str) -> str:\n        raise NotImplementedError\n",
    ];
    for expected in expected {
        assert!(stubs.contains(expected), "no\n{expected}\nin\n{stubs}");
    }
}
