//! Compiled code on disk, by digest, so that a component is compiled once and its code is mapped, not read.
//!
//! Whoever can write a file that is mapped as code owns the host. So the folder and its files belong to this user,
//! nobody else may write them, and a file that was checked is mapped by its descriptor, not by its name.

use std::{
    fs,
    hash::{Hash, Hasher},
    io,
    os::fd::AsRawFd,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

/// Files that no load has used for that long are deleted at start.
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// A folder of compiled components.
#[derive(Debug, Clone)]
pub struct CodeCache {
    /// `None`: the folder is not safe, so everything is compiled anew.
    folder: Option<PathBuf>,
}

impl CodeCache {
    /// Opens the cache in `folder`, which is made if it is not there. A folder that others can write is not used,
    /// which is logged.
    pub fn open(folder: PathBuf) -> CodeCache {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        let checked = made.and_then(|()| is_private(&fs::symlink_metadata(&folder)?));
        match checked {
            Ok(()) => {
                prune(&folder);
                CodeCache { folder: Some(folder) }
            }
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "compiled code is not cached: wanted a folder that only this user can write");
                CodeCache { folder: None }
            }
        }
    }

    /// The component `bytes`, whose SHA-256 is `digest`, compiled for `engine`: mapped from the cache, or compiled and
    /// put there. Takes seconds for large components, so it is not for async threads.
    ///
    /// # Errors
    ///
    /// The component does not compile. A cache that fails is only a warning.
    pub fn component(&self, engine: &Engine, bytes: &[u8], digest: &[u8]) -> wasmtime::Result<Component> {
        let Some(folder) = &self.folder else { return Component::from_binary(engine, bytes) };
        let path = folder.join(key(engine, digest));
        match map(engine, &path) {
            Ok(Some(component)) => return Ok(component),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(file = %path.display(), error = format!("{error:#}"), "a file of the code cache is not used")
            }
        }
        let code = engine.precompile_component(bytes)?;
        let mapped = store(folder, &path, &code).map_err(wasmtime::Error::from).and_then(|()| map(engine, &path));
        match mapped {
            Ok(Some(component)) => Ok(component),
            other => {
                if let Err(error) = other {
                    tracing::warn!(file = %path.display(), error = format!("{error:#}"), "compiled code is not cached");
                }
                // SAFETY: the bytes come from `precompile_component` of this engine, a moment ago, in this process.
                unsafe { Component::deserialize(engine, &code) }
            }
        }
    }
}

/// A name that no other component, engine configuration or version of wasmtime has.
fn key(engine: &Engine, digest: &[u8]) -> String {
    struct Feed(Sha256);
    impl Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut feed = Feed(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut feed);
    feed.0.update(digest);
    format!("{}.cwasm", hex(&feed.0.finalize()))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The component in that file; `None` if there is none.
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Option<Component>> {
    let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC).bits() as i32;
    let file = match fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    is_private(&file.metadata()?)?;
    // The clean-up at start goes by this time. That it could not be set only makes the file look older.
    let _ = file.set_modified(SystemTime::now());
    // The name could mean another file by now; the descriptor cannot.
    let by_descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: only this user can have written the file (just checked, on the same descriptor), and the host writes
    // nothing into such a file but what `precompile_component` gave it, and never changes it afterwards (`store`).
    unsafe { Component::deserialize_file(engine, by_descriptor) }.map(Some)
}

/// Writes the file under another name first, so that no one ever sees a part of it.
fn store(folder: &Path, path: &Path, code: &[u8]) -> io::Result<()> {
    let part = folder.join(format!("{}.part", uuid::Uuid::now_v7()));
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        io::Write::write_all(&mut file, code)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&part)))
}

/// Whether this user owns it and nobody else can write it.
fn is_private(metadata: &fs::Metadata) -> io::Result<()> {
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

/// Deletes what was not used for long, and what an earlier run left half-written.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|it| it.modified()).ok().and_then(|time| time.elapsed().ok());
        let is_part = entry.path().extension().is_some_and(|it| it == "part");
        let limit = if is_part { Duration::from_secs(3600) } else { KEEP };
        if age.is_some_and(|age| age > limit) {
            // Whoever else deleted it meanwhile did the same.
            let _ = fs::remove_file(entry.path());
        }
    }
}
