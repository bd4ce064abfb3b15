//! What a component's contract becomes, read off `witapi inspect`: routes by convention, and what is refused at load.

use std::fs;

use serde_json::{Value, json};
use witapi_tests::{
    cli::{self, Folder, refusal, routes},
    dummy_component, host, plugin, send, with_wit,
};

/// An interface `things` with these functions, some types to use in them, and nothing else.
fn with_functions(functions: &str) -> Vec<u8> {
    let types = "record r { a: u8 } enum e { a } variant v { a(u8) } variant unit { a, b } flags f { a }";
    dummy_component(&format!("package a:b; interface things {{ {types} {functions} }} world w {{ export things; }}"))
}

/// The routes of an interface `todos` with these functions.
fn todos(functions: &str) -> Vec<String> {
    routes(&dummy_component(&format!("package a:b; interface todos {{ {functions} }} world w {{ export todos; }}")))
}

#[test]
fn the_rest_of_a_name_is_a_segment_unless_redundant() {
    for (function, route) in [
        ("list-todos: func() -> u8;", "GET /todos 200"),
        ("%list: func() -> u8;", "GET /todos 200"),
        ("get-todo: func(id: u64) -> u8;", "GET /todos/{id} 200"),
        ("get-todos: func(id: u64) -> u8;", "GET /todos/{id} 200"),
        ("get-stats: func() -> u8;", "GET /todos/stats 200"),
        ("list-todos: func(owner-id: u64) -> u8;", "GET /todos 200"),
        ("list-comments: func(todo-id: u64) -> u8;", "GET /todos/{todo_id}/comments 200"),
        ("list-comments: func(todo-id: u64, user-id: u64) -> u8;", "GET /todos/{todo_id}/comments 200"),
        ("get-comment: func(todo-id: u64, comment-id: u64) -> u8;", "GET /todos/{todo_id}/comment/{comment_id} 200"),
        ("set-priority: func(id: u64, value: u8) -> u8;", "PUT /todos/{id}/priority 200"),
        ("complete: func(id: u64) -> u8;", "POST /todos/{id}/complete 200"),
        ("clear-done: func() -> u8;", "POST /todos/clear-done 200"),
        ("create-todo: func() -> u8;", "POST /todos 201"),
        ("create-todo: func();", "POST /todos 204"),
        ("delete-todo: func(id: u64) -> result<_, u8>;", "DELETE /todos/{id} 204"),
        // Only a whole first word counts.
        ("listing: func() -> u8;", "POST /todos/listing 200"),
        ("getter-of: func(id: u64) -> u8;", "POST /todos/{id}/getter-of 200"),
        // A status of the convention holds for a route of the author's too.
        ("@external-id(\"POST /jobs\") create-todo: func() -> u8;", "POST /jobs 201"),
        ("@external-id(\"POST /jobs\") price-todo: func() -> u8;", "POST /jobs 200"),
        ("@external-id(\"POST /jobs 202\") create-todo: func();", "POST /jobs 202"),
        ("@external-id(\"POST /jobs 204\") create-todo: func();", "POST /jobs 204"),
        ("@external-id(\"GET /\") get-root: func() -> u8;", "GET / 200"),
        ("@external-id(\"GET /a-z/~b/$c/d:e/@f/{id}\") get-it: func(id: u8) -> u8;", "GET /a-z/~b/$c/d:e/@f/{id} 200"),
    ] {
        assert_eq!(todos(function), [route], "{function}");
    }
    let categories =
        "package a:b; interface categories { get-category: func(id: u8) -> u8; } world w { export categories; }";
    assert_eq!(routes(&dummy_component(categories)), ["GET /categories/{id} 200"]);
}

#[test]
fn ids_are_the_leading_scalars_that_are_called_so() {
    for (parameters, path) in [
        ("id: u8", "/things/{id}"),
        ("id: s64", "/things/{id}"),
        ("id: f32", "/things/{id}"),
        ("id: bool", "/things/{id}"),
        ("id: char", "/things/{id}"),
        ("id: string", "/things/{id}"),
        ("id: e", "/things/{id}"),
        ("id: unit", "/things/{id}"),
        ("id: list<u8>", "/things/{id}"),
        ("thing-id: string, part-id: u8", "/things/{thing_id}/{part_id}"),
        ("id: u8, name: string, other-id: u8", "/things/{id}"),
        ("name: string, id: u8", "/things"),
        ("ident: u8", "/things"),
        ("id: option<u8>", "/things"),
        ("id: list<u16>", "/things"),
        ("id: f", "/things"),
    ] {
        let component = with_functions(&format!("get-thing: func({parameters}) -> u8;"));
        assert_eq!(routes(&component), [format!("GET {path} 200")], "{parameters}");
    }
}

#[test]
fn functions_of_the_world_are_their_own_resources() {
    let wit = "package a:b; world w {
        export get-hello: func() -> string;
        export get-user: func(id: u64) -> string;
        export restart: func();
        export ban-user: func(id: u64);
    }";
    let component = dummy_component(wit);
    assert!(refusal(&component).contains("found no exported function that can be an operation"));
    let mut routes = routes(&with_wit(&component, wit));
    routes.sort();
    assert_eq!(routes, ["GET /hello 200", "GET /user/{id} 200", "POST /restart 204", "POST /{id}/ban-user 204"]);
}

#[test]
fn only_fully_named_interfaces_are_routed_by_default() {
    let component = dummy_component(
        "package a:b;
         interface things { get-thing: func(id: u32) -> string; }
         world w {
             export things;
             export init: func();
             @external-id(\"GET /named\")
             export named: func() -> string;
             export inner: interface { setup: func(); @external-id(\"GET /inner\") shown: func() -> string; }
         }",
    );
    let mut found = routes(&component);
    found.sort();
    assert_eq!(found, ["GET /inner 200", "GET /named 200", "GET /things/{id} 200"]);
    let routed = with_wit(
        &component,
        "package a:b;
         interface things { get-thing: func(id: u32) -> string; }
         world w {
             export things;
             export init: func();
             export named: func() -> string;
             export inner: interface { setup: func(); shown: func() -> string; }
         }",
    );
    let mut found = routes(&routed);
    found.sort();
    assert_eq!(
        found,
        ["GET /inner 200", "GET /named 200", "GET /things/{id} 200", "POST /init 204", "POST /inner/setup 204"]
    );
}

#[test]
fn exports_that_toolchains_add_are_not_routed() {
    let routes = |name: &str| routes(&fs::read(plugin(name)).expect("a component"));
    assert_eq!(
        routes("greeter"),
        ["GET /greetings 200", "GET /greetings/languages 200", "POST /greetings/welcome 200"]
    );
    assert_eq!(routes("wordcount"), ["POST /words/count 200", "GET /words/stop-words 200"]);
}

#[test]
fn a_malformed_external_id_is_a_load_error() {
    for (id, found, expected) in [
        ("", "the external id ``", "`METHOD /path/{parameter}` with an optional status"),
        ("/things", "the external id `/things`", "`METHOD /path/{parameter}` with an optional status"),
        ("GET /a 200 c", "the external id `GET /a 200 c`", "`METHOD /path/{parameter}` with an optional status"),
        ("GET /a b", "the status `b`", "a number from 200 to 299"),
        ("HEAD /things", "the method `HEAD`", "one of GET, POST, PUT, PATCH, DELETE"),
        ("get /things", "the method `get`", "one of GET, POST, PUT, PATCH, DELETE"),
        ("GET things", "the path `things`", "a path that begins with `/`"),
        ("GET /things//", "the path `/things//`", "no empty segment"),
        ("GET /a//b", "the path `/a//b`", "no empty segment"),
        ("GET /a/../b", "the path `/a/../b`", "segments of characters that need no percent-encoding"),
        ("GET /a%20b", "the path `/a%20b`", "segments of characters that need no percent-encoding"),
        ("GET /a?x=1", "the path `/a?x=1`", "segments of characters that need no percent-encoding"),
        ("GET /{id}/{other}", "the path parameter `{other}`", "one of its parameters: `id`"),
        ("GET /{id}/{id}", "the path parameter `{id}` twice", "it once"),
        ("GET /x{id}", "the path `/x{id}`", "whole `{parameter}` segments"),
        ("GET /things/{id} 404", "the status `404`", "a number from 200 to 299"),
        ("GET /things/{id} 99", "the status `99`", "a number from 200 to 299"),
    ] {
        let message = refusal(&with_functions(&format!("@external-id({id:?}) get-it: func(id: u32) -> string;")));
        for part in ["it.wasm: function `get-it` of interface `things`: expected ", found, expected] {
            assert!(message.contains(part), "{id}: no {part:?} in {message}");
        }
    }
}

#[test]
fn a_parameter_without_a_place_is_a_load_error() {
    for (function, found) in [
        ("list-things: func(filter: r);", "parameter `filter` of type `record r` in the query"),
        ("list-things: func(filter: list<r>);", "parameter `filter` of type `list<record r>` in the query"),
        ("list-things: func(filter: v);", "parameter `filter` of type `variant v` in the query"),
        ("list-things: func(filter: tuple<u8, u8>);", "in the query"),
        ("list-things: func(filter: map<string, u8>);", "in the query"),
        ("list-things: func(filter: option<option<u8>>);", "in the query"),
        ("list-things: func(filter: list<list<u8>>) ;", ""),
        ("delete-thing: func(id: u32, why: r);", "parameter `why` of type `record r` in the query"),
        (
            "@external-id(\"PUT /x/{key}\") put: func(key: list<u32>);",
            "parameter `key` of type `list<u32>` in the path",
        ),
        (
            "@external-id(\"PUT /x/{key}\") put: func(key: option<u32>);",
            "parameter `key` of type `option<u32>` in the path",
        ),
        ("@external-id(\"PUT /x/{key}\") put: func(key: f);", "parameter `key` of type `flags f` in the path"),
    ] {
        let component = with_functions(function);
        if found.is_empty() {
            // A list of bytes is a word of base64 each.
            assert_eq!(routes(&component), ["GET /things 204"]);
            continue;
        }
        let message = refusal(&component);
        assert!(message.contains("of interface `things`: expected ") && message.contains(found), "{message}");
    }
}

#[test]
fn a_type_without_json_is_a_load_error() {
    for (function, item, found) in [
        ("resource res; get-it: func() -> res;", "function `get-it` of interface `things`, result", "`resource`"),
        (
            "resource res; drop-it: func(it: borrow<res>);",
            "function `drop-it` of interface `things`, parameter `it`",
            "`borrow`",
        ),
        (
            "resource res { say: func(); }",
            "function `[method]res.say` of interface `things`",
            "a function of a resource",
        ),
    ] {
        let message = refusal(&with_functions(function));
        assert!(message.contains(item) && message.contains(found), "{message}");
    }
}

#[test]
fn all_that_is_wrong_with_a_contract_is_told_at_once() {
    let message = refusal(&with_functions(
        "get-a: func(id: u32, filter: r); @external-id(\"GET /{x}\") b: func(); list-c: func(); find-c: func();",
    ));
    for item in
        ["function `get-a`", "function `b`", "found the route `GET /things/c`, which `things.list-c` has as well"]
    {
        assert!(message.contains(item), "no {item} in {message}");
    }
}

#[test]
fn a_status_without_a_body_needs_an_empty_result() {
    for status in [204, 205] {
        let message =
            refusal(&with_functions(&format!("@external-id(\"GET /jobs/{{id}} {status}\") job: func(id: u8) -> u8;")));
        assert!(
            message.contains(&format!("found the status {status} for a function that returns a value")),
            "{message}"
        );
    }
}

/// The routes of a component as `witapi inspect` has them with that casing, or why there are none.
fn with_casing(component: &[u8], casing: &str) -> Result<Value, String> {
    let folder = Folder::new();
    folder.write("it.wasm", component);
    folder.write("witapi.toml", format!("[plugin.it]\ncasing = {casing:?}"));
    let ran = folder.run(["inspect", "it.wasm", "--json"]);
    if ran.status == Some(0) { Ok(serde_json::from_str(&ran.printed()).expect("JSON")) } else { Err(ran.refused()) }
}

#[test]
fn a_path_names_parameters_as_wit_or_as_json() {
    for (casing, spelt) in [("snake_case", "thing_id"), ("camelCase", "thingId"), ("kebab-case", "thing-id")] {
        for name in ["thing-id", spelt] {
            let component = with_functions(&format!("@external-id(\"GET /x/{{{name}}}\") a: func(thing-id: u8);"));
            let json = with_casing(&component, casing).expect("a contract");
            assert_eq!(json["operations"][0]["path"], format!("/x/{{{spelt}}}"));
            assert_eq!(json["operations"][0]["parameters"][0], json!({"name": spelt, "in": "path", "type": "u8"}));
        }
    }
    let twice = with_functions("@external-id(\"GET /x/{thing-id}/{thing_id}\") a: func(thing-id: u8);");
    assert!(refusal(&twice).contains("twice"));
}

#[test]
fn names_that_the_casing_makes_equal_are_a_load_error() {
    let members = with_functions("record pair { v1: u8, v-1: u8 } create-thing: func(it: pair);");
    let parameters = with_functions("create-thing: func(v1: u8, v-1: u8);");
    for component in [members, parameters] {
        assert!(with_casing(&component, "snake_case").is_ok());
        assert!(with_casing(&component, "kebab-case").is_ok());
        let message = with_casing(&component, "camelCase").expect_err("a refusal");
        assert!(
            message.contains("function `create-thing` of interface `things`") && message.contains("v1"),
            "{message}"
        );
    }
}

#[test]
fn no_two_operations_have_one_id() {
    let wit =
        "package a:b; interface a { b-c: func(); } interface a-b { c: func(); } world w { export a; export a-b; }";
    let document = cli::document(&dummy_component(wit));
    let ids = ["/a/b-c", "/a-b/c"].map(|path| document["paths"][path]["post"]["operationId"].clone());
    let [first, second] = ids.each_ref().map(|id| id.as_str().expect("an id"));
    assert_eq!(first, "it_a_b_c");
    let digest = second.strip_prefix("it_a_b_c_").expect("something behind it");
    assert!(digest.len() == 6 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{second}");
}

#[test]
fn what_the_text_leaves_out_is_a_warning() {
    let wit = "package a:b; interface one { get-one: func(); } interface two { get-two: func(); } world w { export one; export two; }";
    let component = dummy_component(wit);
    let half = "package a:b; interface one { get-one: func(); } world w { export one; }";
    let warnings = |text: &str| cli::inspected(&with_wit(&component, text))["warnings"].clone();
    assert_eq!(
        warnings(half),
        json!(["function `get-two` of interface `two` is not in the embedded WIT, so it has no documentation"])
    );
    assert_eq!(warnings(wit), json!([]));
}

/// Unknown keywords are warnings wherever they stand, each with the nearest known one.
#[test]
fn an_unknown_keyword_is_a_warning_with_the_nearest() {
    let keyword =
        |item: &str| format!("{item}: the keyword `@minimun` is not known and is left out; the nearest is `@minimum`");
    let wit = "package a:b; interface one { record r { a: u8 } enum e { b } get-one: func(id: e) -> r; } world w { export one; }";
    let text = wit
        .replace("record", "/// @minimun 1\nrecord")
        .replace("a: u8", "/// @minimun 1\na: u8")
        .replace("enum e { b", "enum e { /// @minimun 1\nb")
        .replace("get-one:", "/// @minimun 1\n/// @param id It. @zzz 5\nget-one:")
        .replace("interface one {", "/// @minimun 1\ninterface one {")
        .replace("package a:b;", "/// @minimun 1\npackage a:b;");
    let warnings = cli::inspected(&with_wit(&dummy_component(wit), &text))["warnings"].clone();
    let mut warnings: Vec<_> =
        warnings.as_array().expect("warnings").iter().map(|it| it.as_str().expect("text").to_owned()).collect();
    warnings.sort();
    let items = [
        "function `get-one` of interface `one`",
        "interface `one`",
        "package `a:b`",
        "type `e`, case `b`",
        "type `r`, member `a`",
        "type `r`",
    ];
    assert_eq!(warnings, items.map(keyword));
}

#[tokio::test]
async fn streams_need_no_async_function() {
    let wit = "package test:dummy@1.0.0;
        interface things {
            take: func(bytes: stream<u8>);
            make: func() -> stream<string>;
            wait: func(v: future<u32>);
        }
        world w { export things; }";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dummy.wasm");
    fs::write(&file, dummy_component(wit)).expect("a file");
    let host = host().component("dummy", file).start().await;
    for path in ["/things/take", "/things/make", "/things/wait"] {
        let body = if path.ends_with("wait") { Some("{\"v\": 1}") } else { None };
        let mut request = host.request("POST", path);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        // It is called, and traps.
        assert_eq!(send(request).await.status, 500, "{path}");
    }
}
