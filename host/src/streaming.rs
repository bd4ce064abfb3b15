//! Streams over HTTP: the request's body as items while it arrives, and items as the answer's body while they come.

mod answer;
mod request;

use axum::http::{HeaderMap, header};

use crate::{
    accept,
    contract::{Operation, Outcome},
    problem::Problem,
};

pub use answer::{Break, End, head, respond};
pub use request::{Incoming, incoming};

/// Bytes as they are.
pub const BYTES: &str = "application/octet-stream";

/// One JSON value a line: NDJSON, also called JSON Lines.
pub const NDJSON: &str = "application/x-ndjson";
pub const JSONL: &str = "application/jsonl";

/// Server-sent events (WHATWG HTML, section 9.2).
pub const EVENTS: &str = "text/event-stream";

/// The media types that the items of a result are sent as, the default first.
pub fn offers(outcome: &Outcome) -> &'static [&'static str] {
    if outcome.is_raw() { &[BYTES] } else { &[NDJSON, EVENTS] }
}

/// The media types that a request's items are taken as, the default first.
pub fn taken(operation: &Operation) -> &'static [&'static str] {
    if operation.takes_byte_stream() { &[BYTES] } else { &[NDJSON, JSONL] }
}

/// The one of [`offers`] that the client wants.
///
/// # Errors
///
/// It wants none of them.
pub fn preferred(outcome: &Outcome, headers: &HeaderMap) -> Result<&'static str, Problem> {
    let offers = offers(outcome);
    accept::preferred(headers, offers).ok_or(Problem::NotAcceptable { header: header::ACCEPT, offers })
}
