//! `witapi test`: files of requests and answers, run against a component without a socket.

use std::fs;

use witapi_tests::{
    cli::{Folder, Ran},
    fixture, plugin, root,
};

/// A project's folder `todos`, built, with these tests.
fn project(tests: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    folder.write("todos/todos.wasm", fs::read(plugin("todos")).expect("a component"));
    for (name, text) in tests {
        folder.write(&format!("todos/tests/{name}"), text);
    }
    folder
}

/// Runs the tests of the project.
fn run(folder: &Folder, more: &[&str]) -> Ran {
    folder.ask(&[&["test", "todos"], more].concat(), b"")
}

/// One file of tests: exit status and what was printed.
fn result(test: &str) -> (i32, String) {
    let ran = run(&project(&[("it.http", test)]), &[]);
    assert_eq!(ran.stderr, "", "{test}");
    (ran.status.expect("a status"), ran.stdout)
}

#[track_caller]
fn passes(test: &str) {
    let (status, printed) = result(test);
    assert_eq!(status, 0, "{test}\n{printed}");
}

/// What a test that fails says between the file's line and the summary.
#[track_caller]
fn fails(test: &str) -> Vec<String> {
    let (status, printed) = result(test);
    assert_eq!(status, 1, "{test}\n{printed}");
    let mut lines: Vec<String> = printed.lines().map(|line| line.trim().to_owned()).collect();
    assert!(lines.remove(0).starts_with("FAIL todos/tests/it.http:"), "{printed}");
    assert!(lines.pop().expect("a summary").ends_with(" failed"), "{printed}");
    lines
}

const CREATE: &str = "\
### Create a todo
POST /todos

{\"title\": \"milk\"}

HTTP 201
content-type: application/json

{\"id\": {{id}}, \"title\": \"milk\", \"notes\": null, \"priority\": \"{{priority}}\", \"tags\": [], \"done\": false}
";

#[test]
fn steps_share_state_and_each_file_starts_empty() {
    let test = format!(
        "# A todo comes and goes.\n{CREATE}\n### Read it back\n// Another comment.\nGET /todos/{{{{id}}}}\nx-tenant: acme\n\nHTTP 200\n\n\
         {{\"priority\": \"{{{{priority}}}}\", \"id\": {{{{id}}}}, {{{{...}}}}}}\n\n###\nDELETE /todos/{{{{id}}}}\n\nHTTP 204\n\n###\n\
         GET /todos/{{{{id}}}}\n\nHTTP/1.1 404 Not Found\n\n{{\"error\": {{\"tag\": \"not-found\", \"val\": {{{{id}}}}}}, {{{{...}}}}}}\n"
    );
    let folder = project(&[("b.http", &test), ("a.http", &test), ("notes.txt", "no test"), (".c.http", "no test")]);
    let ran = run(&folder, &[]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "ok   todos/tests/a.http: 4 steps\nok   todos/tests/b.http: 4 steps\n2 files, 8 steps: 8 passed, 0 failed\n"
    );
    // In the folder itself, and with component and tests named.
    for arguments in [&["test", "todos/todos.wasm"][..], &["test", "todos/todos.wasm", "todos/tests/a.http"]] {
        assert_eq!(folder.ask(arguments, b"").status, Some(0), "{arguments:?}");
    }
}

#[test]
fn a_difference_is_shown_with_place_and_both_values() {
    let failed = fails(
        &CREATE
            .replace("\"tags\": []", "\"tags\": [\"a\"], \"extra\": 1")
            .replace("\"title\": \"milk\", \"notes\"", "\"title\": \"tea\", \"notes\""),
    );
    assert_eq!(
        failed,
        [
            "body.title",
            "expected \"tea\"",
            "found    \"milk\"",
            "body.tags[0]",
            "expected \"a\"",
            "found    nothing",
            "body.extra",
            "expected 1",
            "found    nothing",
        ]
    );
    let failed = fails(&CREATE.replace("\"tags\": [], ", "").replace("application/json", "text/plain"));
    assert_eq!(
        failed,
        [
            "header content-type",
            "expected text/plain",
            "found    application/json",
            "body.tags",
            "expected nothing",
            "found    []"
        ]
    );
    // With another status, the body says why.
    let failed = fails("POST /todos\n\n{\"title\": \"\"}\n\nHTTP 201\n");
    assert_eq!(&failed[..4], ["status", "expected 201", "found    422", "the received body"]);
    assert!(failed.iter().any(|line| line.contains("does not match the pattern")), "{failed:#?}");
    // A failed step is named, and those after it are run.
    let ran = run(
        &project(&[(
            "it.http",
            &format!("{CREATE}\n### Wrong\nGET /todos/{{{{id}}}}\n\nHTTP 404\n\n###\nGET /todos\n"),
        )]),
        &[],
    );
    assert!(ran.stdout.starts_with("FAIL todos/tests/it.http:12: Wrong: GET /todos/1\n"), "{ran:?}");
    assert!(ran.stdout.ends_with("1 file, 3 steps: 2 passed, 1 failed\n"), "{ran:?}");
}

#[test]
fn placeholders_match_any_value_and_nothing_else() {
    let two = "POST /todos\n\n{\"title\": \"a\"}\n###\nPOST /todos\n\n{\"title\": \"b\"}\n###\n";
    let list = |expected: &str| format!("{two}GET /todos\n\nHTTP 200\n\n{expected}\n");
    passes(&list("[{{...}}]"));
    passes(&list("{{_}}"));
    passes(&list("[{{_}}, {{_}}]"));
    passes(&list("[{\"title\": \"a\", {{...}}}, {{...}}]"));
    passes(&list("[{{first}}, {\"title\": \"{{_}}\", {{...}}}]"));
    passes(&list("[{\"id\": 1.0, {{...}}}, {\"id\": 2, {{...}}}]"));
    assert_eq!(fails(&list("[{{_}}]"))[0], "body[1]");
    assert_eq!(fails(&list("[{{_}}, {{_}}, {{_}}]")), ["body[2]", "expected {{_}}", "found    nothing"]);
    assert_eq!(
        fails(&list("[{\"id\": {{id}}, {{...}}}, {\"id\": {{id}}, {{...}}}]")),
        ["body[1].id", "expected {{id}}, which is 1", "found    2"]
    );
    // In quotes it is a text.
    assert_eq!(
        fails(&list("[{\"id\": \"{{_}}\", {{...}}}, {{_}}]")),
        ["body[0].id", "expected \"{{_}}\"", "found    1"]
    );
    // Amid a text, and as a text elsewhere.
    passes(&list(
        "[{\"title\": \"{{t}}\", {{...}}}, {{_}}]\n###\nPOST /todos\n\n{\"title\": \"{{t}} \\\"{{t}}\\\"\", \"tags\": [\"{{t}}\"]}\n\nHTTP 201\n\n{\"title\": \"{{_}} \\\"a\\\"\", \"tags\": [\"{{t}}\"], {{...}}}",
    ));
    // A value that nobody gave.
    assert_eq!(fails("GET /todos/{{id}}\n\nHTTP *\n"), ["no value for {{id}}: no earlier answer of this file gave it"]);
    // Of a header.
    passes(
        "GET /todos\n\nHTTP 200\nx-request-id: {{request}}\n###\nGET /todos\nx-request-id: {{request}}\n\nHTTP 200\nx-request-id: {{request}}",
    );
}

#[test]
fn the_tests_of_the_examples_pass() {
    let tests = root().join("plugins/todos-rust/tests");
    let file = plugin("todos");
    let ran = Folder::new().ask(&["test", &file.display().to_string(), &tests.display().to_string()], b"");
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.ends_with("2 files, 8 steps: 8 passed, 0 failed\n"), "{ran:?}");
}

#[test]
fn a_step_without_an_answer_has_to_succeed() {
    passes("GET /todos\n");
    passes("GET /todos/1\n\nHTTP *\n");
    assert_eq!(fails("GET /todos/1\n")[..3], ["status", "expected a success status", "found    404"]);
}

#[test]
fn texts_bytes_files_and_streams_are_compared_too() {
    let folder = Folder::new();
    folder.write("it/it.wasm", fs::read(fixture("streams")).expect("a component"));
    folder.write("it/tests/hi.bin", "hi");
    folder.write(
        "it/tests/a.http",
        "POST /echo/bytes\n\nbase64,aGk=;\n\nHTTP 200\ncontent-type: application/octet-stream\n\nfile,hi.bin;\n###\n\
         POST /echo/bytes\n\nfile,hi.bin;\n\nHTTP 200\n\nbase64,aGk=;\n###\n\
         POST /echo/bytes\ncontent-type: application/octet-stream\n\none\ntwo\n\nHTTP 200\n\none\n{{_}}wo\n###\n\
         GET /numbers?count=3\n\nHTTP 200\n\n0\n1\n2\n###\nGET /numbers?count=9\n\nHTTP 200\n\n0\n1\n{{...}}\n###\n\
         POST /sum\ncontent-type: application/x-ndjson\n\n1\n2\n\nHTTP 200\n###\nGET /healthz\n\nHTTP 200\n\nok\n###\nHEAD /numbers?count=2\n\nHTTP 200\n",
    );
    let ran = folder.ask(&["test", "it"], b"");
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.starts_with(" INFO guest: saw the end plugin=it request="), "what guests say is told: {ran:?}");
    folder.write("it/tests/a.http", "POST /echo/bytes\n\nbase64,aGk=;\n\nHTTP 200\n\nbase64,aGkh;\n###\nGET /numbers?count=3\n\nHTTP 200\n\n0\n1\n###\nGET /healthz\n\nHTTP 200\n\nOK\n###\nGET /trap?after=2\n");
    let ran = folder.ask(&["test", "it"], b"");
    for line in [
        "expected base64,aGkh;",
        "found    base64,aGk=;",
        "body[2]",
        "expected OK",
        "found    ok",
        "the answer broke off",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    assert!(ran.stdout.ends_with("1 file, 4 steps: 0 passed, 4 failed\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("`unreachable` instruction"), "why is told: {}", ran.stderr);
}

#[test]
fn an_answer_without_end_fails_at_the_deadline() {
    let folder = Folder::new();
    folder.write("it/it.wasm", fs::read(fixture("streams")).expect("a component"));
    folder.write("it/witapi.toml", "[limits]\ndeadline_ms = 300\n");
    folder.write("it/tests/a.http", "GET /silent\n");
    let ran = folder.ask(&["test", "it"], b"");
    assert_eq!(ran.status, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("the answer did not end within 300 ms, the plugin's `deadline_ms`"), "{ran:?}");
}

#[test]
fn update_writes_found_responses_and_keeps_the_rest() {
    let before = "# Todos.\n### Create\nPOST /todos\n\n{\"title\":  \"milk\"}\n\nHTTP 200\nx-request-id: {{_}}\ncontent-type: text/plain\n\n\
                  {\"title\": \"tea\", \"id\": {{id}}, \"tags\": {{_}}, \"gone\": 1, {{...}}}\n\n### Fits\nGET /todos/{{id}}\n\nHTTP 200\n\n{  \"title\":   \"{{_}}\", {{...}}  }\n\n\
                  ### New\nGET /todos/{{id}}\n\n###\nDELETE /todos/{{id}}\n\nHTTP 200\n\n###\nGET /todos\n\nHTTP 200\n\n[1, {{...}}]";
    let after = "# Todos.\n### Create\nPOST /todos\n\n{\"title\":  \"milk\"}\n\nHTTP 201\nx-request-id: {{_}}\ncontent-type: application/json\n\n\
                 {\"title\": \"milk\", \"id\": {{id}}, \"tags\": {{_}}, {{...}}}\n\n### Fits\nGET /todos/{{id}}\n\nHTTP 200\n\n{  \"title\":   \"{{_}}\", {{...}}  }\n\n\
                 ### New\nGET /todos/{{id}}\n\nHTTP 200\n\n{\"id\": 1, \"title\": \"milk\", \"notes\": null, \"priority\": \"normal\", \"tags\": [], \"done\": false}\n\n\
                 ###\nDELETE /todos/{{id}}\n\nHTTP 204\n\n###\nGET /todos\n\nHTTP 200\n\n[{{...}}]\n";
    let folder = project(&[("it.http", before)]);
    let ran = run(&folder, &["--update"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "ok   todos/tests/it.http: 5 steps, 4 updated\n1 file, 5 steps: 1 passed, 0 failed, 4 updated\n"
    );
    let written = fs::read_to_string(folder.path("todos/tests/it.http")).expect("the test");
    assert_eq!(written, after);
    // What was written passes, and is not written again.
    let ran = run(&folder, &["--update"]);
    assert_eq!(ran.stdout, "ok   todos/tests/it.http: 5 steps\n1 file, 5 steps: 5 passed, 0 failed\n");
    assert_eq!(fs::read_to_string(folder.path("todos/tests/it.http")).expect("the test"), after);
}

#[test]
fn what_is_no_test_is_named_with_its_line() {
    for (test, expected) in [
        ("# Nothing.\n", "there is no request in it"),
        ("### A\nget /todos\n", "line 2: expected a request such as `POST /todos`, found `get /todos`"),
        ("GET todos\n", "line 1: expected a request such as `POST /todos`, found `GET todos`"),
        (
            "POST /todos\n{\"title\": 1}\n",
            "line 2: expected a header such as `x-tenant: acme`, or an empty line before the body, found `{\"title\": 1}`",
        ),
        (
            "GET /todos\n\nHTTP yes\n",
            "line 3: expected a status such as `HTTP 201`, or `HTTP *` for any, found `HTTP yes`",
        ),
        (
            "GET /todos\n\nHTTP 200\n\n[\n  1,\n  x]\n",
            "line 7: expected JSON, in which values may be placeholders such as {{id}}, found a body that is no JSON: expected value at line 3 column 3",
        ),
        (
            "GET /todos\n\nHTTP 200\n\nbase64,?;\n",
            "line 5: expected base64 with padding between `base64,` and `;`, found a body that is no base64",
        ),
    ] {
        let (status, printed) = result(test);
        assert_eq!(status, 1, "{test}");
        assert_eq!(printed.lines().next(), Some(&*format!("FAIL todos/tests/it.http: {expected}")), "{test}");
    }
    assert_eq!(
        fails("POST /todos\n\nfile,nothing.bin;\n"),
        ["todos/tests/nothing.bin: No such file or directory (os error 2)"]
    );
}

#[test]
fn a_run_without_tests_has_its_own_exit_status() {
    let folder = project(&[]);
    let trouble = |folder: &Folder, arguments: &[&str], expected: &str| {
        let ran = folder.ask(arguments, b"");
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.stderr.contains(expected), "{ran:?}");
    };
    trouble(&folder, &["test", "todos"], "todos/tests: No such file or directory");
    folder.write("todos/tests/readme.txt", "no test");
    trouble(&folder, &["test", "todos"], "todos/tests: expected at least one test file `*.http`, found none");
    folder.write("todos/tests/a.http", "GET /todos\n");
    assert_eq!(folder.ask(&["test", "todos"], b"").status, Some(0));
    folder.write("todos/todos.wasm", "This is text.");
    trouble(&folder, &["test", "todos"], "todos.wasm: ");
    fs::remove_file(folder.path("todos/todos.wasm")).expect("to remove it");
    trouble(&folder, &["test", "todos"], "todos/todos.wasm is not there; `witapi build` makes it");
    trouble(&folder, &["test", "missing.wasm", "todos/tests"], "missing.wasm: cannot read the file");
    assert_eq!(folder.ask(&["test", "--what"], b"").status, Some(2));
}

#[test]
fn the_configuration_beside_the_component_holds() {
    let folder = project(&[("a.http", "GET /v1/todos\n")]);
    assert_eq!(run(&folder, &[]).status, Some(1));
    folder.write("todos/witapi.toml", "[plugin.todos]\nmount = \"/v1\"\n");
    assert_eq!(run(&folder, &[]).status, Some(0));
    folder.write("other.toml", "");
    assert_eq!(run(&folder, &["--config", "other.toml"]).status, Some(1));
}
