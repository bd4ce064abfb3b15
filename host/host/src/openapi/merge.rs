//! What a raw HTTP handler says of itself, in the document: its own OpenAPI document merged, or the mount as something of
//! which no more is known.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::ids::words;
use crate::contract::Raw;

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
/// What was found in it, and what was expected.
pub fn check(document: &Value) -> Result<(), String> {
    let version = document["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.1.") {
        return Err(format!("expected OpenAPI 3.1, found the version {}", document["openapi"]));
    }
    let shape = Shape { at: String::new() };
    shape.check(document)?;
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
        Some(reference) => Err(format!("expected references to existing `#/components/` only, found `{reference}`")),
        None => Ok(()),
    }
}

/// What is wrong with the shape of a document, as far as anything here or on the pages goes by it. What stands in a schema
/// is its reader's to judge.
struct Shape {
    at: String,
}

impl Shape {
    fn check(&self, document: &Value) -> Result<(), String> {
        self.at("info").object(&document["info"])?;
        for (path, item) in self.at("paths").members(&document["paths"])? {
            let at = self.at("paths").at(path);
            if !path.starts_with('/') {
                return Err(format!("expected a path that begins with `/`, found `{path}`"));
            }
            at.object(item)?;
            for method in METHODS {
                at.at(method).operation(&item[method])?;
            }
        }
        for (kind, components) in self.at("components").members(&document["components"])? {
            let at = self.at("components").at(kind);
            for (name, component) in at.members(components)? {
                let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                if name.is_empty() || !name.bytes().all(is_allowed) {
                    return Err(format!("expected a component name of A-Z a-z 0-9 . _ -, found `{name}`"));
                }
                if !(component.is_object() || kind == "schemas" && component.is_boolean()) {
                    return at.at(name).wrong("an object");
                }
            }
        }
        for tag in self.at("tags").items(&document["tags"])? {
            self.at("tags").object(tag)?;
            self.at("tags").at("name").text(&tag["name"])?;
        }
        self.at("security").requirements(&document["security"])
    }

    fn operation(&self, operation: &Value) -> Result<(), String> {
        if operation.is_null() {
            return Ok(());
        }
        for (status, response) in self.at("responses").members(&operation["responses"])? {
            self.at("responses").at(status).object(response)?;
        }
        for parameter in self.at("parameters").items(&operation["parameters"])? {
            self.at("parameters").object(parameter)?;
        }
        for tag in self.at("tags").items(&operation["tags"])? {
            self.at("tags").text(tag)?;
        }
        self.at("security").requirements(&operation["security"])
    }

    fn requirements(&self, requirements: &Value) -> Result<(), String> {
        self.items(requirements)?.iter().try_for_each(|requirement| self.object(requirement))
    }

    fn at(&self, member: &str) -> Shape {
        Shape { at: format!("{}.{member}", self.at) }
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, String> {
        Err(format!("expected {expected} at `{}`, found something else", self.at.trim_start_matches('.')))
    }

    fn object(&self, value: &Value) -> Result<(), String> {
        if value.is_object() { Ok(()) } else { self.wrong("an object") }
    }

    fn text(&self, value: &Value) -> Result<(), String> {
        if value.is_string() { Ok(()) } else { self.wrong("a string") }
    }

    fn members<'a>(&self, value: &'a Value) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, String> {
        if !(value.is_object() || value.is_null()) {
            return self.wrong("an object");
        }
        Ok(value.as_object().into_iter().flatten())
    }

    fn items<'a>(&self, value: &'a Value) -> Result<&'a [Value], String> {
        match value {
            Value::Array(items) => Ok(items),
            Value::Null => Ok(&[]),
            _ => self.wrong("a list"),
        }
    }
}

/// Adds raw handlers, by plugin, to a document that has no paths yet but `taken` ones.
pub(super) fn add(document: &mut Value, mounted: &[(&str, Raw)], mut taken: TakenNames) {
    for (plugin, raw) in mounted {
        let is_others =
            |path: &str| mounted.iter().any(|(_, other)| other.mount.len() > raw.mount.len() && other.has(path));
        match &raw.document {
            Some(own) => merge(document, plugin, raw, own, &mut taken, is_others),
            None => opaque(document, plugin, raw, &mut taken),
        }
    }
}

/// What is there already.
#[derive(Default)]
pub(super) struct TakenNames {
    ids: HashSet<String>,
    /// Paths, without the names of their parameters.
    patterns: HashSet<String>,
}

impl TakenNames {
    /// Notes a path with the ids of its operations.
    pub(super) fn note<'a>(&mut self, path: &str, ids: impl Iterator<Item = &'a str>) {
        self.patterns.insert(anonymous(path));
        self.ids.extend(ids.map(str::to_owned));
    }

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

fn opaque(document: &mut Value, plugin: &str, raw: &Raw, taken: &mut TakenNames) {
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
            "summary": format!("All paths under {path}, with any method"),
            "description": text,
            "operationId": taken.id(&id_of(plugin, "mount")),
            "responses": { "default": { "description": "Any response of the plugin" } },
        },
    });
}

fn merge(
    document: &mut Value,
    plugin: &str,
    raw: &Raw,
    own: &Value,
    taken: &mut TakenNames,
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
