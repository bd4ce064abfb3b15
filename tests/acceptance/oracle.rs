//! What the published schema says, by a validator that is not the host's.

use std::collections::BTreeMap;

use jsonschema::{Draft, Validator};
use serde_json::Value;

/// The schema with the components that it refers to.
pub fn compiled(document: &Value, schema: &Value) -> Validator {
    let mut root = schema.clone();
    root["components"] = document["components"].clone();
    spell_out_dots(&mut root);
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .unwrap_or_else(|error| panic!("{error} in {schema:#}"))
}

/// What the schema says of a text. Text that is no JSON is no value of any schema.
pub fn schema_accepts(validator: &Validator, text: &str) -> bool {
    serde_json::from_str(text).is_ok_and(|mut value| {
        spell_plainly(&mut value);
        validator.is_valid(&value)
    })
}

/// In ECMA-262 `.` is no line end. For the validator, jsonschema 0.60, only a line feed is one. The patterns of `keywords`
/// have the character at their beginning or not at all.
fn spell_out_dots(schema: &mut Value) {
    match schema {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::String(pattern) if name == "pattern" => {
                *pattern = pattern.replacen("^.", "^[^\\n\\r\\u2028\\u2029]", 1);
            }
            value => spell_out_dots(value),
        }),
        Value::Array(items) => items.iter_mut().for_each(spell_out_dots),
        _ => {}
    }
}

/// Spells numbers so that the validator, jsonschema 0.60, sees what they are. It is exact for plain integers, but
///
/// - takes `9223372036854775807.0` for more than `i64::MAX`, and `1797….5` of 309 digits for no more than `f64::MAX`;
/// - rounds a fraction to an `f64`, and so takes `-12.000000000000000000001` for a multiple of 3.
fn spell_plainly(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(plain) = plain(&number.to_string()) {
                *number = serde_json::Number::from_string_unchecked(plain);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_plainly),
        Value::Object(members) => members.values_mut().for_each(spell_plainly),
        _ => {}
    }
}

/// Digits behind the point that a keyword's number has at most, in `keywords`, and then some.
const DECIMALS: usize = 8;

/// `-120` of `-1.2e2`. A fraction is left as it is, but for two kinds. One that is so large that only its bounds matter is
/// the next integer, since such bounds are integers. One with more digits than an `f64` has is another between the same
/// two numbers of [`DECIMALS`] digits, where no bound and no multiple is.
pub fn plain(number: &str) -> Option<String> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".into());
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let zeros = exponent.parse::<i64>().ok()? - fraction.len() as i64 + trailing as i64;
    if (0..=400).contains(&zeros) {
        return Some(format!("{sign}{significant}{}", "0".repeat(zeros as usize)));
    }
    if zeros < -(DECIMALS as i64) {
        let decimals = usize::try_from(-zeros).ok().filter(|decimals| *decimals < 1_000).unwrap_or(1_000);
        let padded = format!("{}{significant}", "0".repeat((decimals + 1).saturating_sub(significant.len())));
        let (whole, fraction) = padded.split_at(padded.len() - decimals);
        if whole.len() <= 6 {
            return Some(format!("{sign}{whole}.{}5", &fraction[..DECIMALS]));
        }
    }
    let len =
        usize::try_from(significant.len() as i64 + zeros).ok().filter(|len| (30..significant.len()).contains(len))?;
    let (rest, last) = significant[..len].split_at(len - 1);
    // No bound ends in 9, so it makes no difference there.
    let last = if last == "9" { 9 } else { last.parse::<u8>().ok()? + 1 };
    Some(format!("{sign}{rest}{last}"))
}

/// The component schemas that are reached from `schema`.
pub fn referred(document: &Value, schema: &Value) -> BTreeMap<String, Value> {
    fn walk(document: &Value, value: &Value, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
                Some(reference) if name == "$ref" => {
                    let schema = document.pointer(&reference[1..]).cloned().unwrap_or_default();
                    if found.insert(reference.to_owned(), schema.clone()).is_none() {
                        walk(document, &schema, found);
                    }
                }
                _ => walk(document, value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(document, item, found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    walk(document, schema, &mut found);
    found
}
