//! All integration tests, in one binary: each module one subject.

mod examples;
mod values;
