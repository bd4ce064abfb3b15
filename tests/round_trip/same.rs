//! Whether an answer is the value that was sent, in the one spelling that answers have.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::acceptance::{oracle::plain, types::Ty, values::Json};

/// Where the two are not the same, if they are not.
pub fn difference(ty: &Ty, sent: &Json, got: &Value) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: sent {}, got {got}", sent.write(false)));
    let check = |holds: bool| if holds { Ok(()) } else { wrong("not the same") };
    match (ty.resolved(), sent) {
        (ty, Json::String(text)) if ty.is_bytes() => check(got == text),
        (Ty::Scalar("bool"), Json::Bool(sent)) => check(got == sent),
        (Ty::Scalar("f32"), Json::Number(sent)) => {
            check(number(got)?.parse::<f32>().map(f32::to_bits) == sent.parse().map(f32::to_bits))
        }
        (Ty::Scalar("f64"), Json::Number(sent)) => {
            check(number(got)?.parse::<f64>().map(f64::to_bits) == sent.parse().map(f64::to_bits))
        }
        (Ty::Scalar(_), Json::Number(sent)) => check(Some(number(got)?) == plain(sent)),
        (Ty::Scalar(_) | Ty::Enum(..), Json::String(text)) => check(got == text),
        (Ty::Variant(..), Json::String(tag)) => check(got == tag),
        (Ty::List(item) | Ty::FixedList(item, _), Json::Array(sent)) => {
            let Some(got) = got.as_array().filter(|got| got.len() == sent.len()) else { return wrong("length") };
            sent.iter().zip(got).try_for_each(|(sent, got)| difference(item, sent, got))
        }
        (Ty::Tuple(items), Json::Array(sent)) => {
            let Some(got) = got.as_array().filter(|got| got.len() == items.len()) else { return wrong("length") };
            items.iter().zip(sent.iter().zip(got)).try_for_each(|(ty, (sent, got))| difference(ty, sent, got))
        }
        (Ty::Option(_), Json::Null) => check(got.is_null()),
        (Ty::Option(some), Json::Object(members)) if some.is_option() => difference(some, &members[0].1, &got["some"]),
        (Ty::Option(some), sent) => difference(some, sent, got),
        (Ty::Result(ok, err), Json::Object(members)) => {
            let (name, value) = &members[0];
            if got.as_object().is_none_or(|got| got.len() != 1 || !got.contains_key(name)) {
                return wrong("another arm");
            }
            match if name == "ok" { ok } else { err } {
                Some(ty) => difference(ty, value, &got[name]),
                None => check(got[name].is_null()),
            }
        }
        (Ty::Map("string", ty), Json::Object(members)) => {
            let Some(got) = got.as_object().filter(|got| got.len() == members.len()) else { return wrong("length") };
            members.iter().try_for_each(|(name, sent)| difference(ty, sent, got.get(name).unwrap_or(&Value::Null)))
        }
        (Ty::Map(key, ty), Json::Array(pairs)) => pairs_differ(&Ty::Scalar(key), ty, pairs, got),
        (Ty::Record(_, fields), Json::Object(members)) => {
            let names: Vec<_> = got.as_object().into_iter().flat_map(|got| got.keys().cloned()).collect();
            let expected: Vec<_> = fields.iter().map(|(name, _)| name.replace('-', "_").to_ascii_lowercase()).collect();
            if names != expected {
                return wrong("members");
            }
            fields.iter().zip(&expected).try_for_each(|((_, ty), name)| {
                let sent = members.iter().find(|(sent, _)| sent == name);
                difference(ty, sent.map_or(&Json::Null, |(_, value)| value), &got[name])
            })
        }
        (Ty::Variant(_, cases), Json::Object(members)) => {
            let member = |expected: &str| members.iter().find(|(name, _)| name == expected).map(|(_, value)| value);
            let Some(Json::String(tag)) = member("tag") else { return wrong("no tag") };
            let ty = cases.iter().find(|(name, _)| name == tag).and_then(|(_, ty)| ty.as_ref());
            let len = if ty.is_some() { 2 } else { 1 };
            if got["tag"] != *tag || got.as_object().is_none_or(|got| got.len() != len) {
                return wrong("another case");
            }
            ty.map_or(Ok(()), |ty| difference(ty, member("val").unwrap_or(&Json::Null), &got["val"]))
        }
        (Ty::Flags(_, cases), Json::Array(sent)) => {
            let is_set = |case: &&&str| sent.contains(&Json::String(String::from(**case)));
            check(*got == Value::from(cases.iter().filter(is_set).copied().collect::<Vec<_>>()))
        }
        _ => wrong("not of the type"),
    }
}

/// Guests keep the pairs of a map in the order that suits them, and of those with one key the last.
fn pairs_differ(key: &Ty, ty: &Ty, sent: &[Json], got: &Value) -> Result<(), String> {
    let name = |key: &Json| match key {
        Json::Number(number) => plain(number).unwrap_or_default(),
        other => other.write(false),
    };
    let sent: BTreeMap<_, _> = sent
        .iter()
        .filter_map(|pair| match pair {
            Json::Array(pair) => Some((name(&pair[0]), (&pair[0], &pair[1]))),
            _ => None,
        })
        .collect();
    let got_by_key: BTreeMap<_, _> =
        got.as_array().into_iter().flatten().map(|pair| (pair[0].to_string(), (&pair[0], &pair[1]))).collect();
    if got.as_array().map(Vec::len) != Some(sent.len()) || got_by_key.len() != sent.len() {
        return Err(format!("sent {} different keys, got {got}", sent.len()));
    }
    // Both are in the order of the keys' texts.
    sent.values().zip(got_by_key.values()).try_for_each(|(sent, got)| {
        difference(key, sent.0, got.0)?;
        difference(ty, sent.1, got.1)
    })
}

fn number(got: &Value) -> Result<String, String> {
    if got.is_number() { Ok(got.to_string()) } else { Err(format!("{got} is no number")) }
}

/// Whether all integers of 64 bits in it are numbers of JavaScript, less than 2^53 either way.
pub fn is_exact_in_javascript(ty: &Ty, value: &Json) -> bool {
    const MOST: i128 = (1 << 53) - 1;
    let all = |ty: &Ty, items: &[Json]| items.iter().all(|item| is_exact_in_javascript(ty, item));
    match (ty.resolved(), value) {
        (Ty::Scalar("u64" | "s64"), Json::Number(number)) => {
            plain(number).and_then(|it| it.parse().ok()).is_none_or(|it: i128| (-MOST..=MOST).contains(&it))
        }
        (Ty::List(item) | Ty::FixedList(item, _), Json::Array(items)) => all(item, items),
        (Ty::Tuple(types), Json::Array(items)) => {
            types.iter().zip(items).all(|(ty, item)| is_exact_in_javascript(ty, item))
        }
        (Ty::Map(key, ty), Json::Array(pairs)) => all(&Ty::Tuple(vec![Ty::Scalar(key), (**ty).clone()]), pairs),
        (Ty::Option(some), value) => is_exact_in_javascript(some, value),
        (Ty::Record(_, fields), Json::Object(members)) => fields.iter().all(|(field, ty)| {
            let field = field.replace('-', "_");
            let value = members.iter().find(|(name, _)| *name == field);
            value.is_none_or(|(_, value)| is_exact_in_javascript(ty, value))
        }),
        // No other type of the fixture has such an integer in it.
        _ => true,
    }
}
