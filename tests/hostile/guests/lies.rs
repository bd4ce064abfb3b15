//! Results that break the canonical ABI: what a guest says of its memory is checked before it is believed.
//! Section numbers are the names of functions in the component model's `CanonicalABI.md`.

use serde_json::json;
use wit_component::StringEncoding;
use witapi_tests::host;

use super::{attack::Attack, component::guest_with};

/// An operation that returns what it should not: its path, the type of its result, and the core function's body, which
/// leaves an i32: the value or, where that is more than one core value, a pointer to it.
struct Lie {
    ty: String,
    body: String,
}

fn lie(ty: &str, body: impl Into<String>) -> Lie {
    Lie { ty: ty.to_owned(), body: body.into() }
}

/// A list or string at `at` with `length`, whose words stand at 16.
fn pair(at: u32, length: u32) -> String {
    words(16, &[at, length])
}

/// Words from `at` on, and a pointer to them.
fn words(at: u32, words: &[u32]) -> String {
    let store =
        |(i, word): (usize, &u32)| format!("(i32.store (i32.const {}) (i32.const {word}))", at as usize + 4 * i);
    format!("{} (i32.const {at})", words.iter().enumerate().map(store).collect::<String>())
}

/// Types that lies may have.
const TYPES: &str = "
    enum color { red, green, blue }
    variant shape { none, circle(u32), name(string) }
    flags marks { a, b, c }
    record pixel { x: u32, y: u64, color: color }
    record letter { letter: char }";

/// The component of these operations, `GET /lies/<index>`, beside an honest one, `GET /lies/truth`. `data` stands at 1024.
fn component(lies: &[Lie], encoding: StringEncoding, data: &str) -> Vec<u8> {
    let operation =
        |(i, Lie { ty, .. }): (usize, &Lie)| format!("@external-id(\"GET /lies/{i}\") lie{i}: func() -> {ty};\n");
    let operations: String = lies.iter().enumerate().map(operation).collect();
    let wit = format!(
        "package test:lies; interface lies {{ {TYPES} @external-id(\"GET /lies/truth\") truth: func() -> string; \
         {operations} }} world plugin {{ export lies; }}"
    );
    let function = |(i, Lie { body, .. }): (usize, &Lie)| {
        format!("(func (export \"test:lies/lies#lie{i}\") (result i32) {body})\n")
    };
    let functions: String = lies.iter().enumerate().map(function).collect();
    let truth = pair(64, if encoding == StringEncoding::UTF16 { 2 } else { 4 });
    let module = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 64) "true")
            (data (i32.const 1024) "{data}")
            (func (export "test:lies/lies#truth") (result i32) {truth})
            {functions})"#
    );
    guest_with(&wit, &module, encoding)
}

/// That each of these lies fails, and that the host then serves as before. In order: a lie must not help the next.
async fn each_fails(lies: &[Lie]) {
    each_fails_in(lies, StringEncoding::UTF8, "").await;
}

async fn each_fails_in(lies: &[Lie], encoding: StringEncoding, data: &str) {
    let truth = if encoding == StringEncoding::UTF16 { "\u{7274}\u{6575}" } else { "true" };
    let attack = Attack::on(host().made("hostile", component(lies, encoding, data))).await;
    for (i, Lie { ty, body }) in lies.iter().enumerate() {
        let fault = attack.fails(&format!("/lies/{i}"), "").await;
        assert!(fault.len() > 10, "the log does not say why {ty} of {body} failed: {fault}");
        attack.answers("/lies/truth", json!(truth)).await;
    }
    attack.ended().await;
}

#[tokio::test]
async fn strings_outside_of_memory() {
    let bounds =
        [(65536, 1), (65530, 7), (65535, 2), (0, u32::MAX), (u32::MAX, u32::MAX), (1 << 31, 1 << 31), (1, 65536)];
    each_fails(&bounds.map(|(at, length)| lie("string", pair(at, length)))).await;
}

#[tokio::test]
async fn lists_of_four_gibibytes() {
    let lies = ["list<u8>", "list<u32>", "list<u64>", "list<string>", "list<pixel>", "list<list<u8>>", "list<color>"]
        .iter()
        // The last two lengths times 8 are 0 and 8, if nobody looks.
        .flat_map(|ty| [65537, u32::MAX, 1 << 31, 1 << 29, (1 << 29) + 1].map(|length| lie(ty, pair(1024, length))));
    each_fails(&lies.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn results_at_pointers_outside_of_memory() {
    let lies = ["string", "list<u32>", "pixel", "option<u32>", "shape", "tuple<u32, u32>"]
        .iter()
        .flat_map(|ty| [65536u32, 65532 + 4, !7, 1 << 31].map(|at| lie(ty, format!("(i32.const {at})"))));
    each_fails(&lies.collect::<Vec<_>>()).await;
    // The first byte is in, the last is not.
    each_fails(&[lie("string", "(i32.const 65532)"), lie("pixel", "(i32.const 65528)")]).await;
}

#[tokio::test]
async fn pointers_that_are_not_aligned() {
    each_fails(&[
        lie("string", "(i32.const 17)"),
        lie("pixel", "(i32.const 20)"),
        lie("tuple<u32, u32>", "(i32.const 18)"),
        lie("list<u32>", pair(1026, 1)),
        lie("list<u64>", pair(1028, 1)),
        lie("list<u16>", pair(1025, 1)),
        lie("list<pixel>", pair(1028, 1)),
        lie("list<string>", pair(1025, 1)),
        lie("list<char>", pair(1025, 1)),
    ])
    .await;
}

#[tokio::test]
async fn text_that_is_not_utf_8() {
    // A byte that never is, a zero in two bytes, a surrogate, half a character, too large a character, a lone rest.
    let texts = [r"\ff", r"\c0\80", r"\ed\a0\80", r"\e2\82", r"\f4\90\80\80", r"\80"];
    for text in texts {
        let length = text.len() as u32 / 3;
        let lies = [
            lie("string", pair(1024, length)),
            lie("list<string>", format!("(drop {}) {}", words(32, &[1024, length]), pair(32, 1))),
            lie("shape", words(32, &[2, 1024, length])),
            lie("map<string, u8>", format!("(drop {}) {}", words(32, &[1024, length, 1]), pair(32, 1))),
        ];
        each_fails_in(&lies, StringEncoding::UTF8, text).await;
    }
}

#[tokio::test]
async fn utf_16_with_lone_surrogates_and_odd_pointers() {
    let lies = [
        lie("string", pair(1024, 1)),
        lie("string", pair(1024, 2)),
        lie("string", pair(1026, 2)),
        // Bytes, not characters, may stand at any place.
        lie("string", pair(1025, 1)),
        lie("string", pair(65534, 2)),
        // Twice as many bytes are 0 and 2, if nobody looks.
        lie("string", pair(0, 1 << 31)),
        lie("string", pair(0, (1 << 31) + 1)),
        lie("string", pair(0, u32::MAX)),
    ];
    each_fails_in(&lies, StringEncoding::UTF16, r"\00\d8\00\d8A\00").await;
}

#[tokio::test]
async fn latin_1_that_says_it_is_utf_16() {
    const UTF16: u32 = 1 << 31;
    let lies = [
        lie("string", pair(1024, 1 | UTF16)),
        lie("string", pair(1025, 1)),
        lie("string", pair(65534, 2 | UTF16)),
        lie("string", pair(65534, 3)),
        lie("string", pair(0, u32::MAX)),
        lie("string", pair(0, !UTF16)),
    ];
    each_fails_in(&lies, StringEncoding::CompactUTF16, r"\00\d8\00\d8A\00").await;
}

#[tokio::test]
async fn characters_that_are_none() {
    for char in [0xd800, 0xdfff, 0x11_0000, u32::MAX] {
        each_fails(&[
            lie("char", format!("(i32.const {char})")),
            lie("letter", format!("(i32.const {char})")),
            lie("list<char>", format!("(drop {}) {}", words(32, &[char]), pair(32, 1))),
            lie("option<char>", words(32, &[1, char])),
        ])
        .await;
    }
}

#[tokio::test]
async fn discriminants_of_no_case() {
    each_fails(&[
        lie("color", "(i32.const 3)"),
        lie("color", "(i32.const 255)"),
        // Its lowest byte is a case.
        lie("color", "(i32.const 256)"),
        lie("color", "(i32.const -1)"),
        lie("tuple<result>", "(i32.const 2)"),
        lie("result", "(i32.const 2)"),
        lie("result", "(i32.const 256)"),
        lie("result<_, color>", words(32, &[2])),
        lie("result<u32, string>", words(32, &[0xff])),
        lie("option<u32>", words(32, &[2, 0])),
        lie("tuple<u8, option<string>>", words(32, &[0, 77, 0, 0])),
        lie("shape", words(32, &[3, 0, 0])),
        lie("shape", words(32, &[255, 0, 0])),
        lie("list<color>", format!("(drop {}) {}", words(32, &[0x03_02_01_00]), pair(32, 4))),
        lie("list<shape>", format!("(drop {}) {}", words(32, &[0, 0, 0, 4, 0, 0]), pair(32, 2))),
        lie("pixel", words(32, &[0, 0, 0, 0, 3, 0])),
    ])
    .await;
}

/// Where the ABI says what to make of more bits than a type has, that is made of them.
#[tokio::test]
async fn bits_that_mean_nothing_are_dropped() {
    let lies = [
        (lie("bool", "(i32.const 2)"), json!(true)),
        (lie("bool", "(i32.const 256)"), json!(true)),
        (lie("tuple<bool, bool>", words(32, &[0x8000])), json!([false, true])),
        (lie("u8", "(i32.const 0x1ff)"), json!(255)),
        (lie("s8", "(i32.const 0xff)"), json!(-1)),
        (lie("u16", "(i32.const -1)"), json!(65535)),
        (lie("s16", "(i32.const 0x18000)"), json!(-32768)),
        (lie("marks", "(i32.const -1)"), json!(["a", "b", "c"])),
        (lie("marks", "(i32.const 0xf2)"), json!(["b"])),
        (lie("tuple<marks, marks>", words(32, &[0xf8ff])), json!([["a", "b", "c"], []])),
        (lie("pixel", words(32, &[1, 7, 2, 0, 0x7777_7701, 0x7777_7777])), json!({"x": 1, "y": 2, "color": "green"})),
    ];
    let (lies, truths): (Vec<_>, Vec<_>) = lies.into_iter().unzip();
    let attack = Attack::on(host().made("hostile", component(&lies, StringEncoding::UTF8, ""))).await;
    for (i, truth) in truths.into_iter().enumerate() {
        attack.answers(&format!("/lies/{i}"), truth).await;
    }
    attack.ended().await;
}

/// A page of memory that is a result of gibibytes, since all its parts are the same part.
#[tokio::test]
async fn lists_that_hold_the_same_list_over_and_over() {
    // At 0 sixteen pages from here: 8,000 times (0, 64,000). Each level multiplies by 8,000.
    let fill = "(local $at i32) (local.set $at (i32.const 64))
        (loop $next
            (i32.store (local.get $at) (i32.const 64))
            (i32.store offset=4 (local.get $at) (i32.const 8000))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 65000))))";
    let nested = |depth: usize, of: &str| {
        let ty = format!("{}{of}{}", "list<".repeat(depth), ">".repeat(depth));
        lie(&ty, format!("{fill} (i32.const 64)"))
    };
    let lies = [
        nested(1, "string"),
        nested(2, "u8"),
        nested(3, "u8"),
        nested(3, "bool"),
        nested(8, "u64"),
        nested(30, "u64"),
        nested(5, "tuple<u32, u32>"),
        nested(3, "marks"),
        nested(4, "tuple<u8, u8, u8, u8, u8, u8, u8, u8>"),
    ];
    let attack = Attack::on(host().made("hostile", component(&lies, StringEncoding::UTF8, ""))).await;
    for i in 0..lies.len() {
        attack.fails(&format!("/lies/{i}"), "result_kib").await;
        attack.answers("/lies/truth", json!("true")).await;
    }
    let host = attack.ended().await;
    let peak = super::attack::peak_mib(&host);
    assert!(peak < 600, "{peak} MiB");
}
