//! What is wrong with `witapi.toml`, and where: serde's errors with file, line and key.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

/// The keys that stand in one kind of table only, to tell where a misplaced one belongs.
const TABLES: [(&str, &[&str]); 7] = [
    (
        "limits",
        &[
            "memory_mib",
            "deadline_ms",
            "stream_deadline_ms",
            "body_kib",
            "result_kib",
            "log_kib",
            "cpu_ms",
            "concurrency",
            "queue",
            "weight",
        ],
    ),
    ("scheduler", &["instances", "queue"]),
    (
        "server",
        &[
            "header_timeout_ms",
            "body_timeout_ms",
            "drain_ms",
            "write_timeout_ms",
            "header_kib",
            "connections",
            "connections_per_peer",
            "buffer_mib",
            "compression",
        ],
    ),
    ("cors", &["origins", "methods", "headers", "expose_headers", "credentials", "max_age_s"]),
    ("keyvalue", &["max_mib", "idle_s"]),
    ("openapi", &["title", "description", "version", "servers", "contact", "license", "terms_of_service"]),
    ("plugin.<name>", &["mount", "openapi", "casing", "keyvalue_mib", "requests_per_instance"]),
];

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing, not ours to read or not UTF-8.
    #[error("cannot read {}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    /// The file is not TOML.
    #[error("{}:{line}: {message}", file.display())]
    Syntax { file: PathBuf, line: usize, message: String },
    /// A key that means nothing.
    #[error("{}:{line}: unknown key `{key}` in {table}{hint} (known: {})", file.display(), known.join(", "))]
    UnknownKey { file: PathBuf, line: usize, key: String, table: KeyPath, hint: Hint, known: Box<[String]> },
    /// A value that makes no sense.
    #[error("{}:{line}: {key}: expected {expected}, found {found}", file.display())]
    Value { file: PathBuf, line: usize, key: KeyPath, found: String, expected: String },
}

/// The way from the top level to a table or a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPath(pub Vec<String>);

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("the top level"),
            keys => write!(f, "`{}`", keys.iter().map(|key| toml_key(key)).collect::<Vec<_>>().join(".")),
        }
    }
}

/// What may have been meant by an unknown key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// The known key that is spelled most alike.
    Nearest(String),
    /// The table that knows the key.
    Table(&'static str),
    /// Nothing is near.
    None,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hint::Nearest(key) => write!(f, "; the nearest known key is `{key}`"),
            Hint::Table(table) => write!(f, "; it belongs in `{table}`"),
            Hint::None => Ok(()),
        }
    }
}

pub(super) fn syntax(error: &toml::de::Error, text: &str, file: &Path) -> ConfigError {
    ConfigError::Syntax {
        file: file.to_owned(),
        line: line(text, error.span()),
        message: error.message().replace('\n', ", "),
    }
}

/// Reads an error of serde's. It has the place in the text; `tree` has the keys that lead there.
pub(super) fn locate(error: &toml::de::Error, tree: &DeTable<'_>, text: &str, file: &Path) -> ConfigError {
    let mut place = error.span().and_then(|span| find(tree, &span)).unwrap_or_default();
    let file = file.to_owned();
    let line = line(text, error.span());
    let message = error.message();
    // What serde says of a key: "unknown field `lisen`, expected one of `listen`, `data`".
    let unknown = place.last().and_then(|key| {
        let rest = message.strip_prefix("unknown field `")?;
        rest.strip_prefix(key.as_str())?.strip_prefix("`, expected ")
    });
    if let Some(expected) = unknown {
        let known: Vec<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let key = place.pop().unwrap_or_default();
        return ConfigError::UnknownKey {
            file,
            line,
            hint: hint(&key, &known),
            key: toml_key(&key),
            table: KeyPath(place),
            known: known.into(),
        };
    }
    // What it says of a value: "invalid value: integer `0`, expected a whole number".
    let value = message.split_once(": ").and_then(|(_, value)| value.rsplit_once(", expected "));
    match value {
        Some((found, expected)) => ConfigError::Value {
            file,
            line,
            key: KeyPath(place),
            found: in_words_of_toml(found),
            expected: in_words_of_toml(expected),
        },
        None => ConfigError::Syntax { file, line, message: message.replace('\n', ", ") },
    }
}

/// A value that makes no sense beside another.
pub(super) fn of_value<const N: usize>(
    tree: &DeTable<'_>,
    text: &str,
    file: &Path,
    keys: [&str; N],
    found: &str,
    expected: &str,
) -> ConfigError {
    let mut table = Some(tree);
    let mut span = None;
    for key in keys {
        let value = table.and_then(|table| table.get(key));
        span = value.map(|value| value.span()).or(span);
        table = value.and_then(|value| value.get_ref().as_table());
    }
    ConfigError::Value {
        file: file.to_owned(),
        line: line(text, span),
        key: KeyPath(keys.map(str::to_owned).into()),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

fn in_words_of_toml(serde: &str) -> String {
    match serde {
        "map" => "a table".to_owned(),
        "sequence" | "a sequence" => "a list".to_owned(),
        // An integer of more than 64 bits.
        other => other.trim_end_matches(" as i128").to_owned(),
    }
}

fn hint(key: &str, known: &[String]) -> Hint {
    if let Some((table, _)) = TABLES.iter().find(|(_, keys)| keys.contains(&key)) {
        return Hint::Table(table);
    }
    let by_distance = known.iter().map(|known| (strsim::damerau_levenshtein(key, known), known));
    match by_distance.min() {
        // A third of the letters may differ, and one more.
        Some((distance, nearest)) if distance <= 1 + nearest.len() / 3 => Hint::Nearest(nearest.clone()),
        _ => Hint::None,
    }
}

/// A key as TOML writes it, in quotes where it needs them.
pub fn toml_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { format!("{key:?}") }
}

/// The keys that lead to a place in the text, where a key or a value is.
fn find(table: &DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    for (key, value) in table {
        let here = || vec![key.get_ref().to_string()];
        if key.span() == *span {
            return Some(here());
        }
        if let DeValue::Table(inner) = value.get_ref()
            && let Some(mut keys) = find(inner, span)
        {
            keys.splice(..0, here());
            return Some(keys);
        }
        let whole = value.span();
        if whole.start <= span.start && span.end <= whole.end {
            return Some(here());
        }
    }
    None
}

fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = text.as_bytes().iter().take(span.map_or(0, |span| span.start));
    1 + before.filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// What serde says is known in a table.
    fn known(table: &str) -> Box<[String]> {
        let text = format!("[{table}]\nunknown = 1");
        match Config::parse(&text, Path::new("witapi.toml")) {
            Err(ConfigError::UnknownKey { known, .. }) => known,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_key_is_listed_under_its_table() {
        for (table, keys) in &TABLES[..5] {
            assert_eq!(*known(table), **keys);
        }
        let [(_, limits), .., (_, own)] = TABLES;
        let all: Vec<&str> = own.iter().chain(&["grants", "compatible"]).chain(limits).copied().collect();
        assert_eq!(*known("plugin.x"), *all);
    }
}
