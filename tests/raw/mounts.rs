//! Which requests are for a handler, and how mounts go together.

use std::fs;

use serde_json::json;
use witapi_tests::{
    cli::{Folder, inspected, refusal},
    dummy_component, fixture, host,
};

use super::{handlers, said};

/// A component with exports of that WIT's world, which may have handlers of any version.
fn component(exports: &str) -> Vec<u8> {
    dummy_component(&format!(
        "package test:mounts; {exports}
         package wasi:http@0.2.7 {{ interface types {{ resource r; }}
            interface incoming-handler {{ use types.{{r}}; handle: func(r: r); }} }}
         package wasi:http@0.3.0-rc-2025-09-16 {{ interface handler {{ handle: func(); }} }}
         package wasi:cli@0.2.7 {{ interface run {{ run: func() -> result; }} }}"
    ))
}

#[tokio::test]
async fn a_handler_has_all_paths_under_its_mount() {
    let host = handlers().config("mount = \"/a/b\"").start().await;
    for path in ["/raw", "/raw/", "/raw/x", "/raw//"] {
        assert_eq!(said(&host.get(path).await, "target"), Some(path));
    }
    for path in ["/a/b", "/a/b/c?d"] {
        assert_eq!(said(&host.get(path).await, "target"), Some(path));
    }
    for path in ["/", "/raw2", "/rawx", "/%72aw", "/RAW", "/raw3", "/a", "/a/bc", "/x/raw"] {
        let answer = host.get(path).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (404, &json!("/problems/no-route")), "{path}");
    }
}

#[tokio::test]
async fn the_longest_mount_wins_and_operations_come_first() {
    let config = "[plugin.all]\nmount = \"/\"\n[plugin.raw]\nmount = \"/greetings\"\n\
                  [plugin.raw3]\nmount = \"/\"\n";
    let host = host().component("all", fixture("raw")).fixture("raw").config(config).start().await;
    assert_eq!(said(&host.get("/").await, "target"), Some("/"));
    assert_eq!(said(&host.get("/greetings/you").await, "target"), Some("/greetings/you"));
    // The host's own paths stay its own.
    assert_eq!(host.get("/healthz").await.text(), "ok\n");
    assert_eq!(host.get("/docs/nothing").await.status, 404);
    assert!(host.get("/openapi.json").await.json()["openapi"].is_string());

    // One component may have operations too: with their method or another, the path is theirs.
    let grants = "[plugin.raw3]\ngrants = [\"witapi:host\"]\nmount = \"/both\"\n[plugin.raw]\nmount = \"/\"";
    let host = witapi_tests::host().fixture("raw3").fixture("raw").config(grants).start().await;
    assert_eq!(host.get("/both/greetings/you").await.json(), json!("Hello, you!"));
    assert_eq!(host.delete("/both/greetings/you").await.status, 405);
    assert_eq!(said(&host.get("/both/greetings").await, "mount"), Some("/both"));
    assert_eq!(said(&host.get("/both/greetings/you/more").await, "mount"), Some("/both"));
    assert_eq!(said(&host.get("/greetings/you").await, "mount"), None);
}

#[tokio::test]
async fn two_handlers_of_one_mount_are_both_named() {
    let config = "[plugin.b]\nmount = \"/a\"";
    let host = host().component("a", fixture("raw")).component("b", fixture("raw")).config(config).start().await;
    let failure = host.status("b").await["failure"]["reason"].clone();
    assert_eq!(
        failure,
        "the route `/a/*` of `the raw HTTP handler of b` is already served by `the raw HTTP handler` of plugin `a`; \
         mount one of them elsewhere (`mount` under `[plugin.<name>]` in witapi.toml)"
    );
    assert_eq!(host.status("a").await["state"], "serving");
    // It gets the mount when the other goes.
    fs::remove_file(host.file("a")).expect("to unload it");
    host.wait_for("b", |status| status["state"] == "serving").await;
    assert_eq!(host.get("/a/x").await.status, 200);
}

#[tokio::test]
async fn a_mount_is_none_of_the_hosts_paths() {
    let host = host().component("docs", fixture("raw")).start().await;
    let failure = host.status("docs").await["failure"]["reason"].clone();
    assert!(failure.as_str().is_some_and(|it| it.contains("`/docs/*`") && it.contains("plugin `witapi`")), "{failure}");
}

#[tokio::test]
async fn a_handler_is_replaced_and_unloaded_while_it_runs() {
    let host = handlers().start().await;
    let waiting = host.request("GET", "/raw/wait?400").send();
    let replacing = async {
        // The same with a byte more is another plugin.
        let digest = host.status("raw").await["digest"].clone();
        let mut other = fs::read(fixture("raw")).expect("the fixture");
        other.extend_from_slice(&[0, 2, 1, b'x']);
        fs::write(host.file("raw"), other).expect("to replace it");
        host.wait_for("raw", |status| status["digest"] != digest).await;
        fs::remove_file(host.file("raw")).expect("to unload it");
        host.wait_for("raw", |status| status.is_null()).await;
    };
    let (answer, ()) = tokio::join!(waiting, replacing);
    assert_eq!(answer.expect("an answer").text().await.expect("a body"), "waited");
    assert_eq!(host.get("/raw").await.status, 404);
}

#[tokio::test]
async fn operators_see_what_is_mounted() {
    let host = handlers().start().await;
    let of_raw = json!({ "export": "wasi:http/incoming-handler@0.2.3", "mount": "/raw", "has_document": false });
    assert_eq!(host.status("raw").await["raw"], of_raw);
    assert_eq!(host.status("raw").await["routes"], json!([]));
    let line = |path: &str| host.printed.lines().find(|line| line.contains(path)).map(str::to_owned);
    assert!(line("/raw/*").is_some_and(|line| line.contains("incoming-handler")), "{}", host.printed);
    assert!(line("/raw3/*").is_some_and(|line| line.contains("handler@0.3.0")), "{}", host.printed);
    let page = host.request("GET", "/").header("accept", "text/html").send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    assert!(page.contains("/raw/*") && page.contains("/greetings/{id}"), "{page}");

    let folder = Folder::new();
    folder.write("it.wasm", fs::read(fixture("raw")).expect("the fixture"));
    let text = folder.run(["inspect", "it.wasm"]).printed();
    assert!(text.contains("\nRaw HTTP: wasi:http/incoming-handler@0.2.3 at /it/*\n"), "{text}");
    assert!(!text.contains("METHOD"), "{text}");
}

#[test]
fn what_wasi_names_is_no_operation() {
    let both = component(
        "interface todos { list-todos: func(); } world w { export todos; \
                          export wasi:http/incoming-handler@0.2.7; export wasi:cli/run@0.2.7; }",
    );
    let contract = inspected(&both);
    assert_eq!(contract["operations"].as_array().map(Vec::len), Some(1));
    assert_eq!(contract["raw"]["export"], "wasi:http/incoming-handler@0.2.7");
    let command = refusal(&component("world w { export wasi:cli/run@0.2.7; }"));
    assert!(command.contains("or a raw HTTP handler (`wasi:http/incoming-handler@0.2.x`"), "{command}");
    let early = refusal(&component("world w { export wasi:http/handler@0.3.0-rc-2025-09-16; }"));
    assert!(early.contains("found the export `wasi:http/handler@0.3.0-rc-2025-09-16`"), "{early}");
}
