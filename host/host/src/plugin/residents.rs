//! Which plugins stay awake: those that were used last, up to a number.
//!
//! The clock algorithm (Corbató, "A paging experiment with the Multics system", 1968): a request only marks its plugin as
//! used, and whoever makes room goes round, takes the marks away, and puts to sleep what had none.

use std::{
    collections::VecDeque,
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Listed;

/// So many wake at one time, at least, and at most: one for each core. Those that wait have no thread. A read of a disk that
/// hangs keeps its place until it ends: when all are kept, requests of sleeping plugins end at their deadlines, while what
/// is awake serves on and files are loaded, which is others' room.
const WAKES: RangeInclusive<usize> = 2..=8;

/// The plugins that are awake.
#[derive(Debug, Clone)]
pub struct Residents {
    most: usize,
    round: Arc<Mutex<VecDeque<Weak<Listed>>>>,
    /// Whether one woke since somebody last looked.
    has_woken: Arc<AtomicBool>,
    /// A permit for each that wakes, in the order in which they were asked for.
    places: Arc<Semaphore>,
}

impl Residents {
    /// So many stay awake at `most`.
    pub fn new(most: usize) -> Residents {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let places = Arc::new(Semaphore::new(cores.clamp(*WAKES.start(), *WAKES.end())));
        Residents { most, round: Arc::default(), has_woken: Arc::default(), places }
    }

    /// Waits for its turn to wake. It is over when what this gives is dropped; `None` is never given.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.ok()
    }

    /// Whether one woke since this was last asked.
    pub fn take_mark(&self) -> bool {
        self.has_woken.swap(false, Ordering::Relaxed)
    }

    /// How many stay awake.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Notes that this plugin woke up, and makes room for it.
    pub fn woke(&self, plugin: &Arc<Listed>) {
        self.has_woken.store(true, Ordering::Relaxed);
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        round.retain(|other| other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), Arc::as_ptr(plugin)));
        // Twice round at most: the first time takes all marks away.
        let mut left = 2 * round.len();
        while round.len() >= self.most && left > 0 {
            left -= 1;
            let Some(other) = round.pop_front() else { break };
            let Some(plugin) = other.upgrade() else { continue };
            if plugin.take_mark() {
                round.push_back(other);
            } else {
                plugin.sleep();
            }
        }
        round.push_back(Arc::downgrade(plugin));
    }
}
