//! Contracts that are well-formed and yet meant to exhaust whoever reads them.

use std::fmt::Write;

use witapi_tests::{dummy_component, host, with_wit};

use super::all_survive;

/// A component that exports a function with a parameter of the last of `types`, which has to be a list. The function
/// traps. Only text can say what WIT's own parser would refuse.
fn with_types(types: &str, last: &str, functions: usize) -> Vec<u8> {
    let mut exports = String::new();
    for i in 0..functions {
        write!(exports, "(export \"f{i}\" (func $f))").expect("a string takes it");
    }
    let text = format!(
        "(component
          (core module $m
            (memory (export \"memory\") 1)
            (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) unreachable)
            (func (export \"f\") (param i32 i32) unreachable))
          (core instance $i (instantiate $m))
          {types}
          (func $f (param \"v\" {last})
            (canon lift (core func $i \"f\") (memory (core memory $i \"memory\")) (realloc (core func $i \"realloc\"))))
          (instance $e {exports})
          (export \"test:hostile/things\" (instance $e)))"
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// `$t0` to `$t<levels>`, each made of the one before; the outermost is a list.
fn nested(levels: usize, level: impl Fn(usize, &str) -> String) -> Vec<u8> {
    let mut types = "(type $t0 (list string))".to_owned();
    for i in 1..=levels {
        write!(types, "(type $t{i} {})", level(i, &format!("$t{}", i - 1))).expect("a string takes it");
    }
    with_types(&format!("{types}(type $last (list $t{levels}))"), "$last", 1)
}

fn interface(items: &str) -> String {
    format!("package test:things;\ninterface things {{\n{items}\n}}\nworld w {{ export things; }}\n")
}

fn named(name: impl Into<String>, bytes: Vec<u8>) -> (String, Vec<u8>) {
    (name.into(), bytes)
}

#[test]
fn types_nested_deep_are_refused_or_taken() {
    let mut files = vec![];
    for levels in [20, 60, 61, 62, 63, 64, 65, 90, 99] {
        files.push(named(format!("{levels} lists"), nested(levels, |_, inner| format!("(list {inner})"))));
        files.push(named(format!("{levels} options"), nested(levels, |_, inner| format!("(option {inner})"))));
        files.push(named(format!("{levels} tuples"), nested(levels, |_, inner| format!("(tuple u8 {inner})"))));
        files.push(named(format!("{levels} results"), nested(levels, |_, inner| format!("(result {inner})"))));
    }
    for levels in [100, 200, 1_000, 5_000] {
        files.push(named(format!("{levels} lists"), nested(levels, |_, inner| format!("(list {inner})"))));
    }
    let contracts = all_survive("deep types", &files);
    assert!((4..36).contains(&contracts), "{contracts} of them were taken");
}

#[test]
fn types_that_double_per_level_are_rejected_or_loaded() {
    let mut files = vec![];
    for levels in [10, 12, 14, 16, 17, 18, 19, 25] {
        files.push(named(format!("{levels} pairs"), nested(levels, |_, inner| format!("(tuple {inner} {inner})"))));
        files.push(named(
            format!("{levels} results"),
            nested(levels, |_, inner| format!("(result {inner} (error {inner}))")),
        ));
    }
    all_survive("doubled types", &files);
}

#[test]
fn many_functions_of_a_large_type_are_bounded() {
    let mut types = "(type $t0 (list string))".to_owned();
    for i in 1..=9 {
        write!(types, "(type $t{i} (tuple $t{0} $t{0}))", i - 1).expect("a string takes it");
    }
    let types = format!("{types}(type $last (list $t9))");
    let files =
        [1, 100, 450].map(|functions| named(format!("{functions} functions"), with_types(&types, "$last", functions)));
    let contracts = all_survive("large types", &files);
    assert!(contracts > 0, "nothing was read at all");
}

#[test]
fn types_of_ten_thousand_members_are_bounded() {
    let list = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(", ");
    let mut files = vec![];
    for count in [1_000, 9_999] {
        let fields = list(count, &|i| format!("x{i}: u8"));
        files.push(named("a record", dummy_component(&interface(&format!("record r {{ {fields} }} f: func(v: r);")))));
        let cases = list(count, &|i| format!("c{i}"));
        files.push(named("an enum", dummy_component(&interface(&format!("enum e {{ {cases} }} f: func(v: e);")))));
        let cases = list(count, &|i| format!("c{i}(string)"));
        files.push(named("a variant", dummy_component(&interface(&format!("variant e {{ {cases} }} f: func(v: e);")))));
        let items = (0..count).map(|_| "u8").collect::<Vec<_>>().join(" ");
        files.push(named(
            "a tuple",
            with_types(&format!("(type $t (tuple {items}))(type $last (list $t))"), "$last", 1),
        ));
    }
    let aliases = (1..1_000).map(|i| format!("type a{i} = a{};", i - 1)).collect::<String>();
    files.push(named("aliases", dummy_component(&interface(&format!("type a0 = u8; {aliases} f: func(v: a999);")))));
    let functions = (0..900).map(|i| format!("x{i}: func(a: string, b: string) -> string;\n")).collect::<String>();
    files.push(named("functions", dummy_component(&interface(&functions))));
    let contracts = all_survive("wide types", &files);
    assert!(contracts >= 8, "only {contracts} of them were taken");
}

/// Texts that are meant for whoever parses WIT.
fn hostile_texts() -> Vec<(&'static str, String)> {
    let chain = |count: usize, item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<String>();
    let alias = |i: usize| if i == 0 { "type a0 = u8;\n".into() } else { format!("type a{i} = a{};\n", i - 1) };
    let record =
        |i: usize| format!("record r{i} {{ a: {} }}\n", if i == 0 { "u8".into() } else { format!("r{}", i - 1) });
    let double = |i: usize| {
        if i == 0 { "type a0 = u8;\n".into() } else { format!("type a{i} = tuple<a{0}, a{0}>;\n", i - 1) }
    };
    let users = chain(20_000, &|i| match i {
        0 => "interface i0 { type t = u8; }\n".into(),
        _ => format!("interface i{i} {{ use i{}.{{t}}; }}\n", i - 1),
    });
    let worlds = chain(20_000, &|i| match i {
        0 => "world w0 { export things; }\n".into(),
        _ => format!("world w{i} {{ include w{}; }}\n", i - 1),
    });
    let nested =
        |open: &str, close: &str, count: usize| format!("f: func(v: {}u8{});", open.repeat(count), close.repeat(count));
    vec![
        ("an alias of an alias, 50,000 times", interface(&format!("{}f: func(v: a49999);", chain(50_000, &alias)))),
        ("the same, the last first", {
            let aliases: Vec<_> = (0..50_000).rev().map(alias).collect();
            interface(&format!("{}f: func(v: a49999);", aliases.concat()))
        }),
        ("a record of a record, 50,000 times", interface(&format!("{}f: func(v: r49999);", chain(50_000, &record)))),
        ("pairs of pairs, 25 times", interface(&format!("{}f: func(v: a25);", chain(26, &double)))),
        ("pairs of pairs, 60 times", interface(&format!("{}f: func(v: a60);", chain(61, &double)))),
        ("pairs of pairs, 10,000 times", interface(&format!("{}f: func(v: a9999);", chain(10_000, &double)))),
        ("lists in lists, 60", interface(&nested("list<", ">", 60))),
        ("lists in lists, 1,000", interface(&nested("list<", ">", 1_000))),
        ("lists in lists, 100,000", interface(&nested("list<", ">", 100_000))),
        ("lists in lists, without an end", interface(&format!("f: func(v: {}", "list<".repeat(500_000)))),
        ("tuples in tuples, 100,000", interface(&nested("tuple<u8, ", ">", 100_000))),
        ("results in results, 100,000", interface(&nested("result<_, ", ">", 100_000))),
        ("brackets", "{".repeat(3_000_000)),
        ("comments in comments", "/*".repeat(1_000_000)),
        ("comments in comments, closed", format!("{}{}", "/*".repeat(500_000), "*/".repeat(500_000))),
        ("a long comment", format!("/// {}\n{}", "x".repeat(3_000_000), interface("f: func(v: u8);"))),
        ("many comments", format!("{}{}", "/// x\n".repeat(500_000), interface("f: func(v: u8);"))),
        ("a long name", interface(&format!("type {} = u8; f: func(v: u8);", "a".repeat(3_000_000)))),
        ("a long external id", interface(&format!("@external-id(\"GET /{}\") f: func(v: u8);", "a".repeat(3_000_000)))),
        ("many segments", interface(&format!("@external-id(\"GET {}\") f: func(v: u8);", "/a".repeat(1_000_000)))),
        ("attributes", interface(&format!("{} f: func(v: u8);", "@unstable(feature = a)\n".repeat(100_000)))),
        ("interfaces that use one another", format!("{}{users}", interface("f: func(v: u8);"))),
        ("worlds that include one another", format!("{}{worlds}", interface("f: func(v: u8);"))),
        ("a world that includes itself", format!("{}world x {{ include x; }}", interface("f: func(v: u8);"))),
        ("an interface that uses itself", format!("{}interface x {{ use x.{{t}}; }}", interface("f: func(v: u8);"))),
        ("a type of itself", interface("type t = list<t>; f: func(v: t);")),
        (
            "many interfaces",
            format!("{}{}", interface("f: func(v: u8);"), chain(50_000, &|i| format!("interface i{i} {{}}\n"))),
        ),
        ("many functions", interface(&chain(50_000, &|i| format!("x{i}: func(v: u8);\n")))),
        ("nested packages", chain(20_000, &|i| format!("package a:b{i} {{ interface i {{}} }}\n"))),
        ("another package first", format!("package other:pkg;\n{}", interface("f: func(v: u8);"))),
        ("nothing", String::new()),
        ("only a package", "package test:things;".into()),
        ("another package", "package other:things; interface things { f: func(v: u16); }".into()),
        ("a byte order mark", format!("\u{feff}{}", interface("f: func(v: u8);"))),
        ("directions", format!("/// \u{202e}\n{}", interface("f: func(v: u8);"))),
        ("a zero", format!("\0{}", interface("f: func(v: u8);"))),
    ]
}

#[test]
fn embedded_text_that_is_hostile_is_refused_or_taken() {
    let component = dummy_component(&interface("f: func(v: u8);"));
    let file = |(name, text): (&'static str, String)| {
        assert!(text.len() < 4 << 20, "{name} is longer than what is read");
        named(name, with_wit(&component, &text))
    };
    let mut files: Vec<_> = hostile_texts().into_iter().map(file).collect();
    let twice = with_wit(&with_wit(&component, &interface("f: func(v: u8);")), "no WIT");
    files.push(named("two sections", twice));
    let contracts = all_survive("texts", &files);
    assert!(contracts >= 5, "only {contracts} of them were taken");
}

/// Loading is on threads with smaller stacks than that of `inspect`, and one file may not take the others down.
#[tokio::test]
async fn a_host_goes_on_serving_beside_hostile_components() {
    let good = dummy_component(&interface("f: func(v: u8);"));
    let folder = tempfile::tempdir().expect("a folder");
    let save = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(format!("{name}.wasm"));
        std::fs::write(&file, bytes).expect("a file");
        file
    };
    let mut setup = host().component("good", save("good", &good));
    for (i, (_, text)) in hostile_texts().iter().enumerate() {
        let name = format!("text{i}");
        setup = setup.component(&name, save(&name, &with_wit(&good, text)));
    }
    for levels in [60, 99, 5_000] {
        let name = format!("deep{levels}");
        setup = setup.component(&name, save(&name, &nested(levels, |_, inner| format!("(list {inner})"))));
    }
    for levels in [9, 18, 25] {
        let name = format!("doubled{levels}");
        setup = setup.component(&name, save(&name, &nested(levels, |_, inner| format!("(tuple {inner} {inner})"))));
    }
    for (name, bytes) in [("empty", vec![]), ("text", b"hello".to_vec()), ("half", good[..good.len() / 2].to_vec())] {
        setup = setup.component(name, save(name, &bytes));
    }
    for (i, (_, bytes)) in super::mutations(20, 2).iter().enumerate() {
        let name = format!("mutation{i}");
        setup = setup.component(&name, save(&name, bytes));
    }
    let host = setup.start().await;
    assert_eq!(host.get("/_witapi/plugins").await.status, 200);
    assert_eq!(host.post_text("/things/f", "{\"v\":1}").await.status, 500, "{}", host.log.text());
    assert_eq!(host.get("/openapi.json").await.status, 200);
    assert!(!host.log.text().contains("panicked"), "{}", host.log.text());
}
