//! What builds JavaScript, and how it is installed.

use std::path::{Path, PathBuf};

use crate::{
    error::BuildError,
    tools::{self, Missing, Pinned, Tools, quoted},
};

/// The lists that npm reads.
const PINS: &[(&str, &str)] = &[
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
    (".npmrc", include_str!("npmrc")),
];

pub(super) fn pinned(tools: &Tools) -> Pinned {
    tools.pinned("js", PINS)
}

/// Of the tools and of the SDK.
pub(super) fn version() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), super::sdk::digest())
}

pub(super) fn missing(tools: &Tools) -> Result<Vec<Missing>, BuildError> {
    let mut missing = Vec::new();
    for program in ["node", "npm"] {
        if which::which(program).is_err() {
            // npm is a package of its own in Debian only, and depends on nodejs.
            let what = format!("{program}, of Node.js 18 or newer");
            missing.push(Missing { what, command: tools::apt("nodejs npm") });
            break;
        }
    }
    let pinned = pinned(tools);
    if !pinned.is_complete() {
        pinned.write(PINS)?;
        // Not `npm ci`: it refuses a lock file without the optional packages of every platform, and not every registry has
        // them all. No scripts: what these packages do after installing is for systems that have no binary of esbuild.
        let install = format!("cd {} && npm install --no-progress --ignore-scripts", quoted(&pinned.folder));
        let what = "esbuild, componentize-qjs and typescript, from npm".to_owned();
        missing.push(Missing { what, command: pinned.then_complete(&install) });
    }
    Ok(missing)
}

/// The folder of npm's packages.
pub(super) fn packages(tools: &Tools) -> PathBuf {
    pinned(tools).folder.join("node_modules")
}

/// The program of a package for this platform: `scope/*/inner`. Asking node for it takes longer than most of its runs.
pub(super) fn program(packages: &Path, scope: &str, inner: &str) -> PathBuf {
    let folders = std::fs::read_dir(packages.join(scope)).into_iter().flatten().flatten();
    let mut programs = folders.map(|folder| folder.path().join(inner));
    programs.find(|program| program.is_file()).unwrap_or_else(|| packages.join(scope).join(inner))
}
