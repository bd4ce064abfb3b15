//! All integration tests, in one binary: each module one subject.

mod browser;
mod examples;
