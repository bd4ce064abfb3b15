//! A call with streams or futures: what goes in while it runs, and what comes out after its function has returned.

use std::{
    future::poll_fn,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_channel::{mpsc, oneshot};
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};
use wasmtime::{
    Store,
    component::{Accessor, AccessorTask, StreamAny, Val},
};

use super::{
    Broken, CallError, Callable,
    bridge::{self, Bridge},
    byte_stream, direct,
    error::failure,
    items::{self, ItemType, Items},
    values::{of_image, values},
};
use crate::{
    contract::{Body, Delivery, Operation, Type},
    runtime::{
        engine::Running,
        sandbox::{Facts, Sandbox},
    },
    value::{Image, Reply, Unwritable},
};

/// The stream that a request brings.
pub enum Input {
    Bytes(byte_stream::ByteInput),
    /// A few items at a time, as they arrive.
    Items(Pin<Box<dyn Stream<Item = Result<Vec<Image>, Broken>> + Send>>),
}

/// What a function returned.
pub enum Answer {
    Value(Result<Reply, Unwritable>),
    Stream(Output),
}

/// A call whose function has returned a stream. Its instance ends with it.
pub struct Output {
    /// The guest, until it has ended. It runs beside whoever waits for what it writes: while it blocks in a call, or
    /// computes, it has the store to itself, and nothing else in there would run.
    guest: Option<Guest>,
    written: Written,
    /// Why the guest ended. It may have written before it failed.
    failed: Option<CallError>,
}

type Guest = Pin<Box<dyn Future<Output = Result<(), CallError>> + Send>>;

enum Written {
    Bytes(mpsc::Receiver<Bytes>),
    Items(mpsc::Receiver<items::Written>),
}

/// What a stream brought next.
pub enum Chunk {
    /// At least one.
    Bytes(Bytes),
    /// At least one.
    Items(Items),
}

impl Output {
    fn new(mut store: Store<Sandbox>, running: Running, reader: Reader) -> Output {
        let Reader { written, open } = reader;
        let guest = Box::pin(async move {
            // The clock runs as long as the store is there.
            let _running = running;
            let ran = store.run_concurrent(async |_| _ = open.await).await;
            ran.map_err(|error| failure(&error, &store))
        });
        Output { guest: Some(guest), written, failed: None }
    }

    /// What comes next; `None` after the last. The guest runs only as long as this is waited for.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. There is no next then.
    pub async fn next(&mut self) -> Result<Option<Chunk>, CallError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Chunk>, CallError>> {
        let mut has_run = false;
        loop {
            match (self.poll_written(cx), &mut self.guest) {
                (Poll::Ready(Some(chunk)), _) => return Poll::Ready(Ok(Some(chunk))),
                (Poll::Pending, Some(_)) if has_run && self.failed.is_none() => return Poll::Pending,
                // What it writes now goes out now, whenever it runs again.
                (Poll::Pending, Some(guest)) if self.failed.is_none() => match guest.as_mut().poll(cx) {
                    Poll::Pending => has_run = true,
                    Poll::Ready(ended) => (self.guest, self.failed) = (None, ended.err()),
                },
                (Poll::Ready(None) | Poll::Pending, _) => return Poll::Ready(self.failed.take().map_or(Ok(None), Err)),
            }
        }
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Option<Chunk>> {
        let items = match &mut self.written {
            Written::Bytes(chunks) => return chunks.poll_next_unpin(cx).map(|bytes| bytes.map(Chunk::Bytes)),
            Written::Items(items) => items,
        };
        while let Some(items::Written { items, fault }) = ready!(items.poll_next_unpin(cx)) {
            if let Some(fault) = fault {
                self.failed = Some(CallError::Unwritable(fault));
            }
            if !items.is_empty() {
                return Poll::Ready(Some(Chunk::Items(items)));
            }
        }
        Poll::Ready(None)
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
                        store.spawn(Feed { writer, input, item: operation.params[i].ty.clone() })?;
                        stream
                    }
                };
            }
            function.call_async(&mut store, &args, &mut results).await?;
            self.delivered(&mut store, operation, bridges.result.as_ref(), results.pop()).await
        };
        match timeout_at(deadline, call).await {
            Ok(Ok(Delivered::Value(value))) => {
                Ok(Answer::Value(Reply::of(&operation.outcome, value.as_ref(), self.bounds.result)))
            }
            Ok(Ok(Delivered::Stream(reader))) => Ok(Answer::Stream(Output::new(store, running, reader))),
            Ok(Err(error)) => Err(failure(&error, &store)),
            Err(_) => Err(CallError::Deadline),
        }
    }

    /// What the function returned, with a future waited for and a stream ready to be read.
    async fn delivered(
        &self,
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
            (Val::Stream(stream), _) => Ok(Delivered::Stream(self.reader(store, operation, stream)?)),
            _ => Err(wasmtime::Error::msg("the result is not of the type that the contract says")),
        }
    }

    fn reader(&self, store: &mut Store<Sandbox>, operation: &Operation, stream: StreamAny) -> wasmtime::Result<Reader> {
        let (is_open, open) = oneshot::channel();
        // Room for the one part that each sender has.
        let written = match operation.outcome.delivered() {
            Some(ty) if !operation.outcome.is_raw() => {
                let item = ItemType::new(ty, self.bounds.result, self.bounds.stream_transfer);
                let (sender, items) = mpsc::channel(0);
                direct::pipe(store, stream, item, sender, is_open)?;
                Written::Items(items)
            }
            _ => {
                let (sender, chunks) = mpsc::channel(0);
                byte_stream::pipe(store, stream, sender, is_open)?;
                Written::Bytes(chunks)
            }
        };
        Ok(Reader { written, open })
    }
}

enum Delivered {
    Value(Option<Val>),
    Stream(Reader),
}

/// The host's end of a stream.
struct Reader {
    written: Written,
    /// Is done when the stream is no more.
    open: oneshot::Receiver<()>,
}

/// Gives the items of a request to the guest, beside whatever else runs in the store.
struct Feed {
    writer: bridge::Writer,
    input: Pin<Box<dyn Stream<Item = Result<Vec<Image>, Broken>> + Send>>,
    item: Type,
}

impl AccessorTask<Sandbox> for Feed {
    async fn run(mut self, accessor: &Accessor<Sandbox>) -> wasmtime::Result<()> {
        while let Some(items) = self.input.next().await {
            // An error here ends all that runs in the store: the guest never takes it for the end.
            let items: Option<_> = items?.iter().map(|item| of_image(item, 0, &self.item)).collect();
            let items = items.ok_or_else(|| wasmtime::Error::msg("an item that is not of the stream's type"))?;
            if self.writer.write(accessor, items).await? {
                return Ok(());
            }
        }
        self.writer.close(accessor).await
    }
}
