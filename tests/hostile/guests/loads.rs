//! Components that attack whoever loads them: each is refused in words, or served like any other, and until then the host serves
//! what it did.

use std::fs;

use serde_json::json;
use wasm_encoder::{ComponentSection, CustomSection};
use witapi_tests::{host, with_section};

use super::{attack::Attack, component::guest};

/// Text of a component → what is done with it beside a host that serves.
fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// That the component is refused with these words, in the log and in the status. `meanwhile` is how many answers the neighbour
/// gives before that is looked at.
async fn is_refused(component: Vec<u8>, words: &[&str]) {
    let attack = Attack::on(host()).await;
    let file = attack.host.file("hostile");
    fs::write(&file, component).expect("to write it");
    attack.host.wait_for("hostile", |it| it["state"] == "failed" || it["state"] == "serving").await;
    let status = attack.host.status("hostile").await;
    let reason = status["failure"]["reason"].as_str().unwrap_or_else(|| panic!("it is served: {status:#}"));
    assert!(reason.len() < 20_000, "{} bytes of reason", reason.len());
    for word in words {
        assert!(reason.contains(word), "no `{word}` in {reason}");
    }
    let line = attack.host.log.wait_for("hostile.wasm").await;
    assert!(line.contains("ERROR"), "{line}");
    // The next one is loaded.
    fs::remove_file(&file).expect("to remove it");
    fs::write(attack.host.file("fine"), component_of("")).expect("to write it");
    attack.host.wait_for("fine", |it| it["state"] == "serving").await;
    attack.answers("/loads", json!(7)).await;
    attack.ended().await;
}

/// A component whose core module has `items` beside what it needs.
fn component_of(items: &str) -> Vec<u8> {
    guest(
        "package test:loads; interface loads { @external-id(\"GET /loads\") load: func() -> u32; } world plugin { export loads; }",
        &format!("(module (func (export \"test:loads/loads#load\") (result i32) (i32.const 7)) {items})"),
    )
}

/// That it is served.
async fn is_served(component: Vec<u8>) {
    let attack = Attack::on(host()).await;
    fs::write(attack.host.file("hostile"), component).expect("to write it");
    attack.host.wait_for("hostile", |it| it["state"] == "serving" || it["state"] == "failed").await;
    let status = attack.host.status("hostile").await;
    assert_eq!(status["state"], "serving", "{:.1000}", status.to_string());
    attack.answers("/loads", json!(7)).await;
    attack.ended().await;
}

/// `GET /loads` by the core instance `$i`, after `items`.
fn around(items: &str) -> Vec<u8> {
    wat(&format!(
        r#"(component
            {items}
            (core module $loads (func (export "get") (result i32) i32.const 7))
            (core instance $i (instantiate $loads))
            (func $get (result u32) (canon lift (core func $i "get")))
            (instance (export "test:loads/loads") (export "get-loads" (func $get))))"#
    ))
}

#[tokio::test]
async fn more_instances_than_one_component_may_have() {
    let many = "(core instance (instantiate $m))".repeat(100);
    is_refused(around(&format!("(core module $m) {many}")), &["instances"]).await;
}

/// Each of thirty components has the one before it twice: a kilobyte that is a billion instances.
#[tokio::test]
async fn instances_that_double_with_every_level() {
    // A component by its index, or by an alias of it.
    for (levels, alias) in [(10, ""), (17, ""), (30, ""), (30, "(alias outer 0 $c (component $a))")] {
        let mut text = String::from("(component $c (core module $m) (core instance (instantiate $m)))");
        let name = if alias.is_empty() { "$c" } else { "$a" };
        for _ in 0..levels {
            text = format!(
                "(component $c {text} {alias} (instance (instantiate {name})) (instance (instantiate {name})))"
            );
        }
        let words = if levels == 10 {
            "which exceeds the configured maximum of 100"
        } else {
            "instances of instances included"
        };
        is_refused(around(&format!("{text} (instance (instantiate $c))")), &[words]).await;
    }
}

/// Siblings, of which each has the one before it twice.
#[tokio::test]
async fn instances_that_double_beside_one_another() {
    let mut text = String::from("(component $c0)");
    for i in 1..40 {
        let before = i - 1;
        text.push_str(&format!(
            "(component $c{i} (alias outer 1 $c{before} (component $a)) (instance (instantiate $a)) (instance (instantiate $a)))"
        ));
    }
    is_refused(around(&format!("{text} (instance (instantiate $c39))")), &["instances of instances included"]).await;
}

/// What is instantiated is not in the file, so nobody can say how much it is.
#[tokio::test]
async fn instances_of_components_that_are_given() {
    let given = "(component $c (component $d) (export \"d\" (component $d))) (instance $g (instantiate $c))
        (alias export $g \"d\" (component $e)) (instance (instantiate $e))";
    is_refused(around(given), &["a component that it imports or is given"]).await;
    let exported = "(component $n (component $c) (export $e \"c\" (component $c)) (instance (instantiate $e)))
        (instance (instantiate $n))";
    is_served(around(exported)).await;
}

#[tokio::test]
async fn memories_and_tables_that_are_too_large() {
    is_refused(component_of("(memory (export \"memory\") 65536)"), &["memory"]).await;
    is_refused(component_of("(memory (export \"memory\") 2049)"), &["memory"]).await;
    is_refused(component_of("(table 4000000000 funcref)"), &["table"]).await;
    let tables = "(table 1 funcref)".repeat(30);
    is_refused(component_of(&tables), &["tables"]).await;
}

#[tokio::test]
async fn data_and_elements_out_of_bounds_are_traps() {
    for items in [
        "(memory 1) (data (i32.const 65536) \"x\")",
        "(memory 1) (data (i32.const -1) \"x\")",
        "(table 1 funcref) (func $f) (elem (i32.const 1) $f)",
    ] {
        let attack = Attack::on(host().made("hostile", component_of(items))).await;
        attack.fails("/loads", "out of bounds").await;
        attack.ended().await;
    }
}

#[tokio::test]
async fn custom_sections_of_many_megabytes() {
    let text = "x".repeat(80 << 20);
    let component = component_of("");
    is_served(with_section(&component, "nothing", &text)).await;
    is_served(with_section(&component, "name", &text)).await;
    is_refused(with_section(&component, "witapi:wit", &text), &["witapi:wit", "83886080 bytes"]).await;
    // Thousands of small ones, under one name.
    let mut many = component.clone();
    for _ in 0..100_000 {
        CustomSection { name: "n".into(), data: (&[]).into() }.append_to_component(&mut many);
    }
    is_served(many).await;
}

#[tokio::test]
async fn more_functions_than_there_may_be() {
    is_refused(around(&format!("(core module {})", "(func)".repeat(1_000_001))), &["functions count"]).await;
}

/// Which is work for the compiler, but for nobody else.
#[tokio::test]
async fn many_functions_and_one_that_is_large() {
    is_served(component_of(&"(func)".repeat(20_000))).await;
    let deep = |depth: usize| format!("(func {} {})", "(block ".repeat(depth), ")".repeat(depth));
    is_served(component_of(&deep(5_000))).await;
    let long = "(drop (i32.add (i32.const 1) (i32.const 2)))".repeat(20_000);
    is_served(component_of(&format!("(func {long})"))).await;
    is_refused(around(&format!("(core module (func {}))", "(local i64 i32)".repeat(50_000))), &["locals"]).await;
    let targets = "0 ".repeat(60_000);
    is_served(component_of(&format!("(func (param i32) (br_table {targets} (local.get 0)))"))).await;
}

#[tokio::test]
async fn types_that_are_too_many_or_too_large() {
    let types: String = (0..10_000).map(|i| format!("(type (func (param \"a{i}\" u32)))")).collect();
    is_served(around(&types)).await;
    let types: String = (0..1_000_001).map(|_| "(type u8)").collect();
    is_refused(around(&types), &["definitions"]).await;
}

/// A text that says something else than the component is.
#[tokio::test]
async fn a_component_that_lies_in_its_embedded_wit() {
    let wit = "package test:loads; interface loads { @external-id(\"GET /loads\") load: func() -> u32; } world plugin { export loads; }";
    for (honest, lie) in [
        ("-> u32", "-> string"),
        ("-> u32", "-> u64"),
        ("-> u32", "-> list<u8>"),
        ("-> u32", ""),
        ("load: func()", "load: func(more: string)"),
        ("load: func()", "other: func()"),
        ("load: func()", "load: async func()"),
    ] {
        let text = wit.replace(honest, lie);
        is_refused(with_section(&component_of(""), "witapi:wit", &text), &["load"]).await;
    }
    is_served(with_section(&component_of(""), "witapi:wit", wit)).await;
}

/// Whatever stands in a file, the operator's terminal does not do it.
#[tokio::test]
async fn words_with_control_characters() {
    let escape = "\u{1b}[2J\u{7}\r\n2026-01-01T00:00:00Z ERROR forged\u{202e}";
    let component = component_of("");
    let attack = Attack::on(host()).await;
    for (i, component) in [
        with_section(&component, "witapi:wit", &format!("package a:b; {escape}")),
        with_section(&component, "witapi:wit", &format!("/// {escape}\npackage a:b;\ninterface {escape} {{}}")),
        with_section(&component, escape, "x"),
        around(&format!("(core module (import \"{0}\" \"{0}\" (func)))", wat_escaped(escape))),
        // What an import is called that is nothing that the host has.
        wat(&format!("(component (import \"a:b/{}\" (func)))", wat_escaped(escape))).into_iter().collect(),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("words{i}");
        fs::write(attack.host.file(&name), component).expect("to write it");
        attack.host.wait_for(&name, |it| !it.is_null()).await;
        attack.host.wait_for(&name, |it| it["state"] == "failed" || it["state"] == "serving").await;
    }
    let text = attack.host.log.text();
    let hidden: Vec<_> = text.lines().filter(|line| line.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r'])).collect();
    assert!(hidden.is_empty(), "{hidden:#?}");
    let forged: Vec<_> = text.lines().filter(|line| line.starts_with("2026-01-01")).collect();
    assert!(forged.is_empty(), "{forged:#?}");
    attack.ended().await;
}

/// The text in a string of WAT.
fn wat_escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("\\{byte:02x}")).collect()
}
