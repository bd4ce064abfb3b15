//! A contract for people to read, and for programs: what `witapi inspect` prints.

use comfy_table::{Table, presets};
use serde_json::{Value, json};
use witapi_contract::{Body, Contract, Operation, Param, Place, Raw};

/// Routes, parameters and imports as tables.
pub fn text(name: &str, contract: &Contract) -> String {
    let mut text = format!("{name}: {}\n\n", contract.package.as_deref().unwrap_or("no package"));
    if let Some(raw) = &contract.raw {
        text.push_str(&format!("Raw HTTP: {} at {}\n\n", raw.export, raw.paths()));
    }
    let mut table = table(["METHOD", "PATH", "OPERATION", "PARAMETERS", "BODY", "ANSWERS"]);
    for operation in &contract.operations {
        let outcome = &operation.outcome;
        let value = outcome.value.as_ref().map(|ty| format!(" {}", outcome.delivery.describe(ty))).unwrap_or_default();
        let error = outcome.error.as_ref().map(|ty| format!(", error {}", ty.describe())).unwrap_or_default();
        let params = operation.params.iter().filter(|param| param.place != Place::Body);
        table.add_row([
            operation.method.to_string(),
            operation.pattern.to_string(),
            operation.label(),
            params.map(|param| format!("{} {}", param.place.name(), signature(param))).collect::<Vec<_>>().join("\n"),
            body(operation),
            format!("{}{value}{error}", outcome.success),
        ]);
    }
    if !contract.operations.is_empty() {
        text.push_str(&table.trim_fmt());
        text.push_str("\n\n");
    }
    text.push_str("Imports:");
    if contract.imports.is_empty() {
        text.push_str(" none");
    }
    for import in &contract.imports {
        text.push_str(&format!("\n  {}", import.name));
    }
    for warning in &contract.warnings {
        text.push_str(&format!("\nWarning: {warning}"));
    }
    text.push('\n');
    text
}

fn signature(param: &Param) -> String {
    format!("{}: {}", param.json, param.delivery.describe(&param.ty))
}

fn body(operation: &Operation) -> String {
    match operation.body {
        Body::None => "-".into(),
        Body::Whole(i) | Body::Stream(i) => operation.params[i].delivery.describe(&operation.params[i].ty),
        Body::Raw(_) => "bytes".into(),
        Body::Members => operation.params_in(Place::Body).map(signature).collect::<Vec<_>>().join("\n"),
    }
}

/// The same as a JSON value.
pub fn json(name: &str, contract: &Contract) -> Value {
    let operation = |operation: &Operation| {
        let param = |param: &Param| json!({ "name": param.json, "in": param.place.name(), "type": param.delivery.describe(&param.ty) });
        json!({
            "operation": operation.label(),
            "method": operation.method.as_str(),
            "path": operation.pattern.to_string(),
            "parameters": operation.params.iter().map(param).collect::<Vec<_>>(),
            "status": operation.outcome.success,
            "result": operation.outcome.value.as_ref().map(|ty| operation.outcome.delivery.describe(ty)),
            "error": operation.outcome.error.as_ref().map(|ty| ty.describe()),
            "async": operation.is_async,
        })
    };
    json!({
        "name": name,
        "package": contract.package,
        "operations": contract.operations.iter().map(operation).collect::<Vec<_>>(),
        "raw": contract.raw.as_ref().map(Raw::facts),
        "imports": contract.imports.iter().map(|import| &import.name).collect::<Vec<_>>(),
        "warnings": contract.warnings,
    })
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}
