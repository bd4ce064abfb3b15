//! What was expected against what was found, and how a test looks when the latter is right.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::placeholder::{self, Captured, REST, is_value, matches, name_of, name_of_text, pretty};

/// A place where an answer is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Such as `status`, `header location` or `body.items[2].title`.
    pub place: String,
    /// `None`: it should not be there.
    pub expected: Option<String>,
    /// `None`: it is not there.
    pub found: Option<String>,
}

/// All places in which two sequences of JSON values differ.
pub(super) fn compare(expected: &[Value], found: &[Value], values: &mut Captured) -> Vec<Difference> {
    let mut differences = vec![];
    match (expected, found) {
        ([expected], [found]) => value("body", expected, found, values, &mut differences),
        _ => items("body", expected, found, values, &mut differences),
    }
    differences
}

fn value(place: &str, expected: &Value, found: &Value, values: &mut Captured, differences: &mut Vec<Difference>) {
    let is_equal = match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => return members(place, expected, found, values, differences),
        (Value::Array(expected), Value::Array(found)) => return items(place, expected, found, values, differences),
        (expected, found) if name_of(expected).is_some() => {
            is_value(name_of(expected).unwrap_or_default(), found, values)
        }
        (Value::String(expected), Value::String(found)) => matches(expected, found, values),
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64(),
        (expected, found) => expected == found,
    };
    if !is_equal {
        let (expected, found) = (Some(shown(expected, values)), Some(pretty(found)));
        differences.push(Difference { place: place.to_owned(), expected, found });
    }
}

/// A expected value for people. Of a placeholder, what it stands for is said too.
fn shown(expected: &Value, values: &Captured) -> String {
    let text = pretty(expected);
    match name_of(expected).and_then(|name| values.get(name)) {
        Some(value) => format!("{text}, which is {value}"),
        None => text,
    }
}

fn members(
    place: &str,
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    values: &mut Captured,
    differences: &mut Vec<Difference>,
) {
    let is_open = expected.keys().any(|name| name_of_text(name) == Some(REST));
    for (name, expected) in expected.iter().filter(|(name, _)| name_of_text(name) != Some(REST)) {
        let place = format!("{place}.{name}");
        match found.get(name) {
            Some(found) => value(&place, expected, found, values, differences),
            None => differences.push(Difference { place, expected: Some(shown(expected, values)), found: None }),
        }
    }
    for (name, found) in found.iter().filter(|(name, _)| !is_open && !expected.contains_key(*name)) {
        differences.push(Difference { place: format!("{place}.{name}"), expected: None, found: Some(pretty(found)) });
    }
}

fn items(place: &str, expected: &[Value], found: &[Value], values: &mut Captured, differences: &mut Vec<Difference>) {
    let (expected, is_open) = closed(expected);
    for i in 0..expected.len().max(if is_open { 0 } else { found.len() }) {
        let place = format!("{place}[{i}]");
        match (expected.get(i), found.get(i)) {
            (Some(expected), Some(found)) => value(&place, expected, found, values, differences),
            (expected, found) => {
                let expected = expected.map(|expected| shown(expected, values));
                differences.push(Difference { place, expected, found: found.map(pretty) });
            }
        }
    }
}

/// The items without the placeholder for all others, and whether it was there.
fn closed(expected: &[Value]) -> (&[Value], bool) {
    match expected.split_last() {
        Some((last, rest)) if name_of(last) == Some(REST) => (rest, true),
        _ => (expected, false),
    }
}

/// What is to be expected from now on: as found, but as it was written where that fits.
pub(super) fn updated(expected: &Value, found: &Value, values: &Captured) -> Value {
    let mut differences = vec![];
    value("", expected, found, &mut values.clone(), &mut differences);
    if differences.is_empty() {
        return expected.clone();
    }
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let is_open = expected.keys().any(|name| name_of_text(name) == Some(REST));
            let known: HashSet<&String> = expected.keys().collect();
            // In the order of the test, and then what is new.
            let kept = expected.iter().filter_map(|(name, old)| match found.get(name) {
                Some(found) => Some((name.clone(), updated(old, found, values))),
                None => (name_of_text(name) == Some(REST)).then(|| (name.clone(), old.clone())),
            });
            let added = found.iter().filter(|(name, _)| !is_open && !known.contains(name));
            Value::Object(kept.chain(added.map(|(name, found)| (name.clone(), found.clone()))).collect())
        }
        (Value::Array(expected), Value::Array(found)) => {
            let (closed, is_open) = closed(expected);
            let count = if is_open { closed.len().min(found.len()) } else { found.len() };
            let item = |(i, found): (usize, &Value)| {
                closed.get(i).map_or_else(|| found.clone(), |expected| updated(expected, found, values))
            };
            let rest = if is_open { expected.last().cloned() } else { None };
            found.iter().take(count).enumerate().map(item).chain(rest).collect()
        }
        _ => found.clone(),
    }
}

/// A text against a text. Line breaks at the end count for nothing.
pub(super) fn compare_text(expected: &str, found: &str, values: &mut Captured) -> Option<Difference> {
    let end = ['\n', '\r'];
    let found = found.trim_end_matches(end);
    if matches(expected.trim_end_matches(end), found, values) {
        return None;
    }
    let expected = placeholder::filled_plain(expected, values).unwrap_or_else(|_| expected.to_owned());
    Some(Difference { place: "body".into(), expected: Some(expected), found: Some(found.to_owned()) })
}
