//! What the published schemas say, by a validator that is not the host's.

use std::{cell::LazyCell, collections::HashMap};

use jsonschema::{Draft, Validator};
use serde_json::Value;
use witapi_contract::{Operation, Place};
use witapi_host::{config, openapi};

use crate::CONTRACT;

/// What the published schema says of a body.
pub fn accepts(operation: &Operation, value: &Value) -> bool {
    thread_local! {
        static SCHEMAS: LazyCell<HashMap<String, Validator>> = LazyCell::new(schemas);
    }
    SCHEMAS.with(|schemas| schemas[&operation.route()].is_valid(value))
}

/// The schemas of all bodies, by route.
fn schemas() -> HashMap<String, Validator> {
    let document = openapi::of_plugin(&config::OpenApi::default(), "plugin", &CONTRACT);
    let document: Value = serde_json::from_slice(&document.body).expect("a document");
    let with_body = CONTRACT.operations.iter().filter(|it| it.params_in(Place::Body).next().is_some());
    let compiled = with_body.filter_map(|operation| {
        let item = &document["paths"][operation.pattern.to_string()][operation.method.to_string().to_lowercase()];
        let mut schema = item["requestBody"]["content"].get("application/json")?["schema"].clone();
        schema["components"] = document["components"].clone();
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        Some((operation.route(), options.build(&schema).expect("a schema")))
    });
    compiled.collect()
}
