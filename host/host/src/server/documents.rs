//! What is told of all plugins: the OpenAPI document and the page `/`. Both are made off the threads that serve, of what
//! each plugin has of them since it was loaded, and once for however many changes came meanwhile.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use super::{
    pages,
    recent::{DocumentKind, Recent},
};
use crate::{
    catalog::Host,
    openapi::{self, Described, Document, Head},
    plugin::Listed,
    problem::Problem,
};

/// So long a request waits for the document of the catalog that it found, before it gets the one that is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many documents of single plugins are made at one time.
const AT_ONCE: usize = 2;

/// What is told of the plugins of one catalog.
pub(super) struct Told {
    pub document: Document,
    /// The page `/`.
    pub landing: Bytes,
}

/// The last that was made.
#[derive(Default)]
struct Made {
    /// Of the catalog that it was made of, or was to be.
    revision: u64,
    told: Option<Arc<Told>>,
}

/// See the module.
pub(super) struct Documents {
    made: watch::Sender<Made>,
    is_making: AtomicBool,
    places: Arc<Semaphore>,
    recent: Recent,
}

impl Default for Documents {
    fn default() -> Documents {
        Documents {
            made: watch::Sender::default(),
            is_making: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            recent: Recent::default(),
        }
    }
}

impl Documents {
    /// What is told of the current catalog; of an earlier one if that takes long.
    ///
    /// # Errors
    ///
    /// Making it failed inside the host, and there is no earlier one.
    pub(super) async fn told(self: &Arc<Self>, host: &Arc<Host>) -> Result<Arc<Told>, Problem> {
        let wanted = *host.revision().borrow();
        let deadline = Instant::now() + PATIENCE;
        let mut made = self.made.subscribe();
        loop {
            let (revision, told) = {
                let made = made.borrow_and_update();
                (made.revision, made.told.clone())
            };
            if revision >= wanted {
                return told.ok_or_else(|| Problem::PluginFailed("the document could not be made".into()));
            }
            self.begin(host);
            match told {
                // The sender is here, so it cannot be gone.
                Some(told) => {
                    if timeout_at(deadline, made.changed()).await.is_err() {
                        return Ok(told);
                    }
                }
                None => drop(made.changed().await),
            }
        }
    }

    /// Begins to make it, unless somebody does.
    fn begin(self: &Arc<Self>, host: &Arc<Host>) {
        if self.is_making.swap(true, Ordering::AcqRel) {
            return;
        }
        let (documents, host) = (self.clone(), host.clone());
        spawn_blocking(move || {
            let revision = *host.revision().borrow();
            // What was made meanwhile need not be made again.
            if documents.made.borrow().revision < revision {
                let told = catch_unwind(AssertUnwindSafe(|| make(&host, revision)));
                let told = told.ok().map(Arc::new);
                documents.made.send_modify(|made| {
                    made.revision = revision;
                    if told.is_some() {
                        made.told = told;
                    }
                });
            }
            documents.is_making.store(false, Ordering::Release);
            // Who came too late for it and too early for another begins anew.
            documents.made.send_modify(|_| {});
        });
    }

    /// The document of one plugin, off the threads that serve if it is not there yet.
    ///
    /// # Errors
    ///
    /// The disk fails, or making it did inside the host.
    pub(super) async fn of_one(
        &self,
        host: &Arc<Host>,
        listed: &Arc<Listed>,
        kind: DocumentKind,
    ) -> Result<Document, Problem> {
        if let Some(document) = self.recent.get(listed, kind) {
            return Ok(document);
        }
        let (host, plugin) = (host.clone(), listed.clone());
        let make = move || match kind {
            DocumentKind::OpenApi => plugin.document(&host.config().openapi),
            DocumentKind::Wit => plugin.wit(),
        };
        let document = self.blocking(make).await?.map_err(|error| {
            tracing::error!(plugin = %listed.name, %error, "cannot make the plugin's OpenAPI document");
            Problem::PluginFailed(error.to_string())
        })?;
        self.recent.keep(listed, kind, &document);
        Ok(document)
    }

    /// What `make` makes, off the threads that serve; of many, only a few at one time.
    ///
    /// # Errors
    ///
    /// It failed inside the host.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let place = self.places.clone().acquire_owned().await;
        // The place is given back when it is done, whether its client is still there or not.
        let made = spawn_blocking(move || (make(), place).0).await;
        made.map_err(|error| Problem::PluginFailed(error.to_string()))
    }
}

/// Takes milliseconds, with thousands of plugins as many as hundreds.
fn make(host: &Host, revision: u64) -> Told {
    let catalog = host.catalog();
    let settings = &host.config().openapi;
    let heads: Vec<(&Listed, Head)> = catalog
        .plugins()
        .filter_map(|plugin| {
            let head = plugin.head();
            let head = head.inspect_err(
                |error| tracing::error!(plugin = %plugin.name, %error, "the plugin is missing in the OpenAPI document"),
            );
            Some((&**plugin, head.ok()?))
        })
        .collect();
    let sources: Vec<_> = heads
        .iter()
        .map(|(plugin, head)| Described {
            plugin: &plugin.name,
            head,
            texts: Box::new(|| plugin.texts().map(Arc::new)),
            raw: plugin.raw.as_deref(),
        })
        .collect();
    let (document, ids) = openapi::of_all(settings, &sources);
    let told = heads.iter().zip(&ids).map(|((plugin, head), ids)| (plugin.name.as_ref(), (head, ids.as_slice())));
    let landing = pages::landing_of(host, &catalog, &told.collect(), revision).into();
    Told { document, landing }
}
