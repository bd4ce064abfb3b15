//! A call with streams or futures: what goes in while it runs, and what comes out after its function has returned.

use std::{mem, pin::Pin};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};
use wasmtime::{
    Store,
    component::{Accessor, AccessorTask, Val},
};

use super::{
    Callable, Facts,
    bridge::{self, Bridge, Channel, Direction},
    byte_stream,
    engine::Running,
    invoke::{CallError, failure, values},
    sandbox::Sandbox,
};
use crate::{
    contract::{Body, Delivery, Operation, Scalar, Type},
    value::Image,
};

/// The stream that a request brings.
pub enum Input {
    Bytes(byte_stream::Input),
    /// A few items at a time, as they arrive.
    Items(Pin<Box<dyn Stream<Item = Result<Vec<Val>, Broken>> + Send>>),
}

/// The request's stream ended before its time, or holds what is no item. Whoever made the [`Input`] knows why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request's stream broke off")]
pub struct Broken;

/// What a function returned.
pub enum Answer {
    Value(Option<Val>),
    Stream(Output),
}

/// A call whose function has returned a stream. Its instance ends with it.
pub struct Output {
    // Dropped in this order: the clock runs as long as the store is there.
    store: Store<Sandbox>,
    source: Source,
    _running: Running,
}

enum Source {
    Bytes(byte_stream::Reader),
    Items(bridge::Reader),
}

/// What a stream brought next.
pub enum Chunk {
    Bytes(Bytes),
    /// At least one.
    Items(Vec<Val>),
}

impl Output {
    /// What comes next; `None` after the last. The guest runs only as long as this is waited for.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. There is no next then.
    pub async fn next(&mut self) -> Result<Option<Chunk>, CallError> {
        let Output { store, source, .. } = self;
        let next = match source {
            Source::Bytes(reader) => reader.next(store).await.map(|bytes| bytes.map(Chunk::Bytes)),
            Source::Items(reader) => reader.next(store).await.map(|items| items.map(Chunk::Items)),
        };
        next.map_err(|error| failure(&error, &self.store))
    }
}

/// The bridges of an operation.
#[derive(Default)]
pub struct Bridges {
    /// With the index of the parameter.
    params: Vec<(usize, Bridge)>,
    result: Option<Bridge>,
}

impl Bridges {
    /// Makes those that the operation needs; `bridge` compiles one.
    ///
    /// # Errors
    ///
    /// Those of `bridge`.
    pub fn of(
        operation: &Operation,
        mut bridge: impl FnMut(Channel) -> wasmtime::Result<Bridge>,
    ) -> wasmtime::Result<Bridges> {
        let mut bridges = Bridges::default();
        for (i, param) in operation.params.iter().enumerate() {
            if needs_bridge(param.delivery, &param.ty) {
                let (delivery, item) = (param.delivery, param.ty.clone());
                bridges.params.push((i, bridge(Channel { delivery, direction: Direction::ToGuest, item })?));
            }
        }
        if let Some(item) = operation.outcome.delivered().filter(|ty| needs_bridge(operation.outcome.delivery, ty)) {
            let delivery = operation.outcome.delivery;
            bridges.result = Some(bridge(Channel { delivery, direction: Direction::FromGuest, item })?);
        }
        Ok(bridges)
    }
}

fn needs_bridge(delivery: Delivery, item: &Type) -> bool {
    match delivery {
        Delivery::Whole => false,
        Delivery::Future => true,
        Delivery::Stream => !matches!(item.resolved(), Type::Scalar(Scalar::U8)),
    }
}

impl Callable {
    /// Calls an operation that has streams or futures. Unlike [`Callable::call`], the instance outlives the function if that
    /// returns a stream. `args` has nothing in the place of the stream that is `input`.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn start(
        &self,
        operation: &Operation,
        index: usize,
        args: Image,
        input: Option<Input>,
        facts: Box<Facts>,
        deadline: Instant,
    ) -> Result<Answer, CallError> {
        if args.is_too_large() {
            return Err(self.too_large());
        }
        let running = self.engines.running();
        let mut store = self.store(facts, self.bounds.stream_transfer);
        let mut results = if operation.outcome.has_result() { vec![Val::Bool(false)] } else { vec![] };
        let bridges = &self.bridges[index];
        let call = async {
            let mut args = values(operation, &args)?;
            let function = self.function(&mut store, index).await?;
            for (i, bridge) in &bridges.params {
                if operation.params[*i].delivery == Delivery::Future {
                    let value = mem::replace(&mut args[*i], Val::Bool(false));
                    args[*i] = bridge.ready(&mut store, value).await?;
                }
            }
            if let (Body::Stream(i), Some(input)) = (operation.body, input) {
                args[i] = match input {
                    Input::Bytes(input) => byte_stream::writer(&mut store, input)?,
                    Input::Items(input) => {
                        let bridge = bridges.params.iter().find(|(param, _)| *param == i).map(|(_, bridge)| bridge);
                        let bridge = bridge.ok_or_else(|| wasmtime::Error::msg("a stream without a bridge"))?;
                        let (stream, writer) = bridge.writer(&mut store).await?;
                        store.spawn(Feed { writer, input })?;
                        stream
                    }
                };
            }
            function.call_async(&mut store, &args, &mut results).await?;
            delivered(&mut store, operation, bridges.result.as_ref(), results.pop()).await
        };
        match timeout_at(deadline, call).await {
            Ok(Ok(Delivered::Value(value))) => Ok(Answer::Value(value)),
            Ok(Ok(Delivered::Stream(source))) => Ok(Answer::Stream(Output { store, source, _running: running })),
            Ok(Err(error)) => Err(failure(&error, &store)),
            Err(_) => Err(CallError::Deadline),
        }
    }
}

enum Delivered {
    Value(Option<Val>),
    Stream(Source),
}

/// What the function returned, with a future waited for and a stream ready to be read.
async fn delivered(
    store: &mut Store<Sandbox>,
    operation: &Operation,
    bridge: Option<&Bridge>,
    result: Option<Val>,
) -> wasmtime::Result<Delivered> {
    let in_ok = operation.outcome.in_ok;
    let value = match result {
        Some(Val::Result(Ok(Some(value)))) if in_ok => *value,
        Some(value @ (Val::Future(_) | Val::Stream(_))) => value,
        other => return Ok(Delivered::Value(other)),
    };
    match (value, bridge) {
        (Val::Future(future), Some(bridge)) => {
            let value = bridge.future(store, future).await?;
            Ok(Delivered::Value(Some(if in_ok { Val::Result(Ok(Some(Box::new(value)))) } else { value })))
        }
        (Val::Stream(stream), Some(bridge)) => {
            Ok(Delivered::Stream(Source::Items(bridge.reader(store, stream).await?)))
        }
        (Val::Stream(stream), None) => Ok(Delivered::Stream(Source::Bytes(byte_stream::Reader::new(store, stream)?))),
        _ => Err(wasmtime::Error::msg("the result is not of the type that the contract says")),
    }
}

/// Gives the items of a request to the guest, beside whatever else runs in the store.
struct Feed {
    writer: bridge::Writer,
    input: Pin<Box<dyn Stream<Item = Result<Vec<Val>, Broken>> + Send>>,
}

impl AccessorTask<Sandbox> for Feed {
    async fn run(mut self, accessor: &Accessor<Sandbox>) -> wasmtime::Result<()> {
        while let Some(items) = self.input.next().await {
            // An error here ends all that runs in the store: the guest never takes it for the end.
            if self.writer.write(accessor, items?).await? {
                return Ok(());
            }
        }
        self.writer.close(accessor).await
    }
}
