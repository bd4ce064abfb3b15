//! Who may run when: a bounded number of instances, and a bounded queue in front of them, first come, first served.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Admits calls.
#[derive(Clone)]
pub struct Scheduler {
    instances: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
}

/// The right to have one instance. It is given back on drop, so it has to outlive the store.
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// All instances are busy and the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saturated;

impl Scheduler {
    /// `instances` calls run at one time, `queue` more wait.
    pub fn new(instances: usize, queue: usize) -> Scheduler {
        Scheduler { instances: Arc::new(Semaphore::new(instances)), waiting: Arc::default(), queue }
    }

    /// Waits for a permit. Whoever stops waiting, because a deadline passed or a client went away, leaves the queue.
    ///
    /// # Errors
    ///
    /// [`Saturated`], at once, if the queue is full.
    pub async fn admit(&self) -> Result<Permit, Saturated> {
        if let Ok(permit) = self.instances.clone().try_acquire_owned() {
            return Ok(Permit { _permit: permit });
        }
        struct Place<'a>(&'a AtomicUsize);
        impl Drop for Place<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        if before >= self.queue {
            return Err(Saturated);
        }
        // The semaphore is never closed.
        self.instances.clone().acquire_owned().await.map(|permit| Permit { _permit: permit }).map_err(|_| Saturated)
    }
}
