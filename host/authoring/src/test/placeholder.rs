//! `{{name}}` in a test's text: a value that an earlier answer had, or that this one shall give.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

/// What answers have given so far, by name.
pub(super) type Captured = BTreeMap<String, Value>;

/// Anything, which nobody asks for later.
const ANYTHING: &str = "_";

/// Whatever else there is: members of an object, items of a list.
pub(super) const REST: &str = "...";

/// Stands before a placeholder's name in a string of JSON, for one that is a whole value: nobody means that character.
const MARK: char = '\0';

static PLACEHOLDER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*|\.\.\.)\s*\}\}").ok());

/// A piece of a text.
enum Piece<'t> {
    Text(&'t str),
    Name(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let mut at = 0;
    for found in PLACEHOLDER.iter().flat_map(|it| it.captures_iter(text)) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { continue };
        pieces.push(Piece::Text(&text[at..whole.start()]));
        pieces.push(Piece::Name(name.as_str()));
        at = whole.end();
    }
    pieces.push(Piece::Text(&text[at..]));
    pieces
}

/// A value as text: a string is itself, all else its JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The text with a value for each placeholder, written by `write`, which is told what is before it.
///
/// # Errors
///
/// The name of one that has no value.
pub(super) fn filled(text: &str, values: &Captured, write: impl Fn(&Value, &str) -> String) -> Result<String, String> {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Name(name) => {
                let value = values.get(name).ok_or_else(|| name.to_owned())?;
                let written = write(value, &out);
                out.push_str(&written);
            }
        }
    }
    Ok(out)
}

/// As [`filled`], each value as its text.
///
/// # Errors
///
/// The name of one that has no value.
pub(super) fn filled_plain(text: &str, values: &Captured) -> Result<String, String> {
    filled(text, values, |value, _| plain(value))
}

/// As [`filled`], in a text that is JSON: within a string as a part of it, else as JSON.
///
/// # Errors
///
/// The name of one that has no value.
pub(super) fn filled_json(text: &str, values: &Captured) -> Result<String, String> {
    filled(text, values, |value, before| {
        if is_in_string(before) {
            let quoted = Value::from(plain(value)).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        } else {
            value.to_string()
        }
    })
}

fn is_in_string(before: &str) -> bool {
    let mut quotes = Quotes::default();
    before.bytes().for_each(|byte| quotes.pass(byte));
    quotes.are_open
}

/// Whether a place in JSON is within a string.
#[derive(Default)]
struct Quotes {
    are_open: bool,
    is_escaped: bool,
}

impl Quotes {
    fn pass(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.are_open => self.is_escaped = true,
            b'"' => self.are_open = !self.are_open,
            _ => {}
        }
    }
}

/// Whether `found` is what `expected` says. What it gives is kept.
pub(super) fn matches(expected: &str, found: &str, values: &mut Captured) -> bool {
    let mut pattern = String::from("(?s)^");
    let mut names = vec![];
    for piece in pieces(expected) {
        match piece {
            Piece::Text(text) => pattern.push_str(&regex::escape(text)),
            Piece::Name(name) => match values.get(name) {
                Some(value) => pattern.push_str(&regex::escape(&plain(value))),
                None => {
                    names.push(name);
                    pattern.push_str("(.*?)");
                }
            },
        }
    }
    pattern.push('$');
    if names.is_empty() {
        // Nothing is open: equal or not. (A pattern of a large text would be refused.)
        return filled_plain(expected, values).is_ok_and(|expected| expected == found);
    }
    let Some(captured) = Regex::new(&pattern).ok().and_then(|pattern| pattern.captures(found)) else { return false };
    for (i, name) in names.into_iter().enumerate().filter(|(_, name)| ![ANYTHING, REST].contains(name)) {
        let value = Value::from(captured.get(i + 1).map_or("", |it| it.as_str()));
        if values.get(name).is_some_and(|earlier| *earlier != value) {
            return false;
        }
        values.insert(name.to_owned(), value);
    }
    true
}

/// Whether a value is what the placeholder of that name stands for. A new one is kept.
pub(super) fn is_value(name: &str, found: &Value, values: &mut Captured) -> bool {
    if name == ANYTHING {
        return true;
    }
    match values.get(name) {
        // What was taken from a header or a part of a text is a text.
        Some(known) => known == found || plain(known) == plain(found),
        None => {
            values.insert(name.to_owned(), found.clone());
            true
        }
    }
}

/// The name of the placeholder that is this whole value.
pub(super) fn name_of(value: &Value) -> Option<&str> {
    value.as_str().and_then(name_of_text)
}

/// The same of a member's name.
pub(super) fn name_of_text(text: &str) -> Option<&str> {
    text.strip_prefix(MARK)
}

/// A text of JSON values, one after the other, in which whole values may be placeholders.
///
/// # Errors
///
/// It is no JSON.
pub(super) fn parse_json(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    let marked = marked(text);
    serde_json::Deserializer::from_str(&marked).into_iter().collect()
}

/// The text with a string for each placeholder that stands where JSON wants a value or a member.
fn marked(text: &str) -> String {
    let mut out = String::new();
    let mut containers = vec![];
    let mut quotes = Quotes::default();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => {
                for byte in text.bytes() {
                    match byte {
                        b'{' | b'[' if !quotes.are_open => containers.push(byte),
                        b'}' | b']' if !quotes.are_open => drop(containers.pop()),
                        _ => {}
                    }
                    quotes.pass(byte);
                }
                out.push_str(text);
            }
            Piece::Name(name) if quotes.are_open => out.push_str(&format!("{{{{{name}}}}}")),
            Piece::Name(name) => {
                let is_member = name == REST && containers.last() == Some(&b'{');
                out.push_str(&format!("\"\\u0000{name}\"{}", if is_member { ":null" } else { "" }));
            }
        }
    }
    out
}

/// A value as it stands in a test: small ones on one line, placeholders as they are written.
pub(super) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

/// Columns that a value on one line may take.
const WIDTH: usize = 100;

fn write(value: &Value, indent: usize, out: &mut String) {
    let compact = compact(value);
    let is_empty = compact.len() == 2;
    let members: Vec<(Option<&str>, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (Some(name.as_str()), value)).collect(),
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        _ => return out.push_str(&compact),
    };
    if is_empty || indent + compact.len() <= WIDTH {
        return out.push_str(&compact);
    }
    let [open, close] = if value.is_object() { ['{', '}'] } else { ['[', ']'] };
    out.push(open);
    for (i, (name, value)) in members.iter().enumerate() {
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        out.push_str(&" ".repeat(indent + 2));
        match name {
            Some(name) if name_of_text(name).is_some() => out.push_str(&spelt(name)),
            Some(name) => {
                out.push_str(&format!("{}: ", spelt(name)));
                write(value, indent + 2, out);
            }
            None => write(value, indent + 2, out),
        }
    }
    out.push_str(&format!("\n{}{close}", " ".repeat(indent)));
}

fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => spelt(text),
        Value::Array(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| match name_of_text(name) {
                Some(_) => spelt(name),
                None => format!("{}: {}", spelt(name), compact(value)),
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A string as JSON, a marked one as the placeholder that it is.
fn spelt(text: &str) -> String {
    match name_of_text(text) {
        Some(name) => format!("{{{{{name}}}}}"),
        None => Value::from(text).to_string(),
    }
}
