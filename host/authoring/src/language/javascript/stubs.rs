//! The source file for a contract that is there already: each function, and none done yet.

use wit_parser::{Docs, Function, WorldItem};

use super::shape;
use crate::{error::BuildError, wit::Wit};

pub(super) fn write(wit: &Wit, is_typed: bool) -> Result<String, BuildError> {
    // Says what cannot be built, before anything is written.
    shape::World::of(wit)?;
    let resolve = &wit.resolve;
    let mut text = String::new();
    for (key, item) in &resolve.worlds[wit.world].exports {
        match item {
            WorldItem::Interface { id, .. } => {
                let interface = &resolve.interfaces[*id];
                let name = shape::interface_name(resolve, key, *id);
                let module = resolve.id_of(*id).unwrap_or_else(|| resolve.name_world_key(key));
                text.push_str(&docs(&interface.docs, ""));
                if is_typed {
                    text.push_str(&format!("export const {name}: typeof import(\"{module}\") = {{\n"));
                } else {
                    text.push_str(&format!("export const {name} = {{\n"));
                }
                let functions: Vec<String> =
                    interface.functions.values().filter(|it| shape::is_free(it)).map(stub).collect();
                text.push_str(&functions.join("\n"));
                text.push_str("};\n\n");
            }
            WorldItem::Function(function) => {
                let name = shape::member(function.item_name());
                let world = wit.world_name();
                text.push_str(&docs(&function.docs, ""));
                let is_async = if shape::is_async(function) { "async " } else { "" };
                let parameters: Vec<String> = function.params.iter().map(|it| parameter(&it.name)).collect();
                let body = format!("throw new Error(\"{name} is not done yet\");");
                if is_typed {
                    let package = resolve.packages[wit.package].name.clone();
                    let version = package.version.as_ref().map(|it| format!("@{it}")).unwrap_or_default();
                    let module = format!("{}:{}/{world}{version}", package.namespace, package.name);
                    let ty = format!("typeof import(\"{module}\").{name}");
                    let parameters = parameters.join(", ");
                    text.push_str(&format!(
                        "export const {name}: {ty} = {is_async}({parameters}) => {{\n  {body}\n}};\n\n"
                    ));
                } else {
                    text.push_str(&format!(
                        "export {is_async}function {name}({}) {{\n  {body}\n}}\n\n",
                        parameters.join(", ")
                    ));
                }
            }
            WorldItem::Type { .. } => {}
        }
    }
    Ok(format!("{}\n", text.trim_end()))
}

fn stub(function: &Function) -> String {
    let name = shape::member(function.item_name());
    let parameters: Vec<String> = function.params.iter().map(|it| parameter(&it.name)).collect();
    let is_async = if shape::is_async(function) { "async " } else { "" };
    format!(
        "{}  {is_async}{name}({}) {{\n    throw new Error(\"{name} is not done yet\");\n  }},\n",
        docs(&function.docs, "  "),
        parameters.join(", ")
    )
}

/// A name that may be declared.
fn parameter(name: &str) -> String {
    let name = shape::member(name);
    if super::types::RESERVED.contains(&&*name) { format!("{name}_") } else { name }
}

fn docs(docs: &Docs, indent: &str) -> String {
    let Some(text) = &docs.contents else { return String::new() };
    let text = text.trim().replace("*/", "*\\/");
    if !text.contains('\n') {
        return format!("{indent}/** {text} */\n");
    }
    let lines: String = text.lines().map(|line| format!("{}\n", format!("{indent} * {line}").trim_end())).collect();
    format!("{indent}/**\n{lines}{indent} */\n")
}
