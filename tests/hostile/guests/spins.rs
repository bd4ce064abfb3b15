//! Guests that never come to an end, wherever the host lets them run: each is answered 504 at its deadline, and the threads that
//! it would hold serve the others until then.

use serde_json::json;
use witapi_tests::{fixture, host, send};

use super::{attack::Attack, component::guest};

const LOOP: &str = "(loop $for_ever (br $for_ever))";

/// More than there are threads, each of which is overdue.
async fn are_overdue(attack: &Attack, path: &str) {
    tokio::join!(
        attack.is_overdue(path),
        attack.is_overdue(path),
        attack.is_overdue(path),
        attack.is_overdue(path),
        attack.is_overdue(path),
        attack.is_overdue(path),
    );
}

/// A component with `GET /spins` → u32, whose core module has `items` beside it, and imports what `imports` says.
fn spinner(imports: &str, items: &str) -> Vec<u8> {
    let wit = r#"package test:spins;
        interface spins { @external-id("GET /spins") spin: func() -> u32; @external-id("GET /spins/not") fine: func() -> u32; }
        world plugin { import wasi:random/random@0.2.0; export spins; }
        package wasi:random@0.2.0 { interface random { get-random-bytes: func(len: u64) -> list<u8>; } }"#;
    let module = format!(
        r#"(module {imports}
            (memory (export "memory") 1)
            (func (export "test:spins/spins#fine") (result i32) (i32.const 7))
            {items})"#
    );
    guest(wit, &module)
}

async fn spins_and_is_overdue(component: Vec<u8>) {
    let attack = Attack::on(host().made("hostile", component).config("[limits]\ndeadline_ms = 1500")).await;
    are_overdue(&attack, "/spins").await;
    attack.answers("/spins/not", json!(7)).await;
    attack.ended().await;
}

#[tokio::test]
async fn a_loop_in_the_start_function() {
    // So no request of it can be answered.
    let component = |start: &str| {
        let start = format!(
            r#"(func $start {start}) (start $start)
               (func (export "test:spins/spins#spin") (result i32) (i32.const 1))"#
        );
        spinner("", &start)
    };
    let setup = host()
        .made("loops", component(LOOP))
        .made("fine", component(""))
        .config("[limits]\ndeadline_ms = 1500\n[plugin.fine]\nmount = '/fine'");
    let attack = Attack::on(setup).await;
    are_overdue(&attack, "/spins").await;
    attack.answers("/fine/spins", json!(1)).await;
    attack.ended().await;
}

#[tokio::test]
async fn a_loop_in_the_call() {
    let spin = format!(r#"(func (export "test:spins/spins#spin") (result i32) {LOOP} (unreachable))"#);
    spins_and_is_overdue(spinner("", &spin)).await;
}

/// The host asks the guest for room for what a host call returns.
#[tokio::test]
async fn a_loop_where_a_host_call_calls_back() {
    let imports = r#"(import "wasi:random/random@0.2.0" "get-random-bytes" (func $bytes (param i64 i32)))"#;
    let spin = format!(
        r#"(func (export "test:spins/spins#spin") (result i32)
               (call $bytes (i64.const 100) (i32.const 0)) (i32.load (i32.const 4)))
           (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {LOOP} (unreachable))"#
    );
    spins_and_is_overdue(spinner(imports, &spin)).await;
}

#[tokio::test]
async fn a_loop_after_the_result_in_post_return() {
    let spin = format!(
        r#"(func (export "test:spins/spins#spin") (result i32) (i32.const 1))
           (func (export "cabi_post_test:spins/spins#spin") (param i32) {LOOP})"#
    );
    spins_and_is_overdue(spinner("", &spin)).await;
}

/// One loop has no call in it, one has nothing else, and one is a bulk operation of a whole memory.
#[tokio::test]
async fn loops_of_every_form() {
    for body in [
        "(loop $for_ever (br $for_ever))",
        "(loop $for_ever (call $nothing) (br $for_ever))",
        "(drop (memory.grow (i32.const 1900)))
         (loop $for_ever (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x7000000)) (br $for_ever))",
        "(loop $for_ever (br_table $for_ever $for_ever (i32.const 9)))",
        "(loop $for_ever (drop (memory.grow (i32.const 0))) (br $for_ever))",
    ] {
        let spin =
            format!(r#"(func $nothing) (func (export "test:spins/spins#spin") (result i32) {body} (unreachable))"#);
        spins_and_is_overdue(spinner("", &spin)).await;
    }
}

#[tokio::test]
async fn a_loop_of_host_calls() {
    let imports = r#"(import "wasi:random/random@0.2.0" "get-random-bytes" (func $bytes (param i64 i32)))"#;
    let spin = r#"
        (func (export "test:spins/spins#spin") (result i32)
            (loop $for_ever (call $bytes (i64.const 60000) (i32.const 0)) (br $for_ever)) (unreachable))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16))"#;
    spins_and_is_overdue(spinner(imports, spin)).await;
}

/// It is the whole day off, and costs no processor.
#[tokio::test]
async fn a_guest_that_sleeps_for_ever() {
    let setup = host().fixture("hostile").fixture("waiter").config("[limits]\ndeadline_ms = 1500");
    let attack = Attack::on(setup).await;
    for path in ["/hostile/wait/4294967295", "/waiter/async/4294967295", "/waiter/sync/4294967295"] {
        are_overdue(&attack, path).await;
    }
    attack.answers("/hostile/light", json!("light")).await;
    attack.ended().await;
}

/// All instances that there are, and all places in front of them. The others of this host wait for the deadline, or are told to
/// come back; that nobody waits longer is what is left to see. A host that is not to be held up gives each plugin its share:
/// see `[scheduler]`.
#[tokio::test]
async fn as_many_loops_as_there_are_instances() {
    let setup = host()
        .component("hostile", fixture("hostile"))
        .config("[limits]\ndeadline_ms = 1000\n[scheduler]\ninstances = 4\nqueue = 4");
    let host = setup.start().await;
    let spins: Vec<_> = (0..20).map(|_| tokio::spawn(send(host.request("GET", "/hostile/spin")))).collect();
    let mut statuses = vec![];
    for spin in spins {
        statuses.push(spin.await.expect("an answer").status.as_u16());
    }
    assert!(statuses.iter().all(|status| [503, 504].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503) && statuses.contains(&504), "{statuses:?}");
    assert_eq!(host.get("/hostile/light").await.status, 200);
}
