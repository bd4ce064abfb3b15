//! The operations of a component, or of WIT, and the JSON schemas of what they take and return.
//!
//! `cargo run -p witapi-contract --example operations -- orders.wasm`

use std::{error::Error, ffi::OsStr, fs, path::PathBuf};

use serde_json::{Map, json};
use witapi_contract::{Options, decode, decode_wit, schema::Schemas};

fn main() -> Result<(), Box<dyn Error>> {
    let file: PathBuf = std::env::args_os().nth(1).ok_or("expected a component (.wasm) or WIT (.wit)")?.into();
    let contract = match file.extension().and_then(OsStr::to_str) {
        Some("wit") => decode_wit(&fs::read_to_string(&file)?, None, &Options::default())?,
        _ => decode(&fs::read(&file)?, &Options::default())?,
    };
    let schemas = Schemas::new(contract.types());
    let operations = contract.operations.iter().map(|operation| {
        let params: Map<_, _> = operation
            .params
            .iter()
            .map(|it| {
                (it.json.clone(), json!({ "in": it.place.name(), "schema": schemas.described(&it.ty, &it.docs) }))
            })
            .collect();
        let answer = operation.outcome.value.as_ref().map(|ty| schemas.schema(ty));
        json!({
            "route": operation.route(),
            "summary": operation.docs.summary,
            "parameters": params,
            "status": operation.outcome.success,
            "answer": answer,
        })
    });
    let components: Map<_, _> = schemas.components().into_iter().map(|it| (it.name, json!(it.schema))).collect();
    println!("{:#}", json!({ "operations": operations.collect::<Vec<_>>(), "schemas": components }));
    Ok(())
}
