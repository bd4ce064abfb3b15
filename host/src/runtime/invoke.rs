//! One call: instantiate → call → drop, under limits and a deadline.

use std::{collections::HashMap, pin::pin, sync::Arc};

use tokio::time::Instant;
use wasmtime::{
    PoolConcurrencyLimitError, Store,
    component::{Component, ComponentExportIndex, Func, InstancePre, Val, types::ComponentItem},
};

use super::{
    Broken, Engines,
    bridge::{Bridge, Channel},
    direct::{self, Signature},
    facts::Facts,
    grants::Grant,
    raw::Handler,
    reuse::{Idle, Live},
    sandbox::Sandbox,
    scheduler::{self, CpuTime},
    stream::Bridges,
};
use crate::{
    before::before,
    contract::{Contract, Delivery, Operation, Param, layout::offsets},
    keyvalue::Stores,
    value::{Image, Reply, Unwritable},
};

/// A component, ready to be instantiated, and the way to each of its operations.
pub struct Callable {
    pub(super) plugin: Arc<str>,
    pre: InstancePre<Sandbox>,
    /// In the order of the contract's operations.
    functions: Vec<ComponentExportIndex>,
    /// Like `functions`: of those that are called without values of wasmtime's in between.
    signatures: Vec<Option<Arc<Signature>>>,
    pub(super) engines: Engines,
    stores: Stores,
    pub(super) bounds: Bounds,
    /// Like `functions`.
    pub(super) bridges: Vec<Bridges>,
    /// The raw HTTP handler, if the component exports one.
    pub(super) handler: Option<Handler>,
    idle: Idle,
}

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of linear memory.
    pub memory: usize,
    /// Bytes that the body of an answer may have.
    pub result: usize,
    /// Bytes of the host's memory that the values of one call into or out of the guest may take.
    pub transfer: usize,
    /// The same for each passing of items in a call with streams: a few at once.
    pub stream_transfer: usize,
    /// Bytes of the log that the call's own lines may take.
    pub log: usize,
    /// Calls that an instance serves, one after another.
    pub requests_per_instance: u32,
}

/// Why a call has no result. The texts are for the log; clients see none of them.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    #[error("{0}")]
    Trap(String),
    #[error("the deadline passed")]
    Deadline,
    /// The function returned what cannot be sent.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error("{CpuTime}; `cpu_ms` sets the limit")]
    CpuTime,
    /// Whoever made the [`Input`](super::Input) knows why.
    #[error("the request's stream broke off")]
    Input,
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
        let export = |operation: &Operation| {
            let instance = match &operation.instance {
                Some(name) => Some(component.get_export_index(None, name)?),
                None => None,
            };
            component.get_export(instance.as_ref(), operation.function.as_str())
        };
        let mut functions = Vec::with_capacity(contract.operations.len());
        let mut signatures = Vec::with_capacity(contract.operations.len());
        for it in &contract.operations {
            let missing = || wasmtime::Error::msg(format!("no export for `{}`", it.label()));
            let (item, function) = export(it).ok_or_else(missing)?;
            let ComponentItem::ComponentFunc(ty) = item else { return Err(missing()) };
            direct::check_items(it, &ty)?;
            // The engine with component-model async passes values its own way.
            let is_direct = !contract.uses_async && !it.has_streams();
            let signature = is_direct.then(|| Signature::new(it, &ty, bounds.result, bounds.transfer)).transpose()?;
            functions.push(function);
            signatures.push(signature.map(Arc::new));
        }
        let handler = contract.raw.as_ref().map(|raw| Handler::new(&pre, raw.generation)).transpose()?;
        let (engines, stores) = (engines.clone(), stores.clone());
        let (plugin, idle) = (plugin.into(), Idle::new(bounds.requests_per_instance));
        Ok(Callable { plugin, pre, functions, signatures, engines, stores, bounds, bridges: vec![], handler, idle })
    }

    /// The same with the bridges that `contract` needs, which `compile` compiles.
    ///
    /// # Errors
    ///
    /// A stream has items that are too large, or a bridge does not fit into the pool.
    pub fn with_bridges(
        mut self,
        contract: &Contract,
        compile: impl Fn(&[u8]) -> wasmtime::Result<Component>,
    ) -> wasmtime::Result<Callable> {
        let engine = self.pre.engine();
        let mut known: HashMap<Vec<u8>, Bridge> = HashMap::new();
        let mut bridge = |channel: Channel| {
            let component = channel.component()?;
            if let Some(bridge) = known.get(&component) {
                return Ok(bridge.clone());
            }
            let bridge = Bridge::new(engine, &channel, &compile(&component)?)?;
            known.insert(component, bridge.clone());
            Ok(bridge)
        };
        let bridges =
            contract.operations.iter().map(|it| Bridges::of(it, &mut bridge)).collect::<wasmtime::Result<_>>()?;
        self.bridges = bridges;
        Ok(self)
    }

    /// Calls the operation of that index in an instance of its own, which ends with the call or with its future:
    /// whoever drops the future cancels the call. Only if the operator wants it does another call follow in an instance
    /// whose call has returned.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call(
        &self,
        operation: &Operation,
        index: usize,
        args: Image,
        facts: Box<Facts>,
        deadline: Instant,
    ) -> Result<Reply, CallError> {
        if args.is_too_large() {
            return Err(self.too_large());
        }
        let _running = self.engines.running();
        let mut live = self.live(facts);
        let called = {
            // By reference, so that a large future is not moved.
            let call = pin!(async {
                let function = live.function(&self.pre, &self.functions[index]).await?;
                match &self.signatures[index] {
                    Some(signature) => signature.call(&mut live.store, function, args).await,
                    None => call_with_values(operation, &mut live.store, function, &args, self.bounds.result).await,
                }
            });
            before(deadline, call).await
        };
        match called {
            Ok(Ok(reply)) => {
                self.idle.keep(live, self.engines.waiting());
                Ok(reply?)
            }
            Ok(Err(error)) => Err(failure(&error, &live.store)),
            Err(_) => Err(CallError::Deadline),
        }
    }

    /// Makes an instance as a call would, and drops it.
    ///
    /// # Errors
    ///
    /// Its start function traps, or the pool has no room.
    pub async fn instantiate(&self, facts: Box<Facts>) -> Result<(), CallError> {
        let _running = self.engines.running();
        let mut store = self.store(facts, self.bounds.transfer);
        let made = self.pre.instantiate_async(&mut store).await.map(drop);
        made.map_err(|error| failure(&error, &store))
    }

    /// A store for one call, or one whose instance has served others, if the operator wants that.
    fn live(&self, facts: Box<Facts>) -> Live {
        match self.idle.take(self.engines.waiting()) {
            None => Live::new(self.store(facts, self.bounds.transfer)),
            Some(mut live) => {
                live.store.data_mut().begin_call(facts);
                live.store.set_epoch_deadline(1);
                live
            }
        }
    }

    /// Why arguments that take more memory than an instance may have are not passed.
    pub(super) fn too_large(&self) -> CallError {
        let memory = self.bounds.memory;
        CallError::Trap(format!("the arguments take more than {memory} bytes of memory; `memory_mib` sets the limit"))
    }

    /// A store for one call, under the plugin's limits.
    pub(super) fn store(&self, facts: Box<Facts>, transfer: usize) -> Store<Sandbox> {
        let sandbox =
            Sandbox::new(self.plugin.clone(), facts, self.stores.clone(), self.bounds.memory, self.bounds.log);
        let mut store = Store::new(self.pre.engine(), sandbox);
        store.limiter(|sandbox| &mut sandbox.limits);
        // It bounds each passing of values on its own, so a stream may pass any number of them.
        store.set_hostcall_fuel(transfer);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| scheduler::at_tick());
        store
    }

    /// The function of that index in a new instance.
    pub(super) async fn function(&self, store: &mut Store<Sandbox>, operation: usize) -> wasmtime::Result<Func> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let function = instance.get_func(store, self.functions[operation]);
        function.ok_or_else(|| wasmtime::Error::msg("the export is no function"))
    }
}

/// Instances that wait leave the count with their plugin.
impl Drop for Callable {
    fn drop(&mut self) {
        self.engines.waiting().remove(self.idle.count());
    }
}

/// Calls a function by values as wasmtime has them: one that may be async.
async fn call_with_values(
    operation: &Operation,
    store: &mut Store<Sandbox>,
    function: Func,
    args: &Image,
    limit: usize,
) -> wasmtime::Result<Result<Reply, Unwritable>> {
    let args = values(operation, args)?;
    let mut results = if operation.outcome.has_result() { vec![Val::Bool(false)] } else { vec![] };
    function.call_async(store, &args, &mut results).await?;
    Ok(Reply::of(&operation.outcome, results.first(), limit))
}

/// The arguments of a call as wasmtime has them, with any value in the place of a stream.
///
/// # Errors
///
/// There is not a value for each: the image was made for another operation.
pub(super) fn values(operation: &Operation, args: &Image) -> wasmtime::Result<Vec<Val>> {
    let places = offsets(operation.params.iter().map(|param| &param.ty));
    let value = |(param, at): (&Param, usize)| match param.delivery {
        Delivery::Stream => Some(Val::Bool(false)),
        Delivery::Whole | Delivery::Future => args.val(at, &param.ty),
    };
    let values: Option<_> = operation.params.iter().zip(places).map(value).collect();
    values.ok_or_else(|| wasmtime::Error::msg("the arguments do not fit the function"))
}

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
