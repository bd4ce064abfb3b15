//! The module that a component is made of: what every plugin has, then the author's functions, each looked after.

use super::{sdk, shape};
use crate::{error::BuildError, language::Job};
use serde_json::json;
use std::path::PathBuf;

/// Where it is put, in what is generated.
const ENTRY: &str = "js/entry.js";

/// Writes the module around the author's, which runs when the component is made.
pub(super) fn write(job: &Job<'_>, world: &shape::World) -> Result<PathBuf, BuildError> {
    let file = source(job);
    let mut text = begin(world);
    let mut authors = vec![];
    for (i, interface) in world.exports.iter().enumerate() {
        authors.push(format!("{} as $interface{i}", interface.name));
    }
    for (i, function) in world.functions.iter().enumerate() {
        authors.push(format!("{} as $function{i}", function.name));
    }
    text.push_str(&format!("import {{ {} }} from {};\n", authors.join(", "), json!(job.project.entry)));
    if !world.functions.is_empty() {
        let functions = world.functions.iter().enumerate().map(|(i, it)| format!("{}: $function{i}", it.name));
        text.push_str(&format!("const $world = {{ {} }};\n", functions.collect::<Vec<_>>().join(", ")));
    }
    let load = |object: &str, name: &str, functions: &str| {
        format!("complete({}, {}, {object}, {functions});\n", json!(file), json!(name))
    };
    for (i, interface) in world.exports.iter().enumerate() {
        text.push_str(&load(&format!("$interface{i}"), &interface.name, &format!("F{i}")));
    }
    if !world.functions.is_empty() {
        text.push_str(&load("$world", "the module", "FW"));
    }
    end(world, &mut text, |index| match index {
        Some(i) => format!("() => $interface{i}"),
        None => "() => $world".into(),
    });
    sdk::put(job.project, ENTRY, &text)?;
    Ok(job.project.generated(ENTRY))
}

/// The author's file as messages name it.
pub(super) fn source(job: &Job<'_>) -> String {
    job.project.entry.strip_prefix(&job.project.folder).unwrap_or(&job.project.entry).display().to_string()
}

/// What comes first: the globals, so that the author's module finds them when it runs.
pub(super) fn begin(world: &shape::World) -> String {
    let mut text = String::from(
        "// Made by `witapi build`.\nimport \"witapi-sdk/runtime/globals.js\";\n\
         import { complete, implement } from \"witapi-sdk/runtime/exports.js\";\n",
    );
    for ty in &world.types {
        text.push_str(ty);
        text.push('\n');
    }
    let described = |functions: &[shape::Exported]| {
        functions.iter().map(|it| format!("  {}: {},\n", it.name, it.described)).collect::<String>()
    };
    for (i, interface) in world.exports.iter().enumerate() {
        text.push_str(&format!("const F{i} = {{\n{}}};\n", described(&interface.functions)));
    }
    if !world.functions.is_empty() {
        text.push_str(&format!("const FW = {{\n{}}};\n", described(&world.functions)));
    }
    text
}

/// What comes last: the exports. `load` is JavaScript that gives the author's object: of that interface, or of the world.
pub(super) fn end(world: &shape::World, text: &mut String, load: impl Fn(Option<usize>) -> String) {
    // Under names of our own first: `delete` may be exported, but nothing can be declared under it.
    for (i, interface) in world.exports.iter().enumerate() {
        let name = &interface.name;
        text.push_str(&format!("const $export{i} = implement({}, {}, F{i});\n", json!(name), load(Some(i))));
        text.push_str(&format!("export {{ $export{i} as {name} }};\n"));
    }
    if !world.functions.is_empty() {
        text.push_str(&format!("const $exported = implement(\"\", {}, FW);\n", load(None)));
    }
    for (i, function) in world.functions.iter().enumerate() {
        let name = &function.name;
        text.push_str(&format!("const $function{i}_ = $exported.{name};\nexport {{ $function{i}_ as {name} }};\n"));
    }
}
