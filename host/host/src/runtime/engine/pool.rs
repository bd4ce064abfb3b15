//! How much the pools of both engines reserve: for as many calls as the operator wants, as far as there is room.
//!
//! Two things run out long before memory does, and both are reserved when an engine is made, whether used or not:
//!
//! - *Address space*, 47 bits of it. A linear memory has 4 GiB and a guard, so that its accesses need no check.
//!   A position-independent program lies at two thirds of the space (Linux, `ELF_ET_DYN_BASE`), so that there is
//!   room for some 21,000 memories below it and for some 10,000 above.
//! - *Mappings*, `vm.max_map_count`, 65,530 unless the system has more. A stack and its guard page are two of them, from
//!   the start. A memory becomes four with its first instance: what stands before its data, the data as a
//!   private mapping of the code's file, what follows, and the rest up to the guard.
//!
//! Ten thousand calls that wait at one time fit into both, but only in one engine: the one that is made first. What is
//! left for the other is less.

use std::fs;

use super::waiting::MAX_WAITING;

/// Core instances of one component: a Python component has about 30.
pub(super) const CORE_INSTANCES_PER_COMPONENT: u32 = 100;

/// Linear memories that a component has on average, at most: nearly all have one.
const MEMORIES_PER_COMPONENT: u32 = 2;

/// Bridges beside a component with streams: one for each way. One with many futures may have more, as others have none.
const BRIDGES_PER_CALL: u32 = 2;

/// A bridge has a heap and code.
const CORE_INSTANCES_PER_BRIDGE: u32 = 2;

/// Calls whose bridges have room beyond the average, so that a few with many futures do not lack it where there are few
/// instances in all.
const SPARE_CALLS: u32 = 8;

/// Tables that a component has on average, at most: a Python component has about 10.
const TABLES_PER_COMPONENT: u32 = 10;

/// Stacks of a call in the engine with component-model async, at most: a task and a host call may run on a fiber each, and
/// each bridge on its own. One that has no streams needs one.
const STACKS_PER_CONCURRENT_CALL: u32 = 4 + BRIDGES_PER_CALL;

/// Memories for which there is address space above the program, and below it.
const MEMORIES_ABOVE: u32 = 10_000;
const MEMORIES_BELOW: u32 = 19_000;

/// Mappings of a call: those of its memory and of its stack.
const MAPPINGS_PER_CALL: u32 = 6;
const MAPPINGS_PER_STACK: u32 = 2;

/// Mappings of all else: the program, its threads, what it allocates, the code of plugins.
const OTHER_MAPPINGS: u32 = 1_500;

/// Stacks that the engine that is made second has even where there is no room for them.
const MIN_STACKS: u32 = 600;

/// How large the instance pools are.
#[derive(Debug, Clone, Copy)]
pub struct PoolSize {
    /// Component instances at one time.
    pub instances: u32,
    /// Bytes that one linear memory may have.
    pub memory: usize,
}

/// Which of the two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EngineKind {
    Sync,
    /// With component-model async.
    Concurrent,
}

/// What the pool of one engine has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pool {
    pub components: u32,
    pub core_instances: u32,
    pub memories: u32,
    pub tables: u32,
    pub stacks: u32,
}

impl Pool {
    /// Of the engine that is made first, on a system that gives a process so many `mappings`.
    pub(super) fn first(kind: EngineKind, size: PoolSize, mappings: u32) -> Pool {
        Pool::of(kind, size, first_memories(kind, size), first_stacks(kind, size, mappings))
    }

    /// Of the one that is made beside the other.
    pub(super) fn second(kind: EngineKind, size: PoolSize, mappings: u32) -> Pool {
        let first = first_memories(kind.other(), size);
        let room = if first <= MEMORIES_ABOVE { MEMORIES_BELOW } else { MEMORIES_ABOVE - SPARE_CALLS * 50 };
        let stacks = stacks(size, mappings).saturating_sub(first_stacks(kind.other(), size, mappings)).max(MIN_STACKS);
        Pool::of(kind, size, first_memories(kind, size).min(room), kind.stacks(size).min(stacks))
    }

    fn of(kind: EngineKind, size: PoolSize, memories: u32, stacks: u32) -> Pool {
        let calls = size.instances;
        let instances = calls.saturating_add(MAX_WAITING);
        let bridges = match kind {
            EngineKind::Sync => 0,
            EngineKind::Concurrent => bridges(size),
        };
        Pool {
            components: instances.saturating_add(bridges),
            core_instances: (instances.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
                .saturating_add(bridges.saturating_mul(CORE_INSTANCES_PER_BRIDGE)),
            memories,
            tables: calls.saturating_mul(TABLES_PER_COMPONENT),
            stacks,
        }
    }
}

impl EngineKind {
    fn other(self) -> EngineKind {
        match self {
            EngineKind::Sync => EngineKind::Concurrent,
            EngineKind::Concurrent => EngineKind::Sync,
        }
    }

    /// Stacks that it may want. An instance that waits for its next request keeps its own.
    fn stacks(self, size: PoolSize) -> u32 {
        match self {
            EngineKind::Sync => least_stacks(size),
            EngineKind::Concurrent => size.instances.saturating_mul(STACKS_PER_CONCURRENT_CALL).max(least_stacks(size)),
        }
    }
}

/// Memories of the engine that is made first, which leaves address space for one beside it.
fn first_memories(kind: EngineKind, size: PoolSize) -> u32 {
    let of_calls = size.instances.saturating_mul(MEMORIES_PER_COMPONENT);
    match kind {
        EngineKind::Sync => of_calls.min(MEMORIES_ABOVE.max(size.instances)),
        EngineKind::Concurrent => of_calls.saturating_add(bridges(size) / BRIDGES_PER_CALL).min(MEMORIES_BELOW),
    }
}

/// Stacks of the engine that is made first: as many as it wants beside one for each call of the other; where there is no
/// room for those, one for each call of its own.
fn first_stacks(kind: EngineKind, size: PoolSize, mappings: u32) -> u32 {
    let (room, least) = (stacks(size, mappings), least_stacks(size));
    let own = least.min(room.saturating_sub(MIN_STACKS));
    kind.stacks(size).min(own.max(room.saturating_sub(least))).max(1)
}

/// Stacks of both engines for which there are mappings, while each call that has one has a memory too.
fn stacks(size: PoolSize, mappings: u32) -> u32 {
    let room = mappings.saturating_sub(OTHER_MAPPINGS);
    let of_memories = size.instances.saturating_mul(MAPPINGS_PER_CALL - MAPPINGS_PER_STACK);
    (room / MAPPINGS_PER_CALL).max(room.saturating_sub(of_memories) / MAPPINGS_PER_STACK)
}

/// A stack for each call, and for each instance that waits for its next request.
fn least_stacks(size: PoolSize) -> u32 {
    size.instances.saturating_add(spare_memories(size).min(MAX_WAITING))
}

/// Bridges of all calls.
fn bridges(size: PoolSize) -> u32 {
    size.instances.saturating_add(SPARE_CALLS).saturating_mul(BRIDGES_PER_CALL)
}

/// Memories beyond one for each call, for instances that wait for their next request.
pub(super) fn spare_memories(size: PoolSize) -> u32 {
    first_memories(EngineKind::Sync, size).saturating_sub(size.instances)
}

/// How many mappings the system gives a process.
pub(super) fn mappings() -> u32 {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
    limit.unwrap_or(u32::MAX)
}

/// Says if so many calls at one time may need more mappings than the system gives: calls fail then that find none.
pub(super) fn warn_of_mappings(size: PoolSize, mappings: u32) {
    let wanted = size.instances.saturating_mul(MAPPINGS_PER_CALL).saturating_add(OTHER_MAPPINGS);
    if wanted > mappings {
        tracing::warn!(
            "{} concurrent instances may need {wanted} memory mappings, and the system allows a process {mappings}; \
             lower `scheduler.instances`, or raise the limit: `sysctl vm.max_map_count={}`",
            size.instances,
            wanted.saturating_mul(2)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPINGS: u32 = 65_530;

    /// Of each engine, with the one that was made first in front.
    fn pools(instances: u32) -> [(EngineKind, Pool, Pool); 2] {
        let size = PoolSize { instances, memory: 128 << 20 };
        [EngineKind::Sync, EngineKind::Concurrent]
            .map(|kind| (kind, Pool::first(kind, size, MAPPINGS), Pool::second(kind.other(), size, MAPPINGS)))
    }

    #[test]
    fn a_few_calls_fit_both_engines_in_either_order() {
        let [(_, sync, concurrent), (_, concurrent_first, sync_second)] = pools(256);
        assert_eq!((sync.components, sync.memories, sync.stacks), (256 + MAX_WAITING, 512, 256 + MAX_WAITING));
        assert_eq!((concurrent.components - MAX_WAITING, concurrent.memories, concurrent.stacks), (784, 776, 1536));
        assert_eq!((sync, concurrent), (sync_second, concurrent_first));
    }

    #[test]
    fn any_configured_pool_fits_the_address_space() {
        // Bytes above the program and below it, less what the system's randomness may take.
        let (above, below) = (44_600_u64, 93_700);
        let gigabytes = |pool: Pool| u64::from(pool.memories) * 4_328 / 1_000;
        for instances in [1, 256, 4_000, 5_000, 9_999, 10_000, 10_001, 15_000, 20_000] {
            for (kind, first, second) in pools(instances) {
                let (less, more) = (gigabytes(first).min(gigabytes(second)), gigabytes(first).max(gigabytes(second)));
                assert!(less <= above && more <= below, "{kind:?}, {instances}: {less} and {more} GB");
                assert!(first.memories >= instances.min(19_000) && second.memories >= instances.min(9_600), "{kind:?}");
            }
        }
    }

    #[test]
    fn ten_thousand_calls_leave_mappings_for_both_engines() {
        // A plugin may have sixteen times as many instances as are free.
        for (kind, first, second) in [10_000, 10_626].into_iter().flat_map(pools) {
            let used = 10_000 * (MAPPINGS_PER_CALL - MAPPINGS_PER_STACK);
            let used = used + (first.stacks + second.stacks) * MAPPINGS_PER_STACK + OTHER_MAPPINGS;
            assert!(used <= MAPPINGS, "{kind:?}: {used}");
            assert!(first.stacks >= 10_000 && second.stacks >= MIN_STACKS, "{kind:?}: {first:?}, {second:?}");
        }
    }

    #[test]
    fn calls_of_either_engine_get_a_stack() {
        for instances in [1, 256, 4_000, 5_800] {
            for (kind, first, second) in pools(instances) {
                let used = instances * (MAPPINGS_PER_CALL - MAPPINGS_PER_STACK);
                let used = used + (first.stacks + second.stacks) * MAPPINGS_PER_STACK + OTHER_MAPPINGS;
                assert!(used <= MAPPINGS, "{kind:?}, {instances}: {used}");
                assert!(first.stacks >= instances && second.stacks >= instances, "{kind:?}: {first:?}, {second:?}");
            }
        }
    }
}
