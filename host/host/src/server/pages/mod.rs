//! The host's pages for people: what they have in common.
//!
//! maud escapes all that is put into a page, so nothing of a plugin's can become markup. Scripts and styles are files of
//! their own, and the policy of the pages allows no others.

mod documentation;
mod landing;
mod problems;

use std::time::SystemTime;

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, html};

use super::{
    Server,
    assets::{asset, link},
};
use crate::{
    catalog::{Catalog, Entry, FailedStep},
    http::accept,
};

pub(super) use landing::page as landing_of;

/// All pages but `/`, and the files that they need.
pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/docs", get(documentation::docs))
        .route("/docs/", get(documentation::docs))
        .route("/docs/{*file}", get(asset))
        .route("/reference", get(documentation::reference))
        .route("/reference/", get(documentation::reference))
        .route("/reference/{*file}", get(asset))
        .route("/problems", get(problems::all))
        .route("/problems/{name}", get(problems::one))
        .route("/_witapi/{file}", get(asset))
}

/// Whether a request is for the page `/`: by a browser, where no plugin has the route.
pub(super) fn is_landing(catalog: &Catalog, request: &Request) -> bool {
    let is_get = matches!(request.method().as_str(), "GET" | "HEAD");
    if !is_get || request.uri().path() != "/" || catalog.find("GET", "/").is_ok() {
        return false;
    }
    // Who does not ask for HTML gets the problem document that such a path always had.
    let offers = ["application/problem+json", "text/html"];
    accept::preferred(request.headers(), &offers) == Some("text/html")
}

/// The page `/`.
pub(super) async fn landing(server: &Server) -> Response {
    match server.documents.told(&server.host).await {
        Ok(told) => html_response(STRICT, told.landing.clone()),
        Err(problem) => problem.into_response(),
    }
}

/// Nothing from elsewhere, and no script or style in the page itself.
const STRICT: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// For the two readers, which make styles while they run.
const INLINE_STYLES: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// One page.
struct Page<'a> {
    /// In the browser's tab, before the host's name.
    title: &'a str,
    /// Which of the header's links is this page's.
    path: &'a str,
    policy: &'static str,
    /// Links to more scripts and styles.
    head: Markup,
    /// In the header, beside the links.
    tools: Markup,
    /// Of the catalog that the page shows; 0 for a page that shows none.
    revision: u64,
    main: Markup,
}

impl Page<'_> {
    fn markup(&self, host: &str) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) @if self.title != host { " · " (host) } }
                    link rel="icon" type="image/svg+xml" href=(link("/_witapi/icon.svg"));
                    link rel="stylesheet" href=(link("/_witapi/page.css"));
                    // Not deferred: it sets the colours before anything is seen.
                    script src=(link("/_witapi/page.js")) {}
                    (self.head)
                }
                body data-path=(self.path) data-revision=[(self.revision > 0).then_some(self.revision)] {
                    header.top {
                        a.brand href="/" aria-label=(host) {
                            img src=(link("/_witapi/icon.svg")) alt="";
                            span { (host) }
                        }
                        nav aria-label="Pages" {
                            @for (path, name) in [("/docs", "Docs"), ("/reference", "Reference"), ("/problems", "Problems")] {
                                a href=(path) aria-current=[(path == self.path).then_some("page")] { (name) }
                            }
                        }
                        div.tools {
                            (self.tools)
                            button #theme type="button" title="Dark or light" aria-label="Switch between dark and light" {
                                svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" {
                                    circle cx="10" cy="10" r="7.25" fill="none" stroke="currentColor" stroke-width="1.5" {}
                                    path d="M10 2.75a7.25 7.25 0 0 1 0 14.5z" fill="currentColor" {}
                                }
                            }
                        }
                    }
                    main.content[self.policy == STRICT] { (self.main) }
                }
            }
        }
    }

    fn response(&self, host: &str) -> Response {
        html_response(self.policy, self.markup(host).into_string())
    }
}

fn html_response(policy: &'static str, page: impl Into<axum::body::Body>) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::VARY, HeaderValue::from_static("accept")),
        (NOSNIFF.0, NOSNIFF.1),
    ];
    (headers, Html(page.into())).into_response()
}

const NOSNIFF: (HeaderName, HeaderValue) = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// In UTC; the page's script writes it as the reader's clock has it.
fn time(time: SystemTime) -> Markup {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    html! { time datetime=(text) { (text) } }
}

/// Why the newest version of a plugin does not serve, for its author.
fn failure(name: &str, entry: &Entry) -> Markup {
    html! {
        @if let Some(failure) = &entry.failure {
            div.failure role="alert" data-plugin=(name) data-step=(failure.step.name()) {
                p {
                    strong { (name) @match failure.step { FailedStep::Build => " does not build", FailedStep::Load => " was built, but does not load" } }
                    " · " (time(failure.at)) " · "
                    @if entry.serving.is_some() { "the version before it serves on" } @else { "nothing of it serves yet" }
                }
                pre { code { (failure.reason) } }
            }
        }
    }
}

/// Markdown as text, in paragraphs. Its lines are kept only where it is a list or the like.
fn paragraphs(text: &str) -> Markup {
    let marks = ['-', '*', '+', '#', '|', '>'];
    html! {
        @for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
            p.docs.lines[paragraph.lines().any(|line| line.trim_start().starts_with(marks))] { (prose(paragraph)) }
        }
    }
}

/// Plain text with code in backquotes.
fn prose(text: &str) -> Markup {
    html! {
        @for (i, part) in text.split('`').enumerate() {
            @if i % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
