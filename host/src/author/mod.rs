//! What plugin authors run: from nothing to a plugin, in any language. It uses the host as a library, and nothing of the
//! host knows it.

pub mod build;
pub mod call;
pub mod component;
pub mod dev;
pub mod language;
pub mod new;
pub mod offered;
pub mod offline;
pub mod project;
pub mod test;
pub mod tools;
pub mod wit;

pub use language::Language;
pub use project::Project;
