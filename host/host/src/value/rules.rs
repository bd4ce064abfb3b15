//! Whether a value keeps the rules of its documentation: for what comes in and for what goes out.

use std::{borrow::Cow, collections::HashSet};

use super::view::{Parts, Source, Unreadable, View};
use crate::contract::{
    Type,
    rules::{BrokenRule, Rules},
};

/// All that `value` breaks of `rules`. `text` is the value's own as it came or goes, which matters for numbers: a float
/// was rounded, and its text was not.
///
/// # Errors
///
/// It is no value of that type.
pub fn check<'r, 'v, S: Source<'v>>(
    rules: impl IntoIterator<Item = &'r Rules>,
    ty: &Type,
    value: S,
    text: &str,
) -> Result<Vec<BrokenRule>, Unreadable> {
    let mut broken = vec![];
    for rules in rules {
        match (ty.resolved(), value.view(ty)?) {
            // A rule on an option is about what is in it.
            (Type::Option(some), View::Option(Some(value))) => one(rules, some, value.view(some)?, text, &mut broken)?,
            (ty, view) => one(rules, ty, view, text, &mut broken)?,
        }
    }
    Ok(broken)
}

fn one<'v, S: Source<'v>>(
    rules: &Rules,
    ty: &Type,
    view: View<'v, S>,
    text: &str,
    broken: &mut Vec<BrokenRule>,
) -> Result<(), Unreadable> {
    match (ty.resolved(), view) {
        (_, View::Unsigned(_) | View::Signed(_) | View::F32(_) | View::F64(_)) => rules.check_number(text, broken),
        (_, View::Text(text)) => rules.check_string(&text, broken),
        (Type::List(item), View::List(count, mut items)) => {
            rules.check_items(count, broken);
            if !rules.unique_items {
                return Ok(());
            }
            let mut seen = HashSet::with_capacity(count);
            for i in 0..count {
                // Only lists of comparable scalars have the rule.
                if !seen.insert(key(item, items.next(item)?)?) {
                    broken.push(("unique", format!("expected unique items, found item {i} twice")));
                    break;
                }
            }
        }
        // A guest may hold a key twice; the object has it once.
        (Type::Map(key_type, value), View::List(count, mut entries)) => {
            let mut distinct = HashSet::with_capacity(count);
            for _ in 0..count {
                distinct.insert(key(key_type, entries.next(key_type)?)?);
                entries.next(value)?;
            }
            rules.check_members(distinct.len(), broken);
        }
        _ => {}
    }
    Ok(())
}

/// Bytes that two scalars of a type have in common exactly if they are equal.
fn key<'v, S: Source<'v>>(ty: &Type, item: S) -> Result<Cow<'v, [u8]>, Unreadable> {
    let bits = |bits: u64| Ok(bits.to_le_bytes().to_vec().into());
    match item.view(ty)? {
        View::Text(Cow::Borrowed(text)) => Ok(text.as_bytes().into()),
        View::Text(Cow::Owned(text)) => Ok(text.into_bytes().into()),
        View::Bytes(bytes) => Ok(bytes),
        View::Bool(value) => bits(value.into()),
        View::Unsigned(value) => bits(value),
        View::Signed(value) => bits(value as u64),
        View::F32(value) => bits(value.to_bits().into()),
        View::F64(value) => bits(value.to_bits()),
        View::Char(value) => bits(u32::from(value).into()),
        View::Case(case, _) => bits(case as u64),
        _ => Err(Unreadable::MISMATCH),
    }
}
