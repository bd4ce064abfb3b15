//! For each language: from nothing to an answering plugin, by `witapi new` and `witapi build`.
//!
//! What a language has to say of itself is a row of `LANGUAGES`; all else is the same for all of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use witapi_tests::{Host, Setup, cli::Ran, host, root, send, witapi};

/// A language as `witapi new` makes plugins in it.
struct Language {
    /// As `--lang` takes it.
    flag: &'static str,
    /// The source file.
    entry: &'static str,
    /// A piece of the template's source, and what is wrong to write there.
    mistake: (&'static str, &'static str),
    /// What the compiler says of it, besides file and line.
    complaint: &'static str,
}

const TYPESCRIPT: Language = Language {
    flag: "ts",
    entry: "src/index.ts",
    mistake: ("text.length", "text.size"),
    complaint: "Property 'size' does not exist on type 'string'",
};

const JAVASCRIPT: Language = Language {
    flag: "js",
    entry: "src/index.js",
    mistake: ("const note = { id, text };", "const note = { id, text;"),
    complaint: "Expected \"}\" but found \";\"",
};

const RUST: Language = Language {
    flag: "rust",
    entry: "src/lib.rs",
    mistake: ("text.split_whitespace()", "text.split_blank()"),
    complaint: "no method named `split_blank` found for struct `String`",
};

const GO: Language = Language {
    flag: "go",
    entry: "main.go",
    mistake: ("notes.Note{Id: id, Text: text}", "notes.Note{Id: id, Txt: text}"),
    complaint: "unknown field Txt in struct literal of type notes.Note",
};

const C: Language = Language {
    flag: "c",
    entry: "src/plugin.c",
    mistake: ("note->id = id;", "note->number = id;"),
    complaint: "no member named 'number'",
};

/// Runs `witapi` in a folder, with the toolchains of the repository.
async fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(witapi());
    command.args(arguments).current_dir(folder).env("WITAPI_TOOLS", root().join("target/tools"));
    let output = command.output().await.expect("a run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Makes a plugin and builds it; the folder that its folder is in, and the component.
async fn built(language: &Language, new: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let made = run(folder.path(), &[&["new", "notes", "--lang", language.flag], new].concat()).await;
    assert_eq!((made.status, made.stdout.as_str()), (Some(0), ""), "{made:?}");
    let built = run(folder.path(), &["build", "notes", "--install"]).await;
    assert_eq!((built.status, built.stdout.as_str()), (Some(0), ""), "{}", built.stderr);
    let component = folder.path().join("notes/notes.wasm");
    assert!(component.is_file(), "{built:?}");
    (folder, component)
}

fn serving(component: &Path) -> Setup {
    let grants = "[plugin.notes]\ngrants = [\"wasi:keyvalue\", \"witapi:host\"]";
    host().component("notes", component).config(grants)
}

/// What `new` and `build` make is served, and a mistake is told. It is built once for both.
async fn a_new_plugin_serves_and_its_mistakes_are_told(language: &Language) {
    let (folder, component) = built(language, &[]).await;
    the_template_is_served(folder.path(), &component).await;
    a_mistake_is_told_with_its_place(language, folder.path(), &component).await;
}

/// Every operation of the template, with all that it may answer.
async fn the_template_is_served(folder: &Path, component: &Path) {
    let again = run(folder, &["build", "notes"]).await;
    assert_eq!(again.status, Some(0), "{again:?}");
    assert!(again.stderr.contains("notes.wasm is up to date"), "{}", again.stderr);

    let first = serving(component).start().await;
    let note = json!({ "id": 1, "text": "Buy milk, 牛乳 🥛" });
    let request = first.request("POST", "/notes").json(&json!({ "text": note["text"] }));
    let created = send(request.header("x-request-id", "the-first-note")).await;
    assert_eq!((created.status, created.json()), (StatusCode::CREATED, note.clone()), "{}", first.log.text());
    let got = first.get("/notes/1").await;
    assert_eq!((got.status, got.json()), (StatusCode::OK, note.clone()));
    assert_eq!(first.post("/notes", &json!({ "text": "" })).await.faults(), ["body.text min_length"]);
    assert_eq!(first.get("/notes/0").await.faults(), ["path.id minimum"]);
    nothing_is_there(&first, 2).await;
    // The line that the plugin logs, and whose it is.
    let line = first.log.wait_for(" guest: ").await;
    assert!(line.contains("plugin=notes") && line.contains("request=the-first-note"), "{line}");
    let document = first.get("/openapi.json").await.json();
    assert_eq!(document["paths"]["/notes"]["post"]["summary"], "Keep a note");

    let second = host().in_folder_of(first.kill().await).start().await;
    assert_eq!(second.get("/notes/1").await.json(), note, "state is kept");
    assert_eq!(second.post("/notes", &json!({ "text": "b" })).await.json(), json!({ "id": 2, "text": "b" }));
    assert_eq!(second.get("/notes/2").await.json()["text"], "b");
    nothing_is_there(&second, 3).await;
}

async fn nothing_is_there(host: &Host, id: u32) {
    let answer = host.get(&format!("/notes/{id}")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    assert_eq!(answer.json()["error"], json!({ "tag": "not-found", "val": id }));
}

/// A mistake is told as the compiler tells it, with its place, and what was built before stays as it was.
async fn a_mistake_is_told_with_its_place(language: &Language, folder: &Path, component: &Path) {
    let earlier = fs::read(component).expect("a component");
    let source = folder.join("notes").join(language.entry);
    let text = fs::read_to_string(&source).expect("a source");
    let (right, wrong) = language.mistake;
    let at = text.find(right).unwrap_or_else(|| panic!("no `{right}` in the template:\n{text}"));
    let line = text[..at].lines().count();
    fs::write(&source, text.replacen(right, wrong, 1)).expect("a written source");

    let refused = run(folder, &["build", "notes"]).await.refused();
    // Both notations are in use: `file:12:4` and `file(12,4)`.
    let places = [format!("{}:{line}", language.entry), format!("{}({line},", language.entry)];
    let file_and_line = |expected: &String| refused.contains(expected);
    let in_python = refused.contains(&format!("{}\", line {line}", language.entry));
    assert!(places.iter().any(file_and_line) || in_python, "no {} or {} in\n{refused}", places[0], places[1]);
    assert!(refused.contains(language.complaint), "no `{}` in\n{refused}", language.complaint);
    assert_eq!(fs::read(component).expect("a component"), earlier);

    fs::write(&source, text).expect("a written source");
    let fixed = run(folder, &["build", "notes"]).await;
    assert_eq!(fixed.status, Some(0), "{fixed:?}");
}

/// A contract that is there already gets a stub for each function, which builds and answers that it is not done.
async fn stubs_of_a_contract_build(language: &Language) {
    let contract = tempfile::tempdir().expect("a folder");
    let wit = contract.path().join("shop.wit");
    fs::write(&wit, SHOP).expect("a written contract");
    let (folder, component) = built(language, &["--wit", wit.to_str().expect("a path")]).await;
    let source = fs::read_to_string(folder.path().join("notes").join(language.entry)).expect("a source");
    // What the contract says of a function stands at its stub.
    assert!(source.contains("Place an order"), "{source}");
    assert_eq!(fs::read_to_string(folder.path().join("notes/wit/shop.wit")).expect("the contract"), SHOP);

    let host = host().component("shop", &component).start().await;
    assert_eq!(host.post("/orders", &json!({ "items": [{ "sku": "a" }] })).await.status, 422);
    let order =
        json!({ "items": [{ "sku": "a", "qty": 2 }], "delivery": { "tag": "express", "val": 3 }, "packing": ["gift"] });
    for answer in
        [host.post("/orders", &order).await, host.get("/orders?status=open").await, host.delete("/orders/7").await]
    {
        assert!([500, 501].contains(&answer.status.as_u16()), "{answer:?}");
    }
    assert_eq!(host.get("/openapi.json").await.json()["paths"]["/orders"]["post"]["summary"], "Place an order");
}

/// A contract with most of what WIT has.
const SHOP: &str = r#"package example:shop@1.0.0;

/// What is ordered.
interface orders {
    /// How far an order is.
    enum status { open, sent }

    /// How an order is packed.
    flags packing { gift, plastic-free }

    /// How an order gets there.
    variant delivery { pickup, express(u8) }

    record item { sku: string, qty: u32 }

    record order {
        items: list<item>,
        delivery: delivery,
        packing: option<packing>,
    }

    variant refusal { not-found, conflict(string) }

    /// Place an order
    ///
    /// Or several */ at once. "Quoted", and /* begun.
    create-order: func(order: order) -> result<u64, refusal>;

    /// Look through the orders
    list-orders: func(status: status) -> list<order>;

    delete-order: func(id: u32) -> result<_, refusal>;

    /// How it all is, in numbers
    get-summary: func() -> tuple<u32, f64, string>;
}

world shop {
    export orders;
}
"#;

macro_rules! languages {
    ($($module:ident: $language:expr;)*) => {$(
        mod $module {
            #[tokio::test]
            async fn a_new_plugin_serves_and_its_mistakes_are_told() {
                super::a_new_plugin_serves_and_its_mistakes_are_told(&$language).await;
            }

            #[tokio::test]
            async fn stubs_of_a_contract_build() {
                super::stubs_of_a_contract_build(&$language).await;
            }
        }
    )*};
}

languages! {
    c: super::C;
    go: super::GO;
    javascript: super::JAVASCRIPT;
    rust: super::RUST;
    typescript: super::TYPESCRIPT;
}
