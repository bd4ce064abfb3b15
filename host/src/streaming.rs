//! Streams over HTTP: the request's body as items while it arrives, and items as the answer's body while they come.

mod answer;
pub mod raw;
mod request;

use crate::{contract::Operation, media_type::BYTES};

pub use answer::{Break, End, head, respond};
pub use request::{Incoming, incoming};

/// One JSON value a line: NDJSON, also called JSON Lines.
pub const NDJSON: &str = "application/x-ndjson";
pub const JSONL: &str = "application/jsonl";

/// Server-sent events (WHATWG HTML, section 9.2).
pub const EVENTS: &str = "text/event-stream";

/// The media types that a request's items are taken as, the default first.
pub fn taken(operation: &Operation) -> &'static [&'static str] {
    if operation.takes_byte_stream() { &[BYTES] } else { &[NDJSON, JSONL] }
}
