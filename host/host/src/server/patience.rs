//! The clock by which hyper waits for the head of a request, made for a wait that nearly always ends early.
//!
//! hyper begins a wait for each head, and gives it up when the head is there. With tokio's timers that is an allocation, an
//! entry into the timer wheel and its removal, for each request. Here a connection has one timer, which is left to run:
//! when it fires, it is seen whether anyone waits, and until when.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use hyper::rt;
use tokio::time;

/// The clock of one connection, which waits for one thing at a time.
#[derive(Clone, Default)]
pub(super) struct Patience(Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>);

/// A wait until `end`.
struct Wait {
    clock: Patience,
    end: Instant,
}

impl Patience {
    fn timer(&self) -> MutexGuard<'_, Option<Pin<Box<time::Sleep>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl rt::Timer for Patience {
    fn sleep(&self, duration: std::time::Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, end: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Wait { clock: self.clone(), end })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, end: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Wait>() {
            Some(wait) => wait.get_mut().end = end,
            None => *sleep = self.sleep_until(end),
        }
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.clock.timer();
        let end = time::Instant::from_std(self.end);
        let timer = timer.get_or_insert_with(|| Box::pin(time::sleep_until(end)));
        // An earlier wait may have left it to run until an earlier time, at which it is set anew.
        if timer.deadline() > end {
            timer.as_mut().reset(end);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl rt::Sleep for Wait {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use hyper::rt::Timer;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_on_time_whatever_came_before() {
        let clock = Patience::default();
        let now = clock.now();
        let millis = |millis| now + Duration::from_millis(millis);
        for (given_up, end) in [(20, 40), (60_000, 80), (100, 120)] {
            let mut early = clock.sleep_until(millis(given_up));
            assert!(early.as_mut().now_or_never().is_none() || clock.now() >= millis(given_up));
            drop(early);
            clock.sleep_until(millis(end)).await;
            assert!(clock.now() >= millis(end));
        }
        let mut wait = clock.sleep(Duration::from_secs(600));
        assert!(wait.as_mut().now_or_never().is_none());
        let soon = clock.now() + Duration::from_millis(10);
        clock.reset(&mut wait, soon);
        wait.await;
        assert!(clock.now() >= soon);
    }
}
