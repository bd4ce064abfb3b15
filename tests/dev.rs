//! `witapi dev`: build, serve, and all of it again with every save.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;
use witapi_tests::{cli, dev::Dev, root};

/// The project that is written here, a copy of an example.
struct Project {
    _folder: TempDir,
    path: PathBuf,
}

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("orders");
        let example = root().join("plugins/orders-rust");
        let mut files: Vec<PathBuf> = ["Cargo.toml", "Cargo.lock"].map(PathBuf::from).into();
        for folder in ["src", "wit"] {
            let entries = fs::read_dir(example.join(folder)).expect("a folder").flatten();
            files.extend(entries.map(|entry| Path::new(folder).join(entry.file_name())));
        }
        for file in files {
            let copy = path.join(&file);
            fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
            fs::copy(example.join(&file), copy).expect("a copy");
        }
        let project = Project { _folder: folder, path };
        project.replace("Cargo.toml", "../../sdk/rust", root().join("sdk/rust").to_str().expect("a path"));
        project
    }

    fn source(&self) -> PathBuf {
        self.path.join("src/lib.rs")
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let file = self.path.join(file);
        let text = fs::read_to_string(&file).expect("a text");
        assert!(text.contains(from), "{from} is not in {}", file.display());
        fs::write(file, text.replace(from, to)).expect("to save it");
    }
}

/// How a line of a version that serves begins, behind the time.
const LIVE: &str = "live";

#[tokio::test]
async fn a_save_is_live_and_a_failed_build_keeps_the_last() {
    let project = Project::new();
    let dev = Dev::at_a_terminal(&project.path).await;
    dev.wait_for("Say hello").await;
    assert_eq!(dev.get("/hello").await.text(), r#"{"message":"Hello!"}"#);
    let printed = dev.printed();
    for path in ["/docs", "/reference", "/openapi.json"] {
        assert!(printed.contains(&format!("http://{}{path}", dev.address)), "{printed}");
    }
    assert!(printed.contains("/orders/prices/{sku}"), "{printed}");
    assert_eq!(printed.matches(LIVE).count(), 1, "{printed}");

    project.replace("src/lib.rs", "\"Hello!\"", "\"Hi!\"");
    dev.wait_for_answer("/hello", "Hi!").await;
    dev.wait_for_count(LIVE, 2).await;

    // The compiler's own words, with file and line, in the terminal and in every page. What it quotes is no markup.
    project.replace("src/lib.rs", "\"Hi!\"", "\"<img src=x>\" + 1");
    dev.wait_for("build failed").await;
    let printed = dev.printed();
    let line = fs::read_to_string(project.source()).expect("the source");
    let line = line.lines().position(|line| line.contains("<img")).expect("the line") + 1;
    assert!(printed.contains(&format!("src/lib.rs:{line}:")), "{printed}");
    assert!(printed.contains("error"), "{printed}");
    assert!(printed.contains("the last good version keeps serving"), "{printed}");
    assert!(!printed.contains(r#"{"reason""#), "{printed}");
    assert_eq!(dev.get("/hello").await.text(), r#"{"message":"Hi!"}"#);
    for page in ["/", "/docs", "/reference"] {
        let text = dev.get(page).await.text();
        assert!(text.contains("does not build"), "{page}: {text}");
        assert!(text.contains(&format!("src/lib.rs:{line}:")), "{page}: {text}");
        assert!(text.contains("&lt;img src=x&gt;") && !text.contains("<img src=x>"), "{page}: {text}");
        assert!(!text.contains('\u{1b}'), "{page}: {text}");
    }
    let failure = &dev.get("/_witapi/plugins").await.json()[0]["failure"];
    assert_eq!(failure["step"], "build", "{failure}");

    project.replace("src/lib.rs", "\"<img src=x>\" + 1", "\"Again!\"");
    dev.wait_for_answer("/hello", "Again!").await;
    assert!(!dev.get("/docs").await.text().contains("does not build"));

    // Requests are lines, with statuses in colours of their own.
    dev.get("/hello").await;
    dev.get("/orders/prices/nothing").await;
    dev.wait_for("/hello \u{1b}[32m200\u{1b}[0m").await;
    dev.wait_for("/orders/prices/nothing \u{1b}[33m404\u{1b}[0m").await;
    // Those of the pages are not.
    assert!(!dev.printed().contains(" /docs \u{1b}"), "{}", dev.printed());

    let (status, printed) = dev.interrupted().await;
    assert!(status.success(), "{status}\n{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
    // What is made for development is not what is to be used, nor does it lie beside the sources.
    let mut left: Vec<_> =
        fs::read_dir(&project.path).expect("the folder").flatten().map(|it| it.file_name()).collect();
    left.sort();
    assert_eq!(left, [".witapi", "Cargo.lock", "Cargo.toml", "src", "wit"]);
}

#[tokio::test]
async fn without_inotify_saves_are_seen_all_the_same() {
    let project = Project::new();
    let dev = Dev::without_inotify(&project.path).await;
    dev.wait_for("fs.inotify.max_user_instances").await;
    dev.wait_for_answer("/hello", "Hello!").await;
    project.replace("src/lib.rs", "\"Hello!\"", "\"Hi!\"");
    dev.wait_for_answer("/hello", "Hi!").await;
}

#[tokio::test]
async fn only_saves_of_sources_cause_builds() {
    let project = Project::new();
    // A first build writes it anew.
    fs::remove_file(project.path.join("Cargo.lock")).expect("a lock file");
    let dev = Dev::in_a_pipe(&project.path).await;
    dev.wait_for("Say hello").await;
    assert!(project.path.join("Cargo.lock").exists());
    for file in ["src/.lib.rs.swp", "src/lib.rs~", "orders.wasm", ".witapi/anything", "4913"] {
        fs::write(project.path.join(file), "nothing").expect("a file");
    }
    // A folder that was not there before is seen as well, with what comes into it.
    fs::create_dir(project.path.join("src/more")).expect("a folder");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    // None of these builds but the last: however many of the saves are seen as one, one version goes live.
    project.replace("src/lib.rs", "struct Plugin;", "mod more;\nstruct Plugin;");
    project.replace("src/lib.rs", "\"Hello!\".to_string()", "more::HELLO.to_string()");
    fs::write(project.path.join("src/more/mod.rs"), "pub const HELLO: &str = \"More!\";").expect("a file");
    dev.wait_for_answer("/hello", "More!").await;
    fs::write(project.path.join("src/more/mod.rs"), "pub const HELLO: &str = \"Less!\";").expect("a file");
    dev.wait_for_answer("/hello", "Less!").await;
    // The line is printed after the version serves.
    dev.wait_for_count(LIVE, 3).await;
    let printed = dev.printed();
    assert_eq!(printed.matches(LIVE).count(), 3, "{printed}");
    assert!(!printed.contains('\u{1b}'), "no colour in a pipe: {printed}");
    let (status, printed) = dev.terminated().await;
    assert!(status.success(), "{status}\n{printed}");
}

#[tokio::test]
async fn a_project_is_served_as_soon_as_it_builds() {
    let project = Project::new();
    project.replace("wit/orders.wit", "interface", "interfac");
    let dev = Dev::in_a_pipe(&project.path).await;
    dev.wait_for("build failed").await;
    dev.wait_for("nothing is served yet").await;
    assert!(dev.printed().contains("orders.wit:"), "{}", dev.printed());
    assert_eq!(dev.get("/hello").await.status, 404);
    assert!(dev.get("/docs").await.text().contains("does not build"));
    assert_eq!(dev.get("/readyz").await.status, 200);
    project.replace("wit/orders.wit", "interfac ", "interface ");
    dev.wait_for_answer("/hello", "Hello!").await;

    // What builds and does not load is told in the same places.
    project.replace("wit/orders.wit", "/orders", "/docs");
    dev.wait_for("load failed").await;
    assert!(dev.get("/docs").await.text().contains("does not load"));
    assert_eq!(dev.get("/hello").await.status, 200);
}

#[tokio::test]
async fn open_pages_show_a_build_failure_until_it_is_fixed() {
    let project = Project::new();
    let dev = Dev::in_a_pipe(&project.path).await;
    dev.wait_for("Say hello").await;
    let source = fs::read_to_string(project.source()).expect("the source");
    let broken = source.replace("\"Hello!\"", "\"<img src=x onerror=pwned('compiler')>\" + 1");
    let arguments = json!({
        "file": project.source(), "broken": broken, "fixed": source.replace("Hello!", "Hi!"), "said": "src/lib.rs:",
    });
    crate::browser::run_at(dev.address, "development", arguments, || dev.printed()).await;
}

#[test]
fn problems_before_the_first_build_are_shown_at_once() {
    let folder = cli::Folder::new();
    let said = folder.run(["dev", "."]).refused();
    assert!(said.contains("expected a plugin") && said.contains("witapi new"), "{said}");

    let project = Project::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let path = project.path.to_str().expect("a path");
    let said = folder.run(["dev", path, "--listen", &address]).refused();
    assert!(said.contains(&format!("cannot listen on {address}: another program does")), "{said}");
    assert!(said.contains("--listen 127.0.0.1:"), "{said}");

    fs::write(project.path.join("witapi.toml"), "listn = \"127.0.0.1:0\"").expect("a configuration");
    let said = folder.run(["dev", path]).refused();
    assert!(said.contains("listen"), "{said}");
}
