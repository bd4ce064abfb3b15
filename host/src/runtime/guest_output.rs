//! What a guest writes to stdout and stderr → the host's log, line by line and bounded.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

/// One of the two streams of one call.
#[derive(Clone)]
pub struct GuestOutput(Arc<Mutex<Lines>>);

struct Lines {
    plugin: Arc<str>,
    request: Arc<str>,
    stream: &'static str,
    line: Vec<u8>,
    /// Bytes that may still reach the log.
    budget: usize,
    is_cut: bool,
}

impl GuestOutput {
    /// `budget` bytes reach the log; the rest is dropped with a note.
    pub fn new(plugin: Arc<str>, request: Arc<str>, stream: &'static str, budget: usize) -> GuestOutput {
        GuestOutput(Arc::new(Mutex::new(Lines { plugin, request, stream, line: vec![], budget, is_cut: false })))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        if self.is_cut {
            return;
        }
        let fits = &bytes[..bytes.len().min(self.budget)];
        self.budget -= fits.len();
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
            tracing::warn!(plugin = %self.plugin, request = %self.request, stream = self.stream, "the rest of the output is dropped; `log_kib` sets the limit");
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
        tracing::info!(target: "guest", plugin = %self.plugin, request = %self.request, stream = self.stream, "{text}");
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
