//! A plugin as the catalog lists it: its routes and what operators ask for. Its contract and its code are there as long
//! as it is awake, and are read back with its next request: of thousands of plugins few are in use at one time.

use std::{
    fmt, io,
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::spawn_blocking,
};

use super::{
    Plugin,
    copies::Copy,
    load::{self, Cause, Loader},
};
use crate::{
    config::Limits,
    contract::{Contract, Method, Pattern, Raw, Segment},
    inspect,
    runtime::{Share, code_cache::hex},
};

/// See the module.
pub struct Listed {
    /// The file's name without `.wasm`.
    pub name: Arc<str>,
    pub file: PathBuf,
    /// SHA-256 of the component.
    pub digest: [u8; 32],
    /// Of the component, in bytes.
    pub size: usize,
    pub limits: Limits,
    pub grants: Box<[String]>,
    pub loaded_at: SystemTime,
    /// From the file's bytes to being ready, compilation included.
    pub load_time: Duration,
    /// Its part of instances and processors, asleep or not.
    pub share: Arc<Share>,
    /// In the order of the contract's operations.
    pub routes: Box<[Route]>,
    /// The raw HTTP handler, without its document.
    pub raw: Option<Box<Raw>>,
    /// What it is made of again. `None`: it never sleeps.
    copy: Option<Copy>,
    awake: ArcSwapOption<Plugin>,
    /// Whether it was used since somebody last looked.
    is_used: AtomicBool,
    /// Held by whoever wakes it.
    waking: Arc<Mutex<()>>,
}

/// What a request needs to have to be for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// With numbers for the names of parameters, so that patterns that match the same paths are equal.
    pub path: Box<str>,
}

/// What people are told of a plugin, short enough to be read for each of thousands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    pub package: Option<String>,
    pub operations: Vec<OperationSummary>,
    pub raw: Option<Value>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct OperationSummary {
    pub method: String,
    pub path: String,
    pub label: String,
    pub summary: Option<String>,
}

/// The contract of a plugin, awake or not.
pub enum Read {
    Awake(Arc<Plugin>),
    Asleep(Box<Contract>),
}

impl Deref for Read {
    type Target = Contract;

    fn deref(&self) -> &Contract {
        match self {
            Read::Awake(plugin) => &plugin.contract,
            Read::Asleep(contract) => contract,
        }
    }
}

impl Listed {
    /// `plugin`, awake, made of the component in `bytes`. It can be put to sleep if `loader` keeps copies.
    pub fn new(loader: &Loader, plugin: Plugin, bytes: &[u8]) -> Listed {
        let contract = &plugin.contract;
        let routes = contract
            .operations
            .iter()
            .map(|it| Route { method: it.method, path: anonymous(&it.pattern).into() })
            .collect();
        let raw = contract.raw.clone().map(|raw| Box::new(Raw { document: None, ..raw }));
        // What a handler was asked for at load cannot be had again without running it.
        let was_asked = contract.raw.is_some() && loader.config.plugin(&plugin.name).openapi.is_some();
        let copies = loader.copies.as_ref().filter(|_| !was_asked);
        let copy = copies.and_then(|copies| {
            let summary = serde_json::to_vec(&Summary::of(contract)).unwrap_or_default();
            let kept = copies.keep(bytes, &summary);
            kept.inspect_err(|error| {
                tracing::warn!(plugin = %plugin.name, %error, "it stays in memory, in use or not: its component cannot be copied");
            })
            .ok()
        });
        Listed {
            name: plugin.name.clone(),
            file: plugin.file.clone(),
            digest: plugin.digest,
            size: plugin.size,
            limits: plugin.limits,
            grants: plugin.grants.clone().into(),
            loaded_at: plugin.loaded_at,
            load_time: plugin.load_time,
            share: plugin.share.clone(),
            routes,
            raw,
            copy,
            awake: ArcSwapOption::from_pointee(plugin),
            is_used: AtomicBool::new(false),
            waking: Arc::default(),
        }
    }

    /// The plugin, ready to be called. Whoever holds it is not disturbed when it is put to sleep.
    ///
    /// # Errors
    ///
    /// It was asleep, and cannot be read back: the disk fails, or its code is not in the cache any more and does not
    /// compile.
    pub async fn plugin(self: &Arc<Listed>, loader: &Loader) -> Result<Arc<Plugin>, Cause> {
        // A store for each request would have the processors fight for the line.
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
        if let Some(plugin) = self.awake.load_full() {
            return Ok(plugin);
        }
        let waking = self.waking.clone().lock_owned().await;
        if let Some(plugin) = self.awake.load_full() {
            return Ok(plugin);
        }
        let (listed, loader) = (self.clone(), loader.clone());
        // It goes on though its client goes away: the next one wants the same.
        let woken = spawn_blocking(move || listed.wake(&loader, waking)).await;
        woken.unwrap_or_else(|error| Err(Cause::Host(error.to_string())))
    }

    /// Wakes it. Takes milliseconds, so it is not for async threads.
    fn wake(self: &Arc<Listed>, loader: &Loader, _waking: OwnedMutexGuard<()>) -> Result<Arc<Plugin>, Cause> {
        let bytes = self.component()?;
        let plugin = load::again(loader, self, &bytes)?;
        let plugin = Arc::new(plugin);
        self.awake.store(Some(plugin.clone()));
        loader.residents.woke(self);
        tracing::debug!(plugin = %self.name, ms = plugin.load_time.as_millis() as u64, "awake");
        Ok(plugin)
    }

    /// Forgets its contract and its code, if they can be had again.
    pub fn sleep(&self) {
        if self.copy.is_some() && self.awake.swap(None).is_some() {
            tracing::debug!(plugin = %self.name, "asleep");
        }
    }

    /// The same of one that nobody has yet.
    pub fn asleep(self) -> Listed {
        self.sleep();
        self
    }

    pub fn is_awake(&self) -> bool {
        self.awake.load().is_some()
    }

    /// SHA-256 of the component, in hexadecimal.
    pub fn digest(&self) -> String {
        hex(&self.digest)
    }

    /// Whether it was used since this was last asked.
    pub fn take_mark(&self) -> bool {
        self.is_used.swap(false, Ordering::Relaxed)
    }

    /// Its contract, which is read for the occasion if it is asleep. Takes milliseconds then.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn contract(&self, loader: &Loader) -> Result<Read, Cause> {
        if let Some(plugin) = self.awake.load_full() {
            return Ok(Read::Awake(plugin));
        }
        let contract = load::contract_of(&self.component()?, &loader.config.plugin(&self.name))?;
        Ok(Read::Asleep(Box::new(contract)))
    }

    /// What people are told of it; nothing if the disk fails, which is logged.
    pub fn summary(&self) -> Summary {
        if let Some(plugin) = self.awake.load().as_ref() {
            return Summary::of(&plugin.contract);
        }
        let kept = self.copy.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into()).and_then(Copy::summary);
        let summary = kept.and_then(|kept| Ok(serde_json::from_slice(&kept)?));
        summary.unwrap_or_else(|error| {
            tracing::error!(plugin = %self.name, %error, "what is known of it cannot be read back");
            Summary::default()
        })
    }

    fn component(&self) -> io::Result<Vec<u8>> {
        self.copy.as_ref().ok_or(io::ErrorKind::NotFound)?.component()
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed").field("name", &self.name).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Summary {
    pub fn of(contract: &Contract) -> Summary {
        let operations = contract.operations.iter().map(|operation| OperationSummary {
            method: operation.method.to_string(),
            path: operation.pattern.to_string(),
            label: operation.label(),
            summary: operation.docs.summary.clone(),
        });
        Summary {
            package: contract.package.clone(),
            operations: operations.collect(),
            raw: contract.raw.as_ref().map(inspect::raw),
            warnings: contract.warnings.clone(),
        }
    }
}

/// The pattern with numbers for names.
fn anonymous(pattern: &Pattern) -> String {
    if pattern.segments.is_empty() {
        return "/".into();
    }
    let segment = |(i, segment): (usize, &Segment)| match segment {
        Segment::Literal(text) => format!("/{text}"),
        Segment::Param(_) => format!("/{{p{i}}}"),
    };
    pattern.segments.iter().enumerate().map(segment).collect()
}
