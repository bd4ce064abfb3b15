//! `/_witapi/plugins`: what the host knows of each plugin, for operators and their tools.

use std::{fmt::Write, time::SystemTime};

use serde_json::{Value, json};

use crate::{
    catalog::{Catalog, Entry},
    config::Limits,
    log,
    plugin::{Listed, OperationSummary},
    runtime::Share,
    watch::Awaited,
};

/// So many plugins are named in a text for people.
const MAX_NAMED: usize = 100;

/// One object a plugin, by name.
pub(super) fn plugins(catalog: &Catalog) -> Value {
    catalog.entries().iter().map(|(name, entry)| plugin(name, entry)).collect()
}

/// A line for each plugin that the host does not have: its file is not loaded yet, or failed.
pub(super) fn lacking(catalog: &Catalog, awaited: &Awaited) -> String {
    let mut lines = awaited.lines();
    let mut failed = catalog.entries().iter().filter(|(_, entry)| entry.serving.is_none());
    for (name, _) in failed.by_ref().take(MAX_NAMED) {
        let _ = writeln!(lines, "failed: {}", log::printable(name));
    }
    match failed.count() {
        0 => {}
        more => drop(writeln!(lines, "and {more} more that failed")),
    }
    lines
}

fn plugin(name: &str, entry: &Entry) -> Value {
    let mut plugin = json!({ "name": name, "state": state(entry) });
    if let (Some(members), Some(serving)) = (plugin.as_object_mut(), &entry.serving)
        && let Value::Object(more) = serving_plugin(serving)
    {
        members.extend(more);
    }
    if let Some(failure) = &entry.failure {
        plugin["failure"] = json!({
            "step": failure.step.name(),
            "file": failure.file.display().to_string(),
            "reason": failure.reason,
            "at": time(failure.at),
        });
    }
    plugin
}

/// `serving`: the newest file serves. `outdated`: an earlier one does, since the newest failed. `failed`: none does.
fn state(entry: &Entry) -> &'static str {
    match (&entry.serving, &entry.failure) {
        (Some(_), None) => "serving",
        (Some(_), Some(_)) => "outdated",
        (None, _) => "failed",
    }
}

fn serving_plugin(plugin: &Listed) -> Value {
    let summary = plugin.summary();
    json!({
        "file": plugin.file.display().to_string(),
        "digest": format!("sha256:{}", plugin.digest()),
        "size_bytes": plugin.size,
        "package": summary.package,
        "loaded_at": time(plugin.loaded_at),
        "load_ms": plugin.load_time.as_millis() as u64,
        "grants": plugin.grants,
        "limits": limits(&plugin.limits),
        "scheduler": scheduler(&plugin.share),
        "routes": summary.operations.iter().map(route).collect::<Vec<_>>(),
        "raw": summary.raw,
        "warnings": summary.warnings,
    })
}

/// Under the names and in the units of `witapi.toml`.
fn limits(limits: &Limits) -> Value {
    json!({
        "memory_mib": limits.memory >> 20,
        "deadline_ms": limits.deadline.as_millis() as u64,
        "body_kib": limits.body >> 10,
        "result_kib": limits.result >> 10,
        "stream_deadline_ms": limits.stream_deadline.as_millis() as u64,
        "log_kib": limits.log >> 10,
        "cpu_ms": limits.cpu.as_millis() as u64,
        "concurrency": limits.concurrency,
        "queue": limits.queue,
        "weight": limits.weight,
        "keyvalue_mib": limits.keyvalue >> 20,
    })
}

fn scheduler(share: &Share) -> Value {
    let figures = share.figures();
    json!({
        "running": figures.running,
        "waiting": figures.waiting,
        "cpu_ms": figures.used.as_millis() as u64,
        "buffered_kib": figures.buffered >> 10,
        "refused": figures.refused,
        "long": figures.long,
    })
}

fn route(operation: &OperationSummary) -> Value {
    json!({
        "method": operation.method,
        "path": operation.path,
        "operation": operation.label,
    })
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
