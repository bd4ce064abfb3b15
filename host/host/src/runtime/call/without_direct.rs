//! Stands for `direct` in a host that is built without that feature: all values pass as wasmtime has them.

use std::{convert::Infallible, sync::Arc};

use futures_channel::{mpsc, oneshot};
use wasmtime::{
    Store,
    component::{Func, StreamAny, types::ComponentFunc},
};

use super::items::{ItemType, Written};
use crate::{
    contract::Operation,
    runtime::sandbox::Sandbox,
    value::{Image, Reply, Unwritable},
};

/// No function has one.
pub(crate) struct DirectSignature(Infallible);

impl DirectSignature {
    /// # Errors
    ///
    /// Always.
    pub(crate) fn new(_: &Operation, _: &ComponentFunc, _: usize, _: usize) -> wasmtime::Result<DirectSignature> {
        Err(missing())
    }

    /// Never called.
    ///
    /// # Errors
    ///
    /// None.
    pub(crate) async fn call(
        self: &Arc<Self>,
        _: &mut Store<Sandbox>,
        _: Func,
        _: Image,
    ) -> wasmtime::Result<Result<Reply, Unwritable>> {
        match self.0 {}
    }
}

/// # Errors
///
/// Always: a component with such a stream is not loaded.
pub(crate) fn pipe(
    _: &mut Store<Sandbox>,
    _: StreamAny,
    _: ItemType,
    _: mpsc::Sender<Written>,
    _: oneshot::Sender<()>,
) -> wasmtime::Result<()> {
    Err(missing())
}

fn missing() -> wasmtime::Error {
    wasmtime::Error::msg("this host is built without the feature `direct`")
}
