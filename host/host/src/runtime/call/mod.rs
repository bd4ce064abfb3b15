//! One call of a component, from its store to its answer.
//!
//! A [`Callable`] is linked once. Each call has a store of its own; what it needs is beside it:
//!
//! - `invoke` calls a function and drops all of it,
//! - `stream` goes on after the function has returned,
//! - `raw` is a handler of HTTP,
//! - `direct` passes values through the guest's memory, `values` as wasmtime has them, `bridge` and `byte_stream` bit by bit,
//! - `reuse` keeps an instance for the next request, where the operator wants it.

mod agree;
mod before;
mod bridge;
mod byte_stream;
mod callable;
#[cfg_attr(not(feature = "direct"), path = "without_direct.rs")]
mod direct;
mod error;
mod invoke;
mod items;
mod raw;
mod reuse;
mod stream;
mod values;

pub use before::before;
pub use callable::{Bounds, Callable};
pub use error::{Broken, CallError};
pub use items::Items;
pub use raw::{EarlyEnd, GuestBody, Handled, HttpError, Task};
pub use stream::{Answer, Chunk, Input, Output};
pub use values::json_by_values;
