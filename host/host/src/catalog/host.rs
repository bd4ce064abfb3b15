//! What a process serves: the current [`Catalog`], and the one place that puts another into its place.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::Catalog;
use crate::{config::Config, plugin::load::Loader, runtime::EngineError};

/// All that runs in one process.
pub struct Host {
    /// What a load needs of the host.
    pub loader: Loader,
    catalog: ArcSwap<Catalog>,
    /// Held while one catalog is made of another, never across a guest's call. Earlier ones that requests may still have.
    changing: Mutex<Vec<Arc<Catalog>>>,
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
    pub fn new(config: Config) -> Result<Host, EngineError> {
        let code = config.data.join("code");
        Ok(Host::of(Loader::new(config, code)?.with_sleep()))
    }

    /// A host without plugins that loads with `loader`.
    pub fn of(loader: Loader) -> Host {
        // Counted on from the time of start, so that no earlier host on this address had the same.
        let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let revision = watch::Sender::new(began.as_micros() as u64);
        Host { loader, catalog: ArcSwap::default(), changing: Mutex::default(), revision, is_development: false }
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

    /// Serves `next` from now on. Its caller is `changing`.
    pub(super) fn publish(&self, next: Catalog, earlier: &mut Vec<Arc<Catalog>>) {
        earlier.push(self.catalog.swap(Arc::new(next)));
        self.revision.send_modify(|revision| *revision += 1);
        drop_unused(earlier);
    }

    /// Drops earlier catalogs that no request has any more, with the plugins that are in no other. To free thousands of
    /// them takes long, so no thread that serves does it, and it is not for async threads.
    pub fn drop_unused(&self) {
        drop_unused(&mut self.changing());
    }

    pub(super) fn changing(&self) -> MutexGuard<'_, Vec<Arc<Catalog>>> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drop_unused(catalogs: &mut Vec<Arc<Catalog>>) {
    // Of one that is nowhere else nobody can get another.
    catalogs.retain(|catalog| Arc::strong_count(catalog) > 1);
}
