//! What plugin authors run: from nothing to a plugin, in any language. It uses the host as a library, and nothing of the
//! host knows it. The modules stand one above the other; each uses those below it, and none above.

pub mod dev;

pub mod test;

pub mod offline;

pub mod call;

pub mod new;

pub mod inspect;

pub mod build;

pub mod language;

mod component;

mod error;

pub mod wit;

mod generated;

mod offered;

pub mod project;

pub mod embed;

pub mod tools;

pub use error::BuildError;
pub use project::{Language, Project};
