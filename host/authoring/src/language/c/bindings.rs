//! The headers and sources that a plugin in C is compiled with: what wit-bindgen-c makes, and the SDK.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use wit_bindgen_c::Opts;
use wit_bindgen_core::{AsyncFilterSet, Files};
use wit_parser::{Function, TypeDefKind, WorldItem, WorldKey};

use crate::{error::BuildError, language::limits, wit::Wit};

/// What the bindings are called whatever the world is, so that the SDK can refer to them.
const WORLD: &str = "plugin";

/// `sdk/c` of this repository.
const SDK: &[(&str, &str)] = &[
    ("witapi.h", include_str!("../../../../../sdk/c/witapi.h")),
    ("witapi.c", include_str!("../../../../../sdk/c/witapi.c")),
];

/// What the SDK can do if the world imports it.
const WANTED: [(&str, &str); 4] = [
    ("WITAPI_STORE", "wasi:keyvalue/store@0.2.0-draft"),
    ("WITAPI_ATOMICS", "wasi:keyvalue/atomics@0.2.0-draft"),
    ("WITAPI_LOGGING", "wasi:logging/logging@0.1.0-draft"),
    ("WITAPI_REQUEST", "witapi:host/request@0.1.0"),
];

/// What wit-bindgen-c 0.60 has no bindings for, and panics at; and what its bindings leave an author alone with.
fn limit(kind: &TypeDefKind) -> Option<&'static str> {
    match kind {
        TypeDefKind::FixedLengthList(..) => {
            Some("lists of fixed length, such as `list<u8, 3>`; use a tuple, or a list with @minItems and @maxItems")
        }
        TypeDefKind::Stream(_) | TypeDefKind::Future(_) => Some("streams and futures"),
        TypeDefKind::Flags(flags) if flags.flags.len() > 64 => Some("more than 64 flags; use several types"),
        _ => None,
    }
}

/// Every file, by name: `plugin.h` and `plugin.c`, the object with the world's type, and the SDK.
///
/// # Errors
///
/// The WIT has something that wit-bindgen-c cannot do.
pub(super) fn generate(wit: &Wit) -> Result<BTreeMap<String, Vec<u8>>, BuildError> {
    limits::check(wit, "C", limit)?;
    let options = Opts {
        rename: short_names(wit).into_iter().map(|(key, name)| (wit.resolve.name_world_key(&key), name)).collect(),
        rename_world: Some(WORLD.into()),
        async_: AsyncFilterSet::all(false),
        ..Opts::default()
    };
    let mut files = Files::default();
    let made = options.build().generate(&mut wit.resolve.clone(), wit.world, &mut files);
    made.map_err(|error| BuildError::Unsupported(format!("no bindings for C: {error:#}")))?;
    let mut files: BTreeMap<String, Vec<u8>> =
        files.iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect();
    let header = String::from_utf8_lossy(files.get(HEADER).map_or(&[][..], Vec::as_slice)).into_owned();

    let mut imports = String::from("// Made by `witapi build`: what the world in the WIT imports.\n");
    let names: Vec<String> = wit.imports().iter().map(|import| import.name.clone()).collect();
    for (define, expected) in WANTED {
        if names.iter().any(|name| name == expected) {
            writeln!(imports, "#define {define} 1").ok();
        }
    }
    // wit-bindgen-c leaves the type out where there is no string.
    if header.contains("plugin_string_t;") {
        imports.push_str("#define WITAPI_STRING 1\n");
    }
    files.insert("witapi_imports.h".into(), imports.into_bytes());
    files.extend(SDK.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    Ok(files)
}

const HEADER: &str = "plugin.h";

/// Exported interfaces by their own names, where these are clear: `exports_notes_…` instead of `exports_example_notes_notes_…`.
fn short_names(wit: &Wit) -> Vec<(WorldKey, String)> {
    let resolve = &wit.resolve;
    let short = |key: &WorldKey| match key {
        WorldKey::Name(name) => name.replace('-', "_"),
        WorldKey::Interface(id) => resolve.interfaces[*id].name.as_deref().unwrap_or_default().replace('-', "_"),
    };
    let world = &resolve.worlds[wit.world];
    let keys = || world.exports.keys().chain(world.imports.keys());
    let is_clear = |key: &&WorldKey| {
        let name = short(key);
        name != WORLD && keys().filter(|other| short(other) == name).count() == 1
    };
    let exported = world.exports.keys().filter(|key| matches!(key, WorldKey::Interface(_)));
    exported.filter(is_clear).map(|key| (key.clone(), short(key))).collect()
}

/// `plugin.c` with each function that the header wants, and none done yet.
pub(super) fn stubs(wit: &Wit, files: &BTreeMap<String, Vec<u8>>) -> String {
    let header = String::from_utf8_lossy(files.get(HEADER).map_or(&[][..], Vec::as_slice)).into_owned();
    let mut text = String::from("#include \"plugin.h\"\n#include \"witapi.h\"\n");
    for (key, function) in exported(wit) {
        let name = c_name(wit, key, function);
        // `bool exports_notes_get_note(…);`
        let declares =
            |line: &&str| line.split('(').next().is_some_and(|it| it.rsplit([' ', '*']).next() == Some(&*name));
        let Some(signature) = header.lines().find(declares).and_then(|line| line.strip_suffix(';')) else { continue };
        let docs = function.docs.contents.as_deref().unwrap_or_default().trim().lines();
        // A backslash at the end would take the next line into the comment.
        let comment = |line: &str| format!("// {line}").trim_end_matches(['\\', ' ']).to_owned() + "\n";
        let docs: String = docs.map(comment).collect();
        let said = &function.name;
        write!(text, "\n{docs}{signature}\n{{\n\twitapi_fail(\"{said} is not done yet\");\n}}\n").ok();
    }
    text
}

/// Each function that the world exports, and the interface it is of.
fn exported(wit: &Wit) -> Vec<(Option<&WorldKey>, &Function)> {
    let mut functions = Vec::new();
    for (key, item) in &wit.resolve.worlds[wit.world].exports {
        match item {
            WorldItem::Function(function) => functions.push((None, function)),
            WorldItem::Interface { id, .. } => {
                functions.extend(wit.resolve.interfaces[*id].functions.values().map(|function| (Some(key), function)));
            }
            WorldItem::Type { .. } => {}
        }
    }
    functions
}

fn c_name(wit: &Wit, key: Option<&WorldKey>, function: &Function) -> String {
    let renamed: HashMap<WorldKey, String> = short_names(wit).into_iter().collect();
    wit_bindgen_c::c_func_name(false, &wit.resolve, WORLD, key, function, &renamed)
}
