//! How much of the host's memory requests take on their way: bodies, the arguments made of them, and answers until they
//! are sent.
//!
//! All of it is charged to one account, and within that to the plugin. A request whose plugin has no room left is answered
//! 503. What a plugin may have depends on what is free, as with instances: twice as much as is free, by its weight (the
//! dynamic threshold; Choudhury and Hahne 1998). So a plugin alone may have two thirds of everything, two that both want
//! more have two fifths each, and there is always some room for whoever comes next.
//!
//! An answer is there when the guest has run, so it is charged whatever is free. The plugin's next requests pay for it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{fair_queue::DEFAULT_WEIGHT, share::Share};

/// A plugin of the default weight has at most so many times as many bytes as are free.
const THRESHOLD: u64 = 2;

/// This part of everything a plugin of the default weight may have whatever is free, so that what others take cannot
/// shut it out.
const OWN_PART: u64 = 1024;

/// What one request may take without being charged, in bytes. It is less than what its connection takes.
const FREE: usize = 4 << 10;

/// Bytes that all plugins share.
pub(super) struct Buffers {
    limit: usize,
    used: AtomicUsize,
}

impl Buffers {
    /// So many bytes, of which none is used.
    pub(super) fn new(limit: usize) -> Buffers {
        Buffers { limit, used: AtomicUsize::new(0) }
    }

    /// Whether a plugin of that weight may have `bytes` in all when `used` bytes are taken.
    fn may_have(&self, bytes: usize, weight: u64, used: usize) -> bool {
        let free = self.limit.saturating_sub(used) as u64;
        let by_weight = |bytes: u64| bytes.saturating_mul(weight) / u64::from(DEFAULT_WEIGHT);
        let most = by_weight(free.saturating_mul(THRESHOLD)).min(self.limit as u64);
        bytes as u64 <= most.max(by_weight(self.limit as u64 / OWN_PART))
    }
}

/// What one request takes, given back on drop.
pub struct Charge {
    share: Arc<Share>,
    /// Bytes that the request has.
    bytes: usize,
    /// Bytes that are charged.
    charged: usize,
}

/// There is no room for more bytes of that plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the buffers are full; `server.buffer_mib` sets the limit")]
pub struct NoRoom;

impl Charge {
    pub(super) fn new(share: Arc<Share>) -> Charge {
        Charge { share, bytes: 0, charged: 0 }
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    ///
    /// There is no room for them; nothing is taken then.
    pub fn grow(&mut self, more: usize) -> Result<(), NoRoom> {
        let bytes = self.bytes.saturating_add(more);
        let missing = Charge::of(bytes).saturating_sub(self.charged);
        if missing > 0 {
            let (buffers, weight) = (&self.share.buffers, self.share.flow.weight());
            let with_missing = |used: usize| {
                let own = self.share.buffered.load(Ordering::Relaxed).saturating_add(missing);
                buffers.may_have(own, weight, used).then(|| used.saturating_add(missing))
            };
            buffers.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with_missing).map_err(|_| NoRoom)?;
            self.share.buffered.fetch_add(missing, Ordering::Relaxed);
        }
        self.bytes = bytes;
        self.charged += missing;
        Ok(())
    }

    /// Takes so many bytes in the place of those that it has.
    ///
    /// # Errors
    ///
    /// They are more, and there is no room for them; nothing is taken then.
    pub fn replace(&mut self, bytes: usize) -> Result<(), NoRoom> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.grow(more),
            None => {
                self.set(bytes);
                Ok(())
            }
        }
    }

    /// The same, whether there is room or not.
    pub fn set(&mut self, bytes: usize) {
        let charged = Charge::of(bytes);
        for account in [&self.share.buffers.used, &self.share.buffered] {
            if charged >= self.charged {
                account.fetch_add(charged - self.charged, Ordering::Relaxed);
            } else {
                account.fetch_sub(self.charged - charged, Ordering::Relaxed);
            }
        }
        (self.bytes, self.charged) = (bytes, charged);
    }

    /// Whether anything is charged.
    pub fn is_any(&self) -> bool {
        self.charged > 0
    }

    /// How much is charged for so many bytes.
    fn of(bytes: usize) -> usize {
        if bytes > FREE { bytes } else { 0 }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.charged > 0 {
            self.set(0);
        }
    }
}

impl Share {
    /// Whether a request of the plugin may begin, whatever it has for a body.
    pub(super) fn has_room(&self) -> bool {
        let (own, used) = (self.buffered.load(Ordering::Relaxed), self.buffers.used.load(Ordering::Relaxed));
        self.buffers.may_have(own, self.flow.weight(), used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn may_have(used: usize, weight: u64) -> usize {
        let buffers = Buffers::new(90 * MIB);
        (0..=90).take_while(|own| buffers.may_have(own * MIB, weight, used * MIB)).last().unwrap_or(0)
    }

    #[test]
    fn a_plugin_may_have_twice_what_is_free() {
        assert_eq!(may_have(60, 100), 60);
        assert_eq!(may_have(0, 100), 90);
        assert_eq!(may_have(80, 100), 20);
    }

    #[test]
    fn weight_counts() {
        assert_eq!(may_have(80, 50), 10);
        assert_eq!(may_have(80, 200), 40);
    }

    #[test]
    fn a_small_part_is_a_plugins_own() {
        let buffers = Buffers::new(90 * MIB);
        assert!(buffers.may_have(80 << 10, 100, 90 * MIB));
        assert!(buffers.may_have(80 << 10, 100, 900 * MIB));
        assert!(!buffers.may_have(100 << 10, 100, 90 * MIB));
    }
}
