//! C.

use super::{Job, Toolchain};
use crate::author::{
    Project,
    build::BuildError,
    tools::{Missing, Tools},
    wit::Wit,
};

pub struct C;

impl Toolchain for C {
    fn name(&self) -> &'static str {
        "C"
    }

    fn entries(&self) -> &'static [&'static str] {
        &["src/plugin.c"]
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
        Ok(Vec::new())
    }

    fn compile(&self, _job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        Err(BuildError::Unsupported("this language is not there yet".into()))
    }
}
