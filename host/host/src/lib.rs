//! The host of WitAPI: FastAPI for WebAssembly components.
//!
//! A [`Host`] has a catalog of what it serves. [`watch`] fills it from a folder, and [`server`] puts it on a socket. The
//! modules are rooms, one above the other, in the order below; each may use those below it, and none above
//! (`tests/layers.rs` looks). What a plugin promises is a crate of its own, [`contract`].

pub mod server;

pub mod dispatch;

pub mod watch;

pub mod catalog;

pub mod plugin;

pub mod openapi;

pub mod problem;

pub mod request;

pub mod runtime;

pub mod keyvalue;

pub mod value;

pub mod config;

pub mod log;

pub mod http;

pub use catalog::Host;
#[doc(inline)]
pub use witapi_contract as contract;
