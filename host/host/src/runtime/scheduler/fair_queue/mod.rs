//! Start-time fair queueing of jobs between flows, by the time that they use. It knows no threads and no clocks.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How far a flow may be ahead of those that wait before it has to wait as well: virtual time of the default weight.
pub(super) const BURST: Duration = Duration::from_millis(4);

/// The weight at which virtual time is time.
pub(super) const DEFAULT_WEIGHT: u32 = 100;

/// What all flows share; also looked at from outside of the queue, without its lock.
#[derive(Debug, Default)]
pub(super) struct VirtualClock {
    /// The virtual time: the start of the turn that began last.
    now: AtomicU64,
    /// Flows with jobs that could run.
    backlogged: AtomicUsize,
}

/// One that gets a share.
#[derive(Debug)]
pub(super) struct Flow {
    id: u64,
    weight: u64,
    clock: Arc<VirtualClock>,
    /// Its own virtual time: the start of its next turn, unless it was idle.
    tag: AtomicU64,
    is_backlogged: AtomicBool,
}

impl Flow {
    /// `id` is no other flow's.
    pub(super) fn new(id: u64, weight: u32, clock: Arc<VirtualClock>) -> Flow {
        let weight = u64::from(weight.max(1));
        Flow { id, weight, clock, tag: AtomicU64::new(0), is_backlogged: AtomicBool::new(false) }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether jobs of other flows wait.
    fn is_contended(&self) -> bool {
        let backlogged = self.clock.backlogged.load(Ordering::Relaxed);
        backlogged > 1 || backlogged == 1 && !self.is_backlogged.load(Ordering::Relaxed)
    }

    /// Whether it used so much more than others, which wait, that it has to wait as well.
    pub(super) fn is_ahead(&self) -> bool {
        self.is_contended()
            && self.tag.load(Ordering::Relaxed)
                > self.clock.now.load(Ordering::Relaxed).saturating_add(BURST.as_nanos() as u64)
    }

    /// It used time outside of the queue. Where nobody waits, that was at nobody's expense.
    pub(super) fn charge_outside(&self, used: Duration) {
        if self.is_contended() {
            self.tag.fetch_max(self.clock.now.load(Ordering::Relaxed), Ordering::Relaxed);
            self.charge(used);
        }
    }

    /// A job of its used that much time in its turn.
    pub(super) fn charge(&self, used: Duration) {
        let used = (used.as_nanos() as u64).saturating_mul(DEFAULT_WEIGHT.into()) / self.weight;
        self.tag.fetch_add(used, Ordering::Relaxed);
    }
}

/// Where a job waits: its class, by the time it has used, and when it came.
pub(super) type QueuePlace = (u32, u64);

/// Jobs that could run, of many flows.
pub(super) struct FairQueue<J> {
    clock: Arc<VirtualClock>,
    flows: HashMap<u64, Backlog<J>>,
    /// Each flow with waiting jobs once, by a tag that may have grown since.
    order: BinaryHeap<Reverse<(u64, u64)>>,
    arrivals: u64,
    /// Jobs that wait.
    waiting: usize,
}

struct Backlog<J> {
    flow: Arc<Flow>,
    waiting: BTreeMap<QueuePlace, J>,
    /// Jobs that have their turn.
    running: usize,
    is_in_order: bool,
}

impl<J> FairQueue<J> {
    pub(super) fn new(clock: Arc<VirtualClock>) -> FairQueue<J> {
        FairQueue { clock, flows: HashMap::new(), order: BinaryHeap::new(), arrivals: 0, waiting: 0 }
    }

    /// Whether no job waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// A job that has used that much time so far waits for a turn.
    pub(super) fn push(&mut self, flow: &Arc<Flow>, used: Duration, job: J) -> QueuePlace {
        self.arrivals += 1;
        self.waiting += 1;
        // Whole milliseconds, in classes that double.
        let class = (used.as_millis() as u64).checked_ilog2().map_or(0, |class| class + 1);
        let place = (class, self.arrivals);
        let FairQueue { clock, flows, order, .. } = self;
        let backlog = flows.entry(flow.id).or_insert_with(|| {
            flow.is_backlogged.store(true, Ordering::Relaxed);
            clock.backlogged.fetch_add(1, Ordering::Relaxed);
            flow.tag.fetch_max(clock.now.load(Ordering::Relaxed), Ordering::Relaxed);
            Backlog { flow: flow.clone(), waiting: BTreeMap::new(), running: 0, is_in_order: false }
        });
        backlog.waiting.insert(place, job);
        backlog.order(order);
        place
    }

    /// The job whose turn it is. [`FairQueue::ended`] has to be told when that is over.
    pub(super) fn pop(&mut self) -> Option<J> {
        while let Some(Reverse((tag, id))) = self.order.pop() {
            let Some(backlog) = self.flows.get_mut(&id) else { continue };
            let current = backlog.flow.tag.load(Ordering::Relaxed);
            if current > tag {
                self.order.push(Reverse((current, id)));
                continue;
            }
            backlog.is_in_order = false;
            let Some((_, job)) = backlog.waiting.pop_first() else {
                // They left.
                let flow = backlog.flow.clone();
                self.forget_idle(&flow);
                continue;
            };
            self.waiting -= 1;
            backlog.running += 1;
            backlog.order(&mut self.order);
            self.clock.now.fetch_max(tag, Ordering::Relaxed);
            return Some(job);
        }
        None
    }

    /// A turn of the flow is over, and charged. If its job goes on, that was pushed before.
    pub(super) fn ended(&mut self, flow: &Flow) {
        if let Some(backlog) = self.flows.get_mut(&flow.id) {
            backlog.running = backlog.running.saturating_sub(1);
        }
        self.forget_idle(flow);
    }

    /// Takes back a job that waits there.
    pub(super) fn remove(&mut self, flow: &Flow, place: QueuePlace) -> Option<J> {
        let job = self.flows.get_mut(&flow.id)?.waiting.remove(&place);
        self.waiting -= usize::from(job.is_some());
        self.forget_idle(flow);
        job
    }

    fn forget_idle(&mut self, flow: &Flow) {
        // One that is in the order yet goes when its turn comes.
        if self.flows.get(&flow.id).is_some_and(|it| it.running == 0 && it.waiting.is_empty() && !it.is_in_order) {
            self.flows.remove(&flow.id);
            flow.is_backlogged.store(false, Ordering::Relaxed);
            self.clock.backlogged.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<J> Backlog<J> {
    fn order(&mut self, order: &mut BinaryHeap<Reverse<(u64, u64)>>) {
        if !self.waiting.is_empty() && !self.is_in_order {
            self.is_in_order = true;
            order.push(Reverse((self.flow.tag.load(Ordering::Relaxed), self.flow.id)));
        }
    }
}

#[cfg(test)]
mod tests;
