//! A request → the arguments of an operation, or every fault of it, before any code of a plugin runs.
//!
//! - [`body`] reads the body under its limits, in the encoding and the media type that its headers say,
//! - [`form`] makes members of what browsers send,
//! - [`bind`] makes one image of the arguments, of path, query, headers and body, driven by the operation's types.
//!
//! Nothing here knows plugins, or which status a [`Rejection`] has.

mod bind;
pub mod body;
pub mod form;
mod words;

use std::time::Duration;

use crate::value::{Faults, Malformed};

pub use bind::{RequestParts, bind};

/// Why a request has no arguments.
#[derive(Debug)]
pub enum Rejection {
    /// Both as they stand in a sentence.
    UnsupportedMediaType {
        found: String,
        expected: String,
    },
    UnsupportedEncoding {
        found: String,
    },
    /// The limit is of bytes.
    BodyTooLarge {
        limit: usize,
    },
    SlowRequest {
        limit: Duration,
    },
    /// The client stopped in the middle of the body; it will hardly read the answer.
    BodyBroken,
    /// A sentence that begins with "It" or "Its": the body.
    MalformedBody(String),
    /// The body is no JSON.
    Malformed(Malformed),
    Faults(Faults),
    /// The plugin's part of the buffers has no room for the body.
    NoRoom,
}
