//! A new version of a plugin that breaks clients of the one that serves.

use std::fs;

use witapi_tests::{Host, dummy_component, host};

/// A component whose function takes a number of that type.
fn version(ty: &str, more: &str) -> Vec<u8> {
    dummy_component(&format!(
        "package a:b;\ninterface things {{ make: func(a: {ty}, b: bool);{more} }}\nworld w {{ export things; }}\n"
    ))
}

/// A host with one version, under that configuration.
async fn serving(config: &str) -> Host {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("things.wasm");
    fs::write(&file, version("u32", "")).expect("a component");
    host().config(config).component("things", file).start().await
}

/// Puts another version into its place, at once.
fn replace(host: &Host, component: &[u8]) {
    let file = host.file("things");
    let draft = file.with_extension("draft");
    fs::write(&draft, component).expect("a draft");
    fs::rename(&draft, &file).expect("to put it there");
}

async fn wait_for_route(host: &Host, path: &str) {
    let has_route = |status: &serde_json::Value| {
        status["routes"].as_array().is_some_and(|routes| routes.iter().any(|route| route["path"] == path))
    };
    host.wait_for("things", has_route).await;
}

const BREAK: &str = "things/make: body.a: u32 → u8: greater numbers that were accepted are now rejected";

#[tokio::test]
async fn a_break_is_warned_of_and_served() {
    let host = serving("").await;
    replace(&host, &version("u8", " touch: func();"));
    host.log.wait_for("replaced").await;
    let warnings = host.log.lines_with("breaks clients");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("WARN") && warnings[0].contains("plugin=things") && warnings[0].contains(BREAK));
    assert_eq!(host.status("things").await["state"], "serving");
    // What only adds is nobody's trouble.
    replace(&host, &version("u64", " touch: func(); other: func();"));
    wait_for_route(&host, "/things/other").await;
    assert_eq!(host.log.lines("breaks clients", 1).await.len(), 1);
}

#[tokio::test]
async fn a_required_contract_keeps_the_earlier_version() {
    for config in ["compatible = \"required\"", "compatible = \"off\"\n[plugin.things]\ncompatible = \"required\""] {
        let host = serving(config).await;
        let first = host.status("things").await["digest"].clone();
        replace(&host, &version("u8", ""));
        host.log.wait_for("the contract breaks clients of the serving version").await;
        host.wait_for("things", |status| status["failure"].is_object()).await;
        let status = host.status("things").await;
        assert_eq!((&status["state"], &status["digest"]), (&"outdated".into(), &first), "{status:#}");
        let reason = status["failure"]["reason"].as_str().expect("a reason");
        assert!(
            reason.contains(BREAK) && reason.contains("`compatible = \"warn\"` under `[plugin.things]`"),
            "{reason}"
        );
        let page = host.request("GET", "/").header("accept", "text/html");
        let page = witapi_tests::send(page).await.text();
        assert!(page.contains("the version before it keeps serving"), "{page}");
        // One that breaks nothing takes its place, and the failure is forgotten.
        replace(&host, &version("u64", " touch: func();"));
        wait_for_route(&host, "/things/touch").await;
        assert_eq!(host.status("things").await["state"], "serving");
        assert_eq!(host.log.lines_with("new version breaks").len(), 0);
    }
}

#[tokio::test]
async fn nobody_looks_where_compatibility_is_off() {
    let host = serving("compatible = \"required\"\n[plugin.things]\ncompatible = \"off\"").await;
    replace(&host, &version("u8", ""));
    host.log.wait_for("replaced").await;
    assert_eq!(host.log.lines_with("breaks").len(), 0);
}

#[tokio::test]
async fn what_is_taken_away_and_put_back_is_a_new_plugin() {
    let host = serving("compatible = \"required\"").await;
    fs::remove_file(host.file("things")).expect("to remove it");
    host.log.wait_for("unloaded").await;
    replace(&host, &version("u8", " touch: func();"));
    wait_for_route(&host, "/things/touch").await;
    assert_eq!(host.status("things").await["state"], "serving");
}

#[tokio::test]
async fn a_thousand_breaks_are_some_lines() {
    let many = |ty: &str| (0..300).map(|i| format!(" fn-{i}: func(a: {ty}, b: bool);")).collect::<String>();
    let host = serving("").await;
    replace(&host, &version("u32", &many("u32")));
    wait_for_route(&host, "/things/fn-0").await;
    replace(&host, &version("u32", &many("u8")));
    let last = host.log.wait_for("and 280 more").await;
    assert!(last.contains("`witapi inspect --diff OLD NEW` names all"), "{last}");
    assert_eq!(host.log.lines("breaks clients", 21).await.len(), 21);
}
