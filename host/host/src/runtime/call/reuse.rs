//! Instances that serve more than one request: the operator's choice for a plugin (`requests_per_instance`), never the
//! default. What one request leaves in such an instance the next one may find; nothing else is shared.
//!
//! An instance is kept only after a call that returned: one that trapped, ran out of time or lost its client ends with
//! it. Calls with streams and raw HTTP handlers always have an instance of their own.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmtime::{
    Store,
    component::{ComponentExportIndex, Func, Instance, InstancePre},
};

use crate::runtime::{engine::Waiting, sandbox::Sandbox};

/// Instances of one plugin that wait for their next request, at most.
const MAX_WAITING_OF_PLUGIN: usize = 16;

/// Bytes of linear memory of an instance that is kept. Larger ones would hold what the host could use better.
const MAX_WAITING_MEMORY: usize = 16 << 20;

/// A store with the one instance that is or will be in it.
pub(super) struct Live {
    pub store: Store<Sandbox>,
    instance: Option<Instance>,
    /// Calls that were begun.
    calls: u32,
}

impl Live {
    pub(super) fn new(store: Store<Sandbox>) -> Live {
        Live { store, instance: None, calls: 0 }
    }

    /// The function, of an instance that is made if there is none yet.
    pub(super) async fn function(
        &mut self,
        pre: &InstancePre<Sandbox>,
        function: &ComponentExportIndex,
    ) -> wasmtime::Result<Func> {
        self.calls += 1;
        let instance = match self.instance {
            Some(instance) => instance,
            None => *self.instance.insert(pre.instantiate_async(&mut self.store).await?),
        };
        let function = instance.get_func(&mut self.store, function);
        function.ok_or_else(|| wasmtime::Error::msg("the export is no function"))
    }
}

/// The instances of one plugin that wait for their next request, the last one used on top.
pub(super) struct Idle {
    instances: Mutex<Vec<Live>>,
    /// How many calls each serves.
    calls: u32,
}

impl Idle {
    pub(super) fn new(calls: u32) -> Idle {
        Idle { instances: Mutex::default(), calls }
    }

    /// One that waits.
    pub(super) fn take(&self, waiting: &Waiting) -> Option<Live> {
        if self.calls <= 1 {
            return None;
        }
        let taken = self.instances().pop()?;
        waiting.remove(1);
        Some(taken)
    }

    /// Keeps one whose call has returned, unless it has served all its calls, is large, or enough wait.
    pub(super) fn keep(&self, mut live: Live, waiting: &Waiting) {
        if live.calls >= self.calls || live.store.data().limits.used() > MAX_WAITING_MEMORY {
            return;
        }
        live.store.data_mut().end_call();
        if !waiting.add() {
            return;
        }
        let mut instances = self.instances();
        if instances.len() < MAX_WAITING_OF_PLUGIN {
            instances.push(live);
        } else {
            drop(instances);
            waiting.remove(1);
        }
    }

    /// How many wait.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.instances().len()).unwrap_or(u32::MAX)
    }

    fn instances(&self) -> MutexGuard<'_, Vec<Live>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
