//! Guests that break the rules of component-model async: tasks, waitables, streams and futures.

use serde_json::json;
use witapi_tests::host;

use super::{attack::Attack, component::guest};

/// An async operation: what its core function does at first, and what its callback does. Both leave what is to come: 0 is the
/// end of the task, 1 is to be called again, 2 is to wait for the set in the other bits.
struct Task {
    first: &'static str,
    callback: &'static str,
}

const fn task(first: &'static str, callback: &'static str) -> Task {
    Task { first, callback }
}

/// The component of these, `GET /tasks/<index>` → u32, beside an honest one, `GET /tasks/fine`. `$return` has the result.
fn component(tasks: &[Task]) -> Vec<u8> {
    let mut wit = String::from(
        r#"package test:tasks;
        interface tasks { @external-id("GET /tasks/fine") fine: async func() -> u32; "#,
    );
    let (mut imports, mut functions) = (String::new(), String::new());
    for (i, Task { first, callback }) in tasks.iter().enumerate() {
        wit.push_str(&format!("@external-id(\"GET /tasks/{i}\") task{i}: async func() -> u32;\n"));
        imports.push_str(&format!(
            "(import \"[export]test:tasks/tasks\" \"[task-return]task{i}\" (func $return{i} (param i32)))\n"
        ));
        let own = |body: &str| body.replace("$return", &format!("$return{i}"));
        functions.push_str(&format!(
            r#"(func (export "[async-lift]test:tasks/tasks#task{i}") (result i32) (local $i i32) {})
               (func (export "[callback][async-lift]test:tasks/tasks#task{i}")
                   (param $event i32) (param $a i32) (param $b i32) (result i32) {})"#,
            own(first),
            own(callback)
        ));
    }
    wit.push_str(
        r#"    @external-id("GET /tasks/stream") some: async func() -> stream<u32>;
               @external-id("GET /tasks/future") other: async func() -> future<u32>; }
        world plugin { import wasi:clocks/monotonic-clock@0.3.0; export tasks; }
        package wasi:clocks@0.3.0 { interface monotonic-clock { wait-for: async func(how-long: u64); } }"#,
    );
    let module = format!(
        r#"(module
            {imports}
            (import "[export]test:tasks/tasks" "[task-return]fine" (func $return (param i32)))
            (import "[export]test:tasks/tasks" "[task-return]some" (func $return_stream (param i32)))
            (import "[export]test:tasks/tasks" "[task-return]other" (func $return_future (param i32)))
            (import "$root" "[waitable-set-new]" (func $set (result i32)))
            (import "$root" "[waitable-set-drop]" (func $drop_set (param i32)))
            (import "$root" "[waitable-join]" (func $join (param i32 i32)))
            (import "$root" "[subtask-drop]" (func $drop_subtask (param i32)))
            (import "$root" "[backpressure-inc]" (func $backpressure))
            (import "$root" "[thread-yield]" (func $yield (result i32)))
            (import "[export]$root" "[task-cancel]" (func $cancel))
            (import "[export]test:tasks/tasks" "[stream-new-0]some" (func $stream (result i64)))
            (import "[export]test:tasks/tasks" "[stream-write-0]some" (func $write (param i32 i32 i32) (result i32)))
            (import "[export]test:tasks/tasks" "[stream-read-0]some" (func $read (param i32 i32 i32) (result i32)))
            (import "[export]test:tasks/tasks" "[future-new-0]other" (func $future (result i64)))
            (import "[export]test:tasks/tasks" "[future-drop-writable-0]other" (func $drop_future (param i32)))
            (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $sleep (param i64) (result i32)))
            (memory (export "memory") 1)
            (func $hour (result i32) (call $sleep (i64.const 3600000000000)))
            ;; To wait for an hour.
            (func $wait (result i32) (local $set i32)
                (local.set $set (call $set))
                (call $join (i32.shr_u (call $hour) (i32.const 4)) (local.get $set))
                (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
            (func (export "[async-lift]test:tasks/tasks#fine") (result i32) (call $return (i32.const 7)) (i32.const 0))
            (func (export "[callback][async-lift]test:tasks/tasks#fine") (param i32 i32 i32) (result i32) (unreachable))
            (func (export "[async-lift]test:tasks/tasks#some") (result i32) (unreachable))
            (func (export "[callback][async-lift]test:tasks/tasks#some") (param i32 i32 i32) (result i32) (unreachable))
            (func (export "[async-lift]test:tasks/tasks#other") (result i32)
                (call $return_future (i32.wrap_i64 (call $future))) (i32.const 0))
            (func (export "[callback][async-lift]test:tasks/tasks#other") (param i32 i32 i32) (result i32) (unreachable))
            {functions})"#
    );
    guest(&wit, &module)
}

async fn against(tasks: &[Task]) -> Attack {
    until(tasks, 1_500).await
}

/// Of those that end by something else than their deadline, however busy the machine is.
async fn long_before_the_deadline(tasks: &[Task]) -> Attack {
    until(tasks, 60_000).await
}

async fn until(tasks: &[Task], deadline_ms: u32) -> Attack {
    let limits = format!("[limits]\ndeadline_ms = {deadline_ms}");
    Attack::on(host().made("hostile", component(tasks)).config(&limits)).await
}

async fn is_over(attack: Attack) {
    attack.answers("/tasks/fine", json!(7)).await;
    attack.ended().await;
}

/// Each of these fails.
async fn each_fails(tasks: &[Task], reason: &str) {
    let attack = long_before_the_deadline(tasks).await;
    for i in 0..tasks.len() {
        attack.fails(&format!("/tasks/{i}"), reason).await;
        attack.answers("/tasks/fine", json!(7)).await;
    }
    is_over(attack).await;
}

/// Each of these is answered 504.
async fn each_is_overdue(tasks: &[Task]) {
    let attack = against(tasks).await;
    for i in 0..tasks.len() {
        let path = format!("/tasks/{i}");
        tokio::join!(attack.is_overdue(&path), attack.is_overdue(&path), attack.is_overdue(&path));
    }
    is_over(attack).await;
}

const TRAP: &str = "(unreachable)";

#[tokio::test]
async fn tasks_that_end_without_a_result() {
    each_fails(
        &[
            task("(i32.const 0)", TRAP),
            task("(i32.const 1)", "(i32.const 0)"),
            task("(call $cancel) (i32.const 0)", TRAP),
        ],
        "",
    )
    .await;
}

#[tokio::test]
async fn tasks_that_have_two_results() {
    let twice = "(call $return (i32.const 1)) (call $return (i32.const 2)) (i32.const 0)";
    let later = task("(call $return (i32.const 1)) (i32.const 1)", "(call $return (i32.const 2)) (i32.const 0)");
    let attack = against(&[task(twice, TRAP), later]).await;
    attack.fails("/tasks/0", "").await;
    // The second came when the first was on its way to the client.
    attack.answers("/tasks/1", json!(1)).await;
    is_over(attack).await;
}

#[tokio::test]
async fn tasks_that_wait_for_what_never_comes() {
    let attack = against(&[
        // For nothing at all: nobody will ever wake it.
        task("(i32.or (i32.const 2) (i32.shl (call $set) (i32.const 4)))", TRAP),
        // For a set that is not there.
        task("(i32.const 0x7ff2)", TRAP),
        task("(i32.const 2)", TRAP),
    ])
    .await;
    for i in 0..3 {
        attack.fails(&format!("/tasks/{i}"), "").await;
    }
    is_over(attack).await;
    each_is_overdue(&[task("(call $wait)", TRAP)]).await;
}

#[tokio::test]
async fn tasks_that_spin_in_their_callback() {
    each_is_overdue(&[
        task("(i32.const 1)", "(loop $for_ever (br $for_ever)) (unreachable)"),
        task("(loop $for_ever (br $for_ever)) (unreachable)", TRAP),
        // They give way each time, to nobody.
        task("(i32.const 1)", "(i32.const 1)"),
        task("(loop $for_ever (drop (call $yield)) (br $for_ever)) (unreachable)", TRAP),
    ])
    .await;
}

#[tokio::test]
async fn codes_that_mean_nothing() {
    each_fails(
        &[
            task("(i32.const 3)", TRAP),
            task("(i32.const 15)", TRAP),
            task("(i32.const -1)", TRAP),
            task("(i32.const 1)", "(i32.const 9)"),
        ],
        "",
    )
    .await;
}

/// What a task does after its result is its own affair, and ends with the instance.
#[tokio::test]
async fn tasks_that_go_on_after_their_result() {
    let attack = against(&[
        task("(call $return (i32.const 1)) (loop $for_ever (br $for_ever)) (unreachable)", TRAP),
        task("(call $return (i32.const 1)) (i32.const 1)", "(loop $for_ever (br $for_ever)) (unreachable)"),
        task("(call $return (i32.const 1)) (i32.const 1)", "(i32.const 1)"),
        task("(call $return (i32.const 1)) (call $wait)", TRAP),
        task("(call $return (i32.const 1)) (unreachable)", TRAP),
    ])
    .await;
    for (i, expected) in [504, 200, 200, 200, 500].into_iter().enumerate() {
        let path = format!("/tasks/{i}");
        let answers = tokio::join!(attack.host.get(&path), attack.host.get(&path), attack.host.get(&path));
        for answer in [answers.0, answers.1, answers.2] {
            assert_eq!(answer.status, expected, "{path}: {answer:?}");
            assert!(expected != 200 || answer.text() == "1", "{path}: {answer:?}");
        }
    }
    is_over(attack).await;
}

#[tokio::test]
async fn waitables_without_end() {
    let attack = long_before_the_deadline(&[
        task("(loop $more (drop (call $set)) (br $more)) (unreachable)", TRAP),
        task("(loop $more (drop (call $stream)) (br $more)) (unreachable)", TRAP),
        task("(loop $more (drop (call $future)) (br $more)) (unreachable)", TRAP),
        task("(loop $more (drop (call $hour)) (br $more)) (unreachable)", TRAP),
        task("(loop $more (call $backpressure) (br $more)) (unreachable)", TRAP),
    ])
    .await;
    for i in 0..5 {
        let path = format!("/tasks/{i}");
        for _ in 0..3 {
            attack.fails(&path, "").await;
        }
    }
    let peak = super::attack::peak_mib(&attack.host);
    assert!(peak < 500, "{peak} MiB");
    is_over(attack).await;
}

/// Leaves them when it has its result: they end with the instance, a thousand times.
#[tokio::test]
async fn waitables_that_are_left_behind() {
    let many = "(local.set $i (i32.const 5000))
        (loop $more
            (drop (call $set)) (drop (call $stream)) (drop (call $future))
            (br_if $more (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (drop (call $hour))
        (call $return (i32.const 1)) (i32.const 0)";
    let attack = long_before_the_deadline(&[task(many, TRAP)]).await;
    for _ in 0..20 {
        let path = "/tasks/0";
        let (one, two) = tokio::join!(attack.host.get(path), attack.host.get(path));
        assert_eq!((one.text().as_str(), two.text().as_str()), ("1", "1"));
    }
    is_over(attack).await;
}

/// With pointers, lengths and handles that are nothing.
#[tokio::test]
async fn streams_and_sets_that_are_none() {
    each_fails(
        &[
            task("(drop (call $write (i32.const 77) (i32.const 0) (i32.const 1))) (i32.const 0)", TRAP),
            task(
                "(drop (call $write (i32.wrap_i64 (i64.shr_u (call $stream) (i64.const 32))) (i32.const 65536) (i32.const 1)))
                 (i32.const 0)",
                TRAP,
            ),
            task(
                "(drop (call $write (i32.wrap_i64 (i64.shr_u (call $stream) (i64.const 32))) (i32.const 0) (i32.const 0xfffffff)))
                 (i32.const 0)",
                TRAP,
            ),
            task(
                "(drop (call $write (i32.wrap_i64 (i64.shr_u (call $stream) (i64.const 32))) (i32.const 0) (i32.const -1)))
                 (i32.const 0)",
                TRAP,
            ),
            task(
                "(drop (call $write (i32.wrap_i64 (i64.shr_u (call $stream) (i64.const 32))) (i32.const 1) (i32.const 1)))
                 (i32.const 0)",
                TRAP,
            ),
            task(
                "(drop (call $read (i32.wrap_i64 (call $stream)) (i32.const 65533) (i32.const 1))) (i32.const 0)",
                TRAP,
            ),
            // A reader is no writer, a stream no future, and a set neither.
            task("(drop (call $write (i32.wrap_i64 (call $stream)) (i32.const 0) (i32.const 1))) (i32.const 0)", TRAP),
            task("(call $drop_future (i32.wrap_i64 (call $stream))) (i32.const 0)", TRAP),
            task("(drop (call $read (call $set) (i32.const 0) (i32.const 1))) (i32.const 0)", TRAP),
            // Nobody was told what the future is.
            task("(call $drop_future (i32.wrap_i64 (i64.shr_u (call $future) (i64.const 32)))) (i32.const 0)", TRAP),
            task("(call $drop_set (i32.const 12345)) (i32.const 0)", TRAP),
            task("(call $drop_subtask (i32.shr_u (call $hour) (i32.const 4))) (i32.const 0)", TRAP),
            task("(call $join (i32.const 5) (i32.const 6)) (i32.const 0)", TRAP),
        ],
        "",
    )
    .await;
}

#[tokio::test]
async fn a_future_that_never_is() {
    let attack = against(&[]).await;
    attack.fails("/tasks/future", "").await;
    is_over(attack).await;
}
