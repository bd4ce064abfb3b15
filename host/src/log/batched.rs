//! Stderr, written by a thread of its own and many lines at once, so that no request waits for it.
//!
//! A line of a request is written at once if none was for a while; what comes in the meantime waits for [`PAUSE`] at
//! most. Whoever tells anything else waits until it is written: what it says may be the last that this process, or the
//! thing that it speaks of, does. If stderr takes lines more slowly than they come, those that find no room are dropped
//! and counted.

use std::{
    io::{self, Write},
    panic,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How long lines are gathered.
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes that are written without a pause.
const LARGE: usize = 64 << 10;

/// Bytes that may wait.
const MAX: usize = 4 << 20;

/// How long an event waits until it is written, so that a stderr that nobody reads holds nobody up for long.
const EVENT_PATIENCE: Duration = Duration::from_millis(50);

/// The name of the thread that writes.
const THREAD: &str = "log";

/// How long a panic waits until the lines before it are written.
const PATIENCE: Duration = Duration::from_secs(1);

static STDERR: Batched = Batched { state: Mutex::new(State::NEW), changed: Condvar::new(), written: Condvar::new() };

struct Batched {
    state: Mutex<State>,
    /// The thread has something to do.
    changed: Condvar,
    /// It has done it.
    written: Condvar,
}

struct State {
    waiting: Vec<u8>,
    /// Bytes that ever waited, and how many of them were written.
    taken: u64,
    done: u64,
    /// Lines that found no room.
    dropped: u64,
    /// Whether the thread will look by itself.
    is_awake: bool,
    /// How many wait until all is written.
    flushing: usize,
}

impl State {
    const NEW: State = State { waiting: vec![], taken: 0, done: 0, dropped: 0, is_awake: false, flushing: 0 };
}

/// Begins. Once in a process.
///
/// # Errors
///
/// There is no other thread to be had.
pub fn begin() -> io::Result<()> {
    thread::Builder::new().name(THREAD.into()).spawn(|| STDERR.run())?;
    let then = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        flush(PATIENCE);
        then(info);
    }));
    Ok(())
}

/// Writes a line, which has its end, sometime soon. It never waits.
pub fn line(line: &[u8]) {
    STDERR.append(line);
}

/// Waits until all is written, but no longer than `patience`.
pub fn flush(patience: Duration) {
    STDERR.flush(patience);
}

/// A writer for one event, which is written when it returns.
pub struct Event;

impl Write for Event {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The thread that writes cannot wait for itself.
        if STDERR.append(line) && thread::current().name() != Some(THREAD) {
            flush(EVENT_PATIENCE);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Batched {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there was room for it.
    fn append(&self, line: &[u8]) -> bool {
        let mut state = self.state();
        let before = state.waiting.len();
        if before + line.len() > MAX {
            state.dropped += 1;
            return false;
        }
        state.waiting.extend_from_slice(line);
        state.taken += line.len() as u64;
        let is_large = before < LARGE && state.waiting.len() >= LARGE;
        let is_asleep = !std::mem::replace(&mut state.is_awake, true);
        drop(state);
        if is_asleep || is_large {
            self.changed.notify_one();
        }
        true
    }

    fn flush(&self, patience: Duration) {
        let mut state = self.state();
        state.flushing += 1;
        self.changed.notify_one();
        // What comes after it need not be waited for.
        let wanted = state.taken;
        let is_open = |state: &mut State| state.done < wanted;
        let waited = self.written.wait_timeout_while(state, patience, is_open);
        waited.unwrap_or_else(PoisonError::into_inner).0.flushing -= 1;
    }

    /// Writes, for as long as the process runs.
    fn run(&self) {
        let mut batch = Vec::with_capacity(LARGE);
        loop {
            let mut state = self.state();
            state.is_awake = !state.waiting.is_empty();
            let asleep = self.changed.wait_while(state, |state| state.waiting.is_empty());
            state = asleep.unwrap_or_else(PoisonError::into_inner);
            state.is_awake = true;
            std::mem::swap(&mut state.waiting, &mut batch);
            let dropped = std::mem::take(&mut state.dropped);
            drop(state);
            // There is nobody who could be told that stderr does not work.
            let _ = io::stderr().write_all(&batch);
            let written = batch.len() as u64;
            batch.clear();
            batch.shrink_to(4 * LARGE);
            if dropped > 0 {
                tracing::warn!(lines = dropped, "the log was cut: stderr takes fewer lines than there are");
            }
            state = self.state();
            state.done += written;
            self.written.notify_all();
            let is_little = |state: &mut State| state.waiting.len() < LARGE && state.flushing == 0;
            drop(self.changed.wait_timeout_while(state, PAUSE, is_little));
        }
    }
}
