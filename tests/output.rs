//! What guests print reaches the log, line by line and bounded.

use std::{
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, process::Command};
use witapi_tests::{Host, PATIENCE, dummy_component, host, send, witapi};

async fn print(host: &Host, id: &str, text: &str, times: u32, to_stderr: bool) {
    let body = json!({"text": text, "times": times, "to_stderr": to_stderr});
    let answer = send(host.request("POST", "/hostile/print").header("x-request-id", id).json(&body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    // The access log's line is the last of a request.
    host.log.wait_for(&format!("id=\"{id}\"")).await;
}

#[tokio::test]
async fn each_guest_line_has_plugin_request_and_stream() {
    let host = host().fixture("hostile").start().await;
    print(&host, "first", "to out\nsecond line\nwithout end", 1, false).await;
    print(&host, "second", "to err\r\n", 1, true).await;
    for (text, id, stream) in [
        ("to out", "first", "stdout"),
        ("second line", "first", "stdout"),
        ("without end", "first", "stdout"),
        ("to err", "second", "stderr"),
    ] {
        let line = host.log.wait_for(text).await;
        assert!(line.contains("INFO guest: "), "{line}");
        assert!(line.contains("plugin=hostile"), "{line}");
        assert!(line.contains(&format!("request={id}")), "{line}");
        assert!(line.contains(&format!("stream=\"{stream}\"")), "{line}");
    }
}

async fn log(host: &Host, id: &str, level: &str, context: &str, text: &str, times: u32) {
    let body = json!({"level": level, "context": context, "text": text, "times": times});
    let answer = send(host.request("POST", "/hostile/log").header("x-request-id", id).json(&body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    host.log.wait_for(&format!("id=\"{id}\"")).await;
}

#[tokio::test]
async fn each_message_is_a_line_with_its_level_and_context() {
    let host = host().fixture("hostile").env("WITAPI_LOG", "info,guest=trace").start().await;
    for (level, expected) in [
        ("trace", "TRACE"),
        ("debug", "DEBUG"),
        ("info", " INFO"),
        ("warn", " WARN"),
        ("error", "ERROR"),
        ("critical", "ERROR"),
    ] {
        log(&host, level, level, "shop", &format!("said at {level}"), 1).await;
        let line = host.log.wait_for(&format!("said at {level}")).await;
        assert!(line.contains(&format!("{expected} guest: said at {level} ")), "{line}");
        assert!(line.contains(&format!("plugin=hostile request={level} context=\"shop\"")), "{line}");
    }
    log(&host, "bare", "info", "", "without context", 1).await;
    assert!(!host.log.wait_for("without context").await.contains("context="));
}

#[tokio::test]
async fn what_the_filter_does_not_show_costs_nothing() {
    let host = host().fixture("hostile").config("[limits]\nlog_kib = 1").start().await;
    log(&host, "quiet", "debug", "", &"x".repeat(100), 1000).await;
    assert_eq!(host.log.lines_with("log_kib").len(), 0);
    assert_eq!(host.log.lines_with("xxxx").len(), 0);
}

#[tokio::test]
async fn a_message_of_several_lines_is_as_many() {
    let host = host().fixture("hostile").start().await;
    log(&host, "lines", "warn", "a\nb \u{1b}[2J request=forged", "one\r\ntwo\u{1b}[2J\n\n2026 ERROR forged\n", 1).await;
    let lines = host.log.lines_with("request=lines");
    let texts: Vec<_> =
        lines.iter().map(|line| line.split(" guest: ").nth(1).expect("a line of the guest's")).collect();
    let facts = r#" plugin=hostile request=lines context="a\\nb \\u{1b}[2J request=forged""#;
    assert_eq!(texts, ["one", r"two\u{1b}[2J", "", "2026 ERROR forged"].map(|text| format!("{text}{facts}")));
}

/// What a call's own lines take in the log, and the notes among them that it was cut.
fn taken(host: &Host, id: &str) -> (usize, Vec<String>) {
    let [text, json] = [format!("request={id}"), format!("\"request\":\"{id}\"")];
    let lines = host.log.lines_with(id).into_iter().filter(|line| line.contains(&text) || line.contains(&json));
    let (notes, lines): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains("log_kib"));
    (lines.iter().map(|line| line.len() + 1).sum(), notes)
}

/// In both formats, and whatever they make of a line: of nothing, of much, of what has to be escaped, with a context.
#[tokio::test]
async fn a_flood_takes_no_more_of_the_log_than_log_kib() {
    let long = "x".repeat(9000);
    for format in ["text", "json"] {
        let setup = host().fixture("hostile").config("[limits]\nlog_kib = 16");
        let host = setup.argument(&format!("--log-format={format}")).start().await;
        let answered = |id: &str| if format == "text" { format!(" id=\"{id}\"") } else { format!("\"id\":\"{id}\"") };
        for (i, text) in ["\n", "flood\n", "\"\\\t\u{1b}\n", "日\n"].into_iter().enumerate() {
            for to_stderr in [false, true] {
                let id = format!("print-{i}-{to_stderr}");
                let body = json!({"text": text, "times": 60_000, "to_stderr": to_stderr});
                let answer = send(host.request("POST", "/hostile/print").header("x-request-id", &id).json(&body)).await;
                assert_eq!(answer.status, 204, "{answer:?}");
                assert_cut(&host, &id, &answered(&id), 300).await;
            }
        }
        let messages = [("", ""), ("", "flood"), ("flood", ""), ("\"\\\t\u{1b}", "\"\\\t\u{1b}"), ("", &long)];
        for (i, (context, text)) in messages.into_iter().enumerate() {
            let id = format!("log-{i}");
            let body = json!({"level": "warn", "context": context, "text": text, "times": 60_000});
            let answer = send(host.request("POST", "/hostile/log").header("x-request-id", &id).json(&body)).await;
            assert_eq!(answer.status, 204, "{answer:?}");
            assert_cut(&host, &id, &answered(&id), 300 + text.len()).await;
        }
    }
}

async fn assert_cut(host: &Host, id: &str, answered: &str, longest: usize) {
    host.log.wait_for(answered).await;
    let (bytes, notes) = taken(host, id);
    // One line more would not have fitted.
    assert!(bytes <= 16 << 10 && bytes + longest > 16 << 10, "{id}: {bytes}");
    assert_eq!(notes.len(), 1, "{id}: {notes:?}");
    assert!(notes[0].contains("WARN") && notes[0].contains("hostile"), "{notes:?}");
}

#[tokio::test]
async fn messages_and_streams_share_one_budget() {
    let host = host().fixture("hostile").config("[limits]\nlog_kib = 16").start().await;
    let body = json!({"level": "info", "context": "", "text": "said", "times": 100, "and_printed": 20_000});
    let answer = send(host.request("POST", "/hostile/log").header("x-request-id", "both").json(&body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    host.log.wait_for("id=\"both\"").await;
    let (bytes, notes) = taken(&host, "both");
    assert!((16_000..=16 << 10).contains(&bytes), "{bytes}");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(host.log.lines("guest: said ", 100).await.len(), 100);
    assert!(host.log.lines_with("guest: print ").len() > 50);
}

/// Nothing of stderr is read: the pipe is full, and so is what waits in the host.
#[tokio::test]
async fn an_unread_stderr_costs_lines_and_no_time() {
    let config = "[limits]\nlog_kib = 16384\ndeadline_ms = 10000";
    let host = host().fixture("hostile").config(config).log_unread().start().await;
    let text = format!("flood {}\n", "x".repeat(500));
    for id in ["first", "second"] {
        let body = json!({"text": text, "times": 20_000});
        let answer = send(host.request("POST", "/hostile/print").header("x-request-id", id).json(&body)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    assert_eq!(host.get("/hostile/unreachable").await.status, 500);
    assert_eq!(host.get("/hostile/light").await.status, 200);
    host.read_log();
    let missing = host.log.wait_for("log lines dropped").await;
    let missing: usize = missing.rsplit_once("lines=").and_then(|(_, it)| it.parse().ok()).expect("a number");
    // What the host itself says has room beside that.
    host.log.wait_for("path=/hostile/unreachable").await;
    assert_eq!(host.get("/hostile/wait/0").await.status, 200);
    host.log.wait_for("path=/hostile/wait/0").await;
    assert_eq!(host.log.lines_with("guest: flood ").len() + missing, 40_000);
    assert_eq!(host.log.lines("log lines dropped", 1).await.len(), 1);
}

#[tokio::test]
async fn equal_failures_of_a_call_are_one_line() {
    let config = "[plugin.kv]\ngrants = ['wasi:keyvalue']\nlog_kib = 1";
    let host = host().fixture("kv").config(config).start().await;
    for (id, key) in [("empty", String::new()), ("long", "k".repeat(2000))] {
        let body = json!({"key": key, "times": 50_000});
        let answer = send(host.request("POST", "/gets").header("x-request-id", id).json(&body)).await;
        assert_eq!(answer.json(), 50_000, "{answer:?}");
        host.log.wait_for(&format!("id=\"{id}\"")).await;
        let lines = host.log.lines_with(&format!("request={id}"));
        assert_eq!(lines.len(), 1, "{lines:?}");
        let expected = format!("expected a key of 1 to 1024 bytes, found {} times=50000", key.len());
        assert!(lines[0].contains("WARN") && lines[0].contains(&expected), "{lines:?}");
    }
    // One that failed once says nothing of times.
    let once = host.request("POST", "/gets").header("x-request-id", "once").json(&json!({"key": "", "times": 1}));
    assert_eq!(send(once).await.json(), 1);
    assert!(host.log.wait_for("request=once").await.ends_with("found 0"));
}

/// Routes that fill the pipe, and more.
#[tokio::test]
async fn a_host_whose_stdout_nobody_reads_serves() {
    let function =
        |i| format!("@external-id(\"GET /things/of-number-{i}/{{id}}\") number{i}: func(id: string) -> string;");
    let functions: String = (0..1500).map(function).collect();
    let wit = format!("package test:many; interface things {{ {functions} }} world plugin {{ export things; }}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("many.wasm");
    std::fs::write(&file, dummy_component(&wit)).expect("a component");
    let address = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").to_string();
    let mut child = Command::new(witapi())
        .args(["serve", "--listen", &address, "many.wasm"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the host's process");
    let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let status =
        async |path: &str| client.get(format!("http://{address}{path}")).send().await.ok().map(|it| it.status());
    let began = Instant::now();
    while status("/readyz").await.is_none_or(|status| status != 200) {
        assert!(began.elapsed() < PATIENCE, "the host does not serve");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It was ready before it printed; now it has.
    let mut printed = child.stdout.take().expect("stdout");
    let mut first = [0; 16];
    printed.read_exact(&mut first).await.expect("routes");
    assert!(status("/healthz").await.is_some_and(|status| status == 200));
    let mut rest = String::new();
    while !rest.contains("Listening on") {
        let mut bytes = [0; 4096];
        let count = printed.read(&mut bytes).await.expect("routes");
        assert!(count > 0, "it ended without the address");
        rest.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert!(rest.len() > 64 << 10, "{} bytes are no full pipe", rest.len());
}

#[tokio::test]
async fn requests_that_a_guest_sends_are_no_lines() {
    let host = host().fixture("raw").start().await;
    assert_eq!(host.get("/raw/fetch-nothing?1000").await.text(), "1000");
    host.log.wait_for("path=/raw/fetch-nothing").await;
    assert_eq!(host.log.lines_with("http request error").len(), 0);
}

#[tokio::test]
async fn a_line_written_in_pieces_is_one_line() {
    let host = host().fixture("hostile").start().await;
    print(&host, "pieces", "piece ", 5, false).await;
    assert!(host.log.wait_for("piece").await.contains("piece piece piece piece piece"));
}

#[tokio::test]
async fn a_guest_cannot_drive_the_terminal_or_forge_a_line() {
    let host = host().fixture("hostile").start().await;
    print(&host, "escape", "\u{1b}[2Jred\u{7}\r2026 ERROR forged\u{202e}\n", 1, false).await;
    let line = host.log.wait_for("forged").await;
    assert!(line.contains(r"\u{1b}[2Jred\u{7}\r2026 ERROR forged\u{202e}"), "{line}");
    assert!(!host.log.text().contains(['\u{1b}', '\u{7}', '\u{202e}']));
}

#[tokio::test]
async fn an_endless_flood_ends_with_its_deadline() {
    let host = host().fixture("hostile").config("[limits]\nlog_kib = 1\ndeadline_ms = 300").start().await;
    assert_eq!(host.get("/hostile/flood").await.status, 504);
    host.log.wait_for("status=504").await;
    assert!((1..1024 / 100).contains(&host.log.lines_with("flood flood").len()));
}

#[tokio::test]
async fn a_line_without_end_is_cut() {
    let host = host().fixture("hostile").start().await;
    print(&host, "long", &"x".repeat(1000), 1000, false).await;
    let lines = host.log.lines_with("request=long");
    assert!(!lines.is_empty() && lines.iter().all(|line| line.len() < 10_000), "{} lines", lines.len());
    let length: usize = lines.iter().map(String::len).sum();
    assert!(length < 65 << 10, "{length}");
}

#[tokio::test]
async fn with_no_budget_nothing_is_logged() {
    let host = host().fixture("hostile").config("[plugin.hostile]\nlog_kib = 0").start().await;
    print(&host, "silent", "not to be seen\n", 3, false).await;
    assert_eq!(host.log.lines_with("not to be seen").len(), 0);
    assert_eq!(host.log.lines("log_kib", 1).await.len(), 1);
}

#[tokio::test]
async fn in_json_a_guests_line_is_a_field() {
    let host = host().fixture("hostile").argument("--log-format=json").start().await;
    let body = json!({"text": "\"}\n{\u{1b}\n", "times": 1});
    let answer = send(host.request("POST", "/hostile/print").header("x-request-id", "json").json(&body)).await;
    assert_eq!(answer.status, 204);
    host.log.wait_for("\"id\":\"json\"").await;
    let lines: Vec<Value> = host
        .log
        .lines_with("\"target\":\"guest\"")
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().expect("a message")).collect();
    assert_eq!(messages, ["\"}", "{\\u{1b}"]);
    assert!(lines.iter().all(|line| line["plugin"] == "hostile" && line["request"] == "json"), "{lines:?}");
}
