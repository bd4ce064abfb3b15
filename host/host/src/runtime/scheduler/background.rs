//! The threads on which long calls run.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::nice;

use super::{
    fair_queue::{FairQueue, Flow, QueuePlace, VirtualClock},
    turn::Taken,
};

/// What is added to the threads' niceness (POSIX `nice`): the kernel takes them off the processor for any other thread of the
/// host that wants it. On Linux it is of each thread. With less, one in a hundred short calls waits for twice as long (measured
/// with 10).
const NICE: i32 = 19;

/// The niceness of the relief, which runs beside other programs that fill the machine: a quarter of a processor's time against
/// one of them. The others would get a seventieth, unless the host has a control group or a session (autogroup) of its own,
/// within which alone niceness counts.
const RELIEF_NICE: i32 = 5;

/// How long a call waits for a turn while no thread of the background ends one or begins one, until the relief comes.
const STARVED: Duration = Duration::from_millis(10);

/// How long the relief has the turns, once one took a thread of the background more than [`STARVED`], three quarters of it off
/// the processor. Then that thread tries again, and a call with it.
const RELIEVED: Duration = Duration::from_secs(1);

/// How long the relief watches an empty queue. Whoever pushes a call has to wake it later.
const WATCH: Duration = Duration::from_millis(100);

/// A long call that could run.
pub(super) trait BackgroundJob: Send + Sync {
    /// Polls it once, unless nobody waits for it any more.
    fn turn(self: Arc<Self>) -> Option<Taken>;
}

/// See the module.
pub(super) struct Background {
    clock: Arc<VirtualClock>,
    flows: AtomicU64,
    state: Mutex<State>,
    work: Condvar,
    relief: Condvar,
}

struct State {
    queue: FairQueue<Arc<dyn BackgroundJob>>,
    is_stopped: bool,
    /// When a thread of the background last began or ended a turn, or a call began to wait where none did.
    moved: Instant,
    /// Until then the relief has all turns.
    relieved: Option<Instant>,
    /// One of the relief looks at `moved` soon.
    is_watched: bool,
}

impl State {
    fn is_relieved(&self) -> bool {
        self.relieved.is_some_and(|end| Instant::now() < end)
    }

    /// Calls wait, and the threads of the background do not get to them.
    fn is_starved(&self) -> bool {
        !self.queue.is_empty() && (self.is_relieved() || self.moved.elapsed() >= STARVED)
    }
}

impl Background {
    /// Starts a thread for each processor that this process may use, and another one for its relief. [`Background::stop`] ends
    /// them.
    ///
    /// # Errors
    ///
    /// The system has no more threads.
    pub(super) fn start() -> io::Result<Arc<Background>> {
        let clock = Arc::new(VirtualClock::default());
        let queue = FairQueue::new(clock.clone());
        let state = State { queue, is_stopped: false, moved: Instant::now(), relieved: None, is_watched: false };
        let (flows, state) = (AtomicU64::new(0), Mutex::new(state));
        let background = Arc::new(Background { clock, flows, state, work: Condvar::new(), relief: Condvar::new() });
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            for (name, run) in [("long calls", Background::run as fn(&Background)), ("relief", Background::relieve)] {
                let threads = background.clone();
                let started = thread::Builder::new().name(name.into()).spawn(move || run(&threads));
                if let Err(error) = started {
                    background.stop();
                    return Err(error);
                }
            }
        }
        Ok(background)
    }

    /// Ends the threads once what they poll has had its turn.
    pub(super) fn stop(&self) {
        self.state().is_stopped = true;
        self.work.notify_all();
        self.relief.notify_all();
    }

    /// A flow of this queue.
    pub(super) fn flow(&self, weight: u32) -> Flow {
        Flow::new(self.flows.fetch_add(1, Ordering::Relaxed), weight, self.clock.clone())
    }

    /// Gives a job a turn when it is due. It has used that much time so far.
    pub(super) fn push(&self, flow: &Arc<Flow>, used: Duration, job: Arc<dyn BackgroundJob>) -> QueuePlace {
        let mut state = self.state();
        if state.queue.is_empty() {
            state.moved = Instant::now();
        }
        let place = state.queue.push(flow, used, job);
        let (is_relieved, is_watched) = (state.is_relieved(), state.is_watched);
        drop(state);
        if !is_relieved {
            self.work.notify_one();
        }
        if is_relieved || !is_watched {
            self.relief.notify_one();
        }
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
            if !state.is_relieved()
                && let Some(job) = state.queue.pop()
            {
                state.moved = Instant::now();
                drop(state);
                let taken = job.turn();
                state = self.state();
                state.moved = Instant::now();
                if taken.is_some_and(|taken| taken.time > STARVED && taken.used < taken.time / 4) {
                    state.relieved = Some(state.moved + RELIEVED);
                }
            } else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Gives turns while the others are starved: programs beside the host fill the machine, or what they poll does not yield.
    fn relieve(&self) {
        let _ = nice(RELIEF_NICE);
        let mut state = self.state();
        while !state.is_stopped {
            if state.is_starved()
                && let Some(job) = state.queue.pop()
            {
                drop(state);
                // One more may be needed, and somebody has to watch.
                self.relief.notify_one();
                job.turn();
                state = self.state();
            } else if state.is_watched || state.queue.is_empty() && state.moved.elapsed() >= WATCH {
                state = self.relief.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                state.is_watched = true;
                (state, _) = self.relief.wait_timeout(state, STARVED).unwrap_or_else(PoisonError::into_inner);
                state.is_watched = false;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
