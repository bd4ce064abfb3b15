//! The plugins and routes of a catalog as a table: what `witapi serve` prints at start.

use comfy_table::{Table, presets};

use super::Catalog;

/// The plugins and routes of a host, and what failed to load.
pub fn routes(catalog: &Catalog) -> String {
    let mut table = table(["PLUGIN", "METHOD", "PATH", "SUMMARY"]);
    for plugin in catalog.plugins() {
        for (i, operation) in plugin.summary().operations.iter().enumerate() {
            let name = if i == 0 { &plugin.name } else { "" };
            let summary = operation.summary.as_deref().unwrap_or_default();
            table.add_row([name, operation.method.as_str(), operation.path.as_str(), summary]);
        }
        if let Some(raw) = &plugin.raw {
            let name = if plugin.routes.is_empty() { &plugin.name } else { "" };
            table.add_row([name, "*", raw.paths().as_str(), raw.export.as_str()]);
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    for (name, entry) in catalog.entries() {
        if let Some(failure) = &entry.failure {
            text.push_str(&format!("{name} failed to load: {}\n", failure.reason));
        }
    }
    text
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}
