//! All integration tests, in one binary: each module one subject.

mod busy;
mod examples;
mod hostile;
mod output;
