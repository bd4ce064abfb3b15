//! Tags: the operations of one interface are one group, the interfaces of one plugin a group of groups.

use serde_json::{Value, json};
use utoipa::openapi::tag::Tag;

use crate::contract::{Contract, Operation};

/// The tags of an operation: its author's own (`@tag`), or else its interface.
pub(super) fn of_operation(plugin: &str, operation: &Operation) -> Vec<String> {
    if operation.tags.is_empty() {
        return vec![qualified(plugin, &operation.interface)];
    }
    operation.tags.iter().map(|tag| qualified(plugin, tag)).collect()
}

/// `todos`, or `shop: orders` where the plugin is called otherwise: two plugins never share a tag by accident. What has no
/// name, which is the world, goes under the plugin's.
fn qualified(plugin: &str, name: &str) -> String {
    if name.is_empty() || name == plugin { plugin.to_owned() } else { format!("{plugin}: {name}") }
}

/// The tags of a plugin's operations, in their order, each with the documentation of the interfaces that it stands for.
pub(super) fn of_plugin(plugin: &str, contract: &Contract) -> Vec<Tag> {
    let mut tags: Vec<(String, Vec<&str>)> = vec![];
    for operation in &contract.operations {
        let interface = contract.interfaces.iter().find(|interface| interface.name == operation.interface);
        // A tag of one function is about less than its interface.
        let is_of_interface = operation.tags.is_empty()
            || interface.is_some_and(|interface| interface.docs.keywords.tags == operation.tags);
        let text = interface.filter(|_| is_of_interface).and_then(|interface| interface.docs.text.as_deref());
        for name in of_operation(plugin, operation) {
            let i = tags.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                tags.push((name, vec![]));
                tags.len() - 1
            });
            let texts = &mut tags[i].1;
            texts.extend(text.filter(|text| !texts.contains(text)));
        }
    }
    tags.into_iter()
        .map(|(name, texts)| {
            let text = if texts.is_empty() { fallback(plugin, &name) } else { texts.join("\n\n") };
            let mut tag = Tag::new(name);
            tag.description = Some(text);
            tag
        })
        .collect()
}

/// What is said of a tag that no interface documents.
fn fallback(plugin: &str, name: &str) -> String {
    match name.strip_prefix(plugin).and_then(|rest| rest.strip_prefix(": ")) {
        Some(name) => format!("`{name}` of the plugin `{plugin}`."),
        None => format!("The plugin `{plugin}`."),
    }
}

/// `x-tagGroups`, which Redoc and Scalar show as headings: one a plugin.
pub(super) fn group(plugin: &str, tags: &[Tag]) -> Value {
    json!({ "name": plugin, "tags": tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>() })
}
