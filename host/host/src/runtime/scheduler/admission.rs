//! Who gets an instance, and who waits for one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{experience::Experience, share::Share};

/// A plugin has at most so many times as many instances as are free.
const THRESHOLD: usize = 16;

/// Instances, and the queues before them.
pub(super) struct Admission {
    free: AtomicUsize,
    /// Calls in all queues.
    waiting: AtomicUsize,
    /// How many there may be.
    queue: usize,
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    /// Those in which somebody waits, by the number of the share.
    of: BTreeMap<u64, Queue>,
    arrivals: u64,
}

struct Queue {
    share: Arc<Share>,
    /// In the order of arrival.
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    number: u64,
    since: Instant,
    /// When it is too late to begin.
    latest: Instant,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<Permit, TurnedAway>>;

/// The right to have one instance, and what the call has used so far. It is given back on drop, so it has to outlive the store.
pub struct Permit {
    pub(super) share: Arc<Share>,
    /// Processor time.
    pub(super) used: Duration,
    /// It is for the background.
    pub(super) is_long: bool,
    /// What is learnt of it.
    pub(super) experience: Option<Arc<Experience>>,
}

/// Why a call did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// The queue is full, or the call could not make it in time any more.
    Saturated,
    /// Its deadline passed while it waited.
    Deadline,
}

impl Admission {
    /// For that many instances, with that many calls waiting for them.
    pub(super) fn new(instances: usize, queue: usize) -> Admission {
        let (free, waiting) = (AtomicUsize::new(instances), AtomicUsize::new(0));
        Admission { free, waiting, queue, queues: Mutex::default() }
    }

    /// Waits for an instance until `deadline`. `least` is what the call needs of the time that is left then.
    ///
    /// # Errors
    ///
    /// See [`TurnedAway`].
    pub(super) async fn admit(
        &self,
        share: &Arc<Share>,
        deadline: Instant,
        least: Duration,
    ) -> Result<Permit, TurnedAway> {
        // Nobody passes those of his own plugin; those of others wait for what he does not take from them.
        if share.waiting.load(Ordering::Relaxed) == 0
            && let Some(permit) = self.take(share)
        {
            return Ok(permit);
        }
        let (_place, answered) = self.queue(share, deadline, least)?;
        self.settle();
        match timeout_at(deadline, answered).await {
            Ok(Ok(admitted)) => admitted,
            // Nobody leaves it without an answer.
            Ok(Err(_)) => Err(TurnedAway::Saturated),
            Err(_) => Err(TurnedAway::Deadline),
        }
    }

    /// Takes an instance for a call of that plugin, if there is one for it.
    fn take(&self, share: &Arc<Share>) -> Option<Permit> {
        let one_more = |running: usize| (running < share.limits.concurrency).then_some(running + 1);
        let running = share.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).ok()?;
        let one_less = |free: usize| (running < free.saturating_mul(THRESHOLD)).then(|| free - 1);
        if self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err() {
            share.running.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        Some(Permit { share: share.clone(), used: Duration::ZERO, is_long: false, experience: None })
    }

    /// Joins the queue of its plugin.
    fn queue<'a>(
        &'a self,
        share: &'a Arc<Share>,
        deadline: Instant,
        least: Duration,
    ) -> Result<(Place<'a>, oneshot::Receiver<Result<Permit, TurnedAway>>), TurnedAway> {
        let since = Instant::now();
        let latest = deadline.checked_sub(least).unwrap_or(since);
        if latest < since {
            return Err(if deadline < since { TurnedAway::Deadline } else { TurnedAway::Saturated });
        }
        let (answer, answered) = oneshot::channel();
        let mut queues = self.queues();
        let own = share.waiting.load(Ordering::SeqCst);
        if own >= share.limits.queue {
            return Err(TurnedAway::Saturated);
        }
        let mut turned_away = None;
        if self.waiting.load(Ordering::SeqCst) >= self.queue {
            let longest = queues.of.values_mut().max_by_key(|queue| queue.share.by_weight(queue.waiting.len()));
            let longest = longest.filter(|it| it.share.by_weight(it.waiting.len()) > share.by_weight(own + 1));
            let Some(longest) = longest else { return Err(TurnedAway::Saturated) };
            turned_away = longest.waiting.pop_back().map(|it| (it.answer, Err(TurnedAway::Saturated)));
            let id = longest.share.number();
            self.has_left(&mut queues, id);
        }
        queues.arrivals += 1;
        let number = queues.arrivals;
        let queue =
            queues.of.entry(share.number()).or_insert_with(|| Queue { share: share.clone(), waiting: VecDeque::new() });
        queue.waiting.push_back(Waiting { number, since, latest, answer });
        // Before anybody looks for a free instance, so that whoever frees one meanwhile sees that somebody waits.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        share.waiting.fetch_add(1, Ordering::SeqCst);
        drop(queues);
        tell(turned_away);
        Ok((Place { admission: self, share, number }, answered))
    }

    /// One of that share has been taken out of its queue.
    fn has_left(&self, queues: &mut Queues, share: u64) {
        let Some(queue) = queues.of.get(&share) else { return };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        queue.share.waiting.fetch_sub(1, Ordering::SeqCst);
        if queue.waiting.is_empty() {
            queues.of.remove(&share);
        }
    }

    /// Gives what is free to those that wait, until nothing is free or nobody may have it.
    fn settle(&self) {
        let mut answers = vec![];
        let mut queues = self.queues();
        while let Some(answer) = self.next(&mut queues) {
            answers.push(answer);
        }
        drop(queues);
        tell(answers);
    }

    /// Whoever of those that wait is next, with what he gets.
    fn next(&self, queues: &mut Queues) -> Option<(Answer, Result<Permit, TurnedAway>)> {
        let free = self.free.load(Ordering::SeqCst);
        let running = |queue: &Queue| queue.share.running.load(Ordering::SeqCst);
        let may_have = |queue: &&mut Queue| {
            running(queue) < queue.share.limits.concurrency && running(queue) < free.saturating_mul(THRESHOLD)
        };
        let fewest = |queue: &&mut Queue| queue.share.by_weight(running(queue));
        let queue = queues.of.values_mut().filter(may_have).min_by_key(fewest)?;
        let (first, share) = (queue.waiting.front()?, queue.share.clone());
        let now = Instant::now();
        let given = if share.drops(now - first.since, now) || first.latest < now {
            Err(TurnedAway::Saturated)
        } else {
            // Somebody else was faster, who will be here when he gives it back.
            Ok(self.take(&share)?)
        };
        let first = queue.waiting.pop_front()?;
        self.has_left(queues, share.number());
        Some((first.answer, given))
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the lock: a permit that nobody takes is given back.
fn tell(answers: impl IntoIterator<Item = (Answer, Result<Permit, TurnedAway>)>) {
    for (answer, given) in answers {
        let _ = answer.send(given);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let admission = &self.share.admission;
        self.share.running.fetch_sub(1, Ordering::SeqCst);
        admission.free.fetch_add(1, Ordering::SeqCst);
        if admission.waiting.load(Ordering::SeqCst) > 0 {
            admission.settle();
        }
    }
}

/// A place in a queue.
struct Place<'a> {
    admission: &'a Admission,
    share: &'a Share,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.admission.queues();
        let Some(queue) = queues.of.get_mut(&self.share.number()) else { return };
        if let Ok(place) = queue.waiting.binary_search_by_key(&self.number, |it| it.number) {
            let left = queue.waiting.remove(place);
            self.admission.has_left(&mut queues, self.share.number());
            drop(queues);
            drop(left);
        }
    }
}
