//! The only code that touches a wasmtime `Store`: engines, sandboxes, calls, and who may run when.

pub mod bridge;
pub mod byte_stream;
pub mod code_cache;
pub mod direct;
pub mod engine;
pub mod facts;
pub mod function_cache;
pub mod grants;
pub mod guest_output;
pub mod invoke;
mod pool;
mod private;
pub mod raw;
mod reuse;
pub mod sandbox;
pub mod scheduler;
pub mod stream;

pub use direct::Items;
pub use engine::Engines;
pub use facts::Facts;
pub use grants::{Grant, Refused};
pub use invoke::{CallError, Callable};
pub use pool::PoolSize;
pub use raw::{Failure, Handled, Handler, Task};
pub use scheduler::{Charge, Experience, Late, NoRoom, Permit, Scheduler, Share, TurnedAway};
pub use stream::{Answer, Broken, Chunk, Input, Output};
