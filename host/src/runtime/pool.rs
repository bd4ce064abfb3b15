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
//! Ten thousand calls that wait at one time fit into both, but only in one engine: what is left for the other is less.

use std::fs;

use super::reuse::MAX_WAITING;

/// Core instances of one component: a Python component has about 30.
pub const CORE_INSTANCES_PER_COMPONENT: u32 = 100;

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

/// Stacks of a call in the engine with component-model async: a task and a host call may run on a fiber each, and each
/// bridge on its own.
const STACKS_PER_CONCURRENT_CALL: u32 = 4 + BRIDGES_PER_CALL;

/// Memories for which there is address space above the program, and below it.
const MEMORIES_ABOVE: u32 = 10_000;
const MEMORIES_BELOW: u32 = 19_000;

/// Mappings of a call: those of its memory and of its stack.
const MAPPINGS_PER_CALL: u32 = 6;
const MAPPINGS_PER_STACK: u32 = 2;

/// Mappings of all else: the program, its threads, what it allocates, the code of plugins.
const OTHER_MAPPINGS: u32 = 2_000;

/// Stacks that the engine with component-model async has even where there is no room for them.
const MIN_CONCURRENT_STACKS: u32 = 600;

/// How large the instance pools are.
#[derive(Debug, Clone, Copy)]
pub struct PoolSize {
    /// Component instances at one time.
    pub instances: u32,
    /// Bytes that one linear memory may have.
    pub memory: usize,
}

/// What the pool of one engine has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    pub components: u32,
    pub core_instances: u32,
    pub memories: u32,
    pub tables: u32,
    pub stacks: u32,
}

impl Pool {
    /// Of the engine without component-model async.
    pub fn sync(size: PoolSize) -> Pool {
        let calls = size.instances;
        Pool {
            components: calls.saturating_add(MAX_WAITING),
            core_instances: calls.saturating_add(MAX_WAITING).saturating_mul(CORE_INSTANCES_PER_COMPONENT),
            memories: calls.saturating_mul(MEMORIES_PER_COMPONENT).min(MEMORIES_ABOVE.max(calls)),
            tables: calls.saturating_mul(TABLES_PER_COMPONENT),
            stacks: calls,
        }
    }

    /// Memories beyond one for each call, for instances that wait for their next request.
    pub fn spare_memories(&self, size: PoolSize) -> u32 {
        self.memories.saturating_sub(size.instances)
    }

    /// Of the engine with it, beside the other, on a system that gives a process so many `mappings`.
    pub fn concurrent(size: PoolSize, mappings: u32) -> Pool {
        let calls = size.instances;
        let beside = Pool::sync(size);
        let bridges = calls.saturating_add(SPARE_CALLS).saturating_mul(BRIDGES_PER_CALL);
        let memories = calls.saturating_mul(MEMORIES_PER_COMPONENT).saturating_add(calls.saturating_add(SPARE_CALLS));
        let room = if beside.memories <= MEMORIES_ABOVE { MEMORIES_BELOW } else { MEMORIES_ABOVE - SPARE_CALLS * 50 };
        let others = calls.saturating_mul(MAPPINGS_PER_CALL).saturating_add(OTHER_MAPPINGS);
        let stacks = (mappings.saturating_sub(others) / MAPPINGS_PER_STACK).max(MIN_CONCURRENT_STACKS);
        Pool {
            components: calls.saturating_add(MAX_WAITING).saturating_add(bridges),
            core_instances: (calls.saturating_add(MAX_WAITING).saturating_mul(CORE_INSTANCES_PER_COMPONENT))
                .saturating_add(bridges.saturating_mul(CORE_INSTANCES_PER_BRIDGE)),
            memories: memories.min(room),
            tables: calls.saturating_mul(TABLES_PER_COMPONENT),
            stacks: calls.saturating_mul(STACKS_PER_CONCURRENT_CALL).min(stacks),
        }
    }
}

/// How many mappings the system gives a process.
pub fn mappings() -> u32 {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
    limit.unwrap_or(u32::MAX)
}

/// Says if so many calls at one time may need more mappings than the system gives: calls fail then that find none.
pub fn warn_of_mappings(size: PoolSize, mappings: u32) {
    let wanted = size.instances.saturating_mul(MAPPINGS_PER_CALL).saturating_add(OTHER_MAPPINGS);
    if wanted > mappings {
        tracing::warn!(
            "{} instances at one time may need {wanted} memory mappings, and the system gives a process {mappings}; \
             lower `instances` under `[scheduler]`, or have more: `sysctl vm.max_map_count={}`",
            size.instances,
            wanted.saturating_mul(2)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPINGS: u32 = 65_530;

    fn pools(instances: u32) -> (Pool, Pool) {
        let size = PoolSize { instances, memory: 128 << 20 };
        (Pool::sync(size), Pool::concurrent(size, MAPPINGS))
    }

    #[test]
    fn few_calls_have_all_that_they_may_want_in_both_engines() {
        let (sync, concurrent) = pools(256);
        assert_eq!((sync.components, sync.memories, sync.stacks), (256 + MAX_WAITING, 512, 256));
        assert_eq!((concurrent.components - MAX_WAITING, concurrent.memories, concurrent.stacks), (784, 776, 1536));
    }

    #[test]
    fn any_number_that_the_configuration_takes_fits_into_the_address_space() {
        // Bytes above the program and below it, less what the system's randomness may take.
        let (above, below) = (44_600_u64, 93_700);
        let gigabytes = |pool: Pool| u64::from(pool.memories) * 4_328 / 1_000;
        for instances in [1, 256, 4_000, 5_000, 9_999, 10_000, 10_001, 15_000, 20_000] {
            let (sync, concurrent) = pools(instances);
            let (less, more) = (gigabytes(sync).min(gigabytes(concurrent)), gigabytes(sync).max(gigabytes(concurrent)));
            assert!(less <= above && more <= below, "{instances}: {less} and {more} GB");
            assert!(sync.memories >= instances && concurrent.memories >= instances.min(9_600));
        }
    }

    #[test]
    fn ten_thousand_calls_leave_mappings_for_the_engine_beside() {
        let (sync, concurrent) = pools(10_000);
        let used = sync.stacks * MAPPINGS_PER_CALL + concurrent.stacks * MAPPINGS_PER_STACK + OTHER_MAPPINGS;
        assert!(used <= MAPPINGS, "{used}");
        assert!(concurrent.stacks >= MIN_CONCURRENT_STACKS);
    }
}
