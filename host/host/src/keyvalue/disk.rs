//! The disk under a store's file: how the file gets room, so that a full disk ends no commit halfway.
//!
//! redb takes an I/O error for the end: whatever follows fails until the file is opened again, which may read all of it.
//! So a full disk is seen before redb writes. All of a file has room on disk from the moment it is that long, and a write
//! that stays inside of it finds room. Where it cannot get longer, redb is told that it is, what it writes behind the
//! end is kept in memory, and [`Disk::is_short`] says so: whoever commits takes the transaction back, and all is as before.
//!
//! redb makes a file shorter when pages at its end are free. Some of the room is kept then ([`kept`]), since freeing pages
//! takes pages first: redb never overwrites what may still be read. redb finds that room when it opens the file the
//! next time, as it goes by the length of the file.
//!
//! A page that is not in the kernel's cache is read from the disk, which takes long if that is busy, or away. redb reads
//! within the call, so a thread of the runtime gives its other tasks to another thread first; and [`Disk::is_cold`] says so,
//! for what is read next to be read elsewhere.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    io::{self, ErrorKind, IoSliceMut},
    ops::Bound,
    os::unix::fs::FileExt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redb::{BackendError, StorageBackend};
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::{Errno, ReadWriteFlags, preadv2},
};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::file::milliseconds;

/// redb's pages, in bytes. A file has a whole number of them.
pub(super) const PAGE: u64 = 4096;

/// The least and the most room that a file keeps behind what redb uses, in bytes. The least is more than it takes to
/// delete one of many small entries. The most is twice what redb needs beside the largest value that there may be.
const MIN_KEPT: u64 = 128 << 10;
const MAX_KEPT: u64 = 4 << 20;

/// How long a file counts as cold after a read that had to wait for the disk.
const COLD: Duration = Duration::from_secs(1);

/// Bytes that a file of redb's begins with, once it is one; and more than a new one has, where it may be none yet.
const MAGIC: usize = 9;
const MAX_NEW: u64 = 4 << 20;

/// The room that a file keeps when redb uses that many bytes of it: a quarter as much, within bounds.
pub(super) fn kept(bytes: u64) -> u64 {
    (bytes / 4).clamp(MIN_KEPT, MAX_KEPT) / PAGE * PAGE
}

/// The file as redb has it. Cheap to clone; every clone is the same.
#[derive(Debug, Clone)]
pub(super) struct Disk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: File,
    room: Mutex<Room>,
    /// Whether redb has been told of room that is not there.
    short: AtomicBool,
    /// Whether the header was written since the last sync: a commit is under way.
    commits: AtomicBool,
    /// Whether there is anything that a sync would make durable.
    is_dirty: AtomicBool,
    /// Bytes written since somebody counted anew.
    written: AtomicU64,
    /// Until when it is cold, in [`milliseconds`].
    cold_until: AtomicU64,
}

#[derive(Debug)]
struct Room {
    /// How long redb takes the file to be.
    told: u64,
    /// How long it is.
    real: u64,
    /// What found no room, by its place in the file. No more than one transaction writes.
    homeless: BTreeMap<u64, Vec<u8>>,
}

impl Disk {
    /// Of a file that is open for reading and writing.
    ///
    /// # Errors
    ///
    /// Its length cannot be read.
    pub(super) fn new(file: File) -> io::Result<Disk> {
        let length = file.metadata()?.len();
        let room = Mutex::new(Room { told: length, real: length, homeless: BTreeMap::new() });
        Ok(Disk(Arc::new(Shared {
            file,
            room,
            short: AtomicBool::new(false),
            commits: AtomicBool::new(false),
            is_dirty: AtomicBool::new(true),
            written: AtomicU64::new(0),
            cold_until: AtomicU64::new(0),
        })))
    }

    /// Whether redb has been told of room that is not there: its transaction cannot be committed.
    pub(super) fn is_short(&self) -> bool {
        self.0.short.load(Ordering::Acquire)
    }

    /// To be called when such a transaction was taken back.
    pub(super) fn forget(&self) {
        let mut room = self.room();
        room.homeless.clear();
        self.0.short.store(room.told > room.real, Ordering::Release);
    }

    /// Bytes that redb takes the file to have.
    pub(super) fn length(&self) -> u64 {
        self.room().told
    }

    /// Bytes that were written since [`Disk::count_anew`].
    pub(super) fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// Whether the file is longer than redb takes it to be.
    pub(super) fn keeps_room(&self) -> bool {
        let room = self.room();
        room.real > room.told
    }

    pub(super) fn count_anew(&self) {
        self.0.written.store(0, Ordering::Relaxed);
    }

    /// Whether what was read of late was not in memory, and what is read next may not be.
    pub(super) fn is_cold(&self) -> bool {
        // The clock is not asked where nothing was ever missing.
        let until = self.0.cold_until.load(Ordering::Relaxed);
        until > 0 && milliseconds() < until
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done as soon as nobody else has the file, who might change it.
    fn begin(&self) -> io::Result<()> {
        let file = &self.0.file;
        let mut length = file.metadata()?.len();
        let mut magic = [0; MAGIC];
        if (1..MAX_NEW).contains(&length) && file.read_exact_at(&mut magic, 0).is_ok() && magic == [0; MAGIC] {
            // redb writes these last into a new file. A host that ended before that leaves a file that nothing opens.
            file.set_len(0)?;
            length = 0;
        }
        if length > 0 {
            // Files of earlier hosts have holes. Where it fails, a write into one may fail, and close the file.
            let _ = fallocate(file, FallocateFlags::KEEP_SIZE, 0, length);
        }
        let mut room = self.room();
        (room.told, room.real) = (length, length);
        Ok(())
    }

    fn is_whole(start: Bound<u64>, end: Bound<u64>) -> bool {
        matches!(start, Bound::Unbounded | Bound::Included(0)) && end == Bound::Unbounded
    }
}

/// Whether it says that there is no room, be it on the disk, in a quota, or under a limit of the process.
pub(super) fn is_no_room(error: &io::Error) -> bool {
    let by_number = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|number| by_number.contains(&number))
        || matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Makes the file longer, with room on the disk for all of it. One that has no such call may run short later.
pub(super) fn lengthen(file: &File, from: u64, to: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), from, to - from) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => file.set_len(to),
        Err(error) => {
            // Some file systems leave a part of it.
            let _ = file.set_len(from);
            Err(error.into())
        }
    }
}

/// Reads what the kernel has in memory, and says how many bytes that is. It is none where the file system cannot tell.
fn read_cached(file: &File, out: &mut [u8], offset: u64) -> usize {
    let mut read = 0;
    while read < out.len() {
        let rest = IoSliceMut::new(&mut out[read..]);
        match preadv2(file, &mut [rest], offset + read as u64, ReadWriteFlags::NOWAIT) {
            Ok(0) | Err(_) => break,
            Ok(more) => read += more,
        }
    }
    read
}

/// Does what may block. A worker of the runtime gives its other tasks to another thread first.
fn off_the_worker<T>(work: impl FnOnce() -> T) -> T {
    let may_give = Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
    if may_give { tokio::task::block_in_place(work) } else { work() }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.length())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.is_short() {
            let room = self.room();
            if let Some(page) = room.homeless.get(&offset).filter(|page| page.len() == out.len()) {
                out.copy_from_slice(page);
                return Ok(());
            }
        }
        let cached = read_cached(&self.0.file, out, offset);
        if cached == out.len() {
            return Ok(());
        }
        self.0.cold_until.store(milliseconds() + COLD.as_millis() as u64, Ordering::Relaxed);
        off_the_worker(|| self.0.file.read_exact_at(&mut out[cached..], offset + cached as u64))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut room = self.room();
        if length > room.real {
            match lengthen(&self.0.file, room.real, length) {
                Ok(()) => {
                    room.real = length;
                    self.0.is_dirty.store(true, Ordering::Release);
                }
                Err(error) if is_no_room(&error) => self.0.short.store(true, Ordering::Release),
                Err(error) => return Err(error),
            }
        } else {
            let real = length + kept(length);
            // A file that gets longer and shorter by turns, as redb has it after many a commit, is left alone.
            if room.real > 2 * real {
                self.0.file.set_len(real)?;
                room.real = real;
                self.0.is_dirty.store(true, Ordering::Release);
            }
            room.homeless.clear();
            self.0.short.store(false, Ordering::Release);
        }
        room.told = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let commits = self.0.commits.swap(false, Ordering::AcqRel);
        if !self.is_short() {
            // redb also syncs what it believes to have become longer.
            if !self.0.is_dirty.swap(false, Ordering::AcqRel) {
                return Ok(());
            }
            self.0.file.sync_data().inspect_err(|_| self.0.is_dirty.store(true, Ordering::Release))
        } else if commits {
            // A part of what it should make durable is not in the file.
            Err(ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let length = data.len() as u64;
        self.0.written.fetch_add(length, Ordering::Relaxed);
        self.0.is_dirty.store(true, Ordering::Release);
        if offset == 0 {
            if self.is_short() {
                // The header names the length of the file, which it has not.
                return Err(ErrorKind::StorageFull.into());
            }
            self.0.commits.store(true, Ordering::Release);
            return self.0.file.write_all_at(data, 0);
        }
        if self.is_short() {
            let mut room = self.room();
            let covered: Vec<u64> = room.homeless.range(offset..offset + length).map(|(&at, _)| at).collect();
            for at in covered {
                room.homeless.remove(&at);
            }
            if offset + length > room.real {
                room.homeless.insert(offset, data.to_vec());
                return Ok(());
            }
        }
        match self.0.file.write_all_at(data, offset) {
            // There are file systems that find a new place for whatever is written.
            Err(error) if is_no_room(&error) => {
                let mut room = self.room();
                room.homeless.insert(offset, data.to_vec());
                self.0.short.store(true, Ordering::Release);
                Ok(())
            }
            written => written,
        }
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.unlock()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        if !Disk::is_whole(start, end) {
            return Err(BackendError::Unsupported);
        }
        match self.0.file.try_lock() {
            Ok(()) => self.begin().map(|()| true).map_err(BackendError::Io),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(BackendError::Io(error)),
        }
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if !Disk::is_whole(start, end) {
            return Err(BackendError::Unsupported);
        }
        self.0.file.unlock().map_err(BackendError::Io)
    }
}
