//! What the SDKs of Go and C do: errors, the log, the facts of a request, the store. `tests/fixtures/probe` is the same plugin in both.

use std::{fs, path::Path};

use serde_json::json;
use tokio::process::Command;
use witapi_tests::{host, root, send, witapi};

fn copy(from: &Path, into: &Path) {
    fs::create_dir_all(into).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, target) = (entry.path(), into.join(entry.file_name()));
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).expect("a copy") }
    }
}

async fn the_sdk_does_what_it_says(language: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("probe");
    let fixture = root().join("tests/fixtures/probe");
    copy(&fixture.join(language), &project);
    copy(&fixture.join("wit"), &project.join("wit"));
    let mut build = Command::new(witapi());
    build.args(["build", "--install"]).arg(&project).env("WITAPI_TOOLS", root().join("target/tools"));
    let built = build.output().await.expect("a run");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let grants = "[plugin.probe]\ngrants = [\"wasi:keyvalue\", \"witapi:host\"]";
    let host = host().component("probe", project.join("probe.wasm")).config(grants).start().await;

    let typed = host.post("/probe/typed", &json!({})).await;
    assert_eq!((typed.status.as_u16(), &typed.json()["error"]), (400, &json!({ "tag": "sold-out", "val": 3 })));
    let text = host.post("/probe/text", &json!({})).await;
    assert_eq!((text.status.as_u16(), &text.json()["error"]), (400, &json!("closed on Sundays")));

    let unknown = host.post("/probe/unknown", &json!({})).await;
    assert_eq!(unknown.status, 500);
    assert!(!unknown.text().contains("secret"), "{unknown:?}");
    host.log.wait_for("a secret").await;

    assert_eq!(host.post("/probe/report", &json!({})).await.status, 204);
    host.log.wait_for("/probe/report").await;
    for wanted in [" WARN guest: careful a=1 of.n=7 ", "ERROR guest: broken why=\"no reason\" ", "guest: plainly "] {
        assert!(host.log.text().contains(wanted), "no `{wanted}` in\n{}", host.log.text());
    }

    let facts = host.request("POST", "/probe/facts?a=b").header("x-request-id", "the-first").header("x-who", "me");
    let wanted = json!(["the-first", "POST", "/probe/facts", "/probe/facts?a=b", "me", ""]);
    assert_eq!(send(facts).await.json(), wanted);

    // With a NUL inside, and beyond ASCII.
    let kept = host.post("/probe/keep", &json!({ "text": "a\u{0}é" })).await;
    assert_eq!(kept.json(), json!(["a\u{0}é", false]), "{}", host.log.text());
}

#[tokio::test]
async fn the_sdk_of_c_does_what_it_says() {
    the_sdk_does_what_it_says("c").await;
}

#[tokio::test]
async fn the_sdk_of_go_does_what_it_says() {
    the_sdk_does_what_it_says("go").await;
}
