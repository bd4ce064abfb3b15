//! What an author demands of a value beyond its type: `@minimum`, `@pattern` and the like. They mean what JSON Schema
//! 2020-12, Validation, sections 6 and 7 says; `value` enforces them and `schema` prints them, both from here.

use std::cmp::Ordering;

use serde_json::Number;

use crate::{Scalar, Type, format::Format, number, pattern::TextPattern, schema};

/// What a value breaks: a stable word, and what was found and expected.
pub type BrokenRule = (&'static str, String);

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
    pub pattern: Option<TextPattern>,
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

    /// As documents have it: the same digits.
    pub fn number(&self) -> utoipa::Number {
        let int = self.0.as_i64().and_then(|n| isize::try_from(n).ok()).map(utoipa::Number::Int);
        let uint = || self.0.as_u64().and_then(|n| usize::try_from(n).ok()).map(utoipa::Number::UInt);
        int.or_else(uint).unwrap_or_else(|| utoipa::Number::Float(self.0.as_f64().unwrap_or_default()))
    }

    /// How it compares with the number in `text`.
    fn compare(&self, text: &str) -> Ordering {
        number::compare(&self.text(), text)
    }
}

impl Domain {
    /// What values of that type are, if any rule is about them. A rule on an option is about what is in it.
    pub fn of(ty: &Type) -> Option<Domain> {
        Some(match ty.in_option() {
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
    pub fn check_number(&self, text: &str, broken: &mut Vec<BrokenRule>) {
        let found = || short(text);
        if let Some(min) = self.minimum.as_ref().filter(|min| min.compare(text) == Ordering::Greater) {
            broken.push(("minimum", format!("{} is less than {}, the minimum", found(), min.text())));
        }
        if let Some(max) = self.maximum.as_ref().filter(|max| max.compare(text) == Ordering::Less) {
            broken.push(("maximum", format!("{} is greater than {}, the maximum", found(), max.text())));
        }
        if let Some(min) = self.exclusive_minimum.as_ref().filter(|min| min.compare(text) != Ordering::Less) {
            broken.push((
                "exclusive_minimum",
                format!("{} is not greater than {}, the exclusive minimum", found(), min.text()),
            ));
        }
        if let Some(max) = self.exclusive_maximum.as_ref().filter(|max| max.compare(text) != Ordering::Greater) {
            broken.push((
                "exclusive_maximum",
                format!("{} is not less than {}, the exclusive maximum", found(), max.text()),
            ));
        }
        if let Some(unit) = self.multiple_of.as_ref().filter(|unit| !number::is_multiple(text, &unit.text())) {
            broken.push(("multiple_of", format!("{} is not a multiple of {}", found(), unit.text())));
        }
    }

    /// All that the string `text` breaks.
    pub fn check_string(&self, text: &str, broken: &mut Vec<BrokenRule>) {
        let mut is_too_long = false;
        if self.min_length.is_some() || self.max_length.is_some() {
            let length = text.chars().count() as u64;
            check_count(length, "character", self.min_length, self.max_length, ["min_length", "max_length"], broken);
            is_too_long = self.max_length.is_some_and(|max| length > max);
        }
        // Some patterns are for texts of bounded length only.
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !is_too_long && !pattern.is_match(text)) {
            broken.push(("pattern", format!("`{}` does not match the pattern `{}`", short(text), pattern.as_str())));
        }
        if let Some(format) = self.format.filter(|format| !format.accepts(text)) {
            broken.push(("format", format!("`{}` is not {}", short(text), format.describe())));
        }
    }

    /// All that a list of `count` items breaks; whether they are unique is another check, since only some know the items.
    pub fn check_items(&self, count: usize, broken: &mut Vec<BrokenRule>) {
        check_count(count as u64, "item", self.min_items, self.max_items, ["min_items", "max_items"], broken);
    }

    /// All that a map of `count` members breaks.
    pub fn check_members(&self, count: usize, broken: &mut Vec<BrokenRule>) {
        let kinds = ["min_properties", "max_properties"];
        check_count(count as u64, "member", self.min_properties, self.max_properties, kinds, broken);
    }

    /// Whether an absent list of a query, which is an empty one, breaks a rule.
    pub fn refuse_empty(&self) -> bool {
        self.min_items.is_some_and(|min| min > 0)
    }

    /// The names of those that are there, as JSON Schema has them.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [
            ("minimum", self.minimum.is_some()),
            ("maximum", self.maximum.is_some()),
            ("exclusiveMinimum", self.exclusive_minimum.is_some()),
            ("exclusiveMaximum", self.exclusive_maximum.is_some()),
            ("multipleOf", self.multiple_of.is_some()),
            ("minLength", self.min_length.is_some()),
            ("maxLength", self.max_length.is_some()),
            ("pattern", self.pattern.is_some()),
            ("format", self.format.is_some()),
            ("minItems", self.min_items.is_some()),
            ("maxItems", self.max_items.is_some()),
            ("uniqueItems", self.unique_items),
            ("minProperties", self.min_properties.is_some()),
            ("maxProperties", self.max_properties.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_there)| is_there.then_some(name))
    }
}

fn check_count(
    count: u64,
    unit: &str,
    min: Option<u64>,
    max: Option<u64>,
    [too_few, too_many]: [&'static str; 2],
    broken: &mut Vec<BrokenRule>,
) {
    let counted = |count: u64| if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") };
    if let Some(min) = min.filter(|min| count < *min) {
        broken.push((too_few, format!("expected at least {}, found {count}", counted(min))));
    }
    if let Some(max) = max.filter(|max| count > *max) {
        broken.push((too_many, format!("expected at most {}, found {count}", counted(max))));
    }
}

/// The longest piece of a client's value that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// A client's text for a message, cut to a bearable length.
pub fn short(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
