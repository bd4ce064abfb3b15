//! How the host writes streams and futures of a type that it knows only at run time, and reads such futures.
//!
//! wasmtime gives a host the ends of a `stream<T>` only for a `T` of Rust. A guest may hold one of any type, and what
//! passes between two guests is checked and copied by the types of the components. So the host makes a small guest for
//! each item type, the *bridge*, beside the plugin in the same store: the plugin's end goes to it, and its functions give
//! and take the items as `list<T>`, whose layout in memory is that of a stream's buffer.
//!
//! Streams that a guest returns need none, since a bridge would run only when the guest lets it: see
//! [`super::direct`]. Nor does `stream<u8>` either way: see [`super::byte_stream`].

mod encode;
#[cfg(test)]
mod tests;

use wasmtime::{
    Engine, Store,
    component::{Accessor, Component, ComponentExportIndex, Func, FutureAny, Instance, InstancePre, Linker, Val},
};

use crate::{
    contract::{Delivery, Layout, Operation, Scalar, Type},
    runtime::sandbox::Sandbox,
};

/// The largest item, in bytes of a guest's memory without what it points to.
const MAX_ITEM: u64 = 16 << 20;

/// The end of a stream or a future that a bridge has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BridgeEnd {
    /// The plugin reads the stream.
    StreamIn,
    /// The plugin reads the future.
    FutureIn,
    /// The plugin writes the future.
    FutureOut,
}

/// What a bridge is for.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub end: BridgeEnd,
    pub item: Type,
}

/// A bridge, compiled and linked.
#[derive(Clone)]
pub(super) struct Bridge {
    pre: InstancePre<Sandbox>,
    functions: Vec<(&'static str, ComponentExportIndex)>,
}

impl Channel {
    /// The bridge's component, the same bytes for the same types.
    ///
    /// # Errors
    ///
    /// An item takes more than 16 MiB of memory.
    pub(super) fn component(&self) -> wasmtime::Result<Vec<u8>> {
        let Layout { size, .. } = Layout::of(&self.item);
        if size > MAX_ITEM {
            return Err(wasmtime::Error::msg(format!(
                "an item of type `{}` is too large: expected at most {MAX_ITEM} bytes of memory, found {size}",
                self.item.describe()
            )));
        }
        Ok(encode::component(self, size as u32))
    }

    fn functions(&self) -> &'static [&'static str] {
        match self.end {
            BridgeEnd::StreamIn => &["open", "write", "close"],
            BridgeEnd::FutureIn => &["ready"],
            BridgeEnd::FutureOut => &["get"],
        }
    }
}

impl Bridge {
    /// Links the compiled component of `channel`.
    ///
    /// # Errors
    ///
    /// None but for a mistake in [`encode`], or a pool that is too small for two memories.
    pub(super) fn new(engine: &Engine, channel: &Channel, component: &Component) -> wasmtime::Result<Bridge> {
        let pre = Linker::new(engine).instantiate_pre(component)?;
        let index = |name: &'static str| match component.get_export_index(None, name) {
            Some(index) => Ok((name, index)),
            None => Err(missing(name)),
        };
        let functions = channel.functions().iter().copied().map(index).collect::<wasmtime::Result<_>>()?;
        Ok(Bridge { pre, functions })
    }

    async fn instantiate(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<Ends<'_>> {
        let instance = self.pre.instantiate_async(store).await?;
        Ok(Ends { bridge: self, instance })
    }

    /// The value of a future that the plugin returned.
    ///
    /// # Errors
    ///
    /// The plugin trapped, or waits for what never comes.
    pub(super) async fn future(&self, store: &mut Store<Sandbox>, future: FutureAny) -> wasmtime::Result<Val> {
        let get = self.instantiate(store).await?.function(store, "get")?;
        let mut values = [Val::Bool(false)];
        get.call_async(store, &[Val::Future(future)], &mut values).await?;
        match values {
            [Val::List(mut values)] if values.len() == 1 => Ok(values.remove(0)),
            _ => Err(wasmtime::Error::msg("the future ended without a value")),
        }
    }

    /// A future for the plugin whose value is there already.
    ///
    /// # Errors
    ///
    /// The value does not fit into the memory that the call may have.
    pub(super) async fn ready(&self, store: &mut Store<Sandbox>, value: Val) -> wasmtime::Result<Val> {
        let ready = self.instantiate(store).await?.function(store, "ready")?;
        let mut future = [Val::Bool(false)];
        ready.call_async(store, &[Val::List(vec![value])], &mut future).await?;
        let [future] = future;
        Ok(future)
    }

    /// A stream for the plugin, and what writes to it.
    ///
    /// # Errors
    ///
    /// The pool has no room for the bridge.
    pub(super) async fn writer(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<(Val, Writer)> {
        let ends = self.instantiate(store).await?;
        let open = ends.function(store, "open")?;
        let (write, close) = (ends.function(store, "write")?, ends.function(store, "close")?);
        let mut stream = [Val::Bool(false)];
        open.call_async(store, &[], &mut stream).await?;
        let [stream] = stream;
        Ok((stream, Writer { write, close }))
    }
}

/// The bridges of an operation: what the host gives to a guest as a stream or a future, and a future's value.
#[derive(Default)]
pub(super) struct Bridges {
    /// With the index of the parameter.
    pub params: Vec<(usize, Bridge)>,
    pub result: Option<Bridge>,
}

impl Bridges {
    /// Makes those that the operation needs; `bridge` compiles one.
    ///
    /// # Errors
    ///
    /// Those of `bridge`.
    pub(super) fn of(
        operation: &Operation,
        mut bridge: impl FnMut(Channel) -> wasmtime::Result<Bridge>,
    ) -> wasmtime::Result<Bridges> {
        let mut bridges = Bridges::default();
        for (i, param) in operation.params.iter().enumerate() {
            let end = match (param.delivery, param.ty.resolved()) {
                (Delivery::Whole, _) | (Delivery::Stream, Type::Scalar(Scalar::U8)) => continue,
                (Delivery::Stream, _) => BridgeEnd::StreamIn,
                (Delivery::Future, _) => BridgeEnd::FutureIn,
            };
            bridges.params.push((i, bridge(Channel { end, item: param.ty.clone() })?));
        }
        if let (Some(item), Delivery::Future) = (operation.outcome.delivered(), operation.outcome.delivery) {
            bridges.result = Some(bridge(Channel { end: BridgeEnd::FutureOut, item })?);
        }
        Ok(bridges)
    }
}

/// An instance of a bridge.
struct Ends<'a> {
    bridge: &'a Bridge,
    instance: Instance,
}

impl Ends<'_> {
    fn function(&self, store: &mut Store<Sandbox>, name: &'static str) -> wasmtime::Result<Func> {
        let index = self.bridge.functions.iter().find(|(known, _)| *known == name).map(|(_, index)| *index);
        index.and_then(|index| self.instance.get_func(store, index)).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("a bridge without the function `{name}`"))
}

/// Writes the items of a stream, beside the plugin's own calls.
pub(super) struct Writer {
    write: Func,
    close: Func,
}

impl Writer {
    /// Waits until the plugin has taken the items, and says whether it wants no more.
    ///
    /// # Errors
    ///
    /// The items do not fit into the memory that the call may have.
    pub(super) async fn write(&self, accessor: &Accessor<Sandbox>, items: Vec<Val>) -> wasmtime::Result<bool> {
        let mut is_gone = [Val::Bool(false)];
        self.write.call_concurrent(accessor, &[Val::List(items)], &mut is_gone).await?;
        Ok(is_gone == [Val::Bool(true)])
    }

    /// Ends the stream.
    ///
    /// # Errors
    ///
    /// None but for a mistake in [`encode`].
    pub(super) async fn close(&self, accessor: &Accessor<Sandbox>) -> wasmtime::Result<()> {
        self.close.call_concurrent(accessor, &[], &mut []).await
    }
}
