//! Compiled code that outlives the hosts that compiled it, so that of all tests one compiles a plugin, and of all runs of
//! the tests the first after it was built: JavaScript takes a core three seconds, Python ten.
//!
//! What hosts with the same plugins compile is kept in one folder, `target/tmp/code/<set>`. The names of the files in it
//! are the host's, which has in them what it compiled, with what and how: a file that is of no use to it is not used.

use std::{
    collections::HashMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Once},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;

use crate::root;

/// Sets that nobody added to for that long are deleted.
const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// A name for these files as they are now.
pub fn set<'a>(files: impl Iterator<Item = &'a PathBuf>) -> String {
    let mut files: Vec<_> = files.collect();
    files.sort();
    files.dedup();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let metadata = fs::metadata(file).expect("a component");
        (file, metadata.len(), metadata.modified().expect("a time")).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Whether this process's tests have all code of a set. Who holds it false compiles; the others wait for him.
type IsWhole = Arc<tokio::sync::Mutex<bool>>;

pub struct SharedCode {
    is_whole: IsWhole,
    /// Where it is kept.
    shared: PathBuf,
    /// Where a host looks for it, and leaves it.
    own: PathBuf,
}

impl SharedCode {
    pub fn new(set: String, host_folder: &Path) -> SharedCode {
        static SETS: Mutex<Option<HashMap<String, IsWhole>>> = Mutex::new(None);
        let all = root().join("target/tmp/code");
        delete_old(&all);
        let shared = all.join(&set);
        let is_whole = SETS.lock().expect("the sets").get_or_insert_default().entry(set).or_default().clone();
        SharedCode { is_whole, shared, own: host_folder.join("data/code") }
    }

    /// Gives the host what there is. With an answer, the host is the one to compile the rest.
    pub async fn lend(&self) -> Option<OwnedMutexGuard<bool>> {
        let is_whole = self.is_whole.clone().lock_owned().await;
        for folder in [&self.shared, &self.own] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).expect("a folder for compiled code");
        }
        link_files(&self.shared, &self.own);
        (!*is_whole).then_some(is_whole)
    }

    /// Keeps what the host compiled, which it stores when it serves already.
    pub async fn keep(&self, mut is_whole: OwnedMutexGuard<bool>) {
        let is_draft = |file: fs::DirEntry| file.path().extension().is_some_and(|it| it == "part");
        while fs::read_dir(&self.own).expect("a folder").flatten().any(is_draft) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        link_files(&self.own, &self.shared);
        *is_whole = true;
    }
}

fn link_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).expect("a folder").flatten().filter(|file| file.path().is_file()) {
        let copy = to.join(file.file_name());
        // One that is there already is the same. Two file systems have no links between them.
        if !copy.exists() {
            fs::hard_link(file.path(), &copy).or_else(|_| fs::copy(file.path(), &copy).map(drop)).expect("a copy");
        }
    }
}

/// Deletes, once, what was compiled of plugins as they are no more.
fn delete_old(all: &Path) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for set in fs::read_dir(all).into_iter().flatten().flatten() {
            let age = set.metadata().and_then(|it| it.modified()).ok().and_then(|it| it.elapsed().ok());
            if age.is_some_and(|age| age > KEEP) {
                // What another process of tests deletes is gone as well.
                let _ = fs::remove_dir_all(set.path()).or_else(|_| fs::remove_file(set.path()));
            }
        }
    });
}
