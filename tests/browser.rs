//! The documentation page in a real browser.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};
use witapi_tests::host;

/// The page as it stands after its scripts have run, in a Chromium that reaches no host but this one.
async fn page(url: &str, profile: &Path) -> String {
    let chromium = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--virtual-time-budget=20000", "--dump-dom", url])
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(Duration::from_secs(120), chromium).await.expect("the page in time").expect("chromium");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn the_documentation_page_lists_the_operations_of_all_plugins_without_a_network() {
    let host = host().examples().start().await;
    let page = page(&host.url("/docs/"), host.folder()).await;
    for id in [
        "operations-todos-todos_create_todo",
        "operations-orders-orders_price_order",
        "operations-greeter\\:_greetings-greeter_greetings_get_greeting",
        "operations-wordcount\\:_words-wordcount_words_count",
    ] {
        assert!(page.contains(id), "no `{id}` in the page:\n{page}");
    }
}
