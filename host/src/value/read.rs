//! JSON text → a component value, in one pass, driven by its type. Every fault is recorded and the walk goes on;
//! only text that is no JSON ends it.

use std::collections::HashSet;

use jiter::{Jiter, JiterError, JiterErrorType, Peek};
use wasmtime::component::Val;

use super::{
    Faults, Step, rules,
    scalar::{self, FlagSet},
};
use crate::contract::{Absent, Case, Docs, Field, Scalar, Shape, Type, rules::Broken, schema};

/// Text that is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    pub reason: String,
}

/// A member that an object has.
#[derive(Clone, Copy)]
pub struct Member<'t> {
    pub name: &'t str,
    pub ty: &'t Type,
    /// `None`: nothing is said of it, and it may not be missing, whatever its type.
    pub docs: Option<&'t Docs>,
}

impl<'t> Member<'t> {
    /// A member that may be missing where its type or its documentation says so.
    pub fn new(name: &'t str, ty: &'t Type, docs: &'t Docs) -> Self {
        Member { name, ty, docs: Some(docs) }
    }
}

/// A value, or `None` if it had a fault, which is recorded then.
type Read = Result<Option<Val>, JiterError>;

/// Reads one JSON text.
pub struct Reader<'j, 'f> {
    json: &'j [u8],
    jiter: Jiter<'j>,
    faults: &'f mut Faults,
}

impl<'j, 'f> Reader<'j, 'f> {
    pub fn new(json: &'j [u8], faults: &'f mut Faults) -> Self {
        Reader { json, jiter: Jiter::new(json), faults }
    }

    /// Reads the whole text as one value of type `ty` that keeps the rules of `docs`.
    ///
    /// # Errors
    ///
    /// The text is no JSON.
    pub fn value(mut self, ty: &Type, docs: &Docs) -> Result<Option<Val>, Malformed> {
        let read = self.ruled(ty, docs).and_then(|value| self.jiter.finish().map(|()| value));
        read.map_err(|error| self.malformed(&error))
    }

    /// Reads the whole text as one object with exactly `members`, whose values come in their order.
    ///
    /// # Errors
    ///
    /// The text is no JSON.
    pub fn members(mut self, members: &[Member]) -> Result<Option<Vec<Val>>, Malformed> {
        let read = self.object(members, "an object").and_then(|values| self.jiter.finish().map(|()| values));
        read.map_err(|error| self.malformed(&error))
    }

    fn malformed(&self, error: &JiterError) -> Malformed {
        let position = self.jiter.error_position(error.index.min(self.json.len()));
        let reason = match &error.error_type {
            JiterErrorType::JsonError(reason) => reason.to_string(),
            JiterErrorType::WrongType { .. } => "unexpected value".into(),
        };
        Malformed { line: position.line, column: position.column, reason }
    }

    /// A value of type `ty`, which also has to keep the rules of the place where it stands.
    fn ruled(&mut self, ty: &Type, docs: &Docs) -> Read {
        let Some(rules) = docs.keywords.rules.as_deref() else { return self.any(ty) };
        self.jiter.peek()?;
        let start = self.jiter.current_index();
        let Some(value) = self.any(ty)? else { return Ok(None) };
        let text = std::str::from_utf8(self.jiter.slice_to_current(start)).unwrap_or_default();
        let broken = rules::check([rules], &value, text.trim_ascii());
        Ok(self.faults.keeping(value, broken))
    }

    fn any(&mut self, ty: &Type) -> Read {
        let peek = self.jiter.peek()?;
        match ty {
            Type::Scalar(Scalar::Bool) => {
                if peek != Peek::True && peek != Peek::False {
                    return self.wrong_type(peek, "a boolean");
                }
                Ok(Some(Val::Bool(self.jiter.known_bool(peek)?)))
            }
            Type::Scalar(scalar) if !matches!(scalar, Scalar::String | Scalar::Char) => {
                if !is_number(peek) {
                    let kind = if scalar.integer_range().is_some() { "an integer" } else { "a number" };
                    return self.wrong_type(peek, &format!("{kind} ({})", scalar.name()));
                }
                let text = std::str::from_utf8(self.jiter.known_number_bytes(peek)?).unwrap_or_default();
                let value = scalar::from_number(*scalar, text);
                Ok(self.judged(value))
            }
            Type::Scalar(_) => self.string(ty, peek, "a string"),
            Type::Bytes => self.string(ty, peek, "a base64 string"),
            Type::List(item) => Ok(self.items(peek, "an array", item)?.map(Val::List)),
            Type::FixedList(item, len) => {
                let len = *len as usize;
                Ok(self.exact_items(peek, len, |i| (i < len).then_some(item.as_ref()))?.map(Val::FixedLengthList))
            }
            Type::Tuple(types) => Ok(self.exact_items(peek, types.len(), |i| types.get(i))?.map(Val::Tuple)),
            Type::Option(some) => self.option(some, peek),
            Type::Result(ok, err) => self.result(ok.as_deref(), err.as_deref(), peek),
            Type::Map(key, value) => self.map(key, value, peek),
            Type::Named(named) => match &named.shape {
                Shape::Alias(target) => self.ruled(target, &named.docs),
                Shape::Enum(_) => self.string(ty, peek, "a string"),
                Shape::Variant(cases) if schema::has_payload(cases) => self.variant(cases, peek),
                Shape::Variant(_) => self.string(ty, peek, "a string"),
                Shape::Flags(cases) => self.flags(cases, peek),
                Shape::Record(fields) => self.record(fields),
            },
        }
    }

    fn string(&mut self, ty: &Type, peek: Peek, wanted: &str) -> Read {
        if peek != Peek::String {
            return self.wrong_type(peek, wanted);
        }
        let value = scalar::from_string(ty, self.jiter.known_str()?);
        Ok(value.and_then(|value| self.judged(value)))
    }

    fn option(&mut self, some: &Type, peek: Peek) -> Read {
        if peek == Peek::Null {
            self.jiter.known_null()?;
            return Ok(Some(Val::Option(None)));
        }
        let value = if some.is_option() {
            // `null` is taken by the outer one, so the inner one stands in an object.
            let member = Member { name: "some", ty: some, docs: None };
            let value = self.object(&[member], "null or an object with the member `some`")?;
            value.and_then(|mut values| values.pop())
        } else {
            self.any(some)?
        };
        Ok(value.map(|value| Val::Option(Some(Box::new(value)))))
    }

    fn result(&mut self, ok: Option<&Type>, err: Option<&Type>, peek: Peek) -> Read {
        const WANTED: &str = "an object with either `ok` or `err`";
        if peek != Peek::Object {
            return self.wrong_type(peek, WANTED);
        }
        let mut found: Option<Option<Val>> = None;
        let mut count = 0;
        let mut key = self.jiter.known_object()?.map(str::to_owned);
        while let Some(name) = key {
            count += 1;
            let arm = match name.as_str() {
                "ok" => Some(ok),
                "err" => Some(err),
                _ => None,
            };
            match arm {
                Some(ty) if count == 1 => {
                    self.faults.enter(Step::Name(name.clone()));
                    let value = match ty {
                        Some(ty) => self.any(ty).map(|value| value.map(|value| Some(Box::new(value)))),
                        None => self.null().map(|null| null.map(|()| None)),
                    };
                    self.faults.leave();
                    let arm = |value| Val::Result(if name == "ok" { Ok(value) } else { Err(value) });
                    found = Some(value?.map(arm));
                }
                Some(_) => {
                    self.faults.add_at(&name, "one_of", format!("`{name}` beside another member, wanted {WANTED}"));
                    self.jiter.next_skip()?;
                }
                None => {
                    self.unknown_member(&name, &["ok", "err"]);
                    self.jiter.next_skip()?;
                }
            }
            key = self.jiter.next_key()?.map(str::to_owned);
        }
        if found.is_none() {
            self.faults.add("one_of", format!("neither `ok` nor `err`, wanted {WANTED}"));
        }
        Ok(found.flatten())
    }

    fn null(&mut self) -> Result<Option<()>, JiterError> {
        let peek = self.jiter.peek()?;
        if peek != Peek::Null {
            return self.wrong_type(peek, "null").map(|_| None);
        }
        self.jiter.known_null().map(Some)
    }

    fn map(&mut self, key: &Type, value: &Type, peek: Peek) -> Read {
        if !schema::is_string(key) {
            let pair = Type::Tuple([key.clone(), value.clone()].into());
            let pairs = self.items(peek, "an array of [key, value] pairs", &pair)?;
            let pair = |pair| match pair {
                Val::Tuple(pair) => <[Val; 2]>::try_from(pair).ok().map(|[key, value]| (key, value)),
                _ => None,
            };
            return Ok(pairs.and_then(|pairs| pairs.into_iter().map(pair).collect()).map(Val::Map));
        }
        if peek != Peek::Object {
            return self.wrong_type(peek, "an object");
        }
        let mut seen = HashSet::new();
        let mut entries = Some(Vec::new());
        let mut next = self.jiter.known_object()?.map(str::to_owned);
        while let Some(name) = next {
            self.faults.enter(Step::name(&name));
            let read = if seen.insert(name.clone()) { self.any(value) } else { self.twice() };
            self.faults.leave();
            entries = read?.and_then(|value| {
                let mut entries = entries?;
                entries.push((Val::String(name), value));
                Some(entries)
            });
            next = self.jiter.next_key()?.map(str::to_owned);
        }
        Ok(entries.map(Val::Map))
    }

    fn record(&mut self, fields: &[Field]) -> Read {
        let members: Vec<_> = fields.iter().map(|field| Member::new(&field.json, &field.ty, &field.docs)).collect();
        let values = self.object(&members, "an object")?;
        Ok(values.map(|values| Val::Record(fields.iter().map(|field| field.name.clone()).zip(values).collect())))
    }

    /// An object with exactly `members`.
    fn object(&mut self, members: &[Member], wanted: &str) -> Result<Option<Vec<Val>>, JiterError> {
        let peek = self.jiter.peek()?;
        if peek != Peek::Object {
            return self.wrong_type(peek, wanted).map(|_| None);
        }
        let mut seen = vec![false; members.len()];
        let mut values: Vec<Option<Val>> = members.iter().map(|_| None).collect();
        let find = |name: &str| match members.iter().position(|member| member.name == name) {
            Some(i) => Ok(i),
            None => Err(name.to_owned()),
        };
        let mut next = self.jiter.known_object()?.map(find);
        while let Some(found) = next {
            match found {
                Ok(i) => {
                    let Member { name, ty, docs } = members[i];
                    self.faults.enter(Step::Name(name.to_owned()));
                    let value = match docs {
                        _ if std::mem::replace(&mut seen[i], true) => self.twice(),
                        Some(docs) => self.ruled(ty, docs),
                        None => self.any(ty),
                    };
                    self.faults.leave();
                    values[i] = value?;
                }
                Err(unknown) => {
                    let known: Vec<_> = members.iter().map(|member| member.name).collect();
                    self.unknown_member(&unknown, &known);
                    self.jiter.next_skip()?;
                }
            }
            next = self.jiter.next_key()?.map(find);
        }
        for (i, Member { name, ty, docs }) in members.iter().enumerate() {
            if !seen[i] {
                values[i] = docs.and_then(|docs| absent(ty, docs));
                if values[i].is_none() {
                    self.faults.add_at(name, "missing", format!("missing, wanted {}", article(ty)));
                }
            }
        }
        Ok(values.into_iter().collect())
    }

    fn variant(&mut self, cases: &[Case], peek: Peek) -> Read {
        if peek != Peek::Object {
            return self.wrong_type(peek, "an object with the member `tag`");
        }
        let mut case: Option<Option<&Case>> = None;
        let mut payload: Option<Option<Val>> = None;
        // A payload in front of its tag is skipped, and read when the tag is known.
        let mut skipped: Option<&'j [u8]> = None;
        let mut has_val = false;
        let mut next = self.jiter.known_object()?.map(str::to_owned);
        while let Some(name) = next {
            match name.as_str() {
                "tag" if case.is_some() => {
                    self.faults.within(Step::Name(name), |faults| faults.add("duplicate", TWICE));
                    self.jiter.next_skip()?;
                }
                "tag" => {
                    self.faults.enter(Step::Name(name));
                    let tag = self.tag(cases);
                    self.faults.leave();
                    case = Some(tag?);
                }
                "val" if std::mem::replace(&mut has_val, true) => {
                    self.faults.within(Step::Name(name), |faults| faults.add("duplicate", TWICE));
                    self.jiter.next_skip()?;
                }
                "val" => match case {
                    Some(Some(Case { ty: Some(ty), docs, .. })) => {
                        self.faults.enter(Step::Name(name));
                        let value = self.ruled(ty, docs);
                        self.faults.leave();
                        payload = Some(value?);
                    }
                    _ => {
                        self.jiter.peek()?;
                        let start = self.jiter.current_index();
                        self.jiter.next_skip()?;
                        skipped = Some(self.jiter.slice_to_current(start));
                    }
                },
                _ => {
                    self.unknown_member(&name, &["tag", "val"]);
                    self.jiter.next_skip()?;
                }
            }
            next = self.jiter.next_key()?.map(str::to_owned);
        }
        let Some(case) = case else {
            self.faults.add_at("tag", "missing", "missing, wanted the name of a case");
            return Ok(None);
        };
        let Some(case) = case else { return Ok(None) };
        match (&case.ty, payload, skipped) {
            (None, _, None) => Ok(Some(Val::Variant(case.name.clone(), None))),
            (None, _, Some(_)) => {
                self.faults.add_at("val", "unknown_member", format!("the case `{}` has no `val`", case.name));
                Ok(None)
            }
            (Some(_), Some(value), _) => Ok(value.map(|value| Val::Variant(case.name.clone(), Some(Box::new(value))))),
            (Some(ty), None, Some(json)) => {
                // It was skipped as well-formed, so an error in it has no place of its own in the text.
                self.faults.enter(Step::Name("val".into()));
                let mut inner = Reader::new(json, self.faults);
                let value = inner.ruled(ty, &case.docs);
                self.faults.leave();
                Ok(value?.map(|value| Val::Variant(case.name.clone(), Some(Box::new(value)))))
            }
            (Some(ty), None, None) => {
                let value = absent(ty, &case.docs);
                if value.is_none() {
                    self.faults.add_at("val", "missing", format!("missing, wanted {}", article(ty)));
                }
                Ok(value.map(|value| Val::Variant(case.name.clone(), Some(Box::new(value)))))
            }
        }
    }

    fn tag<'c>(&mut self, cases: &'c [Case]) -> Result<Option<&'c Case>, JiterError> {
        let peek = self.jiter.peek()?;
        if peek != Peek::String {
            return self.wrong_type(peek, "a string").map(|_| None);
        }
        let case = scalar::case(cases, self.jiter.known_str()?);
        Ok(case.map_err(|(kind, msg)| self.faults.add(kind, msg)).ok())
    }

    fn flags(&mut self, cases: &[Case], peek: Peek) -> Read {
        if peek != Peek::Array {
            return self.wrong_type(peek, "an array of strings");
        }
        let mut set = FlagSet::new(cases);
        let mut fits = true;
        let mut index = 0;
        let mut next = self.jiter.known_array()?;
        while let Some(peek) = next {
            self.faults.enter(Step::Index(index));
            let added = if peek == Peek::String {
                let added = set.add(self.jiter.known_str()?);
                added.map_err(|(kind, msg)| self.faults.add(kind, msg)).is_ok()
            } else {
                self.wrong_type(peek, "a string")?.is_some()
            };
            self.faults.leave();
            fits &= added;
            index += 1;
            next = self.jiter.array_step()?;
        }
        Ok(fits.then(|| set.value()))
    }

    /// The items of an array, all of type `ty`.
    fn items(&mut self, peek: Peek, wanted: &str, ty: &Type) -> Result<Option<Vec<Val>>, JiterError> {
        self.items_by_index(peek, wanted, |_| Some(ty), None)
    }

    /// Exactly `len` items.
    fn exact_items<'t>(
        &mut self,
        peek: Peek,
        len: usize,
        ty: impl Fn(usize) -> Option<&'t Type>,
    ) -> Result<Option<Vec<Val>>, JiterError> {
        self.items_by_index(peek, "an array", ty, Some(len))
    }

    /// Items without a type are too many: they are skipped.
    fn items_by_index<'t>(
        &mut self,
        peek: Peek,
        wanted: &str,
        ty: impl Fn(usize) -> Option<&'t Type>,
        len: Option<usize>,
    ) -> Result<Option<Vec<Val>>, JiterError> {
        if peek != Peek::Array {
            return self.wrong_type(peek, wanted).map(|_| None);
        }
        let mut items = Some(Vec::new());
        let mut count = 0;
        let mut next = self.jiter.known_array()?;
        while next.is_some() {
            match ty(count) {
                Some(ty) => {
                    self.faults.enter(Step::Index(count));
                    let item = self.any(ty);
                    self.faults.leave();
                    items = item?.and_then(|item| {
                        let mut items = items?;
                        items.push(item);
                        Some(items)
                    });
                }
                None => self.jiter.next_skip()?,
            }
            count += 1;
            next = self.jiter.array_step()?;
        }
        if let Some(len) = len
            && len != count
        {
            self.faults.add("length", format!("{count} items, wanted {len}"));
            return Ok(None);
        }
        Ok(items)
    }

    fn twice(&mut self) -> Read {
        self.faults.add("duplicate", TWICE);
        self.jiter.next_skip()?;
        Ok(None)
    }

    fn unknown_member(&mut self, name: &str, known: &[&str]) {
        unknown_member(self.faults, name, known);
    }

    fn judged(&mut self, value: Result<Val, Broken>) -> Option<Val> {
        value.map_err(|(kind, msg)| self.faults.add(kind, msg)).ok()
    }

    fn wrong_type(&mut self, peek: Peek, wanted: &str) -> Read {
        let found = match peek {
            Peek::Null => "null",
            Peek::True | Peek::False => "a boolean",
            Peek::String => "a string",
            Peek::Array => "an array",
            Peek::Object => "an object",
            _ => "a number",
        };
        // Skipped first: what is no JSON at all is not also of the wrong type.
        self.jiter.known_skip(peek)?;
        self.faults.add("type", format!("found {found}, wanted {wanted}"));
        Ok(None)
    }
}

/// What stands for a value that is not there, if anything does.
pub fn absent(ty: &Type, docs: &Docs) -> Option<Val> {
    match ty.absent(docs) {
        Absent::Fault => None,
        Absent::None => Some(Val::Option(None)),
        // It was read at load, too, and was of its type.
        Absent::Default(json) => Reader::new(json.as_bytes(), &mut Faults::default()).value(ty, docs).ok().flatten(),
    }
}

/// Records that the object where the walk is has a member that is none of `known`.
pub fn unknown_member(faults: &mut Faults, name: &str, known: &[&str]) {
    // The search for the nearest name is dear, and a body can have very many.
    if faults.is_full() {
        return faults.add("unknown_member", "");
    }
    let wanted = match scalar::nearest(name, known) {
        _ if known.is_empty() => "no members at all".into(),
        Some(nearest) => format!("only {}; did you mean `{nearest}`?", scalar::listed(known)),
        None => format!("only {}", scalar::listed(known)),
    };
    faults.add_at(name, "unknown_member", format!("unknown member, wanted {wanted}"));
}

const TWICE: &str = "given twice, wanted once";

fn is_number(peek: Peek) -> bool {
    !matches!(peek, Peek::Null | Peek::True | Peek::False | Peek::String | Peek::Array | Peek::Object)
}

/// What a missing value of that type would have been.
pub fn article(ty: &Type) -> String {
    match ty.resolved() {
        Type::Scalar(Scalar::Bool) => "a boolean".into(),
        Type::Scalar(Scalar::String) => "a string".into(),
        Type::Scalar(Scalar::Char) => "a string of one character".into(),
        Type::Scalar(scalar) if scalar.integer_range().is_some() => format!("an integer ({})", scalar.name()),
        Type::Scalar(scalar) => format!("a number ({})", scalar.name()),
        Type::Bytes => "a base64 string".into(),
        Type::List(_) | Type::FixedList(..) | Type::Tuple(_) => "an array".into(),
        Type::Option(_) => "a value or null".into(),
        Type::Result(..) => "an object with either `ok` or `err`".into(),
        Type::Map(key, _) if schema::is_string(key) => "an object".into(),
        Type::Map(..) => "an array of [key, value] pairs".into(),
        Type::Named(named) => match &named.shape {
            Shape::Record(_) => "an object".into(),
            Shape::Variant(cases) if schema::has_payload(cases) => "an object with the member `tag`".into(),
            Shape::Flags(_) => "an array of strings".into(),
            _ => "a string".into(),
        },
    }
}
