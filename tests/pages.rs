//! The host's pages for people, as they come over the wire. tests/browser.rs looks at them in a browser.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::{Answer, Host, dummy_component, host, root, send, with_wit};

/// What a browser asks for.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

async fn get_as(host: &Host, accept: &str, path: &str) -> Answer {
    send(host.request("GET", path).header("accept", accept)).await
}

async fn page(host: &Host, path: &str) -> String {
    let answer = get_as(host, BROWSER, path).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
    answer.text()
}

/// The paths that a page links to or loads.
fn links(page: &str) -> BTreeSet<&str> {
    let of = |attribute| page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
    of(" href=\"").chain(of(" src=\"")).map(|link| link.split('#').next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn the_landing_page_is_html_only_and_gives_way() {
    let host = host().plugin("orders").start().await;
    assert!(page(&host, "/").await.contains("/orders/prices/{sku}"));
    let head = send(host.request("HEAD", "/").header("accept", BROWSER)).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    for accept in ["*/*", "application/json", "text/html;q=0", "application/problem+json, text/html;q=0.5"] {
        let answer = get_as(&host, accept, "/").await;
        assert_eq!((answer.status.as_u16(), &answer.json()["type"]), (404, &json!("/problems/no-route")), "{accept}");
    }
    let answer = send(host.request("POST", "/").header("accept", BROWSER)).await;
    assert_eq!(answer.status, 404);

    let wit = r#"package a:b; world w { @external-id("GET /") export get-home: func() -> u8; }"#;
    std::fs::write(host.file("home"), dummy_component(wit)).expect("to write it");
    host.wait_for("home", |it| it["state"] == "serving").await;
    assert_eq!(get_as(&host, BROWSER, "/").await.status, 500, "the function traps, so it was reached");
}

#[tokio::test]
async fn the_landing_page_shows_what_runs_and_links_work() {
    let host = host().plugin("orders").plugin("greeter").start().await;
    let page = page(&host, "/").await;
    for text in
        ["2 plugins", "example:orders@1.0.0", "Price an order", "data-method=\"POST\"", ">/greetings/languages<"]
    {
        assert!(page.contains(text), "no `{text}` in\n{page}");
    }
    assert!(page.contains("href=\"/docs#/orders/orders_price_order\""), "{page}");
    assert!(page.contains("href=\"/reference#tag/orders/orders_price_order\""), "{page}");
    let links = links(&page);
    for link in [
        "/docs",
        "/reference",
        "/problems",
        "/openapi.json",
        "/openapi/orders.json",
        "/openapi/orders.wit",
        "/docs?plugin=greeter",
    ] {
        assert!(links.contains(link), "no {link} in {links:?}");
    }
    for link in links {
        assert!(link.starts_with('/') && !link.starts_with("//"), "{link} leads elsewhere");
        assert_eq!(get_as(&host, BROWSER, link).await.status, 200, "{link}");
    }
}

#[tokio::test]
async fn an_empty_landing_page_says_how_to_add_a_plugin() {
    let host = host().start().await;
    let page = page(&host, "/").await;
    assert!(page.contains("No plugins yet") && page.contains("cp todos.wasm plugins/"), "{page}");
    assert!(!page.contains(host.folder().to_str().expect("a path")));
}

#[tokio::test]
async fn pages_hide_why_a_plugin_failed_to_load() {
    let host = host().plugin("orders").start().await;
    for name in ["orders", "broken"] {
        std::fs::write(host.file(name), "no wasm").expect("to write it");
        host.wait_for(name, |it| it["failure"].is_object()).await;
    }
    let page = page(&host, "/").await;
    assert!(page.contains("The newest file of this plugin failed to load"), "{page}");
    assert!(page.contains("This plugin failed to load"), "{page}");
    let reason = host.status("broken").await["failure"]["reason"].as_str().expect("a reason").to_owned();
    for secret in [host.folder().to_str().expect("a path"), ".wasm", &reason] {
        assert!(!page.contains(secret), "`{secret}` is in\n{page}");
    }
}

/// A plugin that has `mark` wherever its author can write text.
pub fn with_everywhere(mark: &str) -> Vec<u8> {
    let text = format!(
        r#"package a:b@1.0.0;
/// {mark}
///
/// {mark}
interface things {{
  /// {mark}
  record thing {{
    /// {mark}
    name: string,
  }}
  /// {mark}
  enum kind {{
    /// {mark}
    small,
  }}
  /// {mark}
  variant trouble {{
    /// {mark}
    not-found(thing),
  }}
  /// {mark}
  ///
  /// {mark}
  create-thing: func(thing: thing, kind: kind) -> result<thing, trouble>;
  /// {mark}
  list-things: func(kind: option<kind>) -> list<thing>;
}}
world w {{ export things; }}"#
    );
    with_wit(&dummy_component(&text), &text)
}

#[tokio::test]
async fn what_a_plugin_says_is_text_on_the_pages() {
    let mark = "<script>pwned()</script><img src=x onerror=pwned()> & \"quoted\"";
    let host = host().start().await;
    std::fs::write(host.file("things"), with_everywhere(mark)).expect("to write it");
    // A name that did not load may hold anything that a file's name can.
    std::fs::write(host.file("<b>bold&"), "no wasm").expect("to write it");
    host.wait_for("things", |it| it["state"] == "serving").await;
    host.wait_for("<b>bold&", |it| it["state"] == "failed").await;
    let page = page(&host, "/").await;
    assert!(page.contains("&lt;script&gt;pwned()&lt;/script&gt;&lt;img src=x onerror=pwned()&gt; &amp; "), "{page}");
    assert!(page.contains("&lt;b&gt;bold&amp;"), "{page}");
    for markup in ["<script>", "<img src=x", "<b>"] {
        assert!(!page.contains(markup), "`{markup}` is in\n{page}");
    }
}

#[tokio::test]
async fn pages_let_a_browser_load_nothing_from_elsewhere() {
    let host = host().plugin("orders").start().await;
    for path in ["/", "/docs", "/docs/", "/reference", "/reference/", "/problems", "/problems/saturated"] {
        let answer = get_as(&host, BROWSER, path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'self'; script-src 'self'; "), "{path}: {policy}");
        assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let page = answer.text();
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("<script>"), "{page}");
        let mut files = 0;
        for link in links(&page).into_iter().filter(|link| link.contains("?v=")) {
            let file = host.get(link).await;
            assert_eq!(file.status, 200, "{link}");
            assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{link}");
            assert_eq!(file.header("x-content-type-options"), "nosniff", "{link}");
            files += 1;
            // Without the version it may change any day, so it is asked for each time.
            let (path, _) = link.split_once('?').expect("a version");
            let file = host.get(path).await;
            assert_eq!(file.header("cache-control"), "no-cache", "{path}");
            let known = send(host.request("GET", path).header("if-none-match", file.header("etag"))).await;
            assert_eq!((known.status.as_u16(), known.body.len()), (304, 0), "{path}");
            let head = send(host.request("HEAD", path)).await;
            assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
            assert_eq!(head.header("etag"), file.header("etag"), "{path}");
        }
        assert!(files >= 3, "{page}");
    }
    for path in
        ["/docs/nothing.js", "/docs/index.html", "/reference/index.html", "/_witapi/nothing", "/problems/nothing"]
    {
        assert_eq!(get_as(&host, BROWSER, path).await.status, 404, "{path}");
    }
}

/// Every `type` of a problem in `text`.
fn types(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
    let name = |rest: &str| rest.chars().take_while(|c| is_name(*c)).collect::<String>();
    let types = text.split("/problems/").skip(1).map(name).filter(|name| !name.is_empty());
    types.map(|name| format!("/problems/{name}")).collect()
}

#[tokio::test]
async fn each_problem_has_a_page_and_a_row_in_the_reference() {
    let host = host().examples().start().await;
    let all = get_as(&host, "application/json", "/problems").await.json();
    let all = all.as_array().expect("an array");
    let kinds: BTreeSet<_> = all.iter().map(|kind| kind["type"].as_str().expect("a type").to_owned()).collect();
    let mapping = std::fs::read_to_string(root().join("docs/src/reference/results.md")).expect("the mapping");
    assert_eq!(kinds, types(&mapping), "the table of the reference, and the host");
    let index = page(&host, "/problems").await;
    let as_text = get_as(&host, "*/*", "/problems").await;
    assert_eq!(as_text.header("content-type"), "text/markdown; charset=utf-8");
    for kind in all {
        let path = kind["type"].as_str().expect("a type");
        let title = kind["title"].as_str().expect("a title");
        assert!(index.contains(&format!("href=\"{path}\"")) && as_text.text().contains(path), "{path}");
        for accept in [BROWSER, "*/*", "text/markdown"] {
            let text = get_as(&host, accept, path).await.text().replace("&#39;", "'");
            for part in [title, "What it means", "What to do", "Example"] {
                assert!(text.contains(part), "no `{part}` in {text}");
            }
        }
        assert_eq!(get_as(&host, "application/json", path).await.json(), *kind);
        // The example is a document of this kind, with what the kind promises.
        let example = &kind["example"];
        assert_eq!((&example["type"], &example["title"]), (&kind["type"], &kind["title"]));
        assert!(kind["status"].is_null() || kind["status"] == example["status"], "{kind}");
        for text in ["cause", "remedy"] {
            assert!(kind[text].as_str().is_some_and(|text| text.len() > 60), "{kind}");
        }
    }
    // Those that a document names lead somewhere.
    for path in types(&host.get("/openapi.json").await.text()) {
        assert!(kinds.contains(&path), "{path}");
    }
}

#[tokio::test]
async fn the_type_of_an_answer_leads_to_its_page() {
    let host = host().plugin("orders").fixture("hostile").config("[limits]\ndeadline_ms = 300").start().await;
    let answers = [
        host.get("/nowhere").await,
        host.delete("/orders").await,
        host.post_text("/orders", "{").await,
        host.post("/orders", &json!({})).await,
        host.get("/orders/prices/none").await,
        host.get("/hostile/panic").await,
        host.get("/hostile/spin").await,
        send(host.request("POST", "/orders").body("x")).await,
    ];
    let mut seen = BTreeSet::new();
    for answer in answers {
        let problem = answer.json();
        let path = problem["type"].as_str().expect("a type").to_owned();
        let page: Value = get_as(&host, "application/json", &path).await.json();
        assert_eq!(page["title"], problem["title"], "{path}");
        seen.insert(path);
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

/// A connection that listens to `/_witapi/events`.
struct Listener {
    stream: TcpStream,
    text: String,
}

impl Listener {
    async fn of(host: &Host) -> Listener {
        let mut stream = TcpStream::connect(host.address).await.expect("a connection");
        let request = "GET /_witapi/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("to send");
        Listener { stream, text: String::new() }
    }

    /// Reads on until there are so many events, and gives the data of the last.
    async fn event(&mut self, number: usize) -> Value {
        let data = |text: &str| -> Vec<String> {
            text.split("event: catalog\ndata: ")
                .skip(1)
                .filter_map(|it| Some(it.split_once("\n\n")?.0.to_owned()))
                .collect()
        };
        while data(&self.text).len() < number {
            assert!(self.read().await > 0, "the events ended:\n{}", self.text);
        }
        serde_json::from_str(&data(&self.text)[number - 1]).expect("JSON")
    }

    async fn read(&mut self) -> usize {
        let mut bytes = [0; 4096];
        let read = tokio::time::timeout(std::time::Duration::from_secs(60), self.stream.read(&mut bytes));
        let read = read.await.expect("something in time").expect("to read");
        self.text.push_str(&String::from_utf8_lossy(&bytes[..read]));
        read
    }
}

#[tokio::test]
async fn an_event_tells_of_each_change_of_the_catalog() {
    let host = host().plugin("orders").start().await;
    let mut listener = Listener::of(&host).await;
    let first = listener.event(1).await;
    assert!(listener.text.to_ascii_lowercase().contains("content-type: text/event-stream"), "{}", listener.text);
    assert_eq!(first["plugins"], json!(["orders"]));
    std::fs::copy(witapi_tests::fixture("versioned"), host.file("versioned")).expect("to copy it");
    let second = listener.event(2).await;
    assert_eq!(second["plugins"], json!(["orders", "versioned"]));
    std::fs::remove_file(host.file("orders")).expect("to remove it");
    let third = listener.event(3).await;
    assert_eq!(third["plugins"], json!(["versioned"]));
    let revisions = [first, second, third].map(|event| event["revision"].as_u64().expect("a number"));
    assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
    // Who comes later hears at once what is.
    let late = Listener::of(&host).await.event(1).await;
    assert_eq!((late["revision"].as_u64(), &late["plugins"]), (Some(revisions[2]), &json!(["versioned"])));

    // No earlier host on an address had the numbers of a later one.
    let stopped = host.kill().await;
    let next = witapi_tests::host().in_folder_of(stopped).start().await;
    assert!(Listener::of(&next).await.event(1).await["revision"].as_u64() > Some(revisions[2]));
}

#[tokio::test]
async fn listeners_do_not_hold_up_the_end_of_the_host() {
    let host = host().plugin("orders").config("[server]\ndrain_ms = 50000").start().await;
    let mut listener = Listener::of(&host).await;
    listener.event(1).await;
    host.signal(libc::SIGTERM);
    while listener.read().await > 0 {}
    let (status, stopped) = host.ended().await;
    assert_eq!(status, Some(0), "{}", stopped.log.text());
    assert!(!stopped.log.text().contains("drain_ms"), "{}", stopped.log.text());
    assert!(listener.text.ends_with("0\r\n\r\n"), "the events broke off:\n{}", listener.text);
}

#[tokio::test]
async fn there_are_only_so_many_listeners() {
    let host = host().start().await;
    let mut listeners = vec![];
    for _ in 0..256 {
        let mut listener = Listener::of(&host).await;
        listener.event(1).await;
        listeners.push(listener);
    }
    let refused = host.get("/_witapi/events").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["type"]), (503, &json!("/problems/saturated")));
    // Who goes makes room, as soon as the host notices.
    listeners.clear();
    loop {
        let mut listener = Listener::of(&host).await;
        listener.read().await;
        if listener.text.starts_with("HTTP/1.1 200") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
