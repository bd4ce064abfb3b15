//! What has no contract is refused with a message that names the item, what was found and what was expected.

use witapi_tests::{dummy_component, host, with_wit};

use super::Inspection;

/// The message with which the component is refused.
fn refusal_of(bytes: &[u8], arguments: &[&str]) -> String {
    let inspection = Inspection::new();
    std::fs::write(inspection.folder.path().join("camel.toml"), "[plugin.plugin]\ncasing = \"camelCase\"\n")
        .expect("a file");
    let output = inspection.run(bytes, arguments);
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{}{stderr}", String::from_utf8_lossy(&output.stdout));
    stderr
}

/// Asserts that the refusal holds each of `parts`.
fn refuses(bytes: &[u8], parts: &[&str]) {
    check(&refusal_of(bytes, &[]), parts);
}

fn check(refusal: &str, parts: &[&str]) {
    assert!(refusal.contains("plugin.wasm"), "no file: {refusal}");
    for part in ["found ", "expected "].iter().chain(parts) {
        assert!(refusal.contains(part), "no `{part}`: {refusal}");
    }
}

fn interface(items: &str) -> String {
    format!("package test:things;\ninterface things {{\n{items}\n}}\nworld w {{ export things; }}\n")
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_file_that_is_not_a_component_is_identified() {
    refuses(b"", &["found an empty file", "component"]);
    refuses(b"hello", &["found a file that does not begin with `\\0asm`", "component"]);
    refuses(b"(component)", &["found a file that does not begin with `\\0asm`"]);
    refuses(&wat("(module)"), &["found a core WebAssembly module", "component new"]);
    refuses(b"\0asm", &["found a truncated file"]);
    refuses(&wat("(component)"), &["found no exported function", "exported interface"]);
    refuses(&[&wat("(component)")[..], b"\x07\xff"].concat(), &["the file: expected"]);
    refuses(b"\0asm\xff\xff\xff\xff", &["found invalid WebAssembly"]);
}

#[test]
fn a_wit_package_is_not_taken_for_a_component() {
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_source("p.wit", &interface("f: func();")).expect("WIT");
    let bytes = wit_component::encode(&resolve, package).expect("bytes");
    refuses(&bytes, &["found a WIT package encoded as wasm", "a component with code"]);
}

#[test]
fn a_component_without_a_full_interface_is_rejected() {
    let bytes = dummy_component("package test:none;\nworld w { export init: func(); }\n");
    refuses(&bytes, &["found no exported function", "ns:pkg/iface", "external-id"]);
}

#[test]
fn types_without_json_are_rejected_by_name() {
    for (items, parts) in [
        ("resource r; f: func(v: borrow<r>);", ["function `f` of interface `things`, parameter `v`", "`borrow`"]),
        ("resource r; f: func() -> r;", ["function `f` of interface `things`, result", "`resource`"]),
        ("resource r; f: func(v: list<option<r>>);", ["parameter `v`", "`resource`"]),
        ("resource r { m: func(); }", ["function `[method]r.m` of interface `things`", "a function of a resource"]),
        (
            "resource r { constructor(); }",
            ["function `[constructor]r` of interface `things`", "a function of a resource"],
        ),
        ("f: func(v: list<stream<u8>>);", ["function `f` of interface `things`, parameter `v`", "`stream`"]),
        ("f: func() -> option<future<u32>>;", ["function `f` of interface `things`, result", "`future`"]),
        ("f: func() -> future<stream<u32>>;", ["function `f` of interface `things`, result", "`stream`"]),
        ("f: func() -> result<u32, stream<u32>>;", ["function `f` of interface `things`, result", "`stream`"]),
        ("f: func(v: result<stream<u32>>);", ["function `f` of interface `things`, parameter `v`", "`stream`"]),
        ("f: func() -> stream;", ["function `f` of interface `things`, result", "a `stream` of nothing"]),
        ("get-f: func(v: stream<u8>);", ["parameter `v` of type `stream<u8>` in the query", "a stream as the body"]),
        (
            "f: func(v: stream<u8>, w: u32);",
            ["parameter `v` of type `stream<u8>` in the body, with `w`", "alone in the body"],
        ),
        ("f: func(v: stream<u8>, w: stream<u8>);", ["in the body, with `w`", "alone in the body"]),
        ("record r { s: stream<string> } f: func(v: r);", ["function `f` of interface `things`", "`stream`"]),
        ("f: func() -> result<_, error-context>;", ["function `f` of interface `things`, result", "`error-context`"]),
    ] {
        refuses(&dummy_component(&interface(items)), &parts);
    }
}

#[test]
fn every_problem_of_a_component_is_told_at_once() {
    let items = "resource r;\n a: func(v: borrow<r>);\n b: func() -> r;\n @external-id(\"GET\") c: func();";
    refuses(&dummy_component(&interface(items)), &["`a`", "`b`", "`c`", "`borrow`", "`resource`", "`GET`"]);
}

#[test]
fn two_operations_of_one_route_are_both_named() {
    let items = "get-thing: func(id: u32);\n read-thing: func(id: string);";
    let parts = ["`things.get-thing`", "`things.read-thing`", "GET /things/{id}", "external-id"];
    refuses(&dummy_component(&interface(items)), &parts);
    let items = "@external-id(\"PUT /x/{a}\") f: func(a: u32);\n @external-id(\"PUT /x/{b}\") g: func(b: u32);";
    refuses(&dummy_component(&interface(items)), &["`things.g`", "`things.f`", "PUT /x/{b}"]);
}

#[test]
fn an_external_id_names_parameters_that_are_there() {
    let refused = |items: &str, parts: &[&str]| {
        let items = format!("{items};\n other: func();");
        refuses(&dummy_component(&interface(&items)), &[&["function `f` of interface `things`"], parts].concat());
    };
    refused("@external-id(\"GET /x/{nope}\") f: func(id: u32)", &["`{nope}`", "`/x/{nope}`", "`id`"]);
    refused("@external-id(\"GET /x/{nope}\") f: func()", &["`{nope}`", "none, since the function has no parameters"]);
    refused("@external-id(\"GET /x/{id}/{id}\") f: func(id: u32)", &["`{id}` twice", "once"]);
    refused(
        "@external-id(\"GET /x/{v}\") f: func(v: list<string>)",
        &["`v` of type `list<string>` in the path", "scalar"],
    );
    refused("@external-id(\"GET /x\") f: func(v: tuple<u8>)", &["`v` of type `tuple<u8>` in the query", "scalars"]);
    refused("record r { a: u8 } @external-id(\"GET /x\") f: func(v: r)", &["`v` of type `record r` in the query"]);
}

#[test]
fn a_record_in_a_query_is_refused_by_convention_too() {
    let items = "record filter { a: u8 }\n list-things: func(by: filter);";
    let parts =
        ["function `list-things` of interface `things`", "`by` of type `record filter` in the query", "external-id"];
    refuses(&dummy_component(&interface(items)), &parts);
}

#[test]
fn a_malformed_external_id_is_quoted() {
    let form = "`METHOD /path/{parameter}`";
    for (id, quoted, expected) in [
        ("", "``", form),
        ("GET", "`GET`", form),
        ("GET /a 200 b", "`GET /a 200 b`", form),
        ("get /x", "`get`", "GET, POST, PUT, PATCH, DELETE"),
        ("OPTIONS /x", "`OPTIONS`", "GET, POST, PUT, PATCH, DELETE"),
        ("GET x", "`x`", "begins with `/`"),
        ("GET /x 99", "`99`", "from 200 to 299"),
        ("GET /x 404", "`404`", "from 200 to 299"),
        ("GET /x ok", "`ok`", "from 200 to 299"),
        ("GET /x//", "`/x//`", "no empty segment"),
        ("GET //x", "`//x`", "no empty segment"),
        ("GET /{}", "`/{}`", "a parameter's name"),
        ("GET /a{b}", "`/a{b}`", "whole `{parameter}` segments"),
        ("GET /ä", "`/ä`", "percent-encoding"),
        ("GET /../x", "`/../x`", "percent-encoding"),
        ("GET /a%2Fb", "`/a%2Fb`", "percent-encoding"),
        ("GET /a?b", "`/a?b`", "percent-encoding"),
    ] {
        let items = format!("@external-id(\"{id}\")\n f: func(b: u32);");
        refuses(&dummy_component(&interface(&items)), &["function `f` of interface `things`", quoted, expected]);
    }
}

#[test]
fn embedded_wit_that_disagrees_is_refused_by_item() {
    let component = |items| dummy_component(&interface(items));
    let embedded = "embedded WIT";
    for (items, text, parts) in [
        (
            "f: func(v: u8);",
            "f: func(v: u16);",
            vec!["function `f` of interface `things`, parameter v", "`u8`", "`u16`"],
        ),
        ("f: func(v: u8);", "f: func(w: u8);", vec!["function `f` of interface `things`, parameters", "`v`", "`w`"]),
        ("f: func() -> u8;", "f: func();", vec!["function `f` of interface `things`, result", "`u8`", "no value"]),
        ("f: func();", "f: func(); g: func();", vec!["function `g` of interface `things`", "not in the component"]),
        ("f: func(); g: func();", "f: func();", vec!["function `g` of interface `things`", "not in the embedded WIT"]),
        (
            "record r { a: list<tuple<u8, string>> } f: func(v: r);",
            "record r { a: list<tuple<u8, char>> } f: func(v: r);",
            vec!["parameter v.a[][1]", "`string`", "`char`"],
        ),
        ("enum e { a, b } f: func(v: e);", "enum e { a, c } f: func(v: e);", vec!["parameter v", "`a, b`", "`a, c`"]),
        ("flags e { a, b } f: func(v: e);", "enum e { a, b } f: func(v: e);", vec!["`flags e`", "`enum e`"]),
    ] {
        let bytes = with_wit(&component(items), &interface(text));
        refuses(&bytes, &[&parts[..], &[embedded]].concat());
    }
}

#[test]
fn equal_embedded_wit_in_other_words_is_accepted() {
    for (items, text) in [
        ("f: func(v: list<u8>);", "f: func(v: list<u8>);"),
        ("type id = u32; f: func(v: id);", "type id = u32; f: func(v: id);"),
        ("type byte = u8; f: func(v: list<byte>);", "type byte = u8; f: func(v: list<byte>);"),
        ("type byte = u8; f: func(v: list<byte>);", "f: func(v: list<u8>);"),
        ("f: func(v: list<u8>);", "type byte = u8; f: func(v: list<byte>);"),
        ("type t = list<string>; f: func(v: option<t>);", "f: func(v: option<list<string>>);"),
        ("f: func(v: map<string, u8>);", "f: func(v: map<string, u8>);"),
        ("f: func(v: list<u16, 3>);", "f: func(v: list<u16, 3>);"),
    ] {
        let bytes = with_wit(&dummy_component(&interface(items)), &interface(text));
        let output = Inspection::new().run(&bytes, &[]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{items} with {text}: {stderr}");
    }
}

#[test]
fn embedded_wit_that_is_no_wit_is_refused() {
    let section = "the section `witapi:wit`";
    let component = dummy_component(&interface("f: func();"));
    refuses(&with_wit(&component, "no WIT"), &[section, "WIT that does not parse", "embed"]);
    refuses(&with_wit(&component, &" ".repeat((4 << 20) + 1)), &[section, "4194305 bytes", "at most 4194304"]);
    let mut bytes = component.clone();
    let custom = wasm_encoder::CustomSection { name: "witapi:wit".into(), data: b"package \xff\xfe".as_slice().into() };
    wasm_encoder::ComponentSection::append_to_component(&custom, &mut bytes);
    refuses(&bytes, &[section, "not text", "UTF-8"]);
}

#[test]
fn names_that_the_casing_makes_equal_are_rejected() {
    for (items, item) in [
        ("record r { v-1: u8, v1: u8 } f: func(v: r);", "function `f` of interface `things`, parameter `v`"),
        ("f: func(v-1: u8, v1: u8);", "function `f` of interface `things`"),
        ("list-things: func(v-1: u8, v1: u8);", "function `list-things` of interface `things`"),
    ] {
        let bytes = dummy_component(&interface(items));
        let snake = Inspection::new().run(&bytes, &[]);
        assert_eq!(snake.status.code(), Some(0), "{}", String::from_utf8_lossy(&snake.stderr));
        check(&refusal_of(&bytes, &["--config", "camel.toml"]), &[item, "`v-1`", "`v1`"]);
    }
}

#[tokio::test]
async fn an_ungranted_import_is_rejected_by_name() {
    let wit = "package test:things;\ninterface secrets { get: func() -> string; }\ninterface things { f: func(); }\n\
               world w { import secrets; export things; }\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("curious.wasm");
    std::fs::write(&file, dummy_component(wit)).expect("a file");
    let host = host().component("curious", file).start().await;
    let status = host.status("curious").await.to_string();
    for part in ["curious.wasm", "test:things/secrets"] {
        assert!(status.contains(part), "no `{part}`: {status}");
    }
    assert_eq!(host.get("/openapi.json").await.status, 200);
}
