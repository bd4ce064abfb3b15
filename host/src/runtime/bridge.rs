//! How the host reads and writes streams and futures of a type that it knows only at run time.
//!
//! wasmtime gives a host the ends of a `stream<T>` only for a `T` of Rust. A guest may hold one of any type, and what
//! passes between two guests is checked and copied by the types of the components. So the host makes a small guest for
//! each item type, the *bridge*, beside the plugin in the same store: the plugin's end goes to it, and its functions give
//! and take the items as `list<T>`, whose layout in memory is that of a stream's buffer.
//!
//! `stream<u8>` needs none: see [`super::byte_stream`].

mod encode;
#[cfg(test)]
mod tests;

use wasmtime::{
    Engine, Store,
    component::{
        Accessor, Component, ComponentExportIndex, Func, FutureAny, Instance, InstancePre, Linker, StreamAny, Val,
    },
};

use super::sandbox::Sandbox;
use crate::contract::{Delivery, Layout, Shape, Type};

/// Bytes of items that a bridge reads at once, as far as they are of a fixed size.
const BUFFER: u64 = 16 << 10;

/// Items of a fixed size, and items with strings, that a bridge reads at once: a string of an answer is bounded, so a few
/// of them are.
const MAX_ITEMS: u64 = 128;
const MAX_STRINGS: u64 = 16;

/// The largest item, in bytes of a guest's memory without what it points to.
const MAX_ITEM: u64 = 16 << 20;

/// Which way the items go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    FromGuest,
    ToGuest,
}

/// What a bridge is for.
#[derive(Debug, Clone)]
pub struct Channel {
    pub delivery: Delivery,
    pub direction: Direction,
    pub item: Type,
}

/// A bridge, compiled and linked.
#[derive(Clone)]
pub struct Bridge {
    pre: InstancePre<Sandbox>,
    functions: Vec<(&'static str, ComponentExportIndex)>,
}

impl Channel {
    /// The bridge's component, the same bytes for the same types.
    ///
    /// # Errors
    ///
    /// An item takes more than 16 MiB of memory.
    pub fn component(&self) -> wasmtime::Result<Vec<u8>> {
        let Layout { size, .. } = Layout::of(&self.item);
        if size > MAX_ITEM {
            return Err(wasmtime::Error::msg(format!(
                "an item of `{}` takes {size} bytes of memory; wanted at most {MAX_ITEM}",
                self.delivery.describe(&self.item)
            )));
        }
        let most = match Extent::of(&self.item) {
            Extent::Fixed => MAX_ITEMS,
            Extent::Strings => MAX_STRINGS,
            Extent::Lists => 1,
        };
        let capacity = (BUFFER / size.max(1)).clamp(1, most);
        Ok(encode::component(self, size as u32, capacity as u32))
    }

    fn functions(&self) -> &'static [&'static str] {
        match (self.delivery, self.direction) {
            (Delivery::Stream, Direction::FromGuest) => &["open", "next"],
            (Delivery::Stream, Direction::ToGuest) => &["open", "write", "close"],
            (_, Direction::FromGuest) => &["get"],
            (_, Direction::ToGuest) => &["ready"],
        }
    }
}

impl Bridge {
    /// Links the compiled component of `channel`.
    ///
    /// # Errors
    ///
    /// None but for a mistake in [`encode`], or a pool that is too small for two memories.
    pub fn new(engine: &Engine, channel: &Channel, component: &Component) -> wasmtime::Result<Bridge> {
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
    pub async fn future(&self, store: &mut Store<Sandbox>, future: FutureAny) -> wasmtime::Result<Val> {
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
    pub async fn ready(&self, store: &mut Store<Sandbox>, value: Val) -> wasmtime::Result<Val> {
        let ready = self.instantiate(store).await?.function(store, "ready")?;
        let mut future = [Val::Bool(false)];
        ready.call_async(store, &[Val::List(vec![value])], &mut future).await?;
        let [future] = future;
        Ok(future)
    }

    /// The items of a stream that the plugin returned.
    ///
    /// # Errors
    ///
    /// The pool has no room for the bridge.
    pub async fn reader(&self, store: &mut Store<Sandbox>, stream: StreamAny) -> wasmtime::Result<Reader> {
        let ends = self.instantiate(store).await?;
        let (open, next) = (ends.function(store, "open")?, ends.function(store, "next")?);
        open.call_async(store, &[Val::Stream(stream)], &mut []).await?;
        Ok(Reader { next })
    }

    /// A stream for the plugin, and what writes to it.
    ///
    /// # Errors
    ///
    /// The pool has no room for the bridge.
    pub async fn writer(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<(Val, Writer)> {
        let ends = self.instantiate(store).await?;
        let open = ends.function(store, "open")?;
        let (write, close) = (ends.function(store, "write")?, ends.function(store, "close")?);
        let mut stream = [Val::Bool(false)];
        open.call_async(store, &[], &mut stream).await?;
        let [stream] = stream;
        Ok((stream, Writer { write, close }))
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

/// Reads the items of a stream.
pub struct Reader {
    next: Func,
}

impl Reader {
    /// The next items, at least one; `None` after the last. The plugin runs only as long as this is waited for.
    ///
    /// # Errors
    ///
    /// The plugin trapped, or waits for what never comes.
    pub async fn next(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<Option<Vec<Val>>> {
        let mut items = [Val::Bool(false)];
        self.next.call_async(store, &[], &mut items).await?;
        match items {
            [Val::List(items)] if !items.is_empty() => Ok(Some(items)),
            _ => Ok(None),
        }
    }
}

/// Writes the items of a stream, beside the plugin's own calls.
pub struct Writer {
    write: Func,
    close: Func,
}

impl Writer {
    /// Waits until the plugin has taken the items, and says whether it wants no more.
    ///
    /// # Errors
    ///
    /// The items do not fit into the memory that the call may have.
    pub async fn write(&self, accessor: &Accessor<Sandbox>, items: Vec<Val>) -> wasmtime::Result<bool> {
        let mut is_gone = [Val::Bool(false)];
        self.write.call_concurrent(accessor, &[Val::List(items)], &mut is_gone).await?;
        Ok(is_gone == [Val::Bool(true)])
    }

    /// Ends the stream.
    ///
    /// # Errors
    ///
    /// None but for a mistake in [`encode`].
    pub async fn close(&self, accessor: &Accessor<Sandbox>) -> wasmtime::Result<()> {
        self.close.call_concurrent(accessor, &[], &mut []).await
    }
}

/// Whether an item has a size of its own, or what makes it larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Extent {
    Fixed,
    Strings,
    Lists,
}

impl Extent {
    fn of(ty: &Type) -> Extent {
        let most = |types: &mut dyn Iterator<Item = &Type>| types.map(Extent::of).max().unwrap_or(Extent::Fixed);
        match ty {
            Type::Scalar(crate::contract::Scalar::String) => Extent::Strings,
            Type::Scalar(_) => Extent::Fixed,
            Type::Bytes | Type::List(_) | Type::Map(..) => Extent::Lists,
            Type::FixedList(item, _) | Type::Option(item) => Extent::of(item),
            Type::Tuple(types) => most(&mut types.iter()),
            Type::Result(ok, err) => most(&mut [ok, err].into_iter().flatten().map(AsRef::as_ref)),
            Type::Named(named) => match &named.shape {
                Shape::Alias(target) => Extent::of(target),
                Shape::Record(fields) => most(&mut fields.iter().map(|field| &field.ty)),
                Shape::Variant(cases) | Shape::Enum(cases) | Shape::Flags(cases) => {
                    most(&mut cases.iter().filter_map(|case| case.ty.as_ref()))
                }
            },
        }
    }
}
