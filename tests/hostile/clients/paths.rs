//! Paths that lead elsewhere, for whoever decodes them once too often.

use witapi_tests::{Host, host};

use super::wire::{Heard, Wire};
use crate::hostile::neighbour::{Neighbour, beside};

/// Stands in the configuration, next to the folder of plugins.
const SECRET: &str = "s3cr3t-of-the-operator";

/// `../` and what decoders make the same of it.
const UP: [&str; 18] = [
    "../",
    "..%2f",
    "..%2F",
    "%2e%2e/",
    "%2e%2e%2f",
    ".%2e/",
    "%2E./",
    "..\\",
    "..%5c",
    "%252e%252e/",
    "%252e%252e%252f",
    "..%c0%af",
    "%c0%ae%c0%ae/",
    "%e0%80%ae%e0%80%ae/",
    "..%00/",
    "..;/",
    "....//",
    "%u002e%u002e/",
];

async fn get(host: &Host, path: &str) -> Heard {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    Wire::with(host, request).await.answer().await.unwrap_or_else(|| panic!("no answer to {path}"))
}

/// Attack: ways up and out, in every spelling, behind every path that ends in a name: documents, pages, assets, plugins.
/// Expectation: 404 (or 400 where it is no target), and nothing of a file in it. No path is another's after decoding.
#[tokio::test]
async fn no_path_leads_out() {
    let host = beside(host().fixture("hostile").config(&format!("# {SECRET}"))).start().await;
    let neighbour = Neighbour::of(&host).await;
    let targets = ["witapi.toml", "etc/passwd", "plugins/hostile.wasm", "hostile.json", "plugins", "healthz", ""];
    let mut asked = 0;
    for base in ["/", "/openapi/", "/docs/", "/reference/", "/problems/", "/_witapi/", "/hostile/", "/neighbour/"] {
        for up in UP {
            for depth in [1, 2, 6] {
                for target in targets {
                    let path = format!("{base}{}{target}", up.repeat(depth));
                    let answer = get(&host, &path).await;
                    assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
                    for leak in [SECRET, "root:", "\0asm"] {
                        assert!(!answer.text().contains(leak), "{path}: {answer:?}");
                    }
                    asked += 1;
                }
            }
        }
    }
    assert_eq!(asked, 8 * 18 * 3 * 7);
    neighbour.was_served().await;
}

/// Attack: names with NUL, slashes, dots, cases and endings that a file system or a C string would see otherwise.
/// Expectation: a name is what it is, byte by byte: only the right one is found.
#[tokio::test]
async fn a_name_is_found_only_as_it_is() {
    let host = beside(host().fixture("hostile")).start().await;
    let neighbour = Neighbour::of(&host).await;
    for path in ["/openapi/hostile.json", "/openapi/%68ostile.json", "/openapi/hostile%2ejson", "/docs/swagger-ui.css"]
    {
        assert_eq!(get(&host, path).await.status, 200, "{path}");
    }
    for path in [
        "/openapi/hostile.json%00",
        "/openapi/hostile%00.json",
        "/openapi/hostile.json/",
        "/openapi/./hostile.json",
        "/openapi//hostile.json",
        "/openapi/.%2fhostile.json",
        "/openapi/x%2f..%2fhostile.json",
        "/openapi/HOSTILE.json",
        "/openapi/hostile.JSON",
        "/openapi/hostile.json%20",
        "/openapi/hostile.json.",
        "/openapi/hostile.json::$DATA",
        "/openapi/%c3%a8ostile.json",
        "/openapi/%ff.json",
        "/openapi/%2568ostile.json",
        "/openapi/hostile",
        "/openapi/.json",
        "/openapi/..json",
        "//openapi.json",
        "/./openapi.json",
        "/openapi.json;a=b",
        "/hostile//light",
        "/hostile/light/",
        "/hostile/%6c%69ght%00",
        "/hostile/light%2f",
        "/hostile%2flight",
        "/Hostile/light",
        "/docs/%2e%2e%2fswagger-ui.css",
        "/docs/swagger-ui.css%00.html",
    ] {
        let status = get(&host, path).await.status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    neighbour.was_served().await;
}

/// Attack: the same ways up, to a raw HTTP handler that gets its paths undecoded.
/// Expectation: what is under its mount by its bytes is its own to read, and stays as it was sent; nothing else reaches it,
/// and nothing that reaches it gets to a file.
#[tokio::test]
async fn a_raw_handler_gets_only_its_own_paths() {
    let host = beside(host().fixture("raw").config(&format!("# {SECRET}"))).start().await;
    let neighbour = Neighbour::of(&host).await;
    for up in UP {
        for path in [format!("/raw/{up}neighbour/name?name=x"), format!("/raw/{}etc/passwd", up.repeat(6))] {
            let answer = get(&host, &path).await;
            let text = answer.text();
            assert!(!text.contains("root:") && !text.contains(SECRET), "{path}: {text}");
            assert!(
                answer.status != 200 || text.lines().any(|line| line == format!("target {path}")),
                "{path}: {text}"
            );
        }
        let beside = format!("/neighbour/{up}raw/x");
        assert_eq!(get(&host, &beside).await.status, 404, "{beside}");
    }
    for path in ["/%72aw/x", "/raw%2fx", "//raw/x", "/./raw/x", "/rawx", "/RAW/x"] {
        assert_eq!(get(&host, path).await.status, 404, "{path}");
    }
    neighbour.was_served().await;
}
