//! The export of a raw HTTP handler.

use wasmtime::component::InstancePre;
use wasmtime_wasi_http::{p2 as http_p2, p3 as http_p3};

use crate::{contract::Generation, runtime::sandbox::Sandbox};

/// The component's handler, ready to be instantiated.
#[derive(Clone)]
pub(crate) enum Handler {
    P2(http_p2::bindings::ProxyPre<Sandbox>),
    P3(http_p3::bindings::ServicePre<Sandbox>),
}

impl Handler {
    /// # Errors
    ///
    /// The export is not what its name says.
    pub(crate) fn new(pre: &InstancePre<Sandbox>, generation: Generation) -> wasmtime::Result<Handler> {
        Ok(match generation {
            Generation::P2 => Handler::P2(http_p2::bindings::ProxyPre::new(pre.clone())?),
            Generation::P3 => Handler::P3(http_p3::bindings::ServicePre::new(pre.clone())?),
        })
    }
}
