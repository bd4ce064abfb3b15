//! The threads on which long calls run.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::nice;

use super::fair_queue::{FairQueue, Flow, QueuePlace, VirtualClock};

/// What is added to the threads' niceness (POSIX `nice`): the kernel takes them off the processor for any other thread of the
/// host that wants it. On Linux it is of each thread. With less, one in a hundred short calls waits for twice as long (measured
/// with 10). The price: beside other programs that fill the machine long calls get little, unless the host has a control group
/// or a session (autogroup) of its own, within which alone niceness counts.
const NICE: i32 = 19;

/// A long call that could run.
pub(super) trait BackgroundJob: Send + Sync {
    /// Polls it once.
    fn turn(self: Arc<Self>);
}

/// See the module.
pub(super) struct Background {
    clock: Arc<VirtualClock>,
    flows: AtomicU64,
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: FairQueue<Arc<dyn BackgroundJob>>,
    is_stopped: bool,
}

impl Background {
    /// Starts a thread for each processor that this process may use. [`Background::stop`] ends them.
    ///
    /// # Errors
    ///
    /// The system has no more threads.
    pub(super) fn start() -> io::Result<Arc<Background>> {
        let clock = Arc::new(VirtualClock::default());
        let state = State { queue: FairQueue::new(clock.clone()), is_stopped: false };
        let background =
            Arc::new(Background { clock, flows: AtomicU64::new(0), state: Mutex::new(state), work: Condvar::new() });
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let threads = background.clone();
            let started = thread::Builder::new().name("long calls".into()).spawn(move || threads.run());
            if let Err(error) = started {
                background.stop();
                return Err(error);
            }
        }
        Ok(background)
    }

    /// Ends the threads once what they poll has had its turn.
    pub(super) fn stop(&self) {
        self.state().is_stopped = true;
        self.work.notify_all();
    }

    /// A flow of this queue.
    pub(super) fn flow(&self, weight: u32) -> Flow {
        Flow::new(self.flows.fetch_add(1, Ordering::Relaxed), weight, self.clock.clone())
    }

    /// Gives a job a turn when it is due. It has used that much time so far.
    pub(super) fn push(&self, flow: &Arc<Flow>, used: Duration, job: Arc<dyn BackgroundJob>) -> QueuePlace {
        let place = self.state().queue.push(flow, used, job);
        self.work.notify_one();
        place
    }

    /// Takes back what was pushed.
    pub(super) fn remove(&self, flow: &Flow, place: QueuePlace) {
        let removed = self.state().queue.remove(flow, place);
        drop(removed);
    }

    /// The turn of a job is over, and charged.
    pub(super) fn ended(&self, flow: &Flow) {
        self.state().queue.ended(flow);
    }

    fn run(&self) {
        // Without it long calls are no less fair to each other, only to short ones.
        let _ = nice(NICE);
        let mut state = self.state();
        while !state.is_stopped {
            if let Some(job) = state.queue.pop() {
                drop(state);
                job.turn();
                state = self.state();
            } else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
