//! The languages that plugins are built from. Each is a [`Toolchain`]; `build` drives them all alike.

mod c;
pub(crate) mod component;
pub(crate) mod error;
mod go;
mod javascript;
mod limits;
mod python;
mod rust;
mod toolchain;
pub mod tools;

pub use error::BuildError;
pub use toolchain::{Job, Toolchain};

use crate::project::Language;

/// What builds plugins of that language.
pub fn toolchain(language: Language) -> &'static dyn Toolchain {
    match language {
        Language::Rust => &rust::Rust,
        Language::Python => &python::Python,
        Language::TypeScript => &javascript::TypeScript,
        Language::JavaScript => &javascript::JavaScript,
        Language::Go => &go::Go,
        Language::C => &c::C,
    }
}
