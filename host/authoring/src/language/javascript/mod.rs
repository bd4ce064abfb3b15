//! JavaScript and TypeScript: bundled by esbuild, run by QuickJS inside of the component. TypeScript's compiler looks at types.

mod bundle;
mod draft;
mod engine;
mod entry;
mod sdk;
mod shape;
mod stubs;
mod toolset;
mod types;

use std::thread;

use super::toolchain::{Job, Toolchain};
use crate::{
    Project,
    error::BuildError,
    tools::{Missing, Tools},
    wit::Wit,
};

pub(super) struct JavaScript;

impl Toolchain for JavaScript {
    fn name(&self) -> &'static str {
        "JavaScript"
    }

    fn template(&self) -> &'static [(&'static str, &'static str)] {
        &[("src/index.js", include_str!("../../template/js/index.js"))]
    }

    fn stubs(&self, wit: &Wit) -> Result<String, BuildError> {
        stubs::write(wit, false)
    }

    fn version(&self) -> String {
        toolset::version()
    }

    fn missing(&self, _project: Option<&Project>, tools: &Tools) -> Result<Vec<Missing>, BuildError> {
        toolset::missing(tools)
    }

    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        compile(job).map(Some)
    }
}

pub(super) struct TypeScript;

impl Toolchain for TypeScript {
    fn name(&self) -> &'static str {
        "TypeScript"
    }

    fn template(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("src/index.ts", include_str!("../../template/ts/index.ts")),
            ("tsconfig.json", include_str!("../../template/ts/tsconfig.json")),
        ]
    }

    fn stubs(&self, wit: &Wit) -> Result<String, BuildError> {
        stubs::write(wit, true)
    }

    fn version(&self) -> String {
        toolset::version()
    }

    fn missing(&self, _project: Option<&Project>, tools: &Tools) -> Result<Vec<Missing>, BuildError> {
        toolset::missing(tools)
    }

    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        sdk::write(job.project)?;
        types::write(job.project, job.wit)?;
        // Both take their time, and each finds mistakes of its own; those of types say more.
        thread::scope(|scope| {
            let types = scope.spawn(|| types::check(job));
            let component = compile(job);
            let checked = types.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            checked.and(component).map(Some)
        })
    }
}

fn compile(job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    sdk::write(job.project)?;
    types::write(job.project, job.wit)?;
    let world = shape::World::of(job.wit)?;
    let world_name = engine::widen(job.wit)?;
    if job.is_draft
        && let Some(component) = draft::compile(job, &world, &world_name)?
    {
        return Ok(component);
    }
    let entry = entry::write(job, &world)?;
    let bundle = bundle::module(job, &world, &entry)?;
    engine::componentize(job, &world, &world_name, &bundle)
}
