//! All integration tests, in one binary: each module one subject.

mod acceptance;
mod browser;
mod decoding;
mod examples;
