//! Files that nobody but this user can have written.
//!
//! Whoever can write a file that is mapped as code owns the host. So the folder and its files belong to this user,
//! nobody else may write them, and a file that was checked is read by its descriptor, not by its name.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// Makes the folder if it is not there.
///
/// # Errors
///
/// It cannot be made, or others can write it.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    check(&fs::symlink_metadata(path)?)
}

/// Opens the file to read it.
///
/// # Errors
///
/// It is not there, or others can write it.
pub(super) fn open(path: &Path) -> io::Result<fs::File> {
    let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC).bits() as i32;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Whether this user owns it and nobody else can write it.
fn check(metadata: &fs::Metadata) -> io::Result<()> {
    let owner = metadata.uid();
    let user = rustix::process::geteuid().as_raw();
    if owner != user {
        return Err(io::Error::other(format!("it belongs to user {owner}, and the host runs as user {user}")));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other(format!("others can write it (mode {:o})", metadata.mode() & 0o777)));
    }
    if metadata.file_type().is_symlink() {
        return Err(io::Error::other("it is a symbolic link"));
    }
    Ok(())
}

/// A file that is written under a name of its own before it is put in its place, so that no one ever sees a part of it.
/// Unless it is put there, it goes.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    file: fs::File,
}

/// How the names of drafts end.
pub(super) const DRAFT: &str = "part";

impl Draft {
    /// An empty one in the folder of `place`.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub(super) fn create(place: &Path) -> io::Result<Draft> {
        let path = place.with_file_name(format!("{}.{DRAFT}", uuid::Uuid::now_v7()));
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Draft { path, file })
    }

    /// # Errors
    ///
    /// The disk is full, or fails.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// The file, which nobody else can have written.
    pub(super) fn file(&self) -> &fs::File {
        &self.file
    }

    /// Waits until what was written is on disk.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Puts it in its place, or in that of an earlier file there.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub(super) fn put(self, place: &Path) -> io::Result<()> {
        fs::rename(&self.path, place)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once it was put in its place there is none of this name.
        let _ = fs::remove_file(&self.path);
    }
}
