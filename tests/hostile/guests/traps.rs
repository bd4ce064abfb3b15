//! Every kind of trap, at random calls, while others are served.

use std::sync::Arc;

use serde_json::json;
use witapi_tests::{host, send};

use super::{
    attack::{Attack, assert_problem, id},
    component::guest,
};

/// Each with the words of the log.
const TRAPS: [(&str, &str); 12] = [
    ("(unreachable)", "unreachable"),
    ("(i32.div_u (i32.const 1) (call $zero))", "integer divide by zero"),
    ("(i32.div_s (i32.const 0x80000000) (i32.sub (call $zero) (i32.const 1)))", "integer overflow"),
    ("(i32.trunc_f64_s (f64.const 1e300))", "integer overflow"),
    ("(i32.trunc_f64_s (f64.const nan))", "invalid conversion to integer"),
    ("(i32.load (i32.const 65536))", "out of bounds memory access"),
    ("(i32.load offset=0xffffffff (i32.const -1))", "out of bounds memory access"),
    ("(i32.wrap_i64 (call_indirect (type $other) (call $zero)))", "indirect call type mismatch"),
    ("(call_indirect (type $own) (i32.const 1))", "uninitialized element"),
    ("(call_indirect (type $own) (i32.const 99))", "undefined element"),
    ("(call $recurse)", "call stack exhausted"),
    ("(memory.fill (i32.const 1) (i32.const 1) (i32.const -1)) (i32.const 0)", "out of bounds memory access"),
];

fn component() -> Vec<u8> {
    let (mut wit, mut functions) = (String::new(), String::new());
    for (i, (body, _)) in TRAPS.iter().enumerate() {
        wit.push_str(&format!("@external-id(\"GET /traps/{i}\") trap{i}: func() -> u32;\n"));
        functions.push_str(&format!("(func (export \"test:traps/traps#trap{i}\") (result i32) {body})\n"));
    }
    let wit = format!(
        "package test:traps; interface traps {{ {wit} @external-id(\"GET /traps/not\") fine: func() -> u32; }} \
         world plugin {{ export traps; }}"
    );
    let module = format!(
        r#"(module
            (type $own (func (result i32))) (type $other (func (result i64)))
            (memory (export "memory") 1)
            (table 2 2 funcref)
            (elem (i32.const 0) $zero)
            (func $zero (result i32) (i32.const 0))
            (func $recurse (result i32) (i32.add (call $recurse) (i32.const 1)))
            {}
            (func (export "test:traps/traps#fine") (result i32) (i32.const 7)))"#,
        functions
    );
    guest(&wit, &module)
}

#[tokio::test]
async fn each_kind_of_trap_is_named_in_the_log() {
    let attack = Attack::on(host().made("hostile", component())).await;
    for (i, (_, words)) in TRAPS.iter().enumerate() {
        attack.fails(&format!("/traps/{i}"), words).await;
        attack.answers("/traps/not", json!(7)).await;
    }
    attack.ended().await;
}

/// From many clients at once, every other call of them; which, is chance, but the same each time.
#[tokio::test]
async fn traps_at_random_calls_under_load() {
    let attack = Attack::on(host().made("hostile", component())).await;
    let url = attack.host.url("");
    let client = Arc::new(attack.host.client.clone());
    let clients = (0..16u64).map(|seed| {
        let (url, client) = (url.clone(), client.clone());
        tokio::spawn(async move {
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            for _ in 0..60 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (trap, id) = ((random >> 33) as usize % (2 * TRAPS.len()), id());
                let path = if trap < TRAPS.len() { format!("/traps/{trap}") } else { "/traps/not".to_owned() };
                let answer = send(client.get(format!("{url}{path}")).header("x-request-id", &id)).await;
                assert_eq!(answer.header("x-request-id"), id);
                if trap < TRAPS.len() {
                    assert_problem(&answer, 500, "/problems/plugin-failed");
                } else {
                    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "7"));
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client whose answers are all right");
    }
    attack.answers("/traps/not", json!(7)).await;
    attack.ended().await;
}

/// What the functions of a guest are called stands in the log, where a trap was. It may be anything.
#[tokio::test]
async fn names_of_functions_that_drive_a_terminal() {
    let name = r"\1b[2J\07\0d\0a2026-01-01T00:00:00Z ERROR forged\e2\80\ae";
    let module = format!(
        r#"(module
            (func $f (@name "{name}") (export "test:traps/traps#trap") (result i32) (unreachable)))"#
    );
    let wit = "package test:traps; interface traps { @external-id(\"GET /traps\") trap: func() -> u32; } \
               world plugin { export traps; }";
    let attack = Attack::on(host().made("hostile", guest(wit, &module))).await;
    attack.fails("/traps", "forged").await;
    let text = attack.host.log.text();
    let hidden: Vec<_> = text.lines().filter(|line| line.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r'])).collect();
    assert!(hidden.is_empty(), "{hidden:#?}");
    assert!(!text.lines().any(|line| line.starts_with("2026-01-01")), "{text}");
    attack.ended().await;
}

/// Of a trap no more is told than of a guest's own words.
#[tokio::test]
async fn names_of_functions_that_fill_the_log() {
    let deep = |depth: usize| {
        let name = "n".repeat(90_000);
        let body = if depth == 0 { "(unreachable)".to_owned() } else { format!("(call $f{})", depth - 1) };
        format!("(func $f{depth} (@name \"{name}{depth}\") (result i32) {body})\n")
    };
    let functions: String = (0..10).map(deep).collect();
    let module = format!(r#"(module {functions} (func (export "test:traps/traps#trap") (result i32) (call $f9)))"#);
    let wit = "package test:traps; interface traps { @external-id(\"GET /traps\") trap: func() -> u32; } \
               world plugin { export traps; }";
    let attack = Attack::on(host().made("hostile", guest(wit, &module))).await;
    let fault = attack.fails("/traps", "unreachable").await;
    assert!(fault.len() < 10 << 10 && fault.contains("bytes cut"), "{} bytes", fault.len());
    attack.ended().await;
}
