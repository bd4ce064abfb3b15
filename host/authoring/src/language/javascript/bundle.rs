//! Many modules and packages → one, by esbuild.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{shape, toolset};
use crate::{error::BuildError, language::Job};

/// What globals are taken from, where a module uses them and QuickJS has them not.
const GLOBALS: [&str; 3] = ["encoding", "clone", "url"];

/// Bundles the module and all that it imports, but what the world imports, into a module.
pub(super) fn module(job: &Job<'_>, world: &shape::World, entry: &Path) -> Result<PathBuf, BuildError> {
    let bundle = job.project.generated("js/bundle.js");
    run(job, world, entry, "esm", &bundle)?;
    Ok(bundle)
}

/// The same as a CommonJS module: a text that can be run at any time.
pub(super) fn script(job: &Job<'_>, world: &shape::World, entry: &Path) -> Result<PathBuf, BuildError> {
    let bundle = job.project.generated("js/script.js");
    run(job, world, entry, "cjs", &bundle)?;
    Ok(bundle)
}

fn run(job: &Job<'_>, world: &shape::World, entry: &Path, format: &str, bundle: &Path) -> Result<(), BuildError> {
    let packages = toolset::packages(job.tools);
    let sdk = job.project.generated("sdk");
    let is_logging = world.imports.iter().any(|name| name == LOGGING);
    let log = sdk.join(if is_logging { "runtime/log-wasi.js" } else { "runtime/log-stderr.js" });
    let mut esbuild = Command::new(toolset::program(&packages, "@esbuild", "bin/esbuild"));
    esbuild
        .arg(entry)
        .args(["--bundle", "--platform=neutral", "--main-fields=module,main", "--conditions=module,import"])
        .args(["--target=es2023", "--log-level=warning", "--log-limit=20"])
        .arg(format!("--format={format}"))
        .arg(format!("--outfile={}", bundle.display()))
        .arg(format!("--color={}", job.is_coloured))
        .arg(format!("--alias:witapi-sdk/runtime/log={}", log.display()))
        .arg(format!("--alias:witapi-sdk={}", sdk.display()))
        .args(GLOBALS.map(|name| format!("--inject:{}", sdk.join(format!("globals/{name}.js")).display())))
        // Asked for by what is ours in the bundle.
        .args(super::engine::ADDED.map(|added| format!("--external:{}", added.interface)))
        .args(world.imports.iter().map(|name| format!("--external:{name}")))
        .env("NODE_PATH", &packages);
    job.run(&mut esbuild).map(drop).map_err(|error| with_advice(error, job))
}

/// What `console` is written to, where the world imports it.
pub(super) const LOGGING: &str = "wasi:logging/logging@0.1.0-draft";

/// Says what is to be done about an interface that is not imported.
fn with_advice(error: BuildError, job: &Job<'_>) -> BuildError {
    let BuildError::Compiler { tool, said } = error else { return error };
    let unresolved = said.split("Could not resolve \"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut interfaces: Vec<&str> = unresolved.filter(|name| name.contains(':') && name.contains('/')).collect();
    interfaces.dedup();
    let world = job.wit.world_name();
    let advice: String = interfaces
        .iter()
        .map(|name| format!("\nThe world `{world}` does not import {name}; add `import {name};` to it, in wit/."))
        .collect();
    BuildError::Compiler { tool, said: format!("{}{advice}", said.trim_end()) }
}
