//! Rust, by cargo. `witapi-sdk` makes the bindings while it compiles.

mod sdk;
mod seed;
mod stubs;
mod toolchain;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use self::toolchain::Chosen;
use super::toolchain::{Job, Toolchain};
use crate::{
    Project, component,
    error::BuildError,
    tools::{Missing, Tools},
    wit::Wit,
};

pub(super) struct Rust;

/// What makes `witapi dev` fast: measured with the template, a change of one function takes 0.4 s of a core with these
/// and 1.7 s without. All that counts is `incremental`, which link-time optimisation rules out.
const DRAFT: [(&str, &str); 5] = [
    ("CARGO_INCREMENTAL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
];

impl Toolchain for Rust {
    fn name(&self) -> &'static str {
        "Rust"
    }

    fn template(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("Cargo.toml", seed::MANIFEST),
            ("Cargo.lock", seed::LOCK),
            (".gitignore", include_str!("../../template/rust/gitignore")),
            ("src/lib.rs", include_str!("../../template/rust/src/lib.rs")),
        ]
    }

    fn filled(&self, text: &str, name: &str) -> String {
        seed::filled(text, name)
    }

    fn stubs(&self, wit: &Wit) -> Result<String, BuildError> {
        stubs::of(wit)
    }

    fn version(&self) -> String {
        format!("{} {}", env!("CARGO_PKG_VERSION"), sdk::digest())
    }

    fn missing(&self, project: Option<&Project>, tools: &Tools) -> Result<Vec<Missing>, BuildError> {
        Ok(toolchain::missing(&toolchain::target(project), tools))
    }

    fn sees_more_than_the_folder(&self) -> bool {
        true
    }

    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        let target = toolchain::target(Some(job.project));
        let chosen = Chosen::of(&target, job.tools);
        let mut cargo = cargo(&target, &chosen, job.is_draft);
        if sdk::is_used_by(job.project) {
            sdk::write(&job.project.generated("sdk"))?;
        }
        // An author who has a folder for all that cargo makes wants it there.
        if env::var_os("CARGO_TARGET_DIR").is_none_or(|folder| folder.is_empty()) {
            cargo.env("CARGO_TARGET_DIR", seed::target_folder(job, &target, &chosen)?);
        }
        if job.is_coloured {
            cargo.args(["--color", "always"]);
        }
        // Cargo knows a crate by its name and its place within its workspace, and would take another folder's for it.
        let folder = HEXLOWER.encode(&Sha256::digest(job.project.folder.as_os_str().as_encoded_bytes()));
        cargo.args(["--message-format", "json-render-diagnostics", "--"]).arg(format!("-Cmetadata={}", &folder[..16]));
        let said = job.run(&mut cargo)?;
        let artifact = said.split(|byte| *byte == b'\n').rev().find_map(|line| {
            let message: serde_json::Value = serde_json::from_slice(line).ok()?;
            let files = message.get("filenames")?.as_array()?;
            files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
        });
        let Some(artifact) = artifact else {
            return Err(BuildError::Unsupported(format!(
                "cargo built no .wasm file for {target}; expected that of the crate's library"
            )));
        };
        let changed = |file: &Path| fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
        if job.earlier.and_then(changed).is_some_and(|earlier| changed(&artifact).is_some_and(|now| now < earlier)) {
            return Ok(None);
        }
        let module = fs::read(&artifact).map_err(|error| BuildError::Io { file: artifact, error })?;
        // The linker for wasm32-wasip2 makes a component.
        if wasmparser::Parser::is_component(&module) {
            return Ok(Some(module));
        }
        component::encode(&module).map(Some)
    }
}

/// Cargo as it builds a plugin's crate, up to what is said of one project. The crate need not say that it is a `cdylib`.
fn cargo(target: &str, chosen: &Chosen, is_draft: bool) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["rustc", "--quiet", "--release", "--lib", "--crate-type", "cdylib", "--target", target]);
    chosen.apply(&mut cargo, target);
    if is_draft {
        cargo.envs(DRAFT);
    }
    cargo
}
