//! A new plugin's folder, from the template or from a contract that is there already.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use witapi_host::runtime::grants::is_grantable;

use super::{
    error::BuildError,
    language::toolchain,
    project::{GENERATED, Language, Project, ProjectError},
    wit::Wit,
};

/// The contract of the template, the same in every language.
const TEMPLATE_WIT: &str = include_str!("template/plugin.wit");

/// The README of a new plugin, and what stands in it only where the contract is the template's.
const README: &str = include_str!("template/README.md");
const TRY: &str = include_str!("template/try.md");
const GRANTS: &str = include_str!("template/grants.md");

#[derive(Debug, thiserror::Error)]
pub enum NewError {
    #[error(
        "expected a plugin name of lower-case words of letters and digits joined by `-`, such as `my-notes`, found `{0}`"
    )]
    Name(String),
    #[error("{} already exists; choose another name", .0.display())]
    Exists(PathBuf),
    #[error("{}: not found; expected a WIT file or a folder of WIT files", .0.display())]
    NoWit(PathBuf),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error("{}: {error}", file.display())]
    Io { file: PathBuf, error: io::Error },
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Makes the folder, whose last part is the plugin's name. With `wit`, a file or a folder, that is the contract and the
/// source file has a stub for each function.
///
/// # Errors
///
/// See [`NewError`]. Nothing is left behind.
pub fn new(folder: &Path, language: Language, wit: Option<&Path>) -> Result<Project, NewError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !is_wit_name(&name) {
        return Err(NewError::Name(name));
    }
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| NewError::Io { file, error }
    };
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(NewError::Exists(folder.to_owned()));
        }
        made => made.map_err(failed(folder))?,
    }
    let made = fill(folder, &name, language, wit);
    if made.is_err() {
        // It was made a moment ago, by us.
        drop(fs::remove_dir_all(folder));
    }
    made
}

fn fill(folder: &Path, name: &str, language: Language, wit: Option<&Path>) -> Result<Project, NewError> {
    let put = |path: &str, text: &str| {
        let file = folder.join(path);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, text));
        made.map_err(|error| NewError::Io { file, error })
    };
    let toolchain = toolchain(language);
    put(".gitignore", &format!("/{GENERATED}/\n/*.wasm\n/data/\n"))?;
    for (path, text) in toolchain.template() {
        put(path, &toolchain.filled(text, name))?;
    }
    let entry = language.entries()[0];
    let (contract, attempt) = match wit {
        None => {
            put("wit/plugin.wit", &TEMPLATE_WIT.replace("{{name}}", name))?;
            ("wit/plugin.wit".into(), TRY)
        }
        Some(wit) => {
            copy(wit, &folder.join("wit"), 0)?;
            // There has to be a source for the folder to be of this language.
            put(entry, "")?;
            let file = wit.is_file().then(|| wit.file_name().unwrap_or_default().to_string_lossy());
            (format!("wit/{}", file.unwrap_or_default()), "")
        }
    };
    let project = Project::find(folder)?;
    project.make_generated()?;
    let staged = Wit::stage(&project).map_err(BuildError::from)?;
    if wit.is_some() {
        put(entry, &toolchain.stubs(&staged)?)?;
    }
    let readme = README
        .replace("{{try}}", attempt)
        .replace("{{grants}}", &grants(&staged))
        .replace("{{name}}", name)
        .replace("{{wit}}", &contract)
        .replace("{{entry}}", entry)
        .replace("{{language}}", toolchain.name());
    put("README.md", &readme)?;
    Ok(project)
}

/// What the README says of grants, if the plugin needs any.
fn grants(wit: &Wit) -> String {
    let mut packages: Vec<String> = wit
        .imports()
        .iter()
        .filter(|import| is_grantable(import))
        .map(|import| format!("{:?}", import.package()))
        .collect();
    packages.dedup();
    if packages.is_empty() {
        return String::new();
    }
    GRANTS.replace("{{packages}}", &packages.join(", "))
}

/// Copies a WIT file into a folder, or what is in a folder.
fn copy(from: &Path, into: &Path, depth: usize) -> Result<(), NewError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| NewError::Io { file, error }
    };
    if !from.exists() {
        return Err(NewError::NoWit(from.to_owned()));
    }
    fs::create_dir_all(into).map_err(failed(into))?;
    if from.is_file() {
        let target = into.join(from.file_name().unwrap_or_default());
        return fs::copy(from, &target).map(drop).map_err(failed(&target));
    }
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let path = entry.map_err(failed(from))?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if depth < MAX_DEPTH {
                copy(&path, &into.join(name), depth + 1)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "wit") {
            copy(&path, into, depth)?;
        }
    }
    Ok(())
}

/// Folders within folders: `deps`, and one for each package.
const MAX_DEPTH: usize = 4;

/// Whether it is a `label` of WIT (component-model/design/mvp/WIT.md, "Identifiers") in lower case.
fn is_wit_name(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    name.len() <= 64 && name.split('-').all(is_word)
}
