//! `witapi call`: one operation of a component, without a socket.

use std::fs;

use serde_json::{Value, json};
use witapi_tests::{
    cli::{Folder, Ran},
    fixture, plugin,
};

fn with(components: &[&str]) -> Folder {
    let folder = Folder::new();
    for name in components {
        let is_plugin = ["todos", "orders", "ticker", "greeter", "wordcount"].contains(name);
        let file = if is_plugin { plugin(name) } else { fixture(name) };
        folder.write(&format!("{name}.wasm"), fs::read(file).expect("a component"));
    }
    folder
}

/// The answer of a success, as JSON.
#[track_caller]
fn answered(ran: Ran) -> Value {
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// The problem that it was answered with.
#[track_caller]
fn problem(ran: Ran) -> Value {
    assert_eq!(ran.status, Some(1), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// What it said of a wrong command line.
#[track_caller]
fn usage(ran: Ran) -> String {
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    ran.stderr
}

#[test]
fn an_operation_is_called_by_each_of_its_names() {
    let folder = with(&["todos"]);
    for name in ["todos_create_todo", "create-todo", "todos/create-todo", "todos.create-todo", "POST /todos"] {
        let todo = answered(folder.ask(&["call", "todos.wasm", name, r#"{"todo": {"title": "milk"}}"#], b""));
        assert_eq!((&todo["id"], &todo["title"]), (&json!(1), &json!("milk")), "{name}: state is not kept");
    }
    let names = ["GET /todos/{id}", "get-todo"];
    for name in names {
        let problem = problem(folder.ask(&["call", "todos.wasm", name, r#"{"id": 7}"#], b""));
        assert_eq!(problem["error"], json!({"tag": "not-found", "val": 7}), "{name}");
    }
}

#[test]
fn parameters_go_where_the_contract_has_them() {
    let folder = with(&["todos"]);
    let call = |operation: &str, arguments: &str| {
        answered(folder.ask(&["call", "todos.wasm", operation, arguments, "--data", "kept"], b""))
    };
    // The only parameter is the body, so it may stand there itself.
    for title in ["a", "b&c=d/e ä", "c"] {
        call("create-todo", &json!({"title": title, "tags": [title]}).to_string());
    }
    // Path and body.
    let patched = call("update-todo", r#"{"id": 2, "patch": {"done": true}}"#);
    assert_eq!((&patched["id"], &patched["done"]), (&json!(2), &json!(true)));
    // Query: an option, an enum, a default; what is null is not there.
    let listed = call("list-todos", r#"{"done": false, "priority": "normal", "tag": null, "limit": 100}"#);
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let listed = call("list-todos", r#"{"tag": "b&c=d/e ä"}"#);
    assert_eq!(listed[0]["id"], 2);
    assert_eq!(call("get-stats", "{}"), json!({"total": 3, "done": 1, "open": 2}));
    assert!(folder.path("kept/kv").exists() || folder.path("kept").is_dir());
}

#[test]
fn arguments_and_bodies_come_from_stdin_and_files_too() {
    let folder = with(&["todos", "streams"]);
    let todo = answered(folder.ask(&["call", "todos.wasm", "create-todo", "-"], br#"{"title": "from stdin"}"#));
    assert_eq!(todo["title"], "from stdin");
    folder.write("todo.json", r#"{"title": "from a file"}"#);
    let todo = answered(folder.ask(&["call", "todos.wasm", "create-todo", "--body", "todo.json"], b""));
    assert_eq!(todo["title"], "from a file");
    let todo = answered(folder.ask(&["call", "todos.wasm", "POST /todos", "-b", "-"], br#"{"title": "as it is"}"#));
    assert_eq!(todo["title"], "as it is");
    // Without arguments there are none.
    assert_eq!(answered(folder.ask(&["call", "todos.wasm", "list-todos"], b"")), json!([]));
    let both =
        folder.ask(&["call", "todos.wasm", "create-todo", r#"{"todo": {"title": "a"}}"#, "-b", "todo.json"], b"");
    assert!(usage(both).contains("expected one body, found two"));
}

#[test]
fn any_request_can_be_written_out() {
    let folder = with(&["todos"]);
    let document = answered(folder.ask(&["call", "todos.wasm", "GET /openapi.json"], b""));
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(answered(folder.ask(&["call", "todos.wasm", "GET /todos?limit=5"], b"")), json!([]));
    assert_eq!(problem(folder.ask(&["call", "todos.wasm", "GET /nothing"], b""))["type"], "/problems/no-route");
    assert_eq!(problem(folder.ask(&["call", "todos.wasm", "PUT /todos"], b""))["type"], "/problems/method-not-allowed");
}

#[test]
fn a_call_returns_what_a_host_returns() {
    let folder = with(&["todos"]);
    let ran =
        folder.ask(&["call", "-i", "todos.wasm", "create-todo", r#"{"title": "a"}"#, "-H", "x-request-id: mine"], b"");
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let (head, body) = ran.stdout.split_once("\n\n").expect("a head");
    let mut head: Vec<&str> = head.lines().collect();
    assert_eq!(head.remove(0), "HTTP/1.1 201 Created");
    assert!(head.contains(&"content-type: application/json") && head.contains(&"x-request-id: mine"), "{head:?}");
    assert_eq!(serde_json::from_str::<Value>(body).expect("JSON")["title"], "a");
    let ran = folder.ask(&["call", "-i", "todos.wasm", "delete-todo", r#"{"id": 1}"#], b"");
    assert_eq!(ran.status, Some(1));
    assert!(ran.stdout.starts_with("HTTP/1.1 404 Not Found\ncontent-type: application/problem+json\n"), "{ran:?}");
}

#[test]
fn a_call_reports_wrong_values_like_a_host() {
    let folder = with(&["todos", "hostile"]);
    let faults = problem(folder.ask(&["call", "todos.wasm", "create-todo", r#"{"title": "", "dine": 1}"#], b""));
    assert_eq!(faults["type"], "/problems/invalid-request");
    let faults: Vec<_> =
        faults["errors"].as_array().expect("errors").iter().map(|it| (&it["loc"], &it["type"])).collect();
    assert_eq!(
        faults,
        [(&json!(["body", "title"]), &json!("pattern")), (&json!(["body", "dine"]), &json!("unknown_member"))]
    );
    let faults = problem(folder.ask(&["call", "todos.wasm", "get-todo", r#"{"id": "a/b"}"#], b""));
    assert_eq!(faults["errors"][0]["loc"], json!(["path", "id"]));
    let faults = problem(folder.ask(&["call", "todos.wasm", "create-todo"], b""));
    assert_eq!(faults["errors"][0]["type"], "missing");
    // More digits than a double has: what was written arrives.
    let faults = problem(folder.ask(&["call", "todos.wasm", "get-todo", r#"{"id": 18446744073709551616}"#], b""));
    assert!(faults["errors"][0]["msg"].as_str().is_some_and(|it| it.starts_with("18446744073709551616 ")), "{faults}");
}

#[test]
fn a_trap_is_a_problem_whose_cause_goes_to_stderr() {
    let folder = with(&["hostile", "streams"]);
    let ran = folder.ask(&["call", "hostile.wasm", "unreachable"], b"");
    assert!(ran.stderr.starts_with("ERROR request: ") && ran.stderr.contains("`unreachable` instruction"), "{ran:?}");
    assert_eq!(problem(ran)["type"], "/problems/plugin-failed");
    // An answer that has begun ends where the plugin does.
    let ran = folder.ask(&["call", "streams.wasm", "trap", r#"{"after": 2}"#], b"");
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), "0\n1\n"), "{ran:?}");
    assert!(ran.stderr.contains("witapi: the answer broke off\n"), "{ran:?}");
}

#[test]
fn what_a_guest_says_goes_to_stderr() {
    let folder = with(&["hostile"]);
    let text = r#"{"text": "a line\n", "times": 1, "to_stderr": true}"#;
    let ran = folder.ask(&["call", "hostile.wasm", "print", text], b"");
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stderr.starts_with(" INFO guest: a line plugin=hostile request="), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

#[test]
fn streams_and_request_facts_are_those_of_a_host() {
    let folder = with(&["streams", "facts", "hostile"]);
    let printed = |arguments: &[&str], stdin: &[u8]| {
        let ran = folder.ask(&[&["call"], arguments].concat(), stdin);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        ran.stdout
    };
    assert_eq!(printed(&["streams.wasm", "numbers", r#"{"count": 3}"#], b""), "0\n1\n2\n");
    for arguments in ["[1, 2,\n3]", r#"{"numbers": [1, 2, 3]}"#] {
        assert_eq!(
            printed(&["streams.wasm", "sum", arguments], b""),
            printed(&["streams.wasm", "sum", "-b", "-"], b"1\n2\n3\n")
        );
    }
    assert_eq!(printed(&["streams.wasm", "echo-bytes", r#""aGk=""#], b""), "hi");
    assert_eq!(printed(&["streams.wasm", "echo-bytes", r#"{"data": "aGk="}"#], b""), "hi");
    assert_eq!(printed(&["streams.wasm", "echo-bytes"], b""), "");
    assert_eq!(printed(&["streams.wasm", "echo-bytes", "-b", "-"], b"hi there"), "hi there");
    assert_eq!(printed(&["hostile.wasm", "long-bytes", r#"{"kib": 3}"#], b"").len(), 3072);
    for (arguments, expected) in [
        ("[1]", "`data`: expected a string of base64, since it is bytes; found an array"),
        (r#""?""#, "`data`: expected a string of base64, since it is bytes; found another string"),
    ] {
        assert!(usage(folder.ask(&["call", "streams.wasm", "echo-bytes", arguments], b"")).contains(expected));
    }
    let facts = printed(&["facts.wasm", "get-facts", r#"{"name": "a b", "q": "x&y"}"#, "-H", "X-Tenant: acme"], b"");
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    assert_eq!(facts["target"], "/facts/a%20b?q=x%26y");
    assert_eq!(facts["headers"], json!([["x-tenant", "acme"]]), "{facts}");
}

#[test]
fn unknown_names_are_reported_with_the_known_ones() {
    let folder = with(&["todos"]);
    let message = usage(folder.ask(&["call", "todos.wasm", "create-toda"], b""));
    assert!(
        message.starts_with("witapi: no operation `create-toda`, did you mean `create-todo`?; the operations are:\n"),
        "{message}"
    );
    assert!(message.contains("  todos/get-todo  GET /todos/{id}  todos_get_todo\n"), "{message}");
    assert_eq!(message.lines().count(), 9);
    let message = usage(folder.ask(&["call", "todos.wasm", "get-todo", r#"{"ib": 7}"#], b""));
    assert_eq!(
        message,
        "witapi: `todos/get-todo` has no parameter `ib`, did you mean `id`?; its parameters are: `id`\n"
    );
    for (arguments, expected) in [
        ("{", "the arguments are not JSON: EOF while parsing an object at line 1, column 1"),
        ("[1]", "the arguments: expected an object with the parameters of `todos/get-todo` (`id`), found an array"),
        ("{}", "the parameter `id` is missing; it is part of the path `/todos/{id}`"),
        (r#"{"id": null}"#, "the parameter `id` is missing; it is part of the path `/todos/{id}`"),
        (
            r#"{"id": {}}"#,
            "the parameter `id`: expected a string, a number or a boolean, since it goes into the path; found an object",
        ),
        (r#"{"id": 1, "id": 2}"#, "the parameter `id`: expected once in the arguments, found twice"),
    ] {
        let message = usage(folder.ask(&["call", "todos.wasm", "get-todo", arguments], b""));
        assert_eq!(message, format!("witapi: {expected}\n"), "{arguments}");
    }
    assert!(
        usage(folder.ask(&["call", "todos.wasm", "get-todo", "{}", "-H", "nothing"], b"")).contains("x-tenant: acme")
    );
    assert_eq!(folder.ask(&["call", "todos.wasm"], b"").status, Some(2));
}

#[test]
fn what_is_no_component_cannot_be_asked() {
    let folder = with(&["todos"]);
    folder.write("text.wasm", "This is text.");
    folder.write("wrong.toml", "limit = 1");
    for (file, more, expected) in [
        ("missing.wasm", None, "missing.wasm: cannot read the file"),
        ("text.wasm", None, "text.wasm: "),
        ("todos.wasm", Some("wrong.toml"), "wrong.toml"),
    ] {
        let mut arguments = vec!["call", file, "get-stats"];
        arguments.extend(more.into_iter().flat_map(|config| ["--config", config]));
        let ran = folder.ask(&arguments, b"");
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("witapi: ") && ran.stderr.contains(expected), "{ran:?}");
    }
}

#[test]
fn limits_mount_and_casing_of_the_configuration_hold() {
    let folder = with(&["todos", "orders"]);
    folder.write("witapi.toml", "[plugin.todos]\nmount = \"/v1\"\nbody_kib = 1\n");
    assert_eq!(answered(folder.ask(&["call", "todos.wasm", "GET /v1/todos"], b"")), json!([]));
    let title = "x".repeat(2000);
    let large = json!({"title": "a", "notes": title}).to_string();
    assert_eq!(
        problem(folder.ask(&["call", "todos.wasm", "create-todo", &large], b""))["type"],
        "/problems/body-too-large"
    );
    folder.write("other.toml", "");
    answered(folder.ask(&["call", "todos.wasm", "create-todo", &large, "--config", "other.toml"], b""));
}

#[test]
fn nothing_is_left_behind_and_compiled_code_is_kept() {
    let folder = with(&["todos"]);
    let temporary = folder.path("tmp");
    fs::create_dir(&temporary).expect("a folder");
    let run = || {
        std::process::Command::new(witapi_tests::witapi())
            .args(["call", "todos.wasm", "create-todo", r#"{"title": "a"}"#])
            .current_dir(folder.path(""))
            .env("TMPDIR", &temporary)
            .env("XDG_CACHE_HOME", folder.path("cache"))
            .output()
            .expect("a run")
    };
    assert!(run().status.success() && run().status.success());
    assert_eq!(fs::read_dir(&temporary).expect("the folder").count(), 0);
    assert_eq!(fs::read_dir(folder.path("cache/witapi/code")).expect("the cache").count(), 1);
    assert!(!folder.path("data").exists());
}

#[test]
fn a_raw_handler_may_serve_its_document() {
    let folder = with(&["raw"]);
    folder.write("witapi.toml", "[plugin.raw]\nopenapi = \"/openapi.json\"");
    let document = answered(folder.run(["call", "raw.wasm", "GET /openapi.json"]));
    assert_eq!(document["paths"]["/raw/entries"]["post"]["operationId"], "raw_post_raw_entries");
}
