//! What is known of calls before they begin: how long others of the operation took, and how long they have waited.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::turn::FOREGROUND;

/// What calls of one operation lately took. Of two that end at the same time one may not be counted.
#[derive(Debug, Default)]
pub struct Experience {
    /// Mean and mean deviation in microseconds, as TCP estimates a round trip (Jacobson 1988, RFC 6298, section 2).
    waited_for: AtomicU64,
    /// Of processors, in nanoseconds: the mean of that up to [`MOST_HELD`].
    held: AtomicU64,
}

/// A call holds a thread of the foreground for so long at most, more or less: then it is long.
pub(super) const MOST_HELD: Duration = FOREGROUND.saturating_mul(2);

/// For how long calls of an operation may hold the foreground, in the mean. If it is longer, they begin in the background.
pub(super) const HELD: Duration = Duration::from_micros(250);

impl Experience {
    /// A call took that long by the wall.
    pub fn took(&self, took: Duration) {
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let known = self.waited_for.load(Ordering::Relaxed);
        let next = if known == 0 {
            (took, took / 2)
        } else {
            let (mean, deviation) = unpack(known);
            let deviation = deviation - deviation / 4 + mean.abs_diff(took) / 4;
            (mean - mean / 8 + took / 8, deviation)
        };
        self.waited_for.store(u64::from(next.0) << 32 | u64::from(next.1), Ordering::Relaxed);
    }

    /// Whether others should not have to wait while a call begins.
    pub fn is_of_long_calls(&self) -> bool {
        self.held.load(Ordering::Relaxed) > HELD.as_nanos() as u64
    }

    /// A call used that much of a processor, or is long.
    pub fn used(&self, used: Duration) {
        let (held, last) = (self.held.load(Ordering::Relaxed), used.min(MOST_HELD).as_nanos() as u64);
        self.held.store(held - held / 8 + last / 8, Ordering::Relaxed);
    }

    /// What nearly every call takes at least; zero while they differ much, or none is known.
    pub fn least(&self) -> Duration {
        let (mean, deviation) = unpack(self.waited_for.load(Ordering::Relaxed));
        Duration::from_micros(mean.saturating_sub(deviation.saturating_mul(2)).into())
    }
}

fn unpack(known: u64) -> (u32, u32) {
    ((known >> 32) as u32, known as u32)
}

/// Target and interval of CoDel as parts of the deadline: RFC 8289, section 4.3, wants a target of 5 to 10 % of the interval, and
/// an interval in which those who send notice. Those who send requests notice within their deadline.
const TARGET: u32 = 20;
const INTERVAL: u32 = 2;

/// Tells a queue that stands from one that a burst has filled.
///
/// A queue of packets is drained by dropping one now and then, since senders then slow down; clients of a server do not.
/// So once the shortest wait of a whole interval was above the target, each call that has waited for more than twice the target
/// is turned away, until the shortest wait of an interval is below it again (Maurer 2015).
#[derive(Debug)]
pub(super) struct CoDel {
    target: Duration,
    interval: Duration,
    /// The end of the current interval, and the shortest wait in it.
    current: Option<(Instant, Duration)>,
    is_standing: bool,
}

impl CoDel {
    pub(super) fn new(deadline: Duration) -> CoDel {
        let (target, interval) = (deadline / TARGET, deadline / INTERVAL);
        CoDel { target, interval, current: None, is_standing: false }
    }

    /// Whether a call that leaves the queue has waited for too long.
    pub(super) fn drops(&mut self, waited: Duration, now: Instant) -> bool {
        match &mut self.current {
            Some((end, shortest)) if now < *end => *shortest = waited.min(*shortest),
            current => {
                // An interval that is long over says nothing of now.
                let lately = current.filter(|(end, _)| now < *end + self.interval);
                self.is_standing = lately.is_some_and(|(_, shortest)| shortest > self.target);
                *current = Some((now + self.interval, waited));
            }
        }
        self.is_standing && waited > self.target * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn even_calls_are_known_and_uneven_ones_are_not() {
        let even = Experience::default();
        assert_eq!(even.least(), Duration::ZERO);
        even.took(SECOND);
        assert_eq!(even.least(), Duration::ZERO);
        (0..20).for_each(|_| even.took(SECOND));
        assert!(even.least() > SECOND * 9 / 10 && even.least() <= SECOND, "{even:?}");
        let uneven = Experience::default();
        for i in 0..100 {
            uneven.took(if i % 2 == 0 { SECOND } else { SECOND / 1000 });
            assert!(uneven.least() <= SECOND / 1000, "{:?}", uneven.least());
        }
    }

    #[test]
    fn operations_with_long_calls_are_known() {
        let experience = Experience::default();
        (0..100).for_each(|_| experience.used(SECOND / 10_000));
        assert!(!experience.is_of_long_calls());
        (0..3).for_each(|_| experience.used(SECOND));
        assert!(experience.is_of_long_calls());
        (0..30).for_each(|_| experience.used(SECOND / 10_000));
        assert!(!experience.is_of_long_calls());
    }

    #[test]
    fn a_burst_waits_and_a_queue_that_stands_is_cut() {
        let mut codel = CoDel::new(20 * SECOND);
        let began = Instant::now();
        let at = |seconds: u32| began + seconds * SECOND;
        // An interval of 10 s in which all waited for long, but for one.
        assert!((0..10).all(|i| !codel.drops(if i == 5 { SECOND } else { 9 * SECOND }, at(i))));
        // In the second nobody has.
        assert!((10..20).all(|i| !codel.drops(9 * SECOND, at(i))));
        assert!(codel.drops(9 * SECOND, at(20)));
        assert!(!codel.drops(2 * SECOND, at(21)));
        assert!(!codel.drops(SECOND, at(22)));
        assert!(codel.drops(9 * SECOND, at(29)));
        assert!(!codel.drops(9 * SECOND, at(30)));
        // What stood long ago stands no more.
        assert!((30..40).all(|i| !codel.drops(9 * SECOND, at(i))));
        assert!(!codel.drops(9 * SECOND, at(60)));
    }
}
