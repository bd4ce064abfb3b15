//! What is in the folders of plugins, what is known not to be, and of what nothing is known.
//!
//! A plugin is unloaded only when its file is known to be gone: its folder could be read to the end, and does not have it.
//! What fails tells nothing of the files behind it. Nor does a folder that is not there, or that is empty and on another
//! mount than before: so look the places of volumes that are away for the moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{CStr, OsStr},
    io,
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, StatxFlags, fstat, open, statat, statx},
    io::Errno,
};

/// What tells one content of a file from another without reading it. Whoever copies a file sets the time of its last
/// change as he likes, but not that of the change of its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    device: u64,
    inode: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Stamp {
    /// `None`: it is no file.
    pub(super) fn of(file: &Path) -> io::Result<Option<Stamp>> {
        Ok(Stamp::from_stat(&statat(CWD, file, AtFlags::empty())?))
    }

    fn from_stat(stat: &Stat) -> Option<Stamp> {
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        // The types of the fields are not the same on all machines.
        #[allow(clippy::unnecessary_cast)]
        is_file.then_some(Stamp {
            len: stat.st_size as u64,
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        })
    }

    /// Seconds since the epoch when the inode was changed last, by the clock of its file system.
    pub(super) fn changed_seconds(&self) -> i64 {
        self.changed.0
    }
}

/// Which file system is at a path, and by which mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    device: (u32, u32),
    /// `None` on kernels before 5.8.
    mount: Option<u64>,
}

/// Where plugins are.
#[derive(Debug)]
pub(super) struct Folders {
    sources: Vec<Source>,
    /// Of folders in which there was a plugin, where they were then.
    places: BTreeMap<PathBuf, Place>,
}

#[derive(Debug, Clone)]
enum Source {
    Folder(PathBuf),
    File(PathBuf),
}

/// What was found by one look.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub files: BTreeMap<PathBuf, Stamp>,
    /// Files and folders of which nothing is known, and why.
    pub unread: BTreeMap<PathBuf, Unread>,
    /// Folders that were read to the end.
    read: BTreeSet<PathBuf>,
}

/// Why nothing is known of a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    #[error("{0}")]
    Failed(Errno),
    #[error("the link's target does not exist")]
    DanglingLink,
    #[error("not found")]
    Missing,
    #[error("empty and on a different mount than before; is a volume not mounted?")]
    Unmounted,
}

impl Look {
    /// Whether that file, which was there once, is there no more.
    pub(super) fn is_gone(&self, file: &Path) -> bool {
        let is_unknown = self.files.contains_key(file) || self.unread.contains_key(file);
        !is_unknown && self.read.contains(parent(file))
    }
}

impl Folders {
    /// Each is a folder or a file for as long as the host runs, as it is now.
    pub(super) fn new(sources: Vec<PathBuf>) -> Folders {
        let of = |path: PathBuf| if path.is_dir() { Source::Folder(path) } else { Source::File(path) };
        Folders { sources: sources.into_iter().map(of).collect(), places: BTreeMap::new() }
    }

    /// The folders whose changes matter.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().map(Source::folder)
    }

    /// Looks at all of it.
    pub(super) fn look(&mut self) -> Look {
        let mut look = Look::default();
        for source in &self.sources {
            let folder = source.folder();
            let mut found = Found::new();
            match read(source, &mut found) {
                Ok(place) => {
                    if !found.is_empty() {
                        self.places.insert(folder.to_owned(), place);
                    }
                    if self.places.get(folder).is_some_and(|before| *before != place) {
                        look.unread.insert(folder.to_owned(), Unread::Unmounted);
                    } else {
                        look.read.insert(folder.to_owned());
                    }
                }
                Err(why) => drop(look.unread.insert(folder.to_owned(), why)),
            }
            for (file, stamp) in found {
                match stamp {
                    Ok(Some(stamp)) => drop(look.files.insert(file, stamp)),
                    // A folder of that name, or the like.
                    Ok(None) => {}
                    Err(why) => drop(look.unread.insert(file, why)),
                }
            }
        }
        look
    }
}

impl Source {
    fn folder(&self) -> &Path {
        match self {
            Source::Folder(folder) => folder,
            Source::File(file) => parent(file),
        }
    }

    /// The plugin's file of that name in the folder, if it is one.
    fn file(&self, name: &OsStr) -> Option<PathBuf> {
        match self {
            Source::Folder(folder) => is_component(Path::new(name)).then(|| folder.join(name)),
            Source::File(file) => (file.file_name() == Some(name)).then(|| file.clone()),
        }
    }
}

type Found = BTreeMap<PathBuf, Result<Option<Stamp>, Unread>>;

/// Reads a folder to its end. All is asked of the folder as it was opened, whatever comes into its place meanwhile.
fn read(source: &Source, found: &mut Found) -> Result<Place, Unread> {
    let folder = open(source.folder(), OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let place = Place::of(&folder)?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let Some(file) = source.file(OsStr::from_bytes(entry.file_name().to_bytes())) else { continue };
        match stamp(&folder, entry.file_name()) {
            // It went since the folder was read.
            Err(Unread::Missing) => {}
            stamp => drop(found.insert(file, stamp)),
        }
    }
    Ok(place)
}

fn stamp(folder: impl AsFd, name: &CStr) -> Result<Option<Stamp>, Unread> {
    match statat(&folder, name, AtFlags::empty()) {
        Ok(stat) => Ok(Stamp::from_stat(&stat)),
        // A link is there though what it leads to is not.
        Err(Errno::NOENT) => {
            statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Err(Unread::DanglingLink)
        }
        Err(error) => Err(error.into()),
    }
}

impl Place {
    fn of(folder: impl AsFd) -> Result<Place, Errno> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        match statx(&folder, c"", AtFlags::EMPTY_PATH, wanted) {
            Ok(it) => {
                let has_mount = it.stx_mask & StatxFlags::MNT_ID.bits() != 0;
                let mount = has_mount.then_some(it.stx_mnt_id);
                Ok(Place { device: (it.stx_dev_major, it.stx_dev_minor), mount })
            }
            // Some sandboxes do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => {
                let device = fstat(&folder)?.st_dev;
                Ok(Place { device: (rustix::fs::major(device), rustix::fs::minor(device)), mount: None })
            }
            Err(error) => Err(error),
        }
    }
}

impl From<Errno> for Unread {
    fn from(error: Errno) -> Unread {
        match error {
            Errno::NOENT => Unread::Missing,
            error => Unread::Failed(error),
        }
    }
}

/// Where a file is; of a bare name that is where the process is.
pub(super) fn parent(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// By name. Hidden files are what editors and `rsync` write before they rename.
pub(super) fn is_component(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".wasm") && !name.starts_with('.')
}
