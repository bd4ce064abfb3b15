//! `/docs` and `/reference`: two readers of the OpenAPI document, Swagger UI and Scalar. Both with a selector of plugins,
//! both following the catalog while they are open.

use axum::{extract::State, response::Response};
use maud::{Markup, html};

use super::{INLINE_STYLES, Page, failure};
use crate::server::{Server, assets::link};

pub(super) async fn docs(State(server): State<Server>) -> Response {
    let head = html! {
        link rel="stylesheet" href=(link("/docs/swagger-ui.css"));
        link rel="stylesheet" href=(link("/_witapi/docs.css"));
        script defer src=(link("/docs/swagger-ui-bundle.js")) {}
        script defer src=(link("/_witapi/docs.js")) {}
    };
    reader(&server, "Docs", "/docs", head)
}

pub(super) async fn reference(State(server): State<Server>) -> Response {
    let head = html! {
        script defer src=(link("/reference/scalar.js")) {}
        script defer src=(link("/_witapi/reference.js")) {}
    };
    reader(&server, "Reference", "/reference", head)
}

fn reader(server: &Server, title: &str, path: &str, head: Markup) -> Response {
    // Before the catalog, so that nobody takes an older one for this.
    let revision = *server.host.revision().borrow();
    let catalog = server.host.catalog();
    // `?plugin=` chooses; the scripts read it, and keep it.
    let tools = html! {
        select #plugin aria-label="Plugin" {
            option value="" { "All plugins" }
            @for plugin in catalog.plugins() { option value=(plugin.name) { (plugin.name) } }
        }
    };
    let main = html! {
        p #notice.notice role="status" hidden {}
        div #failures {
            @if server.host.is_development() {
                @for (name, entry) in catalog.entries() { (failure(name, entry)) }
            }
        }
        div #reader {}
        noscript {
            p.notice { "This page needs JavaScript. It shows the document " a href="/openapi.json" { "openapi.json" } "." }
        }
    };
    Page { title, path, policy: INLINE_STYLES, head, tools, revision, main }
        .response(&server.host.config().openapi.title)
}
