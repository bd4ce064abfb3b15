//! WitAPI: FastAPI for WebAssembly components.
//!
//! [`Host`] holds what runs; [`server`] puts it on a socket. The flow of a request and of a load is in `ARCHITECTURE.md`.

pub mod accept;
pub mod author;
pub mod bind;
pub mod body;
pub mod catalog;
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
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use catalog::{Catalog, Failure, Step};
use config::{Compatible, Config};
use contract::diff;
use plugin::{
    LoadError, Plugin,
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
        Ok(Host::of(Loader::new(config, code)?))
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
    pub fn serve(&self, plugin: Plugin) -> Result<(), LoadError> {
        let _changing = self.changing();
        let catalog = self.catalog.load();
        let file = plugin.file.clone();
        let failed = |cause| LoadError { file: file.clone(), cause };
        let earlier = catalog.entries().get(plugin.name.as_ref()).and_then(|entry| entry.serving.as_ref());
        if let Some(earlier) = earlier
            && earlier.file != file
        {
            return Err(failed(Cause::NameTaken { other: earlier.file.clone() }));
        }
        if let Some(earlier) = earlier {
            self.judge(earlier, &plugin).map_err(failed)?;
        }
        let action = if earlier.is_some() { "replaced" } else { "loaded" };
        let plugin = Arc::new(plugin);
        let next = catalog.with(plugin.clone()).map_err(|conflict| failed(Cause::Conflict(conflict)))?;
        self.publish(next);
        tracing::info!(
            plugin = %plugin.name,
            operations = plugin.contract.operations.len(),
            digest = &plugin.digest[..12],
            ms = plugin.load_time.as_millis() as u64,
            "{action}"
        );
        Ok(())
    }

    /// Says what a plugin's new version breaks for clients of its earlier one.
    ///
    /// # Errors
    ///
    /// It breaks something, and `compatible` is required.
    fn judge(&self, earlier: &Plugin, plugin: &Plugin) -> Result<(), Cause> {
        let compatible = self.config().plugin(&plugin.name).compatible;
        if compatible == Compatible::Off || earlier.digest == plugin.digest {
            return Ok(());
        }
        let breaks = diff::breaks(&earlier.contract, &plugin.contract);
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
        let _changing = self.changing();
        // It quotes the file, whose words are nobody's but its author's.
        tracing::error!("not loaded: {}", log::printable_lines(&error.to_string()));
        let file = error.file.clone();
        let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let failure = Failure { step: Step::Load, file, reason: error.cause.to_string(), at: SystemTime::now() };
        self.publish(self.catalog.load().with_failure(&name, failure));
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
        self.publish(self.catalog.load().with_failure(name, failure));
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
