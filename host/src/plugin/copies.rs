//! The host's own copies of the components that it serves, for plugins that are asleep: what is in the plugin folder may
//! have been replaced by the time that one is wanted again.

use std::{
    fs, io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::fs::{FallocateFlags, fallocate};

/// What file systems give and take back at once, in bytes, or a multiple of it.
const BLOCK: u64 = 4096;

/// One file without a name, so that it goes with the process and nobody else writes it.
#[derive(Debug, Clone)]
pub struct Copies(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: fs::File,
    end: AtomicU64,
}

/// A component in that file, and beside it what is to be known of it in short. Its place is given back on drop.
#[derive(Debug)]
pub struct Copy {
    shared: Arc<Shared>,
    offset: u64,
    component: u64,
    summary: u64,
}

impl Copies {
    /// With a file in `folder`.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn create(folder: &Path) -> io::Result<Copies> {
        let path = folder.join(format!("{}.part", uuid::Uuid::now_v7()));
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        Ok(Copies(Arc::new(Shared { file, end: AtomicU64::new(0) })))
    }

    /// Writes a copy.
    ///
    /// # Errors
    ///
    /// The disk is full, or fails.
    pub fn keep(&self, component: &[u8], summary: &[u8]) -> io::Result<Copy> {
        let shared = self.0.clone();
        let (component_len, summary_len) = (component.len() as u64, summary.len() as u64);
        let room = (component_len + summary_len).next_multiple_of(BLOCK);
        let offset = shared.end.fetch_add(room, Ordering::Relaxed);
        let copy = Copy { shared, offset, component: component_len, summary: summary_len };
        copy.shared.file.write_all_at(component, offset)?;
        copy.shared.file.write_all_at(summary, offset + component_len)?;
        Ok(copy)
    }
}

impl Copy {
    /// The component's bytes.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn component(&self) -> io::Result<Vec<u8>> {
        self.read(self.offset, self.component)
    }

    /// What stands beside it.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn summary(&self) -> io::Result<Vec<u8>> {
        self.read(self.offset + self.component, self.summary)
    }

    fn read(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        self.shared.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let room = (self.component + self.summary).next_multiple_of(BLOCK);
        // Where a file system has no holes the file grows until the process ends.
        let _ = fallocate(&self.shared.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, self.offset, room);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_copy_is_what_was_kept_and_its_room_is_given_back() {
        let copies = Copies::create(&std::env::temp_dir()).unwrap();
        let large = vec![7; 1 << 20];
        let first = copies.keep(&large, b"large").unwrap();
        let second = copies.keep(b"component", b"").unwrap();
        assert_eq!((first.component().unwrap(), first.summary().unwrap()), (large, b"large".to_vec()));
        assert_eq!((second.component().unwrap(), second.summary().unwrap()), (b"component".to_vec(), vec![]));
        let blocks = || copies.0.file.metadata().unwrap().blocks();
        copies.0.file.sync_all().unwrap();
        let before = blocks();
        drop(first);
        assert!(blocks() < before / 2, "{before} and {}", blocks());
        assert_eq!(second.component().unwrap(), b"component");
    }
}
