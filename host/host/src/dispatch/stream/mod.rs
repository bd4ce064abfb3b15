//! Streams over HTTP: the request's body as items while it arrives, and items as the answer's body while they come.

mod answer;
pub mod raw;
mod request;

pub use answer::{Break, StreamEnd, head, respond};
pub use request::{Incoming, incoming};
