//! Rules of one place that all hold together, against those of its successor.

use std::cmp::Ordering;

use super::{
    super::{
        Scalar,
        number::{F32_MAX, F64_MAX, compare, integer, is_multiple},
        rules::{Bound, Rules},
    },
    ChangeKind, Report,
};

/// A bound and the keyword that it comes from; without one it is of the type.
#[derive(Debug, Clone, PartialEq)]
struct Limit {
    keyword: &'static str,
    /// As the author wrote it.
    text: String,
    number: String,
    is_exclusive: bool,
}

/// Which numbers are of a place, but for `@multipleOf`.
struct Interval {
    min: Limit,
    max: Limit,
}

impl Interval {
    fn of(scalar: Scalar, rules: &[&Rules]) -> Interval {
        let is_integer = scalar.integer_range().is_some();
        let (least, greatest) = match scalar {
            Scalar::F32 => (format!("-{F32_MAX}"), F32_MAX.to_owned()),
            _ => match scalar.integer_range() {
                Some((least, greatest)) => (least.to_string(), greatest.to_string()),
                None => (format!("-{F64_MAX}"), F64_MAX.to_owned()),
            },
        };
        let of_type = |number| Limit { keyword: "", text: String::new(), number, is_exclusive: false };
        let mut interval = Interval { min: of_type(least), max: of_type(greatest) };
        let limit = |keyword: &'static str, bound: &Bound, step: i128| {
            let (text, is_exclusive) = (bound.text(), step != 0);
            match integer(&text) {
                // Of integers, one that is excluded leaves the next one.
                Ok(number) if is_exclusive && is_integer => {
                    let number = number.saturating_add(step).to_string();
                    Limit { keyword, text, number, is_exclusive: false }
                }
                _ => Limit { keyword, number: text.clone(), text, is_exclusive },
            }
        };
        for rules in rules {
            let min = rules.minimum.iter().map(|bound| limit("@minimum", bound, 0));
            let above = rules.exclusive_minimum.iter().map(|bound| limit("@exclusiveMinimum", bound, 1));
            for min in min.chain(above) {
                if min.cmp_as_min(&interval.min) == Ordering::Greater {
                    interval.min = min;
                }
            }
            let max = rules.maximum.iter().map(|bound| limit("@maximum", bound, 0));
            let below = rules.exclusive_maximum.iter().map(|bound| limit("@exclusiveMaximum", bound, -1));
            for max in max.chain(below) {
                if max.cmp_as_max(&interval.max) == Ordering::Less {
                    interval.max = max;
                }
            }
        }
        interval
    }
}

impl Limit {
    /// The greater, the fewer numbers are above it.
    fn cmp_as_min(&self, other: &Limit) -> Ordering {
        compare(&self.number, &other.number).then(self.is_exclusive.cmp(&other.is_exclusive))
    }

    /// The less, the fewer numbers are below it.
    fn cmp_as_max(&self, other: &Limit) -> Ordering {
        compare(&self.number, &other.number).then(other.is_exclusive.cmp(&self.is_exclusive))
    }

    fn describe(&self) -> String {
        if self.keyword.is_empty() { "none".into() } else { format!("{} {}", self.keyword, self.text) }
    }

    /// Such as `@minimum 1 → 5`.
    fn to(&self, new: &Limit) -> String {
        match (self.keyword, new.keyword) {
            ("", _) => format!("{} is new", new.describe()),
            (_, "") => format!("{} is removed", self.describe()),
            (a, b) if a == b => format!("{} → {}", self.describe(), new.text),
            _ => format!("{} → {}", self.describe(), new.describe()),
        }
    }
}

/// `@multipleOf` of all rules.
fn units(rules: &[&Rules]) -> Vec<String> {
    rules.iter().filter_map(|rules| rules.multiple_of.as_ref()).map(Bound::text).collect()
}

fn strictest(rules: &[&Rules], of: impl Fn(&Rules) -> Option<u64>, better: fn(u64, u64) -> u64) -> Option<u64> {
    rules.iter().filter_map(|rules| of(rules)).reduce(better)
}

impl Report<'_> {
    /// Two numeric types with their rules.
    pub(super) fn numbers(&mut self, old: Scalar, old_rules: &[&Rules], new: Scalar, new_rules: &[&Rules]) {
        let (was, is) = (Interval::of(old, old_rules), Interval::of(new, new_rules));
        let (min, max) = (is.min.cmp_as_min(&was.min), is.max.cmp_as_max(&was.max));
        if old == new {
            if min != Ordering::Equal {
                self.bound(was.min.to(&is.min), "smaller numbers", min == Ordering::Greater);
            }
            if max != Ordering::Equal {
                self.bound(was.max.to(&is.max), "greater numbers", max == Ordering::Less);
            }
        } else {
            let is_integer = |scalar: Scalar| scalar.integer_range().is_some();
            let (mut lost, mut gained) = (vec![], vec![]);
            let all = [
                ("smaller numbers", min == Ordering::Greater, min == Ordering::Less),
                ("greater numbers", max == Ordering::Less, max == Ordering::Greater),
                ("fractions", !is_integer(old) && is_integer(new), is_integer(old) && !is_integer(new)),
            ];
            for (values, is_lost, is_gained) in all {
                lost.extend(is_lost.then_some(values));
                gained.extend(is_gained.then_some(values));
            }
            self.values(ChangeKind::Type, format!("{} → {}", old.name(), new.name()), &lost, &gained);
        }
        let (was, is) = (units(old_rules), units(new_rules));
        self.set(&was, &is, "@multipleOf", "other numbers", |unit, of| is_multiple(of, unit));
    }

    /// Rules of strings.
    pub(super) fn strings(&mut self, old: &[&Rules], new: &[&Rules]) {
        self.count(old, new, ["@minLength", "@maxLength"], ["shorter texts", "longer texts"], |it| {
            (it.min_length, it.max_length)
        });
        let patterns = |rules: &[&Rules]| -> Vec<String> {
            rules.iter().filter_map(|rules| Some(rules.pattern.as_ref()?.as_str().to_owned())).collect()
        };
        self.set(&patterns(old), &patterns(new), "@pattern", "other texts", |pattern, other| pattern == other);
        let formats = |rules: &[&Rules]| -> Vec<String> {
            rules.iter().filter_map(|rules| Some(rules.format?.name().to_owned())).collect()
        };
        self.set(&formats(old), &formats(new), "@format", "other texts", |format, other| format == other);
    }

    /// Rules of lists.
    pub(super) fn items(&mut self, old: &[&Rules], new: &[&Rules]) {
        self.count(old, new, ["@minItems", "@maxItems"], ["shorter lists", "longer lists"], |it| {
            (it.min_items, it.max_items)
        });
        let unique = |rules: &[&Rules]| rules.iter().any(|rules| rules.unique_items);
        match (unique(old), unique(new)) {
            (false, true) => self.bound("@uniqueItems is new".into(), "lists that repeat an item", true),
            (true, false) => self.bound("@uniqueItems is removed".into(), "lists that repeat an item", false),
            _ => {}
        }
    }

    /// Rules of maps.
    pub(super) fn members_of_map(&mut self, old: &[&Rules], new: &[&Rules]) {
        self.count(old, new, ["@minProperties", "@maxProperties"], ["smaller maps", "larger maps"], |it| {
            (it.min_properties, it.max_properties)
        });
    }

    fn count(
        &mut self,
        old: &[&Rules],
        new: &[&Rules],
        [min, max]: [&str; 2],
        [below, above]: [&str; 2],
        of: fn(&Rules) -> (Option<u64>, Option<u64>),
    ) {
        let least = |rules: &[&Rules]| strictest(rules, |it| of(it).0.filter(|&min| min > 0), u64::max);
        let most = |rules: &[&Rules]| strictest(rules, |it| of(it).1, u64::min);
        let what = |keyword: &str, old: Option<u64>, new: Option<u64>| match (old, new) {
            (Some(old), Some(new)) => format!("{keyword} {old} → {new}"),
            (None, Some(new)) => format!("{keyword} {new} is new"),
            (Some(old), None) => format!("{keyword} {old} is removed"),
            (None, None) => keyword.to_owned(),
        };
        let (was, is) = (least(old), least(new));
        if was != is {
            // `None` is less than any number.
            self.bound(what(min, was, is), below, is > was);
        }
        let (was, is) = (most(old), most(new));
        if was != is {
            self.bound(what(max, was, is), above, is.unwrap_or(u64::MAX) < was.unwrap_or(u64::MAX));
        }
    }

    /// Rules that hold or do not. `implies(a, b)`: whoever keeps b keeps a.
    fn set(&mut self, old: &[String], new: &[String], keyword: &str, values: &str, implies: fn(&str, &str) -> bool) {
        let is_implied = |rule: &String, by: &[String]| by.iter().any(|other| implies(rule, other));
        let added: Vec<_> = new.iter().filter(|rule| !is_implied(rule, old)).collect();
        let removed: Vec<_> = old.iter().filter(|rule| !is_implied(rule, new)).collect();
        match (removed.as_slice(), added.as_slice()) {
            ([old], [new]) => {
                self.values(ChangeKind::Rule, format!("{keyword} {old} → {new}"), &[values], &[values]);
            }
            (removed, added) => {
                removed.iter().for_each(|old| self.bound(format!("{keyword} {old} is removed"), values, false));
                added.iter().for_each(|new| self.bound(format!("{keyword} {new} is new"), values, true));
            }
        }
    }

    /// One rule that was tightened or loosened.
    fn bound(&mut self, what: String, values: &str, is_tighter: bool) {
        let (lost, gained): (&[&str], &[&str]) = if is_tighter { (&[values], &[]) } else { (&[], &[values]) };
        self.values(ChangeKind::Rule, what, lost, gained);
    }
}
