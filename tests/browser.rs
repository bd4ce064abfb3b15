//! The host's pages in a real browser. What happens there is in tests/browser/*.mjs; each scenario ends with an error if a
//! page asked for anything outside of the host, wrote an error to its console or broke its policy.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{process::Command, sync::Semaphore, time::timeout};
use witapi_tests::{Host, host, root};

use crate::pages::with_everywhere;

/// A browser takes the cores and the memory of many hosts.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

async fn run(scenario: &str, host: &Host, arguments: Value) {
    run_at(host.address, scenario, arguments, || host.log.text()).await;
}

/// Runs a scenario against what listens there; `log` says what it has to say for itself.
pub async fn run_at(address: SocketAddr, scenario: &str, mut arguments: Value, log: impl Fn() -> String) {
    let _permit = ONE_AT_A_TIME.acquire().await.expect("a permit");
    arguments["origin"] = format!("http://{address}").into();
    let node = Command::new("node")
        .arg(root().join("tests/browser/run.mjs"))
        .args([scenario, &arguments.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_secs(300), node).await.expect("an end in time").expect("node");
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{error}", log());
    assert!(out.contains(&format!("done: {scenario}")), "{out}{error}");
}

/// With three of the examples; the one in Python says nothing more here, and takes a core ten seconds to compile.
fn examples() -> witapi_tests::Setup {
    host().plugin("greeter").plugin("orders").plugin("todos").config("[plugin.todos]\ngrants = [\"wasi:keyvalue\"]")
}

#[tokio::test]
async fn an_operation_can_be_tried_out_in_the_page() {
    let host = host().plugin("todos").config("[plugin.todos]\ngrants = [\"wasi:keyvalue\"]").start().await;
    run("try_out", &host, json!({})).await;
}

#[tokio::test]
async fn open_pages_follow_plugins_without_a_reload() {
    let host = host().plugin("todos").config("[plugin.todos]\ngrants = [\"wasi:keyvalue\"]").start().await;
    let version = |name: &str, function: &str| {
        let wit =
            format!("package a:{name}; interface late {{ {function}: func() -> u8; }} world w {{ export late; }}");
        let file = host.folder().join(format!("{name}.component"));
        std::fs::write(&file, witapi_tests::dummy_component(&wit)).expect("to write it");
        json!({"component": file, "path": format!("/late/{}", function.trim_start_matches("get-"))})
    };
    let versions = [version("one", "get-morning"), version("two", "get-evening")];
    run("live", &host, json!({"name": "late", "file": host.file("late"), "versions": versions})).await;
}

#[tokio::test]
async fn a_page_of_another_origin_listens_to_a_stream() {
    let host = host().plugin("ticker").config("[cors]\norigins = [\"*\"]").start().await;
    run("ticker", &host, json!({"page": root().join("plugins/ticker-rust/live.html")})).await;
}

#[tokio::test]
async fn a_selected_plugin_stays_selected_over_a_reload() {
    let host = examples().start().await;
    run("selector", &host, json!({})).await;
}

#[tokio::test]
async fn links_lead_to_operations() {
    let host = examples().start().await;
    run("deep_links", &host, json!({})).await;
}

#[tokio::test]
async fn pages_are_dark_or_light_and_fit_all_screens() {
    let host = examples().start().await;
    run("look", &host, json!({})).await;
}

#[tokio::test]
async fn colours_follow_the_system_until_the_reader_chooses() {
    let host = examples().start().await;
    run("theme", &host, json!({})).await;
}

#[tokio::test]
async fn the_page_of_a_problem_opens() {
    let host = host().start().await;
    run("problems", &host, json!({})).await;
}

#[tokio::test]
async fn no_script_in_the_documentation_of_a_plugin_runs() {
    let mark = "harmless <script>pwned('script')</script> <img src=\"data:,x\" onerror=\"pwned('image')\"> \
                <svg onload=\"pwned('svg')\"></svg> <iframe srcdoc=\"<script>parent.pwned('frame')</script>\"></iframe> \
                <a href=\"javascript:pwned('link')\">link</a> [link](javascript:pwned('markdown')) \
                <details open ontoggle=\"pwned('details')\">x</details>";
    let host = host().start().await;
    std::fs::write(host.file("things"), with_everywhere(mark)).expect("to write it");
    host.wait_for("things", |it| it["state"] == "serving").await;
    run("hostile_documentation", &host, json!({"mark": mark})).await;
}
