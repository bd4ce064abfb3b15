//! JSON ↔ component values, driven by the contract's types. See `docs/src/reference/values.md`.

pub mod fault;
pub mod image;
pub mod literal;
pub mod memory;
pub mod read;
pub mod reply;
pub mod rules;
pub mod scalar;
pub mod view;
pub mod write;

pub use fault::{Fault, Faults, Step};
pub use image::Image;
pub use memory::{At, Encoding, Memory};
pub use read::{Malformed, Member, Reader};
pub use reply::Reply;
pub use view::Unreadable;
pub use write::{Unwritable, write};
