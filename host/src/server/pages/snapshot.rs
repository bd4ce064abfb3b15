//! What the pages show of a catalog, made once for each.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use serde_json::Value;

use super::landing;
use crate::{Host, contract::Operation};

/// Of one catalog.
pub struct Snapshot {
    pub revision: u64,
    /// What runs here is called: the title of the document.
    pub title: String,
    /// The page `/`.
    pub landing: Bytes,
}

/// The last snapshot that was asked for.
#[derive(Default)]
pub struct Latest(ArcSwapOption<Snapshot>);

impl Latest {
    /// That of the current catalog.
    pub fn snapshot(&self, host: &Host) -> Arc<Snapshot> {
        let revision = *host.revision().borrow();
        if let Some(latest) = self.0.load_full().filter(|latest| latest.revision == revision) {
            return latest;
        }
        let catalog = host.catalog();
        let document = &catalog.document(&host.config().openapi, &host.loader).body;
        let document = Described(serde_json::from_slice(document).unwrap_or_default());
        let landing = landing::page(host, &catalog, &document, revision).into();
        let snapshot = Arc::new(Snapshot { revision, title: document.title().to_owned(), landing });
        self.0.store(Some(snapshot.clone()));
        snapshot
    }
}

/// The OpenAPI document of all plugins, for what the pages take from it. So they cannot say anything else than it does.
pub struct Described(Value);

impl Described {
    pub fn title(&self) -> &str {
        self.0["info"]["title"].as_str().unwrap_or("WitAPI")
    }

    /// What the document has of an operation.
    pub fn operation(&self, operation: &Operation) -> &Value {
        &self.0["paths"][operation.pattern.to_string()][operation.method.as_str().to_ascii_lowercase()]
    }
}
