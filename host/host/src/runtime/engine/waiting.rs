//! How many instances wait for their next request, of all plugins.

use std::sync::atomic::{AtomicU32, Ordering};

/// Instances that wait for their next request, of all plugins together, at most: where the pools have room for so many
/// beside those that the scheduler admits.
pub(super) const MAX_WAITING: u32 = 64;

/// See the module.
pub struct Waiting {
    count: AtomicU32,
    max: u32,
}

impl Waiting {
    /// `room` is how many instances the pools have room for beside those of calls.
    pub fn new(room: u32) -> Waiting {
        Waiting { count: AtomicU32::new(0), max: room.min(MAX_WAITING) }
    }

    /// Whether there was room for one more, which waits now.
    pub fn add(&self) -> bool {
        let one_more = |count| (count < self.max).then_some(count + 1);
        self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// So many wait no longer.
    pub fn remove(&self, count: u32) {
        self.count.fetch_sub(count, Ordering::Relaxed);
    }
}
