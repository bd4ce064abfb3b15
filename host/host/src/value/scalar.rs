//! One word of text → a scalar value, for paths, queries and the strings and numbers of JSON alike.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Image, rules};
use crate::contract::{
    Case, Docs, Layout, Scalar, Shape, Type,
    number::{self, NotInteger},
    rules::{BrokenRule, short},
};

/// A number in JSON's grammar as a value of the numeric type `scalar`, at `at`.
pub fn from_number(scalar: Scalar, text: &str, image: &mut Image, at: usize) -> Result<(), BrokenRule> {
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
        // The range was just checked, so none of these casts cuts off more than copies of the sign.
        match scalar {
            Scalar::U8 | Scalar::S8 => image.put(at, (value as u8).to_le_bytes()),
            Scalar::U16 | Scalar::S16 => image.put(at, (value as u16).to_le_bytes()),
            Scalar::U32 | Scalar::S32 => image.put(at, (value as u32).to_le_bytes()),
            _ => image.put(at, (value as u64).to_le_bytes()),
        }
        return Ok(());
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
    let written = if scalar == Scalar::F32 {
        text.parse().map(|value: f32| image.put(at, value.to_le_bytes()))
    } else {
        text.parse().map(|value: f64| image.put(at, value.to_le_bytes()))
    };
    written.map_err(|_| ("type", format!("{} is not a number ({name})", quoted(text))))
}

/// A string as a value of a type that is a string in JSON, at `at`; `None` if the type is none.
pub fn from_string(ty: &Type, text: &str, image: &mut Image, at: usize) -> Option<Result<(), BrokenRule>> {
    Some(match ty.resolved() {
        Type::Scalar(Scalar::String) => {
            image.text(at, text);
            Ok(())
        }
        Type::Scalar(Scalar::Char) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => {
                    image.put(at, u32::from(only).to_le_bytes());
                    Ok(())
                }
                _ => Err((
                    "length",
                    format!("expected exactly 1 character, found {}: {}", text.chars().count(), quoted(text)),
                )),
            }
        }
        Type::Bytes => STANDARD.decode(text).map(|bytes| image.bytes(at, &bytes)).map_err(|_| {
            ("base64", format!("expected base64 with padding (RFC 4648, section 4), found {}", quoted(text)))
        }),
        Type::Named(named) => match &named.shape {
            Shape::Variant(cases) if cases.iter().any(|case| case.ty.is_some()) => return None,
            Shape::Enum(cases) | Shape::Variant(cases) => {
                case(cases, text).map(|(index, _)| image.case(at, cases.len(), index))
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// One word of a path, a query or a header as a value of the type `ty`, a scalar or an option of one, at `at`, that keeps
/// its rules and those of `docs`.
///
/// # Errors
///
/// All that is wrong with it.
pub fn from_text(ty: &Type, docs: &Docs, text: &str, image: &mut Image, at: usize) -> Result<(), Vec<BrokenRule>> {
    match ty.resolved() {
        Type::Option(some) => {
            let inner = image.some(at, ty);
            from_text(some, &Docs::default(), text, image, inner)?;
        }
        _ => typed(ty, text, image, at).map_err(|wrong| vec![wrong])?,
    }
    let mut rules = docs.keywords.rules.as_deref().into_iter().chain(ty.rules()).peekable();
    if rules.peek().is_none() {
        return Ok(());
    }
    // Where an image has no room for its values, none of them is used.
    let broken = image.look(at, ty, |value| rules::check(rules, ty, value, text)).and_then(Result::ok);
    broken.filter(|broken| !broken.is_empty()).map_or(Ok(()), Err)
}

fn typed(ty: &Type, text: &str, image: &mut Image, at: usize) -> Result<(), BrokenRule> {
    match ty.resolved() {
        Type::Scalar(Scalar::Bool) => {
            let value = match text {
                "true" => 1,
                "false" => 0,
                _ => return Err(("type", format!("expected `true` or `false`, found {}", quoted(text)))),
            };
            image.put(at, [value]);
            Ok(())
        }
        Type::Scalar(scalar) if !matches!(scalar, Scalar::String | Scalar::Char) => {
            if number::is_json_number(text) {
                from_number(*scalar, text, image, at)
            } else {
                let expected = if scalar.integer_range().is_some() { "an integer" } else { "a number" };
                Err(("type", format!("expected {expected} ({}), found {}", scalar.name(), quoted(text))))
            }
        }
        _ => from_string(ty, text, image, at)
            .unwrap_or_else(|| Err(("type", format!("{} is no {}", quoted(text), ty.describe_name())))),
    }
}

/// Flags, put together one by one.
pub struct FlagSet<'c> {
    cases: &'c [Case],
    /// The flag of index `i` is bit `i`; there are 32 at most.
    set: u32,
}

impl<'c> FlagSet<'c> {
    pub fn new(cases: &'c [Case]) -> Self {
        FlagSet { cases, set: 0 }
    }

    /// Sets the flag of that name.
    pub fn add(&mut self, name: &str) -> Result<(), BrokenRule> {
        let (index, case) = case(self.cases, name)?;
        let bit = 1_u32.checked_shl(index as u32).unwrap_or_default();
        if self.set & bit != 0 {
            return Err(("unique", format!("`{}` is there twice", case.name)));
        }
        self.set |= bit;
        Ok(())
    }

    /// Writes them as the value of type `ty` at `at`.
    pub fn write(&self, ty: &Type, image: &mut Image, at: usize) {
        image.put_tag(at, Layout::of(ty).bytes(), self.set);
    }
}

/// The case of that name, with its index.
pub fn case<'a>(cases: &'a [Case], name: &str) -> Result<(usize, &'a Case), BrokenRule> {
    cases.iter().enumerate().find(|(_, case)| case.name == name).ok_or_else(|| {
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        let nearest = nearest(name, &names).map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
        ("enum", format!("expected one of {}, found {}{nearest}", listed(&names), quoted(name)))
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
