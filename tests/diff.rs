//! `witapi inspect --diff`: what a client of one contract notices of the next.

mod chance;

use std::fs;

use serde_json::{Value, json};
use witapi_tests::{
    cli::{Folder, Ran},
    dummy_component, plugin, with_wit,
};

/// Two versions of a component, with documentation, compared.
fn compared(old: &str, new: &str, more: &[&str]) -> Ran {
    let folder = Folder::new();
    for (name, wit) in [("old.wasm", old), ("new.wasm", new)] {
        folder.write(name, with_wit(&dummy_component(wit), wit));
    }
    folder.ask(&[&["inspect", "--diff", "old.wasm", "new.wasm"], more].concat(), b"")
}

/// Two versions of `interface things`, as lines such as `breaking things/take: …`.
fn changes(old: &str, new: &str) -> Vec<String> {
    let wit = |body: &str| format!("package a:b;\ninterface things {{\n{body}\n}}\nworld w {{ export things; }}\n");
    let ran = compared(&wit(old), &wit(new), &[]);
    assert_eq!(ran.stderr, "", "{old}\n{new}");
    let mut lines: Vec<String> =
        ran.stdout.lines().map(|line| line.replacen("  ", " ", 1).replace("   ", " ")).collect();
    let last = lines.pop().expect("a last line");
    let breaks = lines.iter().filter(|line| line.starts_with("breaking ")).count();
    if lines.is_empty() {
        assert_eq!(last, "no change of the contract");
    } else {
        assert_eq!(last, format!("{breaks} breaking, {} compatible", lines.len() - breaks));
    }
    assert_eq!(ran.status, Some(i32::from(breaks > 0)), "{lines:#?}");
    lines
}

/// A type `it`, before and after, in a request and in an answer: what breaks or does not, from its place on.
#[track_caller]
fn type_change(old: &str, new: &str, input: &[&str], output: &[&str]) {
    let functions = "take: func(v: it, n: bool);\n give: func() -> tuple<it>;";
    let found = changes(&format!("{old}\n{functions}"), &format!("{new}\n{functions}"));
    let input = input.iter().map(|line| {
        line.replacen("! ", "breaking things/take: body.v", 1).replacen("~ ", "compatible things/take: body.v", 1)
    });
    let output = output.iter().map(|line| {
        line.replacen("! ", "breaking things/give: answer[0]", 1).replacen("~ ", "compatible things/give: answer[0]", 1)
    });
    assert_eq!(found, input.chain(output).collect::<Vec<_>>(), "{old}\n→\n{new}");
}

/// The same with the second version first.
#[track_caller]
fn both_ways(old: &str, new: &str, [input, output]: [&[&str]; 2], [input_back, output_back]: [&[&str]; 2]) {
    type_change(old, new, input, output);
    type_change(new, old, input_back, output_back);
}

#[test]
fn the_same_contract_has_no_change() {
    for name in ["todos", "orders", "greeter"] {
        let folder = Folder::new();
        folder.write("old.wasm", fs::read(plugin(name)).expect("a component"));
        let ran = folder.ask(&["inspect", "--diff", "old.wasm", "old.wasm"], b"");
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "no change of the contract\n"));
    }
}

#[test]
fn a_number_may_take_more_and_give_less() {
    both_ways(
        "type it = u16;",
        "type it = u32;",
        [
            &["~ : u16 → u32: greater numbers are accepted as well"],
            &["! : u16 → u32: greater numbers may be returned that were not before"],
        ],
        [
            &["! : u32 → u16: greater numbers that were accepted are now rejected"],
            &["~ : u32 → u16: greater numbers are no longer returned"],
        ],
    );
    both_ways(
        "type it = u32;",
        "type it = f64;",
        [
            &["~ : u32 → f64: smaller numbers and greater numbers and fractions are accepted as well"],
            &["! : u32 → f64: smaller numbers and greater numbers and fractions may be returned that were not before"],
        ],
        [
            &["! : f64 → u32: smaller numbers and greater numbers and fractions that were accepted are now rejected"],
            &["~ : f64 → u32: smaller numbers and greater numbers and fractions are no longer returned"],
        ],
    );
    type_change(
        "type it = u32;",
        "type it = s32;",
        &["! : u32 → s32: greater numbers that were accepted are now rejected"],
        &["! : u32 → s32: smaller numbers may be returned that were not before"],
    );
    // What the author demands counts, and not only the type.
    type_change(
        "/// @maximum 100\n type it = u16;",
        "/// @maximum 100\n type it = u32;",
        &["~ : u16 → u32: the values stay the same"],
        &["~ : u16 → u32: the values stay the same"],
    );
}

#[test]
fn looser_input_and_tighter_output_are_compatible() {
    for (ty, old, new, what, values, what_back) in [
        ("string", "@maxLength 280", "@maxLength 100", "@maxLength 280 → 100", "longer texts", "@maxLength 100 → 280"),
        ("string", "", "@minLength 1", "@minLength 1 is new", "shorter texts", "@minLength 1 is removed"),
        ("string", "", "@pattern ^a", "@pattern ^a is new", "other texts", "@pattern ^a is removed"),
        ("string", "", "@format uuid", "@format uuid is new", "other texts", "@format uuid is removed"),
        ("u32", "@minimum 1", "@minimum 5", "@minimum 1 → 5", "smaller numbers", "@minimum 5 → 1"),
        ("u32", "", "@maximum 9", "@maximum 9 is new", "greater numbers", "@maximum 9 is removed"),
        (
            "f64",
            "@maximum 9",
            "@exclusiveMaximum 9",
            "@maximum 9 → @exclusiveMaximum 9",
            "greater numbers",
            "@exclusiveMaximum 9 → @maximum 9",
        ),
        (
            "f64",
            "",
            "@exclusiveMinimum 0",
            "@exclusiveMinimum 0 is new",
            "smaller numbers",
            "@exclusiveMinimum 0 is removed",
        ),
        ("u32", "@multipleOf 2", "@multipleOf 4", "@multipleOf 4 is new", "other numbers", "@multipleOf 4 is removed"),
        ("list<string>", "", "@minItems 1", "@minItems 1 is new", "shorter lists", "@minItems 1 is removed"),
        ("list<string>", "@maxItems 3", "@maxItems 2", "@maxItems 3 → 2", "longer lists", "@maxItems 2 → 3"),
        (
            "list<string>",
            "",
            "@uniqueItems",
            "@uniqueItems is new",
            "lists that repeat an item",
            "@uniqueItems is removed",
        ),
        (
            "map<string, u8>",
            "",
            "@minProperties 1",
            "@minProperties 1 is new",
            "smaller maps",
            "@minProperties 1 is removed",
        ),
        (
            "map<string, u8>",
            "@maxProperties 3",
            "@maxProperties 2",
            "@maxProperties 3 → 2",
            "larger maps",
            "@maxProperties 2 → 3",
        ),
        ("option<string>", "", "@maxLength 9", "@maxLength 9 is new", "longer texts", "@maxLength 9 is removed"),
    ] {
        let with = |rule: &str| format!("/// It.\n /// {rule}\n type it = {ty};");
        both_ways(
            &with(old),
            &with(new),
            [
                &[&format!("! : {what}: {values} that were accepted are now rejected")],
                &[&format!("~ : {what}: {values} are no longer returned")],
            ],
            [
                &[&format!("~ : {what_back}: {values} are accepted as well")],
                &[&format!("! : {what_back}: {values} may be returned that were not before")],
            ],
        );
    }
    // Another pattern is neither looser nor tighter.
    type_change(
        "/// @pattern ^a\n type it = string;",
        "/// @pattern ^b\n type it = string;",
        &["! : @pattern ^a → ^b: other texts that were accepted are now rejected"],
        &["! : @pattern ^a → ^b: other texts may be returned that were not before"],
    );
    // The same bounds in other words.
    type_change("/// @minimum 1\n type it = u8;", "/// @exclusiveMinimum 0\n type it = u8;", &[], &[]);
    type_change(
        "type name = string; /// @maxLength 5\n type it = name;",
        "/// @maxLength 5\n type it = string;",
        &[],
        &[],
    );
}

#[test]
fn optional_members_may_be_added_and_none_removed() {
    let two = "record it { a: u8, b: u8 }";
    both_ways(
        "record it { a: u8 }",
        two,
        [
            &["! .b: added, required: requests without it are rejected"],
            &["~ .b: added: clients ignore members that they do not know"],
        ],
        [&["! .b: removed: requests with it are rejected"], &["! .b: removed: clients that read it find nothing"]],
    );
    type_change(
        "record it { a: u8 }",
        "record it { a: u8, b: option<u8> }",
        &["~ .b: added: it is optional"],
        &["~ .b: added: clients ignore members that they do not know"],
    );
    both_ways(
        two,
        "record it { a: u8, b: option<u8> }",
        [
            &["~ .b: no longer required: it is optional", "~ .b: u8 → option<u8>: `null` values are accepted as well"],
            &["! .b: u8 → option<u8>: `null` values may be returned that were not before"],
        ],
        [
            &[
                "! .b: now required: requests without it are rejected",
                "! .b: option<u8> → u8: `null` values that were accepted are now rejected",
            ],
            &["~ .b: option<u8> → u8: `null` values are no longer returned"],
        ],
    );
    both_ways(
        two,
        "record it { a: u8, /// @default 3\n b: u8 }",
        [&["~ .b: no longer required: it is optional"], &[]],
        [&["! .b: now required: requests without it are rejected"], &[]],
    );
    type_change(
        "record it { /// @default 3\n a: u8 }",
        "record it { /// @default 4\n a: u8 }",
        &["~ .a: @default 3 → 4: requests without it mean something else"],
        &[],
    );
    // In another order, under another name, from another place: the same JSON.
    type_change("record it { a: u8, b: u8 }", "record other { b: u8, a: u8 } type it = other;", &[], &[]);
}

#[test]
fn cases_may_join_input_and_leave_output() {
    for (keyword, called) in [("enum", "the word"), ("flags", "the flag"), ("variant", "the word")] {
        both_ways(
            &format!("{keyword} it {{ a, b }}"),
            &format!("{keyword} it {{ a, b, c }}"),
            [
                &[&format!("~ : `c` added: {called} `c` is accepted as well")],
                &[&format!("! : `c` added: {called} `c` may be returned, which clients do not know")],
            ],
            [
                &[&format!("! : `c` removed: requests with {called} `c` are rejected")],
                &[&format!("~ : `c` removed: {called} `c` is no longer returned")],
            ],
        );
    }
    both_ways(
        "variant it { a(u8), b }",
        "variant it { a(u16), b, c }",
        [
            &[
                "~ : `c` added: the case `c` is accepted as well",
                "~ .a: u8 → u16: greater numbers are accepted as well",
            ],
            &[
                "! : `c` added: the case `c` may be returned, which clients do not know",
                "! .a: u8 → u16: greater numbers may be returned that were not before",
            ],
        ],
        [
            &[
                "! : `c` removed: requests with the case `c` are rejected",
                "! .a: u16 → u8: greater numbers that were accepted are now rejected",
            ],
            &[
                "~ : `c` removed: the case `c` is no longer returned",
                "~ .a: u16 → u8: greater numbers are no longer returned",
            ],
        ],
    );
    both_ways(
        "variant it { a(u8), b }",
        "variant it { a(u8), b(string) }",
        [
            &["! .b.val: added, required: requests without it are rejected"],
            &["~ .b.val: added: clients ignore members that they do not know"],
        ],
        [
            &["! .b.val: removed: requests with it are rejected"],
            &["! .b.val: removed: clients that read it find nothing"],
        ],
    );
    both_ways(
        "enum it { a, b }",
        "type it = string;",
        [
            &["~ : enum it → string: other texts are accepted as well"],
            &["! : enum it → string: other texts may be returned that were not before"],
        ],
        [
            &["! : string → enum it: other texts that were accepted are now rejected"],
            &["~ : string → enum it: other texts are no longer returned"],
        ],
    );
}

#[test]
fn another_type_breaks_both_ways() {
    for (old, new) in [
        ("type it = string;", "type it = u32;"),
        ("type it = bool;", "type it = u8;"),
        ("type it = list<u8>;", "type it = string;"),
        ("type it = list<u8>;", "type it = list<u16>;"),
        ("type it = list<u16>;", "type it = tuple<u16, u16>;"),
        ("type it = tuple<u8>;", "type it = tuple<u8, u8>;"),
        ("type it = list<u16, 2>;", "type it = list<u16, 3>;"),
        ("type it = map<string, u8>;", "type it = map<u8, u8>;"),
        ("record it { a: u8 }", "type it = map<string, u8>;"),
        ("enum it { a }", "variant it { a(u8) }"),
        ("type it = option<u8>;", "type it = option<option<u8>>;"),
    ] {
        let functions = "take: func(v: it, n: bool);\n give: func() -> tuple<it>;";
        let found = changes(&format!("{old}\n{functions}"), &format!("{new}\n{functions}"));
        assert_eq!(found.len(), 2, "{found:#?}");
        let what = found[0].strip_prefix("breaking things/take: body.v: ").unwrap_or_else(|| panic!("{found:#?}"));
        assert!(what.contains(" → ") && what.ends_with(": values that were accepted are now rejected"), "{what}");
        assert!(found[1].starts_with("breaking things/give: answer[0]: "), "{found:#?}");
    }
    // Within others, the place is said.
    for (outer, step) in [
        ("list<inner>", "[]"),
        ("list<inner, 2>", "[]"),
        ("tuple<bool, inner>", "[1]"),
        ("option<inner>", ""),
        ("option<option<inner>>", ".some"),
        ("result<inner>", ".ok"),
        ("result<_, inner>", ".err"),
        ("map<string, inner>", "{}"),
        ("map<u8, inner>", "{}"),
    ] {
        type_change(
            &format!("type inner = u32; type it = {outer};"),
            &format!("type inner = u16; type it = {outer};"),
            &[&format!("! {step}: u32 → u16: greater numbers that were accepted are now rejected")],
            &[&format!("~ {step}: u32 → u16: greater numbers are no longer returned")],
        );
    }
    type_change(
        "type it = list<u16, 2>;",
        "type it = list<u16>;",
        &["~ : list<u16, 2> → list<u16>: lists of other lengths are accepted as well"],
        &["! : list<u16, 2> → list<u16>: lists of other lengths may be returned that were not before"],
    );
}

#[test]
fn operations_and_their_routes_are_followed() {
    let get = "get-thing: func(id: u32) -> u8;";
    let cases: [(&str, &str, &[&str]); 9] = [
        ("", get, &["compatible things/get-thing: added: `GET /things/{id}` is served as well"]),
        (get, "", &["breaking things/get-thing: removed: `GET /things/{id}` is answered no more"]),
        (
            get,
            "read-thing: func(id: u32) -> u8;",
            &[
                "compatible things/get-thing: things/get-thing → things/read-thing: requests are answered as before; generated clients call it otherwise",
            ],
        ),
        (get, "get-thing: func(thing-id: u32) -> u8;", &[]),
        (
            get,
            "/// @external-id\n@external-id(\"GET /stuff/{id}\")\n get-thing: func(id: u32) -> u8;",
            &["breaking things/get-thing: GET /things/{id} → GET /stuff/{id}: requests to the old route fail"],
        ),
        (
            get,
            "@external-id(\"POST /things/{id}\")\n get-thing: func(id: u32) -> u8;",
            &["breaking things/get-thing: GET /things/{id} → POST /things/{id}: requests to the old route fail"],
        ),
        (
            get,
            "get-thing: func(id: u16) -> u8;",
            &["breaking things/get-thing: path.id: u32 → u16: greater numbers that were accepted are now rejected"],
        ),
        // In a path every number is a text, so any text is more.
        (
            get,
            "get-thing: func(id: string) -> u8;",
            &["compatible things/get-thing: path.id: u32 → string: other texts are accepted as well"],
        ),
        (
            get,
            "/// @deprecated\n get-thing: func(id: u32) -> u8;",
            &["compatible things/get-thing: deprecated: it works as before"],
        ),
    ];
    // A component without any operation has no contract.
    let other = "touch: func();\n";
    for (old, new, expected) in cases {
        assert_eq!(changes(&format!("{other}{old}"), &format!("{other}{new}")), expected, "{old} → {new}");
    }
}

#[test]
fn parameters_and_bodies_are_followed() {
    let cases: [(&str, &str, &[&str]); 14] = [
        (
            "list-x: func();",
            "list-x: func(q: option<u8>);",
            &["compatible things/list-x: query.q: added: it is optional"],
        ),
        (
            "list-x: func();",
            "list-x: func(q: list<u8>);",
            &["breaking things/list-x: query.q: added, required: requests without it are rejected"],
        ),
        (
            "list-x: func();",
            "list-x: func(q: list<u16>);",
            &["compatible things/list-x: query.q: added: it is optional"],
        ),
        (
            "list-x: func();",
            "list-x: func(q: u8);",
            &["breaking things/list-x: query.q: added, required: requests without it are rejected"],
        ),
        (
            "list-x: func(q: option<u8>);",
            "list-x: func();",
            &["breaking things/list-x: query.q: removed: its value is ignored"],
        ),
        (
            "list-x: func(q: option<u8>);",
            "list-x: func(q: u8);",
            &["breaking things/list-x: query.q: now required: requests without it are rejected"],
        ),
        (
            "list-x: func(q: u8);",
            "list-x: func(q: list<u16>);",
            &[
                "compatible things/list-x: query.q: no longer required: it is optional",
                "compatible things/list-x: query.q: u8 → list<u16>: several words are accepted as well",
                "compatible things/list-x: query.q: u8 → u16: greater numbers are accepted as well",
            ],
        ),
        (
            "list-x: func(q: option<u8>);",
            "/// @header x-q q\n list-x: func(q: option<u8>);",
            &[
                "breaking things/list-x: query.q: removed: its value is ignored",
                "compatible things/list-x: header.x-q: added: it is optional",
            ],
        ),
        (
            "make: func(a: u8, b: u8);",
            "make: func(a: u8, b: u8, c: option<u8>);",
            &["compatible things/make: body.c: added: it is optional"],
        ),
        // One record, and its members on their own, are the same body.
        ("record r { a: u8, b: u8 } make: func(r: r);", "make: func(a: u8, b: u8);", &[]),
        (
            "make: func();",
            "make: func(a: u8);",
            &["breaking things/make: body.a: added, required: requests without it are rejected"],
        ),
        (
            "make: func(a: list<u8>);",
            "make: func(a: list<u16>);",
            &["breaking things/make: body: bytes → list<u16>: accepted bodies are now rejected"],
        ),
        (
            "make: func(a: list<u16>);",
            "make: func();",
            &["breaking things/make: body: list<u16> is removed: the body of requests is ignored"],
        ),
        (
            "make: func(a: list<u16>);",
            "make: func(a: list<u8>);",
            &["breaking things/make: body: list<u16> → bytes: accepted bodies are now rejected"],
        ),
    ];
    for (old, new, expected) in cases {
        assert_eq!(changes(old, new), expected, "{old} → {new}");
    }
}

#[test]
fn answers_and_errors_are_followed() {
    let error = |cases: &str| format!("variant e {{ {cases} }} make: func() -> result<u8, e>;");
    let cases: Vec<(String, String, Vec<&str>)> = vec![
        (
            "make: func() -> u8;".into(),
            "/// @status 202\n make: func() -> u8;".into(),
            vec!["breaking things/make: answer: status 200 → 202: clients that expect the old status do not get it"],
        ),
        (
            "make: func() -> u8;".into(),
            "make: func();".into(),
            vec![
                "breaking things/make: answer: status 200 → 204: clients that expect the old status do not get it",
                "breaking things/make: answer: the body is removed: clients that read it find nothing",
            ],
        ),
        (
            "make: func() -> list<u8>;".into(),
            "make: func() -> string;".into(),
            vec![
                "breaking things/make: answer: application/octet-stream → application/json: clients cannot read the response",
            ],
        ),
        (
            "get-x: func() -> u8;".into(),
            "get-x: func() -> option<u8>;".into(),
            vec![
                "breaking things/get-x: error: 404 for `none` is new: u8: it can occur where there always was a value",
            ],
        ),
        (
            "get-x: func() -> option<u8>;".into(),
            "get-x: func() -> u8;".into(),
            vec!["compatible things/get-x: error: 404 for `none` is removed: it no longer occurs"],
        ),
        (
            "make: func() -> u8;".into(),
            error("a"),
            vec!["breaking things/make: error: variant e is new: it can occur where there always was a success"],
        ),
        (error("a"), "make: func() -> u8;".into(), vec!["compatible things/make: error: removed: it no longer occurs"]),
        (
            error("a, b"),
            error("a"),
            vec!["compatible things/make: error: `b` removed: the word `b` is no longer returned"],
        ),
        (
            error("a"),
            error("a, b"),
            vec!["breaking things/make: error: `b` added: the word `b` may be returned, which clients do not know"],
        ),
        (
            error("a(u8), not-found"),
            error("/// @status 409\n a(u8), not-found"),
            vec!["breaking things/make: error.a: status 400 → 409: clients that expect the old status do not get it"],
        ),
        (
            error("a(u8)"),
            error("a(u16)"),
            vec!["breaking things/make: error.a: u8 → u16: greater numbers may be returned that were not before"],
        ),
        (
            "make: func() -> result<u8, string>;".into(),
            "make: func() -> result<u8>;".into(),
            vec!["breaking things/make: error: the member `error` is removed: clients that read it find nothing"],
        ),
        (
            "make: func() -> result<u8>;".into(),
            "make: func() -> result<u8, string>;".into(),
            vec![
                "compatible things/make: error: the member `error` is new: clients ignore members that they do not know",
            ],
        ),
        (
            "make: func() -> stream<u16>;".into(),
            "make: func() -> list<u16>;".into(),
            vec![
                "breaking things/make: answer: application/x-ndjson, text/event-stream → application/json: clients cannot read the response",
            ],
        ),
        (
            "make: func() -> stream<u16>;".into(),
            "make: func() -> stream<u8>;".into(),
            vec![
                "breaking things/make: answer: application/x-ndjson, text/event-stream → application/octet-stream: clients cannot read the response",
            ],
        ),
        (
            "make: func() -> stream<u32>;".into(),
            "make: func() -> stream<u16>;".into(),
            vec!["compatible things/make: answer[]: u32 → u16: greater numbers are no longer returned"],
        ),
    ];
    for (old, new, expected) in cases {
        assert_eq!(changes(&old, &new), expected, "{old} → {new}");
    }
}

#[test]
fn a_new_package_version_is_matched_by_names() {
    let wit = |version: &str| {
        format!("package a:b@{version};\ninterface things {{ make: func(a: u8); }}\nworld w {{ export things; }}\n")
    };
    let ran = compared(&wit("1.0.0"), &wit("2.0.0"), &[]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "no change of the contract\n"));
}

#[test]
fn programs_get_the_changes_as_json() {
    let wit = |ty: &str, more: &str| {
        format!(
            "package a:b;\ninterface things {{ make: func(a: {ty}, b: bool);{more} }}\nworld w {{ export things; }}\n"
        )
    };
    let ran = compared(&wit("u16", ""), &wit("u8", " touch: func();"), &["--json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""));
    assert_eq!(
        serde_json::from_str::<Value>(&ran.stdout).expect("JSON"),
        json!({"breaks": true, "changes": [
            {"operation": "things/make", "location": "body.a", "kind": "type", "what": "u16 → u8",
             "effect": "greater numbers that were accepted are now rejected", "breaks": true},
            {"operation": "things/touch", "location": "", "kind": "operation_added", "what": "added",
             "effect": "`POST /things/touch` is served as well", "breaks": false},
        ]})
    );
    let ran = compared(&wit("u8", ""), &wit("u16", ""), &["--json"]);
    assert_eq!(ran.status, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).expect("JSON")["breaks"], false);
}

#[test]
fn a_file_without_a_contract_is_no_answer() {
    let folder = Folder::new();
    folder.write("orders.wasm", fs::read(plugin("orders")).expect("a component"));
    folder.write("text.wasm", "This is text.");
    for files in [["orders.wasm", "text.wasm"], ["text.wasm", "orders.wasm"], ["orders.wasm", "missing.wasm"]] {
        let ran = folder.ask(&["inspect", "--diff", files[0], files[1]], b"");
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("witapi: ") && ran.stderr.contains(".wasm: "), "{ran:?}");
    }
    assert_eq!(folder.ask(&["inspect", "--diff", "orders.wasm"], b"").status, Some(2));
}
