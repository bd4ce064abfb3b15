//! What is of JavaScript and TypeScript alone: what the SDK makes of QuickJS, and what a build says that goes wrong.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use witapi_tests::{Answer, Host, built::Sources, cli::Ran, host, root, witapi};

/// A plugin's folder with these files.
fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, text) in files {
        let file = folder.path().join("plugin").join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("a written file");
    }
    folder
}

async fn build(folder: &Path) -> Ran {
    let mut command = Command::new(witapi());
    command.args(["build", "plugin", "--install"]).current_dir(folder).env("WITAPI_TOOLS", root().join("target/tools"));
    let output = command.output().await.expect("a run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A host with the plugin that is built of these files, as `plugin`. They are those of no other test.
async fn served(test: &str, files: &[(&str, &str)]) -> Host {
    let sources = files.iter().fold(Sources::default(), |sources, (path, text)| sources.file(path, *text));
    host().component("plugin", sources.built(test, "plugin")).start().await
}

/// `tests/fixtures/probe-ts`, which has a function for everything that may go wrong.
async fn probe() -> Host {
    let fixture = root().join("tests/fixtures/probe-ts");
    let names = ["wit/probe.wit", "src/index.ts", "src/values.ts"];
    let texts = names.map(|name| fs::read_to_string(fixture.join(name)).expect("a fixture"));
    let files: Vec<_> = names.into_iter().zip(texts.iter().map(String::as_str)).collect();
    served("probe-ts", &files).await
}

/// A 500 that tells a client nothing; the log says why.
async fn fails(host: &Host, answer: Answer, expected: &str) {
    assert_eq!(answer.status, 500, "{answer:?}");
    assert_eq!(answer.json()["type"], "/problems/plugin-failed");
    // All of a call's lines stand before that of its request.
    let request = answer.header("x-request-id");
    host.log.wait_for(&format!("request: id=\"{request}\"")).await;
    let lines = host.log.lines_with(&format!("request={request}"));
    assert!(
        lines.iter().any(|line| line.contains("ERROR guest: ") && line.contains(expected)),
        "{expected}: {lines:#?}"
    );
}

#[tokio::test]
async fn what_quickjs_lacks_or_gets_wrong_the_sdk_does() {
    let host = probe().await;

    // Integers: exact, or refused.
    for (function, number) in [
        ("wide", "9007199254740991"),
        ("wide", "4294967296"),
        ("signed", "-9007199254740991"),
        ("word", "2147483648"),
        ("word", "4294967295"),
    ] {
        let answer = host.post_text(&format!("/probe/{function}"), &format!(r#"{{"number":{number}}}"#)).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, number), "{function}");
    }
    for (function, number) in [
        ("wide", "9007199254740992"),
        ("wide", "9007199254740993"),
        ("wide", "9223372036854775808"),
        ("wide", "18446744073709551615"),
        ("signed", "9007199254740992"),
        ("signed", "-9223372036854775808"),
    ] {
        let answer = host.post_text(&format!("/probe/{function}"), &format!(r#"{{"number":{number}}}"#)).await;
        let why = format!("probe.{function}: RangeError: `number` has an integer beyond 9007199254740991");
        fails(&host, answer, &why).await;
    }
    fails(&host, host.post_text("/probe/many", "[1,9007199254740993]").await, "probe.many: RangeError").await;
    fails(&host, host.post_text("/probe/nested", r#"{"number":9007199254740993}"#).await, "probe.nested: RangeError")
        .await;
    assert_eq!(
        host.post("/probe/words-within", &json!({ "one": 4294967295u32 })).await.text(),
        r#"[{"one":4294967295}]"#
    );

    // What a function returns has to be of the WIT's type, not nearly.
    assert_eq!(host.post("/probe/give", &json!({ "what": "seven" })).await.text(), "7");
    for (what, found) in [
        ("too large", "it: expected an integer from 0 to 255, found 300"),
        ("a fraction", "it: expected an integer from 0 to 255, found 1.5"),
        ("a text", "it: expected an integer from 0 to 255, found \\\"7\\\""),
        ("nothing", "it: expected an integer from 0 to 255, found undefined"),
        ("a BigInt", "it: expected an integer from 0 to 255, found the BigInt 7n"),
        ("not a number", "it: expected an integer from 0 to 255, found NaN"),
        ("a promise", "it gave a promise, but the WIT does not say that it is `async`"),
    ] {
        fails(&host, host.post("/probe/give", &json!({ "what": what })).await, &found.replace("\\\"", "\"")).await;
    }
    let answer = host.post("/probe/give-inner", &json!({ "what": "x" })).await;
    fails(&host, answer, "[1].number: expected an integer").await;
    fails(&host, host.post("/probe/give-text", &json!({ "what": "half" })).await, "without lone surrogates").await;

    // Errors: the contract's reach the client, and no other.
    let fail = async |function: &str, how: &str| host.post(&format!("/probe/{function}"), &json!({ "how": how })).await;
    assert_eq!(fail("fail", "fine").await.text(), "\"fine\"");
    let typed = fail("fail", "typed").await;
    assert_eq!((typed.status.as_u16(), &typed.json()["error"]), (404, &json!({ "tag": "not-found", "val": 7 })));
    assert_eq!(fail("fail", "plain").await.json()["error"], json!({ "tag": "full" }));
    fails(&host, fail("fail", "of no type").await, "what it threw is not of the WIT's error type").await;
    fails(&host, fail("fail", "a mistake").await, "probe.fail: TypeError: cannot read property 'trim'").await;
    host.log.wait_for("    at fail (").await;
    assert_eq!(fail("fail-in-words", "an error").await.json()["error"], "no such word");
    assert_eq!(fail("fail-in-words", "a text").await.json()["error"], "a word");
    assert_eq!(fail("fail-in-words", "typed").await.json()["error"], "a typed word");
    fails(&host, fail("fail-in-words", "a mistake").await, "probe.failInWords: TypeError: this is none of").await;

    // Randomness is of the request, except where it is of the build.
    let random = async || host.post_text("/probe/random", "").await.json();
    let (one, other) = (random().await, random().await);
    assert_eq!(one[0], other[0], "the top level runs once");
    assert!(one[1] != other[1] && one[1] != one[2] && one[2] != other[2], "{one} {other}");
    let uuid = async || host.post_text("/probe/uuid", "").await.json().as_str().expect("text").to_owned();
    let (one, other) = (uuid().await, uuid().await);
    assert!(one != other && one.len() == 36 && one.as_bytes()[14] == b'4', "{one} {other}");
    let bytes = host.request("POST", "/probe/bytes").json(&json!({ "count": 64 }));
    let bytes = witapi_tests::send(bytes).await.body;
    assert!(bytes.len() == 64 && bytes.iter().any(|byte| *byte != bytes[0]), "{bytes:?}");

    let globals = host.post_text("/probe/globals", "").await.json();
    let expected = [
        "encode: 195,169,226,130,172,240,159,152,128",
        "decode: 😀\u{fffd}",
        "fatal: TypeError",
        "url: http://user@example.com:8080/b?c=d&c=e#f",
        "search: d,e f",
        "clone: 1970-01-01T00:00:00.000Z",
        "base64: aGVsbG8=hello",
        "date: true",
        "elapsed: true",
    ];
    assert_eq!(globals, Value::from(expected.to_vec()));

    // `console`, with levels.
    let logged = host.post("/probe/log", &json!({ "what": "it" })).await;
    assert_eq!(logged.status, 204);
    host.log.wait_for(&format!("request: id=\"{}\"", logged.header("x-request-id"))).await;
    for (level, text) in [
        ("INFO", "said at the top level"),
        ("INFO", "log it of 3, { a: [1, 2] } Map {\"k\" => Set {1}}"),
        ("WARN", "warn { what: \"it\", inner: { list: [1, \"two\", null, undefined] } }"),
        ("ERROR", "error RangeError: of the log"),
    ] {
        let lines = host.log.lines_with(&format!("{level} guest: {text}"));
        assert!(lines.iter().any(|line| line.contains(logged.header("x-request-id"))), "{level} {text}: {lines:?}");
    }
}

const CONTRACT: &str = "package test:small@1.0.0;

interface small {
    hello: func() -> string;
    bye: func() -> string;
}

world plugin {
    export small;
}
";

#[tokio::test]
async fn without_wasi_logging_the_console_is_stderr() {
    let source = "export const small = {
      hello() { console.warn('of', { no: 'level' }); return 'hello'; },
      bye: () => 'bye',
    };";
    let host = served("small-js", &[("wit/small.wit", CONTRACT), ("src/index.js", source)]).await;
    assert_eq!(host.post_text("/small/hello", "").await.text(), "\"hello\"");
    let line = host.log.wait_for("warn: of { no: \"level\" }").await;
    assert!(line.contains("stream=\"stderr\"") && line.contains("plugin=plugin"), "{line}");
}

#[tokio::test]
async fn own_packages_and_several_files_are_bundled() {
    let source = "import { shout } from 'loud';\nimport { word } from './word.js';\n
      export const small = { hello: () => shout(word), bye: () => word };";
    let files = [
        ("wit/small.wit", CONTRACT),
        ("src/index.js", source),
        ("src/word.js", "export const word = 'hé';"),
        ("node_modules/loud/package.json", r#"{ "name": "loud", "version": "1.0.0", "main": "main.js" }"#),
        ("node_modules/loud/main.js", "exports.shout = (text) => text.toUpperCase() + '!';"),
    ];
    let host = served("modules-js", &files).await;
    assert_eq!(host.post_text("/small/hello", "").await.text(), "\"HÉ!\"");
}

#[tokio::test]
async fn missing_functions_of_the_source_are_named() {
    let refusal = async |wit: &str, entry: &str, source: &str| {
        let folder = project(&[("wit/small.wit", wit), (entry, source)]);
        let refused = build(folder.path()).await.refused();
        assert!(!folder.path().join("plugin/plugin.wasm").exists());
        refused
    };
    let said = refusal(CONTRACT, "src/index.js", "export const other = 1;").await;
    assert!(said.contains("No matching export in \"src/index.js\" for import \"small\""), "{said}");
    let said = refusal(CONTRACT, "src/index.js", "export const small = { hello: () => '' };").await;
    assert!(said.contains("small in src/index.js lacks what the WIT says it has: bye()"), "{said}");
    let said = refusal(CONTRACT, "src/index.ts", "export const small = { hello: () => '' };").await;
    assert!(said.contains("Property 'bye' is missing"), "{said}");
    let said =
        refusal(CONTRACT, "src/index.js", "throw new Error('at the top level');\nexport const small = {};").await;
    assert!(said.contains("at the top level"), "{said}");
    let kept = "import { Store } from 'witapi-sdk/keyvalue';\nconst store = new Store();
        export const small = { hello: () => store.getText('a') ?? '', bye: () => '' };";
    let said = refusal(CONTRACT, "src/index.js", kept).await;
    let advice = "The world `plugin` does not import wasi:keyvalue/store@0.2.0-draft; add `import wasi:keyvalue/store@0.2.0-draft;` to it";
    assert!(said.contains(advice), "{said}");
    let fixed = CONTRACT.replace("hello: func() -> string;", "hello: func() -> list<u8, 4>;");
    let said = refusal(&fixed, "src/index.js", "export const small = {};").await;
    assert!(said.contains("hello: componentize-qjs has no lists of a fixed length"), "{said}");
}
