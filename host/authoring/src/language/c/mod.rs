//! C, by clang and the C library of WASI, with the bindings of wit-bindgen-c.

mod bindings;
mod compiler;

use super::toolchain::{Job, Toolchain};
use crate::{
    Project, component,
    error::BuildError,
    generated,
    tools::{Missing, Tools},
    wit::Wit,
};

pub(super) struct C;

impl Toolchain for C {
    fn name(&self) -> &'static str {
        "C"
    }

    fn template(&self) -> &'static [(&'static str, &'static str)] {
        &[
            // For clangd: where the flags are that it cannot know.
            (".clangd", "CompileFlags:\n  CompilationDatabase: .witapi\n"),
            ("src/plugin.c", include_str!("../../template/c/plugin.c")),
        ]
    }

    fn stubs(&self, wit: &Wit) -> Result<String, BuildError> {
        Ok(bindings::stubs(wit, &bindings::generate(wit)?))
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn missing(&self, _project: Option<&Project>, _tools: &Tools) -> Result<Vec<Missing>, BuildError> {
        Ok(compiler::missing())
    }

    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        let files = bindings::generate(job.wit)?;
        generated::replace(&job.project.generated("c"), &files)?;
        let core = compiler::compile(job, &files)?;
        component::encode(&core).map(Some)
    }
}
