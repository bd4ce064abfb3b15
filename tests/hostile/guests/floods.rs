//! More of everything: results, handles, log lines, keys. Each comes to its bound, which is the plugin's own.

use serde_json::{Value, json};
use witapi_tests::{fixture, host, send};

use super::{
    attack::{Attack, assert_problem, id, peak_mib},
    component::guest,
};

/// A list in a list in a list, as deep as a type may be: each holds one element, which is itself.
#[tokio::test]
async fn results_that_are_nested_as_deep_as_types_may_be() {
    let depth = 60;
    let ty = format!("{}u8{}", "list<".repeat(depth), ">".repeat(depth));
    let optional = format!("{}u8{}", "option<".repeat(depth), ">".repeat(depth));
    let wit = format!(
        "package test:deep; interface deep {{ @external-id(\"GET /deep/lists\") lists: func() -> {ty}; \
         @external-id(\"GET /deep/options\") options: func() -> tuple<{optional}>; }} world plugin {{ export deep; }}"
    );
    let module = r#"(module
        (memory (export "memory") 1)
        (data (i32.const 64) "\40\00\00\00\01\00\00\00")
        (func (export "test:deep/deep#lists") (result i32) (i32.const 64))
        (func (export "test:deep/deep#options") (result i32)
            (memory.fill (i32.const 256) (i32.const 1) (i32.const 256)) (i32.const 256)))"#;
    let attack = Attack::on(host().made("hostile", guest(&wit, module))).await;
    let mut deep = attack.host.get("/deep/lists").await.json();
    for _ in 0..depth - 1 {
        deep = deep[0].clone();
    }
    // Bytes are base64: 64 is the lowest byte of the pointer.
    assert_eq!(deep, json!("QA=="));
    let mut deep = attack.host.get("/deep/options").await.json()[0].clone();
    for _ in 0..depth - 1 {
        deep = deep["some"].clone();
    }
    assert_eq!(deep, json!(1));
    attack.ended().await;
}

/// A record of a thousand texts, of which each is all of the memory: it is as large as it may be, and no larger.
#[tokio::test]
async fn results_that_are_wide() {
    let fields: String = (0..1000).map(|i| format!("g{i}: string, ")).collect();
    let wit = format!(
        "package test:wide; interface wide {{ record row {{ {fields} }} \
         @external-id(\"GET /wide/{{length}}\") wide: func(length: u32) -> row; }} world plugin {{ export wide; }}"
    );
    let module = r#"(module
        (memory (export "memory") 2)
        (func (export "test:wide/wide#wide") (param $length i32) (result i32) (local $at i32)
            (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
            (local.set $at (i32.const 1024))
            (loop $next
                (i32.store (local.get $at) (i32.const 65536))
                (i32.store offset=4 (local.get $at) (local.get $length))
                (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 9024))))
            (i32.const 1024)))"#;
    let attack = Attack::on(host().made("hostile", guest(&wit, module))).await;
    let row = attack.host.get("/wide/1000").await.json();
    assert_eq!(row.as_object().expect("an object").len(), 1000);
    assert_eq!(row["g999"].as_str().map(str::len), Some(1000));
    for length in [1100, 60_000, 65_536] {
        attack.fails(&format!("/wide/{length}"), "result_kib").await;
    }
    attack.ended().await;
}

#[tokio::test]
async fn memory_and_tables_that_grow_without_end() {
    let wit = r#"package test:grows; interface grows {
            @external-id("GET /grows/memory") memory: func() -> u32;
            @external-id("GET /grows/table") table: func() -> u32; }
        world plugin { export grows; }"#;
    // Each as much as it gets: pages, and elements.
    let module = r#"(module
        (memory (export "memory") 1)
        (table $t 1 funcref)
        (func (export "test:grows/grows#memory") (result i32)
            (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
            (memory.fill (i32.const 0) (i32.const 1) (i32.mul (memory.size) (i32.const 65536)))
            (memory.size))
        (func (export "test:grows/grows#table") (result i32)
            (loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1)) (i32.const -1))))
            (table.size $t)))"#;
    let attack =
        Attack::on(host().made("hostile", guest(wit, module)).config("[plugin.hostile]\nmemory_mib = 16")).await;
    for _ in 0..10 {
        attack.answers("/grows/memory", json!(256)).await;
        attack.answers("/grows/table", json!(20_000)).await;
    }
    let all = (0..30).map(|i| {
        let path = if i % 2 == 0 { "/grows/memory" } else { "/grows/table" };
        tokio::spawn(send(attack.host.request("GET", path)))
    });
    for answer in all.collect::<Vec<_>>() {
        assert_eq!(answer.await.expect("an answer").status, 200);
    }
    attack.ended().await;
}

/// Of the host's resources: each a box of the host's memory.
#[tokio::test]
async fn handles_without_end() {
    let setup = host().fixture("hostile").config("[limits]\ndeadline_ms = 10000\n[plugin.hostile]\nmemory_mib = 16");
    let attack = Attack::on(setup).await;
    for _ in 0..3 {
        attack.fails("/hostile/handles", "").await;
    }
    attack.answers("/hostile/light", json!("light")).await;
    attack.ended().await;
}

/// From several requests at once. What reaches the log is bounded for each, has its plugin and request on every line, and no
/// line is anything else than it says.
#[tokio::test]
async fn floods_of_forged_log_lines_are_escaped() {
    let setup = host().fixture("hostile").config("[limits]\ndeadline_ms = 2000\n[plugin.hostile]\nlog_kib = 16");
    let attack = Attack::on(setup).await;
    let host = &attack.host;
    let evil = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\r\n2026-01-01T00:00:00Z ERROR witapi: forged plugin=neighbour\u{202e}\u{2028}\u{85}\n";
    let floods = (0..6).map(|i| {
        let request = if i % 2 == 0 {
            let body = json!({"text": evil, "times": 20_000, "to_stderr": i == 2});
            host.request("POST", "/hostile/print").json(&body)
        } else {
            let body = json!({"level": "error", "context": evil, "text": evil, "times": 20_000});
            host.request("POST", "/hostile/log").json(&body)
        };
        (format!("flood-{i}"), tokio::spawn(send(request.header("x-request-id", format!("flood-{i}")))))
    });
    for (id, flood) in floods.collect::<Vec<_>>() {
        let status = flood.await.expect("an answer").status;
        assert!(status == 204 || status == 504, "{status}");
        host.log.wait_for(&format!("request: id=\"{id}\"")).await;
        let lines = host.log.lines_with(&format!("request={id}"));
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        // And the note.
        assert!(!lines.is_empty() && bytes < (16 << 10) + 400, "{} lines, {bytes} bytes", lines.len());
        assert_eq!(lines.iter().filter(|line| line.contains("log_kib")).count(), 1);
    }
    // For ever, until the deadline.
    let endless = tokio::join!(host.get("/hostile/flood"), host.get("/hostile/flood"));
    assert_eq!((endless.0.status.as_u16(), endless.1.status.as_u16()), (504, 504));
    let text = host.log.text();
    assert!(text.len() < 4 << 20, "{} bytes of log", text.len());
    let controls = |char: char| char.is_control() && char != '\n' || ['\u{202e}', '\u{2028}'].contains(&char);
    assert!(!text.contains(controls), "control characters in the log");
    let forged = text.lines().filter(|line| line.contains("forged"));
    for line in forged {
        assert!(!line.starts_with("2026-01-01") && line.contains("plugin=hostile request=flood-"), "{line}");
    }
    attack.ended().await;
}

/// Keys and values by the thousand: the plugin's own store is full, others' are not, and what was acknowledged is there.
#[tokio::test]
async fn a_flood_of_keys_values_and_increments() {
    let setup = host().fixture("kv").component("other", fixture("kv")).config("[keyvalue]\nmax_mib = 2").config(
        "[plugin.kv]\ngrants = ['wasi:keyvalue']\n[plugin.other]\ngrants = ['wasi:keyvalue']\nmount = '/other'",
    );
    let attack = Attack::on(setup).await;
    let host = &attack.host;
    let mut floods = vec![];
    for i in 0..300 {
        floods.push(host.request("PUT", &format!("/entries/large{i}/{}", 1 + i * 3000 % 1_000_000)));
        floods.push(host.request("PUT", &format!("/entries/{}{i}/1", "k".repeat(1000))));
        floods.push(host.request("POST", "/entries/n/increment").json(&json!({"delta": 1})));
    }
    let floods: Vec<_> = floods.into_iter().map(|request| tokio::spawn(send(request))).collect();
    // Another plugin stores and reads all the while.
    let mut rounds = 0;
    while rounds < 20 || !floods.iter().all(tokio::task::JoinHandle::is_finished) {
        let value = format!("{rounds}");
        assert_eq!(host.put("/other/entries/own", &json!({"value": value})).await.status, 204);
        assert_eq!(host.get("/other/entries/own").await.json()["value"], value);
        rounds += 1;
    }
    let (mut done, mut full) = (0, 0);
    for flood in floods {
        let answer = flood.await.expect("an answer");
        match answer.status.as_u16() {
            200 | 204 => done += 1,
            400 => full += 1,
            // No place in the queue.
            503 => {}
            _ => panic!("{answer:?}"),
        }
    }
    assert!(done > 0 && full > 0, "{done} stored, {full} refused");
    assert_eq!(host.get("/other/entries").await.json()["keys"], json!(["own"]));
    // The store is full, and no more than that.
    let data: u64 = std::fs::read_dir(host.folder().join("data/keyvalue"))
        .expect("the stores")
        .map(|file| file.and_then(|file| file.metadata()).expect("a file").len())
        .sum();
    assert!(data < 40 << 20, "{data} bytes on disk");
    attack.ended().await;
}

/// Four gibibytes of chance, over and over; and as much as fits.
#[tokio::test]
async fn random_bytes_by_the_gibibyte() {
    let attack = Attack::on(host().fixture("hostile").config("[limits]\ndeadline_ms = 3000")).await;
    for count in [4_294_967_295u64, 4_294_967_296, u64::MAX, 1 << 40, 300 << 20] {
        attack.fails(&format!("/hostile/random/{count}"), "").await;
    }
    attack.answers("/hostile/random/1000", json!(1000)).await;
    let host = attack.ended().await;
    let peak = peak_mib(&host);
    assert!(peak < 600, "{peak} MiB");
}

/// A guest that ends its process ends its call.
#[tokio::test]
async fn exits_by_the_dozen() {
    let attack = Attack::on(host().fixture("hostile")).await;
    for success in ["true", "false"] {
        let path = format!("/hostile/exit?success={success}");
        attack.fails(&path, "exit").await;
        let exits: Vec<_> = (0..20).map(|_| tokio::spawn(send(attack.host.request("GET", &path)))).collect();
        for exit in exits {
            assert_problem(&exit.await.expect("an answer"), 500, "/problems/plugin-failed");
        }
    }
    attack.answers("/hostile/light", json!("light")).await;
    attack.ended().await;
}

/// A client sends on and on, and the guest never reads: what waits in the host is bounded, and so is the time.
#[tokio::test]
async fn a_stream_that_is_never_read() {
    let wit = r#"package test:reads; interface reads {
            @external-id("POST /reads/bytes") bytes: async func(data: stream<u8>) -> u32;
            @external-id("POST /reads/numbers") numbers: async func(data: stream<u32>) -> u32; }
        world plugin { import wasi:clocks/monotonic-clock@0.3.0; export reads; }
        package wasi:clocks@0.3.0 { interface monotonic-clock { wait-for: async func(how-long: u64); } }"#;
    let function = |name: &str| {
        format!(
            r#"(func (export "[async-lift]test:reads/reads#{name}") (param i32) (result i32) (call $wait))
               (func (export "[callback][async-lift]test:reads/reads#{name}") (param i32 i32 i32) (result i32) (unreachable))"#
        )
    };
    let module = format!(
        r#"(module
            (import "$root" "[waitable-set-new]" (func $set (result i32)))
            (import "$root" "[waitable-join]" (func $join (param i32 i32)))
            (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $sleep (param i64) (result i32)))
            (memory (export "memory") 1)
            (func $wait (result i32) (local $set i32)
                (local.set $set (call $set))
                (call $join (i32.shr_u (call $sleep (i64.const 3600000000000)) (i32.const 4)) (local.get $set))
                (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
            {} {})"#,
        function("bytes"),
        function("numbers")
    );
    let attack = Attack::on(host().made("hostile", guest(wit, &module)).config("[limits]\ndeadline_ms = 1500")).await;
    for (path, ty, line) in [
        ("/reads/bytes", "application/octet-stream", "0123456\n"),
        ("/reads/numbers", "application/x-ndjson", "1234567\n"),
    ] {
        let requests = (0..4).map(|_| {
            let body = line.repeat(4 << 20);
            let request = attack.host.request("POST", path).header("content-type", ty).header("x-request-id", id());
            tokio::spawn(async move { request.body(body).send().await.map(|answer| answer.status().as_u16()) })
        });
        for answer in requests.collect::<Vec<_>>() {
            // Whoever is still sending may not get to read the answer.
            let answer = answer.await.expect("an end");
            assert!(answer.as_ref().map_or(true, |status| *status == 504), "{answer:?}");
        }
    }
    attack.ended().await;
}

/// Answers that begin and never end, more than there are threads: each has an instance until its client leaves or its time is up.
#[tokio::test]
async fn streams_that_never_end() {
    let setup = host().fixture("streams").config("[limits]\nstream_deadline_ms = 2000\n[scheduler]\ninstances = 40");
    let attack = Attack::on(setup).await;
    for path in ["/silent", "/bytes?count=18446744073709551615&chunk=65536", "/numbers?count=4294967295"] {
        let answers = (0..6).map(|_| {
            let request = attack.host.request("GET", path);
            tokio::spawn(async move {
                let mut answer = request.send().await.expect("a head");
                assert_eq!(answer.status(), 200);
                // Some read, some do not.
                while let Ok(Some(_)) = answer.chunk().await {}
            })
        });
        for answer in answers.collect::<Vec<_>>() {
            answer.await.expect("an end");
        }
    }
    let sum: Value = attack.host.get("/numbers?count=3").await.text().lines().map(|line| json!(line)).collect();
    assert_eq!(sum, json!(["0", "1", "2"]));
    attack.ended().await;
}
