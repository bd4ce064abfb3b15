//! The bodies of a raw HTTP handler: the request's as the guest takes it, and the answer's as the guest makes it, frame by
//! frame and with trailers.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Body as AxumBody,
    http::{StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{
    Incoming, StreamEnd,
    answer::{Break, LAST_WORDS},
};
use crate::{
    request::Rejection,
    runtime::{self, CallError, EarlyEnd, Handled, HttpError, Task},
};

/// The body of a request, for the guest. The client may pause for `patience` while the guest waits for more.
pub struct Request {
    body: AxumBody,
    known: Incoming,
    patience: Duration,
    /// While the guest waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Request {
    pub fn new(body: AxumBody, known: Incoming, patience: Duration) -> Request {
        Request { body, known, patience, waiting: None }
    }
}

impl Body for Request {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = None;
            this.known.note_taken();
            return Poll::Ready(frame.map(|frame| {
                frame.map_err(|_| {
                    this.known.broke(Rejection::BodyBroken);
                    HttpError::ConnectionTerminated
                })
            }));
        }
        let patience = this.patience;
        let waiting = this.waiting.get_or_insert_with(|| {
            this.known.note_taken();
            Box::pin(sleep(patience))
        });
        ready!(waiting.as_mut().poll(cx));
        this.known.broke(Rejection::SlowRequest { limit: patience });
        Poll::Ready(Some(Err(HttpError::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. If the guest fails before its end, so does this: the client learns that something is missing.
struct Answer {
    body: runtime::GuestBody,
    failure: EarlyEnd,
    incoming: Incoming,
    task: Task,
    end: StreamEnd,
    /// Bytes that are still to come, where the head has told of them.
    remaining: Option<u64>,
    /// The head is all of it, whatever the guest writes.
    is_bodiless: bool,
    /// It broke, and what was sent before it is on its way.
    breaking: Option<Pin<Box<Sleep>>>,
}

/// Sends what a handler makes of its answer. `is_head`: nobody wants its body. The answer's extension [`StreamEnd`] tells how it
/// ended.
pub fn respond(handled: Handled, is_head: bool, incoming: Incoming) -> Response {
    let (head, body) = handled.response.into_parts();
    let remaining = head.headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    let is_bodiless = is_head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let end = StreamEnd::default();
    let (failure, task) = (handled.failure, handled.task);
    let body = Answer { body, failure, incoming, task, end: end.clone(), remaining, is_bodiless, breaking: None };
    let mut response = Response::from_parts(head, AxumBody::new(body));
    response.extensions_mut().insert(end);
    response
}

impl Answer {
    fn finish(&mut self) {
        self.failure.note_answer_ended();
        self.end.set(Ok(()));
        self.task.let_go();
    }

    /// Breaks off once what came before it has left.
    fn breaks(&mut self, why: String) {
        self.end.set(Err(Break { why, is_clients: self.incoming.is_broken() }));
        self.breaking = Some(Box::pin(sleep(LAST_WORDS)));
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let this = &mut *self;
        if this.breaking.is_none() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let (Some(remaining), Some(data)) = (&mut this.remaining, frame.data_ref()) {
                        *remaining = remaining.saturating_sub(data.len() as u64);
                    }
                    if frame.is_trailers() || this.remaining == Some(0) {
                        this.finish();
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                None => match this.failure.get() {
                    // What the guest wrote ended with the guest.
                    Some(CallError::Deadline) => {
                        this.breaks("the answer took too long; `stream_deadline_ms` sets the limit".into());
                    }
                    Some(failure) => this.breaks(failure.to_string()),
                    None if !this.is_bodiless && this.remaining.is_some_and(|remaining| remaining > 0) => {
                        this.breaks("the body of the handler's answer is shorter than its `content-length`".into());
                    }
                    None => {
                        this.finish();
                        return Poll::Ready(None);
                    }
                },
                Some(Err(error)) => this.breaks(format!("the handler broke off the body of its answer: {error}")),
            }
        }
        if let Some(breaking) = &mut this.breaking {
            ready!(breaking.as_mut().poll(cx));
        }
        Poll::Ready(Some(Err(HttpError::HttpResponseIncomplete)))
    }

    fn is_end_stream(&self) -> bool {
        self.breaking.is_none() && self.failure.get().is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Whoever needs no body does not read it to its end. Else the client has left, and the task ends.
        if self.is_bodiless || self.is_end_stream() || self.remaining == Some(0) {
            self.finish();
        }
    }
}
