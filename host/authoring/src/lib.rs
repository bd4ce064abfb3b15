//! What plugin authors run: from nothing to a plugin, in any language. It uses the host as a library, and nothing of the
//! host knows it. The modules stand one above the other; each uses those below it, and none above.

pub mod dev;

pub mod test;

pub mod offline;

pub mod new;

pub mod inspect;

pub mod build;

pub mod language;

pub mod project;

pub mod embed;

pub use language::{BuildError, tools};
pub(crate) use language::{component, error};
pub use offline::call;
pub use project::{Language, Project, wit};
pub(crate) use project::{generated, offered};
