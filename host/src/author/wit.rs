//! The WIT of a project as toolchains get it: the author's, with the packages that the host offers where they are missing.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use wit_parser::{PackageId, PackageName, Resolve, UnresolvedPackageGroup, WorldId};

use super::Project;

/// A package that the host offers, which an author need not copy: name, and its files.
struct Offered {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// `wit/deps` of this repository.
const OFFERED: &[Offered] = &[
    Offered {
        name: "wasi:keyvalue@0.2.0-draft",
        files: &[
            ("store.wit", include_str!("../../../wit/deps/wasi-keyvalue/store.wit")),
            ("atomics.wit", include_str!("../../../wit/deps/wasi-keyvalue/atomics.wit")),
        ],
    },
    Offered {
        name: "witapi:host@0.1.0",
        files: &[("request.wit", include_str!("../../../wit/deps/witapi-host/request.wit"))],
    },
];

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
    #[error("{}: there is no WIT; the plugin's contract belongs there, in a file such as `plugin.wit`", folder.display())]
    None { folder: PathBuf },
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
        let author = project.wit();
        if !author.is_dir() {
            return Err(WitError::None { folder: author });
        }
        let (folder, plain) = (project.generated("wit"), project.generated("wit-plain"));
        let text = |text: &str| text.to_owned();
        for copy in [&folder, &plain] {
            match fs::remove_dir_all(copy) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(WitError::Io { file: copy.clone(), error });
                }
                _ => {}
            }
        }
        copy(&author, &folder, &text, 0)?;
        complete(&folder)?;
        copy(&folder, &plain, &without_external_ids, 0)?;
        let (resolve, package, world) = resolve(&folder).map_err(|error| {
            // In the words of the folder that the author knows.
            let said = format!("{error:#}");
            WitError::Unresolved(said.replace(&folder.display().to_string(), &author.display().to_string()))
        })?;
        Ok(Wit { resolve, package, world, folder, plain })
    }

    /// The name of the world, as toolchains take it.
    pub fn world_name(&self) -> &str {
        &self.resolve.worlds[self.world].name
    }
}

fn resolve(folder: &Path) -> anyhow::Result<(Resolve, PackageId, WorldId)> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let (package, _) = resolve.push_dir(folder)?;
    let world = resolve.select_world(&[package], None)?;
    Ok((resolve, package, world))
}

/// Adds the offered packages that the WIT in `folder` refers to and has not got.
fn complete(folder: &Path) -> Result<(), WitError> {
    let unresolved = |error: String| WitError::Unresolved(error);
    let parsed = |path: &Path| {
        if path.is_dir() {
            return UnresolvedPackageGroup::parse_dir(path).map_err(|error| unresolved(format!("{error:#}")));
        }
        let text = fs::read_to_string(path).map_err(|error| WitError::Io { file: path.to_owned(), error })?;
        UnresolvedPackageGroup::parse(path, &text).map_err(|(_, error)| unresolved(error.to_string()))
    };
    let deps = folder.join("deps");
    let mut groups = vec![parsed(folder)?];
    if let Ok(entries) = fs::read_dir(&deps) {
        for entry in entries.flatten() {
            // What is no WIT, resolving says better.
            groups.extend(parsed(&entry.path()).ok());
        }
    }
    let packages = |group: &UnresolvedPackageGroup| {
        std::iter::once(&group.main).chain(&group.nested).map(|package| package.name.clone()).collect::<Vec<_>>()
    };
    let wanted = |group: &UnresolvedPackageGroup| {
        let all = std::iter::once(&group.main).chain(&group.nested);
        all.flat_map(|package| package.foreign_deps.keys().cloned()).collect::<Vec<PackageName>>()
    };
    let mut known: BTreeSet<String> = groups.iter().flat_map(packages).map(|name| name.to_string()).collect();
    let mut open: Vec<String> = groups.iter().flat_map(wanted).map(|name| name.to_string()).collect();
    while let Some(name) = open.pop() {
        let Some(offered) = OFFERED.iter().find(|offered| offered.name == name) else { continue };
        if !known.insert(name) {
            continue;
        }
        let into = deps.join(offered.name.replace([':', '@'], "-"));
        for (file, text) in offered.files {
            write(&into.join(file), text)?;
        }
        open.extend(wanted(&parsed(&into)?).into_iter().map(|name| name.to_string()));
    }
    Ok(())
}

/// Copies the `.wit` files of a folder, and `deps` in it whatever their names.
fn copy(from: &Path, into: &Path, change: &dyn Fn(&str) -> String, depth: usize) -> Result<(), WitError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| WitError::Io { file, error }
    };
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let path = entry.map_err(failed(from))?.path();
        let target = into.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            if depth < MAX_DEPTH {
                copy(&path, &target, change, depth + 1)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "wit") {
            let text = fs::read_to_string(&path).map_err(failed(&path))?;
            write(&target, &change(&text))?;
        }
    }
    Ok(())
}

/// Folders within folders: `deps`, and one for each package.
const MAX_DEPTH: usize = 4;

fn write(file: &Path, text: &str) -> Result<(), WitError> {
    let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, text));
    made.map_err(|error| WitError::Io { file: file.to_owned(), error })
}

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

    #[test]
    fn external_ids_go_and_lines_stay() {
        let text = "/// Not @external-id(\"GET /a\") here.\n@external-id(\"GET /(b)\")\nget-b: func();\n";
        assert_eq!(without_external_ids(text), "/// Not @external-id(\"GET /a\") here.\n\nget-b: func();\n");
    }
}
