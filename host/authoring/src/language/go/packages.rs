//! The Go packages of a plugin's WIT: what wit-bindgen-go makes, under paths and names that a person would choose.
//!
//! It makes one flat package for each interface, `example_notes_notes`, and calls the author's code in another,
//! `export_example_notes_notes`. Here they become files of one module, `witapi`, so that an author needs no other:
//!
//! ```text
//! exports/notes/          types of an exported interface, and what its author gives to it (see `exports`)
//! imports/wasi/…/store/   an imported interface
//! internal/export_…/      between the two
//! wit_exports/            what the component exports
//! wit/                    what all of these need at run time
//! ```

use std::collections::{BTreeMap, HashMap};

use heck::ToSnakeCase;
use wit_bindgen_core::{AsyncFilterSet, Files};
use wit_bindgen_go::{Format, Opts};
use wit_parser::{InterfaceId, Resolve, TypeDefKind, WorldItem, WorldKey};

use crate::{error::BuildError, language::limits, wit::Wit};

/// The name of the module that all of it is in.
pub(super) const MODULE: &str = "witapi";

/// The package of an interface, or of the world itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// As wit-bindgen-go calls it, and as generated code qualifies with.
    pub generated: String,
    /// As an author calls it: the interface's name.
    pub name: String,
    /// Within the module.
    pub path: String,
}

/// The packages by interface. The world's own functions and types have the key `None`.
pub(super) struct Packages {
    by_interface: HashMap<Option<WorldKey>, Package>,
    /// Interfaces by id, as types refer to them.
    keys: HashMap<InterfaceId, WorldKey>,
}

impl Packages {
    pub(super) fn of(wit: &Wit) -> Packages {
        let resolve = &wit.resolve;
        let world = &resolve.worlds[wit.world];
        let (mut by_interface, mut keys) = (HashMap::new(), HashMap::new());
        // Exports last: what is imported and exported is the author's.
        let sides = [(&world.imports, false), (&world.exports, true)];
        for (items, is_export) in sides {
            let short = |key: &WorldKey| match key {
                WorldKey::Name(name) => name.to_snake_case(),
                WorldKey::Interface(id) => resolve.interfaces[*id].name.as_deref().unwrap_or_default().to_snake_case(),
            };
            for (key, item) in items {
                let WorldItem::Interface { id, .. } = item else { continue };
                let (generated, name) = (generated_name(resolve, key), short(key));
                let is_unique = items.keys().filter(|other| short(other) == name).count() == 1;
                let name = as_package_name(if is_export && !is_unique { &generated } else { &name });
                let folder = if is_export { "exports".into() } else { format!("imports/{}", origin(resolve, key)) };
                let path = format!("{folder}/{name}");
                keys.insert(*id, key.clone());
                by_interface.insert(Some(key.clone()), Package { generated, name, path });
            }
        }
        let world = Package { generated: "wit_world".into(), name: "world".into(), path: "exports/world".into() };
        by_interface.insert(None, world);
        Packages { by_interface, keys }
    }

    /// The package of an interface of the world, or of the world itself.
    pub(super) fn get(&self, key: Option<&WorldKey>) -> Option<&Package> {
        self.by_interface.get(&key.cloned())
    }

    /// The package that a type of this interface is defined in.
    pub(super) fn of_interface(&self, id: InterfaceId) -> Option<&Package> {
        self.get(Some(self.keys.get(&id)?))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Package> {
        self.by_interface.values()
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.all().any(|package| package.path == path)
    }
}

/// As `go_package_name` of wit-bindgen-go has it.
fn generated_name(resolve: &Resolve, key: &WorldKey) -> String {
    match key {
        WorldKey::Name(name) => name.to_snake_case(),
        WorldKey::Interface(id) => {
            let name = resolve.interfaces[*id].name.as_deref().unwrap_or_default().to_snake_case();
            format!("{}_{name}", origin(resolve, key).replace('/', "_"))
        }
    }
}

/// Namespace and package of an interface, the latter with its version if there are several.
fn origin(resolve: &Resolve, key: &WorldKey) -> String {
    let WorldKey::Interface(id) = key else { return "world".into() };
    let Some(package) = resolve.interfaces[*id].package else { return "world".into() };
    let name = &resolve.packages[package].name;
    let has_others = resolve.packages.iter().any(|(_, other)| {
        let other = &other.name;
        other.namespace == name.namespace && other.name == name.name && other.version != name.version
    });
    let version = name.version.as_ref().filter(|_| has_others);
    let version = version.map_or(String::new(), |it| format!("_{}", it.to_string().replace(['.', '-', '+'], "_")));
    format!("{}/{}{version}", name.namespace.to_snake_case(), name.name.to_snake_case())
}

/// A name that Go takes for a package: no keyword, and none of the folders that mean something else to it.
fn as_package_name(name: &str) -> String {
    let is_taken = is_keyword(name) || ["internal", "vendor", "main"].contains(&name);
    if is_taken { format!("{name}_") } else { name.to_owned() }
}

/// Keywords (The Go Programming Language Specification, "Keywords").
pub(super) fn is_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 25] = [
        "break",
        "case",
        "chan",
        "const",
        "continue",
        "default",
        "defer",
        "else",
        "fallthrough",
        "for",
        "func",
        "go",
        "goto",
        "if",
        "import",
        "interface",
        "map",
        "package",
        "range",
        "return",
        "select",
        "struct",
        "switch",
        "type",
        "var",
    ];
    KEYWORDS.contains(&name)
}

/// What wit-bindgen-go 0.60 has no bindings for, and panics at.
fn limit(kind: &TypeDefKind) -> Option<&'static str> {
    match kind {
        TypeDefKind::FixedLengthList(..) => {
            Some("lists of fixed length, such as `list<u8, 3>`; use a tuple, or a list with @minItems and @maxItems")
        }
        TypeDefKind::Stream(_) | TypeDefKind::Future(_) => Some("streams and futures"),
        TypeDefKind::Tuple(tuple) if tuple.types.len() > 16 => Some("tuples of more than 16; use a record"),
        TypeDefKind::Flags(flags) if flags.flags.len() > 32 => Some("more than 32 flags; use several types"),
        _ => None,
    }
}

/// What wit-bindgen-go makes, by the paths that it gives.
///
/// # Errors
///
/// The WIT has something that it cannot do.
pub(super) fn generate(wit: &Wit) -> Result<BTreeMap<String, String>, BuildError> {
    limits::check(wit, "Go", limit)?;
    let options = Opts {
        format: Format::False,
        async_: AsyncFilterSet::all(false),
        generate_stubs: true,
        pkg_name: Some(MODULE.into()),
        ..Opts::default()
    };
    let mut files = Files::default();
    let made = options.build().generate(&mut wit.resolve.clone(), wit.world, &mut files);
    made.map_err(|error| BuildError::Unsupported(format!("no bindings for Go: {error:#}")))?;
    Ok(files.iter().map(|(path, text)| (path.to_owned(), String::from_utf8_lossy(text).into_owned())).collect())
}

/// Puts generated files in their places.
pub(super) fn arranged(files: BTreeMap<String, String>, packages: &Packages) -> BTreeMap<String, String> {
    let mut arranged = BTreeMap::new();
    for (path, text) in files {
        let (folder, file) = path.split_once('/').unwrap_or(("", &path));
        let mut text = text.replace("\"go.bytecodealliance.org/pkg/wit/", &format!("\"{MODULE}/wit/"));
        for package in packages.all() {
            text = text.replace(
                &format!("\"{MODULE}/export_{}\"", package.generated),
                &format!("\"{MODULE}/internal/export_{}\"", package.generated),
            );
            text = text.replace(&format!("\"{MODULE}/{}\"", package.generated), &import(package));
        }
        text = in_order(&text);
        let place = packages.all().find(|package| package.generated == folder);
        if let Some(package) = place {
            text = text.replace(&format!("\npackage {folder}\n"), &format!("\npackage {}\n", package.name));
        }
        let folder = match place {
            Some(package) => package.path.clone(),
            None if folder.starts_with("export_") => format!("internal/{folder}"),
            None => folder.to_owned(),
        };
        arranged.insert(format!("{folder}/{file}"), text);
    }
    arranged
}

/// Maps are written in the order of their keys, so that the same value is the same answer: `range m` is in any order.
fn in_order(text: &str) -> String {
    const LOOP: &str = "for map_key, map_value := range ";
    let line = |line: &str| match line.split_once(LOOP) {
        Some((before, rest)) => match rest.trim_end().strip_suffix(" {") {
            Some(map) => format!("{before}{LOOP}witRuntime.Sorted({map}) {{\n"),
            None => format!("{line}\n"),
        },
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// The line that imports a package under the name that generated code has for it.
pub(super) fn import(package: &Package) -> String {
    format!("{} \"{MODULE}/{}\"", package.generated, package.path)
}
