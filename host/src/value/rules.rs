//! Whether a value keeps the rules of its documentation: for what comes in and for what goes out.

use std::{borrow::Cow, collections::HashSet};

use wasmtime::component::Val;

use crate::contract::rules::{Broken, Rules};

/// All that `value` breaks of `rules`. `text` is the value's own as it came or goes, which matters for numbers: a float
/// was rounded, and its text was not.
pub fn check<'r>(rules: impl IntoIterator<Item = &'r Rules>, value: &Val, text: &str) -> Vec<Broken> {
    let mut broken = vec![];
    for rules in rules {
        match value {
            // A rule on an option is about what is in it.
            Val::Option(Some(value)) => one(rules, value, text, &mut broken),
            value => one(rules, value, text, &mut broken),
        }
    }
    broken
}

fn one(rules: &Rules, value: &Val, text: &str, broken: &mut Vec<Broken>) {
    match value {
        Val::U8(_)
        | Val::U16(_)
        | Val::U32(_)
        | Val::U64(_)
        | Val::S8(_)
        | Val::S16(_)
        | Val::S32(_)
        | Val::S64(_)
        | Val::Float32(_)
        | Val::Float64(_) => rules.check_number(text, broken),
        Val::String(text) => rules.check_string(text, broken),
        Val::List(items) => {
            rules.check_items(items.len(), broken);
            if rules.unique_items
                && let Some(repeated) = first_repeated(items)
            {
                broken.push(("unique", format!("item {repeated} is there twice, wanted each once")));
            }
        }
        // A guest may hold a key twice; the object has it once.
        Val::Map(entries) => {
            let distinct: HashSet<_> = entries.iter().map(|(name, _)| key(name)).collect();
            rules.check_members(distinct.len(), broken);
        }
        _ => {}
    }
}

/// The first item that was there before. Only lists of comparable scalars have the rule.
fn first_repeated(items: &[Val]) -> Option<usize> {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().position(|item| !seen.insert(key(item)))
}

/// A text that two scalars have in common exactly if they are equal.
fn key(item: &Val) -> Cow<'_, str> {
    match item {
        Val::String(text) | Val::Enum(text) | Val::Variant(text, _) => text.into(),
        Val::Char(char) => char.to_string().into(),
        Val::List(bytes) => {
            let char = |byte: &Val| if let Val::U8(byte) = byte { char::from(*byte) } else { '\0' };
            bytes.iter().map(char).collect::<String>().into()
        }
        other => format!("{other:?}").into(),
    }
}
