//! Contracts → one OpenAPI 3.1 document.

mod example;
mod forms;
mod ids;
mod info;
mod merge;
mod operation;
mod problems;
mod responses;
mod stream;
mod tags;

use axum::http::HeaderValue;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::openapi::{Components, Info, OpenApi, PathItem, Paths, extensions::Extensions};

use crate::{
    config,
    contract::{Contract, Type, schema::Schemas},
    media_type::JSON,
    runtime::code_cache::hex,
};
use example::Examples;
pub use ids::operation_ids;
pub use merge::check;

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
        let etag = format!("W/\"{}\"", &hex(&Sha256::digest(&body))[..32]);
        // Hexadecimal in quotes is a header value.
        let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""));
        Document { media_type, body, etag }
    }

    fn of(document: &Value) -> Document {
        Document::new(HeaderValue::from_static(JSON), serde_json::to_vec(document).unwrap_or_default().into())
    }

    /// The WIT of a plugin, so that another component can be built against it.
    pub fn wit(contract: &Contract) -> Document {
        Document::new(HeaderValue::from_static("text/plain; charset=utf-8"), contract.wit.clone().into())
    }
}

/// The document of all plugins, as `(name, contract)` pairs.
pub fn of_all<'a>(settings: &config::OpenApi, plugins: impl Iterator<Item = (&'a str, &'a Contract)>) -> Document {
    Document::of(&whole(settings, info::of_all(settings), &plugins.collect::<Vec<_>>()))
}

/// The document of one plugin.
pub fn of_plugin(settings: &config::OpenApi, plugin: &str, contract: &Contract) -> Document {
    Document::of(&whole(settings, info::of_plugin(settings, plugin, contract), &[(plugin, contract)]))
}

/// The document of one plugin, for people.
pub fn pretty(settings: &config::OpenApi, plugin: &str, contract: &Contract) -> String {
    let document = whole(settings, info::of_plugin(settings, plugin, contract), &[(plugin, contract)]);
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// The document with what raw HTTP handlers say of themselves.
fn whole(settings: &config::OpenApi, info: Info, contracts: &[(&str, &Contract)]) -> Value {
    let mut document = json!(build(settings, info, contracts));
    merge::add(&mut document, contracts);
    document
}

/// The document as utoipa's types.
fn build(settings: &config::OpenApi, info: Info, contracts: &[(&str, &Contract)]) -> OpenApi {
    let types = contracts.iter().flat_map(|(plugin, contract)| types(contract).map(move |ty| (*plugin, ty)));
    let schemas = Schemas::new(types, &problems::NAMES);
    let mut components = Components::new();
    components.schemas = schemas.components();
    let operations = contracts.iter().flat_map(|(_, contract)| &contract.operations);
    for error in operations.filter_map(|operation| operation.outcome.error.as_ref()) {
        components.schemas.extend(problems::of_named_error(error, &schemas));
    }
    components.schemas.extend(problems::own_schemas());
    components.headers.extend(responses::own_headers());

    let printed: Value = json!(components.schemas);
    let examples = printed.as_object().map(Examples::new);
    let ids = operation_ids(contracts);
    let mut paths = Paths::new();
    let mut tags = vec![];
    let mut groups = vec![];
    for ((plugin, contract), ids) in contracts.iter().zip(&ids) {
        for (operation, id) in contract.operations.iter().zip(ids) {
            let mut described = operation::describe(operation, &schemas, examples.as_ref());
            described.operation_id = Some(id.clone());
            described.tags = Some(tags::of_operation(plugin, operation));
            let path = paths.paths.entry(operation.pattern.to_string()).or_default();
            path.merge_operations(PathItem::new(operation::http_method(operation.method), described));
        }
        let of_plugin = tags::of_plugin(plugin, contract);
        groups.push(tags::group(plugin, &of_plugin));
        tags.extend(of_plugin);
    }
    let mut document = OpenApi::new(info, paths);
    document.servers = Some(info::servers(settings));
    document.components = Some(components);
    // The host asks nobody who they are. Said in so many words, since silence could also mean that it was forgotten.
    document.security = Some(vec![]);
    document.tags = Some(tags);
    document.extensions = Some(Extensions::from_iter([("x-tagGroups", Value::from(groups))]));
    document
}

fn types(contract: &Contract) -> impl Iterator<Item = &Type> {
    contract.operations.iter().flat_map(|operation| {
        let params = operation.params.iter().map(|param| &param.ty);
        params.chain(&operation.outcome.value).chain(&operation.outcome.error)
    })
}
