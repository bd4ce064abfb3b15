//! Keywords in documentation: what a request may hold, what an answer may hold, and what the document says of both.

use serde_json::{Value, json};
use witapi_tests::{Host, cli, dummy_component, host, says, with_wit};

async fn keywords() -> Host {
    host().fixture("keywords").start().await
}

/// A line that keeps all rules.
fn line() -> Value {
    json!({"sku": "AB-12", "qty": 2, "unitPrice": 0.75, "note": "abc", "tags": ["a", "b"], "extra": {"x": 3},
        "contact": "a@b.example", "size": "l", "rank": 5})
}

/// The line with one member changed.
fn with(member: &str, value: Value) -> Value {
    let mut line = line();
    line[member] = value;
    line
}

#[tokio::test]
async fn every_broken_rule_is_reported_with_its_place() {
    let host = keywords().await;
    let echoed = host.post("/keywords/echo", &line()).await;
    assert_eq!((echoed.status.as_u16(), echoed.json()), (200, line()));
    for (member, value, fault) in [
        ("sku", json!("ab-12"), "body.sku pattern"),
        ("sku", json!("AB-12x"), "body.sku pattern"),
        ("sku", json!("AB-"), "body.sku pattern"),
        ("qty", json!(0), "body.qty minimum"),
        ("qty", json!(101), "body.qty maximum"),
        ("qty", json!(-1), "body.qty minimum"),
        ("unitPrice", json!(0), "body.unitPrice exclusive_minimum"),
        ("unitPrice", json!(0.3), "body.unitPrice multiple_of"),
        ("note", json!("a"), "body.note min_length"),
        ("note", json!("abcdef"), "body.note max_length"),
        ("tags", json!([]), "body.tags min_items"),
        ("tags", json!(["a", "b", "c", "d"]), "body.tags max_items"),
        ("tags", json!(["a", "a"]), "body.tags unique"),
        ("extra", json!({"a": 1, "b": 2}), "body.extra max_properties"),
        ("extra", json!({"a": 11}), "body.extra.a maximum"),
        ("extra", json!({"a": -11}), "body.extra.a minimum"),
        ("contact", json!("nobody"), "body.contact format"),
        ("rank", json!(6), "body.rank maximum"),
        ("rank", json!(-11), "body.rank minimum"),
    ] {
        let answer = host.post("/keywords/echo", &with(member, value.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.faults()), (422, vec![fault.to_owned()]), "{member}: {value}");
    }
    // The bounds themselves, counted in characters rather than bytes or code units.
    for (member, value) in [
        ("qty", json!(1)),
        ("qty", json!(100)),
        ("unitPrice", json!(0.25)),
        ("note", json!("🙂é")),
        ("note", json!("🙂🙂🙂🙂🙂")),
        ("note", Value::Null),
        ("tags", json!(["", "a", "A"])),
        ("extra", json!({"a": 10})),
        ("extra", json!({"a": -10})),
        ("contact", Value::Null),
        ("rank", json!(-10)),
    ] {
        let answer = host.post("/keywords/echo", &with(member, value.clone())).await;
        assert_eq!((answer.status.as_u16(), &answer.json()[member]), (200, &value), "{member}");
    }
}

#[tokio::test]
async fn messages_say_what_was_found_and_what_was_wanted() {
    let host = keywords().await;
    let all = json!({"sku": "x", "qty": 0, "unitPrice": -0.3, "note": "abcdef", "tags": [], "contact": "x", "ranc": 1});
    let answer = host.post("/keywords/echo", &all).await;
    let errors = answer.json()["errors"].clone();
    let messages: Vec<_> =
        errors.as_array().expect("faults").iter().map(|it| it["msg"].as_str().expect("text")).collect();
    assert_eq!(
        messages,
        [
            "`x` does not match the pattern `^[A-Z]{2}-\\d+$`",
            "0 is less than 1, the minimum",
            "-0.3 is not greater than 0, the exclusive minimum",
            "-0.3 is not a multiple of 0.25",
            "expected at most 5 characters, found 6",
            "expected at least 1 item, found 0",
            "`x` is not an e-mail address (RFC 5321), such as ann@example.com",
            "unknown member, expected one of `sku`, `qty`, `unitPrice`, `note`, `tags`, `extra`, `contact`, `size`, `rank`; \
             did you mean `rank`?",
        ]
    );
}

#[tokio::test]
async fn a_default_replaces_a_missing_value_but_not_null() {
    let host = keywords().await;
    let echoed = host.post("/keywords/echo", &json!({"sku": "AB-1", "unitPrice": 1, "tags": ["a"]})).await.json();
    assert_eq!(
        echoed,
        json!({"sku": "AB-1", "qty": 1, "unitPrice": 1.0, "note": "ab\"c", "tags": ["a"], "extra": {}, "contact": null,
            "size": null, "rank": 4})
    );
    let echoed = host.post("/keywords/echo", &with("note", Value::Null)).await.json();
    assert_eq!(echoed["note"], Value::Null);
    // A parameter of a body, and a body that may be missing since all of it may.
    assert_eq!(host.post("/keywords/pay", &json!({"note": "x"})).await.json(), "20 x");
    assert_eq!(
        host.request("POST", "/keywords/pay").send().await.expect("an answer").text().await.expect("text"),
        "\"20 -\""
    );
    let answer = host.post("/keywords/pay", &json!({"amount": 9})).await;
    assert_eq!(answer.faults(), ["body.amount minimum"]);
}

#[tokio::test]
async fn query_and_header_parameters_have_rules() {
    let host = keywords().await;
    let get = |query: &str, headers: &[(&str, &str)]| {
        let mut request = host.request("GET", &format!("/keywords/all?{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        witapi_tests::send(request)
    };
    let answer = get("words=a", &[("x-tenant", "abc")]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (
            202,
            json!({"small": 5, "size": "s", "words": ["a"], "maybe": null, "tenant": "abc", "roles": [], "level": -2,
                "mail": null})
        )
    );
    let answer = get(
        "words=a&words=b&maybe=-10&small=10&size=l&mail=x%40y.example",
        &[("X-Tenant", "grün"), ("x-roles", "1, 2 ,,3"), ("x-roles", "65535"), ("x-level", "10")],
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (
            202,
            json!({"small": 10, "size": "l", "words": ["a", "b"], "maybe": -10, "tenant": "grün", "roles": [1, 2, 3, 65535],
                "level": 10, "mail": "x@y.example"})
        )
    );
    let answer = get(
        "words=a&words=b&words=c&maybe=11&small=2&small=3&mail=x",
        &[("x-tenant", "ab"), ("x-roles", "1,65536,x"), ("x-level", "1"), ("x-level", "2")],
    )
    .await;
    assert_eq!(
        answer.faults(),
        [
            "header.x-level duplicate",
            "header.x-roles[1] maximum",
            "header.x-roles[2] type",
            "header.x-tenant min_length",
            "query.mail format",
            "query.maybe maximum",
            "query.small duplicate",
            "query.words max_items",
        ]
    );
    let answer = get("small=2", &[]).await;
    assert_eq!(answer.faults(), ["header.x-tenant missing", "query.small minimum", "query.words missing"]);
}

#[tokio::test]
async fn a_result_that_breaks_a_rule_is_a_logged_failure() {
    let host = keywords().await;
    assert_eq!(host.get("/keywords/0/broken").await.status.as_u16(), 200);
    for (id, path) in [
        (1, ".sku"),
        (2, ".qty"),
        (3, ".unitPrice"),
        (4, ".note"),
        (5, ".tags"),
        (6, ".extra"),
        (7, ".contact"),
        (8, ".rank"),
        (9, ".rank"),
    ] {
        let answer = host.get(&format!("/keywords/{id}/broken")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["type"].as_str()),
            (500, Some("/problems/plugin-failed")),
            "{path}"
        );
        assert!(!answer.text().contains(path), "{}", answer.text());
        host.log.wait_for(&format!("violates its contract at `{path}`")).await;
    }
}

#[tokio::test]
async fn statuses_of_successes_and_errors_are_the_authors() {
    let host = keywords().await;
    for (which, status) in [(0, 418), (1, 404), (3, 400)] {
        assert_eq!(host.post("/keywords/fail", &json!({"which": which})).await.status.as_u16(), status);
    }
    // The payload of the case has a rule.
    assert_eq!(host.post("/keywords/fail", &json!({"which": 2})).await.status.as_u16(), 500);
    assert_eq!(host.request("POST", "/keywords/collide").send().await.expect("an answer").status().as_u16(), 409);
    let document = host.get("/openapi.json").await.json();
    let statuses = |path: &str, method: &str| -> Vec<String> {
        let responses = &document["paths"][path][method]["responses"];
        responses.as_object().expect("responses").keys().filter(|it| !it.starts_with('5')).cloned().collect()
    };
    assert!(statuses("/keywords/fail", "post").contains(&"418".to_owned()));
    assert!(statuses("/keywords/collide", "post").contains(&"409".to_owned()));
    assert!(statuses("/keywords/all", "get").contains(&"202".to_owned()));
}

#[tokio::test]
async fn the_document_has_every_rule_where_it_holds() {
    let host = keywords().await;
    let document = host.get("/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    let line = &schemas["Line"]["properties"];
    let has = |value: &Value, expected: Value| {
        for (name, expected) in expected.as_object().expect("an object") {
            assert_eq!(value[name], *expected, "{name} of {value}");
        }
    };
    has(&line["sku"], json!({"type": "string", "pattern": "^[A-Z]{2}-\\d+$", "description": "What it is."}));
    has(&line["qty"], json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 1, "format": "uint32"}));
    has(&line["unitPrice"], json!({"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.25}));
    has(&line["note"], json!({"type": ["string", "null"], "minLength": 2, "maxLength": 5, "default": "ab\"c"}));
    has(&line["tags"], json!({"type": "array", "minItems": 1, "maxItems": 3, "uniqueItems": true}));
    has(&line["extra"], json!({"type": "object", "maxProperties": 1, "default": {}}));
    // Written out, with the rules of the alias: generators of clients know no rules beside a reference.
    has(&line["rank"], json!({"type": "integer", "deprecated": true, "default": 4, "minimum": -10, "maximum": 5}));
    assert_eq!(line["unitPrice"]["minimum"], Value::Null, "the exclusive one says more");
    has(&schemas["Small"], json!({"type": "integer", "minimum": -10, "maximum": 10, "description": "Up to ten."}));
    has(&schemas["Email"], json!({"type": "string", "format": "email"}));
    has(&schemas["Size"], json!({"enum": ["s", "l"], "default": "s", "examples": ["l"]}));
    assert_eq!(schemas["Line"]["required"], json!(["sku", "unitPrice", "tags"]));
    assert_eq!(schemas["Line"]["examples"], json!([{"sku": "AB-1", "unitPrice": 0.5, "tags": ["x"]}]));
    let parameters = document["paths"]["/keywords/all"]["get"]["parameters"].as_array().expect("parameters");
    let parameter = |name: &str| parameters.iter().find(|it| it["name"] == name).expect(name);
    has(parameter("x-tenant"), json!({"in": "header", "required": true, "description": "Whose it is."}));
    has(&parameter("x-tenant")["schema"], json!({"type": "string", "minLength": 3}));
    has(parameter("x-level"), json!({"in": "header", "required": false}));
    has(parameter("words"), json!({"in": "query", "required": true}));
    has(&parameter("words")["schema"], json!({"minItems": 1, "maxItems": 2}));
    has(parameter("small"), json!({"required": false, "description": "Rather few."}));
    has(parameter("size"), json!({"required": false, "deprecated": true}));
    assert_eq!(document["paths"]["/keywords/pay"]["post"]["deprecated"], true);
}

/// The problem of a contract whose function `f` has `docs` before it, in an interface with `items`.
fn refusal(items: &str, params: &str, docs: &str) -> String {
    let wit = |items: &str, docs: &str| {
        format!("package a:b; interface i {{ {items}\n{docs}\ncreate: func({params}); }} world w {{ export i; }}")
    };
    let bare: String =
        items.lines().filter(|line| !line.trim_start().starts_with("///")).collect::<Vec<_>>().join("\n");
    let refusal = cli::refusal(&with_wit(&dummy_component(&wit(&bare, "")), &wit(items, docs)));
    assert!(refusal.contains("found ") && refusal.contains("expected "), "{refusal}");
    refusal
}

#[test]
fn wrong_keywords_keep_a_plugin_from_loading() {
    for (line, expected) in [
        ("@minimum", "expected a number as JSON writes it, found `@minimum`: nothing"),
        ("@minimum one", "expected a number as JSON writes it, found `@minimum one`: `one`"),
        ("@minimum 01", "expected a number as JSON writes it"),
        ("@minimum 0.12345678901234567890123", "expected a number as JSON writes it"),
        ("@multipleOf 0", "expected a number greater than 0"),
        ("@minLength 1", "expected it on a `string`, found `@minLength` on `u32`"),
        ("@minItems 1", "expected it on a `list`"),
        ("@format uuid", "expected it on a `string`"),
        ("@minimum 1\n/// @minimum 2", "expected it once"),
        ("@minimum 5\n/// @maximum 4", "a minimum of 5 and a maximum of 4"),
        ("@default", "found `@default`: nothing"),
        ("@default x", "`x`, which is not JSON"),
        ("@default -1", "found `@default -1`: -1 is less than 0, the minimum of u32"),
        ("@default 5\n/// @maximum 4", "found `@default 5`: 5 is greater than 4, the maximum"),
        (
            "@example \"x\"",
            "expected a value of the type `u32` that keeps its rules, found `@example \"x\"`: expected an integer (u32), found a string",
        ),
        ("@status 404", "expected it on a function, found `@status 404`: the keyword on a member of a record"),
        ("@tag x", "expected it on an interface, or on a function"),
        ("@param x y", "expected it on a function"),
        ("@json camelCase", "expected it on a package, or on an interface"),
    ] {
        let message = refusal(&format!("record r {{\n/// {line}\na: u32 }}"), "r: r", "");
        assert!(message.contains("type `r`, member `a`"), "{line}: {message}");
        assert!(says(&message, expected), "{line}: {message}");
    }
    for (line, expected) in [
        ("@pattern (", "found `@pattern (`"),
        ("@pattern (?=a)", "found `@pattern (?=a)`"),
        ("@pattern (a)\\1", "found `@pattern (a)\\1`"),
        ("@pattern ^[a-z]{0,2000}$", "a large pattern without a `@maxLength` of at most 4096"),
        ("@format phone", "expected one of"),
        ("@minLength -1", "expected a whole number below 2^32"),
        ("@minLength 1.0", "expected a whole number below 2^32"),
        ("@minLength 2\n/// @maxLength 1", "at least 2 and at most 1"),
        ("@default 5\n/// @minLength 2", "expected at least 2 characters, found 1"),
    ] {
        let message = refusal(&format!("record r {{\n/// {line}\na: option<string> }}"), "r: r", "");
        assert!(message.contains("type `r`, member `a`") && says(&message, expected), "{line}: {message}");
    }
    for (docs, expected) in [
        ("@param", "expected the name of a parameter"),
        ("@param nope Not there.", "expected one of its parameters: `x`, `list`, found `@param nope`"),
        ("@param x It. @minLength 1", "found `@minLength` on `u32`"),
        ("@param x It. @default y", "found `y`, which is not JSON"),
        ("@param x It. @default -1", "found `@default -1`"),
        ("@param list It. @uniqueItems", "comparable exactly"),
        ("@header", "expected a header and a parameter"),
        ("@header x-a nope", "expected one of its parameters, found `@header x-a nope`"),
        ("@header authorization x", "expected a header of the API's own"),
        ("@header x\u{e4} x", "expected a header of the API's own"),
        ("@header x-a x\n/// @header x-b x", "and another line for the same"),
        ("@header x-a list\n/// @header x-a x", "and another line for the same"),
        ("@query", "expected a parameter, such as"),
        ("@query nope", "expected one of its parameters, found `@query nope`"),
        ("@query x\n/// @query x", "and another line for the same"),
        ("@header x-a x\n/// @query x", "expected it in one place, found"),
        ("@status 404", "expected a number from 200 to 299"),
        ("@minimum 1", "the keyword on a function"),
    ] {
        let message = refusal("", "x: u32, %list: list<f32>", &format!("/// {docs}"));
        assert!(message.contains("function `create`") && says(&message, expected), "{docs}: {message}");
    }
    let message = refusal("/// @json Upper\ntype t = u8;", "x: t", "");
    assert!(
        message.contains("type `t`: expected ") && message.contains("found `@json Upper`: the keyword on a type"),
        "{message}"
    );
    let message = refusal("/// @example 9223372036854775807.0\ntype t = u64;", "x: t", "");
    assert!(message.contains("it would be printed as 9.223372036854776e+18, so write integers in plain"), "{message}");
    let message = refusal("/// @example -1\ntype t = u8;", "x: t", "");
    assert!(message.contains("type `t`: expected ") && message.contains("found `@example -1`"), "{message}");
    let message = refusal("variant v {\n/// @minimum 1\na, b(u8) }", "x: v", "");
    assert!(
        message.contains("type `v`, case `a`: expected ") && message.contains("found `@minimum` on no value"),
        "{message}"
    );
}

#[test]
fn embedding_warns_of_keywords_that_nobody_knows() {
    let wit = "package a:b; interface i { create: func(x: u32); } world w { export i; }";
    let folder = cli::Folder::new();
    folder.write("it.wasm", dummy_component(wit));
    std::fs::create_dir(folder.path("wit")).expect("a folder");
    folder.write("wit/it.wit", wit.replace("create", "/// @parm x It.\ncreate"));
    let ran = folder.run(["embed", "it.wasm", "--wit", "wit"]);
    let warning = "witapi: warning: it.wasm: function `create` of interface `i`: the keyword `@parm` is not known and is left out; \
                   the nearest is `@param`\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", warning));
}

#[test]
fn the_patterns_of_a_plugin_are_bounded() {
    let field = |n| format!("/// @maxLength 256\n/// @pattern ^[\\p{{L}}a{n}]{{0,64}}$\nm{n}: string,\n");
    let message = refusal(&format!("record r {{\n{}}}", (0..20).map(field).collect::<String>()), "x: r", "");
    assert!(message.contains("expected at most 64 MiB of compiled patterns in all of a plugin"), "{message}");
}

#[test]
fn a_status_stands_once_and_a_path_has_no_defaults() {
    let wit = |docs: &str, id: &str| {
        format!("package a:b; interface i {{ {docs}\n{id}\nget-it: func(id: u32) -> u32; }} world w {{ export i; }}")
    };
    let refused = |docs: &str, id: &str| cli::refusal(&with_wit(&dummy_component(&wit("", "")), &wit(docs, id)));
    let message = refused("/// @status 202", "@external-id(\"GET /x/{id} 203\")");
    assert!(
        message.contains("expected one of the two, found the status 203 in the external id and `@status 202`"),
        "{message}"
    );
    let message = refused("/// @param id It. @default 1", "");
    assert!(message.contains("found a default in the path"), "{message}");
    let message = refused("/// @header x-id id", "");
    assert!(message.contains("and `id` in the path too"), "{message}");
}

#[test]
fn the_operators_casing_goes_before_the_authors() {
    let wit = "package a:b; /// @json camelCase\ninterface i { record r { a-b: u8 } create: func(r: r) -> r; } world w { export i; }";
    let component = with_wit(&dummy_component(wit), wit);
    let spelt = |config: &str| {
        let folder = cli::Folder::new();
        folder.write("plugin.wasm", &component);
        folder.write("witapi.toml", config);
        folder.run(["inspect", "plugin.wasm", "--openapi"]).printed()
    };
    assert!(spelt("").contains("\"aB\""));
    assert!(spelt("[plugin.plugin]\ncasing = \"kebab-case\"").contains("\"a-b\""));
}

#[test]
fn inline_interfaces_and_several_files_have_keywords() {
    let world = "package a:b; world w {
        use types.{size};
        export things: interface { use types.{size}; /// @status 202
            get-size: func() -> size; }
    }";
    let types = "package a:b; interface types {
        /// @maximum 9
        type size = u8;
    }";
    let folder = cli::Folder::new();
    std::fs::create_dir(folder.path("wit")).expect("a folder");
    folder.write("wit/world.wit", world);
    folder.write("wit/types.wit", types);
    let whole = format!("{world} {}", types.trim_start_matches("package a:b;"));
    folder.write("it.wasm", dummy_component(&whole));
    assert_eq!(folder.run(["embed", "it.wasm", "--wit", "wit"]).printed(), "");
    let document: Value =
        serde_json::from_str(&folder.run(["inspect", "it.wasm", "--openapi"]).printed()).expect("JSON");
    assert_eq!(document["components"]["schemas"]["Size"]["maximum"], 9);
    assert!(document["paths"]["/things/size"]["get"]["responses"]["202"].is_object(), "{document:#}");
}

#[test]
fn documentation_follows_aliases_uses_and_packages() {
    let text = "package a:b; interface i { use c:d/types.{age as years, person}; type old = years;
        create: func(person: person, x: old) -> years; } world w { export i; }
        package c:d { interface types {
            /// How old.
            /// @minimum 18
            type age = u8;
            record person { age: age }
        } }";
    let document = cli::document(&with_wit(&dummy_component(text), text));
    let schemas = &document["components"]["schemas"];
    assert_eq!((&schemas["Age"]["minimum"], &schemas["Age"]["description"]), (&json!(18), &json!("How old.")));
    assert_eq!(schemas["Years"]["$ref"], "#/components/schemas/Age");
    assert_eq!(schemas["Old"]["$ref"], "#/components/schemas/Years");
    assert_eq!(schemas["Person"]["properties"]["age"]["$ref"], "#/components/schemas/Age");
}
