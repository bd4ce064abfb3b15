//! A plugin: a component with its contract, its limits and its grants, ready to be called.
//!
//! - [`load`] makes a [`Plugin`] of a file's bytes, and says why not. It changes nothing of the host.
//! - A [`Plugin`] never changes. Whoever holds one can call it, whatever becomes of its file.
//! - A [`Listed`] is what the catalog has: name, routes and share, which stay, and the plugin itself as long as it is awake.
//!   Only [`Listed`] wakes it and puts it to sleep; [`Residents`] says which of them.
//! - [`Copies`] has the components of those that may sleep, and what documents have of each, in a file without a name: the
//!   file in the plugin folder may be another by then.
//!
//! What always holds: all that wait for a plugin to wake wait for one load of it; putting one to sleep takes nothing from
//! who uses it; a plugin whose component cannot be read back never sleeps.

mod copies;
mod listed;
pub mod load;
mod residents;
mod served;
#[cfg(test)]
pub mod tests;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::http::Request;
use tokio::time::Instant;

use crate::{
    config::Limits,
    contract::{Contract, Operation},
    http::caller::RequestId,
    runtime::{
        Answer, CallError, Callable, Experience, Facts, GuestBody, Handled, Input, Late, Permit, Share, TurnedAway,
    },
    value::{Image, Reply},
};

pub use copies::Copies;
pub use listed::{Listed, OperationSummary, RouteKey, Summary};
pub use load::LoadError;
pub use residents::Residents;

/// See the module. Made by [`load::load`]; never changes.
pub struct Plugin {
    /// The file's name without `.wasm`.
    pub name: Arc<str>,
    pub file: PathBuf,
    /// SHA-256 of the component.
    pub digest: [u8; 32],
    /// Of the component, in bytes.
    pub size: usize,
    pub contract: Contract,
    pub limits: Limits,
    pub grants: Vec<String>,
    pub loaded_at: SystemTime,
    /// From the file's bytes to being ready, compilation included.
    pub load_time: Duration,
    /// Its part of instances and processors, the same for all versions of it.
    pub share: Arc<Share>,
    /// Of its operations, in their order.
    pub names: Box<[OperationNames]>,
    /// What calls took: one for each operation, and the last for the raw handler.
    experience: Box<[Arc<Experience>]>,
    callable: Callable,
}

/// What an operation is called in each request, put together once.
pub struct OperationNames {
    /// See [`Operation::label`].
    pub label: Arc<str>,
    /// Its pattern, with the mount point.
    pub route: Arc<str>,
}

impl OperationNames {
    fn of(operation: &Operation) -> OperationNames {
        OperationNames { label: operation.label().into(), route: operation.pattern.to_string().into() }
    }
}

impl Plugin {
    /// How long an instance takes to make and drop: the median of so many, one after the other.
    ///
    /// # Errors
    ///
    /// See [`Callable::instantiate`].
    pub async fn instantiation(&self, times: usize) -> Result<Duration, CallError> {
        let (head, ()) = Request::new(()).into_parts();
        let facts =
            Facts { id: RequestId::of_host("instantiation"), route: "".into(), head, peer: ([0, 0, 0, 0], 0).into() };
        let mut taken = Vec::with_capacity(times);
        for _ in 0..times {
            let (facts, began) = (Box::new(facts.clone()), Instant::now());
            self.callable.instantiate(facts).await?;
            taken.push(began.elapsed());
        }
        taken.sort();
        Ok(taken.get(times / 2).copied().unwrap_or_default())
    }

    /// Waits for an instance for a call of the operation of that index, or of the raw handler if it is none.
    ///
    /// # Errors
    ///
    /// See [`TurnedAway`].
    pub async fn admit(&self, index: Option<usize>, deadline: Instant) -> Result<Permit, TurnedAway> {
        self.share.admit(deadline, &self.experience[index.unwrap_or(self.contract.operations.len())]).await
    }

    /// Calls the operation of that index. See [`Callable::call`].
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call(
        self: &Arc<Self>,
        index: usize,
        args: Image,
        facts: Box<Facts>,
        permit: Permit,
        deadline: Instant,
    ) -> Result<Reply, CallError> {
        let plugin = self.clone();
        let call = Box::pin(async move {
            plugin.callable.call(&plugin.contract.operations[index], index, args, facts, deadline).await
        });
        let (result, _permit) = permit.run(Some(deadline), call).await.map_err(|Late| CallError::Deadline)?;
        result
    }

    /// Calls the operation of that index, which has streams or futures. See [`Callable::start`].
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn start(
        self: &Arc<Self>,
        index: usize,
        args: Image,
        input: Option<Input>,
        facts: Box<Facts>,
        permit: Permit,
        deadline: Instant,
    ) -> Result<(Answer, Permit), CallError> {
        let plugin = self.clone();
        let start = Box::pin(async move {
            plugin.callable.start(&plugin.contract.operations[index], index, args, input, facts, deadline).await
        });
        let (answer, permit) = permit.run(Some(deadline), start).await.map_err(|Late| CallError::Deadline)?;
        Ok((answer?, permit))
    }

    /// Gives its raw HTTP handler a request. See [`Callable::handle`].
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn handle(
        &self,
        request: Request<GuestBody>,
        facts: Box<Facts>,
        permit: Permit,
        deadline: Instant,
    ) -> Result<Handled, CallError> {
        self.callable.handle(request, facts, permit, deadline).await
    }
}
