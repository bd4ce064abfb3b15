//! What guests print reaches the log, line by line and bounded.

use serde_json::{Value, json};
use witapi_tests::{Host, host, send};

async fn print(host: &Host, id: &str, text: &str, times: u32, to_stderr: bool) {
    let body = json!({"text": text, "times": times, "to_stderr": to_stderr});
    let answer = send(host.request("POST", "/hostile/print").header("x-request-id", id).json(&body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    // The access log's line is the last of a request.
    host.log.wait_for(&format!("id=\"{id}\"")).await;
}

#[tokio::test]
async fn each_line_stands_in_the_log_with_its_plugin_request_and_stream() {
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
    for (level, wanted) in [
        ("trace", "TRACE"),
        ("debug", "DEBUG"),
        ("info", " INFO"),
        ("warn", " WARN"),
        ("error", "ERROR"),
        ("critical", "ERROR"),
    ] {
        log(&host, level, level, "shop", &format!("said at {level}"), 1).await;
        let line = host.log.wait_for(&format!("said at {level}")).await;
        assert!(line.contains(&format!("{wanted} guest: said at {level} ")), "{line}");
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

#[tokio::test]
async fn a_flood_of_messages_is_cut_with_a_note() {
    let host = host().fixture("hostile").config("[limits]\nlog_kib = 4").start().await;
    for (id, context, text) in
        [("text", "", "flood"), ("context", "flood", ""), ("nothing", "", ""), ("large", "", &"x".repeat(9000))]
    {
        log(&host, id, "info", context, text, 20_000).await;
        let lines = host.log.lines_with(&format!("request={id}"));
        let notes: Vec<_> = lines.iter().filter(|line| line.contains("log_kib")).collect();
        assert_eq!(notes.len(), 1, "{notes:?}");
        let wanted = 4096 / (context.len() + text.len() + 1);
        assert_eq!(lines.iter().filter(|line| line.contains(" guest: ")).count(), wanted);
    }
}

#[tokio::test]
async fn messages_and_streams_share_one_budget() {
    let host = host().fixture("hostile").config("[limits]\nlog_kib = 1").start().await;
    let body = json!({"level": "info", "context": "", "text": "said", "times": 100, "and_printed": 20_000});
    let answer = send(host.request("POST", "/hostile/log").header("x-request-id", "both").json(&body)).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    host.log.wait_for("id=\"both\"").await;
    let lines = host.log.lines_with("request=both");
    assert_eq!(lines.iter().filter(|line| line.contains("guest: said ")).count(), 100);
    assert_eq!(lines.iter().filter(|line| line.contains("guest: print ")).count(), (1024 - 500) / 6);
    assert_eq!(lines.iter().filter(|line| line.contains("log_kib")).count(), 1);
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
async fn a_flood_of_output_is_cut_with_a_note() {
    let host = host().fixture("hostile").config("[limits]\nlog_kib = 4").start().await;
    for (id, to_stderr) in [("out", false), ("err", true)] {
        print(&host, id, "flood\n", 20_000, to_stderr).await;
        let lines = host.log.lines_with(&format!("request={id}"));
        let flood: usize = lines.iter().filter(|line| line.contains("guest: flood ")).count();
        assert!((600..=4096 / 6).contains(&flood), "{flood} lines");
        let notes: Vec<_> = lines.iter().filter(|line| line.contains("log_kib")).collect();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains("WARN") && notes[0].contains("plugin=hostile"), "{notes:?}");
    }
}

#[tokio::test]
async fn an_endless_flood_ends_with_its_deadline() {
    let host = host().fixture("hostile").config("[limits]\nlog_kib = 1\ndeadline_ms = 300").start().await;
    assert_eq!(host.get("/hostile/flood").await.status, 504);
    assert!(host.log.lines_with("flood flood").len() <= 1024 / 48 + 1);
}

#[tokio::test]
async fn a_line_without_end_is_cut() {
    let host = host().fixture("hostile").start().await;
    print(&host, "long", &"x".repeat(1000), 1000, false).await;
    let lines = host.log.lines_with("request=long");
    assert!(!lines.is_empty() && lines.iter().all(|line| line.len() < 10_000), "{} lines", lines.len());
    let length: usize = lines.iter().map(String::len).sum();
    assert!(length < 100 << 10, "{length}");
}

#[tokio::test]
async fn with_no_budget_nothing_is_logged() {
    let host = host().fixture("hostile").config("[plugin.hostile]\nlog_kib = 0").start().await;
    print(&host, "silent", "not to be seen\n", 3, false).await;
    assert_eq!(host.log.lines_with("not to be seen").len(), 0);
    assert_eq!(host.log.lines_with("log_kib").len(), 1);
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
