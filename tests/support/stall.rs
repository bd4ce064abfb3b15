//! A disk that does not answer, as far as a host's stores are concerned.

use std::{
    fs::{self, File},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{PATIENCE, Setup, root};

/// For the hosts that were started with it: see `stall.c`.
pub struct Stall {
    folder: TempDir,
}

impl Stall {
    pub fn built() -> Stall {
        let folder = tempfile::tempdir().expect("a folder");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join("stall.so"))
            .arg(root().join("tests/support/stall.c"))
            .status()
            .expect("a C compiler, which Rust links with");
        assert!(built.success(), "stall.c is not built");
        Stall { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("stall")
    }

    /// From now on a read of what is not in memory does not end.
    pub fn begin(&self) {
        File::create(self.file()).expect("a file");
    }

    pub fn end(&self) {
        fs::remove_file(self.file()).expect("to remove it");
    }

    /// Waits until so many reads wait.
    pub async fn waiting(&self, reads: u64) {
        let began = Instant::now();
        while fs::metadata(self.file()).expect("its length").len() < reads {
            assert!(began.elapsed() < PATIENCE, "{reads} reads do not wait");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Takes the file out of the kernel's memory.
pub fn forget(file: &Path) {
    let file = File::open(file).expect("the file");
    file.sync_all().expect("to sync it");
    // SAFETY: the descriptor is open; the call changes nothing that is in it.
    let outcome = unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    assert_eq!(outcome, 0);
}

impl Setup {
    /// With stores whose disk may stall.
    pub fn with_stall(self, stall: &Stall) -> Setup {
        let path = |file: PathBuf| file.to_str().expect("a path").to_owned();
        self.env("LD_PRELOAD", &path(stall.folder.path().join("stall.so"))).env("STALL", &path(stall.file()))
    }
}
