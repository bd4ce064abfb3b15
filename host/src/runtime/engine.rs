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

use super::{function_cache::FunctionCache, reuse::MAX_IDLE};

/// How long a guest runs before it has to let others on its thread run: one epoch.
pub const TICK: Duration = Duration::from_millis(1);

/// How often the clock looks whether a call has begun, while none is running. A guest that begins to spin then holds
/// its thread this long at most before the first tick.
const IDLE_TICK: Duration = Duration::from_millis(10);

/// Core instances of one component: a Python component has about 30.
const CORE_INSTANCES_PER_COMPONENT: u32 = 100;

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

/// Bytes of a memory that are cleared in place when an instance ends, rather than given back to the kernel and faulted
/// in again by the next one. With `PAGEMAP_SCAN` only those that were written to are cleared.
const KEEP_RESIDENT: usize = 1 << 20;

/// How large the instance pools are.
#[derive(Debug, Clone, Copy)]
pub struct PoolSize {
    /// Component instances at one time.
    pub instances: u32,
    /// Bytes that one linear memory may have.
    pub memory: usize,
}

/// Two engines, since component-model async costs every call of an engine that has it, used or not
/// (`bench/` has figures), and a clock for both.
#[derive(Clone)]
pub struct Engines {
    sync: Engine,
    concurrent: Engine,
    running: Arc<AtomicUsize>,
    /// Instances that wait for their next request, of all plugins.
    idle: Arc<AtomicUsize>,
}

impl Engines {
    /// # Errors
    ///
    /// The pools do not fit into the address space, or the machine is none that wasmtime compiles for.
    pub fn new(pool: PoolSize, functions: &FunctionCache) -> wasmtime::Result<Engines> {
        let running = Arc::new(AtomicUsize::new(0));
        let engine = |uses_async| engine(pool, functions, uses_async);
        let engines = Engines { sync: engine(false)?, concurrent: engine(true)?, running: running.clone(), idle: Arc::default() };
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

    /// How many instances wait for their next request.
    pub(super) fn idle(&self) -> &Arc<AtomicUsize> {
        &self.idle
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

fn engine(size: PoolSize, functions: &FunctionCache, uses_async: bool) -> wasmtime::Result<Engine> {
    let instances = size.instances.saturating_add(MAX_IDLE as u32);
    let per_call = |count: u32, of_bridges: u32| {
        let bridges =
            if uses_async { instances.saturating_add(SPARE_CALLS).saturating_mul(of_bridges) } else { 0 };
        instances.saturating_mul(count).saturating_add(bridges)
    };
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(per_call(1, BRIDGES_PER_CALL))
        .total_core_instances(per_call(CORE_INSTANCES_PER_COMPONENT, CORE_INSTANCES_PER_BRIDGE * BRIDGES_PER_CALL))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .total_memories(per_call(MEMORIES_PER_COMPONENT, 1))
        .total_tables(instances.saturating_mul(TABLES_PER_COMPONENT))
        // A store of the concurrent engine may run a task and a host call on a fiber each, and each bridge its own.
        .total_stacks(instances.saturating_mul(if uses_async { 4 + BRIDGES_PER_CALL } else { 1 }))
        .max_memory_size(size.memory)
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
