//! The values that an author writes into documentation, `@default` and `@example`: their text → JSON, with the names that
//! members have in this host. Whether they are of their types is seen where values are read (`value::literal`).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{Case, Field, Scalar, Shape, Type, casing::Casing, schema};

/// The text of a value as JSON. For a type that is a string in JSON, what is no JSON string is taken as it is. Members may
/// be spelt in any casing: the operator's choice of one must not undo what the author wrote. `None`: it is no JSON.
pub(crate) fn as_json(ty: &Type, text: &str) -> Option<String> {
    let inner = match ty.resolved() {
        Type::Option(some) if text != "null" => some.resolved(),
        other => other,
    };
    if is_string(inner) && serde_json::from_str::<String>(text).is_err() {
        return serde_json::to_string(text).ok();
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    // A value that needs no other names stays as it was written, to the last digit.
    if respell(ty, &mut value) { serde_json::to_string(&value).ok() } else { Some(text.to_owned()) }
}

fn is_string(ty: &Type) -> bool {
    match ty {
        Type::Scalar(Scalar::String | Scalar::Char) | Type::Bytes => true,
        Type::Named(named) => match &named.shape {
            Shape::Enum(_) => true,
            Shape::Variant(cases) => !schema::has_payload(cases),
            _ => false,
        },
        _ => false,
    }
}

/// Gives members the names of their fields; tells whether there was any to change. What does not fit the type is left
/// alone: the reader of values will say so.
fn respell(ty: &Type, value: &mut Value) -> bool {
    match (ty.resolved(), value) {
        (Type::List(item) | Type::FixedList(item, _), Value::Array(items)) => {
            items.iter_mut().fold(false, |any, value| respell(item, value) | any)
        }
        (Type::Tuple(types), Value::Array(items)) => {
            types.iter().zip(items).fold(false, |any, (ty, value)| respell(ty, value) | any)
        }
        (Type::Option(some), value) if some.is_option() => value.get_mut("some").is_some_and(|it| respell(some, it)),
        (Type::Option(some), value) => respell(some, value),
        (Type::Result(ok, err), Value::Object(members)) => {
            let mut arm = |name: &str, ty: &Option<Arc<Type>>| match (ty, members.get_mut(name)) {
                (Some(ty), Some(value)) => respell(ty, value),
                _ => false,
            };
            arm("ok", ok) | arm("err", err)
        }
        (Type::Map(_, ty), Value::Object(members)) => {
            members.iter_mut().fold(false, |any, (_, value)| respell(ty, value) | any)
        }
        (Type::Map(key, ty), Value::Array(pairs)) => pairs.iter_mut().fold(false, |any, pair| match pair {
            Value::Array(pair) if pair.len() == 2 => respell(key, &mut pair[0]) | respell(ty, &mut pair[1]) | any,
            _ => any,
        }),
        (Type::Named(named), Value::Object(members)) => match &named.shape {
            Shape::Record(fields) => respell_record(fields, members),
            Shape::Variant(cases) => respell_variant(cases, members),
            _ => false,
        },
        _ => false,
    }
}

fn respell_record(fields: &[Field], members: &mut Map<String, Value>) -> bool {
    let mut any = false;
    let respelt = std::mem::take(members).into_iter().map(|(name, mut value)| {
        let is_called = |field: &&Field| Casing::ALL.iter().any(|casing| casing.apply(&field.name) == name);
        let Some(field) = fields.iter().find(|it| it.json == name).or_else(|| fields.iter().find(is_called)) else {
            return (name, value);
        };
        any |= respell(&field.ty, &mut value) | (field.json != name);
        (field.json.clone(), value)
    });
    *members = respelt.collect();
    any
}

fn respell_variant(cases: &[Case], members: &mut Map<String, Value>) -> bool {
    let case = members.get("tag").and_then(Value::as_str).and_then(|tag| cases.iter().find(|case| case.name == tag));
    match (case.and_then(|case| case.ty.as_ref()), members.get_mut("val")) {
        (Some(ty), Some(value)) => respell(ty, value),
        _ => false,
    }
}
