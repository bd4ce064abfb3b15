//! What a guest tells the log, by stdout, stderr and `wasi:logging`: line by line and bounded.

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

use crate::log::{MAX_LINE, printable};

/// Bytes that a guest may write at once.
const CHUNK: usize = 64 << 10;

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

impl GuestLog {
    /// `budget` bytes reach the log, of all that the call writes; the rest is dropped with a note.
    pub fn new(plugin: Arc<str>, request: String, budget: usize) -> GuestLog {
        let turn = Turn { request: request.into(), left: budget, is_cut: false };
        GuestLog(Arc::new(Source { plugin, turn: Mutex::new(turn), streams: Mutex::default() }))
    }

    /// What follows is of another call, that has a budget of its own.
    pub fn begin(&self, request: String, budget: usize) {
        *self.turn() = Turn { request: request.into(), left: budget, is_cut: false };
        self.each_stream(|lines| lines.is_cut = false);
    }

    /// Logs what stands in last lines without their ends.
    pub fn flush(&self) {
        self.each_stream(Lines::flush);
    }

    fn each_stream(&self, mut act: impl FnMut(&mut Lines)) {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| {
            let stream = stream.upgrade();
            if let Some(lines) = &stream {
                act(&mut lines.lock().unwrap_or_else(PoisonError::into_inner));
            }
            stream.is_some()
        });
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self) -> Arc<str> {
        self.turn().request.clone()
    }

    /// A stream of this name into the log.
    pub fn stream(&self, name: &'static str) -> GuestOutput {
        let lines = Arc::new(Mutex::new(Lines { log: self.clone(), stream: name, line: vec![], is_cut: false }));
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
        if !is_wanted {
            return;
        }
        let context = printable(context);
        let context = (!context.is_empty()).then_some(&*context);
        let (plugin, request) = (&self.0.plugin, self.request());
        for line in message.trim_end_matches(['\r', '\n']).split('\n') {
            // The context stands on each line again, and an empty line is one too.
            let wanted = line.len() + context.map_or(0, str::len) + 1;
            if !self.take_whole(wanted) {
                return;
            }
            let text = printable(line.trim_end_matches('\r'));
            match level {
                Level::Trace => tracing::trace!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Debug => tracing::debug!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Info => tracing::info!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Warn => tracing::warn!(target: "guest", %plugin, %request, context, "{text}"),
                Level::Error => tracing::error!(target: "guest", %plugin, %request, context, "{text}"),
            }
        }
    }

    /// Takes so many bytes of the budget or, if there are not as many, what there is. Gives how many.
    fn take(&self, wanted: usize) -> usize {
        let mut turn = self.turn();
        let taken = turn.left.min(wanted);
        turn.left -= taken;
        taken
    }

    /// Takes so many bytes of the budget, or says in the log that there are not as many; nothing comes after that.
    fn take_whole(&self, wanted: usize) -> bool {
        let fits = self.take(wanted) == wanted;
        if !fits {
            self.cut();
        }
        fits
    }

    fn cut(&self) {
        let was_cut = {
            let mut turn = self.turn();
            turn.left = 0;
            std::mem::replace(&mut turn.is_cut, true)
        };
        if !was_cut {
            let (plugin, request) = (&self.0.plugin, self.request());
            tracing::warn!(%plugin, %request, "the rest of what the call writes is dropped; `log_kib` sets the limit");
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
    is_cut: bool,
}

impl GuestOutput {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        if self.is_cut {
            return;
        }
        let fits = &bytes[..self.log.take(bytes.len())];
        for piece in fits.split_inclusive(|&byte| byte == b'\n') {
            match piece.split_last() {
                Some((b'\n', rest)) => {
                    self.line.extend_from_slice(rest);
                    self.log();
                }
                _ => self.line.extend_from_slice(piece),
            }
            if self.line.len() > MAX_LINE {
                self.log();
            }
        }
        if fits.len() < bytes.len() {
            self.is_cut = true;
            self.flush();
            self.log.cut();
        }
    }

    fn flush(&mut self) {
        if !self.line.is_empty() {
            self.log();
        }
    }

    fn log(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        let text = printable(text.trim_end_matches('\r'));
        let (plugin, request) = (&self.log.0.plugin, self.log.request());
        tracing::info!(target: "guest", %plugin, %request, stream = self.stream, "{text}");
        self.line.clear();
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
