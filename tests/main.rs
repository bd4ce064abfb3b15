//! All integration tests, in one binary: each module one subject.

mod bodies;
mod documents;
mod examples;
mod outcomes;
mod params;
mod routes;
mod values;
