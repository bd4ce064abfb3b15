//! Examples: for every schema of a document a value that it accepts, so that a page's *Try it out* has a body to begin with.
//!
//! They are made from the schemas as they are printed, not from the types behind them: whatever a schema demands, the
//! example is of the same document and cannot lag behind it. An author's own example goes before a made one.

use serde_json::{Map, Number, Value, json};

use crate::contract::{format::Format, pattern::TextPattern};

/// The most values that an example may be made of. A schema that needs more has none.
const MAX_VALUES: usize = 500;

/// The longest string that is made, in characters.
const MAX_LENGTH: usize = 200;

/// The component schemas that references lead to.
pub(super) struct Examples<'a> {
    schemas: &'a Map<String, Value>,
}

impl<'a> Examples<'a> {
    /// Over `components.schemas` of a document.
    pub(super) fn new(schemas: &'a Map<String, Value>) -> Self {
        Examples { schemas }
    }

    /// A value that the schema accepts, the same at every time; `None` if none was found.
    pub(super) fn of(&self, schema: &Value) -> Option<Value> {
        self.value(schema, &mut MAX_VALUES.clone())
    }

    /// The alternatives of a `oneOf` with a discriminator, each with the value of its tag; none of any other schema.
    pub(super) fn of_cases(&self, schema: &Value) -> Vec<(String, Value)> {
        let Some(schema) = self.resolved(schema) else { return vec![] };
        let Some(mapping) = schema["discriminator"]["mapping"].as_object() else { return vec![] };
        let case = |(tag, reference): (&String, &Value)| Some((tag.clone(), self.of(&json!({ "$ref": reference }))?));
        mapping.iter().filter_map(case).collect()
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> Option<&'s Value> {
        match schema["$ref"].as_str() {
            Some(reference) => self.schemas.get(reference.strip_prefix("#/components/schemas/")?),
            None => Some(schema),
        }
    }

    fn value(&self, schema: &Value, left: &mut usize) -> Option<Value> {
        *left = left.checked_sub(1)?;
        // What stands beside a reference is nearer than what its target says.
        if let Some(own) = schema["examples"].get(0).or(schema.get("default")).or(schema.get("const")) {
            return Some(own.clone());
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().map(|part| self.resolved(part)).collect::<Option<Vec<_>>>()?;
            return self.value(&merged(&parts), left);
        }
        if schema.get("$ref").is_some() {
            return self.value(self.resolved(schema)?, left);
        }
        if let Some(alternatives) = schema["oneOf"].as_array() {
            return alternatives.iter().find_map(|alternative| self.value(alternative, left));
        }
        if let Some(cases) = schema["enum"].as_array() {
            return cases.first().cloned();
        }
        // `null` is what an option may be too; an example shows what it is otherwise.
        let types = schema["type"].as_array().map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
        match types.iter().find_map(|ty| ty.as_str().filter(|ty| *ty != "null")) {
            Some("boolean") => Some(true.into()),
            Some("integer") => integer(schema),
            Some("number") => number(schema),
            Some("string") => string(schema),
            Some("array") => self.array(schema, left),
            Some("object") => self.object(schema, left),
            _ => types.contains(&"null".into()).then_some(Value::Null),
        }
    }

    fn array(&self, schema: &Value, left: &mut usize) -> Option<Value> {
        if let Some(items) = schema["prefixItems"].as_array() {
            return items.iter().map(|item| self.value(item, left)).collect::<Option<_>>().map(Value::Array);
        }
        let least = schema["minItems"].as_u64().unwrap_or(0);
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        let wanted = least.max(1).min(most);
        if wanted > 1 && schema["uniqueItems"] == true {
            return self.distinct(&schema["items"], wanted, left);
        }
        let items = (0..wanted).map(|_| self.value(&schema["items"], left));
        match items.collect::<Option<_>>() {
            None if least == 0 => Some(json!([])),
            items => items.map(Value::Array),
        }
    }

    /// That many items of which no two are alike: only those of an enumeration are known.
    fn distinct(&self, item: &Value, wanted: u64, left: &mut usize) -> Option<Value> {
        let wanted = usize::try_from(wanted).ok()?;
        let cases = self.resolved(item)?["enum"].as_array()?.get(..wanted)?;
        *left = left.checked_sub(wanted)?;
        Some(cases.into())
    }

    fn object(&self, schema: &Value, left: &mut usize) -> Option<Value> {
        let mut object = Map::new();
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            match self.value(member, left) {
                Some(value) => drop(object.insert(name.clone(), value)),
                None if required.contains(&name.as_str().into()) => return None,
                None => {}
            }
        }
        let least = schema["minProperties"].as_u64().unwrap_or(0);
        let most = schema["maxProperties"].as_u64().unwrap_or(u64::MAX);
        if schema["additionalProperties"].is_object() && most > 0 {
            for i in 1..=least.max(1) {
                let name = if i == 1 { "key".to_owned() } else { format!("key{i}") };
                match self.value(&schema["additionalProperties"], left) {
                    Some(value) => drop(object.insert(name, value)),
                    None if least == 0 => {}
                    None => return None,
                }
            }
        }
        Some(object.into())
    }
}

/// One schema of several that all hold: a type, and rules that stand beside a reference to it.
fn merged(parts: &[&Value]) -> Value {
    let mut merged = Map::new();
    for (key, value) in parts.iter().filter_map(|part| part.as_object()).flatten() {
        let known = merged.get(key).and_then(Value::as_f64);
        let is_looser = match key.as_str() {
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => known > value.as_f64(),
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
                known.zip(value.as_f64()).is_some_and(|(known, value)| known < value)
            }
            // Rules know nothing of items and members; the type does.
            "items" | "type" | "properties" => merged.contains_key(key),
            _ => false,
        };
        if !is_looser {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged.into()
}

/// 1, or what is near to it within the bounds.
fn integer(schema: &Value) -> Option<Value> {
    let whole = |key: &str| {
        let number = &schema[key];
        let whole = || number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < 9e15).map(|it| it as i128);
        number.as_i64().map(i128::from).or(number.as_u64().map(i128::from)).or_else(whole)
    };
    let (least, most) = (whole("minimum"), whole("maximum"));
    let (above, below) = (whole("exclusiveMinimum"), whole("exclusiveMaximum"));
    let unit = whole("multipleOf").unwrap_or(1);
    if unit == 0 {
        return None;
    }
    // A bound that is no whole number is none of the candidates, but it has to hold all the same.
    let candidates = [Some(1), least, above.map(|it| it + 1), most, below.map(|it| it - 1), Some(0)];
    let rounded = candidates.into_iter().flatten().flat_map(|it| {
        let down = it.div_euclid(unit) * unit;
        [if down == it { it } else { down + unit }, down]
    });
    let mut numbers = rounded.filter_map(|it| match u64::try_from(it) {
        Ok(it) => Some(Number::from(it)),
        Err(_) => i64::try_from(it).ok().map(Number::from),
    });
    numbers.find(|number| is_within(number, schema)).map(Value::Number)
}

/// 1.5, or what is near to it within the bounds.
fn number(schema: &Value) -> Option<Value> {
    let bound = |key: &str| schema[key].as_f64();
    let (above, below) = (bound("exclusiveMinimum"), bound("exclusiveMaximum"));
    let between = above.zip(below).map(|(above, below)| above / 2.0 + below / 2.0);
    let candidates = match bound("multipleOf") {
        Some(unit) => vec![Some(unit), Some(0.0), Some(-unit), bound("minimum"), bound("maximum")],
        None => {
            let (beyond, beneath) = (above.map(|it| it + 1.0), below.map(|it| it - 1.0));
            vec![Some(1.5), Some(0.5), bound("minimum"), bound("maximum"), beyond, beneath, between]
        }
    };
    let mut numbers = candidates.into_iter().flatten().filter_map(Number::from_f64);
    numbers.find(|number| is_within(number, schema)).map(Value::Number)
}

fn is_within(number: &Number, schema: &Value) -> bool {
    let Some(value) = number.as_f64() else { return false };
    let holds =
        |key: &str, is_held: fn(f64, f64) -> bool| schema[key].as_f64().is_none_or(|bound| is_held(value, bound));
    let is_multiple = |value: f64, unit: f64| value % unit == 0.0;
    holds("minimum", |value, bound| value >= bound)
        && holds("maximum", |value, bound| value <= bound)
        && holds("exclusiveMinimum", |value, bound| value > bound)
        && holds("exclusiveMaximum", |value, bound| value < bound)
        && holds("multipleOf", is_multiple)
}

/// What is tried where a pattern is wanted, which only its author understands.
const WORDS: [&str; 16] = [
    "string",
    "a",
    "A",
    "1",
    "abc",
    "ABC",
    "Abc",
    "123",
    "12345",
    "a1",
    "A1",
    "a-b",
    "AB-12",
    "2026-11-23",
    "a b",
    "#fff",
];

/// A string of the format, the pattern and the length that are wanted.
fn string(schema: &Value) -> Option<Value> {
    let length = |key: &str| schema[key].as_u64().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    let (least, most) = (length("minLength").unwrap_or(0), length("maxLength").unwrap_or(usize::MAX));
    if least > MAX_LENGTH || least > most {
        return None;
    }
    if schema["contentEncoding"] == "base64" {
        return Some("aGVsbG8=".into());
    }
    let pattern = match schema["pattern"].as_str() {
        Some(pattern) => Some(TextPattern::compile(pattern).ok()?),
        None => None,
    };
    let of_format = match schema["format"].as_str() {
        Some(name) => Some(of_format(Format::parse(name)?)),
        None => None,
    };
    // A word that is too short is said again, one that is too long is cut.
    let fitted = |word: &str| word.chars().cycle().take(word.len().clamp(least, most)).collect::<String>();
    let words = WORDS.iter().copied().chain(of_format.is_none().then_some("")).map(fitted);
    let mut candidates = of_format.map(str::to_owned).into_iter().chain(words);
    candidates
        .find(|text| {
            (least..=most).contains(&text.chars().count())
                && pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
                && schema["format"].as_str().and_then(Format::parse).is_none_or(|format| format.accepts(text))
        })
        .map(Value::String)
}

fn of_format(format: Format) -> &'static str {
    match format {
        Format::Email => "ann@example.com",
        Format::Uuid => "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        Format::Date => "2026-11-23",
        Format::DateTime => "2026-11-23T12:30:00Z",
        Format::Time => "12:30:00Z",
        Format::Uri => "https://example.com/a",
        Format::UriReference => "/a?b=c",
        Format::Ipv4 => "192.0.2.1",
        Format::Ipv6 => "2001:db8::1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(schema: Value) -> Option<Value> {
        Examples::new(&Map::new()).of(&schema)
    }

    #[test]
    fn numbers_are_within_their_bounds() {
        for (schema, wanted) in [
            (json!({"type": "integer"}), json!(1)),
            (json!({"type": "integer", "minimum": 0, "maximum": 0}), json!(0)),
            (json!({"type": "integer", "minimum": 18446744073709551615_u64}), json!(18446744073709551615_u64)),
            (json!({"type": "integer", "maximum": i64::MIN}), json!(i64::MIN)),
            (json!({"type": "integer", "exclusiveMinimum": 9, "multipleOf": 4}), json!(12)),
            (json!({"type": "integer", "maximum": -1, "multipleOf": 10}), json!(-10)),
            (json!({"type": ["integer", "null"], "minimum": 5.0}), json!(5)),
            (json!({"type": "number"}), json!(1.5)),
            (json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.25}), json!(0.125)),
            (json!({"type": "number", "minimum": 7, "multipleOf": 0.5}), json!(7.0)),
        ] {
            assert_eq!(example(schema.clone()), Some(wanted), "{schema}");
        }
        assert_eq!(example(json!({"type": "integer", "minimum": 1, "maximum": 0})), None);
        assert_eq!(example(json!({"type": "number", "minimum": 7, "maximum": 8, "multipleOf": 5})), None);
    }

    #[test]
    fn strings_have_their_length_and_their_format() {
        for (schema, wanted) in [
            (json!({"type": "string"}), "string"),
            (json!({"type": "string", "minLength": 8}), "stringst"),
            (json!({"type": "string", "minLength": 1, "maxLength": 1}), "s"),
            (json!({"type": "string", "maxLength": 0}), ""),
            (json!({"type": "string", "format": "date"}), "2026-11-23"),
            (json!({"type": "string", "pattern": "^[A-Z]+$"}), "A"),
            (json!({"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$", "minLength": 3}), "AB-12"),
            (json!({"type": "string", "pattern": "^2", "format": "date"}), "2026-11-23"),
            (json!({"type": "string", "contentEncoding": "base64", "pattern": "^x$"}), "aGVsbG8="),
        ] {
            assert_eq!(example(schema.clone()), Some(wanted.into()), "{schema}");
        }
        for schema in [
            json!({"type": "string", "pattern": "^Zz{9}$"}),
            json!({"type": "string", "pattern": "("}),
            json!({"type": "string", "pattern": "^a", "format": "date"}),
            json!({"type": "string", "format": "stars"}),
            json!({"type": "string", "format": "date", "maxLength": 3}),
            json!({"type": "string", "minLength": 2, "maxLength": 1}),
            json!({"type": "string", "minLength": 1_000_000_000}),
        ] {
            assert_eq!(example(schema.clone()), None, "{schema}");
        }
    }

    #[test]
    fn an_authors_example_goes_before_a_made_one() {
        assert_eq!(example(json!({"type": "string", "examples": ["mine"], "pattern": "^m"})), Some("mine".into()));
        let schemas = json!({"Name": {"type": "string", "examples": ["of the type"]}});
        let examples = Examples::new(schemas.as_object().unwrap());
        let reference = "#/components/schemas/Name";
        assert_eq!(examples.of(&json!({"$ref": reference})), Some("of the type".into()));
        assert_eq!(examples.of(&json!({"$ref": reference, "examples": ["of the place"]})), Some("of the place".into()));
    }

    #[test]
    fn rules_beside_a_reference_hold_with_the_types() {
        let schemas = json!({"Count": {"type": "integer", "minimum": 0, "maximum": 255}, "Names": {"type": "array", "items": {"type": "string"}}});
        let examples = Examples::new(schemas.as_object().unwrap());
        let of = |name: &str, rules: Value| {
            examples.of(&json!({"allOf": [{"$ref": format!("#/components/schemas/{name}")}, rules]}))
        };
        assert_eq!(of("Count", json!({"minimum": 7})), Some(json!(7)));
        assert_eq!(of("Count", json!({"minimum": -7, "maximum": 0})), Some(json!(0)));
        assert_eq!(of("Count", json!({"minimum": 300})), None);
        assert_eq!(of("Names", json!({"minItems": 2, "items": {}})), Some(json!(["string", "string"])));
    }

    #[test]
    fn a_member_without_example_is_left_out_if_it_may_be() {
        let hard = json!({"type": "string", "pattern": "^Zz{9}$"});
        let properties = json!({"a": {"type": "boolean"}, "b": hard});
        let object = json!({"type": "object", "properties": properties, "required": ["a"]});
        assert_eq!(example(object), Some(json!({"a": true})));
        assert_eq!(example(json!({"type": "object", "properties": properties, "required": ["a", "b"]})), None);
        assert_eq!(example(json!({"type": "array", "items": hard})), Some(json!([])));
        assert_eq!(example(json!({"oneOf": [hard, {"type": "null"}]})), Some(Value::Null));
        assert_eq!(example(json!({"type": "array", "items": hard, "minItems": 1})), None);
    }

    #[test]
    fn what_needs_too_many_values_has_no_example() {
        let item = json!({"type": "boolean"});
        assert_eq!(example(json!({"type": "array", "items": item, "minItems": 4_000_000_000_u64})), None);
        let deep = (0..5).fold(item, |item, _| json!({"type": "array", "items": item, "minItems": 4, "maxItems": 4}));
        assert_eq!(example(deep), None);
    }

    #[test]
    fn unique_items_are_those_of_the_enumeration() {
        let flags =
            |min: u64| json!({"type": "array", "uniqueItems": true, "minItems": min, "items": {"enum": ["a", "b"]}});
        assert_eq!(example(flags(0)), Some(json!(["a"])));
        assert_eq!(example(flags(2)), Some(json!(["a", "b"])));
        assert_eq!(example(flags(3)), None);
    }
}
