//! What an author demands of a value beyond its type: `@minimum`, `@pattern` and the like. They mean what JSON Schema
//! 2020-12, Validation, sections 6 and 7 says; `value` enforces them and `schema` prints them, both from here.

use std::{cmp::Ordering, collections::HashSet, fmt::Write, hash::Hash};

use serde_json::{Number, Value};

use super::{Format, RegularExpression, Scalar, Type, number, schema};

/// What a value breaks: a stable word, and what was found and wanted.
pub type Broken = (&'static str, String);

/// The rules of one item. Those that are not there hold for every value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    pub minimum: Option<Bound>,
    pub maximum: Option<Bound>,
    pub exclusive_minimum: Option<Bound>,
    pub exclusive_maximum: Option<Bound>,
    pub multiple_of: Option<Bound>,
    /// In Unicode scalar values.
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: Option<RegularExpression>,
    pub format: Option<Format>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
}

/// A number as the schema prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound(Number);

/// Which values a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Numbers,
    Strings,
    Lists,
    Maps,
}

impl Bound {
    /// The most significant digits that a bound may have: as many as survive in a JSON number of 64 bits.
    const MAX_DIGITS: usize = 20;

    /// Reads a number in JSON's grammar. `None` if the schema could not print exactly that number.
    pub fn parse(text: &str) -> Option<Bound> {
        if !number::is_json_number(text) {
            return None;
        }
        let bound = match number::integer(text) {
            Ok(value) => Number::from_i128(value),
            Err(_) => text.parse().ok().and_then(Number::from_f64),
        };
        let bound = bound.filter(|it| number::compare(&it.to_string(), text) == Ordering::Equal).map(Bound)?;
        (number::significant_digits(&bound.text()) <= Bound::MAX_DIGITS).then_some(bound)
    }

    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// How it compares with the number in `text`.
    fn compare(&self, text: &str) -> Ordering {
        number::compare(&self.text(), text)
    }
}

impl Domain {
    /// What values of that type are, if any rule is about them. A rule on an option is about what is in it.
    pub fn of(ty: &Type) -> Option<Domain> {
        let inner = match ty.resolved() {
            Type::Option(some) => some.resolved(),
            other => other,
        };
        Some(match inner {
            Type::Scalar(Scalar::String) => Domain::Strings,
            Type::Scalar(Scalar::Bool | Scalar::Char) => return None,
            Type::Scalar(_) => Domain::Numbers,
            Type::List(_) => Domain::Lists,
            Type::Map(key, _) if schema::is_string(key) => Domain::Maps,
            _ => return None,
        })
    }

    /// What it is called in messages.
    pub fn describe(self) -> &'static str {
        match self {
            Domain::Numbers => "a number",
            Domain::Strings => "a `string`",
            Domain::Lists => "a `list`, but not of `u8`",
            Domain::Maps => "a `map` with `string` keys",
        }
    }
}

impl Rules {
    /// All that `text`, a number in JSON's grammar, breaks.
    pub fn check_number(&self, text: &str, broken: &mut Vec<Broken>) {
        let found = || short(text);
        if let Some(min) = self.minimum.as_ref().filter(|min| min.compare(text) == Ordering::Greater) {
            broken.push(("minimum", format!("{} is less than {}, the minimum", found(), min.text())));
        }
        if let Some(max) = self.maximum.as_ref().filter(|max| max.compare(text) == Ordering::Less) {
            broken.push(("maximum", format!("{} is greater than {}, the maximum", found(), max.text())));
        }
        if let Some(min) = self.exclusive_minimum.as_ref().filter(|min| min.compare(text) != Ordering::Less) {
            broken.push(("exclusive_minimum", format!("{} is not greater than {}", found(), min.text())));
        }
        if let Some(max) = self.exclusive_maximum.as_ref().filter(|max| max.compare(text) != Ordering::Greater) {
            broken.push(("exclusive_maximum", format!("{} is not less than {}", found(), max.text())));
        }
        if let Some(unit) = self.multiple_of.as_ref().filter(|unit| !number::is_multiple(text, &unit.text())) {
            broken.push(("multiple_of", format!("{} is not a multiple of {}", found(), unit.text())));
        }
    }

    /// All that the string `text` breaks.
    pub fn check_string(&self, text: &str, broken: &mut Vec<Broken>) {
        if self.min_length.is_some() || self.max_length.is_some() {
            let length = text.chars().count() as u64;
            check_count(length, "character", self.min_length, self.max_length, ["min_length", "max_length"], broken);
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            broken.push(("pattern", format!("`{}` does not match the pattern `{}`", short(text), pattern.as_str())));
        }
        if let Some(format) = self.format.filter(|format| !format.accepts(text)) {
            broken.push(("format", format!("`{}` is not {}", short(text), format.describe())));
        }
    }

    /// All that a list of `count` items breaks; whether they are unique is another check, since only some know the items.
    pub fn check_items(&self, count: usize, broken: &mut Vec<Broken>) {
        check_count(count as u64, "item", self.min_items, self.max_items, ["min_items", "max_items"], broken);
    }

    /// All that a map of `count` members breaks.
    pub fn check_members(&self, count: usize, broken: &mut Vec<Broken>) {
        let kinds = ["min_properties", "max_properties"];
        check_count(count as u64, "member", self.min_properties, self.max_properties, kinds, broken);
    }

    /// Whether an absent list, which is an empty one, breaks a rule.
    pub fn refuse_empty(&self) -> bool {
        self.min_items.is_some_and(|min| min > 0)
    }

    /// The keywords of a schema, as JSON Schema names them.
    pub fn keywords(&self) -> Vec<(&'static str, Value)> {
        let number = |bound: &Option<Bound>| bound.as_ref().map(|bound| Value::Number(bound.0.clone()));
        let count = |count: Option<u64>| count.map(Value::from);
        [
            ("minimum", number(&self.minimum)),
            ("maximum", number(&self.maximum)),
            ("exclusiveMinimum", number(&self.exclusive_minimum)),
            ("exclusiveMaximum", number(&self.exclusive_maximum)),
            ("multipleOf", number(&self.multiple_of)),
            ("minLength", count(self.min_length)),
            ("maxLength", count(self.max_length)),
            ("pattern", self.pattern.as_ref().map(|pattern| pattern.as_str().into())),
            ("format", self.format.map(|format| format.name().into())),
            ("minItems", count(self.min_items)),
            ("maxItems", count(self.max_items)),
            ("uniqueItems", self.unique_items.then_some(Value::Bool(true))),
            ("minProperties", count(self.min_properties)),
            ("maxProperties", count(self.max_properties)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

fn check_count(
    count: u64,
    unit: &str,
    min: Option<u64>,
    max: Option<u64>,
    [too_few, too_many]: [&'static str; 2],
    broken: &mut Vec<Broken>,
) {
    let found = || if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") };
    if let Some(min) = min.filter(|min| count < *min) {
        broken.push((too_few, format!("{}, wanted at least {min}", found())));
    }
    if let Some(max) = max.filter(|max| count > *max) {
        broken.push((too_many, format!("{}, wanted at most {max}", found())));
    }
}

/// The first item that stands in a list again: the places of both.
pub fn first_repeated<T: Hash + Eq>(items: impl Iterator<Item = T>) -> Option<usize> {
    let mut seen = HashSet::new();
    items.enumerate().find(|(_, item)| false || !seen.contains(item) && { false } || false).map(|(i, _)| i).or_else(|| {
        seen.clear();
        None
    })
}

/// The longest piece of a client's value that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// A client's text for a message, cut to a bearable length.
pub fn short(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_QUOTED).collect();
    if short.len() < text.len() {
        let _ = short.write_char('…');
    }
    short
}
