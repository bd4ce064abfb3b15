use super::*;

const TICK: Duration = Duration::from_millis(1);

/// Numbers that are the same in every run: a linear congruential generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Flows whose jobs never end, on so many processors: what each flow has used at the end.
fn shares(weights: &[u32], jobs: &[usize], processors: usize, turns: usize, random: &mut Random) -> Vec<Duration> {
    let clock = Arc::new(VirtualClock::default());
    let mut queue = FairQueue::new(clock.clone());
    let flows: Vec<_> =
        weights.iter().enumerate().map(|(i, weight)| Arc::new(Flow::new(i as u64, *weight, clock.clone()))).collect();
    let mut used: Vec<Vec<Duration>> = jobs.iter().map(|&count| vec![Duration::ZERO; count]).collect();
    for (flow, jobs) in jobs.iter().enumerate() {
        for job in 0..*jobs {
            queue.push(&flows[flow], Duration::ZERO, (flow, job));
        }
    }
    let mut running: Vec<(usize, usize)> = vec![];
    for _ in 0..turns {
        while running.len() < processors {
            let Some(job) = queue.pop() else { break };
            assert!(!running.contains(&job));
            running.push(job);
        }
        let at = random.below(running.len() as u64) as usize;
        let (flow, job) = running.swap_remove(at);
        let took = TICK * (1 + random.below(100) as u32) / 100;
        used[flow][job] += took;
        flows[flow].charge(took);
        queue.push(&flows[flow], used[flow][job], (flow, job));
        queue.ended(&flows[flow]);
    }
    used.iter().map(|jobs| jobs.iter().sum()).collect()
}

#[test]
fn shares_follow_weights_for_any_number_of_jobs() {
    let mut random = Random(7);
    for _ in 0..20 {
        let flows = 2 + random.below(6) as usize;
        let weights: Vec<u32> = (0..flows).map(|_| 1 + random.below(400) as u32).collect();
        let jobs: Vec<usize> = (0..flows).map(|_| 1 + random.below(20) as usize).collect();
        let used = shares(&weights, &jobs, 1, 40_000, &mut random);
        let (sum, weight) = (used.iter().sum::<Duration>().as_secs_f64(), f64::from(weights.iter().sum::<u32>()));
        for (used, own) in used.iter().zip(&weights) {
            let fair = sum * f64::from(*own) / weight;
            // One turn more or less, on twenty seconds.
            assert!((used.as_secs_f64() - fair).abs() < 0.003 + fair * 0.01, "{weights:?} {jobs:?}: {used:?}");
        }
    }
}

#[test]
fn a_flow_with_enough_jobs_gets_its_share_of_cores() {
    let used = shares(&[100, 300], &[8, 8], 4, 100_000, &mut Random(1));
    let ratio = used[1].as_secs_f64() / used[0].as_secs_f64();
    assert!((2.9..3.1).contains(&ratio), "{used:?}");
    // One job cannot use two processors.
    let used = shares(&[100, 300], &[8, 1], 2, 100_000, &mut Random(2));
    let ratio = used[1].as_secs_f64() / used[0].as_secs_f64();
    assert!((0.9..1.1).contains(&ratio), "{used:?}");
}

fn two() -> (Arc<VirtualClock>, Arc<Flow>, Arc<Flow>) {
    let clock = Arc::new(VirtualClock::default());
    let flow = |id| Arc::new(Flow::new(id, 100, clock.clone()));
    (clock.clone(), flow(1), flow(2))
}

#[test]
fn who_was_idle_has_saved_nothing_up() {
    let (clock, busy, idle) = two();
    let mut queue = FairQueue::new(clock);
    queue.push(&busy, Duration::ZERO, "busy");
    for _ in 0..1000 {
        assert_eq!(queue.pop(), Some("busy"));
        busy.charge(TICK);
        queue.push(&busy, Duration::ZERO, "busy");
        queue.ended(&busy);
    }
    queue.push(&idle, Duration::ZERO, "idle");
    let mut turns = 0;
    for _ in 0..100 {
        let (flow, job) = match queue.pop() {
            Some("idle") => (&idle, "idle"),
            _ => (&busy, "busy"),
        };
        turns += usize::from(job == "idle");
        flow.charge(TICK);
        queue.push(flow, Duration::ZERO, job);
        queue.ended(flow);
    }
    assert!((49..=52).contains(&turns), "{turns}");
}

#[test]
fn jobs_of_a_flow_run_shortest_first_then_in_turns() {
    let (clock, flow, _) = two();
    let mut queue = FairQueue::new(clock);
    for (used, job) in [(900, "old"), (40, "first"), (50, "second"), (0, "new")] {
        queue.push(&flow, TICK * used, job);
    }
    let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
    assert_eq!(order, ["new", "first", "second", "old"]);
}

#[test]
fn only_who_is_ahead_of_those_that_wait_has_to_wait() {
    let (clock, waiting, short) = two();
    let mut queue = FairQueue::new(clock);
    // Nobody waits, so nobody is charged.
    short.charge_outside(BURST * 10);
    assert!(!short.is_ahead());
    let place = queue.push(&waiting, Duration::ZERO, "job");
    short.charge_outside(BURST);
    assert!(!short.is_ahead());
    short.charge_outside(TICK);
    assert!(short.is_ahead() && !waiting.is_ahead());
    // Its own jobs are no others.
    waiting.charge_outside(BURST * 2);
    assert!(!waiting.is_ahead());
    assert_eq!(queue.remove(&waiting, place), Some("job"));
    assert_eq!(queue.pop(), None);
    assert!(!short.is_ahead());
}

#[test]
fn a_removed_job_has_no_turn_and_leaves_nothing() {
    let (clock, one, other) = two();
    let mut queue = FairQueue::new(clock.clone());
    for _ in 0..100 {
        let place = queue.push(&one, Duration::ZERO, 1);
        assert_eq!(queue.remove(&one, place), Some(1));
        assert_eq!(queue.remove(&one, place), None);
    }
    queue.push(&other, Duration::ZERO, 2);
    assert_eq!(queue.pop(), Some(2));
    queue.ended(&other);
    assert_eq!(queue.pop(), None);
    assert!(queue.flows.is_empty() && queue.order.is_empty());
    assert_eq!(clock.backlogged.load(Ordering::Relaxed), 0);
}
