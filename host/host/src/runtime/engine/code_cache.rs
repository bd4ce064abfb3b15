//! Compiled code on disk, by digest, so that a component is compiled once and its code is mapped, not read.
//!
//! What may be mapped is in `private`. A component that was compiled a moment ago is mapped from a draft, and serves; that
//! the disk has it for sure, and the clean-up, come after that, on a thread of their own. No load waits for that thread,
//! and none fails for want of room: what is not kept is compiled again some day.
//!
//! Of several hosts in one folder each deletes what was not used for the longest time by any of them. Where a deleted
//! file serves, it stays mapped.

use std::{
    fs,
    hash::{Hash, Hasher},
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

use super::{
    function_cache::{Compilation, FunctionCache},
    private::{self, DRAFT, Draft},
};

/// Files that no load has used for that long are deleted at start.
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// Bytes that are kept unless a limit is set: some 28 components in Python, or thousands in Rust.
const MAX_BYTES: u64 = 1 << 30;

/// Without a limit that is set, no more is kept than one part in so many of what the file system has for it: what is free
/// and what the cache has already. What plugins store cannot be made again, and is to find room.
const SHARE: u64 = 4;

/// Work that may wait for the thread. It holds a descriptor for each component; of what is more nothing is kept.
const MAX_WAITING: usize = 256;

/// What a compiled component's file ends with.
const COMPONENT: &str = "cwasm";

/// A folder of compiled components.
#[derive(Debug, Clone)]
pub struct CodeCache {
    /// `None`: the folder is not safe, so everything is compiled anew.
    folder: Option<Folder>,
    functions: FunctionCache,
}

#[derive(Debug, Clone)]
struct Folder {
    path: PathBuf,
    /// `None`: as much as fits.
    max_bytes: Option<u64>,
    later: mpsc::SyncSender<Later>,
}

/// What is done when what was compiled serves already.
enum Later {
    /// The draft becomes that file.
    Keep { draft: Draft, path: PathBuf, max_bytes: Option<u64> },
    /// What is too old, or too much, is deleted.
    Clean { folder: PathBuf, max_bytes: Option<u64> },
    /// The compilation's functions are written.
    End(Compilation),
    /// Says that all before it was done.
    Tell(mpsc::Sender<()>),
}

impl CodeCache {
    /// Opens the cache in `folder`, which is made if it is not there. A folder that others can write is not used,
    /// which is logged.
    ///
    /// It keeps no more than `max_bytes`; without that a gibibyte, or what fits the disk: a quarter of what is free and of
    /// what it has already, as it is whenever something is put there.
    pub fn open(folder: PathBuf, max_bytes: Option<u64>) -> CodeCache {
        let (later, work) = mpsc::sync_channel::<Later>(MAX_WAITING);
        let checked = private::folder(&folder).and_then(|()| {
            // Ends with the last cache that could give it work.
            thread::Builder::new().name("code cache".into()).spawn(move || work.into_iter().for_each(Later::run))
        });
        match checked {
            Ok(_) => {
                let functions = FunctionCache::new(Some(folder.join("functions")));
                let folder = Folder { path: folder, max_bytes, later };
                folder.later(Later::Clean { folder: folder.path.clone(), max_bytes });
                CodeCache { folder: Some(folder), functions }
            }
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "not caching compiled code: expected a folder that only this user can write");
                CodeCache { folder: None, functions: FunctionCache::default() }
            }
        }
    }

    /// The same, which keeps no more than that many bytes, whatever was said before.
    pub fn limited_to(mut self, max_bytes: u64) -> CodeCache {
        if let Some(folder) = &mut self.folder {
            folder.max_bytes = Some(max_bytes);
        }
        self
    }

    /// Where it is, if it is used.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_ref().map(|folder| folder.path.as_path())
    }

    /// Of single functions, for the configuration of engines.
    pub fn functions(&self) -> &FunctionCache {
        &self.functions
    }

    /// The component `bytes`, whose SHA-256 is `digest`, compiled for `engine`: mapped from the cache, or compiled and
    /// put there. Takes seconds for large components, so it is not for async threads.
    ///
    /// # Errors
    ///
    /// The component does not compile. A cache that fails is only a warning.
    pub fn component(&self, engine: &Engine, bytes: &[u8], digest: &[u8]) -> wasmtime::Result<Component> {
        let Some(folder) = &self.folder else { return Component::from_binary(engine, bytes) };
        let path = folder.path.join(key(engine, digest));
        match private::open(&path) {
            Ok(file) => {
                // The clean-up goes by this time. That it could not be set only makes the file look older.
                let _ = file.set_modified(SystemTime::now());
                match map(engine, &file) {
                    Ok(component) => return Ok(component),
                    Err(error) => unused(&path, &error),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => unused(&path, &error.into()),
        }
        let session = self.functions.session(bytes.len());
        let code = engine.precompile_component(bytes)?;
        if let Some(session) = session {
            folder.later(Later::End(session));
        }
        // Not as far as the disk is full: others write, too.
        let room = if has_room(&folder.path, code.len() as u64) { Ok(()) } else { Err(no_room()) };
        let draft = room.and_then(|()| Draft::create(&path));
        let draft = draft.and_then(|mut draft| draft.write(&code).map(|()| draft));
        let mapped = draft.map_err(wasmtime::Error::from).and_then(|draft| Ok((map(engine, draft.file())?, draft)));
        match mapped {
            Ok((component, draft)) => {
                folder.later(Later::Keep { draft, path, max_bytes: folder.max_bytes });
                Ok(component)
            }
            Err(error) => {
                not_kept(&path, &error);
                // SAFETY: the bytes come from `precompile_component` of this engine, a moment ago, in this process.
                #[allow(unsafe_code)]
                let component = unsafe { Component::deserialize(engine, &code) };
                component
            }
        }
    }

    /// Waits until all that was compiled is on disk, but no longer than `patience`. Blocks its thread.
    pub fn settle(&self, patience: Duration) {
        let Some(folder) = &self.folder else { return };
        let (tell, told) = mpsc::channel();
        let ends = Instant::now() + patience;
        let mut work = Later::Tell(tell);
        // Unlike loads, it waits for the thread.
        while let Err(mpsc::TrySendError::Full(again)) = folder.later.try_send(work) {
            if Instant::now() >= ends {
                return;
            }
            work = again;
            thread::sleep(Duration::from_millis(10));
        }
        let _ = told.recv_timeout(ends.saturating_duration_since(Instant::now()));
    }
}

impl Folder {
    fn later(&self, work: Later) {
        // The thread ends after the last sender.
        if let Err(mpsc::TrySendError::Full(_)) = self.later.try_send(work) {
            tracing::debug!(folder = %self.path.display(), "not caching some compiled code: the disk is too slow");
        }
    }
}

impl Later {
    fn run(self) {
        match self {
            Later::Keep { draft, path, max_bytes } => {
                let kept = keep(draft, &path, max_bytes);
                kept.unwrap_or_else(|error| not_kept(&path, &error.into()));
            }
            Later::Clean { folder, max_bytes } => {
                clean(&folder);
                shrink(&folder, limit(&folder, max_bytes));
            }
            Later::End(session) => {
                if let Err(error) = session.end() {
                    tracing::warn!(%error, "not caching compiled functions");
                }
            }
            // Whoever asked may have lost patience.
            Later::Tell(tell) => drop(tell.send(())),
        }
    }
}

fn unused(file: &Path, error: &wasmtime::Error) {
    tracing::warn!(file = %file.display(), error = format!("{error:#}"), "ignoring a file of the code cache");
}

fn not_kept(file: &Path, error: &wasmtime::Error) {
    tracing::warn!(file = %file.display(), error = format!("{error:#}"), "not caching compiled code");
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
    format!("{}.{COMPONENT}", HEXLOWER.encode(&feed.0.finalize()))
}

/// The component in that file, which `private` opened or made.
fn map(engine: &Engine, file: &fs::File) -> wasmtime::Result<Component> {
    // The name could mean another file by now; the descriptor cannot.
    let by_descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
    // SAFETY: only this user can have written the file (`private` saw to it, on the same descriptor), and the host writes
    // nothing into such a file but what `precompile_component` gave it, and never changes it afterwards.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize_file(engine, by_descriptor) };
    component
}

/// Deletes what was not used for long, and what an earlier run left half-written.
fn clean(folder: &Path) {
    for (path, metadata) in files(folder) {
        let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
        let is_draft = path.extension().is_some_and(|it| it == DRAFT);
        let limit = if is_draft { Duration::from_secs(3600) } else { KEEP };
        if age.is_some_and(|age| age > limit) {
            // Whoever else deleted it meanwhile did the same.
            let _ = fs::remove_file(path);
        }
    }
}

/// Puts the draft in its place, after what has to go for it.
fn keep(draft: Draft, path: &Path, max_bytes: Option<u64>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let bytes = draft.file().metadata()?.len();
    let limit = limit(folder, max_bytes);
    if bytes > limit {
        let why = format!("it has {bytes} bytes, and the cache may have {limit}: see `code_cache_mib`");
        return Err(io::Error::new(io::ErrorKind::StorageFull, why));
    }
    shrink(folder, limit - bytes);
    draft.sync()?;
    draft.put(path)
}

/// Bytes that the cache may have.
fn limit(folder: &Path, max_bytes: Option<u64>) -> u64 {
    max_bytes.unwrap_or_else(|| {
        let own: u64 = files(folder).iter().map(|(_, metadata)| metadata.len()).sum();
        free(folder).map_or(MAX_BYTES, |free| MAX_BYTES.min((free + own) / SHARE))
    })
}

/// Whether so many bytes more leave the most of what is free to others.
pub(super) fn has_room(folder: &Path, bytes: u64) -> bool {
    free(folder).is_none_or(|free| bytes <= free / 2)
}

/// Bytes that this user may still write there, if that can be found out.
fn free(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

pub(super) fn no_room() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "the disk has no room for it; free some of it")
}

/// Deletes the components that were not used for the longest time, as far as all that is there is too much. Where one
/// serves, it stays mapped.
fn shrink(folder: &Path, max_bytes: u64) {
    let (mut components, others): (Vec<_>, Vec<_>) =
        files(folder).into_iter().partition(|(path, _)| path.extension().is_some_and(|it| it == COMPONENT));
    components.sort_by_key(|(_, metadata)| std::cmp::Reverse(metadata.modified().ok()));
    // Drafts are about to become components, or to go.
    let others = others.into_iter().filter(|(path, _)| path.extension().is_none_or(|it| it != DRAFT));
    let mut bytes: u64 = others.map(|(_, metadata)| metadata.len()).sum();
    for (path, metadata) in components {
        bytes += metadata.len();
        if bytes > max_bytes {
            // Another host may have deleted it, or load it at this moment: that one has it open, or compiles it.
            let _ = fs::remove_file(path);
        }
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?))).collect()
}
