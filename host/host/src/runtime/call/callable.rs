//! A component that is ready to be called.

use std::{collections::HashMap, sync::Arc};

use wasmtime::{
    Store,
    component::{Component, ComponentExportIndex, Func, InstancePre, types::ComponentItem},
};

use super::{
    CallError, agree,
    bridge::{Bridge, Bridges, Channel},
    direct::DirectSignature,
    raw::Handler,
    reuse::Idle,
};
use crate::{
    config::Limits,
    contract::{Contract, Operation},
    keyvalue::Stores,
    runtime::{
        engine::Engines,
        sandbox::{
            Facts, Sandbox,
            grants::{self, Grant},
        },
        scheduler,
    },
    value::memory::VALUE,
};

/// Whether values can pass without wasmtime's own in between.
const IS_DIRECT: bool = cfg!(feature = "direct");

/// A component, ready to be instantiated, and the way to each of its operations.
pub struct Callable {
    pub(super) plugin: Arc<str>,
    pub(super) pre: InstancePre<Sandbox>,
    /// In the order of the contract's operations.
    pub(super) functions: Vec<ComponentExportIndex>,
    /// Like `functions`: of those that are called without values of wasmtime's in between.
    pub(super) signatures: Vec<Option<Arc<DirectSignature>>>,
    pub(super) engines: Engines,
    stores: Stores,
    pub(super) bounds: Bounds,
    /// Like `functions`.
    pub(super) bridges: Vec<Bridges>,
    /// The raw HTTP handler, if the component exports one.
    pub(super) handler: Option<Handler>,
    pub(super) idle: Idle,
}

/// Bytes of the host's memory that one byte of a result may take on its way: each byte of a `list<u8>` is a value of its
/// own, and wasmtime counts it as such.
const TRANSFER_PER_BYTE: usize = VALUE + 8;

/// The same for as many small items of a stream as pass at once, in bytes: they are no more than some 64 KiB of text.
const MIN_STREAM_TRANSFER: usize = 8 << 20;

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

impl Bounds {
    /// Those of a plugin with these limits.
    pub fn of(limits: &Limits, requests_per_instance: u32) -> Bounds {
        let transfer = |bytes: usize| bytes.saturating_mul(TRANSFER_PER_BYTE);
        Bounds {
            memory: limits.memory,
            result: limits.result,
            transfer: transfer(limits.result),
            stream_transfer: transfer(limits.result.max(limits.body)).max(MIN_STREAM_TRANSFER),
            log: limits.log,
            requests_per_instance,
        }
    }
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
        let linker = grants::linker(component.engine(), &contract.imports, granted)?;
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
            agree::check_items(it, &ty)?;
            if !IS_DIRECT && it.outcome.is_stream() && !it.outcome.is_raw() {
                let what = "returns a stream of items, which takes a host with the feature `direct`";
                return Err(wasmtime::Error::msg(format!("`{}` {what}", it.label())));
            }
            // The engine with component-model async passes values its own way.
            let is_direct = IS_DIRECT && !contract.uses_async && !it.has_streams();
            let signature =
                is_direct.then(|| DirectSignature::new(it, &ty, bounds.result, bounds.transfer)).transpose()?;
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
