//! `/problems/<name>`: what a problem means, as HTML, Markdown or JSON.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{Page, STRICT, prose};
use crate::{
    http::accept,
    problem::{KINDS, Kind, Problem},
    server::Server,
};

/// What a page may be. Who has no wish reads a terminal.
const OFFERS: [&str; 3] = ["text/markdown", "text/html", "application/json"];

const INTRODUCTION: &str = "Every error response is a problem document (RFC 9457) with the media type \
    `application/problem+json`. Its member `type` is one of these. It never changes, so programs can rely on it.";

/// `/problems`
pub(super) async fn all(State(server): State<Server>, headers: HeaderMap) -> Response {
    match accept::preferred(&headers, &OFFERS) {
        Some("text/html") => page(&server, "Problems", list()),
        Some("application/json") => negotiated(Json(KINDS.iter().map(as_json).collect::<Value>())),
        _ => {
            let lines = KINDS.iter().map(|kind| format!("- `{}` ({}): {}\n", kind.uri(), status(kind), kind.title));
            markdown(format!("# Problems\n\n{INTRODUCTION}\n\n{}", lines.collect::<String>()))
        }
    }
}

/// `/problems/<name>`
pub(super) async fn one(State(server): State<Server>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(kind) = Kind::named(&name) else { return Problem::NoRoute.into_response() };
    match accept::preferred(&headers, &OFFERS) {
        Some("text/html") => page(&server, kind.title, article(kind)),
        Some("application/json") => negotiated(Json(as_json(kind))),
        _ => markdown(format!(
            "# {}\n\n`{}`, status {}\n\n## What it means\n\n{}\n\n## What to do\n\n{}\n\n## Example\n\n```json\n{}\n```\n",
            kind.title,
            kind.uri(),
            status(kind),
            kind.cause,
            kind.remedy,
            example(kind)
        )),
    }
}

fn list() -> Markup {
    html! {
        div.intro {
            h1 { "Problems" }
            p { (prose(INTRODUCTION)) }
        }
        ul.card.problems {
            @for kind in KINDS {
                li {
                    span.status { (status(kind)) }
                    a href=(kind.uri()) { (kind.title) }
                    code { (kind.name) }
                }
            }
        }
    }
}

fn article(kind: &Kind) -> Markup {
    html! {
        article {
            p.crumbs { a href="/problems" { "Problems" } }
            h1 { (kind.title) }
            p.facts {
                span.status { (status(kind)) } " "
                @if let Some(reason) = reason(kind) { (reason) " · " }
                code { (kind.uri()) }
            }
            h2 { "What it means" }
            p { (prose(kind.cause)) }
            h2 { "What to do" }
            p { (prose(kind.remedy)) }
            h2 { "Example" }
            pre { code { (example(kind)) } }
        }
    }
}

fn page(server: &Server, title: &str, main: Markup) -> Response {
    let page = Page { title, path: "/problems", policy: STRICT, head: html! {}, tools: html! {}, revision: 0, main };
    page.response(&server.host.config().openapi.title)
}

fn markdown(text: String) -> Response {
    negotiated(([(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"))], text))
}

fn negotiated(answer: impl IntoResponse) -> Response {
    ([(header::VARY, HeaderValue::from_static("accept"))], answer).into_response()
}

fn as_json(kind: &Kind) -> Value {
    json!({
        "type": kind.uri(),
        "title": kind.title,
        "status": kind.status,
        "cause": kind.cause,
        "remedy": kind.remedy,
        "example": document(kind),
    })
}

fn status(kind: &Kind) -> String {
    kind.status.map_or("4xx or 5xx".to_owned(), |status| status.to_string())
}

/// Such as `Not Found`.
fn reason(kind: &Kind) -> Option<&'static str> {
    StatusCode::from_u16(kind.status?).ok()?.canonical_reason()
}

fn document(kind: &Kind) -> Value {
    serde_json::from_slice(&kind.example().document()).unwrap_or_default()
}

/// The example document, for people.
fn example(kind: &Kind) -> String {
    serde_json::to_string_pretty(&document(kind)).unwrap_or_default()
}
