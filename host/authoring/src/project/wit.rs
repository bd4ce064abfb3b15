//! The WIT of a project as toolchains get it: the author's, with the packages that the host offers where they are missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use wit_parser::{PackageId, PackageName, Resolve, SourceMap, UnresolvedPackageGroup, WorldId};

use crate::{Project, generated, offered, project::ProjectError};
use witapi_contract::Import;

/// The WIT of a plugin, resolved.
pub struct Wit {
    pub resolve: Resolve,
    pub package: PackageId,
    pub world: WorldId,
    /// A folder with all of it, for tools that read folders.
    pub folder: PathBuf,
    /// The same without `@external-id`, for tools that refuse that attribute. Every line is in its place.
    pub plain: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum WitError {
    #[error("{}: expected the plugin's contract in a WIT file such as `plugin.wit`, found none", folder.display())]
    None { folder: PathBuf },
    #[error(
        "the WIT refers to the package `{package}`, which is neither in {} nor provided by this host; put its WIT there, \
         or use one of {}",
        deps.display(), offered::list()
    )]
    NoPackage { package: String, deps: PathBuf },
    #[error("the WIT does not resolve: {0}")]
    Unresolved(String),
    #[error("{}: {error}", file.display())]
    Io { file: PathBuf, error: io::Error },
}

impl Wit {
    /// Copies the WIT of `project` into what is generated, completes and resolves it.
    ///
    /// # Errors
    ///
    /// See [`WitError`].
    pub fn stage(project: &Project) -> Result<Wit, WitError> {
        Wit::stage_world(project, None)
    }

    /// The same, with the world of that name; unless one is named, the only one there is, or the one called `plugin`.
    ///
    /// # Errors
    ///
    /// See [`WitError`].
    pub fn stage_world(project: &Project, world: Option<&str>) -> Result<Wit, WitError> {
        let author = project.wit();
        if !author.is_dir() {
            return Err(WitError::None { folder: author });
        }
        let files = completed(&author)?;
        let plain: Files = files.iter().map(|(file, text)| (file.clone(), without_external_ids(text))).collect();
        let (folder, plain_folder) = (project.generated("wit"), project.generated("wit-plain"));
        put(&folder, &files)?;
        put(&plain_folder, &plain)?;
        let (resolve, package, world) = resolve(&folder, world).map_err(|error| {
            // In the words of the folder that the author knows.
            let said = format!("{error:#}");
            WitError::Unresolved(said.replace(&folder.display().to_string(), &author.display().to_string()))
        })?;
        Ok(Wit { resolve, package, world, folder, plain: plain_folder })
    }

    /// The interfaces that the world imports.
    pub fn imports(&self) -> Vec<Import> {
        let imports = self.resolve.worlds[self.world].imports.keys();
        imports.map(|key| Import { name: self.resolve.name_world_key(key) }).collect()
    }

    /// The name of the world, as toolchains take it.
    pub fn world_name(&self) -> &str {
        &self.resolve.worlds[self.world].name
    }
}

/// Paths within a folder, with `/`, and texts.
type Files = BTreeMap<String, String>;

/// Makes a folder hold just these files, and leaves alone what is so already.
fn put(folder: &Path, files: &Files) -> Result<(), WitError> {
    generated::replace(folder, files).map_err(|error| match error {
        ProjectError::Io { file, error } => WitError::Io { file, error },
        error => WitError::Unresolved(error.to_string()),
    })
}

fn resolve(folder: &Path, world: Option<&str>) -> anyhow::Result<(Resolve, PackageId, WorldId)> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve.push_dir(folder)?;
    let named = |name| resolve.select_world(&[package], name);
    let world = match world {
        Some(name) => named(Some(name))?,
        None => named(None).or_else(|error| named(Some("plugin")).map_err(|_| error))?,
    };
    Ok((resolve, package, world))
}

/// The WIT of an author's folder, with the offered packages that it refers to and has not got.
fn completed(author: &Path) -> Result<Files, WitError> {
    let mut files = Files::new();
    read(author, "", &mut files, 0)?;
    let deps = author.join("deps");
    let mut groups = vec![parsed(author)?];
    let mut is_all_known = true;
    if let Ok(entries) = fs::read_dir(&deps) {
        for entry in entries.flatten() {
            // What is no WIT, resolving says better.
            match parsed(&entry.path()) {
                Ok(group) => groups.push(group),
                Err(_) => is_all_known = false,
            }
        }
    }
    let packages = |group: &UnresolvedPackageGroup| {
        std::iter::once(&group.main).chain(&group.nested).map(|package| package.name.clone()).collect::<Vec<_>>()
    };
    let wanted = |group: &UnresolvedPackageGroup| {
        let all = std::iter::once(&group.main).chain(&group.nested);
        all.flat_map(|package| package.foreign_deps.keys().cloned()).collect::<Vec<PackageName>>()
    };
    let mut known: BTreeSet<PackageName> = groups.iter().flat_map(packages).collect();
    let mut open: Vec<PackageName> = groups.iter().flat_map(wanted).collect();
    while let Some(name) = open.pop() {
        if known.contains(&name) {
            continue;
        }
        let Some(offered) = offered::find(&name) else {
            if is_all_known {
                return Err(WitError::NoPackage { package: name.to_string(), deps });
            }
            continue;
        };
        let folder = format!("deps/{}", name.to_string().replace([':', '@'], "-"));
        let mut source = SourceMap::new();
        for (file, text) in offered.files_as(&name) {
            let path = format!("{folder}/{file}");
            source.push_str(&path, text.clone());
            files.insert(path, text);
        }
        let group = source.parse().map_err(|(_, error)| WitError::Unresolved(error.to_string()))?;
        open.extend(wanted(&group));
        known.insert(name);
    }
    Ok(files)
}

/// A package: a folder, or one file.
fn parsed(path: &Path) -> Result<UnresolvedPackageGroup, WitError> {
    if path.is_dir() {
        let parsed = UnresolvedPackageGroup::parse_dir(path);
        return parsed.map_err(|error| WitError::Unresolved(format!("{error:#}")));
    }
    let text = fs::read_to_string(path).map_err(|error| WitError::Io { file: path.to_owned(), error })?;
    UnresolvedPackageGroup::parse(path, &text).map_err(|(_, error)| WitError::Unresolved(error.to_string()))
}

/// Reads the `.wit` files of a folder, and of those in it.
fn read(folder: &Path, within: &str, files: &mut Files, depth: usize) -> Result<(), WitError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| WitError::Io { file, error }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let name = format!("{within}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            if depth < MAX_DEPTH {
                read(&path, &format!("{name}/"), files, depth + 1)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "wit") {
            files.insert(name, fs::read_to_string(&path).map_err(failed(&path))?);
        }
    }
    Ok(())
}

/// Folders within folders: `deps`, and one for each package.
const MAX_DEPTH: usize = 4;

/// The text without that attribute, with as many lines as before.
fn without_external_ids(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("@external-id(") {
        // Not in a comment, where it is only spoken of.
        let line = rest[..begin].rfind('\n').map_or(0, |at| at + 1);
        let is_comment = rest[line..begin].contains("//");
        let end = rest[begin..].find(")").map_or(rest.len(), |at| begin + at + 1);
        let quoted_end = rest[begin..].find("\")").map_or(end, |at| begin + at + 2);
        let end = if is_comment { end } else { quoted_end };
        plain.push_str(&rest[..begin]);
        if is_comment {
            plain.push_str(&rest[begin..end]);
        }
        rest = &rest[end..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(name: &str, wit: &str) -> Result<Resolve, String> {
        let folder = std::env::temp_dir().join(format!("witapi-wit-{name}-{}", std::process::id()));
        let (author, staged) = (folder.join("author"), folder.join("staged"));
        put(&author, &[("plugin.wit".to_owned(), wit.to_owned())].into()).expect("written");
        let resolved = completed(&author).map_err(|error| error.to_string()).and_then(|files| {
            put(&staged, &files).expect("written");
            resolve(&staged, None).map(|(resolve, _, _)| resolve).map_err(|error| format!("{error:#}"))
        });
        fs::remove_dir_all(&folder).expect("removed");
        resolved
    }

    #[test]
    fn offered_packages_have_the_requested_version() {
        for (name, wit) in [
            "package a:b; world w { import wasi:random/random@0.2.3; import wasi:clocks/monotonic-clock@0.2.12; }",
            "package a:b; world w { import wasi:clocks/wall-clock@0.2.0; import wasi:logging/logging@0.1.0-draft; }",
            "package a:b; world w { import wasi:cli/terminal-stdout@0.2.6; import wasi:sockets/tcp@0.2.1; }",
            "package a:b; world w { import wasi:keyvalue/atomics@0.2.0-draft; import witapi:host/request@0.1.0; }",
        ]
        .iter()
        .enumerate()
        {
            resolved(&name.to_string(), wit).unwrap_or_else(|error| panic!("{wit}: {error}"));
        }
        let resolve = resolved("older", "package a:b; world w { import wasi:clocks/monotonic-clock@0.2.3; }")
            .expect("it resolves");
        let packages: Vec<_> = resolve.packages.iter().map(|(_, package)| package.name.to_string()).collect();
        assert_eq!(packages, ["wasi:io@0.2.3", "wasi:clocks@0.2.3", "a:b"]);
    }

    #[test]
    fn an_unknown_package_is_named_with_the_offered_ones() {
        for package in ["x:y@1.0.0", "x:y", "wasi:random@0.2.99", "wasi:logging"] {
            let (name, version) = package.split_once('@').unwrap_or((package, ""));
            let at = if version.is_empty() { String::new() } else { format!("@{version}") };
            let error =
                resolved("nowhere", &format!("package a:b; world w {{ import {name}/z{at}; }}")).expect_err("an error");
            assert!(error.contains(&format!("`{package}`, which is neither in ")), "{error}");
            assert!(error.contains("wasi:random@0.2.12") && error.contains("witapi:host@0.1.0"), "{error}");
        }
    }

    #[test]
    fn external_ids_go_and_lines_stay() {
        let text = "/// Not @external-id(\"GET /a\") here.\n@external-id(\"GET /(b)\")\nget-b: func();\n";
        assert_eq!(without_external_ids(text), "/// Not @external-id(\"GET /a\") here.\n\nget-b: func();\n");
    }
}
