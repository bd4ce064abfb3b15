//! Why a call has no result.

use wasmtime::{PoolConcurrencyLimitError, Store};

use crate::{
    runtime::{sandbox::Sandbox, scheduler::CpuTime},
    value::Unwritable,
};

/// See the module. The texts are for the log; clients see none of them.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    #[error("{0}")]
    Trap(String),
    #[error("the deadline was exceeded")]
    Deadline,
    /// The function returned what cannot be sent.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error("{CpuTime}; `cpu_ms` sets the limit")]
    CpuTime,
    /// Whoever made the [`Input`](super::Input) knows why.
    #[error("the request's stream ended early")]
    Input,
    /// The pool has no room although the scheduler admitted the call: a component with many memories or tables.
    #[error("no room for another instance: {0}")]
    NoRoom(String),
}

/// The request's stream ended before its time, or holds what is no item. Whoever made the [`Input`](super::Input) knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request's stream ended early")]
pub struct Broken;

/// Why a call in that store failed.
pub(super) fn failure(error: &wasmtime::Error, store: &Store<Sandbox>) -> CallError {
    if error.is::<PoolConcurrencyLimitError>() {
        CallError::NoRoom(format!("{error:#}"))
    } else if error.is::<Broken>() {
        CallError::Input
    } else if error.is::<CpuTime>() {
        CallError::CpuTime
    } else {
        CallError::Trap(describe(error, store.data().limits.was_reached))
    }
}

/// A trap for the log: what it was, where, and which limit is likely to be behind it.
fn describe(error: &wasmtime::Error, memory_limit_was_reached: bool) -> String {
    let mut text = format!("{error:#}");
    if memory_limit_was_reached {
        text.push_str(" (the memory limit was reached: `memory_mib`)");
    }
    // wasmtime has no public type for it.
    if text.contains("too much data is being copied") {
        text.push_str(" (`result_kib` sets the limit)");
    }
    text
}
