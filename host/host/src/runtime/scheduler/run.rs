//! A call that is admitted, from its first turn to its last.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use tokio::{
    runtime::Handle,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    Permit, Share,
    background::BackgroundJob,
    experience::MOST_HELD,
    fair_queue::QueuePlace,
    turn::{FOREGROUND, Ground, Taken, take},
};

/// Its deadline passed before the call was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late;

/// A call under the scheduler's regime. It runs when this is polled, or in the background for as long as this is there:
/// whoever drops it ends the call.
#[must_use]
pub struct Run<T: Send + 'static>(State<T>);

enum State<T: Send + 'static> {
    Foreground(Call<T>, Option<Instant>),
    Background(Client<T>, Option<Pin<Box<Sleep>>>),
    Over,
}

/// The guest's future and its permit.
struct Call<T> {
    // Dropped in this order.
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    permit: Permit,
    /// Others of its operation know that it is long.
    is_known: bool,
    /// When its first turn began.
    began: Option<std::time::Instant>,
}

impl Permit {
    /// Runs what uses the permit, and gives it back at the end. In the background it is watched that `deadline` holds; in the
    /// foreground `future` has to know it, as it can be as late as its last poll takes.
    pub fn run<T: Send + 'static>(
        self,
        deadline: Option<Instant>,
        future: Pin<Box<dyn Future<Output = T> + Send>>,
    ) -> Run<T> {
        Run(State::Foreground(Call { future, permit: self, is_known: false, began: None }, deadline))
    }
}

impl<T: Send + 'static> Future for Run<T> {
    type Output = Result<(T, Permit), Late>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let state = &mut self.0;
        if let State::Foreground(call, deadline) = state {
            if !call.permit.is_long && !call.permit.share.flow.is_ahead() {
                let length = FOREGROUND.saturating_sub(call.permit.used);
                let (polled, taken) = call.turn(Ground::Foreground(length), |future| future.as_mut().poll(cx));
                call.permit.share.flow.charge_outside(taken.used);
                match polled {
                    Poll::Pending if !taken.was_preempted => return Poll::Pending,
                    Poll::Pending => call.note_long(),
                    Poll::Ready(value) => {
                        let State::Foreground(call, _) = std::mem::replace(state, State::Over) else {
                            return Poll::Pending;
                        };
                        return Poll::Ready(Ok((value, call.ended(taken))));
                    }
                }
            }
            let Ok(runtime) = Handle::try_current() else {
                // Nothing of a guest's would run without.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            let deadline = deadline.map(|deadline| Box::pin(sleep_until(deadline)));
            let State::Foreground(call, _) = std::mem::replace(state, State::Over) else { return Poll::Pending };
            *state = State::Background(Client::new(call, runtime), deadline);
        }
        let State::Background(client, deadline) = state else { return Poll::Pending };
        if let Some((value, permit)) = client.poll(cx) {
            *state = State::Over;
            return Poll::Ready(Ok((value.unwrap_or_else(|panic| resume_unwind(panic)), permit)));
        }
        if deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready()) {
            *state = State::Over;
            return Poll::Ready(Err(Late));
        }
        Poll::Pending
    }
}

impl<T> Call<T> {
    /// Gives it a turn.
    fn turn<P>(
        &mut self,
        ground: Ground,
        poll: impl FnOnce(&mut Pin<Box<dyn Future<Output = T> + Send>>) -> P,
    ) -> (P, Taken) {
        let is_last = self.permit.used >= self.permit.share.limits.cpu;
        let (polled, taken) = take(ground, is_last, || poll(&mut self.future));
        self.began.get_or_insert(taken.began);
        self.permit.used += taken.used;
        self.permit.share.count(taken.used);
        (polled, taken)
    }

    /// It goes on for longer than a short one. What it uses in the end tells no more than that.
    fn note_long(&mut self) {
        if let Some(experience) = &self.permit.experience {
            experience.used(MOST_HELD);
        }
        self.is_known = true;
    }

    /// That was its last turn.
    fn ended(self, last: Taken) -> Permit {
        let Call { future, permit, began, is_known } = self;
        drop(future);
        if let (Some(experience), Some(began)) = (&permit.experience, began) {
            experience.took(last.began + last.time - began);
            if !is_known {
                experience.used(permit.used);
            }
        }
        permit
    }
}

/// A call in the background.
struct LongCall<T> {
    share: Arc<Share>,
    runtime: Handle,
    state: Mutex<LongState<T>>,
}

struct LongState<T> {
    /// `None` while it has its turn, and when it is over.
    call: Option<Call<T>>,
    /// Where it waits for its turn.
    place: Option<QueuePlace>,
    /// It was woken during its turn.
    is_woken: bool,
    /// Nobody waits for it any more.
    is_abandoned: bool,
    done: Option<(thread::Result<T>, Permit)>,
    client: Option<Waker>,
}

impl<T: Send + 'static> LongCall<T> {
    fn state(&self) -> MutexGuard<'_, LongState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It could go on.
    fn push(self: &Arc<Self>, state: &mut LongState<T>) {
        if let (Some(call), None) = (&state.call, state.place) {
            state.place = Some(self.share.background.push(&self.share.flow, call.permit.used, self.clone()));
        } else {
            state.is_woken = true;
        }
    }

    fn poll(self: &Arc<Self>, mut call: Call<T>) -> Taken {
        let waker = Waker::from(self.clone());
        let mut cx = Context::from_waker(&waker);
        let _runtime = self.runtime.enter();
        let (polled, taken) =
            call.turn(Ground::Background, |future| catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx))));
        self.share.flow.charge(taken.used);
        let value = match polled {
            Ok(Poll::Pending) => {
                let mut state = self.state();
                if state.is_abandoned {
                    drop(state);
                    drop(call);
                    return taken;
                }
                let goes_on = taken.was_preempted || state.is_woken;
                state.call = Some(call);
                if goes_on {
                    self.push(&mut state);
                }
                return taken;
            }
            Ok(Poll::Ready(value)) => Ok(value),
            Err(panic) => Err(panic),
        };
        let permit = call.ended(taken);
        let mut state = self.state();
        // Dropped without the lock: who gives back a permit wakes others.
        let mut done = Some((value, permit));
        if !state.is_abandoned {
            state.done = done.take();
        }
        let client = state.client.take();
        drop(state);
        drop(done);
        if let Some(client) = client {
            client.wake();
        }
        taken
    }
}

impl<T: Send + 'static> BackgroundJob for LongCall<T> {
    fn turn(self: Arc<Self>) -> Option<Taken> {
        let mut state = self.state();
        (state.place, state.is_woken) = (None, false);
        let call = state.call.take();
        drop(state);
        let taken = call.map(|call| self.poll(call));
        self.share.background.ended(&self.share.flow);
        taken
    }
}

impl<T: Send + 'static> Wake for LongCall<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.push(&mut self.state());
    }
}

/// Whoever waits for a call in the background.
struct Client<T: Send + 'static>(Arc<LongCall<T>>);

impl<T: Send + 'static> Client<T> {
    /// Brings it there.
    fn new(mut call: Call<T>, runtime: Handle) -> Client<T> {
        call.permit.is_long = true;
        call.permit.share.has_long();
        let share = call.permit.share.clone();
        let state =
            LongState { call: Some(call), place: None, is_woken: false, is_abandoned: false, done: None, client: None };
        let call = Arc::new(LongCall { share, runtime, state: Mutex::new(state) });
        call.push(&mut call.state());
        Client(call)
    }

    /// What it came to, if it is over.
    fn poll(&self, cx: &Context<'_>) -> Option<(thread::Result<T>, Permit)> {
        let mut state = self.0.state();
        if state.done.is_none() {
            match &mut state.client {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        state.done.take()
    }
}

impl<T: Send + 'static> Drop for Client<T> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_abandoned = true;
        let left = (state.call.take(), state.done.take());
        let place = state.place.take();
        drop(state);
        if let Some(place) = place {
            self.0.share.background.remove(&self.0.share.flow, place);
        }
        drop(left);
    }
}
