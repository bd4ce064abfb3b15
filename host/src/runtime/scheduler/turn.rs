//! One turn of a guest: from a poll of its call to the tick at which it has to let others run.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use wasmtime::UpdateDeadline;

use crate::runtime::engine::TICK;

thread_local! {
    /// The turn that this thread polls.
    static CURRENT: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// What is known of a turn while it lasts.
#[derive(Debug, Clone, Copy)]
struct Turn {
    began: Instant,
    /// How long it may last.
    length: Duration,
    /// The call has used up its time already.
    is_last: bool,
    /// It was ended by a tick: the call would go on at once.
    was_preempted: bool,
}

/// A turn that is over.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub began: Instant,
    /// By the wall.
    pub time: Duration,
    pub was_preempted: bool,
}

/// Runs `poll` as a turn of at most `length`, and a tick. `is_last`: the guest ends at its next tick.
pub fn take<T>(length: Duration, is_last: bool, poll: impl FnOnce() -> T) -> (T, Taken) {
    let began = Instant::now();
    let outer = CURRENT.replace(Some(Turn { began, length, is_last, was_preempted: false }));
    let polled = poll();
    let was_preempted = CURRENT.replace(outer).is_some_and(|turn| turn.was_preempted);
    (polled, Taken { began, time: began.elapsed(), was_preempted })
}

/// A call has used all the processor time that it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call used up its processor time")]
pub struct CpuTime;

/// What a guest does at the end of an epoch: it goes on, or yields, or has had enough.
///
/// # Errors
///
/// [`CpuTime`]: the guest ends.
// Never part of a function that is on the guest's stack while the guest waits: it may go on in another thread, where
// this thread's variables are not.
#[inline(never)]
pub fn at_tick() -> wasmtime::Result<UpdateDeadline> {
    let Some(mut turn) = CURRENT.get() else {
        // Not the scheduler's: somebody measures.
        return Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())));
    };
    if turn.is_last {
        return Err(CpuTime.into());
    }
    if turn.began.elapsed() < turn.length {
        return Ok(UpdateDeadline::Continue(1));
    }
    turn.was_preempted = true;
    CURRENT.set(Some(turn));
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(Yield(false))))
}

/// How long the turns of a long call last, a tick more or less.
pub const BACKGROUND: Duration = Duration::from_micros(500);

/// How long a call may run, in all, before it is long.
pub const FOREGROUND: Duration = TICK;

/// Is ready when it is polled once more. Unlike tokio's it wakes at once: who polls it decides when that is.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
