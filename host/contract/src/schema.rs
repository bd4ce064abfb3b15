//! WIT type → JSON Schema 2020-12, as OpenAPI 3.1 uses it. See `docs/src/reference/values.md`.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use utoipa::{
    Number,
    openapi::{
        AllOf, Deprecated, Discriminator, Object, OneOf, Ref, RefOr, Schema, SchemaFormat,
        extensions::Extensions,
        schema::{AdditionalProperties, Array, ArrayItems, SchemaType, Type as JsonType},
    },
};

use crate::{
    Case, Docs, Named, Scalar, Shape, Type, number,
    rules::{Bound, Rules},
};

/// Canonical base64 (RFC 4648, section 4) with padding and without stray bits in the last character:
/// `contentEncoding` alone asserts nothing (JSON Schema 2020-12, Validation, section 8.1).
pub const BASE64_PATTERN: &str =
    "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

/// The schemas of one plugin's named types.
pub struct Schemas {
    /// By unqualified name, the types that have it and what each is called.
    names: BTreeMap<String, Vec<(Arc<Named>, String)>>,
    /// In the order in which they were found.
    order: Vec<Arc<Named>>,
    naming: Naming,
}

/// What schemas are called.
enum Naming {
    /// As their types are.
    Plain,
    /// By numbers behind a key that no other name and no text has in it, which stand for the names that a document of many
    /// plugins gives them.
    Marked(String),
}

/// A named type as a component schema.
pub struct Component {
    pub named: Arc<Named>,
    pub name: String,
    pub schema: RefOr<Schema>,
    /// Of a variant with payloads: each case, what it is called in the document behind the variant's name, its own name
    /// and its schema.
    pub cases: Vec<(String, String, Object)>,
}

impl Schemas {
    /// Of these types and all within. The name of each begins with `key`: `<key>0.` for the first, `<key>0.1.` for its second case.
    pub fn marked<'a>(types: impl IntoIterator<Item = &'a Type>, key: &str) -> Schemas {
        Schemas::of(types, Naming::Marked(key.to_owned()))
    }

    /// The same under the names of the types, such as `Note`; with a number where several types have one name.
    pub fn new<'a>(types: impl IntoIterator<Item = &'a Type>) -> Schemas {
        Schemas::of(types, Naming::Plain)
    }

    fn of<'a>(types: impl IntoIterator<Item = &'a Type>, naming: Naming) -> Schemas {
        let mut schemas = Schemas { names: BTreeMap::new(), order: vec![], naming };
        for ty in types {
            collect(ty, &mut |named| schemas.add(named));
        }
        schemas
    }

    /// Says whether the type is new.
    fn add(&mut self, named: &Arc<Named>) -> bool {
        let pascal = pascal(&named.name);
        let same = self.names.get(&pascal).map(Vec::as_slice).unwrap_or_default();
        let is_new = !same.iter().any(|(known, _)| Arc::ptr_eq(known, named) || known == named);
        if is_new {
            let name = match &self.naming {
                Naming::Marked(key) => format!("{key}{}.", self.order.len()),
                Naming::Plain => self.unused(&pascal),
            };
            self.names.entry(pascal).or_default().push((named.clone(), name));
            self.order.push(named.clone());
        }
        is_new
    }

    /// That name, or with the first number behind it that makes it one of its own.
    fn unused(&self, name: &str) -> String {
        let is_used = |wanted: &String| self.names.values().flatten().any(|(_, used)| used == wanted);
        let numbered = (2..).map(|number| format!("{name}{number}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_used(name)).unwrap_or_default()
    }

    /// Every named type, in the order of their numbers.
    pub fn components(&self) -> Vec<Component> {
        let component = |named: &Arc<Named>| {
            let name = self.name(named).to_owned();
            let cases = self.cases_of(&name, &named.shape);
            let cases = cases.map(|(case, name)| (pascal(&case.name), name, self.case(case))).collect();
            Component { schema: self.definition(named, &name), cases, named: named.clone(), name }
        };
        self.order.iter().map(component).collect()
    }

    /// The number of a named type.
    pub fn number(&self, named: &Arc<Named>) -> Option<usize> {
        match &self.naming {
            Naming::Marked(key) => self.name(named).strip_prefix(key)?.strip_suffix('.')?.parse().ok(),
            Naming::Plain => self.order.iter().position(|known| known == named),
        }
    }

    /// The schema of a value of that type: a reference if the type has a name.
    pub fn schema(&self, ty: &Type) -> RefOr<Schema> {
        match ty {
            Type::Named(named) => Ref::from_schema_name(self.name(named)).into(),
            Type::Scalar(scalar) => scalar_schema(*scalar).into(),
            Type::Bytes => {
                let mut object = Object::with_type(JsonType::String);
                object.content_encoding = "base64".into();
                object.pattern = Some(BASE64_PATTERN.into());
                object.into()
            }
            Type::List(item) => Array::new(self.schema(item)).into(),
            Type::FixedList(item, len) => {
                let mut array = Array::new(self.schema(item));
                (array.min_items, array.max_items) = (Some(*len as usize), Some(*len as usize));
                array.into()
            }
            Type::Tuple(items) => tuple_schema(items.iter().map(|item| self.schema(item)).collect()).into(),
            Type::Option(some) => self.option(some),
            Type::Result(ok, err) => {
                let arm = |name: &str, ty: &Option<Arc<Type>>| {
                    let value =
                        ty.as_ref().map_or_else(|| Object::with_type(JsonType::Null).into(), |ty| self.schema(ty));
                    object_schema([(name.to_owned(), value, true)])
                };
                one_of([arm("ok", ok).into(), arm("err", err).into()]).into()
            }
            Type::Map(key, value) => {
                if is_string(key) {
                    let mut object = Object::with_type(JsonType::Object);
                    object.additional_properties = Some(Box::new(AdditionalProperties::RefOr(self.schema(value))));
                    object.into()
                } else {
                    Array::new(tuple_schema(vec![self.schema(key), self.schema(value)])).into()
                }
            }
        }
    }

    /// The schema of a type in a place where `docs` stand. Rules go where the type has its own, so an alias is written out for
    /// them: they could stand beside a reference in an `allOf`, but generators of clients refuse that of what is no object.
    pub fn described(&self, ty: &Type, docs: &Docs) -> RefOr<Schema> {
        let schema = if docs.keywords.rules.is_some() { self.written_out(ty) } else { self.schema(ty) };
        described(schema, docs)
    }

    /// The schema of what a type stands for, with all that its aliases say.
    fn written_out(&self, ty: &Type) -> RefOr<Schema> {
        match ty {
            Type::Option(some) if !some.is_option() => option_of(self.written_out(some)),
            Type::Named(named) => match &named.shape {
                Shape::Alias(target) => described(self.written_out(target), &named.docs),
                _ => self.schema(ty),
            },
            _ => self.schema(ty),
        }
    }

    /// The schema of a record's fields or an operation's body parameters.
    pub fn object<'a>(&self, members: impl IntoIterator<Item = (&'a str, &'a Type, &'a Docs)>) -> Object {
        object_schema(members.into_iter().map(|(name, ty, docs)| {
            let is_required = !ty.absent(docs).is_allowed();
            (name.to_owned(), self.described(ty, docs), is_required)
        }))
    }

    /// What the type is called in the document.
    pub fn name<'a>(&'a self, named: &'a Arc<Named>) -> &'a str {
        let same = self.names.get(&pascal(&named.name)).map(Vec::as_slice).unwrap_or_default();
        let is_it = |(known, _): &&(Arc<Named>, String)| Arc::ptr_eq(known, named) || known == named;
        // Every type of every operation was collected, so the fallback is never seen.
        same.iter().find(is_it).map_or(&named.name, |(_, name)| name)
    }

    /// The cases of a variant with payloads, each with what it is called.
    fn cases_of<'a>(&self, name: &str, shape: &'a Shape) -> impl Iterator<Item = (&'a Case, String)> {
        let cases = if let Shape::Variant(cases) = shape { cases.as_slice() } else { &[] };
        let cases = if has_payload(cases) { cases } else { &[] };
        let is_plain = matches!(self.naming, Naming::Plain);
        let name = move |(i, case): (usize, &Case)| match is_plain {
            true => format!("{name}{}", pascal(&case.name)),
            false => format!("{name}{i}."),
        };
        cases.iter().enumerate().map(move |(i, case)| (case, name((i, case))))
    }

    fn option(&self, some: &Type) -> RefOr<Schema> {
        if some.is_option() {
            let wrapped = object_schema([("some".to_owned(), self.schema(some), true)]);
            return one_of([wrapped.into(), Object::with_type(JsonType::Null).into()]).into();
        }
        option_of(self.schema(some))
    }

    fn definition(&self, named: &Named, name: &str) -> RefOr<Schema> {
        let schema = match &named.shape {
            Shape::Record(fields) => {
                self.object(fields.iter().map(|field| (field.json.as_str(), &field.ty, &field.docs))).into()
            }
            Shape::Enum(cases) => enum_schema(cases, named.docs.text.as_deref()).into(),
            Shape::Variant(cases) if !has_payload(cases) => enum_schema(cases, named.docs.text.as_deref()).into(),
            Shape::Variant(_) => {
                let mut schema = OneOf::new();
                let mut discriminator = Discriminator::new("tag");
                for (case, case_name) in self.cases_of(name, &named.shape) {
                    let reference = Ref::from_schema_name(case_name);
                    discriminator.mapping.insert(case.name.clone(), reference.ref_location.clone());
                    schema.items.push(reference.into());
                }
                schema.discriminator = Some(discriminator);
                Schema::OneOf(schema).into()
            }
            Shape::Flags(cases) => {
                let mut array = Array::new(enum_schema(cases, None));
                array.unique_items = true;
                RefOr::T(Schema::Array(array))
            }
            Shape::Alias(target) => self.schema(target),
        };
        described(schema, &named.docs)
    }

    /// One case of a variant: its tag, and its payload if it has one.
    fn case(&self, case: &Case) -> Object {
        let mut tag = Object::with_type(JsonType::String);
        tag.extensions = Some(Extensions::from_iter([("const", case.name.clone())]));
        let val = case.ty.iter().map(|ty| {
            // What is said of the case is about its payload; the prose stands on the whole.
            let docs = Docs { keywords: case.docs.keywords.clone(), ..Docs::default() };
            ("val".to_owned(), self.described(ty, &docs), !ty.absent(&docs).is_allowed())
        });
        let mut object = object_schema([("tag".to_owned(), tag.into(), true)].into_iter().chain(val));
        object.description = case.docs.text.clone();
        object.deprecated = case.docs.keywords.is_deprecated.then_some(Deprecated::True);
        object
    }
}

/// Whether the variant is written as objects with a tag rather than as an enum.
pub fn has_payload(cases: &[Case]) -> bool {
    cases.iter().any(|case| case.ty.is_some())
}

/// Whether a map with such keys is a JSON object.
pub fn is_string(key: &Type) -> bool {
    matches!(key.resolved(), Type::Scalar(Scalar::String))
}

/// `NewTodo` of `new-todo`.
pub fn pascal(wit_name: &str) -> String {
    let mut pascal = String::with_capacity(wit_name.len());
    for word in wit_name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut chars = word.chars();
        pascal.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        pascal.push_str(chars.as_str());
    }
    pascal
}

/// Visits every named type in `ty`, outermost first, as long as `visit` finds it new.
fn collect(ty: &Type, visit: &mut impl FnMut(&Arc<Named>) -> bool) {
    match ty {
        Type::Scalar(_) | Type::Bytes => {}
        Type::List(inner) | Type::FixedList(inner, _) | Type::Option(inner) => collect(inner, visit),
        Type::Tuple(items) => items.iter().for_each(|item| collect(item, visit)),
        Type::Result(ok, err) => ok.iter().chain(err).for_each(|arm| collect(arm, visit)),
        Type::Map(key, value) => {
            collect(key, visit);
            collect(value, visit);
        }
        Type::Named(named) => {
            if !visit(named) {
                return;
            }
            match &named.shape {
                Shape::Record(fields) => fields.iter().for_each(|field| collect(&field.ty, visit)),
                Shape::Variant(cases) => cases.iter().flat_map(|case| &case.ty).for_each(|ty| collect(ty, visit)),
                Shape::Alias(target) => collect(target, visit),
                Shape::Enum(_) | Shape::Flags(_) => {}
            }
        }
    }
}

/// The schema of a scalar.
pub fn scalar_schema(scalar: Scalar) -> Object {
    // Names of the OpenAPI Format Registry.
    let formatted = |ty, format: &str| {
        let mut object = Object::with_type(ty);
        object.format = Some(SchemaFormat::Custom(format.into()));
        object
    };
    let mut object = match scalar {
        Scalar::Bool => Object::with_type(JsonType::Boolean),
        Scalar::String => Object::with_type(JsonType::String),
        Scalar::Char => {
            let mut object = Object::with_type(JsonType::String);
            (object.min_length, object.max_length) = (Some(1), Some(1));
            object
        }
        Scalar::U8 => formatted(JsonType::Integer, "uint8"),
        Scalar::U16 => formatted(JsonType::Integer, "uint16"),
        Scalar::U32 => formatted(JsonType::Integer, "uint32"),
        Scalar::U64 => formatted(JsonType::Integer, "uint64"),
        Scalar::S8 => formatted(JsonType::Integer, "int8"),
        Scalar::S16 => formatted(JsonType::Integer, "int16"),
        Scalar::S32 => formatted(JsonType::Integer, "int32"),
        Scalar::S64 => formatted(JsonType::Integer, "int64"),
        Scalar::F32 => formatted(JsonType::Number, "float"),
        Scalar::F64 => formatted(JsonType::Number, "double"),
    };
    let (minimum, maximum) = match scalar {
        // The shortest text of the greatest f32, which is a little more than its value: what is written is also read.
        Scalar::F32 => (Some(Number::Float(-3.4028235e38)), Some(Number::Float(3.4028235e38))),
        Scalar::F64 => (Some(Number::Float(f64::MIN)), Some(Number::Float(f64::MAX))),
        // Bounds of 64-bit types do not fit into one another's type, but each into one of the two.
        _ => match scalar.integer_range() {
            Some((min, max)) => {
                let number =
                    |n: i128| isize::try_from(n).map(Number::Int).ok().or(usize::try_from(n).map(Number::UInt).ok());
                (number(min), number(max))
            }
            None => (None, None),
        },
    };
    (object.minimum, object.maximum) = (minimum, maximum);
    object
}

/// An object with exactly these members: name, schema, whether it must be there.
pub fn object_schema(members: impl IntoIterator<Item = (String, RefOr<Schema>, bool)>) -> Object {
    let mut object = Object::with_type(JsonType::Object);
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    for (name, schema, is_required) in members {
        if is_required {
            object.required.push(name.clone());
        }
        object.properties.insert(name, schema);
    }
    object
}

/// An array of exactly these items. utoipa's `prefix_items` takes no references, so the keyword goes in as it is.
/// `maxItems` says that no more follow. `items: false` would say it again, but openapi-python-client reads no document that has
/// a `false` for a schema, and without `items` linters take the type for incomplete: so it stands there and says nothing.
fn tuple_schema(items: Vec<RefOr<Schema>>) -> Array {
    let mut array = Array::default();
    (array.min_items, array.max_items) = (Some(items.len()), Some(items.len()));
    array.items = any_items();
    let items: Vec<Value> = items.iter().map(|item| serde_json::to_value(item).unwrap_or_default()).collect();
    array.extensions = Some(Extensions::from_iter([("prefixItems", Value::from(items))]));
    array
}

/// The schema, or `null`.
fn option_of(some: RefOr<Schema>) -> RefOr<Schema> {
    match some {
        RefOr::T(Schema::Object(mut object)) if object.enum_values.is_none() => {
            object.schema_type = or_null(object.schema_type);
            object.into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = or_null(array.schema_type);
            RefOr::T(Schema::Array(array))
        }
        other => one_of([other, Object::with_type(JsonType::Null).into()]).into(),
    }
}

fn one_of<const N: usize>(items: [RefOr<Schema>; N]) -> Schema {
    let mut schema = OneOf::new();
    schema.items = items.into();
    Schema::OneOf(schema)
}

fn enum_schema(cases: &[Case], text: Option<&str>) -> Object {
    let mut object = Object::with_type(JsonType::String);
    object.enum_values = Some(cases.iter().map(|case| json!(case.name)).collect());
    let documented = cases.iter().filter_map(|case| Some(format!("- `{}`: {}", case.name, case.docs.text.as_ref()?)));
    let list = documented.collect::<Vec<_>>().join("\n");
    let parts: Vec<&str> = text.into_iter().chain(Some(&*list).filter(|list| !list.is_empty())).collect();
    object.description = Some(parts.join("\n\n")).filter(|text| !text.is_empty());
    object
}

fn or_null(ty: SchemaType) -> SchemaType {
    match ty {
        SchemaType::Type(ty) => SchemaType::Array(vec![ty, JsonType::Null]),
        other => other,
    }
}

/// The schema with what documentation says in the place where it stands: prose, rules, default, examples.
/// Of a type, [`Schemas::described`] is the one to use.
pub fn described(schema: RefOr<Schema>, docs: &Docs) -> RefOr<Schema> {
    let keywords = &docs.keywords;
    let rules = keywords.rules.as_deref();
    let mut schema = match schema {
        // JSON Schema 2020-12 allows keywords beside `$ref`; of those utoipa has the description only.
        RefOr::Ref(mut reference) if keywords.is_silent_on_values() => {
            reference.description = docs.text.clone().unwrap_or_default();
            return RefOr::Ref(reference);
        }
        RefOr::T(schema @ Schema::Array(_)) => schema,
        RefOr::T(Schema::Object(object)) if rules.is_none_or(|rules| is_ruled_once(&object, rules)) => object.into(),
        RefOr::T(schema @ Schema::OneOf(_)) if rules.is_none() => schema,
        other => {
            let mut all_of = AllOf::new();
            all_of.items.push(other);
            all_of.items.extend(rules.map(untyped));
            Schema::AllOf(all_of)
        }
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let default = keywords.default.as_deref().map(json);
    let examples: Vec<Value> = keywords.examples.iter().map(|text| json(text)).collect();
    let deprecated = keywords.is_deprecated.then_some(Deprecated::True);
    let extension = || keywords.is_deprecated.then(|| Extensions::from_iter([("deprecated", true)]));
    let description = match &mut schema {
        Schema::Object(it) => {
            if let Some(rules) = rules {
                rule(it, rules);
            }
            (it.default, it.deprecated) = (default.or(it.default.take()), deprecated.or(it.deprecated.take()));
            if !examples.is_empty() {
                it.examples = examples;
            }
            &mut it.description
        }
        Schema::Array(it) => {
            if let Some(rules) = rules {
                rule_items(it, rules);
            }
            (it.default, it.deprecated) = (default.or(it.default.take()), deprecated.or(it.deprecated.take()));
            if !examples.is_empty() {
                it.examples = examples;
            }
            &mut it.description
        }
        Schema::OneOf(it) => {
            (it.default, it.examples, it.extensions) = (default, examples, extension());
            &mut it.description
        }
        Schema::AllOf(it) => {
            (it.default, it.examples, it.extensions) = (default, examples, extension());
            &mut it.description
        }
        _ => return RefOr::T(schema),
    };
    // That of an enum has the text already, with a list of its cases behind it; that of an alias gives way to what is nearer.
    if let Some(text) = &docs.text
        && !description.as_ref().is_some_and(|known| known.starts_with(text))
    {
        *description = Some(text.clone());
    }
    RefOr::T(schema)
}

/// `items: {}`
fn any_items() -> ArrayItems {
    ArrayItems::RefOrSchema(Box::new(Object::with_type(SchemaType::AnyValue).into()))
}

/// Rules beside a reference, which has the type.
fn untyped(rules: &Rules) -> RefOr<Schema> {
    if rules.min_items.is_some() || rules.max_items.is_some() || rules.unique_items {
        let mut array = Array::default();
        (array.schema_type, array.items) = (SchemaType::AnyValue, any_items());
        rule_items(&mut array, rules);
        return RefOr::T(Schema::Array(array));
    }
    let mut object = Object::with_type(SchemaType::AnyValue);
    rule(&mut object, rules);
    object.into()
}

/// The tighter of two lower bounds.
fn at_least(known: Option<usize>, rule: Option<u64>) -> Option<usize> {
    known.max(rule.map(|n| n as usize))
}

/// The tighter of two upper bounds.
fn at_most(known: Option<usize>, rule: Option<u64>) -> Option<usize> {
    let rule = rule.map(|n| n as usize);
    known.zip(rule).map(|(known, rule)| known.min(rule)).or(known).or(rule)
}

/// Whether one schema has room for the rules: of these it has only one each.
fn is_ruled_once(object: &Object, rules: &Rules) -> bool {
    (object.pattern.is_none() || rules.pattern.is_none())
        && (object.format.is_none() || rules.format.is_none())
        && (object.multiple_of.is_none() || rules.multiple_of.is_none())
}

fn rule_items(array: &mut Array, rules: &Rules) {
    array.min_items = at_least(array.min_items, rules.min_items);
    array.max_items = at_most(array.max_items, rules.max_items);
    array.unique_items |= rules.unique_items;
}

/// Puts rules beside what a type says of itself. Of two bounds the tighter one is printed: it is as good as both.
fn rule(object: &mut Object, rules: &Rules) {
    let text = |number: &Number| serde_json::to_string(number).unwrap_or_default();
    let tighter =
        |of_type: Option<Number>, bound: &Option<Bound>, is_tighter: fn(Ordering) -> bool| match (of_type, bound) {
            (Some(number), Some(bound)) if !is_tighter(number::compare(&bound.text(), &text(&number))) => Some(number),
            (_, Some(bound)) => Some(bound.number()),
            (of_type, None) => of_type,
        };
    object.minimum = tighter(object.minimum.take(), &rules.minimum, Ordering::is_gt);
    object.maximum = tighter(object.maximum.take(), &rules.maximum, Ordering::is_lt);
    object.exclusive_minimum = tighter(object.exclusive_minimum.take(), &rules.exclusive_minimum, Ordering::is_gt);
    object.exclusive_maximum = tighter(object.exclusive_maximum.take(), &rules.exclusive_maximum, Ordering::is_lt);
    // Nor are both an inclusive and an exclusive bound: the looser of the two says nothing.
    let is_needless = |bound: &Option<Number>, exclusive: &Option<Number>, is_tighter: fn(Ordering) -> bool| {
        let orders = bound.as_ref().zip(exclusive.as_ref()).map(|(a, b)| number::compare(&text(a), &text(b)));
        orders.map(|order| !is_tighter(order))
    };
    match is_needless(&object.minimum, &object.exclusive_minimum, Ordering::is_gt) {
        Some(true) => object.minimum = None,
        Some(false) => object.exclusive_minimum = None,
        None => {}
    }
    match is_needless(&object.maximum, &object.exclusive_maximum, Ordering::is_lt) {
        Some(true) => object.maximum = None,
        Some(false) => object.exclusive_maximum = None,
        None => {}
    }
    object.multiple_of = rules.multiple_of.as_ref().map(Bound::number).or(object.multiple_of.take());
    object.min_length = at_least(object.min_length, rules.min_length);
    object.max_length = at_most(object.max_length, rules.max_length);
    object.pattern = rules.pattern.as_ref().map(|pattern| pattern.as_str().to_owned()).or(object.pattern.take());
    object.format = rules.format.map(|format| SchemaFormat::Custom(format.name().into())).or(object.format.take());
    object.min_properties = at_least(object.min_properties, rules.min_properties);
    object.max_properties = at_most(object.max_properties, rules.max_properties);
}
