//! Compiled code is kept between runs, and only trusted if nobody else could have written it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use witapi_tests::{Host, Stopped, host};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("data/code")).expect("the cache");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// A host that has run once and so has its code in the cache.
async fn warm() -> Stopped {
    let host = host().plugin("orders").start().await;
    assert_eq!(host.get("/hello").await.status, 200);
    host.kill().await
}

/// Starts it again, and sees that it serves.
async fn again(stopped: Stopped) -> Host {
    let host = host().in_folder_of(stopped).start().await;
    assert_eq!(host.get("/hello").await.status, 200);
    host
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("to change the mode");
}

#[tokio::test]
async fn the_second_start_uses_the_code_of_the_first() {
    let stopped = warm().await;
    let before: Vec<_> = files(stopped.path());
    assert_eq!(before.len(), 1, "{before:?}");
    let identity = |path: &Path| fs::metadata(path).map(|it| (it.ino(), it.len())).expect("a file");
    let first = identity(&before[0]);
    let host = again(stopped).await;
    assert_eq!(files(host.folder()), before);
    assert_eq!(identity(&before[0]), first, "it was not written anew");
    assert_eq!(host.log.lines_with("WARN"), [""; 0]);
}

#[tokio::test]
async fn only_the_user_of_the_host_can_read_and_write_it() {
    let stopped = warm().await;
    let mode = |path: &Path| fs::symlink_metadata(path).expect("an entry").mode() & 0o777;
    assert_eq!(mode(&stopped.path().join("data/code")), 0o700);
    for file in files(stopped.path()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_folder_that_others_can_write_is_not_used() {
    let stopped = warm().await;
    let folder = stopped.path().join("data/code");
    // Whoever could write it put code of his own there; nothing of it is looked at.
    for file in files(stopped.path()) {
        fs::write(&file, "someone else's code").expect("to change it");
    }
    chmod(&folder, 0o777);
    let host = again(stopped).await;
    let line = host.log.wait_for("compiled code is not cached").await;
    assert!(line.contains("WARN") && line.contains("data/code") && line.contains("777"), "{line}");
    for file in files(host.folder()) {
        assert_eq!(fs::read(&file).expect("a file"), b"someone else's code");
    }
}

#[tokio::test]
async fn a_folder_that_is_a_link_is_not_used() {
    let stopped = warm().await;
    let folder = stopped.path().join("data/code");
    let elsewhere = stopped.path().join("elsewhere");
    fs::rename(&folder, &elsewhere).expect("to move it");
    symlink(&elsewhere, &folder).expect("a link");
    let host = again(stopped).await;
    host.log.wait_for("compiled code is not cached").await;
}

#[tokio::test]
async fn a_file_that_others_can_write_is_not_used_but_replaced() {
    let stopped = warm().await;
    let file = files(stopped.path()).remove(0);
    chmod(&file, 0o666);
    let before = fs::metadata(&file).expect("the file").ino();
    let host = again(stopped).await;
    let line = host.log.wait_for("a file of the code cache is not used").await;
    assert!(line.contains("WARN") && line.contains("666"), "{line}");
    let after = fs::metadata(&file).expect("the file");
    assert_eq!(after.mode() & 0o777, 0o600);
    assert_ne!(after.ino(), before);
}

#[tokio::test]
async fn a_file_that_is_a_link_is_not_used() {
    let stopped = warm().await;
    let file = files(stopped.path()).remove(0);
    let elsewhere = stopped.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("to move it");
    symlink(&elsewhere, &file).expect("a link");
    let host = again(stopped).await;
    host.log.wait_for("a file of the code cache is not used").await;
    assert!(fs::symlink_metadata(&file).expect("the file").is_file());
}

#[tokio::test]
async fn a_damaged_file_is_not_used_but_replaced() {
    let mut stopped = warm().await;
    let file = files(stopped.path()).remove(0);
    let good = fs::read(&file).expect("the code");
    let half = &good[..good.len() / 2];
    let no_head = &good[good.len() / 2..];
    for damaged in [b"".as_slice(), b"no code", half, no_head] {
        fs::write(&file, damaged).expect("to damage it");
        let host = again(stopped).await;
        host.log.wait_for("a file of the code cache is not used").await;
        assert_eq!(fs::read(&file).expect("the code").len(), good.len());
        stopped = host.kill().await;
    }
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_costs_time_only() {
    let stopped = warm().await;
    let folder = stopped.path().join("data/code");
    fs::remove_dir_all(&folder).expect("to remove it");
    fs::write(&folder, "a file in its place").expect("a file");
    let host = again(stopped).await;
    host.log.wait_for("compiled code is not cached").await;
}
