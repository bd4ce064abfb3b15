//! `stream<u8>`: bytes between a guest's memory and the host's, in chunks.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use futures_channel::{mpsc, oneshot};
use futures_util::Stream;
use wasmtime::{
    Store, StoreContextMut,
    component::{
        Destination, Source, StreamAny, StreamConsumer, StreamProducer, StreamReader, StreamResult, Val, VecBuffer,
    },
};

use super::Broken;
use crate::runtime::sandbox::Sandbox;

/// The most bytes that are taken from a guest at once.
const CHUNK: usize = 64 << 10;

/// Bytes for a guest, as they arrive.
pub(super) type ByteInput = Pin<Box<dyn Stream<Item = Result<Bytes, Broken>> + Send>>;

/// A stream for the guest that ends where `input` does. A broken one ends the call: the guest never takes it for the end.
///
/// # Errors
///
/// The store has no room for it.
pub(super) fn writer(store: &mut Store<Sandbox>, input: ByteInput) -> wasmtime::Result<Val> {
    let reader = StreamReader::new(&mut *store, Producer { input, rest: Bytes::new() })?;
    Ok(Val::Stream(reader.try_into_stream_any(store)?))
}

struct Producer {
    input: ByteInput,
    /// What the guest had no room for yet.
    rest: Bytes,
}

impl StreamProducer<Sandbox> for Producer {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, Sandbox>,
        destination: Destination<'a, u8, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // The guest asks whether there is something to read. It may be told so without a look.
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        while self.rest.is_empty() {
            match self.input.as_mut().poll_next(cx) {
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(StreamResult::Dropped)),
                Poll::Ready(Some(bytes)) => self.rest = bytes?,
            }
        }
        let mut room = destination.as_direct(store, CHUNK);
        let count = self.rest.len().min(room.remaining().len());
        room.remaining()[..count].copy_from_slice(&self.rest[..count]);
        room.mark_written(count);
        self.rest.advance(count);
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

/// Has the bytes that the guest writes to `stream` sent to `chunks`, in pieces of at least one byte, within the guest's own
/// write. What is behind `open` is dropped with the stream.
///
/// # Errors
///
/// The stream is none of bytes, or was closed.
pub(super) fn pipe(
    store: &mut Store<Sandbox>,
    stream: StreamAny,
    chunks: mpsc::Sender<Bytes>,
    open: oneshot::Sender<()>,
) -> wasmtime::Result<()> {
    stream.try_into_stream_reader::<u8>()?.pipe(store, Consumer { chunks, _open: open })
}

struct Consumer {
    chunks: mpsc::Sender<Bytes>,
    _open: oneshot::Sender<()>,
}

impl StreamConsumer<Sandbox> for Consumer {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<Sandbox>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        match self.chunks.poll_ready(cx) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(_)) => return Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(Ok(())) => {}
        }
        let mut source = source.as_direct(store);
        let bytes = source.remaining();
        let count = bytes.len().min(CHUNK);
        if count > 0 {
            let chunk = Bytes::copy_from_slice(&bytes[..count]);
            source.mark_read(count);
            if self.chunks.start_send(chunk).is_err() {
                return Poll::Ready(Ok(StreamResult::Dropped));
            }
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
