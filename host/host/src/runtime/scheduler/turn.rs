//! One turn of a guest: from a poll of its call to the tick at which it has to let others run.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
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
    /// When it had lasted for that long, the clock of the thread showed this.
    overtime: Option<(Duration, Duration)>,
    /// It was ended by a tick: the call would go on at once.
    was_preempted: bool,
}

/// A turn that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub began: Instant,
    /// By the wall.
    pub time: Duration,
    /// Of a processor, as far as that is known: the thread's clock is asked only when a turn is long.
    pub used: Duration,
    pub was_preempted: bool,
}

/// Where a turn is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// The call is long when it has used that much more.
    Foreground(Duration),
    Background,
}

/// Runs `poll` as a turn, until a tick ends it. `is_last`: the guest ends at its next tick.
pub(super) fn take<T>(ground: Ground, is_last: bool, poll: impl FnOnce() -> T) -> (T, Taken) {
    let (length, overtime) = match ground {
        Ground::Foreground(length) => (length, None),
        Ground::Background => (Duration::ZERO, Some((Duration::ZERO, thread_time()))),
    };
    let began = Instant::now();
    let outer = CURRENT.replace(Some(Turn { began, length, is_last, overtime, was_preempted: false }));
    let polled = poll();
    let turn = CURRENT.replace(outer);
    let time = began.elapsed();
    let used = match turn.and_then(|turn| turn.overtime) {
        None => time,
        // Up to then it may have been off the processor.
        Some((before, clock)) => before.min(length + TICK) + thread_time().saturating_sub(clock),
    };
    (polled, Taken { began, time, used, was_preempted: turn.is_some_and(|turn| turn.was_preempted) })
}

/// A call has used all the processor time that it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call exceeded its processor time")]
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
    let time = turn.began.elapsed();
    if time < turn.length {
        return Ok(UpdateDeadline::Continue(1));
    }
    // The kernel may have run somebody else all the time: a short call must not become long by that.
    let now = thread_time();
    match turn.overtime {
        None => turn.overtime = Some((time, now)),
        Some((_, clock)) => turn.was_preempted = now.saturating_sub(clock) >= ENOUGH,
    }
    CURRENT.set(Some(turn));
    if !turn.was_preempted {
        return Ok(UpdateDeadline::Continue(1));
    }
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(Yield(false))))
}

/// What a turn has to use of a processor before it is ended, in the foreground after its length: less than a tick, which is
/// not exact.
const ENOUGH: Duration = Duration::from_micros(500);

/// What this thread has had of a processor so far.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// How long a call may run, in all, before it is long.
pub(super) const FOREGROUND: Duration = TICK;

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
