//! The engines, their instance pools, and the clock that preempts guests.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::{
    function_cache::FunctionCache,
    pool::{self, CORE_INSTANCES_PER_COMPONENT, Pool, PoolSize},
    reuse::Waiting,
};

/// How long a guest runs before it has to let others on its thread run: one epoch.
pub const TICK: Duration = Duration::from_millis(1);

/// How often the clock looks whether a call has begun, while none is running. A guest that begins to spin then holds
/// its thread this long at most before the first tick.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// Bytes of a memory that are cleared in place when an instance ends, rather than given back to the kernel and faulted
/// in again by the next one. With `PAGEMAP_SCAN` only those that were written to are cleared.
const KEEP_RESIDENT: usize = 1 << 20;

/// Two engines, since component-model async costs every call of an engine that has it, used or not
/// (`bench/` has figures), and a clock for both.
#[derive(Clone)]
pub struct Engines {
    sync: Engine,
    concurrent: Engine,
    running: Arc<AtomicUsize>,
    /// Instances that wait for their next request, of all plugins.
    waiting: Arc<Waiting>,
}

impl Engines {
    /// # Errors
    ///
    /// The pools do not fit into the address space, or the machine is none that wasmtime compiles for.
    pub fn new(size: PoolSize, functions: &FunctionCache) -> wasmtime::Result<Engines> {
        let running = Arc::new(AtomicUsize::new(0));
        let mappings = pool::mappings();
        pool::warn_of_mappings(size, mappings);
        let sync = engine(Pool::sync(size), size.memory, functions, false)?;
        let concurrent = engine(Pool::concurrent(size, mappings), size.memory, functions, true)?;
        let waiting = Arc::new(Waiting::new(Pool::sync(size).spare_memories(size)));
        let engines = Engines { sync, concurrent, running: running.clone(), waiting };
        let (sync, concurrent, running) = (engines.sync.weak(), engines.concurrent.weak(), Arc::downgrade(&running));
        thread::Builder::new().name("epoch".into()).spawn(move || {
            while let (Some(sync), Some(concurrent), Some(count)) =
                (sync.upgrade(), concurrent.upgrade(), Weak::upgrade(&running))
            {
                let is_idle = count.load(Ordering::Relaxed) == 0;
                sync.increment_epoch();
                concurrent.increment_epoch();
                drop((sync, concurrent, count));
                thread::sleep(if is_idle { IDLE_TICK } else { TICK });
            }
        })?;
        Ok(engines)
    }

    /// The engine for components that use component-model async, or for those that do not.
    pub fn get(&self, uses_async: bool) -> &Engine {
        if uses_async { &self.concurrent } else { &self.sync }
    }

    /// The number of instances that wait for their next request.
    pub(super) fn waiting(&self) -> &Waiting {
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

fn engine(room: Pool, memory: usize, functions: &FunctionCache, uses_async: bool) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(room.components)
        .total_core_instances(room.core_instances)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .total_memories(room.memories)
        .total_tables(room.tables)
        .total_stacks(room.stacks)
        .max_memory_size(memory)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
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
