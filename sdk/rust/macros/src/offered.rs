//! The packages that the host offers, where the author has no copy of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wit_parser::{PackageName, UnresolvedPackageGroup};

/// Files and folders with the packages that are missing in the WIT of `own`, each behind those that it needs itself. The
/// crate's folder is where `witapi build` puts them, at the versions that are asked for; otherwise the SDK has them.
///
/// What is nowhere is left out: wit-bindgen says so better.
pub fn missing(own: &[PathBuf], crate_folder: &Path) -> Vec<PathBuf> {
    let mut search = Search { folders: Vec::new(), known: BTreeSet::new(), found: Vec::new() };
    search.folders.push(crate_folder.join(".witapi/wit/deps"));
    search.folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit"));
    let mut wanted = Vec::new();
    for path in own {
        search.look_into(path, &mut wanted);
        let Ok(entries) = std::fs::read_dir(path.join("deps")) else { continue };
        for entry in entries.flatten() {
            search.look_into(&entry.path(), &mut wanted);
        }
    }
    for name in wanted {
        search.add(&name);
    }
    search.found
}

struct Search {
    folders: Vec<PathBuf>,
    known: BTreeSet<PackageName>,
    found: Vec<PathBuf>,
}

fn parse(path: &Path) -> Option<UnresolvedPackageGroup> {
    if path.is_dir() {
        return UnresolvedPackageGroup::parse_dir(path).ok();
    }
    UnresolvedPackageGroup::parse(path, &std::fs::read_to_string(path).ok()?).ok()
}

impl Search {
    fn look_into(&mut self, path: &Path, wanted: &mut Vec<PackageName>) {
        let Some(group) = parse(path) else { return };
        for package in std::iter::once(&group.main).chain(&group.nested) {
            self.known.insert(package.name.clone());
            wanted.extend(package.foreign_deps.keys().cloned());
        }
    }

    fn add(&mut self, name: &PackageName) {
        if self.known.contains(name) {
            return;
        }
        let mut files = self.folders.iter().flat_map(|folder| {
            let package = format!("{}-{}", name.namespace, name.name);
            let version = name.version.as_ref().map(|version| format!("-{version}")).unwrap_or_default();
            [folder.join(format!("{package}{version}")), folder.join(package)]
        });
        let Some((path, group)) = files.find_map(|path| {
            let group = parse(&path).filter(|group| group.main.name == *name)?;
            Some((path, group))
        }) else {
            return;
        };
        self.known.insert(name.clone());
        for needed in group.main.foreign_deps.keys() {
            self.add(needed);
        }
        self.found.push(path);
    }
}
