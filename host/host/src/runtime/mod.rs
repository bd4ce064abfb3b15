//! The only code that knows wasmtime: engines, sandboxes, calls, and who may run when.
//!
//! - [`call`](self::call) runs a plugin's function, in an instance of its own, under limits and a deadline,
//! - the sandbox is what a guest can reach meanwhile: nothing but what was granted,
//! - the [`scheduler`] says who may run when,
//! - the engines compile, keep what was compiled, and have the room for instances.
//!
//! A `Store` is never seen outside of here, nor any other type of wasmtime's.

mod call;

pub mod sandbox;

pub mod scheduler;

mod engine;

pub use call::{
    Answer, Bounds, Broken, CallError, Callable, Chunk, EarlyEnd, GuestBody, Handled, HttpError, Input, Items, Output,
    Task, before, json_by_values,
};
pub use engine::{CodeCache, EngineError, Engines, PoolSize};
pub use sandbox::{
    Facts,
    grants::{self, Grant, Refused},
};
pub use scheduler::{Charge, Experience, Late, NoRoom, Permit, Scheduler, Share, TurnedAway};
