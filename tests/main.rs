//! All integration tests, in one binary: each module one subject.

mod acceptance;
mod bodies;
mod browser;
mod busy;
mod command_line;
mod contracts;
mod decoding;
mod documents;
mod embedded_wit;
mod examples;
mod hostile;
mod outcomes;
mod output;
mod params;
mod routes;
mod values;
