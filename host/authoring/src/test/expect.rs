//! What was wanted against what was found, and how a test looks when the latter is right.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::placeholder::{self, Captured, REST, is_value, matches, name_of, name_of_text, pretty};

/// A place where an answer is not as it was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Such as `status`, `header location` or `body.items[2].title`.
    pub place: String,
    /// `None`: it should not be there.
    pub wanted: Option<String>,
    /// `None`: it is not there.
    pub found: Option<String>,
}

/// All places in which two sequences of JSON values differ.
pub(super) fn compare(wanted: &[Value], found: &[Value], values: &mut Captured) -> Vec<Difference> {
    let mut differences = vec![];
    match (wanted, found) {
        ([wanted], [found]) => value("body", wanted, found, values, &mut differences),
        _ => items("body", wanted, found, values, &mut differences),
    }
    differences
}

fn value(place: &str, wanted: &Value, found: &Value, values: &mut Captured, differences: &mut Vec<Difference>) {
    let is_equal = match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => return members(place, wanted, found, values, differences),
        (Value::Array(wanted), Value::Array(found)) => return items(place, wanted, found, values, differences),
        (wanted, found) if name_of(wanted).is_some() => is_value(name_of(wanted).unwrap_or_default(), found, values),
        (Value::String(wanted), Value::String(found)) => matches(wanted, found, values),
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64(),
        (wanted, found) => wanted == found,
    };
    if !is_equal {
        let (wanted, found) = (Some(shown(wanted, values)), Some(pretty(found)));
        differences.push(Difference { place: place.to_owned(), wanted, found });
    }
}

/// A wanted value for people. Of a placeholder, what it stands for is said too.
fn shown(wanted: &Value, values: &Captured) -> String {
    let text = pretty(wanted);
    match name_of(wanted).and_then(|name| values.get(name)) {
        Some(value) => format!("{text}, which is {value}"),
        None => text,
    }
}

fn members(
    place: &str,
    wanted: &Map<String, Value>,
    found: &Map<String, Value>,
    values: &mut Captured,
    differences: &mut Vec<Difference>,
) {
    let is_open = wanted.keys().any(|name| name_of_text(name) == Some(REST));
    for (name, wanted) in wanted.iter().filter(|(name, _)| name_of_text(name) != Some(REST)) {
        let place = format!("{place}.{name}");
        match found.get(name) {
            Some(found) => value(&place, wanted, found, values, differences),
            None => differences.push(Difference { place, wanted: Some(shown(wanted, values)), found: None }),
        }
    }
    for (name, found) in found.iter().filter(|(name, _)| !is_open && !wanted.contains_key(*name)) {
        differences.push(Difference { place: format!("{place}.{name}"), wanted: None, found: Some(pretty(found)) });
    }
}

fn items(place: &str, wanted: &[Value], found: &[Value], values: &mut Captured, differences: &mut Vec<Difference>) {
    let (wanted, is_open) = closed(wanted);
    for i in 0..wanted.len().max(if is_open { 0 } else { found.len() }) {
        let place = format!("{place}[{i}]");
        match (wanted.get(i), found.get(i)) {
            (Some(wanted), Some(found)) => value(&place, wanted, found, values, differences),
            (wanted, found) => {
                let wanted = wanted.map(|wanted| shown(wanted, values));
                differences.push(Difference { place, wanted, found: found.map(pretty) });
            }
        }
    }
}

/// The items without the placeholder for all others, and whether it was there.
fn closed(wanted: &[Value]) -> (&[Value], bool) {
    match wanted.split_last() {
        Some((last, rest)) if name_of(last) == Some(REST) => (rest, true),
        _ => (wanted, false),
    }
}

/// What is to be wanted from now on: as found, but as it was written where that fits.
pub(super) fn updated(wanted: &Value, found: &Value, values: &Captured) -> Value {
    let mut differences = vec![];
    value("", wanted, found, &mut values.clone(), &mut differences);
    if differences.is_empty() {
        return wanted.clone();
    }
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            let is_open = wanted.keys().any(|name| name_of_text(name) == Some(REST));
            let known: HashSet<&String> = wanted.keys().collect();
            // In the order of the test, and then what is new.
            let kept = wanted.iter().filter_map(|(name, old)| match found.get(name) {
                Some(found) => Some((name.clone(), updated(old, found, values))),
                None => (name_of_text(name) == Some(REST)).then(|| (name.clone(), old.clone())),
            });
            let added = found.iter().filter(|(name, _)| !is_open && !known.contains(name));
            Value::Object(kept.chain(added.map(|(name, found)| (name.clone(), found.clone()))).collect())
        }
        (Value::Array(wanted), Value::Array(found)) => {
            let (closed, is_open) = closed(wanted);
            let count = if is_open { closed.len().min(found.len()) } else { found.len() };
            let item = |(i, found): (usize, &Value)| {
                closed.get(i).map_or_else(|| found.clone(), |wanted| updated(wanted, found, values))
            };
            let rest = if is_open { wanted.last().cloned() } else { None };
            found.iter().take(count).enumerate().map(item).chain(rest).collect()
        }
        _ => found.clone(),
    }
}

/// A text against a text. Line breaks at the end count for nothing.
pub(super) fn compare_text(wanted: &str, found: &str, values: &mut Captured) -> Option<Difference> {
    let end = ['\n', '\r'];
    let found = found.trim_end_matches(end);
    if matches(wanted.trim_end_matches(end), found, values) {
        return None;
    }
    let wanted = placeholder::filled_plain(wanted, values).unwrap_or_else(|_| wanted.to_owned());
    Some(Difference { place: "body".into(), wanted: Some(wanted), found: Some(found.to_owned()) })
}
