//! Rust, by cargo. `witapi-sdk` makes the bindings while it compiles.

use std::{fs, path::PathBuf, process::Command};

use super::{Job, Toolchain};
use crate::author::{
    Project,
    build::BuildError,
    component,
    tools::{Missing, Tools},
    wit::Wit,
};

pub struct Rust;

const TARGET: &str = "wasm32-unknown-unknown";

impl Toolchain for Rust {
    fn name(&self) -> &'static str {
        "Rust"
    }

    fn entries(&self) -> &'static [&'static str] {
        &["src/lib.rs"]
    }

    fn template(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn stubs(&self, _wit: &Wit) -> Result<String, BuildError> {
        Err(BuildError::Unsupported("stubs are not there yet".into()))
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn missing(&self, _project: Option<&Project>, _tools: &Tools) -> Result<Vec<Missing>, BuildError> {
        let cargo = Missing { what: "Rust".into(), command: crate::author::tools::apt("cargo") };
        Ok(if which::which("cargo").is_err() { vec![cargo] } else { Vec::new() })
    }

    fn sees_more_than_the_folder(&self) -> bool {
        true
    }

    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"])
            .env("CARGO_TARGET_DIR", job.tools.shared("rust-target"));
        let said = job.run(&mut cargo)?;
        let artifact = said.split(|byte| *byte == b'\n').rev().find_map(|line| {
            let message: serde_json::Value = serde_json::from_slice(line).ok()?;
            let files = message.get("filenames")?.as_array()?;
            files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
        });
        let Some(artifact) = artifact else {
            let wanted = "the crate makes no .wasm file; its Cargo.toml needs:  [lib] crate-type = [\"cdylib\"]";
            return Err(BuildError::Unsupported(wanted.into()));
        };
        let changed = |file: &std::path::Path| fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
        if job.earlier.and_then(changed).is_some_and(|earlier| changed(&artifact).is_some_and(|now| now < earlier)) {
            return Ok(None);
        }
        let module = fs::read(&artifact).map_err(|error| BuildError::Io { file: artifact, error })?;
        component::encode(&module).map(Some)
    }
}
