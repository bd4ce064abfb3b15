//! One word of text → a scalar value, for paths, queries and the strings and numbers of JSON alike.

use base64::{Engine, engine::general_purpose::STANDARD};
use wasmtime::component::Val;

use super::rules;
use crate::contract::{
    Case, Docs, Scalar, Shape, Type,
    number::{self, NotInteger},
    rules::{Broken, short},
};

/// A number in JSON's grammar as a value of the numeric type `scalar`.
pub fn from_number(scalar: Scalar, text: &str) -> Result<Val, Broken> {
    if let Some((min, max)) = scalar.integer_range() {
        let name = scalar.name();
        let less = || ("minimum", format!("{} is less than {min}, the minimum of {name}", quoted(text)));
        let greater = || ("maximum", format!("{} is greater than {max}, the maximum of {name}", quoted(text)));
        let value = match number::integer(text) {
            Ok(value) => value,
            Err(NotInteger::Fraction) => {
                return Err(("integer", format!("{} is not an integer ({name})", quoted(text))));
            }
            Err(NotInteger::Huge { negative: true }) => return Err(less()),
            Err(NotInteger::Huge { negative: false }) => return Err(greater()),
        };
        if value < min {
            return Err(less());
        }
        if value > max {
            return Err(greater());
        }
        // The range was just checked, so none of these casts cuts anything off.
        return Ok(match scalar {
            Scalar::U8 => Val::U8(value as u8),
            Scalar::U16 => Val::U16(value as u16),
            Scalar::U32 => Val::U32(value as u32),
            Scalar::U64 => Val::U64(value as u64),
            Scalar::S8 => Val::S8(value as i8),
            Scalar::S16 => Val::S16(value as i16),
            Scalar::S32 => Val::S32(value as i32),
            _ => Val::S64(value as i64),
        });
    }
    let name = scalar.name();
    let max = if scalar == Scalar::F32 { number::F32_MAX } else { number::F64_MAX };
    if number::exceeds(text, max) {
        return Err(match text.strip_prefix('-') {
            Some(_) => ("minimum", format!("{} is less than -{max}, the minimum of {name}", quoted(text))),
            None => ("maximum", format!("{} is greater than {max}, the maximum of {name}", quoted(text))),
        });
    }
    // Each from the text: a detour of f32 over f64 would round twice.
    let value = if scalar == Scalar::F32 { text.parse().map(Val::Float32) } else { text.parse().map(Val::Float64) };
    value.map_err(|_| ("type", format!("{} is not a number ({name})", quoted(text))))
}

/// A string as a value of a type that is a string in JSON; `None` if the type is none.
pub fn from_string(ty: &Type, text: &str) -> Option<Result<Val, Broken>> {
    Some(match ty.resolved() {
        Type::Scalar(Scalar::String) => Ok(Val::String(text.to_owned())),
        Type::Scalar(Scalar::Char) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Ok(Val::Char(only)),
                _ => Err((
                    "length",
                    format!("{} has {} characters, wanted exactly 1 (char)", quoted(text), text.chars().count()),
                )),
            }
        }
        Type::Bytes => STANDARD
            .decode(text)
            .map(|bytes| Val::List(bytes.into_iter().map(Val::U8).collect()))
            .map_err(|_| ("base64", format!("{} is not base64 with padding (RFC 4648, section 4)", quoted(text)))),
        Type::Named(named) => match &named.shape {
            Shape::Enum(cases) => case(cases, text).map(|case| Val::Enum(case.name.clone())),
            Shape::Variant(cases) if cases.iter().all(|case| case.ty.is_none()) => {
                case(cases, text).map(|case| Val::Variant(case.name.clone(), None))
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// One word of a path, a query or a header as a value of the type `ty`, a scalar or an option of one, that keeps its rules and those of `docs`.
///
/// # Errors
///
/// All that is wrong with it.
pub fn from_text(ty: &Type, docs: &Docs, text: &str) -> Result<Val, Vec<Broken>> {
    let value = match ty.resolved() {
        Type::Option(some) => Val::Option(Some(Box::new(from_text(some, &Docs::default(), text)?))),
        _ => typed(ty, text).map_err(|wrong| vec![wrong])?,
    };
    let broken = rules::check(docs.keywords.rules.as_deref().into_iter().chain(ty.rules()), &value, text);
    if broken.is_empty() { Ok(value) } else { Err(broken) }
}

fn typed(ty: &Type, text: &str) -> Result<Val, Broken> {
    match ty.resolved() {
        Type::Scalar(Scalar::Bool) => match text {
            "true" => Ok(Val::Bool(true)),
            "false" => Ok(Val::Bool(false)),
            _ => Err(("type", format!("{} is not a boolean, wanted `true` or `false`", quoted(text)))),
        },
        Type::Scalar(scalar) if !matches!(scalar, Scalar::String | Scalar::Char) => {
            if number::is_json_number(text) {
                from_number(*scalar, text)
            } else {
                let wanted = if scalar.integer_range().is_some() { "an integer" } else { "a number" };
                Err(("type", format!("{} is not {wanted} ({})", quoted(text), scalar.name())))
            }
        }
        _ => from_string(ty, text)
            .unwrap_or_else(|| Err(("type", format!("{} is no {}", quoted(text), ty.describe_name())))),
    }
}

/// Flags, put together one by one.
pub struct FlagSet<'c> {
    cases: &'c [Case],
    names: Vec<String>,
}

impl<'c> FlagSet<'c> {
    pub fn new(cases: &'c [Case]) -> Self {
        FlagSet { cases, names: vec![] }
    }

    /// Sets the flag of that name.
    pub fn add(&mut self, name: &str) -> Result<(), Broken> {
        let case = case(self.cases, name)?;
        if self.names.contains(&case.name) {
            return Err(("unique", format!("`{}` is there twice", case.name)));
        }
        self.names.push(case.name.clone());
        Ok(())
    }

    pub fn value(self) -> Val {
        Val::Flags(self.names)
    }
}

/// The case of that name.
pub fn case<'a>(cases: &'a [Case], name: &str) -> Result<&'a Case, Broken> {
    cases.iter().find(|case| case.name == name).ok_or_else(|| {
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        let nearest = nearest(name, &names).map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
        ("enum", format!("{} is none of {}{nearest}", quoted(name), listed(&names)))
    })
}

/// A client's text for a message, short and in quotes unless it is a number.
pub fn quoted(text: &str) -> String {
    if number::is_json_number(text) { short(text) } else { format!("`{}`", short(text)) }
}

/// The names that a message lists, at most 50 of them.
pub fn listed(names: &[&str]) -> String {
    let known = names.iter().take(50).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 50 { format!("{known}, …") } else { known }
}

/// The name that was probably meant, if one is near enough.
pub fn nearest<'n>(found: &str, names: &[&'n str]) -> Option<&'n str> {
    // No typing error is that long, and comparing costs the product of both lengths.
    if found.len() > 100 {
        return None;
    }
    let found = found.to_lowercase().replace(['-', '_'], "");
    let similarity = |name: &str| strsim::damerau_levenshtein(&found, &name.to_lowercase().replace(['-', '_'], ""));
    let (distance, nearest) = names.iter().take(200).map(|name| (similarity(name), *name)).min()?;
    // One in three characters may be wrong, but not all there are.
    let length = found.chars().count();
    (distance * 3 <= length.max(3) && distance < length).then_some(nearest)
}
