//! Whether anything of one request is found by another: each guest looks at every byte that it has, before and after it asks for
//! more, and then leaves its own secret in all of it.

use serde_json::json;
use witapi_tests::{Host, Setup, host, send};

use super::{
    super::neighbour::PATIENT,
    attack::{Attack, id},
    component::guest,
};

/// `GET /visits?secret=…&pages=…&end=…`: how many words of its memory, its table and its globals are not as a new instance has
/// them, looked at once as it is and once with `pages` more; then all of it is full of the secret. `end` is how it ends: 0 returns,
/// 1 traps, 2 spins, 3 looks again, at what it has left itself.
const WIT: &str = r#"package test:visits;
    interface visits {
        @external-id("GET /visits")
        visit: KIND func(secret: string, pages: u32, end: u32) -> u32;
        @external-id("GET /visits/echo")
        echo: func(secret: string) -> string;
    }
    world plugin { export visits; }"#;

/// With so many pages at first, of which the first word of the last page is 7 as the file has it; in the engine for
/// component-model async or in the other.
fn visitor(pages: u32, is_async: bool) -> Vec<u8> {
    let wit = WIT.replace("KIND", if is_async { "async" } else { "" });
    let last = (pages - 1) * 65536 + 65528;
    let module = format!(
        r#"(module
            (memory (export "memory") {pages})
            (data (i32.const {last}) "\07")
            (table $table 4 20 funcref)
            (elem declare func $scan)
            (global $left (mut i64) (i64.const 0))
            ;; Arguments stand at 1024.
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            ;; Words from $at to $end that are not zero.
            (func $scan (param $at i32) (param $end i32) (result i32) (local $found i32)
                (loop $next
                    (if (i32.lt_u (local.get $at) (local.get $end))
                        (then
                            (if (i64.ne (i64.load (local.get $at)) (i64.const 0))
                                (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
                            (local.set $at (i32.add (local.get $at) (i32.const 8)))
                            (br $next))))
                (local.get $found))
            (func $end (result i32) (i32.mul (memory.size) (i32.const 65536)))
            (func $table (result i32) (local $i i32) (local $found i32)
                (loop $next
                    (if (i32.lt_u (local.get $i) (table.size $table))
                        (then
                            (if (i32.eqz (ref.is_null (table.get $table (local.get $i))))
                                (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
                            (local.set $i (i32.add (local.get $i) (i32.const 1)))
                            (br $next))))
                (local.get $found))
            ;; All but the arguments, which end at $free, and the word that the file has.
            (func $look (param $free i32) (result i32)
                (i32.add (i32.add (i32.add (i32.add
                    (call $scan (i32.const 0) (i32.const 1024))
                    (call $scan (local.get $free) (i32.const {last})))
                    (call $scan (i32.const {after}) (call $end)))
                    (i64.ne (i64.load (i32.const {last})) (i64.const 7)))
                    (i32.add (call $table) (i64.ne (global.get $left) (i64.const 0)))))
            (func (export "test:visits/visits#visit")
                (param $text i32) (param $length i32) (param $pages i32) (param $how i32) (result i32)
                (local $free i32) (local $found i32) (local $at i32)
                (local.set $free (i32.and
                    (i32.add (i32.add (local.get $text) (local.get $length)) (i32.const 15)) (i32.const -8)))
                (local.set $found (call $look (local.get $free)))
                (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1)) (then (unreachable)))
                (drop (table.grow $table (ref.null func) (i32.const 10)))
                (local.set $found (i32.add (local.get $found) (call $look (local.get $free))))
                ;; The secret, over and over: each word but the last before the end.
                (local.set $at (local.get $free))
                (loop $next
                    (memory.copy (local.get $at) (local.get $text) (local.get $length))
                    (local.set $at (i32.add (local.get $at) (local.get $length)))
                    (br_if $next (i32.lt_u (local.get $at) (i32.sub (call $end) (local.get $length)))))
                (table.fill $table (i32.const 0) (ref.func $scan) (table.size $table))
                (global.set $left (i64.load (local.get $text)))
                (if (i32.eq (local.get $how) (i32.const 1)) (then (unreachable)))
                (if (i32.eq (local.get $how) (i32.const 2)) (then (loop $for_ever (br $for_ever))))
                (if (i32.eq (local.get $how) (i32.const 3)) (then (return (call $look (local.get $free)))))
                (local.get $found))
            (func (export "test:visits/visits#echo") (param i32 i32) (result i32)
                (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0)))"#,
        after = last + 8,
    );
    guest(&wit, &module)
}

/// Plugins of different sizes in both engines, that share the slots of the pool.
fn visitors(instances: u32) -> Setup {
    let mounts = |name: &str| format!("[plugin.{name}]\nmount = '/{name}'\n");
    host()
        .made("small", visitor(1, false))
        .made("large", visitor(300, false))
        .made("other", visitor(17, false))
        .made("async", visitor(1, true))
        .made("async2", visitor(40, true))
        .config(&format!("[scheduler]\ninstances = {instances}"))
        .config(&["small", "large", "other", "async", "async2"].map(mounts).concat())
}

const PLUGINS: [&str; 5] = ["small", "large", "other", "async", "async2"];

fn visit(plugin: &str, secret: &str, pages: u32, end: u32) -> String {
    format!("/{plugin}/visits?secret={secret}&pages={pages}&end={end}")
}

/// That the guest can find what is there: what it left itself.
async fn finds_its_own(host: &Host) {
    for plugin in PLUGINS {
        let found = host.get(&visit(plugin, "0123456789abcdef", 3, 3)).await.json();
        assert!(found.as_u64().is_some_and(|found| found > 10_000), "{plugin}: {found}");
    }
}

/// In one slot, so that each has the memory of the one before. Sizes below, at and above what is cleared in place, and what is
/// given back to the kernel.
#[tokio::test]
async fn in_the_place_of_another_instance() {
    let host = visitors(2).start().await;
    finds_its_own(&host).await;
    for pages in [0, 1, 14, 15, 16, 17, 300, 1000] {
        for plugin in PLUGINS {
            for _ in 0..2 {
                let answer = host.get(&visit(plugin, "s3cr3t-of-another-request", pages, 0)).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.text().as_str()),
                    (200, "0"),
                    "{plugin} with {pages} pages more"
                );
            }
        }
    }
}

/// The place of an instance that trapped, that was stopped at its deadline, or whose client has left.
#[tokio::test]
async fn in_the_place_of_an_instance_that_did_not_end_well() {
    let attack = Attack::on(visitors(2).config(&format!("[plugin.neighbour]\nmount = '/'\n{PATIENT}"))).await;
    let host = &attack.host;
    for plugin in PLUGINS {
        for (end, pages) in [(1, 20), (1, 500), (2, 30)] {
            let path = visit(plugin, "s3cr3t-of-a-trap", pages, end);
            if end == 1 {
                attack.fails(&path, "unreachable").await;
            } else {
                // Its client leaves when it has long filled its memory; or else before, which is as good.
                let left =
                    tokio::time::timeout(std::time::Duration::from_millis(300), send(host.request("GET", &path)));
                assert!(left.await.is_err(), "an answer of a guest that spins");
            }
            for other in [plugin, "small", "async"] {
                let answer = host.get(&visit(other, "s3cr3t-of-who-comes-after-it", 600, 0)).await;
                assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "0"), "{other} after {plugin}");
            }
        }
    }
    attack.ended().await;
}

/// Sixteen requests at once, again and again, each with a secret of its own, in few places.
#[tokio::test]
async fn with_many_requests_at_once() {
    let host = std::sync::Arc::new(visitors(6).config("[limits]\ndeadline_ms = 120000").start().await);
    let visits = (0..16).map(|client: u32| {
        let host = host.clone();
        tokio::spawn(async move {
            for i in 0..9 {
                let secret = format!("s3cr3t-{client}-{i}-0123456789");
                let plugin = PLUGINS[((client + i) % 5) as usize];
                let id = id();
                let path = if i % 3 == 2 {
                    format!("/{plugin}/visits/echo?secret={secret}")
                } else {
                    visit(plugin, &secret, (client * 7 + i) % 40, u32::from(i % 4 == 1))
                };
                let ask = async || send(host.request("GET", &path).header("x-request-id", &id)).await;
                let mut answer = ask().await;
                // There are more clients than places, and who waits too long is told to come again.
                while answer.status == 503 {
                    answer = ask().await;
                }
                assert_eq!(answer.header("x-request-id"), id);
                match (i % 3, i % 4) {
                    (2, _) => assert_eq!(answer.json(), json!(secret), "{path}"),
                    (_, 1) => assert_eq!(answer.status, 500, "{path}"),
                    _ => assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "0"), "{path}"),
                }
                assert!(i % 3 == 2 || !answer.text().contains("s3cr3t"), "{answer:?}");
            }
        })
    });
    for visit in visits.collect::<Vec<_>>() {
        visit.await.expect("a client whose answers are all right");
    }
    // Nor does the log tell one request's secrets under another's name.
    assert_eq!(host.log.lines_with("fault=").iter().filter(|line| line.contains("s3cr3t")).count(), 0);
}
