//! What Cranelift made of single functions, so that a component that is like an earlier one is compiled in a fraction of
//! the time: a plugin that was built anew, or another of the same language, has the same interpreter and libraries in it.
//!
//! Nothing of it is in memory but while something compiles. Between that it is one file in the folder of compiled code,
//! under the same rules: what is read was written by this user, who alone can write it. See `code_cache`.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use wasmtime::CacheStore;

use super::{code_cache, private};

/// Bytes of functions that are kept. CPython with its libraries has 30 MB, QuickJS 7.
const MAX_BYTES: usize = 64 << 20;

/// Bytes of functions that a compilation may have in memory at once.
const MAX_BYTES_IN_MEMORY: usize = 2 * MAX_BYTES;

/// Bytes of a component from which on it is worth to read the file. A smaller one is compiled as fast.
const WORTH: usize = 512 << 10;

/// How a file of this form begins. Which version of Cranelift a function is of, Cranelift itself writes and checks.
const MAGIC: &[u8] = b"witapi functions 1\n";

/// SHA-256.
const DIGEST: usize = 32;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct FunctionCache(Arc<Functions>);

#[derive(Debug, Default)]
struct Functions {
    /// `None`: they are kept nowhere.
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Compilations under way. Without any there is nothing in memory.
    sessions: usize,
    functions: HashMap<[u8; DIGEST], Function>,
    bytes: usize,
    /// Which compilation this is, counted over all runs.
    now: u32,
    /// Functions that were compiled, and those that were not, since they were known.
    compiled: usize,
    known: usize,
}

#[derive(Debug)]
struct Function {
    compiled: Bytes,
    /// The last compilation that had it.
    used: u32,
}

/// A compilation, for which functions are looked up and kept.
#[derive(Debug)]
pub struct Compilation(Option<Arc<Functions>>);

impl FunctionCache {
    /// Keeps them in `file`, in a folder that was found to be private.
    pub fn new(file: Option<PathBuf>) -> FunctionCache {
        FunctionCache(Arc::new(Functions { file, state: Mutex::default() }))
    }

    /// For the configuration of an engine. Without a session it knows and keeps nothing.
    pub fn store(&self) -> Arc<dyn CacheStore> {
        self.0.clone()
    }

    /// Begins to look up and keep functions for a component of that many bytes, if that is worth it. Reads the file.
    pub fn session(&self, size: usize) -> Option<Compilation> {
        if size < WORTH || self.0.file.is_none() {
            return None;
        }
        let mut state = self.0.state();
        if state.sessions == 0 {
            *state = self.0.read();
        }
        state.sessions += 1;
        Some(Compilation(Some(self.0.clone())))
    }
}

impl Compilation {
    /// Ends the compilation. The last one of several writes the file; what was not used for the longest time is left out
    /// of it if there is too much.
    ///
    /// # Errors
    ///
    /// The file is not written, and what was there is as it was.
    pub fn end(mut self) -> io::Result<()> {
        let Some(functions) = self.0.take() else { return Ok(()) };
        match functions.leave() {
            Some(state) => {
                tracing::debug!(compiled = state.compiled, known = state.known, "functions");
                if state.compiled > 0 { functions.write(state) } else { Ok(()) }
            }
            None => Ok(()),
        }
    }
}

/// One that failed keeps nothing of its own.
impl Drop for Compilation {
    fn drop(&mut self) {
        if let Some(functions) = self.0.take() {
            functions.leave();
        }
    }
}

impl Functions {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One session less. What was in memory, if it was the last.
    fn leave(&self) -> Option<State> {
        let mut state = self.state();
        state.sessions -= 1;
        (state.sessions == 0).then(|| std::mem::take(&mut *state))
    }

    /// What is in the file. One that is damaged, or that others could have written, counts as empty.
    fn read(&self) -> State {
        let Some(file) = &self.file else { return State::default() };
        let read = private::open(file).and_then(|mut file| {
            let mut bytes = Vec::new();
            file.by_ref().take(2 * MAX_BYTES as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        match read {
            Ok(bytes) => parse(&bytes.into()).unwrap_or_else(|| {
                tracing::warn!(file = %file.display(), "ignoring a damaged file of the code cache");
                State::default()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "ignoring a file of the code cache");
                State::default()
            }
        }
    }

    fn write(&self, state: State) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let bytes = print(state);
        let folder = file.parent().unwrap_or(Path::new("."));
        if !code_cache::has_room(folder, bytes.len() as u64) {
            return Err(code_cache::no_room());
        }
        let mut draft = private::Draft::create(file)?;
        draft.write(&bytes)?;
        // Not synced: what a power failure leaves half-written is found to be damaged.
        draft.put(file)
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let key = <[u8; DIGEST]>::try_from(key).ok()?;
        let mut state = self.state();
        let now = state.now;
        let function = state.functions.get_mut(&key)?;
        function.used = now;
        let compiled = function.compiled.clone();
        state.known += 1;
        drop(state);
        Some(Cow::Owned(compiled.into()))
    }

    fn insert(&self, key: &[u8], compiled: Vec<u8>) -> bool {
        let Ok(key) = <[u8; DIGEST]>::try_from(key) else { return false };
        let mut state = self.state();
        if state.sessions == 0 || state.bytes.saturating_add(compiled.len()) > MAX_BYTES_IN_MEMORY {
            return false;
        }
        state.bytes += compiled.len();
        state.compiled += 1;
        let used = state.now;
        if let Some(earlier) = state.functions.insert(key, Function { compiled: compiled.into(), used }) {
            state.bytes -= earlier.compiled.len();
        }
        true
    }
}

/// The file: [`MAGIC`], the functions, and the digest of all that stands before it. A function is its key, the compilation
/// that had it last, its length in bytes, both as 32 bits with the lowest first, and its bytes.
fn print(state: State) -> Vec<u8> {
    let mut functions: Vec<_> = state.functions.into_iter().collect();
    functions.sort_by_key(|(_, function)| std::cmp::Reverse(function.used));
    let mut file = Vec::with_capacity(state.bytes.min(MAX_BYTES) + (functions.len() << 6));
    file.extend_from_slice(MAGIC);
    for (key, Function { compiled, used }) in functions {
        let Ok(length) = u32::try_from(compiled.len()) else { continue };
        if file.len() + compiled.len() > MAX_BYTES {
            break;
        }
        file.extend_from_slice(&key);
        file.extend_from_slice(&used.to_le_bytes());
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&compiled);
    }
    let digest = Sha256::digest(&file);
    file.extend_from_slice(&digest);
    file
}

/// `None` for a file that is not whole.
fn parse(file: &Bytes) -> Option<State> {
    let end = file.len().checked_sub(DIGEST)?;
    if !file.starts_with(MAGIC) || Sha256::digest(&file[..end])[..] != file[end..] {
        return None;
    }
    let mut state = State::default();
    let mut rest = file.slice(MAGIC.len()..end);
    while !rest.is_empty() {
        let key = <[u8; DIGEST]>::try_from(rest.get(..DIGEST)?).ok()?;
        let number = |at: usize| Some(u32::from_le_bytes(rest.get(at..at + 4)?.try_into().ok()?));
        let (used, length) = (number(DIGEST)?, number(DIGEST + 4)? as usize);
        let begin = DIGEST + 8;
        let compiled = (rest.len() - begin >= length).then(|| rest.slice(begin..begin + length))?;
        rest = rest.slice(begin + length..);
        state.bytes += length;
        state.now = state.now.max(used);
        state.functions.insert(key, Function { compiled, used });
    }
    state.now = state.now.saturating_add(1);
    Some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(bytes: usize, used: u32) -> Function {
        Function { compiled: vec![7; bytes].into(), used }
    }

    fn state(functions: impl IntoIterator<Item = (u8, Function)>) -> State {
        let functions = functions.into_iter().map(|(key, function)| ([key; DIGEST], function)).collect();
        State { functions, ..State::default() }
    }

    #[test]
    fn written_functions_are_read_back_and_counted_once() {
        let file = print(state([(1, function(3, 5)), (2, function(0, 9))]));
        let read = parse(&file.into()).expect("a whole file");
        assert_eq!((read.bytes, read.now, read.functions.len()), (3, 10, 2));
        assert_eq!(read.functions[&[1; DIGEST]].compiled, [7; 3].as_slice());
        assert_eq!(read.functions[&[2; DIGEST]].used, 9);
    }

    #[test]
    fn a_file_that_is_not_whole_is_not_read() {
        let file = print(state([(1, function(300, 5)), (2, function(4, 9))]));
        for length in 0..file.len() {
            assert!(parse(&file[..length].to_vec().into()).is_none(), "{length}");
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged.into()).is_none(), "{at}");
        }
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_is_left_out() {
        let half = MAX_BYTES / 2 - 1000;
        let file = print(state([(1, function(half, 2)), (2, function(half, 1)), (3, function(half, 3))]));
        assert!(file.len() <= MAX_BYTES + DIGEST);
        let read = parse(&file.into()).expect("a whole file");
        let mut kept: Vec<_> = read.functions.keys().map(|key| key[0]).collect();
        kept.sort();
        assert_eq!(kept, [1, 3]);
    }

    #[test]
    fn without_a_compilation_under_way_nothing_is_kept() {
        let cache = FunctionCache::new(Some("/nowhere/functions".into()));
        let store = cache.store();
        assert!(!store.insert(&[1; DIGEST], vec![1]));
        assert!(cache.session(WORTH - 1).is_none());
        let session = cache.session(WORTH).expect("a session");
        assert!(store.insert(&[1; DIGEST], vec![1]));
        assert_eq!(store.get(&[1; DIGEST]).as_deref(), Some([1].as_slice()));
        drop(session);
        assert!(store.get(&[1; DIGEST]).is_none());
    }
}
