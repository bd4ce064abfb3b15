use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::{TempDir, tempdir};

use super::{
    folder::{Folders, Stamp, Unread},
    pending::{Pending, Settled},
    seen::{SETTLE, Seen},
};
use crate::{
    catalog::Precedence,
    plugin::{LoadError, load::Cause},
};

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    file
}

fn stamp(file: &Path) -> Stamp {
    Stamp::of(file).unwrap().unwrap()
}

#[test]
fn only_components_of_the_folder_are_files() {
    let folder = tempdir().unwrap();
    let file = write(&folder, "a.wasm", "");
    write(&folder, ".b.wasm", "");
    write(&folder, "c.txt", "");
    fs::create_dir(folder.path().join("d.wasm")).unwrap();
    let look = Folders::new(vec![folder.path().to_owned()]).look();
    assert_eq!(look.files.keys().collect::<Vec<_>>(), [&file]);
    assert!(look.unread.is_empty());
}

#[test]
fn a_file_is_gone_only_from_a_folder_that_was_read() {
    let folder = tempdir().unwrap();
    let file = write(&folder, "a.wasm", "");
    let mut folders = Folders::new(vec![folder.path().to_owned()]);
    assert!(!folders.look().is_gone(&file));
    fs::remove_file(&file).unwrap();
    assert!(folders.look().is_gone(&file));
    fs::remove_dir(folder.path()).unwrap();
    let look = folders.look();
    assert!(!look.is_gone(&file));
    assert_eq!(look.unread[folder.path()], Unread::Missing);
}

#[test]
fn a_link_to_nowhere_is_there_and_cannot_be_read() {
    let folder = tempdir().unwrap();
    let link = folder.path().join("a.wasm");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let look = Folders::new(vec![folder.path().to_owned()]).look();
    assert_eq!(look.unread[&link], Unread::DanglingLink);
    assert!(!look.is_gone(&link));
}

#[test]
fn same_size_and_time_are_still_another_file() {
    let folder = tempdir().unwrap();
    let (first, second) = (write(&folder, "a.wasm", "one"), write(&folder, "b.part", "two"));
    let before = stamp(&first);
    let modified = fs::metadata(&first).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&second).unwrap().set_modified(modified).unwrap();
    fs::rename(&second, &first).unwrap();
    assert_ne!(stamp(&first), before);
}

#[test]
fn a_file_is_wanted_until_it_was_handled_as_it_is() {
    let folder = tempdir().unwrap();
    let file = write(&folder, "a.wasm", "one");
    let mut seen = Seen::new(stamp(&file));
    // It is new, so more of it may come.
    assert!(seen.is_wanted() && seen.settles_at() > Instant::now() && seen.may_be_unfinished());
    let begun = seen.begins();
    assert!(!seen.is_wanted());
    seen.is_loading = false;
    seen.note_handled(begun);
    assert!(!seen.is_wanted() && seen.is_settled());
    write(&folder, "a.wasm", "longer");
    seen.see(stamp(&file));
    assert!(seen.is_wanted());
    seen.note_handled(seen.stamp);
    seen.was_written();
    assert!(seen.is_wanted(), "whatever its times say");
}

#[test]
fn what_is_not_there_is_not_loaded_and_not_forgotten() {
    let folder = tempdir().unwrap();
    let mut seen = Seen::new(stamp(&write(&folder, "a.wasm", "one")));
    seen.is_there = false;
    assert!(!seen.is_wanted());
    seen.is_there = true;
    seen.waits(Duration::from_secs(60));
    assert!(seen.is_wanted() && seen.settles_at() > Instant::now() + SETTLE);
}

#[test]
fn one_fault_is_news_once() {
    let folder = tempdir().unwrap();
    let mut seen = Seen::new(stamp(&write(&folder, "a.wasm", "one")));
    let error = || io::Error::from(io::ErrorKind::PermissionDenied);
    assert!(seen.cannot_be_read(&error()) && !seen.cannot_be_read(&error()));
    seen.note_handled(seen.stamp);
    assert!(seen.cannot_be_read(&error()));
}

#[test]
fn of_each_file_the_newest_word_becomes_the_change() {
    let mut pending = Pending::default();
    let failed =
        |file: &str| Settled::Failed(LoadError { file: file.into(), cause: Cause::Host("it is only a test".into()) });
    pending.settled("a.wasm".into(), failed("a.wasm"));
    pending.gone("a.wasm".into());
    pending.gone("b.wasm".into());
    pending.settled("b.wasm".into(), Settled::Same);
    pending.settled("c.wasm".into(), failed("c.wasm"));
    let change = pending.take(Precedence::ByName);
    assert_eq!(change.gone, [Path::new("a.wasm")]);
    assert_eq!(change.same, [Path::new("b.wasm")]);
    assert_eq!(change.failed.iter().map(|error| error.file.clone()).collect::<Vec<_>>(), [Path::new("c.wasm")]);
    assert_eq!(change.precedence, Precedence::ByName);
    assert!(pending.is_empty());
}
