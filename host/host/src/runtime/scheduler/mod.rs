//! Who may run when, so that a busy plugin slows nobody but itself.
//!
//! # Admission: who gets an instance
//!
//! Instances are scarce (`scheduler.instances`). A call takes one at once where there is one and its plugin may have it; else it
//! waits in the queue of its plugin ([`admission`]).
//!
//! - A plugin has at most `concurrency` instances, and no more than sixteen times as many as are free: the *dynamic threshold*
//!   of shared buffers (Choudhury and Hahne 1998). So one plugin may take nearly all while nobody else wants any, and yet
//!   there are some left for whoever comes next, with no number to be set.
//! - What becomes free goes to the waiting plugin that has the fewest instances for its weight.
//! - A plugin's queue is bounded (`queue`), and so are all of them together (`scheduler.queue`): when they are full, the longest
//!   loses its newest (McKenney 1990). So a flood is answered 503 to those who make it, and to nobody else.
//! - Work that can no longer make it is not begun. A queue that stands for long is cut by CoDel (Nichols and Jacobson 2012, RFC
//!   8289) in its form for servers (Maurer, "Fail at scale", 2015); and a call is turned away if the time that it has left is
//!   less than what calls of that operation take ([`experience`]).
//! - Bodies of requests, arguments and answers are charged to one account, of which a plugin has its part ([`buffers`]).
//! - Deadlines count from arrival. Whoever leaves, leaves the queue.
//!
//! # Turns: who gets a processor
//!
//! A call begins in the *foreground*: it is polled where its connection is, so a short call pays for none of this but two looks
//! at the clock and one allocation. A call that has run for a [`TICK`](super::engine::TICK) and goes on is *long*, and moves to the
//! *background*; calls of operations that were long in the mean begin there ([`background`]): a thread for each processor, of low
//! priority to the kernel, which takes it off the processor when a socket or a short call is ready. There calls run for a tick at
//! a time, since guests yield at every epoch ([`turn`]).
//!
//! Which of the long calls is next is decided by *start-time fair queueing* (Goyal, Vin and Cheng 1996; the kernel's CFS is much
//! the same): each plugin has a virtual time, which grows by the time that it used divided by its weight. The plugin with the
//! lowest has the next turn ([`fair_queue`]). One that was idle begins at the current virtual time, so it saves nothing up.
//! Among the calls of one plugin those that used less go first, in classes that double, and in turns within a class (multi-level
//! feedback): its own short calls do not wait for its long ones.
//!
//! The foreground is charged as well, as long as calls of another plugin wait in the background. A plugin that is ahead of those
//! by more than [`BURST`](fair_queue::BURST) has no foreground: its calls begin in the background. So a flood of short calls does
//! not starve another plugin's long one, and a plugin that uses less than its share always has the foreground.
//!
//! # Limits
//!
//! `cpu_ms` bounds the processor time of one call: what its polls took, by the thread's clock in the background and by the wall
//! in the foreground, so a guest that waits is not charged. It ends at the next tick, as by a trap. Whoever drops a call ends it,
//! wherever it is; its permit is free when its store is gone. No lock is held across a guest's call.
//!
//! What this does not do: the time that the host takes to read a request and to write its answer is nobody's. Calls that use just
//! less than [`HELD`](experience::HELD) stay in the foreground, where many connections of one plugin are a line that others stand
//! in. And a plugin's short calls, if they alone fill its share, keep its long ones waiting until their deadline.

mod admission;
mod background;
mod buffers;
mod experience;
mod fair_queue;
mod run;
mod share;
mod turn;

pub use admission::{Permit, TurnedAway};
pub use buffers::{Charge, NoRoom};
pub use experience::Experience;
pub use run::{Late, Run};
pub use share::{Figures, Share};
pub use turn::{CpuTime, at_tick};

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::config;
use admission::Admission;
use background::Background;
use buffers::Buffers;

/// Admits calls and runs them. Cheap to clone; what runs in the background ends with the last clone.
#[derive(Clone)]
pub struct Scheduler(Arc<Inner>);

struct Inner {
    admission: Arc<Admission>,
    background: Arc<Background>,
    buffers: Arc<Buffers>,
    shares: Mutex<HashMap<String, Weak<Share>>>,
}

impl Scheduler {
    /// For that many instances, and that many bytes of requests on their way.
    ///
    /// # Errors
    ///
    /// The system has no more threads.
    pub fn new(settings: &config::SchedulerConfig, buffer: usize) -> io::Result<Scheduler> {
        let admission = Arc::new(Admission::new(settings.instances, settings.queue));
        let (background, buffers) = (Background::start()?, Arc::new(Buffers::new(buffer)));
        Ok(Scheduler(Arc::new(Inner { admission, background, buffers, shares: Mutex::default() })))
    }

    /// The share of the plugin of that name. All versions of a plugin have the same, under the limits that it was first asked
    /// for with.
    pub fn share(&self, plugin: &str, limits: &config::Limits) -> Arc<Share> {
        let mut shares = self.0.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(plugin).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Share::new(self.0.admission.clone(), self.0.background.clone(), self.0.buffers.clone(), limits);
        shares.insert(plugin.to_owned(), Arc::downgrade(&share));
        share
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.background.stop();
    }
}
