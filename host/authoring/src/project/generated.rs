//! Folders of generated files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::project::ProjectError;

/// Makes a folder hold just these files, and no folder without any. One that is as it should be is not touched, so that
/// compilers and editors see no change where there is none.
///
/// # Errors
///
/// It cannot be written.
pub(crate) fn replace<T: AsRef<[u8]>>(folder: &Path, files: &BTreeMap<String, T>) -> Result<(), ProjectError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| ProjectError::Io { file, error }
    };
    let mut stale = Vec::new();
    found(folder, &mut stale, 0);
    stale.retain(|file| {
        let path = file.strip_prefix(folder).unwrap_or(file).to_string_lossy().replace('\\', "/");
        !files.contains_key(&path)
    });
    for file in stale {
        fs::remove_file(&file).map_err(failed(&file))?;
        // An empty folder would be a package without WIT. One that holds something yet stays.
        let parents = file.ancestors().skip(1).take_while(|parent| *parent != folder);
        parents.map(fs::remove_dir).take_while(Result::is_ok).for_each(drop);
    }
    for (path, text) in files {
        put(&folder.join(path), text.as_ref())?;
    }
    Ok(())
}

/// Writes one file, and the folders that it is in. One that is as it should be is not touched.
///
/// # Errors
///
/// It cannot be written.
pub(crate) fn put(file: &Path, text: &[u8]) -> Result<(), ProjectError> {
    if fs::read(file).is_ok_and(|now| now == text) {
        return Ok(());
    }
    let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, text));
    made.map_err(|error| ProjectError::Io { file: file.to_owned(), error })
}

/// The files in a folder of ours, which has no links in it.
fn found(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if !path.is_dir() {
            files.push(path);
        } else if depth < MAX_DEPTH {
            found(&path, files, depth + 1);
        }
    }
}

/// Folders within folders that we make.
const MAX_DEPTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stale_is_removed_with_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = |names: &[&str]| names.iter().map(|name| (name.to_string(), "")).collect::<BTreeMap<_, _>>();
        let names = ["deps/a/a.wit", "deps/b/c/d.wit", "plugin.wit"];
        replace(folder.path(), &files(&names)).expect("the files");
        replace(folder.path(), &files(&names[..1])).expect("fewer files");
        assert!(folder.path().join("deps/a/a.wit").is_file());
        assert!(!folder.path().join("deps/b").exists() && !folder.path().join("plugin.wit").exists());
        replace(folder.path(), &files(&[])).expect("no file");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
    }
}
