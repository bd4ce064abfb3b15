//! Pages of other origins: what a browser is told they may do.

use reqwest::RequestBuilder;
use witapi_tests::{Answer, host, send};

const APP: &str = "https://app.example";

fn preflight(request: RequestBuilder, origin: &str) -> RequestBuilder {
    request
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "content-type,x-own")
}

/// The headers of CORS that an answer has, but for `vary`.
fn allowed(answer: &Answer) -> Vec<String> {
    let cors = answer.headers.keys().map(|name| name.as_str().to_owned());
    cors.filter(|name| name.starts_with("access-control-")).collect()
}

fn vary(answer: &Answer) -> String {
    let values = answer.headers.get_all("vary").iter().map(|value| value.to_str().expect("text").to_lowercase());
    values.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn without_configuration_there_is_no_cors() {
    let host = host().fixture("zoo").start().await;
    let answer = send(preflight(host.request("OPTIONS", "/things/1"), APP)).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"));
    for answer in [answer, send(host.request("GET", "/things/1").header("origin", APP)).await] {
        assert_eq!(allowed(&answer), [""; 0]);
        assert!(!vary(&answer).contains("origin"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_read_everything() {
    let cors = "[cors]\norigins = [\"https://app.example\", \"http://localhost:3000\"]";
    let host = host().fixture("zoo").fixture("hostile").config(cors).start().await;
    for origin in [APP, "http://localhost:3000"] {
        let answer = send(preflight(host.request("OPTIONS", "/things/1"), origin)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-methods"), "GET,HEAD,POST,PUT,PATCH,DELETE");
        assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-own");
        assert_eq!(answer.header("access-control-max-age"), "600");
        assert!(vary(&answer).contains("origin"), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        for (method, path, status) in [
            ("GET", "/things/1", 200),
            ("HEAD", "/things/1", 200),
            ("GET", "/things/2", 404),
            ("GET", "/nothing", 404),
            ("PUT", "/things", 405),
            ("GET", "/things/x", 422),
            ("GET", "/hostile/panic", 500),
            ("GET", "/openapi.json", 200),
            ("GET", "/healthz", 200),
        ] {
            let answer = send(host.request(method, path).header("origin", origin)).await;
            assert_eq!(answer.status, status, "{method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), origin, "{method} {path}");
            assert_eq!(answer.header("access-control-expose-headers"), "x-request-id,retry-after,etag,allow");
            assert!(vary(&answer).contains("origin"), "{method} {path}");
            assert!(!answer.header("x-request-id").is_empty());
        }
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_allowed_nothing() {
    let host = host().fixture("zoo").config("[cors]\norigins = [\"https://app.example\"]").start().await;
    for origin in [
        "https://other.example",
        "http://app.example",
        "https://app.example:444",
        "https://sub.app.example",
        "https://app.example.evil.example",
        "https://app.example/",
        "null",
        "*",
        "",
    ] {
        let preflight = send(preflight(host.request("OPTIONS", "/things/1"), origin)).await;
        assert_eq!((preflight.status.as_u16(), preflight.header("allow").is_empty()), (204, false));
        for answer in [preflight, send(host.request("GET", "/things/1").header("origin", origin)).await] {
            assert_eq!(allowed(&answer), [""; 0], "{origin}");
            assert_eq!(vary(&answer), "origin", "a cache has to know that others may be told more");
        }
    }
    // Who says of no origin is no page. What caches have to know is the same.
    let answer = host.get("/things/1").await;
    assert_eq!((answer.status.as_u16(), allowed(&answer), vary(&answer)), (200, vec![], "origin".into()));
}

#[tokio::test]
async fn options_that_is_no_preflight_is_answered_as_ever() {
    let host = host().fixture("zoo").config("[cors]\norigins = [\"*\"]").start().await;
    let answer = send(host.request("OPTIONS", "/things").header("origin", APP)).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
}

#[tokio::test]
async fn every_origin_is_allowed_by_a_star() {
    let host = host().fixture("zoo").config("[cors]\norigins = [\"*\"]").start().await;
    for origin in [APP, "null", "https://other.example"] {
        let preflight = send(preflight(host.request("OPTIONS", "/things/1"), origin)).await;
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        let answer = send(host.request("GET", "/things/1").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
    assert_eq!(allowed(&host.get("/things/1").await), [""; 0]);
}

#[tokio::test]
async fn cors_methods_headers_and_age_are_configurable() {
    let cors = "[cors]\norigins = [\"https://app.example\"]\nmethods = [\"GET\", \"PUT\"]\nheaders = [\"X-Own\"]\n\
                expose_headers = [\"x-request-id\"]\ncredentials = true\nmax_age_s = 5";
    let host = host().fixture("zoo").config(cors).start().await;
    let answer = send(preflight(host.request("OPTIONS", "/things/1"), APP)).await;
    assert_eq!(answer.header("access-control-allow-methods"), "GET,PUT");
    assert_eq!(answer.header("access-control-allow-headers"), "x-own");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-max-age"), "5");
    let answer = send(host.request("GET", "/things/1").header("origin", APP)).await;
    assert_eq!(answer.header("access-control-expose-headers"), "x-request-id");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let answer = send(host.request("GET", "/things/1").header("origin", "https://other.example")).await;
    assert_eq!(allowed(&answer), [""; 0]);
}
