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

/// So many things of one plugin are kept: its component, and what is to be known of it without its contract.
pub(super) const SECTIONS: usize = 5;

/// A component in that file, and beside it what is to be known of it. Its place is given back on drop.
#[derive(Debug)]
pub struct Copy {
    shared: Arc<Shared>,
    offset: u64,
    lengths: [u64; SECTIONS],
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
    pub fn keep(&self, sections: [&[u8]; SECTIONS]) -> io::Result<Copy> {
        let shared = self.0.clone();
        let mut copy = Copy { shared, offset: 0, lengths: sections.map(|section| section.len() as u64) };
        copy.offset = copy.shared.end.fetch_add(copy.room(), Ordering::Relaxed);
        for (i, section) in sections.iter().enumerate() {
            copy.shared.file.write_all_at(section, copy.place(i))?;
        }
        Ok(copy)
    }
}

impl Copy {
    /// What was kept as the section of that number.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn section(&self, number: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.lengths.get(number).copied().unwrap_or_default() as usize];
        self.shared.file.read_exact_at(&mut bytes, self.place(number))?;
        Ok(bytes)
    }

    fn place(&self, number: usize) -> u64 {
        self.offset + self.lengths.iter().take(number).sum::<u64>()
    }

    fn room(&self) -> u64 {
        self.lengths.iter().sum::<u64>().next_multiple_of(BLOCK)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Where a file system has no holes the file grows until the process ends.
        let _ = fallocate(
            &self.shared.file,
            FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
            self.offset,
            self.room(),
        );
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
        let first = copies.keep([&large, b"large", b"", b"", b"end"]).unwrap();
        let second = copies.keep([b"component", b"", b"", b"", b""]).unwrap();
        let read = |copy: &Copy| [0, 1, 2, 4].map(|i| copy.section(i).unwrap());
        assert_eq!(read(&first), [large, b"large".to_vec(), vec![], b"end".to_vec()]);
        assert_eq!(read(&second), [b"component".to_vec(), vec![], vec![], vec![]]);
        let blocks = || copies.0.file.metadata().unwrap().blocks();
        copies.0.file.sync_all().unwrap();
        let before = blocks();
        drop(first);
        assert!(blocks() < before / 2, "{before} and {}", blocks());
        assert_eq!(second.section(0).unwrap(), b"component");
    }
}
