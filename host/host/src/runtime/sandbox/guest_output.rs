//! What a guest tells the log, by stdout, stderr and `wasi:logging`, and what the host has to say of its calls: line by line
//! and bounded, counted as it stands in the log.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::log::{self, MAX_LINE, printable};

/// Bytes that a guest may write at once. Each may be a line, and the call has its turn for as long as that takes.
const CHUNK: usize = 4 << 10;

/// Failures of one call that differ, and are told one by one.
const MAX_FAILURES: usize = 16;

/// The log as one call sees it. Its clones are the same.
#[derive(Clone)]
pub struct GuestLog(Arc<Source>);

/// Whose lines they are, and how many more there may be.
struct Source {
    plugin: Arc<str>,
    turn: Mutex<Turn>,
    streams: Mutex<Vec<Weak<Mutex<Lines>>>>,
}

/// What changes with the call, in an instance that serves more than one.
struct Turn {
    request: Arc<str>,
    /// Bytes that may still reach the log.
    left: usize,
    /// Whether the log was told that there is more.
    is_cut: bool,
    failures: Vec<Failure>,
    /// Those that found no place among them.
    other_failures: u64,
}

/// What the host could not do for the guest.
struct Failure {
    what: &'static str,
    error: String,
    /// Whether the operator has to do something about it.
    is_hosts: bool,
    times: u64,
}

/// Levels of `wasi:logging`, but that `critical` is an error too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl Turn {
    fn new(request: String, budget: usize) -> Turn {
        Turn { request: request.into(), left: budget, is_cut: false, failures: vec![], other_failures: 0 }
    }
}

impl Source {
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs something by `tell`, which gets plugin and request, if it fits the budget; else the log says so, once, and nothing
    /// comes after that. Gives whether more may come.
    fn tell(&self, tell: impl FnOnce(&str, &str)) -> bool {
        let Source { plugin, .. } = self;
        let mut turn = self.turn();
        if turn.is_cut {
            return false;
        }
        let left = log::within(turn.left, || tell(plugin, &turn.request));
        turn.left = left.unwrap_or_default();
        turn.is_cut = left.is_none();
        if turn.is_cut {
            let request = &turn.request;
            tracing::warn!(%plugin, %request, "dropping the rest of the call's output; `log_kib` sets the limit");
        }
        !turn.is_cut
    }

    /// Logs the failures of the call that has ended.
    fn tell_failures(&self) {
        let (failures, others) = {
            let mut turn = self.turn();
            (std::mem::take(&mut turn.failures), std::mem::take(&mut turn.other_failures))
        };
        for Failure { what, error, is_hosts, times } in failures {
            let error = printable(&error);
            let times = (times > 1).then_some(times);
            self.tell(|plugin, request| {
                if is_hosts {
                    tracing::error!(%plugin, %request, %error, times, "{what}");
                } else {
                    tracing::warn!(%plugin, %request, %error, times, "{what}");
                }
            });
        }
        if others > 0 {
            self.tell(
                |plugin, request| tracing::warn!(%plugin, %request, times = others, "other calls of the host failed"),
            );
        }
    }
}

/// Of a call that was cut off too.
impl Drop for Source {
    fn drop(&mut self) {
        self.tell_failures();
    }
}

impl GuestLog {
    /// `budget` bytes reach the log, of all that the call writes; the rest is dropped with a note.
    pub fn new(plugin: Arc<str>, request: String, budget: usize) -> GuestLog {
        let turn = Mutex::new(Turn::new(request, budget));
        GuestLog(Arc::new(Source { plugin, turn, streams: Mutex::default() }))
    }

    /// What follows is of another call, that has a budget of its own.
    pub fn begin(&self, request: String, budget: usize) {
        *self.0.turn() = Turn::new(request, budget);
    }

    /// The call has ended: logs what stands in last lines without their ends, and what failed.
    pub fn flush(&self) {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| {
            let stream = stream.upgrade();
            if let Some(lines) = &stream {
                lines.lock().unwrap_or_else(PoisonError::into_inner).flush();
            }
            stream.is_some()
        });
        self.0.tell_failures();
    }

    fn is_cut(&self) -> bool {
        self.0.turn().is_cut
    }

    /// A stream of this name into the log.
    pub fn stream(&self, name: &'static str) -> GuestOutput {
        let lines = Arc::new(Mutex::new(Lines { log: self.clone(), stream: name, line: vec![] }));
        self.0.streams.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&lines));
        GuestOutput(lines)
    }

    /// A message, which may have several lines. An empty context is none.
    pub fn message(&self, level: Level, context: &str, message: &str) {
        // What the operator does not want to see costs the guest nothing.
        let is_wanted = match level {
            Level::Trace => tracing::enabled!(target: "guest", tracing::Level::TRACE),
            Level::Debug => tracing::enabled!(target: "guest", tracing::Level::DEBUG),
            Level::Info => tracing::enabled!(target: "guest", tracing::Level::INFO),
            Level::Warn => tracing::enabled!(target: "guest", tracing::Level::WARN),
            Level::Error => tracing::enabled!(target: "guest", tracing::Level::ERROR),
        };
        if !is_wanted || self.is_cut() {
            return;
        }
        let context = printable(context);
        let context = (!context.is_empty()).then_some(&*context);
        for line in message.trim_end_matches(['\r', '\n']).split('\n') {
            let text = printable(line.trim_end_matches('\r'));
            let may_go_on = self.0.tell(|plugin, request| match level {
                Level::Trace => tracing::trace!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Debug => tracing::debug!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Info => tracing::info!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Warn => tracing::warn!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Error => tracing::error!(target: "guest", %plugin, %request, context, "{text}"),
            });
            if !may_go_on {
                return;
            }
        }
    }

    /// Something that the host could not do for the guest. It is logged when the call has ended, once with how often it was.
    pub fn failed(&self, what: &'static str, error: String, is_hosts: bool) {
        let turn = &mut *self.0.turn();
        if turn.is_cut {
            return;
        }
        let is_equal = |known: &&mut Failure| known.what == what && known.error == error;
        if let Some(known) = turn.failures.iter_mut().find(is_equal) {
            known.times += 1;
        } else if turn.failures.len() < MAX_FAILURES {
            turn.failures.push(Failure { what, error, is_hosts, times: 1 });
        } else {
            turn.other_failures += 1;
        }
    }
}

/// One of the two streams of one call.
#[derive(Clone)]
pub struct GuestOutput(Arc<Mutex<Lines>>);

struct Lines {
    log: GuestLog,
    stream: &'static str,
    line: Vec<u8>,
}

impl GuestOutput {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        // What the operator does not want to see costs the guest nothing.
        if self.log.is_cut() || !tracing::enabled!(target: "guest", tracing::Level::INFO) {
            return;
        }
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (rest, has_end) = piece.strip_suffix(b"\n").map_or((piece, false), |rest| (rest, true));
            self.line.extend_from_slice(rest);
            if (has_end || self.line.len() > MAX_LINE) && !self.log() {
                return;
            }
        }
    }

    fn flush(&mut self) {
        if !self.line.is_empty() {
            self.log();
        }
    }

    /// Gives whether more may come.
    fn log(&mut self) -> bool {
        let text = String::from_utf8_lossy(&self.line);
        let text = printable(text.trim_end_matches('\r'));
        let may_go_on = self.log.0.tell(|plugin, request| {
            tracing::info!(target: "guest", %plugin, %request, stream = self.stream, "{text}");
        });
        self.line.clear();
        may_go_on
    }
}

/// What stands in the last line without its end is logged when the call has ended.
impl Drop for Lines {
    fn drop(&mut self) {
        self.flush();
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.lines().take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(CHUNK)];
        self.lines().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
