//! One call: instantiate → call → drop, under limits and a deadline.

use std::sync::Arc;

use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};
use wasmtime::{
    PoolConcurrencyLimitError, Store, UpdateDeadline,
    component::{Component, ComponentExportIndex, InstancePre, Val},
};

use super::{Engines, facts::Facts, grants::Grant, sandbox::Sandbox};
use crate::{
    contract::{Contract, Operation},
    keyvalue::Stores,
};

/// A component, ready to be instantiated, and the way to each of its operations.
pub struct Callable {
    plugin: Arc<str>,
    pre: InstancePre<Sandbox>,
    /// In the order of the contract's operations.
    functions: Vec<ComponentExportIndex>,
    engines: Engines,
    stores: Stores,
    bounds: Bounds,
}

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of linear memory.
    pub memory: usize,
    /// Bytes of the host's memory that the values of one call into or out of the guest may take.
    pub transfer: usize,
    /// Bytes of stdout and of stderr that reach the log.
    pub log: usize,
}

/// Why a call has no result. The texts are for the log; clients see none of them.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("{0}")]
    Trap(String),
    #[error("the deadline passed")]
    Deadline,
    /// The pool has no room although the scheduler admitted the call: a component with many memories or tables.
    #[error("no room for another instance: {0}")]
    NoRoom(String),
}

impl Callable {
    /// Links `component` with what is granted.
    ///
    /// # Errors
    ///
    /// It does not link, or does not fit into the pool.
    pub fn new(
        plugin: &str,
        component: &Component,
        contract: &Contract,
        granted: &[Grant],
        engines: &Engines,
        stores: &Stores,
        bounds: Bounds,
    ) -> wasmtime::Result<Callable> {
        let linker = super::grants::linker(component.engine(), &contract.imports, granted)?;
        let pre = linker.instantiate_pre(component)?;
        let index = |operation: &Operation| {
            let instance = match &operation.instance {
                Some(name) => Some(component.get_export_index(None, name)?),
                None => None,
            };
            component.get_export_index(instance.as_ref(), &operation.function)
        };
        let functions = contract
            .operations
            .iter()
            .map(|it| index(it).ok_or_else(|| wasmtime::Error::msg(format!("no export for `{}`", it.label()))))
            .collect::<wasmtime::Result<_>>()?;
        Ok(Callable { plugin: plugin.into(), pre, functions, engines: engines.clone(), stores: stores.clone(), bounds })
    }

    /// Calls the operation of that index in an instance of its own, which ends with the call or with its future:
    /// whoever drops the future cancels the call.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call(
        &self,
        operation: usize,
        has_result: bool,
        args: Vec<Val>,
        facts: Facts,
        deadline: Instant,
    ) -> Result<Option<Val>, CallError> {
        let _running = self.engines.running();
        let sandbox =
            Sandbox::new(self.plugin.clone(), facts, self.stores.clone(), self.bounds.memory, self.bounds.log);
        let mut store = Store::new(self.pre.engine(), sandbox);
        store.limiter(|sandbox| &mut sandbox.limits);
        store.set_hostcall_fuel(self.bounds.transfer);
        store.set_epoch_deadline(1);
        // Not wasmtime's own yield: tokio's lets the other tasks and the sockets of the thread have their turn.
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::YieldCustom(1, Box::pin(yield_now()))));

        let mut results = if has_result { vec![Val::Bool(false)] } else { vec![] };
        let call = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            let function = instance
                .get_func(&mut store, self.functions[operation])
                .ok_or_else(|| wasmtime::Error::msg("the export is no function"))?;
            function.call_async(&mut store, &args, &mut results).await
        };
        match timeout_at(deadline, call).await {
            Ok(Ok(())) => Ok(results.pop()),
            Ok(Err(error)) if error.is::<PoolConcurrencyLimitError>() => Err(CallError::NoRoom(format!("{error:#}"))),
            Ok(Err(error)) => Err(CallError::Trap(describe(&error, store.data().limits.was_reached))),
            Err(_) => Err(CallError::Deadline),
        }
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
