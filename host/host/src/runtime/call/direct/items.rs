//! The items of a stream that a guest returned → JSON, read from the guest's memory while it writes them.
//!
//! wasmtime asks for items within the guest's own write, so they are on their way whatever the guest does next: it may
//! block in a call, or compute. Only the types of Rust that are known when the host is built can be asked for that way, so
//! [`abi::Item`] stands for all types, as in the rest of [`direct`](super).

use std::{
    cell::RefCell,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_channel::{mpsc, oneshot};
use wasmtime::{
    Store, StoreContextMut,
    component::{ReadBuffer, Source, StreamAny, StreamConsumer, StreamResult, WriteBuffer},
};

use super::abi;
use crate::{
    runtime::{
        call::items::{ItemType, Items, Written},
        sandbox::Sandbox,
    },
    value::{self, At, Encoding, Memory, Unwritable},
};

/// Items that are taken at once, at most.
const MAX_ITEMS: usize = 1024;

/// Bytes of JSON after which no more items are taken at once.
const ENOUGH: usize = 16 << 10;

/// Has what the guest writes to `stream` sent to `written`. What is behind `_open` is dropped with the stream.
///
/// # Errors
///
/// The stream was closed.
pub(crate) fn pipe(
    store: &mut Store<Sandbox>,
    stream: StreamAny,
    item: ItemType,
    written: mpsc::Sender<Written>,
    open: oneshot::Sender<()>,
) -> wasmtime::Result<()> {
    let consumer = Consumer { item: Arc::new(item), written, _open: open };
    stream.try_into_stream_reader::<abi::Item>()?.pipe(store, consumer)
}

struct Consumer {
    item: Arc<ItemType>,
    written: mpsc::Sender<Written>,
    _open: oneshot::Sender<()>,
}

impl StreamConsumer<Sandbox> for Consumer {
    type Item = abi::Item;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<Sandbox>,
        mut source: Source<'_, abi::Item>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A write of nothing asks whether there is room. Whoever asks may be told so without a look.
        if source.remaining(&mut store) == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        match self.written.poll_ready(cx) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(_)) => return Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(Ok(())) => {}
        }
        let reading = Reading { item: self.item.clone(), base: None, written: Items::default(), fault: None };
        let (read, written) = reading.during(|| source.read(store, &mut Room { left: MAX_ITEMS }));
        read?;
        let is_last = written.fault.is_some();
        let is_gone = self.written.start_send(written).is_err();
        Poll::Ready(Ok(if is_last || is_gone { StreamResult::Dropped } else { StreamResult::Completed }))
    }
}

/// Counts the items that were taken, which is all that wasmtime has to be told of them.
struct Room {
    left: usize,
}

impl ReadBuffer<abi::Item> for Room {
    fn extend<I: IntoIterator<Item = abi::Item>>(&mut self, items: I) {
        let taken = items.into_iter().filter(|item| item.is_taken).count();
        self.left = self.left.saturating_sub(taken);
    }

    fn remaining_capacity(&self) -> usize {
        self.left
    }

    /// Never called: no stream of the host's has items that are not bytes.
    fn move_from(&mut self, input: &mut dyn WriteBuffer<abi::Item>, count: usize) {
        input.skip(count);
        self.left = self.left.saturating_sub(count);
    }
}

thread_local! {
    /// What is being read on this thread. wasmtime says nothing of it to who lifts an item.
    static READING: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// Items as they are read, all of one write.
pub(super) struct Reading {
    item: Arc<ItemType>,
    /// Where the first one stands in the guest's memory.
    base: Option<usize>,
    written: Items,
    fault: Option<Unwritable>,
}

impl Reading {
    /// Runs `read`, which lifts items and switches no fibers, and says what they were.
    fn during<T>(self, read: impl FnOnce() -> T) -> (T, Written) {
        READING.set(Some(self));
        let result = read();
        let reading = READING.take();
        let written = reading.map(|reading| Written { items: reading.written, fault: reading.fault });
        (result, written.unwrap_or_else(|| Written { items: Items::default(), fault: None }))
    }

    /// Takes the next item, unless there was enough. wasmtime gives one byte for each item, since that is the size of an
    /// [`abi::Item`]; `at` is where that byte stands in `memory`.
    pub(super) fn take(at: usize, memory: &[u8], encoding: Encoding) -> bool {
        READING.with_borrow_mut(|reading| reading.as_mut().is_some_and(|reading| reading.next(at, memory, encoding)))
    }

    fn next(&mut self, at: usize, memory: &[u8], encoding: Encoding) -> bool {
        if self.written.text.len() >= ENOUGH || self.fault.is_some() {
            return false;
        }
        let ItemType { ty, layout, limit, transfer } = &*self.item;
        let base = *self.base.get_or_insert(at);
        let begin = self.written.text.len();
        let text = &mut self.written.text;
        let written = at
            .checked_sub(base)
            .and_then(|index| u32::try_from(base.checked_add(index.checked_mul(layout.bytes())?)?).ok())
            .ok_or_else(|| Unwritable::from(value::Unreadable::MISMATCH))
            .and_then(|address| {
                let memory = Memory::new(memory, encoding, *transfer);
                value::write(
                    text,
                    ty,
                    At::address("stream item", address, *layout, &memory)?,
                    begin.saturating_add(*limit),
                )
            });
        match written {
            Ok(()) => self.written.ends.push(self.written.text.len()),
            Err(fault) => {
                self.written.text.truncate(begin);
                self.fault = Some(fault);
            }
        }
        true
    }
}
