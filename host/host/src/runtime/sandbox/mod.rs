//! What one call can reach: the data of its `Store`.

mod facts;
pub mod grants;
mod guest_output;
mod refusing;

use std::sync::Arc;

use wasmtime::{ResourceLimiter, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use self::{guest_output::GuestLog, refusing::Refusing};
use crate::keyvalue::Stores;

pub use self::facts::Facts;

/// Elements that one table may have. Each costs 8 bytes of the pool's address space, touched or not.
pub const MAX_TABLE_ELEMENTS: usize = 20_000;

/// Handles of the host's resources (streams, pollables, buckets) that one call may hold. What is behind each is in the
/// host's memory, beside `memory_mib`: with [`MAX_FIELDS`] they are 32 MiB at most.
const MAX_RESOURCES: usize = 1_000;

/// Bytes that the headers of one request or answer may take in the host's memory. A guest may hold as many of them as it
/// may have handles.
const MAX_FIELDS: usize = 32 << 10;

/// The data of a `Store`: made for one call, dropped with it.
pub struct Sandbox {
    pub limits: MemoryLimit,
    pub table: ResourceTable,
    pub plugin: Arc<str>,
    pub facts: Box<Facts>,
    pub stores: Stores,
    /// Bytes of the log that the call's own lines may take.
    log_budget: usize,
    log: Option<GuestLog>,
    /// Made when the guest first uses WASI: many never do, and it costs more than the rest of the sandbox.
    wasi: Option<WasiCtx>,
    http: WasiHttpCtx,
    hooks: Refusing,
}

impl Sandbox {
    pub fn new(plugin: Arc<str>, facts: Box<Facts>, stores: Stores, memory: usize, log_budget: usize) -> Sandbox {
        let limits = MemoryLimit { max: memory, used: 0, was_reached: false };
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_FIELDS);
        Sandbox { limits, table, plugin, facts, stores, log_budget, log: None, wasi: None, http, hooks: Refusing }
    }

    /// Makes it that of another call in the same instance. What the guest holds of the host it keeps.
    pub fn begin_call(&mut self, facts: Box<Facts>) {
        if let Some(log) = &self.log {
            log.begin(facts.id.to_string(), self.log_budget);
        }
        self.facts = facts;
        self.limits.was_reached = false;
    }

    /// What a call leaves behind for the log.
    pub fn end_call(&mut self) {
        if let Some(log) = &self.log {
            log.flush();
        }
    }

    /// Where the guest's lines go.
    pub fn log(&mut self) -> &GuestLog {
        let Sandbox { log, plugin, facts, log_budget, .. } = self;
        log.get_or_insert_with(|| GuestLog::new(plugin.clone(), facts.id.to_string(), *log_budget))
    }
}

/// WASI with nothing in it: no files, no environment, no arguments, no sockets. Clocks and randomness are real.
impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        if self.wasi.is_none() {
            let (stdout, stderr) = (self.log().stream("stdout"), self.log().stream("stderr"));
            let mut wasi = WasiCtx::builder();
            self.wasi = Some(wasi.stdout(stdout).stderr(stderr).allow_tcp(false).allow_udp(false).build());
        }
        let Sandbox { wasi, table, .. } = self;
        let ctx = wasi.get_or_insert_with(|| WasiCtx::builder().build());
        WasiCtxView { ctx, table }
    }
}

/// Requests and answers of `wasi:http`, but nothing to send requests with.
impl WasiHttpView for Sandbox {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Bounds the linear memory of all instances of one call together.
pub struct MemoryLimit {
    max: usize,
    used: usize,
    /// Whether the guest was refused more, for the log: what it does then looks like a fault of its own.
    pub was_reached: bool,
}

impl MemoryLimit {
    /// Bytes of linear memory, of all instances.
    pub fn used(&self) -> usize {
        self.used
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.used.saturating_add(desired.saturating_sub(current));
        if total > self.max {
            self.was_reached = true;
            return Ok(false);
        }
        self.used = total;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}
