//! Tags: the operations of one interface are one group, the interfaces of one plugin a group of groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::tag::Tag;

use crate::contract::Contract;

/// The tag of an interface of a plugin: `todos`, or `shop: orders` where the two have different names. Functions of the
/// world go under the plugin's name.
pub fn name(plugin: &str, interface: &str) -> String {
    if interface.is_empty() || interface == plugin { plugin.to_owned() } else { format!("{plugin}: {interface}") }
}

/// The tags of a plugin, in the order of its interfaces, each with the documentation of its interface.
pub fn of_plugin(plugin: &str, contract: &Contract) -> Vec<Tag> {
    let mut order: Vec<String> = vec![];
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for interface in &contract.interfaces {
        let name = name(plugin, &interface.name);
        if !order.contains(&name) {
            order.push(name.clone());
        }
        texts.entry(name).or_default().extend(interface.docs.text.clone());
    }
    let tag = |name: String| {
        let text = texts.remove(&name).unwrap_or_default().join("\n\n");
        let text = if text.is_empty() { fallback(plugin, &name) } else { text };
        let mut tag = Tag::new(name);
        tag.description = Some(text);
        tag
    };
    order.into_iter().map(tag).collect()
}

/// What is said of a tag whose interface has no documentation.
fn fallback(plugin: &str, name: &str) -> String {
    match name.strip_prefix(plugin).and_then(|rest| rest.strip_prefix(": ")) {
        Some(interface) => format!("The interface `{interface}` of the plugin `{plugin}`."),
        None => format!("The plugin `{plugin}`."),
    }
}

/// `x-tagGroups`, which Redoc and Scalar show as headings: one a plugin.
pub fn group(plugin: &str, tags: &[Tag]) -> Value {
    json!({ "name": plugin, "tags": tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>() })
}
