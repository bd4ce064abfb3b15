//! Stderr, written by a thread of its own and many lines at once, so that nobody waits for it.
//!
//! What the host tells is written at once; lines of requests and of guests that come soon after another wait for [`PAUSE`]
//! at most. If stderr takes lines more slowly than they come, those that find no room are dropped, and a line in their
//! place says how many they were.
//!
//! By hand: the queue of `tracing-appender` is bounded by lines and not by bytes, and what it drops leaves no mark in the log.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    cell::RefCell,
    io::{self, Write},
    panic::{self, PanicHookInfo},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{
    printable_lines,
    room::{self, Of},
};

/// How long lines are gathered, and how long a stderr that takes nothing for now is left alone.
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes that are written without a pause.
const LARGE: usize = 64 << 10;

/// Bytes that may wait, and how many of them may be lines of requests or of guests: whatever they write, there is room for
/// what the host has to say.
const MAX: usize = 4 << 20;
const MAX_OF_REQUESTS: usize = MAX / 4 * 3;
const MAX_OF_GUESTS: usize = MAX / 2;

/// The name of the thread that writes.
const THREAD: &str = "log";

/// How long a panic waits until it is written: where it ends the process, and where it ends one task.
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_OF_TASKS: Duration = Duration::from_millis(50);

static STDERR: Batched = Batched { state: Mutex::new(State::NEW), changed: Condvar::new(), written: Condvar::new() };

thread_local! {
    /// What the thread that writes has to say itself. `None` in all other threads.
    static OWN: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

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
    /// Whether something waits that is to be written without a pause.
    is_urgent: bool,
    /// How many wait until all is written.
    flushing: usize,
}

impl State {
    const NEW: State =
        State { waiting: vec![], taken: 0, done: 0, dropped: 0, is_awake: false, is_urgent: false, flushing: 0 };
}

/// Begins. Once in a process.
///
/// # Errors
///
/// There is no other thread to be had.
pub(super) fn begin() -> io::Result<()> {
    thread::Builder::new().name(THREAD.into()).spawn(|| STDERR.run())?;
    // The hook that is there writes to stderr itself, and would wait for it.
    panic::set_hook(Box::new(panicked));
    Ok(())
}

/// Writes a line of a request, which has its end, sometime soon. It never waits.
pub(super) fn line(line: &[u8]) {
    STDERR.append(line, MAX_OF_REQUESTS, false);
}

/// Waits until all is written, but no longer than `patience`.
pub(super) fn flush(patience: Duration) {
    STDERR.flush(patience);
}

/// What the hook of the standard library says, by the thread that writes. It does not ask the filter.
fn panicked(info: &PanicHookInfo) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("without a name");
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => format!("\nstack backtrace:\n{backtrace}"),
        _ => String::new(),
    };
    let text = format!("{}\n", printable_lines(format!("thread '{name}' {info}{backtrace}").trim_end()));
    if name == THREAD {
        let _ = io::stderr().write_all(text.as_bytes());
        return;
    }
    STDERR.append(text.as_bytes(), MAX, true);
    flush(if name == "main" { PATIENCE } else { PATIENCE_OF_TASKS });
}

/// A writer for one event. It never waits.
pub(super) struct Event;

impl Write for Event {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let is_own = OWN.with_borrow_mut(|own| own.as_mut().map(|own| own.extend_from_slice(line)).is_some());
        if !is_own {
            match room::take(line.len()) {
                Some(Of::Host) => STDERR.append(line, MAX, true),
                Some(Of::Guest) => STDERR.append(line, MAX_OF_GUESTS, false),
                None => {}
            }
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

    /// Adds a line if no more than `max` bytes wait with it, and counts it else.
    fn append(&self, line: &[u8], max: usize, is_urgent: bool) {
        let mut state = self.state();
        let before = state.waiting.len();
        if before + line.len() > max {
            state.dropped += 1;
            return;
        }
        state.waiting.extend_from_slice(line);
        state.taken += line.len() as u64;
        let is_large = before < LARGE && state.waiting.len() >= LARGE;
        let is_asleep = !std::mem::replace(&mut state.is_awake, true);
        let is_urgent = is_urgent && !std::mem::replace(&mut state.is_urgent, true);
        drop(state);
        if is_asleep || is_large || is_urgent {
            self.changed.notify_one();
        }
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
        OWN.set(Some(vec![]));
        let mut batch = Vec::with_capacity(LARGE);
        // Lines that are missing behind what was written last.
        let mut missing = 0;
        loop {
            let mut state = self.state();
            state.is_awake = !state.waiting.is_empty();
            let asleep = self.changed.wait_while(state, |state| state.waiting.is_empty());
            state = asleep.unwrap_or_else(PoisonError::into_inner);
            state.is_awake = true;
            state.is_urgent = false;
            std::mem::swap(&mut state.waiting, &mut batch);
            let dropped = std::mem::take(&mut state.dropped);
            drop(state);
            missing += write(&batch) + dropped;
            if missing > 0 && write(&said_missing(missing)) == 0 {
                missing = 0;
            }
            let written = batch.len() as u64;
            batch.clear();
            batch.shrink_to(4 * LARGE);
            state = self.state();
            state.done += written;
            self.written.notify_all();
            let is_little = |state: &mut State| state.waiting.len() < LARGE && !state.is_urgent && state.flushing == 0;
            drop(self.changed.wait_timeout_while(state, PAUSE, is_little));
        }
    }
}

/// The line that says so, if the filter shows it.
fn said_missing(lines: u64) -> Vec<u8> {
    tracing::warn!(lines, "log lines dropped: stderr was too slow");
    OWN.with_borrow_mut(|own| own.as_mut().map(std::mem::take).unwrap_or_default())
}

/// Writes to stderr, however long that takes. Gives how many lines it did not take, or not all of.
fn write(mut lines: &[u8]) -> u64 {
    let mut stderr = io::stderr();
    while !lines.is_empty() {
        match stderr.write(lines) {
            Ok(taken) if taken > 0 => lines = &lines[taken..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Whoever shares the pipe made it so that writing does not wait.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            _ => return lines.iter().filter(|&&byte| byte == b'\n').count() as u64,
        }
    }
    0
}
