//! The body of a request → the items of a stream, as they arrive.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Body;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, stream::unfold};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    contract::Place,
    plugin::Plugin,
    request::Rejection,
    runtime::{Broken, Input},
    value::{Faults, Image, Malformed, Step, read},
};

/// How many items go to the guest at once, and bytes of their text, as far as they have arrived: items one by one would
/// take a call each.
const MAX_ITEMS: usize = 64;
const MAX_BYTES: usize = 64 << 10;

/// What is known of a request's stream outside of the call that reads it.
#[derive(Clone)]
pub struct Incoming(Arc<Mutex<State>>);

struct State {
    /// Why it broke off.
    rejection: Option<Rejection>,
    /// When the guest last took something from it.
    taken: Instant,
}

impl Incoming {
    /// Of a stream that the guest takes from, beginning at `arrival`.
    pub fn new(arrival: Instant) -> Incoming {
        Incoming(Arc::new(Mutex::new(State { rejection: None, taken: arrival })))
    }

    /// The guest takes something now.
    pub fn note_taken(&self) {
        self.with(|state| state.taken = Instant::now());
    }

    /// Notes why the stream broke off.
    pub fn broke(&self, rejection: Rejection) {
        self.with(|state| state.rejection = Some(rejection));
    }

    /// Whether it broke off.
    pub fn is_broken(&self) -> bool {
        self.with(|state| state.rejection.is_some())
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why the stream broke off, once.
    pub fn rejection(&self) -> Rejection {
        self.with(|state| state.rejection.take()).unwrap_or(Rejection::BodyBroken)
    }

    /// Comes to its end when the guest has taken nothing for as long as `limit`.
    pub async fn stalled(&self, limit: Duration) {
        loop {
            let end = self.with(|state| state.taken) + limit;
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// The body of a request for the operation of that index, as its parameter `param`. A line may have as many bytes as the
/// plugin's limits say, and the next bytes may keep the host waiting for `patience`.
pub fn incoming(
    plugin: &Arc<Plugin>,
    operation: usize,
    param: usize,
    body: Body,
    patience: Duration,
) -> (Input, Incoming) {
    let known = Incoming::new(Instant::now());
    let chunks = Chunks { body, patience };
    let input = if plugin.contract.operations[operation].takes_byte_stream() {
        Input::Bytes(Box::pin(stream(chunks, known.clone())))
    } else {
        let plugin = plugin.clone();
        let lines = Lines { chunks, plugin, operation, param, text: BytesMut::new(), seen: 0, line: 0, failed: None };
        Input::Items(Box::pin(stream(lines, known.clone())))
    };
    (input, known)
}

/// What arrives bit by bit.
trait Source: Send {
    type Part;

    /// What comes next; `None` after the last.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Part>, Rejection>> + Send;
}

/// A stream of what arrives; why it breaks is kept in `known`.
fn stream<S: Source>(source: S, known: Incoming) -> impl Stream<Item = Result<S::Part, Broken>> {
    unfold(Some((source, known)), |state| async {
        let (mut source, known) = state?;
        known.with(|state| state.taken = Instant::now());
        match source.next().await.transpose()? {
            Ok(part) => Some((Ok(part), Some((source, known)))),
            Err(rejection) => {
                known.with(|state| state.rejection = Some(rejection));
                Some((Err(Broken), None))
            }
        }
    })
}

/// The bytes of a body.
struct Chunks {
    body: Body,
    patience: Duration,
}

impl Source for Chunks {
    /// At least one.
    type Part = Bytes;

    async fn next(&mut self) -> Result<Option<Bytes>, Rejection> {
        loop {
            let frame = timeout(self.patience, self.body.frame()).await;
            match frame.map_err(|_| Rejection::SlowRequest { limit: self.patience })? {
                None => return Ok(None),
                Some(Err(_)) => return Err(Rejection::BodyBroken),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Ok(Some(bytes)),
                    _ => {}
                },
            }
        }
    }
}

/// The values of a body that has one a line.
struct Lines {
    chunks: Chunks,
    plugin: Arc<Plugin>,
    /// The operation and the parameter, by index.
    operation: usize,
    param: usize,
    /// What was not read as lines yet.
    text: BytesMut,
    /// How much of `text` was searched for a line's end.
    seen: usize,
    /// The number of the next line, counted from 0.
    line: usize,
    /// What is wrong with the line behind the last good one.
    failed: Option<Rejection>,
}

impl Source for Lines {
    /// At least one.
    type Part = Vec<Image>;

    async fn next(&mut self) -> Result<Option<Vec<Image>>, Rejection> {
        loop {
            let items = self.whole_lines();
            if !items.is_empty() {
                return Ok(Some(items));
            }
            if let Some(rejection) = self.failed.take() {
                return Err(rejection);
            }
            if self.text.len() > self.limit() {
                return Err(Rejection::BodyTooLarge { limit: self.limit() });
            }
            match self.chunks.next().await? {
                Some(bytes) => self.text.extend_from_slice(&bytes),
                None if self.text.is_empty() => return Ok(None),
                // The last line needs no end.
                None => self.text.extend_from_slice(b"\n"),
            }
        }
    }
}

impl Lines {
    /// Bytes that a line may have.
    fn limit(&self) -> usize {
        self.plugin.limits.body
    }

    /// The items of the lines that are there, up to the first that is wrong.
    fn whole_lines(&mut self) -> Vec<Image> {
        let mut items = vec![];
        let mut bytes = 0;
        while items.len() < MAX_ITEMS && bytes < MAX_BYTES && self.failed.is_none() {
            let Some(end) = self.text[self.seen..].iter().position(|&byte| byte == b'\n') else {
                self.seen = self.text.len();
                break;
            };
            let line = self.text.split_to(self.seen + end);
            self.text.advance(1);
            self.seen = 0;
            bytes += line.len();
            match self.read(&line) {
                Ok(item) => items.extend(item),
                Err(rejection) => self.failed = Some(rejection),
            }
            self.line += 1;
        }
        items
    }

    /// The item of a line; `None` if that is blank.
    fn read(&self, line: &[u8]) -> Result<Option<Image>, Rejection> {
        if line.len() > self.limit() {
            return Err(Rejection::BodyTooLarge { limit: self.limit() });
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let param = &self.plugin.contract.operations[self.operation].params[self.param];
        let mut faults = Faults::default();
        faults.enter(Step::Name(Place::Body.name().into()));
        faults.enter(Step::Index(self.line));
        let read = read::image(line, &param.ty, &param.docs, &mut faults, self.plugin.limits.memory);
        let item = read.map_err(|at| Rejection::Malformed(Malformed { line: self.line + 1, ..at }))?;
        if faults.is_empty() { Ok(item) } else { Err(Rejection::Faults(faults)) }
    }
}
