//! The zoo of types in several languages: to the same requests the same answers, byte by byte, whatever the plugin is
//! written in. What a language forces to be otherwise stands in its `differences`, with the reason.

use std::path::{Path, PathBuf};

use witapi_tests::{Host, built::Sources, host, root, send};

/// A zoo in another language than Rust: a folder `tests/fixtures/zoo-…` without its WIT, which is that of the zoo in Rust.
struct Zoo {
    folder: &'static str,
    /// Functions and types that its toolchain cannot have. They are left out of its WIT.
    without: &'static [(&'static str, &'static str)],
    /// Requests whose answers differ.
    differences: &'static [Difference],
}

/// Requests that are answered otherwise than in Rust, always with this status, and why. One that nothing differs for is a
/// mistake of this table.
struct Difference {
    is_meant: fn(&Request) -> bool,
    status: u16,
    because: &'static str,
}

const TYPESCRIPT: Zoo = Zoo {
    folder: "zoo-ts",
    without: &[("triple", "componentize-qjs 0.4.5 has no lists of a fixed length")],
    differences: &[Difference {
        is_meant: |request| request.target.contains(WIDE) || request.body.contains(WIDE) || request.body.contains(MOST),
        status: 500,
        because: "QuickJS has integers of 64 bits as numbers, which are exact up to 2^53: the SDK refuses what was rounded",
    }],
};

const GO: Zoo = Zoo {
    folder: "zoo-go",
    without: &[("triple", "wit-bindgen-go 0.60 has no bindings for lists of a fixed length")],
    differences: &[],
};

const PYTHON: Zoo = Zoo {
    folder: "zoo-python",
    without: &[
        ("triple", "componentize-py 0.25.1 panics at a list of a fixed length: its bindings have none"),
        ("maps", PYTHON_MAPS),
        ("index", PYTHON_MAPS),
        ("in-map", PYTHON_MAPS),
        ("dictionaries", PYTHON_MAPS),
    ],
    differences: &[],
};

const PYTHON_MAPS: &str = "componentize-py 0.25.1 panics at a map: its bindings have none";

/// Integers that no 64-bit floating-point number holds.
const WIDE: &str = "9007199254740993";
const MOST: &str = "18446744073709551615";

#[derive(Debug)]
struct Request {
    method: &'static str,
    target: String,
    /// JSON, but for `/echo/raw`.
    body: String,
}

const fn is_bytes(target: &str) -> bool {
    matches!(target.as_bytes(), b"/echo/raw")
}

/// What is asked: every function, every type, and every way to end.
fn requests() -> Vec<Request> {
    let post = |target: &str, bodies: &[&str]| -> Vec<Request> {
        let request = |body: &&str| Request { method: "POST", target: target.into(), body: (*body).into() };
        bodies.iter().map(request).collect()
    };
    let plain = |method: &'static str, targets: &[&str]| -> Vec<Request> {
        let request = |target: &&str| Request { method, target: (*target).into(), body: String::new() };
        targets.iter().map(request).collect()
    };
    let with =
        |method: &'static str, target: &str, body: &str| Request { method, target: target.into(), body: body.into() };
    let integers = |u64: &str, s64: &str| {
        format!(
            r#"{{"u8":255,"u16":65535,"u32":4294967295,"u64":{u64},"s8":-128,"s16":-32768,"s32":-2147483648,"s64":{s64}}}"#
        )
    };
    let scalars = |f32: &str, f64: &str, char: &str, string: &str| {
        format!(r#"{{"bool":true,"f32":{f32},"f64":{f64},"char":"{char}","string":"{string}"}}"#)
    };
    let mut all = vec![
        post(
            "/echo/integers",
            &[
                &integers("9007199254740991", "-9007199254740991"),
                &integers("0", "0"),
                &integers(WIDE, "0"),
                &integers("0", "-9007199254740993"),
                &integers(MOST, "9223372036854775807"),
                r#"{"u8":256,"u16":-1,"u32":1.5,"s8":"1"}"#,
            ],
        ),
        post(
            "/echo/scalars",
            &[
                &scalars("1.5", "-0.1", "a", ""),
                &scalars("0.1", "1e300", "é", "é €😀 \\u0000 \\\" \\\\ \\n"),
                &scalars("-0.0", "-0.0", "😀", "null"),
                &scalars("16777217", "5e-324", "\\n", "x"),
                &scalars("3.4028235e38", "1.7976931348623157e308", "\\u0000", "\\u2028"),
                &scalars("1e39", "1e309", "ab", "x"),
            ],
        ),
        post("/echo/number", &[r#"{"value":7}"#, &format!(r#"{{"value":{WIDE}}}"#), &format!(r#"{{"value":{MOST}}}"#)]),
        post("/echo/text", &[r#"{"value":"\ud83d\ude00"}"#, r#"{"value":"\ud83d"}"#]),
        post("/echo/raw", &["", "bytes \u{0} \u{ff}"]),
        post("/echo/blob", &[r#"{"file_name":"a.txt","content":"AAH/"}"#, r#"{"file_name":"","content":""}"#]),
        post("/echo/numbers", &["[]", "[1,2,4294967295]", "[-1]"]),
        post("/echo/points", &["[]", r#"[{"x":1,"y":-2},{"y":0,"x":2147483647}]"#, r#"[{"x":1}]"#]),
        post("/echo/triple", &["[1,2,65535]"]),
        post("/echo/pair", &[r#"[1,"a",true]"#, r#"[1,"a",null]"#, r#"[1,"a"]"#]),
        post(
            "/echo/options",
            &[
                "{}",
                r#"{"plain":0,"nested":{"some":null},"thrice":{"some":{"some":null}},"point":{"x":1,"y":2},"numbers":[]}"#,
                r#"{"plain":null,"nested":{"some":7},"thrice":{"some":null},"numbers":[1]}"#,
                r#"{"nested":null,"thrice":{"some":{"some":"x"}}}"#,
            ],
        ),
        post("/echo/perhaps", &["", "{}", r#"{"value":null}"#, r#"{"value":7}"#]),
        post(
            "/echo/words",
            &[
                r#"{"color":"dark-blue","permissions":["run-as-root","read"],"state":"stand-by"}"#,
                r#"{"color":"red","permissions":[],"state":"off"}"#,
                r#"{"color":"pink","permissions":["fly"],"state":"on"}"#,
            ],
        ),
        post(
            "/echo/shape",
            &[
                r#"{"tag":"circle","val":3}"#,
                r#"{"tag":"polygon","val":[{"x":0,"y":0}]}"#,
                r#"{"tag":"label","val":null}"#,
                r#"{"tag":"label","val":"l"}"#,
                r#"{"tag":"nothing"}"#,
            ],
        ),
        post(
            "/echo/results",
            &[
                r#"{"both":{"ok":1},"only_ok":{"ok":2},"only_err":{"ok":null},"neither":{"ok":null}}"#,
                r#"{"both":{"err":"e"},"only_ok":{"err":null},"only_err":{"err":"f"},"neither":{"err":null}}"#,
            ],
        ),
        post(
            "/echo/maps",
            &[
                r#"{"by_string":{},"by_number":[],"by_flag":[],"by_char":[]}"#,
                r#"{"by_string":{"":1},"by_number":[[7,"seven"]],"by_flag":[[true,"t"]],"by_char":[["é",2]]}"#,
            ],
        ),
        post("/echo/index", &["{}", r#"{"k":"AAH/"}"#]),
        post(
            "/echo/named",
            &[r#"{"name":"n","names":["a","b"],"at":{"x":1,"y":2},"width":1.25,"way":{"length":0.5,"rough":true}}"#],
        ),
        post("/echo/two", &[r#"{"first_part":1}"#, r#"{"first_part":1,"second_part":"s"}"#]),
        post("/echo/alias", &[r#"{"value":"v"}"#]),
        plain(
            "GET",
            &[
                "/things",
                "/things/all",
                "/things/by-text",
                "/things/by-text?text=a%20%22b",
                "/things/1",
                "/things/2",
                "/things/x",
                "/things/3/part/p%2Fq",
                "/zoo/cat/name",
                "/zoo/cat/name?loud=true",
                "/weather",
                "/params/scalars?yes=true&small=-7&big=9007199254740991&ratio=0.1&letter=%C3%A9&text_line=a+b&color=red&content=AAH_",
                "/params/scalars?yes=true&small=-7&big=9007199254740993&ratio=0.1&letter=a&text_line=a&color=red&content=AAH/",
                "/params/optional",
                "/params/optional?number=1&text=t&color=green&many=1&many=2&words=w",
                "/params/lists?rights=read&rights=run-as-root&numbers=1&numbers=2&words=a&colors=red",
                "/params/lists",
                "/params/path/line%20one/dark-blue/-32768",
                "/outcomes/maybe?some=true&ok=true",
                "/outcomes/maybe?some=false&ok=true",
                "/outcomes/maybe?some=true&ok=false",
                "/outcomes/nested?depth=0",
                "/outcomes/nested?depth=1",
                "/outcomes/nested?depth=2",
            ],
        ),
        plain("DELETE", &["/things/1", "/things/2", "/things/1/part/p", "/params/7?force=true"]),
        post("/things", &[r#"{"id":7,"name":"new"}"#]),
        post("/things/1/part", &[r#"{"name":"p"}"#]),
        post("/things/1/rename", &[r#"{"name":"r"}"#]),
        post("/things/clear-all", &[""]),
        vec![
            with("PUT", "/things/1", r#"{"id":1,"name":"x"}"#),
            with("PUT", "/things/2", r#"{"id":1,"name":"x"}"#),
            with("PUT", "/things/1/size", r#"{"size":3}"#),
            with("PUT", "/things/1/weight", r#"{"weight":3}"#),
            with("PATCH", "/things/1", r#"{"name":"x"}"#),
            with("PATCH", "/things/1", "{}"),
            with("PATCH", "/things/1/size", r#"{"size":3}"#),
            with("PUT", "/params/7/mixed", r#"{"name":"n"}"#),
            with("PUT", "/params/7/mixed", r#"{"name":"n","size":1}"#),
        ],
    ];
    for name in ["nothing", "value", "note", "accepted", "accepted-silently", "trap"] {
        all.push(post(&format!("/outcomes/{name}"), &[""]));
    }
    for name in ["bare-result", "no-value", "no-error", "either"] {
        all.push(post(&format!("/outcomes/{name}"), &[r#"{"ok":true}"#, r#"{"ok":false}"#]));
    }
    all.push(post("/outcomes/posted-option", &[r#"{"some":true}"#, r#"{"some":false}"#]));
    for kind in ["invalid", "permission-denied", "too-many-requests", "timeout", "odd"] {
        all.push(post("/outcomes/trouble", &[&format!(r#"{{"kind":"{kind}"}}"#)]));
    }
    let refusals = [
        r#"{"tag":"not-found","val":"it"}"#,
        r#"{"tag":"conflict","val":[1,2]}"#,
        r#"{"tag":"unavailable"}"#,
        r#"{"tag":"odd","val":null}"#,
        r#"{"tag":"odd","val":3}"#,
    ];
    all.push(post("/outcomes/refusal", &refusals));
    all.push(post("/outcomes/failure", &[r#"{"status":418,"message":"m"}"#, r#"{"status":7,"message":"m"}"#]));
    let numbers = ["not-a-number", "infinite", "negative-infinite", "fine"];
    for what in numbers {
        all.push(post("/outcomes/samples", &[&format!(r#"{{"at":1,"what":"{what}"}}"#)]));
        all.push(post("/outcomes/single", &[&format!(r#"{{"what":"{what}"}}"#)]));
        all.push(post("/outcomes/in-map", &[&format!(r#"{{"what":"{what}"}}"#)]));
    }
    all.push(post("/outcomes/large", &[r#"{"bytes":100000}"#]));
    all.push(post("/outcomes/large-text", &[r#"{"bytes":100000}"#]));
    all.into_iter().flatten().collect()
}

/// What of an answer has to be the same.
#[derive(Debug, PartialEq)]
struct Said {
    status: u16,
    media_type: String,
    body: bytes::Bytes,
}

async fn ask(host: &Host, request: &Request) -> Said {
    let mut sent = host.request(request.method, &request.target);
    if !request.body.is_empty() {
        let media_type = if is_bytes(&request.target) { "application/octet-stream" } else { "application/json" };
        sent = sent.header("content-type", media_type).body(request.body.clone());
    }
    let answer = send(sent).await;
    let media_type = answer.header("content-type").to_owned();
    Said { status: answer.status.as_u16(), media_type, body: answer.body }
}

/// Builds the zoo from its source and the WIT of the one in Rust.
fn built(zoo: &Zoo) -> PathBuf {
    let fixtures = root().join("tests/fixtures");
    let sources = Sources::default().folder(&fixtures.join(zoo.folder), "");
    let sources = sources.changed(&fixtures.join("zoo/wit"), Path::new("wit"), &|text| left_of(&text, zoo));
    sources.built(zoo.folder, "zoo")
}

/// The WIT without what the toolchain cannot have: functions, of one line each, and records, until their `}`.
fn left_of(wit: &str, zoo: &Zoo) -> String {
    let begins = |line: &str, item: &dyn Fn(&str) -> String| {
        zoo.without.iter().any(|(name, _)| line.trim_start().starts_with(&item(name)))
    };
    let mut left = String::new();
    let mut is_record = false;
    for line in wit.lines() {
        is_record |= begins(line, &|name| format!("record {name} {{"));
        if !is_record && !begins(line, &|name| format!("{name}: func")) {
            left += line;
            left.push('\n');
        }
        is_record &= line.trim() != "}";
    }
    left
}

async fn answers_as_in_rust(zoo: &Zoo) {
    let component = built(zoo);
    let rust = host().fixture("zoo").start().await;
    let other = host().component("zoo", component).start().await;
    let is_lacking =
        |request: &Request| zoo.without.iter().any(|(name, _)| request.target.ends_with(&format!("/{name}")));
    let requests: Vec<Request> = requests().into_iter().filter(|request| !is_lacking(request)).collect();
    let mut wrong = vec![];
    let mut used = vec![0; zoo.differences.len()];
    for request in &requests {
        let (expected, got) = (ask(&rust, request).await, ask(&other, request).await);
        let difference = zoo.differences.iter().position(|it| (it.is_meant)(request) && expected.status < 400);
        match difference {
            Some(at) => {
                used[at] += 1;
                let Difference { status, because, .. } = zoo.differences[at];
                if got.status != status {
                    wrong.push(format!("{request:?}\n  expected {status}, since {because}\n  got {got:?}"));
                }
            }
            None if expected != got => wrong.push(format!("{request:?}\n  rust  {expected:?}\n  other {got:?}")),
            None => {}
        }
    }
    println!(
        "total: {} requests to {}, {} differ as they have to, {} otherwise",
        requests.len(),
        zoo.folder,
        used.iter().sum::<usize>(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!used.contains(&0), "a difference that no request shows: {used:?}");
}

#[tokio::test]
async fn a_zoo_in_typescript_answers_as_that_in_rust() {
    answers_as_in_rust(&TYPESCRIPT).await;
}

#[tokio::test]
async fn a_zoo_in_go_answers_as_that_in_rust() {
    answers_as_in_rust(&GO).await;
}

#[tokio::test]
async fn a_zoo_in_python_answers_as_that_in_rust() {
    answers_as_in_rust(&PYTHON).await;
}
