//! All integration tests, in one binary: each module one subject.

mod acceptance;
mod bodies;
mod broken_files;
mod browser;
mod busy;
mod code_cache;
mod command_line;
mod concurrent;
mod conformity;
mod contracts;
mod decoding;
mod documents;
mod embedded_wit;
mod examples;
mod grants;
mod hostile;
mod hot_load;
mod keyvalue;
mod outcomes;
mod output;
mod params;
mod pressure;
mod round_trip;
mod routes;
mod serving;
mod values;
