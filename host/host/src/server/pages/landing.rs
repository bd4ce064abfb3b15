//! `/`: what runs here.

use std::collections::BTreeMap;

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Page, STRICT, failure, paragraphs, prose, time};
use crate::{
    catalog::{Catalog, Entry, Host},
    contract::Raw,
    openapi::{Head, OperationHead},
    plugin::Listed,
};

/// What stands in a URL as it is (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// By plugin, what is shown of it, and the ids of its operations in the document.
pub(super) type Heads<'a> = BTreeMap<&'a str, (&'a Head, &'a [String])>;

/// The page, whole.
pub(crate) fn page(host: &Host, catalog: &Catalog, heads: &Heads, revision: u64) -> String {
    let title = host.config().openapi.title.as_str();
    let operations: usize = catalog.plugins().map(|plugin| plugin.routes.len()).sum();
    let main = html! {
        div.intro {
            h1 { (title) }
            p.muted {
                (counted(catalog.plugins().count(), "plugin")) " · " (counted(operations, "operation"))
                " · served by WitAPI " (env!("CARGO_PKG_VERSION"))
            }
            p.actions {
                a.button.primary href="/docs" { "Try the API" }
                a.button href="/reference" { "Read the reference" }
                a.button href="/openapi.json" { "openapi.json" }
            }
        }
        @if catalog.entries().is_empty() {
            section.card.empty {
                h2 { "No plugins yet" }
                p { "Copy a component into the host's plugin folder to see it here:" }
                pre { code { "cp todos.wasm plugins/" } }
            }
        }
        @for (name, entry) in catalog.entries() {
            (section(host, name, entry, heads))
        }
    };
    let page = Page { title, path: "/", policy: STRICT, head: html! {}, tools: html! {}, revision, main };
    page.markup(title).into_string()
}

fn section(host: &Host, name: &str, entry: &Entry, heads: &Heads) -> Markup {
    let is_development = host.is_development();
    html! {
        section.card id={ "plugin-" (name) } {
            h2 { (name) }
            @if is_development { (failure(name, entry)) }
            @match &entry.serving {
                Some(plugin) => (serving(plugin, entry.failure.is_some() && !is_development, heads)),
                None if is_development => {},
                // Why is the operator's business: the reason names files of this machine.
                None => p.warning { "This plugin failed to load. See the host's log." },
            }
        }
    }
}

fn serving(plugin: &Listed, is_outdated: bool, heads: &Heads) -> Markup {
    let name = encoded(&plugin.name);
    // What cannot be read is in the log.
    let Some((head, ids)) = heads.get(plugin.name.as_ref()) else { return html! {} };
    html! {
        p.facts {
            @if let Some(package) = &head.package { code { (package) } " · " }
            (size(plugin.size)) " · loaded " (time(plugin.loaded_at))
        }
        @if is_outdated {
            p.warning { "The newest file of this plugin failed to load; the version before it keeps serving. See the host's log." }
        }
        @for text in &head.texts {
            (paragraphs(text))
        }
        ul.routes {
            @for (operation, id) in head.operations.iter().zip(*ids) { (route(operation, id)) }
            @if let Some(raw) = &plugin.raw { (mount(&plugin.name, raw)) }
        }
        p.links {
            a href={ "/docs?plugin=" (name) } { "Docs" }
            a href={ "/reference?plugin=" (name) } { "Reference" }
            a href={ "/openapi/" (name) ".json" } { (plugin.name) ".json" }
            a href={ "/openapi/" (name) ".wit" } { (plugin.name) ".wit" }
        }
    }
}

fn route(operation: &OperationHead, id: &str) -> Markup {
    let OperationHead { path, tag, summary, .. } = operation;
    html! {
        li {
            span.method data-method=(operation.method) { (operation.method) }
            a.path href={ "/docs#/" (encoded(tag)) "/" (encoded(id)) } { (path) }
            span.summary { @if let Some(summary) = summary { (prose(summary)) } }
            a.more href={ "/reference#tag/" (slug(tag)) "/" (encoded(id)) } { "Reference" }
        }
    }
}

/// All that a raw HTTP handler has, of which the document may tell more.
fn mount(plugin: &str, raw: &Raw) -> Markup {
    html! {
        li {
            span.method { "ANY" }
            a.path href={ "/docs?plugin=" (encoded(plugin)) } { (raw.paths()) }
            span.summary { "Raw HTTP: the plugin gets every request under this path as it is" }
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A tag's name as `/reference` has it in its links: assets/reference.js makes the same of it.
fn slug(tag: &str) -> String {
    let is_kept = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
    // By UTF-16 units, as JavaScript counts.
    tag.chars().flat_map(|c| std::iter::repeat_n(if is_kept(c) { c } else { '-' }, c.len_utf16())).collect()
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Bytes for people.
fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_link_cannot_leave_its_segment() {
        assert_eq!(encoded("a b/c?d#e%\"<é"), "a%20b%2Fc%3Fd%23e%25%22%3C%C3%A9");
        assert_eq!(encoded("todos-1.0_x~"), "todos-1.0_x~");
    }

    #[test]
    fn sizes_are_in_the_unit_that_a_person_would_take() {
        assert_eq!([size(999), size(1_000), size(999_999), size(18_240_000)], ["999 B", "1 KB", "999 KB", "18.2 MB"]);
    }
}
