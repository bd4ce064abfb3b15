//! What the component schemas of a document are called: each type has the name that WIT gives it, and more only where two
//! types differ.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::part::TypeHead;
use crate::contract::schema::pascal;

/// The names of one document.
pub(super) struct SchemaNames {
    /// By digest.
    types: HashMap<String, NamedSchema>,
    taken: BTreeSet<String>,
}

/// What a type is called, and its cases.
pub(super) struct NamedSchema {
    pub name: String,
    pub cases: Vec<String>,
}

impl SchemaNames {
    /// Of all `(plugin, type)` pairs. A name is qualified only where two types differ, or where it is one of `reserved`.
    pub(super) fn new<'a>(types: impl Iterator<Item = (&'a str, &'a TypeHead)>, reserved: &[&str]) -> SchemaNames {
        let mut found: BTreeMap<&str, Vec<(&str, &TypeHead)>> = BTreeMap::new();
        for (plugin, ty) in types {
            let same = found.entry(&ty.base).or_default();
            if !same.iter().any(|(_, known)| known.digest == ty.digest) {
                same.push((plugin, ty));
            }
        }
        let mut taken: BTreeSet<String> = reserved.iter().map(|&name| name.to_owned()).collect();
        // Unqualified names first, so that what a qualified one is called depends on its rivals alone.
        taken.extend(found.iter().filter(|(_, types)| types.len() == 1).map(|(base, _)| (*base).to_owned()));
        let mut named = vec![];
        for (base, types) in found {
            let is_free = types.len() == 1 && !reserved.contains(&base);
            for (plugin, ty) in types {
                let name = if is_free { base.to_owned() } else { qualified(plugin, &ty.owner, base, &mut taken) };
                named.push((ty, name));
            }
        }
        let mut types = HashMap::new();
        for (ty, name) in named {
            let cases = ty.cases.iter().map(|case| case_name(&name, case, &mut taken)).collect();
            types.insert(ty.digest.clone(), NamedSchema { name, cases });
        }
        SchemaNames { types, taken }
    }

    pub(super) fn of(&self, ty: &TypeHead) -> Option<&NamedSchema> {
        self.types.get(&ty.digest)
    }

    /// Whether a type, or a case of one, has that name.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.taken.contains(name)
    }
}

/// `ShapeCircle` for the case `Circle` of `Shape`, or something longer if another has that name.
fn case_name(variant: &str, case: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = format!("{variant}{case}");
    while !taken.insert(name.clone()) {
        name.push_str("Case");
    }
    name
}

/// The first of interface, package and plugin, in front of `base`, that nobody has taken.
fn qualified(plugin: &str, owner: &str, base: &str, taken: &mut BTreeSet<String>) -> String {
    let (package, interface) = owner.split_once('/').unwrap_or(("", owner));
    let interface = pascal(interface.split('@').next().unwrap_or_default());
    let candidates = [
        format!("{interface}{base}"),
        format!("{}{interface}{base}", pascal(package)),
        format!("{}{}{interface}{base}", pascal(plugin), pascal(package)),
    ];
    let numbered = (2..).map(|n| format!("{}{n}", candidates[2]));
    let mut all = candidates.iter().cloned().chain(numbered);
    // The numbers have no end, so there always is one.
    let name = all.find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(name.clone());
    name
}
