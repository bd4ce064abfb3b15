//! Folders of generated files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::project::ProjectError;

/// Makes a folder hold just these files. One that is as it should be is not touched, so that compilers and editors see no
/// change where there is none.
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
