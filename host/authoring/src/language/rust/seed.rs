//! Where cargo works, and what every plugin is made with, compiled once for all of them.
//!
//! Each project has a folder of its own: cargo tells crates of one name apart by their place within their workspace, so in a
//! folder shared by all it would take one project's for another's. What is compiled of the SDK and of what that needs is the same
//! everywhere. So it is compiled in a project that has nothing else, and linked into the others.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wit_bindgen_rust::to_rust_ident;

use super::{cargo, sdk, toolchain::Chosen};
use crate::{error::BuildError, language::Job};

/// What the crate of a new plugin needs; at which versions.
pub(super) const MANIFEST: &str = include_str!("../../template/rust/Cargo.toml");
pub(super) const LOCK: &str = include_str!("../../template/rust/Cargo.lock");

/// The name of the project that has nothing else. What belongs to it is not linked into others.
const NAME: &str = "witapi-seed";

/// A text of the template, for a crate of that name. Its packages in `Cargo.lock` are sorted, since cargo would do so.
pub(super) fn filled(text: &str, name: &str) -> String {
    let text = text.replace("{{name}}", name).replace("{{rust_name}}", &to_rust_ident(name));
    let mut packages = text.trim_end().split("\n\n[[package]]\n");
    let (Some(head), true) = (packages.next(), text.contains("[[package]]")) else { return text };
    let mut packages: Vec<&str> = packages.collect();
    packages.sort_unstable();
    let packages: String = packages.iter().flat_map(|package| ["\n\n[[package]]\n", package]).collect();
    format!("{head}{packages}\n")
}

/// The folder that cargo is to work in, with what is compiled already.
///
/// # Errors
///
/// It cannot be made. Where the seed cannot be compiled there is none, and cargo says for the project itself why.
pub(super) fn target_folder(job: &Job<'_>, target: &str, chosen: &Chosen) -> Result<PathBuf, BuildError> {
    let folder = job.project.generated(&format!("rust-{}", sdk::digest()));
    let mark = folder.join(if job.is_draft { ".seeded-draft" } else { ".seeded" });
    if mark.exists() {
        return Ok(folder);
    }
    remove_others(job, &folder);
    let failed = |error| BuildError::Io { file: mark.clone(), error };
    fs::create_dir_all(&folder).map_err(failed)?;
    if sdk::is_used_by(job.project)
        && let Some(seed) = seed(job, target, chosen)
    {
        // Whatever is missing cargo makes.
        for part in [Path::new(target).join("release"), PathBuf::from("release")] {
            for kind in [".fingerprint", "build", "deps"] {
                drop(link(&seed.join(&part).join(kind), &folder.join(&part).join(kind), 0));
            }
        }
        drop(fs::copy(seed.join(".rustc_info.json"), folder.join(".rustc_info.json")));
    }
    fs::write(&mark, "").map_err(failed)?;
    Ok(folder)
}

/// Those of other versions of the SDK.
fn remove_others(job: &Job<'_>, folder: &Path) {
    let Ok(entries) = fs::read_dir(job.project.generated("")) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_other = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rust-"));
        if is_other && path != folder {
            drop(fs::remove_dir_all(path));
        }
    }
}

/// Where the seed is compiled, which is done the first time.
fn seed(job: &Job<'_>, target: &str, chosen: &Chosen) -> Option<PathBuf> {
    let version = Command::new(chosen.rustc()).arg("-vV").current_dir(&job.project.folder).output().ok()?.stdout;
    let mut digest = Sha256::new();
    for part in [sdk::digest().as_bytes(), LOCK.as_bytes(), MANIFEST.as_bytes(), target.as_bytes(), &version] {
        digest.update(part);
        digest.update([0]);
    }
    let folder = job.tools.shared(&format!("rust-{}", &HEXLOWER.encode(&digest.finalize())[..8]));
    let work = folder.join("target");
    let mark = folder.join(if job.is_draft { "complete-draft" } else { "complete" });
    if mark.exists() {
        return Some(work);
    }
    anstream::eprintln!("compiling what every plugin in Rust is made with; this is done once");
    sdk::write(&folder.join(".witapi/sdk")).ok()?;
    fs::create_dir_all(folder.join("src")).ok()?;
    for (file, text) in [("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/lib.rs", "")] {
        fs::write(folder.join(file), filled(text, NAME)).ok()?;
    }
    let mut cargo = cargo(target, chosen, job.is_draft);
    let made = cargo.current_dir(&folder).env("CARGO_TARGET_DIR", &work).stdin(std::process::Stdio::null()).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return None;
    }
    fs::write(mark, "").ok()?;
    Some(work)
}

/// Links a folder's files into another, where they are not there yet. Small ones are copied: cargo writes over those.
fn link(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if name.to_string_lossy().replace('_', "-").trim_start_matches("lib").starts_with(NAME) {
            continue;
        }
        let target = to.join(name);
        if path.is_dir() {
            if depth < MAX_DEPTH {
                link(&path, &target, depth + 1)?;
            }
        } else if !target.exists() {
            let metadata = fs::metadata(&path)?;
            if metadata.len() < SMALL || fs::hard_link(&path, &target).is_err() {
                fs::copy(&path, &target)?;
                fs::File::options().write(true).open(&target)?.set_modified(metadata.modified()?)?;
            }
        }
    }
    Ok(())
}

/// Bytes of a file that is rather copied.
const SMALL: u64 = 8 << 10;

/// Folders within folders: one for each unit, and what its build script makes.
const MAX_DEPTH: usize = 8;
