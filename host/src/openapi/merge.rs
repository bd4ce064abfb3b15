//! What a raw HTTP handler says of itself, in the document: its own OpenAPI document merged, or the mount as something of
//! which no more is known.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::ids::words;
use crate::contract::{Contract, Raw};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Members whose keys are names, and not those of OpenAPI or JSON Schema.
const MAPS: [&str; 17] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "paths",
    "responses",
    "headers",
    "callbacks",
    "content",
    "encoding",
    "examples",
    "schemas",
    "parameters",
    "requestBodies",
    "securitySchemes",
    "pathItems",
    "variables",
];

/// The kinds of components that are taken.
const COMPONENTS: [&str; 9] = [
    "schemas",
    "responses",
    "parameters",
    "examples",
    "requestBodies",
    "headers",
    "securitySchemes",
    "callbacks",
    "pathItems",
];

/// Members that hold data, whatever it looks like.
const DATA: [&str; 5] = ["example", "default", "enum", "const", "value"];

/// Whether a handler's own document can be merged.
///
/// # Errors
///
/// What was found in it, and what was wanted.
pub fn check(document: &Value) -> Result<(), String> {
    let version = document["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.1.") {
        return Err(format!("found the version {}; wanted OpenAPI 3.1", document["openapi"]));
    }
    let mut as_known = document.clone();
    as_known["openapi"] = "3.1.0".into();
    if let Err(error) = serde_json::from_value::<OpenApi>(as_known) {
        return Err(format!("found what is no OpenAPI document ({error}); wanted one of OpenAPI 3.1"));
    }
    let paths = document["paths"].as_object().into_iter().flatten();
    if let Some((path, _)) = paths.into_iter().find(|(path, item)| !path.starts_with('/') || !item.is_object()) {
        return Err(format!("found the path `{path}`; wanted a path that begins with `/`, and an object for it"));
    }
    let components = document["components"].as_object().into_iter().flatten();
    let mut names = components.filter_map(|(_, components)| components.as_object()).flatten().map(|(name, _)| name);
    let is_allowed = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if let Some(name) = names.find(|name| name.is_empty() || !is_allowed(name)) {
        return Err(format!("found the component `{name}`; wanted names of A-Z a-z 0-9 . _ -"));
    }
    let mut wrong = None;
    let mut document = document.clone();
    let whole = document.clone();
    references(&mut document, false, &mut |reference| {
        let is_inside = reference.strip_prefix('#').is_some_and(|pointer| whole.pointer(pointer).is_some());
        if !(reference.starts_with("#/components/") && is_inside) {
            wrong.get_or_insert_with(|| reference.clone());
        }
    });
    match wrong {
        Some(reference) => {
            Err(format!("found the reference `{reference}`; wanted only those to `#/components/` that lead somewhere"))
        }
        None => Ok(()),
    }
}

/// Adds the raw handlers of all `contracts` to their document.
pub fn add(document: &mut Value, contracts: &[(&str, &Contract)]) {
    let mounted: Vec<_> = contracts.iter().filter_map(|(plugin, it)| Some((*plugin, it.raw.as_ref()?))).collect();
    if mounted.is_empty() {
        return;
    }
    let ids = METHODS.iter().flat_map(|method| {
        let paths = document["paths"].as_object().into_iter().flatten();
        paths.filter_map(|(_, item)| item[*method]["operationId"].as_str().map(str::to_owned))
    });
    let ids = ids.collect();
    let patterns = document["paths"].as_object().into_iter().flatten().map(|(path, _)| anonymous(path)).collect();
    let mut taken = Taken { ids, patterns };
    for (plugin, raw) in &mounted {
        let is_others =
            |path: &str| mounted.iter().any(|(_, other)| other.mount.len() > raw.mount.len() && other.has(path));
        match &raw.document {
            Some(own) => merge(document, plugin, raw, own, &mut taken, is_others),
            None => opaque(document, plugin, raw, &mut taken),
        }
    }
}

/// What is there already.
struct Taken {
    ids: HashSet<String>,
    /// Paths, without the names of their parameters.
    patterns: HashSet<String>,
}

impl Taken {
    fn id(&mut self, wanted: &str) -> String {
        let mut id = wanted.to_owned();
        let mut number = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{wanted}_{number}");
            number += 1;
        }
        id
    }
}

fn opaque(document: &mut Value, plugin: &str, raw: &Raw, taken: &mut Taken) {
    let text = format!(
        "Every request whose path begins with `{}/` goes as it comes to the plugin `{plugin}`, which exports `{}`. \
         It does not say more of itself.",
        raw.mount, raw.export
    );
    add_tag(document, plugin, json!({ "name": plugin, "description": text }));
    let path = if raw.mount.is_empty() { "/" } else { &raw.mount };
    if !taken.patterns.insert(anonymous(path)) {
        return;
    }
    document["paths"][path] = json!({
        "x-witapi-mount": { "prefix": raw.mount, "export": raw.export },
        "get": {
            "tags": [plugin],
            "summary": format!("Everything under {path}, with any method"),
            "description": text,
            "operationId": taken.id(&id_of(plugin, "mount")),
            "responses": { "default": { "description": "Whatever the plugin answers" } },
        },
    });
}

fn merge(
    document: &mut Value,
    plugin: &str,
    raw: &Raw,
    own: &Value,
    taken: &mut Taken,
    is_others: impl Fn(&str) -> bool,
) {
    let mut own = own.clone();
    let names = rename(&mut own, document, plugin);
    for (kind, mut components) in members(&mut own, "components") {
        if !COMPONENTS.contains(&kind.as_str()) {
            continue;
        }
        for (name, component) in components.as_object_mut().map(std::mem::take).into_iter().flatten() {
            let reference = format!("#/components/{kind}/{name}");
            let name = names.get(&reference).and_then(|it| it.rsplit('/').next()).unwrap_or(&name).to_owned();
            document["components"][&kind][name] = component;
        }
    }
    let security = own["security"].take();
    for mut tag in own["tags"].as_array_mut().map(std::mem::take).unwrap_or_default() {
        let name = tag_of(plugin, tag["name"].as_str().unwrap_or_default());
        tag["name"] = name.clone().into();
        add_tag(document, plugin, tag);
    }
    for (path, mut item) in members(&mut own, "paths") {
        // The handler gets whole paths, but may not know where it is mounted.
        let is_whole = !raw.mount.is_empty() && raw.has(&path);
        let path = if is_whole { path } else { format!("{}{path}", raw.mount) };
        if is_others(&path) || !taken.patterns.insert(anonymous(&path)) {
            continue;
        }
        let Some(members) = item.as_object_mut() else { continue };
        members.remove("servers");
        for method in METHODS {
            let Some(operation) = members.get_mut(method).and_then(Value::as_object_mut) else { continue };
            operation.remove("servers");
            let name = operation.get("operationId").and_then(Value::as_str).map(snake);
            let name = name.unwrap_or_else(|| format!("{method} {path}"));
            operation.insert("operationId".into(), taken.id(&id_of(plugin, &name)).into());
            let mut tags: Vec<_> = operation.get("tags").and_then(Value::as_array).into_iter().flatten().collect();
            let unnamed = Value::from("");
            if tags.is_empty() {
                tags.push(&unnamed);
            }
            let tags: Vec<_> = tags.into_iter().filter_map(|tag| Some(tag_of(plugin, tag.as_str()?))).collect();
            for tag in &tags {
                let text = own["info"]["description"].as_str().or(own["info"]["title"].as_str()).unwrap_or_default();
                add_tag(document, plugin, json!({ "name": tag, "description": text }));
            }
            operation.insert("tags".into(), tags.into());
            let mut required = operation.remove("security").unwrap_or_else(|| security.clone());
            for schemes in required.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                *schemes = std::mem::take(schemes)
                    .into_iter()
                    .map(|(scheme, scopes)| {
                        let reference = names.get(&format!("#/components/securitySchemes/{scheme}"));
                        (reference.and_then(|it| it.rsplit('/').next()).map_or(scheme, str::to_owned), scopes)
                    })
                    .collect();
            }
            if required.is_array() {
                operation.insert("security".into(), required);
            }
        }
        document["paths"][path] = item;
    }
}

/// Gives each component of `own` a name that `document` has not, and says which.
fn rename(own: &mut Value, document: &Value, plugin: &str) -> HashMap<String, String> {
    let prefix: String = words(plugin).iter().map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    let mut names = HashMap::new();
    for (kind, components) in own["components"].as_object().into_iter().flatten() {
        for name in components.as_object().into_iter().flatten().map(|(name, _)| name) {
            let wanted = format!("{prefix}{}{}", name[..1].to_ascii_uppercase(), &name[1..]);
            let is_taken = |name: &str| document["components"][kind].get(name).is_some();
            let mut free = wanted.clone();
            let mut number = 2;
            while is_taken(&free) || names.values().any(|other| *other == format!("#/components/{kind}/{free}")) {
                free = format!("{wanted}{number}");
                number += 1;
            }
            names.insert(format!("#/components/{kind}/{name}"), format!("#/components/{kind}/{free}"));
        }
    }
    references(own, false, &mut |reference| {
        if let Some(name) = names.get(reference.as_str()) {
            name.clone_into(reference);
        }
    });
    names
}

/// Hands each reference in `value` to `found`. `are_names` says that the keys of `value` are names.
fn references(value: &mut Value, are_names: bool, found: &mut impl FnMut(&mut String)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| references(item, false, found)),
        Value::Object(members) if are_names => {
            members.iter_mut().for_each(|(_, member)| references(member, false, found));
        }
        Value::Object(members) => {
            // What follows an answer is told by references into paths, which are others here.
            members.shift_remove("links");
            for (key, member) in members {
                match (key.as_str(), member) {
                    ("$ref", Value::String(reference)) => found(reference),
                    ("mapping", Value::Object(mapping)) => mapping.iter_mut().for_each(|(_, schema)| {
                        if let Value::String(schema) = schema {
                            // The name of a schema stands for a reference to it.
                            if !schema.contains('/') {
                                *schema = format!("#/components/schemas/{schema}");
                            }
                            found(schema);
                        }
                    }),
                    // Of a schema these are data; elsewhere they have names.
                    ("examples", Value::Array(_)) => {}
                    (key, _) if DATA.contains(&key) => {}
                    (key, member) => {
                        let are_names = MAPS.contains(&key) && member.is_object();
                        if key == "components" {
                            member
                                .as_object_mut()
                                .into_iter()
                                .flatten()
                                .for_each(|(_, components)| references(components, true, found));
                        } else {
                            references(member, are_names, found);
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// The members of an object within, taken out of it.
fn members(value: &mut Value, name: &str) -> Map<String, Value> {
    value[name].as_object_mut().map(std::mem::take).unwrap_or_default()
}

/// Adds a tag, and its name to the group of its plugin. The first of a name stays.
fn add_tag(document: &mut Value, plugin: &str, tag: Value) {
    let name = tag["name"].clone();
    let group = |name: &Value| json!({ "name": plugin, "tags": [name] });
    if let Some(tags) = array(document, "tags")
        && tags.iter().all(|other| other["name"] != name)
    {
        tags.push(tag);
    }
    let Some(groups) = array(document, "x-tagGroups") else { return };
    match groups.iter_mut().find(|group| group["name"] == plugin) {
        Some(group) => {
            if let Some(tags) = group["tags"].as_array_mut().filter(|tags| !tags.contains(&name)) {
                tags.push(name);
            }
        }
        None => groups.push(group(&name)),
    }
}

fn array<'a>(document: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    let array = &mut document[name];
    if array.is_null() {
        *array = json!([]);
    }
    array.as_array_mut()
}

/// As tags of operations are called: `todos`, or `shop: orders`.
fn tag_of(plugin: &str, tag: &str) -> String {
    if tag.is_empty() || tag == plugin { plugin.to_owned() } else { format!("{plugin}: {tag}") }
}

fn id_of(plugin: &str, name: &str) -> String {
    let mut id = words(plugin);
    if id.first().is_none_or(|first| first.starts_with(|letter: char| letter.is_ascii_digit())) {
        id.insert(0, "plugin".into());
    }
    id.extend(words(name));
    id.join("_")
}

/// `get_entry` for `getEntry`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    let mut was_small = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && was_small {
            text.push('_');
        }
        was_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        text.push(letter);
    }
    text
}

/// The path without the names of its parameters.
fn anonymous(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}
