//! One call: instantiate → call → drop, under limits and a deadline.

use std::pin::pin;

use tokio::time::Instant;
use wasmtime::{
    Store,
    component::{Func, Val},
};

use super::{CallError, Callable, before, error::failure, reuse::Live, values::values};
use crate::{
    contract::Operation,
    runtime::sandbox::{Facts, Sandbox},
    value::{Image, Reply, Unwritable},
};

impl Callable {
    /// Calls the operation of that index in an instance of its own, which ends with the call or with its future:
    /// whoever drops the future cancels the call. Only if the operator wants it does another call follow in an instance
    /// whose call has returned.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call(
        &self,
        operation: &Operation,
        index: usize,
        args: Image,
        facts: Box<Facts>,
        deadline: Instant,
    ) -> Result<Reply, CallError> {
        if args.is_too_large() {
            return Err(self.too_large());
        }
        let _running = self.engines.running();
        let mut live = self.live(facts);
        let called = {
            // By reference, so that a large future is not moved.
            let call = pin!(async {
                let function = live.function(&self.pre, &self.functions[index]).await?;
                match &self.signatures[index] {
                    Some(signature) => signature.call(&mut live.store, function, args).await,
                    None => call_with_values(operation, &mut live.store, function, &args, self.bounds.result).await,
                }
            });
            before(deadline, call).await
        };
        match called {
            Ok(Ok(reply)) => {
                self.idle.keep(live, self.engines.waiting());
                Ok(reply?)
            }
            Ok(Err(error)) => Err(failure(&error, &live.store)),
            Err(_) => Err(CallError::Deadline),
        }
    }

    /// Makes an instance as a call would, and drops it.
    ///
    /// # Errors
    ///
    /// Its start function traps, or the pool has no room.
    pub async fn instantiate(&self, facts: Box<Facts>) -> Result<(), CallError> {
        let _running = self.engines.running();
        let mut store = self.store(facts, self.bounds.transfer);
        let made = self.pre.instantiate_async(&mut store).await.map(drop);
        made.map_err(|error| failure(&error, &store))
    }

    /// A store for one call, or one whose instance has served others, if the operator wants that.
    fn live(&self, facts: Box<Facts>) -> Live {
        match self.idle.take(self.engines.waiting()) {
            None => Live::new(self.store(facts, self.bounds.transfer)),
            Some(mut live) => {
                live.store.data_mut().begin_call(facts);
                live.store.set_epoch_deadline(1);
                live
            }
        }
    }
}

/// Calls a function by values as wasmtime has them: one that may be async.
async fn call_with_values(
    operation: &Operation,
    store: &mut Store<Sandbox>,
    function: Func,
    args: &Image,
    limit: usize,
) -> wasmtime::Result<Result<Reply, Unwritable>> {
    let args = values(operation, args)?;
    let mut results = if operation.outcome.has_result() { vec![Val::Bool(false)] } else { vec![] };
    function.call_async(store, &args, &mut results).await?;
    Ok(Reply::of(&operation.outcome, results.first(), limit))
}
