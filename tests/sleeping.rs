//! Of many plugins few are in memory; the others are read back when they are asked for.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use witapi_tests::{Answer, Host, Setup, host, send};

use crate::hot_load::version;

const NAMES: [&str; 3] = ["one", "two", "three"];

/// Three plugins, each of code of its own, of which one stays in memory.
fn crowded() -> Setup {
    with_room_for(1)
}

fn with_room_for(resident: usize) -> Setup {
    let setup = host().config(&format!("resident = {resident}")).env("WITAPI_LOG", "info,witapi=debug");
    NAMES.into_iter().zip(1..).fold(setup, |setup, (name, number)| {
        setup.made(name, version(number)).config(&format!("[plugin.{name}]\nmount = '/{name}'"))
    })
}

async fn version_of(host: &Host, name: &str) -> Value {
    let answer = host.get(&format!("/{name}/version")).await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", host.log.text());
    answer.json()["first"].clone()
}

/// The log's lines that say of that plugin that it is `awake` or `asleep`.
fn told(host: &Host, state: &str, name: &str) -> usize {
    let plugin = format!("plugin={name}");
    host.log.lines_with(state).iter().filter(|line| line.contains(&plugin)).count()
}

fn compiled(host: &Host) -> Vec<PathBuf> {
    let files = fs::read_dir(host.folder().join("data/code")).expect("the cache").flatten();
    files.map(|file| file.path()).filter(|file| file.extension().is_some_and(|it| it == "cwasm")).collect()
}

/// Waits until all three are on disk: they serve before.
async fn compiled_for_sure(host: &Host) -> Vec<PathBuf> {
    loop {
        let files = compiled(host);
        if files.len() == NAMES.len() {
            return files;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn plugins_that_were_put_to_sleep_answer_as_before() {
    let host = crowded().start().await;
    assert_eq!(host.log.lines(" asleep", 3).await.len(), 3, "{}", host.log.text());
    for _ in 0..3 {
        for (name, number) in NAMES.into_iter().zip(1..) {
            assert_eq!(version_of(&host, name).await, format!("version-{number:08}"));
        }
    }
    for name in NAMES {
        // The log is written behind the answers.
        while told(&host, " awake", name) < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(told(&host, " awake", name), 3, "{}", host.log.text());
    }
    // One that is asked again and again is read once.
    for _ in 0..5 {
        version_of(&host, "three").await;
    }
    assert_eq!(told(&host, " awake", "three"), 3);
    assert_eq!(host.log.lines_with("ERROR"), [""; 0]);
}

#[tokio::test]
async fn as_many_plugins_as_fit_start_awake() {
    let host = with_room_for(NAMES.len()).start().await;
    for name in NAMES {
        version_of(&host, name).await;
        assert_eq!((told(&host, " asleep", name), told(&host, " awake", name)), (0, 0), "{}", host.log.text());
    }
    // One more than there is room for, which has to wait for nothing.
    fs::write(host.file("four"), version(4)).expect("to write it");
    host.log.wait_for(" asleep").await;
    assert_eq!(host.get("/version").await.status, 200);
    for name in NAMES {
        version_of(&host, name).await;
    }
}

#[tokio::test]
async fn of_many_first_requests_one_reads_the_plugin() {
    let host = crowded().start().await;
    let begin = |_| -> JoinHandle<Answer> { tokio::spawn(send(host.request("GET", "/two/version"))) };
    let calls: Vec<_> = (0..40).map(begin).collect();
    for call in calls {
        let answer = call.await.expect("an answer");
        assert_eq!((answer.status.as_u16(), &answer.json()["first"]), (200, &json!("version-00000002")));
    }
    assert_eq!(told(&host, " awake", "two"), 1, "{}", host.log.text());
}

#[tokio::test]
async fn putting_a_plugin_to_sleep_leaves_its_calls_alone() {
    let host = crowded().start().await;
    let slow = tokio::spawn(send(host.request("GET", "/one/version/2000")));
    host.log.wait_for(" awake").await;
    while told(&host, " asleep", "one") < 2 {
        version_of(&host, "two").await;
        version_of(&host, "three").await;
    }
    assert!(!slow.is_finished(), "the test was too slow to tell");
    let answer = slow.await.expect("an answer");
    assert_eq!(answer.json(), json!({"first": "version-00000001", "second": "version-00000001"}));
}

#[tokio::test]
async fn missing_or_damaged_code_is_compiled_again() {
    let host = crowded().start().await;
    for file in compiled_for_sure(&host).await {
        fs::remove_file(file).expect("to remove it");
    }
    for (name, number) in NAMES.into_iter().zip(1..) {
        assert_eq!(version_of(&host, name).await, format!("version-{number:08}"));
    }
    for file in compiled_for_sure(&host).await {
        // Where it is mapped, that file stays as it is.
        fs::remove_file(&file).expect("to remove it");
        fs::write(&file, "no code").expect("to write it");
    }
    for (name, number) in NAMES.into_iter().zip(1..) {
        assert_eq!(version_of(&host, name).await, format!("version-{number:08}"));
    }
    host.log.wait_for("file of the code cache").await;
}

#[tokio::test]
async fn a_sleeping_plugin_ignores_changes_of_its_file() {
    let host = crowded().start().await;
    // In place, as `cp` does it: the same file with other bytes.
    fs::write(host.file("two"), "no component").expect("to write it");
    host.wait_for("two", |it| it["state"] == "outdated").await;
    assert_eq!(version_of(&host, "two").await, "version-00000002");
    version_of(&host, "one").await;
    for file in compiled_for_sure(&host).await {
        fs::remove_file(file).expect("to remove it");
    }
    version_of(&host, "three").await;
    assert_eq!(version_of(&host, "two").await, "version-00000002");
}

#[tokio::test]
async fn a_sleeping_plugin_is_replaced_and_unloaded() {
    let host = crowded().start().await;
    fs::write(host.file("two"), version(7)).expect("to write it");
    host.log.wait_for("replaced").await;
    for name in ["one", "three", "one"] {
        version_of(&host, name).await;
    }
    assert_eq!(version_of(&host, "two").await, "version-00000007");
    fs::remove_file(host.file("three")).expect("to remove it");
    host.wait_for("three", Value::is_null).await;
    assert_eq!(host.get("/three/version").await.status, 404);
    assert_eq!(version_of(&host, "one").await, "version-00000001");
    assert!(host.get("/openapi.json").await.json()["paths"]["/three/version"].is_null());
}

#[tokio::test]
async fn sleeping_plugins_are_described_like_others() {
    let sleeping = crowded().start().await;
    let awake = with_room_for(NAMES.len()).start().await;
    for path in ["/openapi.json", "/openapi/one.json", "/openapi/two.json", "/openapi/three.wit"] {
        let (found, expected) = (sleeping.get(path).await, awake.get(path).await);
        assert_eq!((found.status.as_u16(), found.text()), (200, expected.text()), "{path}");
    }
    for name in NAMES {
        let (found, expected) = (sleeping.status(name).await, awake.status(name).await);
        for member in ["state", "digest", "size_bytes", "package", "routes", "raw", "warnings", "grants", "limits"] {
            assert_eq!(found[member], expected[member], "{member} of {name}");
        }
        assert_eq!(found["routes"].as_array().map(Vec::len), Some(2), "{found:#}");
        assert!(sleeping.printed.contains(&format!("/{name}/version/{{ms}}")), "{}", sleeping.printed);
    }
    let page = send(sleeping.request("GET", "/").header("accept", "text/html")).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("/three/version/{ms}"), "{}", page.text());
}

#[tokio::test]
async fn documents_leave_sleeping_plugins_asleep() {
    let host = crowded().start().await;
    for path in ["/openapi.json", "/openapi/one.json", "/openapi/two.json", "/openapi/three.wit", "/_witapi/plugins"] {
        assert_eq!(host.get(path).await.status, 200, "{path}");
    }
    version_of(&host, "one").await;
    host.log.wait_for(" awake").await;
    assert_eq!((told(&host, " awake", "two"), told(&host, " awake", "three")), (0, 0), "{}", host.log.text());
}

#[tokio::test]
async fn two_hundred_wake_by_turns() {
    let names: Vec<_> = (0..200).map(|i| format!("p{i}")).collect();
    let component = version(1);
    let setup = host().config("resident = 1\n[limits]\ndeadline_ms = 120000");
    let setup = names.iter().fold(setup, |setup, name| {
        setup.made(name, component.clone()).config(&format!("[plugin.{name}]\nmount = '/{name}'"))
    });
    let host = setup.start().await;
    let status = format!("/proc/{}/status", host.pid());
    let threads = || -> usize {
        let text = fs::read_to_string(&status).expect("a status");
        let line = text.lines().find_map(|line| line.strip_prefix("Threads:")).expect("threads");
        line.trim().parse().expect("a number")
    };
    let before = threads();
    let begin =
        |name: &String| -> JoinHandle<Answer> { tokio::spawn(send(host.request("GET", &format!("/{name}/version")))) };
    let mut most = before;
    let calls: Vec<_> = names.iter().map(begin).collect();
    while calls.iter().any(|call| !call.is_finished()) {
        most = most.max(threads());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    for call in calls {
        assert_eq!(call.await.expect("an answer").status, 200);
    }
    assert!(most <= before + 32, "{before} threads, then {most}");
}

#[tokio::test]
async fn a_route_of_a_sleeping_plugin_is_taken() {
    let setup = crowded().made("zero", version(9)).config("[plugin.zero]\nmount = '/two'");
    let host = setup.start().await;
    let failure = host.status("zero").await["failure"]["reason"].as_str().map(str::to_owned).unwrap_or_default();
    for part in ["`GET /two/version`", "versioned.get-version", "plugin `two`"] {
        assert!(failure.contains(part), "{failure}");
    }
    fs::remove_file(host.file("two")).expect("to remove it");
    host.wait_for("zero", |it| it["state"] == "serving").await;
    assert_eq!(version_of(&host, "two").await, "version-00000009");
}
