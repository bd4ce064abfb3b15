//! A call whose arguments are lowered straight into the guest's memory from an [`Image`], and whose result is lifted
//! straight from there into the answer, without a tree of values in between.
//!
//! wasmtime calls a function without such a tree only for types of Rust that are known when the host is built. What the
//! types of a plugin are is known when it is loaded. So [`abi`] stands for all types, and they are compared there and then
//! (`call/agree`), once.
//!
//! What always holds:
//!
//! - a [`DirectSignature`] is made only of the types that wasmtime itself has of the function;
//! - no byte of a guest is taken for what it says it is: each address, length, discriminant, character and string is checked
//!   where it is read (`value::memory`), and nothing of the guest's memory is kept;
//! - all `unsafe` is in [`abi`], which the cargo feature `direct` leaves out. Then values pass as wasmtime has them, in
//!   several times the time, and a function that returns a stream of items is not loaded.

mod abi;
mod flat;
mod items;

use std::{pin::pin, sync::Arc};

use tokio::task_local;
use wasmtime::{
    Store,
    component::{Func, types::ComponentFunc},
};

use super::agree;
use crate::{
    contract::{Layout, Operation, Outcome, Type},
    runtime::sandbox::Sandbox,
    value::{Image, Memory, Reply, Unreadable, Unwritable},
};

pub(super) use items::pipe;

/// What has to be known of a function to call it. Made once, when its plugin is loaded.
pub(super) struct DirectSignature {
    params: Box<[Type]>,
    /// Of all parameters.
    layout: Layout,
    outcome: Outcome,
    /// Bytes that the answer's body may have.
    limit: usize,
    /// Bytes that may be read of a result, as wasmtime counts them.
    transfer: usize,
}

task_local! {
    /// The function that runs in the task. wasmtime says nothing of it to who lifts its result.
    static RUNNING: Arc<DirectSignature>;
}

impl DirectSignature {
    /// That of `operation`, which is `function` of its component.
    ///
    /// # Errors
    ///
    /// The two differ.
    pub(super) fn new(
        operation: &Operation,
        function: &ComponentFunc,
        limit: usize,
        transfer: usize,
    ) -> wasmtime::Result<DirectSignature> {
        agree::check(operation, function)?;
        let params: Box<[Type]> = operation.params.iter().map(|param| param.ty.clone()).collect();
        let layout = Layout::record(params.iter());
        Ok(DirectSignature { params, layout, outcome: operation.outcome.clone(), limit, transfer })
    }

    /// Calls `function`, whose signature it is, with the arguments that `image` holds.
    ///
    /// # Errors
    ///
    /// It trapped, or what it returned is no value. Inside, it has an answer, or none that can be sent.
    pub(super) async fn call(
        self: &Arc<Self>,
        store: &mut Store<Sandbox>,
        function: Func,
        image: Image,
    ) -> wasmtime::Result<Result<Reply, Unwritable>> {
        let call = pin!(abi::call(store, function, abi::Arguments { signature: self, image }));
        RUNNING.scope(self.clone(), call).await
    }

    /// The answer to what the function returned, a value in `memory` or `flat`.
    fn reply(&self, memory: &Memory<'_>, flat: wasmtime::ValRaw) -> Result<Result<Reply, Unwritable>, Unreadable> {
        let bytes;
        let value = match &self.outcome.returned {
            None => None,
            Some(ty) if Layout::of(ty).flat <= 1 => {
                bytes = flat::bytes(ty, flat)?;
                Some(crate::value::At::new(&bytes, memory))
            }
            Some(ty) => Some(crate::value::At::address("return", flat.get_u32(), Layout::of(ty), memory)?),
        };
        match Reply::of(&self.outcome, value, self.limit) {
            // wasmtime takes it as the trap that it is: nothing of the instance runs any more.
            Err(Unwritable::Unreadable { path, found }) => Err(format!("the result at `{path}`: {found}").into()),
            reply => Ok(reply),
        }
    }
}

/// The signature of the function that runs. Its own function, so that no address of a thread's is kept across a switch of
/// fibers, behind which the thread may be another one.
#[inline(never)]
fn running() -> Option<Arc<DirectSignature>> {
    RUNNING.try_with(Arc::clone).ok()
}
