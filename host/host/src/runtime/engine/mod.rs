//! The engines, their instance pools, and the clock that preempts guests.

mod code_cache;
mod error;
mod function_cache;
mod pool;
mod private;
mod waiting;

use std::{
    ops::RangeInclusive,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

pub(crate) use self::waiting::Waiting;
pub use self::{code_cache::CodeCache, error::EngineError, pool::PoolSize};
use self::{
    function_cache::FunctionCache,
    pool::{CORE_INSTANCES_PER_COMPONENT, EngineKind, Pool},
};
use crate::config::memory;

/// How long a guest runs before it has to let others on its thread run: one epoch.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// How often the clock looks whether a call has begun, while none is running. A guest that begins to spin then holds
/// its thread this long at most before the first tick.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// Bytes of a memory that are cleared in place when an instance ends, rather than given back to the kernel and faulted
/// in again by the next one: the most of these, or less where the machine has little memory, but never less than the least.
/// With `PAGEMAP_SCAN` only those that are in use are cleared. What one request had stays with the memory that it had, so
/// a host's memory grows for a while, until each memory has met its largest request.
const KEPT: RangeInclusive<usize> = (64 << 10)..=(1 << 20);

/// The memories of one engine keep no more than the machine's memory divided by this.
const KEPT_OF_MACHINE: u64 = 32;

/// Two engines, since component-model async costs every call of an engine that has it, used or not
/// (`bench/` has figures), and a clock for both. Where the system has no room for both to have all that they may want, each
/// is made with its first component, and the first one has it.
#[derive(Clone)]
pub struct Engines {
    made: Arc<Made>,
    running: Arc<AtomicUsize>,
    /// Instances that wait for their next request, of all plugins.
    waiting: Arc<Waiting>,
}

struct Made {
    sync: OnceLock<Engine>,
    concurrent: OnceLock<Engine>,
    /// Held by whoever makes one.
    making: Mutex<()>,
    size: PoolSize,
    mappings: u32,
    functions: FunctionCache,
}

impl Engines {
    /// # Errors
    ///
    /// The pools do not fit into the address space, the machine is none that wasmtime compiles for, or the system has no
    /// more threads.
    pub fn new(size: PoolSize, functions: &FunctionCache) -> wasmtime::Result<Engines> {
        let running = Arc::new(AtomicUsize::new(0));
        let mappings = pool::mappings();
        pool::warn_of_mappings(size, mappings);
        let (sync, concurrent, making) = Default::default();
        let made = Arc::new(Made { sync, concurrent, making, size, mappings, functions: functions.clone() });
        let waiting = Arc::new(Waiting::new(pool::spare_memories(size)));
        let (engines, count) = (Arc::downgrade(&made), Arc::downgrade(&running));
        thread::Builder::new().name("epoch".into()).spawn(move || {
            while let (Some(made), Some(count)) = (engines.upgrade(), Weak::upgrade(&count)) {
                let is_idle = count.load(Ordering::Relaxed) == 0;
                [&made.sync, &made.concurrent].into_iter().filter_map(OnceLock::get).for_each(Engine::increment_epoch);
                drop((made, count));
                thread::sleep(if is_idle { IDLE_TICK } else { TICK });
            }
        })?;
        let engines = Engines { made, running, waiting };
        if !engines.compete() {
            engines.get(false)?;
            engines.get(true)?;
        }
        Ok(engines)
    }

    /// The engine for components that use component-model async, or for those that do not.
    ///
    /// # Errors
    ///
    /// Its pools do not fit into the address space, or the machine is none that wasmtime compiles for.
    pub fn get(&self, uses_async: bool) -> wasmtime::Result<&Engine> {
        let Made { sync, concurrent, making, size, mappings, functions } = &*self.made;
        let (wanted, other) = if uses_async { (concurrent, sync) } else { (sync, concurrent) };
        if let Some(engine) = wanted.get() {
            return Ok(engine);
        }
        let _making = making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = wanted.get() {
            return Ok(engine);
        }
        let kind = if uses_async { EngineKind::Concurrent } else { EngineKind::Sync };
        let room = match other.get() {
            None => Pool::first(kind, *size, *mappings),
            Some(_) => Pool::second(kind, *size, *mappings),
        };
        let engine = engine(room, size.memory, functions, uses_async)?;
        Ok(wanted.get_or_init(|| engine))
    }

    /// Whether the engine that is made first has more room than it would have as the second.
    pub fn compete(&self) -> bool {
        let Made { size, mappings, .. } = &*self.made;
        [EngineKind::Sync, EngineKind::Concurrent]
            .into_iter()
            .any(|kind| Pool::first(kind, *size, *mappings) != Pool::second(kind, *size, *mappings))
    }

    /// The number of instances that wait for their next request.
    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Tells the clock that a call is running, until the guard is dropped.
    pub fn running(&self) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.running.clone())
    }
}

/// A call that runs.
pub struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that each of so many memories may keep, on a machine with so much memory.
fn kept(machine: u64, memories: u32) -> usize {
    let share = machine / KEPT_OF_MACHINE / u64::from(memories.max(1));
    usize::try_from(share).unwrap_or(usize::MAX).clamp(*KEPT.start(), *KEPT.end())
}

fn engine(room: Pool, max_memory: usize, functions: &FunctionCache, uses_async: bool) -> wasmtime::Result<Engine> {
    let kept = kept(memory::of_process(), room.memories);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(room.components)
        .total_core_instances(room.core_instances)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .total_memories(room.memories)
        .total_tables(room.tables)
        .total_stacks(room.stacks)
        .max_memory_size(max_memory)
        .linear_memory_keep_resident(kept)
        .table_keep_resident(kept)
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config
        .concurrency_support(uses_async)
        .wasm_component_model_map(true)
        // The binary form of `@external-id` belongs to this feature.
        .wasm_component_model_implements(true)
        .wasm_component_model_fixed_length_lists(true)
        .epoch_interruption(true)
        .memory_init_cow(true)
        // Without optimisation a rebuilt plugin would be compiled a tenth faster at most, and be slower then.
        .cranelift_opt_level(OptLevel::Speed)
        .enable_incremental_compilation(functions.store())?
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    if uses_async {
        config.wasm_component_model_async(true).wasm_component_model_more_async_builtins(true);
    }
    Engine::new(&config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_memory_is_a_small_part_of_the_machine() {
        assert_eq!(kept(24 << 30, 512), 1 << 20);
        assert_eq!(kept(4 << 30, 512), 256 << 10);
        assert_eq!(kept(4 << 30, 20_000), 64 << 10);
        assert_eq!(kept(u64::MAX, 0), 1 << 20);
    }
}
