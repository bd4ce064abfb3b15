//! Guests that answer wrongly when the host asks them for room for its arguments: what `cabi_realloc` gives is checked before
//! anything is written there.

use serde_json::json;
use wit_component::StringEncoding;
use witapi_tests::host;

use super::{
    attack::Attack,
    component::{guest, guest_with},
};

/// `GET /args/text` has its parameter in core values, `many` has so many that they are spilled into memory, `numbers` a list
/// that has to be aligned. Each answers with what it was given.
const WIT: &str = r#"package test:args;
    interface args {
        @external-id("GET /args/text")
        text: func(a: string) -> string;
        @external-id("GET /args/two")
        two: func(a: string, b: string) -> tuple<string, string>;
        @external-id("GET /args/many")
        many: func(a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string, i: string) -> string;
        @external-id("GET /args/numbers")
        numbers: func(n: list<u64>) -> list<u64>;
        @external-id("GET /args/none")
        none: func() -> u8;
    }
    world plugin { export args; }"#;

const TEXT: &str = "/args/text?a=one";
const MANY: &str = "/args/many?a=one&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9";
const NUMBERS: &str = "/args/numbers?n=1&n=2";

/// Its `cabi_realloc` has this body, whose parameters are `$old $old_size $align $size`. `$next` is where free memory begins.
fn component(realloc: &str) -> Vec<u8> {
    guest(WIT, &module(realloc))
}

fn module(realloc: &str) -> String {
    format!(
        r#"(module
            (memory (export "memory") 1)
            (global $next (mut i32) (i32.const 1024))
            (global $count (mut i32) (i32.const 0))
            (func $honest (param $align i32) (param $size i32) (result i32)
                (global.set $next (i32.and
                    (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get $align))))
                (global.get $next)
                (global.set $next (i32.add (global.get $next) (local.get $size))))
            (func $realloc (export "cabi_realloc")
                (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
                (global.set $count (i32.add (global.get $count) (i32.const 1)))
                {realloc})
            (func (export "test:args/args#text") (param i32 i32) (result i32)
                (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
            (func (export "test:args/args#two") (param i32 i32 i32 i32) (result i32)
                (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1))
                (i32.store (i32.const 8) (local.get 2)) (i32.store (i32.const 12) (local.get 3)) (i32.const 0))
            ;; The last string of those that were spilled.
            (func (export "test:args/args#many") (param $at i32) (result i32)
                (i32.add (local.get $at) (i32.const 64)))
            (func (export "test:args/args#numbers") (param i32 i32) (result i32)
                (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
            (func (export "test:args/args#none") (result i32) (i32.const 7)))"#
    )
}

const HONEST: &str = "(call $honest (local.get $align) (local.get $size))";

async fn against(realloc: &str) -> Attack {
    let setup = host().made("hostile", component(realloc)).config("[limits]\ndeadline_ms = 1000");
    Attack::on(setup).await
}

/// That a call without arguments, which needs no room, is answered as before.
async fn is_over(attack: Attack) {
    attack.answers("/args/none", json!(7)).await;
    attack.ended().await;
}

#[tokio::test]
async fn an_honest_guest_has_its_arguments_back() {
    let attack = against(HONEST).await;
    attack.answers(TEXT, json!("one")).await;
    attack.answers("/args/two?a=one&b=", json!(["one", ""])).await;
    attack.answers(MANY, json!("9")).await;
    attack.answers(NUMBERS, json!([1, 2])).await;
    is_over(attack).await;
}

#[tokio::test]
async fn room_outside_of_memory() {
    for at in ["(i32.const 65534)", "(i32.const 65536)", "(i32.const -8)", "(i32.const 0x7ffffff8)", "(i32.const -1)"] {
        let attack = against(at).await;
        for path in [TEXT, MANY, NUMBERS] {
            attack.fails(path, "").await;
        }
        is_over(attack).await;
    }
}

#[tokio::test]
async fn room_that_is_not_aligned() {
    let attack = against("(i32.const 1025)").await;
    attack.fails(MANY, "").await;
    attack.fails(NUMBERS, "").await;
    // Text may stand anywhere.
    attack.answers(TEXT, json!("one")).await;
    is_over(attack).await;
}

/// The guest spoils its own arguments, which is its own affair.
#[tokio::test]
async fn room_that_is_the_same_for_all() {
    for at in ["(i32.const 0)", "(i32.const 4096)"] {
        let attack = against(at).await;
        if at.contains("4096") {
            attack.answers("/args/two?a=one&b=six", json!(["six", "six"])).await;
        }
        for path in [TEXT, MANY, NUMBERS] {
            let status = attack.host.get(path).await.status;
            assert!(status == 200 || status == 500, "{path}: {status}");
        }
        is_over(attack).await;
    }
}

/// What the host wrote first may be another by the time it has written the rest. The second string is written over the
/// first, and half of a character is what is left.
#[tokio::test]
async fn room_within_what_was_written_before() {
    let attack = against("(i32.add (i32.const 4095) (global.get $count))").await;
    attack.fails("/args/two?a=%C3%A9&b=x", "utf-8").await;
    is_over(attack).await;
}

#[tokio::test]
async fn memory_that_grows_while_arguments_are_written() {
    // Into the new page.
    let attack = against(
        "(if (i32.eq (global.get $count) (i32.const 2))
            (then (global.set $next (i32.mul (memory.grow (i32.const 100)) (i32.const 65536)))))
         (call $honest (local.get $align) (local.get $size))",
    )
    .await;
    attack.answers("/args/two?a=one&b=two", json!(["one", "two"])).await;
    attack.answers(MANY, json!("9")).await;
    is_over(attack).await;
}

#[tokio::test]
async fn a_trap_in_cabi_realloc() {
    let attack = against("(unreachable)").await;
    for path in [TEXT, MANY, NUMBERS] {
        attack.fails(path, "unreachable").await;
    }
    is_over(attack).await;
}

#[tokio::test]
async fn recursion_in_cabi_realloc() {
    let attack =
        against("(call $realloc (local.get $old) (local.get $old_size) (local.get $align) (local.get $size))").await;
    for path in [TEXT, MANY, NUMBERS] {
        attack.fails(path, "call stack exhausted").await;
    }
    is_over(attack).await;
}

/// For arguments in core values, for those in memory, and in the middle of them; more at once than there are threads.
#[tokio::test]
async fn a_loop_in_cabi_realloc() {
    for realloc in [
        "(loop $for_ever (br $for_ever)) (unreachable)".to_owned(),
        format!("(if (i32.ge_u (global.get $count) (i32.const 2)) (then (loop $for_ever (br $for_ever)))) {HONEST}"),
    ] {
        let attack = against(&realloc).await;
        let two = "/args/two?a=one&b=two";
        tokio::join!(
            attack.is_overdue(two),
            attack.is_overdue(two),
            attack.is_overdue(MANY),
            attack.is_overdue(MANY),
            attack.is_overdue(MANY),
        );
        is_over(attack).await;
    }
}

/// A guest must not call out while the host writes its arguments.
#[tokio::test]
async fn a_host_call_in_cabi_realloc() {
    let wit = WIT.replace("world plugin {", "world plugin { import wasi:random/random@0.2.0;");
    let wit = format!("{wit}\npackage wasi:random@0.2.0 {{ interface random {{ get-random-u64: func() -> u64; }} }}");
    let module = module(&format!("(drop (call $random)) {HONEST}"));
    let module = module.replacen(
        "(module",
        r#"(module (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))"#,
        1,
    );
    let attack = Attack::on(host().made("hostile", guest(&wit, &module))).await;
    for path in [TEXT, MANY, NUMBERS] {
        attack.fails(path, "cannot leave component instance").await;
    }
    is_over(attack).await;
}

/// The host asks for more room than a text takes, since it does not know before how many bytes that are, and gives back what
/// is too much: `cabi_realloc` may lie the second time.
#[tokio::test]
async fn room_that_moves_away_when_it_shrinks() {
    let lies = ["(i32.const 65535)", "(i32.const -2)", "(i32.const 3)", "(unreachable)"];
    for (encoding, lie) in
        [StringEncoding::UTF16, StringEncoding::CompactUTF16].iter().flat_map(|it| lies.map(|lie| (it, lie)))
    {
        let realloc = format!("(if (result i32) (local.get $old_size) (then {lie}) (else {HONEST}))");
        let component = guest_with(WIT, &module(&realloc), *encoding);
        let attack = Attack::on(host().made("hostile", component)).await;
        for path in ["/args/text?a=%E2%82%AC%E2%82%AC%E2%82%ACx", "/args/text?a=%C3%A9%C3%A9%C3%A9%E2%82%AC"] {
            attack.fails(path, "").await;
        }
        is_over(attack).await;
    }
}

/// A large body into a guest that has no room for it.
#[tokio::test]
async fn arguments_that_the_guest_has_no_room_for() {
    let wit = r#"package test:args;
        interface args { @external-id("POST /args") take: func(a: list<string>) -> u32; get-none: func() -> u8; }
        world plugin { export args; }"#;
    let module = r#"(module
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 1024))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.get $next)
            (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8))))
        (func (export "test:args/args#take") (param i32 i32) (result i32) (local.get 1))
        (func (export "test:args/args#get-none") (result i32) (i32.const 7)))"#;
    let attack = Attack::on(host().made("hostile", guest(wit, module))).await;
    for body in [json!(vec!["x"; 20_000]), json!(vec!["x".repeat(70_000)]), json!(vec!["x".repeat(6_000); 20])] {
        let answer = attack.host.post("/args", &body).await;
        super::attack::assert_problem(&answer, 500, "/problems/plugin-failed");
    }
    assert_eq!(attack.host.post("/args", &json!(["x", "y"])).await.json(), json!(2));
    is_over(attack).await;
}
