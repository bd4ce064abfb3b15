//! WitAPI: FastAPI for WebAssembly components.
//!
//! [`Host`] holds what runs; [`server`] puts it on a socket. The flow of a request and of a load is in `ARCHITECTURE.md`.

pub mod accept;
pub mod author;
pub mod before;
pub mod bind;
pub mod body;
pub mod caller;
pub mod catalog;
mod charged;
pub mod config;
pub mod contract;
pub mod dispatch;
pub mod embed;
pub mod form;
pub mod inspect;
pub mod keyvalue;
pub mod log;
pub mod media_type;
pub mod mounted;
pub mod openapi;
pub mod plugin;
pub mod problem;
pub mod runtime;
pub mod server;
pub mod streaming;
pub mod value;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use catalog::{Catalog, Failure, Step};
use config::{Compatible, Config};
use contract::diff;
use plugin::{
    Listed, LoadError,
    load::{self, Cause, Loader},
};

/// How many breaks of a contract are told of when a plugin is replaced.
const MAX_BREAKS: usize = 20;

/// Bytes of what a compiler says that are kept.
const MAX_REASON: usize = 64 << 10;

/// All that runs in one process.
pub struct Host {
    /// What a load needs of the host.
    pub loader: Loader,
    catalog: ArcSwap<Catalog>,
    /// Held while one catalog is made of another, never across a guest's call.
    changing: Mutex<()>,
    revision: watch::Sender<u64>,
    /// Whether pages show why a plugin failed: to its author, but to no one else.
    is_development: bool,
}

impl Host {
    /// A host without plugins.
    ///
    /// # Errors
    ///
    /// The instance pools do not fit into the address space.
    pub fn new(config: Config) -> wasmtime::Result<Host> {
        let code = config.data.join("code");
        Ok(Host::of(Loader::new(config, code)?.with_sleep()))
    }

    /// A host without plugins that loads with `loader`.
    pub fn of(loader: Loader) -> Host {
        // Counted on from the time of start, so that no earlier host on this address had the same.
        let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let revision = watch::Sender::new(began.as_micros() as u64);
        Host { loader, catalog: ArcSwap::default(), changing: Mutex::new(()), revision, is_development: false }
    }

    /// The same, for the author of a plugin alone: its pages show what is wrong with it.
    pub fn for_development(self) -> Host {
        Host { is_development: true, ..self }
    }

    pub fn is_development(&self) -> bool {
        self.is_development
    }

    pub fn config(&self) -> &Config {
        &self.loader.config
    }

    /// What is served now. Whoever holds it is not disturbed by what comes after it.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// The number of the current catalog, to look at and to wait for. It grows with every change, also over a restart.
    ///
    /// Read it before the catalog: what was made of a newer catalog under an older number is made anew once too often,
    /// and never once too little.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Serves `plugin` from now on, in the place of its earlier version if there is one.
    ///
    /// # Errors
    ///
    /// Another plugin has one of its routes, or another file its name; or it breaks its contract where that is not allowed. Nothing has changed then.
    pub fn serve(&self, plugin: Listed) -> Result<(), LoadError> {
        self.serve_all(vec![plugin]).pop().map_or(Ok(()), Err)
    }

    /// The same of many, in that order, as one change. The answer says which are not served, and why.
    pub fn serve_all(&self, plugins: Vec<Listed>) -> Vec<LoadError> {
        let _changing = self.changing();
        let catalog = self.catalog.load();
        let failed = |plugin: &Listed, cause| LoadError { file: plugin.file.clone(), cause };
        let mut errors = vec![];
        let mut fit: BTreeMap<Arc<str>, PathBuf> = BTreeMap::new();
        let mut wanted = vec![];
        for plugin in plugins {
            let earlier = catalog.entries().get(plugin.name.as_ref()).and_then(|entry| entry.serving.as_ref());
            let other = fit.get(&plugin.name).or(earlier.map(|earlier| &earlier.file));
            if let Some(other) = other.filter(|other| **other != plugin.file) {
                errors.push(failed(&plugin, Cause::NameTaken { other: other.clone() }));
                continue;
            }
            match earlier.map_or(Ok(()), |earlier| self.judge(earlier, &plugin)) {
                Ok(()) => {
                    fit.insert(plugin.name.clone(), plugin.file.clone());
                    wanted.push(Arc::new(plugin));
                }
                Err(cause) => errors.push(failed(&plugin, cause)),
            }
        }
        if wanted.is_empty() {
            return errors;
        }
        let (next, refused) = catalog.with_all(wanted.iter().cloned(), &self.loader);
        let is_refused = |plugin: &Arc<Listed>| refused.iter().any(|(other, _)| Arc::ptr_eq(other, plugin));
        let served: Vec<_> = wanted.into_iter().filter(|plugin| !is_refused(plugin)).collect();
        if !served.is_empty() {
            self.publish(next);
        }
        for plugin in served {
            if plugin.is_awake() {
                self.loader.residents.woke(&plugin);
            }
            let is_new = catalog.entries().get(plugin.name.as_ref()).is_none_or(|entry| entry.serving.is_none());
            tracing::info!(
                plugin = %plugin.name,
                operations = plugin.routes.len(),
                digest = &plugin.digest()[..12],
                ms = plugin.load_time.as_millis() as u64,
                "{}", if is_new { "loaded" } else { "replaced" }
            );
        }
        errors.extend(refused.into_iter().map(|(plugin, conflict)| failed(&plugin, Cause::Conflict(conflict))));
        errors
    }

    /// Says what a plugin's new version breaks for clients of its earlier one.
    ///
    /// # Errors
    ///
    /// It breaks something, and `compatible` is required.
    fn judge(&self, earlier: &Listed, plugin: &Listed) -> Result<(), Cause> {
        let compatible = self.config().plugin(&plugin.name).compatible;
        if compatible == Compatible::Off || earlier.digest == plugin.digest {
            return Ok(());
        }
        let (before, after) = (earlier.contract(&self.loader)?, plugin.contract(&self.loader)?);
        let breaks = diff::breaks(&before, &after);
        let (told, more) = breaks.split_at(breaks.len().min(MAX_BREAKS));
        let mut lines: Vec<String> =
            told.iter().map(|change| log::printable(&change.to_string()).into_owned()).collect();
        if !more.is_empty() {
            lines.push(format!("and {} more; `witapi inspect --diff OLD NEW` names all", more.len()));
        }
        if compatible == Compatible::Required && !breaks.is_empty() {
            return Err(Cause::Incompatible { plugin: plugin.name.to_string(), breaks: lines.join("\n") });
        }
        for line in lines {
            tracing::warn!(plugin = %plugin.name, "the new version breaks the contract: {}", log::printable_lines(&line));
        }
        Ok(())
    }

    /// Notes that a file did not load. What is serving goes on.
    pub fn note_failure(&self, error: &LoadError) {
        self.note_failures(std::slice::from_ref(error));
    }

    /// The same of many, as one change.
    pub fn note_failures(&self, errors: &[LoadError]) {
        if errors.is_empty() {
            return;
        }
        let _changing = self.changing();
        let failures = errors.iter().map(|error| {
            // It quotes the file, whose words are nobody's but its author's.
            tracing::error!("not loaded: {}", log::printable_lines(&error.to_string()));
            let file = error.file.clone();
            let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            (name, Failure { step: Step::Load, file, reason: error.cause.to_string(), at: SystemTime::now() })
        });
        let next = self.catalog.load().with_failures(failures);
        self.publish(next);
    }

    /// Notes that the plugin of that name could not be built into `file`. What is serving goes on.
    /// Of a very long reason the begin is kept.
    pub fn note_build_failure(&self, name: &str, file: &Path, reason: &str) {
        let _changing = self.changing();
        let end = reason.floor_char_boundary(MAX_REASON);
        let rest = reason.len() - end;
        let more = if rest > 0 { format!("\n… {rest} bytes more") } else { String::new() };
        let (file, reason) = (file.to_owned(), format!("{}{more}", &reason[..end]));
        let failure = Failure { step: Step::Build, file, reason, at: SystemTime::now() };
        let next = self.catalog.load().with_failures([(name.to_owned(), failure)]);
        self.publish(next);
    }

    /// Serves what was loaded from `file` no more. Requests in flight end as they began.
    pub fn unload(&self, file: &Path) {
        let _changing = self.changing();
        let catalog = self.catalog.load();
        let Some(name) = load::name_of(file).or_else(|| file.file_stem()?.to_str()) else { return };
        let Some(entry) = catalog.entries().get(name) else { return };
        let is_serving = entry.serving.as_ref().is_some_and(|plugin| plugin.file == file);
        let next = if is_serving || entry.serving.is_none() {
            tracing::info!(plugin = name, "unloaded");
            catalog.without(name)
        } else {
            // It was another file of that name, which never served.
            catalog.without_failure(name)
        };
        self.publish(next);
    }

    /// The one place where a catalog follows another.
    fn publish(&self, next: Catalog) {
        self.catalog.store(Arc::new(next));
        self.revision.send_modify(|revision| *revision += 1);
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
