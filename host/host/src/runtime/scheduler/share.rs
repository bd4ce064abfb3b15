//! What the scheduler knows of one plugin.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Permit, TurnedAway,
    admission::Admission,
    background::Background,
    buffers::{Buffers, Charge},
    experience::{CoDel, Experience},
    fair_queue::Flow,
};
use crate::config::Limits;

/// A plugin's share of instances and processors, whatever its version.
pub struct Share {
    pub(super) limits: Limits,
    pub(super) admission: Arc<Admission>,
    pub(super) background: Arc<Background>,
    pub(super) flow: Arc<Flow>,
    pub(super) buffers: Arc<Buffers>,
    /// Bytes of its requests on their way.
    pub(super) buffered: AtomicUsize,
    /// Instances.
    pub(super) running: AtomicUsize,
    /// Calls in the queue.
    pub(super) waiting: AtomicUsize,
    codel: Mutex<CoDel>,
    refused: AtomicU64,
    long: AtomicU64,
    /// Nanoseconds.
    used: AtomicU64,
}

/// What operators see of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Instances.
    pub running: usize,
    /// Calls that wait for one.
    pub waiting: usize,
    /// Calls that were turned away.
    pub refused: u64,
    /// Calls that went to the background.
    pub long: u64,
    /// Processor time of all calls.
    pub used: Duration,
    /// Bytes of bodies, arguments and answers on their way.
    pub buffered: usize,
}

impl Share {
    pub(super) fn new(
        admission: Arc<Admission>,
        background: Arc<Background>,
        buffers: Arc<Buffers>,
        limits: &Limits,
    ) -> Arc<Share> {
        let flow = Arc::new(background.flow(limits.weight));
        Arc::new(Share {
            limits: *limits,
            admission,
            background,
            flow,
            buffers,
            buffered: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            codel: Mutex::new(CoDel::new(limits.deadline)),
            refused: AtomicU64::new(0),
            long: AtomicU64::new(0),
            used: AtomicU64::new(0),
        })
    }

    /// Waits for an instance until `deadline`. Calls of that operation took what `experience` tells. Whoever stops waiting leaves
    /// the queue.
    ///
    /// # Errors
    ///
    /// See [`TurnedAway`].
    pub async fn admit(
        self: &Arc<Self>,
        deadline: Instant,
        experience: &Arc<Experience>,
    ) -> Result<Permit, TurnedAway> {
        let mut admitted = match self.has_room() {
            true => self.admission.admit(self, deadline, experience.least()).await,
            false => Err(TurnedAway::Saturated),
        };
        match &mut admitted {
            Ok(permit) => {
                permit.is_long = experience.is_of_long_calls();
                permit.experience = Some(experience.clone());
            }
            Err(_) => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
        }
        admitted
    }

    /// What a request takes of the host's memory; nothing yet.
    pub fn charge(self: &Arc<Self>) -> Charge {
        Charge::new(self.clone())
    }

    pub fn figures(&self) -> Figures {
        Figures {
            running: self.running.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            long: self.long.load(Ordering::Relaxed),
            used: Duration::from_nanos(self.used.load(Ordering::Relaxed)),
            buffered: self.buffered.load(Ordering::Relaxed),
        }
    }

    /// One of its calls used a processor for that long.
    pub(super) fn count(&self, used: Duration) {
        self.used.fetch_add(used.as_nanos() as u64, Ordering::Relaxed);
    }

    /// One of its calls goes to the background.
    pub(super) fn has_long(&self) {
        self.long.fetch_add(1, Ordering::Relaxed);
    }

    /// No other share has it.
    pub(super) fn number(&self) -> u64 {
        self.flow.id()
    }

    /// How much that is for a plugin of its weight.
    pub(super) fn by_weight(&self, count: usize) -> u64 {
        (count as u64).saturating_mul(1 << 20) / self.flow.weight()
    }

    /// Whether a call that has waited for so long should not begin.
    pub(super) fn drops(&self, waited: Duration, now: Instant) -> bool {
        let mut codel = self.codel.lock().unwrap_or_else(PoisonError::into_inner);
        codel.drops(waited, now.into_std())
    }
}
