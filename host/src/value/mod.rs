//! JSON ↔ component values, driven by the contract's types. The table is in `wit/README.md`, "Values".

pub mod fault;
pub mod literal;
pub mod read;
pub mod rules;
pub mod scalar;
pub mod write;

pub use fault::{Fault, Faults, Step};
pub use read::{Malformed, Member, Reader};
pub use write::{Unwritable, write};
