//! The items of a stream → the body of an answer, as they come.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream::unfold;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::Incoming;
use crate::{
    contract::Outcome,
    http::media_type::{BYTES, EVENTS},
    problem::Problem,
    runtime::{CallError, Chunk, Items, Output, Permit},
};

/// How long what was sent before a break has to leave: a connection that is broken off drops what it still holds.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(100);

/// How an answer's stream ended, once it has; until then the client may leave.
#[derive(Debug, Clone, Default)]
pub struct StreamEnd(Arc<OnceLock<Result<(), Break>>>);

/// Why a stream did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Break {
    /// For the log.
    pub why: String,
    /// It was what the client sent.
    pub is_clients: bool,
}

impl StreamEnd {
    /// Says how it ended; the first word counts.
    pub fn set(&self, how: Result<(), Break>) {
        let _ = self.0.set(how);
    }

    pub fn get(&self) -> Option<Result<(), &Break>> {
        self.0.get().map(|end| match end {
            Ok(()) => Ok(()),
            Err(broke) => Err(broke),
        })
    }
}

/// Sends what `output` brings as `media_type`, one of [`Outcome::media_types`], until it ends, breaks, or `deadline` is there.
/// The answer's extension [`StreamEnd`] tells how it ended.
///
/// The instance lives in a task of its own and ends with the body: whoever drops that cancels the call. It runs only when
/// the connection has room for what comes next.
pub fn respond(
    outcome: &Outcome,
    output: Output,
    permit: Permit,
    incoming: Option<Incoming>,
    media_type: &'static str,
    deadline: Instant,
) -> Response {
    let end = StreamEnd::default();
    let (sender, chunks) = mpsc::channel(1);
    let framing = Framing { is_events: media_type == EVENTS };
    let task =
        AbortOnDropHandle::new(tokio::spawn(send(output, permit, incoming, framing, sender, deadline, end.clone())));
    let body = Body::from_stream(unfold(Some((chunks, task, end.clone())), async |state| {
        let (mut chunks, task, end) = state?;
        match chunks.recv().await {
            Some(bytes) => Some((Ok(bytes), Some((chunks, task, end)))),
            None if matches!(end.get(), Some(Ok(()))) => None,
            // The connection is broken off, so that the client knows that something is missing.
            None => {
                sleep(LAST_WORDS).await;
                Some((Err("the stream broke"), None))
            }
        }
    }));
    let mut response = head(outcome, media_type);
    *response.body_mut() = body;
    response.extensions_mut().insert(end);
    response
}

/// An answer that streams as `media_type`, without its body.
pub fn head(outcome: &Outcome, media_type: &'static str) -> Response {
    let status = StatusCode::from_u16(outcome.success).unwrap_or(StatusCode::OK);
    let mut response = (status, [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]).into_response();
    if media_type != BYTES {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}

impl Break {
    fn by(problem: &Problem) -> Break {
        match problem {
            Problem::PluginFailed(why) => Break { why: why.clone(), is_clients: false },
            Problem::Deadline => {
                let why = "the stream took too long; `stream_deadline_ms` sets the limit".into();
                Break { why, is_clients: false }
            }
            Problem::CpuTime => {
                let why = "the stream used up its processor time; `cpu_ms` sets the limit".into();
                Break { why, is_clients: false }
            }
            other => {
                let document: Value = serde_json::from_slice(&other.document()).unwrap_or_default();
                let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
                let why = format!("the request's stream broke: {}. {}", text("title"), text("detail"));
                Break { why, is_clients: true }
            }
        }
    }
}

async fn send(
    output: Output,
    permit: Permit,
    incoming: Option<Incoming>,
    framing: Framing,
    sender: mpsc::Sender<Bytes>,
    deadline: Instant,
    end: StreamEnd,
) {
    let sending = permit.run(
        None,
        Box::pin(async move {
            let sent = timeout_at(deadline, send_all(output, incoming, framing, &sender)).await;
            (sent.unwrap_or(Err(Problem::Deadline)), sender)
        }),
    );
    // The instance is gone by then, whatever the client does with what it has got.
    let Ok((sent, sender)) = sending.await.map(|(sent, _permit)| sent) else { return };
    let mut event = None;
    let outcome = match sent {
        Ok(Sent::All) => Ok(()),
        // No end: the body is being dropped, and this task with it.
        Ok(Sent::Unwanted) => return,
        Err(problem) => {
            event = framing.error(&problem);
            Err(Break::by(&problem))
        }
    };
    let _ = end.0.set(outcome);
    if let Some(event) = event {
        let _ = sender.send(event).await;
    }
}

enum Sent {
    All,
    /// Nobody takes the rest.
    Unwanted,
}

async fn send_all(
    mut output: Output,
    incoming: Option<Incoming>,
    framing: Framing,
    sender: &mpsc::Sender<Bytes>,
) -> Result<Sent, Problem> {
    // Where there is no room, the client reads slower than the guest writes: the guest has to wait.
    while let Ok(room) = sender.reserve().await {
        let chunk = output.next().await.map_err(|error| match (error, &incoming) {
            (CallError::Input, Some(incoming)) => Problem::from(incoming.rejection()),
            (error, _) => Problem::from(error),
        })?;
        match chunk {
            Some(Chunk::Bytes(bytes)) => room.send(bytes),
            Some(Chunk::Items(items)) => room.send(framing.items(&items)),
            None => return Ok(Sent::All),
        }
    }
    Ok(Sent::Unwanted)
}

/// How the items of a stream stand in its text.
#[derive(Clone, Copy)]
struct Framing {
    is_events: bool,
}

impl Framing {
    fn items(self, items: &Items) -> Bytes {
        let (before, after): (&[u8], &[u8]) = if self.is_events { (b"data: ", b"\n\n") } else { (b"", b"\n") };
        let mut text = Vec::with_capacity(items.framed_len(before.len() + after.len()));
        items.iter().for_each(|item| [before, item, after].into_iter().for_each(|part| text.extend_from_slice(part)));
        text.into()
    }

    /// What the client is told before the break, if it can be told anything.
    fn error(self, problem: &Problem) -> Option<Bytes> {
        self.is_events.then(|| [b"event: error\ndata: ".as_slice(), &problem.document(), b"\n\n"].concat().into())
    }
}
