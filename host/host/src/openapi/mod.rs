//! Contracts → one OpenAPI 3.1 document.

mod example;
mod forms;
mod ids;
mod info;
mod merge;
mod names;
mod operation;
mod part;
mod problems;
mod responses;
mod stream;
mod tags;
mod whole;

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{config, contract::Contract, http::media_type::JSON};
use whole::Whole;

pub use ids::operation_ids;
pub use merge::check;
pub use part::{Head, OperationHead, Part, Texts};
pub use whole::Described;

/// A document as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Document {
    pub media_type: HeaderValue,
    pub body: Bytes,
    /// A weak entity tag, since the same document may go out compressed: equal exactly if the document is.
    pub etag: HeaderValue,
}

impl Document {
    fn new(media_type: HeaderValue, body: Bytes) -> Document {
        let etag = format!("W/\"{}\"", &HEXLOWER.encode(&Sha256::digest(&body))[..32]);
        // Hexadecimal in quotes is a header value.
        let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""));
        Document { media_type, body, etag }
    }

    /// The WIT of a plugin, so that another component can be built against it.
    pub fn wit(text: impl Into<Bytes>) -> Document {
        Document::new(HeaderValue::from_static("text/plain; charset=utf-8"), text.into())
    }
}

/// The document of all plugins, and the ids in it.
pub fn of_all(settings: &config::OpenApi, sources: &[Described]) -> (Document, Vec<Vec<String>>) {
    let Whole { text, ids } = whole::of(settings, info::of_all(settings), sources);
    (Document::new(HeaderValue::from_static(JSON), text.into()), ids)
}

/// The document of one plugin.
pub fn of_one(settings: &config::OpenApi, source: Described) -> Document {
    let info = info::of_plugin(settings, source.plugin, source.head);
    Document::new(HeaderValue::from_static(JSON), whole::of(settings, info, &[source]).text.into())
}

/// The same, of its contract.
pub fn of_plugin(settings: &config::OpenApi, plugin: &str, contract: &Contract) -> Document {
    let Part { head, texts } = Part::new(plugin, contract);
    let texts = Arc::new(texts);
    let texts = Box::new(move || Ok(texts.clone()));
    of_one(settings, Described { plugin, head: &head, texts, raw: contract.raw.as_ref() })
}

/// The document of one plugin, for people.
pub fn pretty(settings: &config::OpenApi, plugin: &str, contract: &Contract) -> String {
    let document = of_plugin(settings, plugin, contract);
    let document: Value = serde_json::from_slice(&document.body).unwrap_or_default();
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
