//! The facts of the HTTP request that the current call answers: `witapi:host/request`, which the operator has to grant.

pub use crate::bindings::witapi::host::request::{header, headers, id, method, peer, route, target};
