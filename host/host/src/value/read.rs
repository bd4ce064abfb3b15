//! JSON text → a component value, in one pass, driven by its type. Every fault is recorded and the walk goes on;
//! only text that is no JSON ends it.

use std::collections::HashSet;

use jiter::{Jiter, JiterError, JiterErrorType, Peek};

use super::{
    Faults, Image, Step, rules,
    scalar::{self, FlagSet},
};
use crate::contract::{
    Absent, Case, Docs, Layout, Named, Scalar, Shape, Type, layout::offsets, rules::BrokenRule, schema,
};

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
    /// Where its value goes.
    pub at: usize,
}

impl<'t> Member<'t> {
    /// A member that may be missing where its type or its documentation says so.
    pub fn new(name: &'t str, ty: &'t Type, docs: &'t Docs, at: usize) -> Self {
        Member { name, ty, docs: Some(docs), at }
    }
}

/// Whether a value was read; if not, it had a fault, which is recorded then.
type Read = Result<bool, JiterError>;

/// Reads the whole text as one value of type `ty` that keeps the rules of `docs`, of `limit` bytes at most. It stands at 0
/// in the image. `None`: there is a fault.
///
/// # Errors
///
/// The text is no JSON.
pub fn image(
    json: &[u8],
    ty: &Type,
    docs: &Docs,
    faults: &mut Faults,
    limit: usize,
) -> Result<Option<Image>, Malformed> {
    let mut image = Image::new(Layout::of(ty), limit);
    let is_read = Reader::new(json, faults, &mut image).value(ty, docs, 0)?;
    if is_read && image.is_too_large() {
        faults.add("max_bytes", format!("its value takes more than {limit} bytes"));
        return Ok(None);
    }
    Ok(is_read.then_some(image))
}

/// Reads one JSON text into an [`Image`].
pub struct Reader<'j, 'f> {
    json: &'j [u8],
    jiter: Jiter<'j>,
    faults: &'f mut Faults,
    image: &'f mut Image,
}

impl<'j, 'f> Reader<'j, 'f> {
    pub fn new(json: &'j [u8], faults: &'f mut Faults, image: &'f mut Image) -> Self {
        Reader { json, jiter: Jiter::new(json), faults, image }
    }

    /// Reads the whole text as one value of type `ty`, at `at`, that keeps the rules of `docs`.
    ///
    /// # Errors
    ///
    /// The text is no JSON.
    pub fn value(mut self, ty: &Type, docs: &Docs, at: usize) -> Result<bool, Malformed> {
        let read = self.ruled(ty, docs, at).and_then(|value| self.jiter.finish().map(|()| value));
        read.map_err(|error| self.malformed(&error))
    }

    /// Reads the whole text as one object with exactly `members`.
    ///
    /// # Errors
    ///
    /// The text is no JSON.
    pub fn members(mut self, members: &[Member]) -> Result<bool, Malformed> {
        let read = self.object(members.len(), |i| members[i], "an object");
        let read = read.and_then(|is_read| self.jiter.finish().map(|()| is_read));
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
    fn ruled(&mut self, ty: &Type, docs: &Docs, at: usize) -> Read {
        let Some(rules) = docs.keywords.rules.as_deref() else { return self.any(ty, at) };
        self.jiter.peek()?;
        let start = self.jiter.current_index();
        if !self.any(ty, at)? {
            return Ok(false);
        }
        let text = std::str::from_utf8(self.jiter.slice_to_current(start)).unwrap_or_default().trim_ascii();
        // Where the image has no room for its values, none of them is used.
        let broken = self.image.look(at, ty, |value| rules::check([rules], ty, value, text)).and_then(Result::ok);
        Ok(self.faults.keeping((), broken.unwrap_or_default()).is_some())
    }

    fn any(&mut self, ty: &Type, at: usize) -> Read {
        let peek = self.jiter.peek()?;
        match ty {
            Type::Scalar(Scalar::Bool) => {
                if peek != Peek::True && peek != Peek::False {
                    return self.wrong_type(peek, "a boolean");
                }
                let value = self.jiter.known_bool(peek)?;
                self.image.put(at, [value.into()]);
                Ok(true)
            }
            Type::Scalar(scalar) if !matches!(scalar, Scalar::String | Scalar::Char) => {
                if !is_number(peek) {
                    let kind = if scalar.integer_range().is_some() { "an integer" } else { "a number" };
                    return self.wrong_type(peek, &format!("{kind} ({})", scalar.name()));
                }
                let text = std::str::from_utf8(self.jiter.known_number_bytes(peek)?).unwrap_or_default();
                let value = scalar::from_number(*scalar, text, self.image, at);
                Ok(self.judged(value))
            }
            Type::Scalar(_) => self.string(ty, peek, "a string", at),
            Type::Bytes => self.string(ty, peek, "a base64 string", at),
            Type::List(item) => self.items(peek, "an array", item, at),
            Type::FixedList(item, len) => {
                let (len, size) = (*len as usize, Layout::of(item).bytes());
                let place = |i: usize| (i < len).then(|| (item.as_ref(), at.saturating_add(i.saturating_mul(size))));
                self.exact_items(peek, len, place)
            }
            Type::Tuple(types) => {
                let offsets: Vec<_> = offsets(types.iter()).collect();
                self.exact_items(peek, types.len(), |i| Some((types.get(i)?, at.saturating_add(offsets[i]))))
            }
            Type::Option(some) => self.option(ty, some, peek, at),
            Type::Result(ok, err) => self.result(ty, ok.as_deref(), err.as_deref(), peek, at),
            Type::Map(key, value) => self.map(key, value, peek, at),
            Type::Named(named) => match &named.shape {
                Shape::Alias(target) => self.ruled(target, &named.docs, at),
                Shape::Enum(_) => self.string(ty, peek, "a string", at),
                Shape::Variant(cases) if schema::has_payload(cases) => self.variant(named, cases, peek, at),
                Shape::Variant(_) => self.string(ty, peek, "a string", at),
                Shape::Flags(cases) => self.flags(ty, cases, peek, at),
                Shape::Record(fields) => {
                    let offsets = &named.offsets;
                    let member = |i: usize| {
                        let field = &fields[i];
                        Member::new(&field.json, &field.ty, &field.docs, at.saturating_add(offsets[i]))
                    };
                    self.object(fields.len(), member, "an object")
                }
            },
        }
    }

    fn string(&mut self, ty: &Type, peek: Peek, expected: &str, at: usize) -> Read {
        if peek != Peek::String {
            return self.wrong_type(peek, expected);
        }
        let value = scalar::from_string(ty, self.jiter.known_str()?, self.image, at);
        Ok(value.is_some_and(|value| self.judged(value)))
    }

    fn option(&mut self, ty: &Type, some: &Type, peek: Peek, at: usize) -> Read {
        if peek == Peek::Null {
            self.jiter.known_null()?;
            self.image.none(at);
            return Ok(true);
        }
        let inner = self.image.some(at, ty);
        if some.is_option() {
            // `null` is taken by the outer one, so the inner one stands in an object.
            let member = Member { name: "some", ty: some, docs: None, at: inner };
            self.object(1, |_| member, "null or an object with the member `some`")
        } else {
            self.any(some, inner)
        }
    }

    fn result(&mut self, whole: &Type, ok: Option<&Type>, err: Option<&Type>, peek: Peek, at: usize) -> Read {
        const EITHER: &str = "an object with either `ok` or `err`";
        if peek != Peek::Object {
            return self.wrong_type(peek, EITHER);
        }
        let mut found = None;
        let mut count = 0;
        let mut key = self.jiter.known_object()?.map(str::to_owned);
        while let Some(name) = key {
            count += 1;
            let arm = match name.as_str() {
                "ok" => Some((0, ok)),
                "err" => Some((1, err)),
                _ => None,
            };
            match arm {
                Some((tag, ty)) if count == 1 => {
                    self.faults.enter_name(&name);
                    self.image.put(at, [tag]);
                    let is_read = match ty {
                        Some(ty) => self.any(ty, at.saturating_add(Layout::of(whole).payload())),
                        None => self.null(),
                    };
                    self.faults.leave();
                    found = Some(is_read?);
                }
                Some(_) => {
                    self.faults.add_at(
                        &name,
                        "one_of",
                        format!("expected {EITHER}, found `{name}` beside another member"),
                    );
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
            self.faults.add("one_of", format!("expected {EITHER}, found neither"));
        }
        Ok(found.unwrap_or(false))
    }

    fn null(&mut self) -> Read {
        let peek = self.jiter.peek()?;
        if peek != Peek::Null {
            return self.wrong_type(peek, "null");
        }
        self.jiter.known_null().map(|()| true)
    }

    fn map(&mut self, key: &Type, value: &Type, peek: Peek, at: usize) -> Read {
        if !schema::is_string(key) {
            let pair = Type::Tuple([key.clone(), value.clone()].into());
            return self.items(peek, "an array of [key, value] pairs", &pair, at);
        }
        if peek != Peek::Object {
            return self.wrong_type(peek, "an object");
        }
        let entry = [key, value];
        let of_value = offsets(entry.into_iter()).nth(1).unwrap_or_default();
        let mut list = self.image.list(Layout::record(entry.into_iter()));
        let mut fits = true;
        // To look at all keys so far is faster than to have a set of them, while they are few.
        let mut seen: HashSet<String> = HashSet::new();
        let mut next = self.jiter.known_object()?;
        while let Some(name) = next {
            let is_new = match list.count {
                0..FEW_KEYS => !self.image.has_key(&list, name),
                count => {
                    if count == FEW_KEYS {
                        seen.extend(self.image.keys(&list));
                    }
                    seen.insert(name.to_owned())
                }
            };
            self.faults.enter(Step::name(name));
            let item = self.image.item(&mut list);
            self.image.text(item, name);
            let read = if is_new { self.any(value, item.saturating_add(of_value)) } else { self.twice() };
            self.faults.leave();
            fits &= read?;
            next = self.jiter.next_key()?;
        }
        self.image.close(at, list);
        Ok(fits)
    }

    /// An object with exactly so many members.
    fn object<'t>(&mut self, count: usize, member: impl Fn(usize) -> Member<'t>, expected: &str) -> Read {
        let peek = self.jiter.peek()?;
        if peek != Peek::Object {
            return self.wrong_type(peek, expected);
        }
        let mut few = [false; 32];
        let mut many = vec![];
        let seen = match few.get_mut(..count) {
            Some(few) => few,
            None => {
                many.resize(count, false);
                &mut many[..]
            }
        };
        let mut fits = true;
        // Members mostly come in their order.
        let mut likely = 0;
        let mut find = |name: &str| {
            let found = (likely..count).chain(0..likely).find(|i| member(*i).name == name);
            likely = found.map_or(likely, |i| i + 1);
            found.ok_or_else(|| name.to_owned())
        };
        let mut next = self.jiter.known_object()?.map(&mut find);
        while let Some(found) = next {
            match found {
                Ok(i) => {
                    let Member { name, ty, docs, at } = member(i);
                    self.faults.enter_name(name);
                    let is_read = match docs {
                        _ if std::mem::replace(&mut seen[i], true) => self.twice(),
                        Some(docs) => self.ruled(ty, docs, at),
                        None => self.any(ty, at),
                    };
                    self.faults.leave();
                    fits &= is_read?;
                }
                Err(unknown) => {
                    let known: Vec<_> = (0..count).map(|i| member(i).name).collect();
                    self.unknown_member(&unknown, &known);
                    self.jiter.next_skip()?;
                }
            }
            next = self.jiter.next_key()?.map(&mut find);
        }
        for (i, _) in seen.iter().enumerate().filter(|(_, seen)| !**seen) {
            let Member { name, ty, docs, at } = member(i);
            if !docs.is_some_and(|docs| absent(ty, docs, self.image, at)) {
                self.faults.add_at(name, "missing", format!("missing, expected {}", article(ty)));
                fits = false;
            }
        }
        Ok(fits)
    }

    fn variant(&mut self, named: &Named, cases: &[Case], peek: Peek, at: usize) -> Read {
        if peek != Peek::Object {
            return self.wrong_type(peek, "an object with the member `tag`");
        }
        let of_payload = at.saturating_add(named.layout.payload());
        let mut case: Option<Option<&Case>> = None;
        let mut payload: Option<bool> = None;
        // A payload in front of its tag is skipped, and read when the tag is known.
        let mut skipped: Option<&'j [u8]> = None;
        let mut has_val = false;
        let mut next = self.jiter.known_object()?;
        while let Some(name) = next {
            match name {
                "tag" if case.is_some() => {
                    self.faults.within(Step::name(name), |faults| faults.add("duplicate", TWICE));
                    self.jiter.next_skip()?;
                }
                "tag" => {
                    self.faults.enter_name(name);
                    let tag = self.tag(cases);
                    self.faults.leave();
                    let tag = tag?;
                    if let Some((index, _)) = tag {
                        self.image.case(at, cases.len(), index);
                    }
                    case = Some(tag.map(|(_, case)| case));
                }
                "val" if std::mem::replace(&mut has_val, true) => {
                    self.faults.within(Step::name(name), |faults| faults.add("duplicate", TWICE));
                    self.jiter.next_skip()?;
                }
                "val" => match case {
                    Some(Some(Case { ty: Some(ty), docs, .. })) => {
                        self.faults.enter_name(name);
                        let is_read = self.ruled(ty, docs, of_payload);
                        self.faults.leave();
                        payload = Some(is_read?);
                    }
                    _ => {
                        self.jiter.peek()?;
                        let start = self.jiter.current_index();
                        self.jiter.next_skip()?;
                        skipped = Some(self.jiter.slice_to_current(start));
                    }
                },
                _ => {
                    let name = name.to_owned();
                    self.unknown_member(&name, &["tag", "val"]);
                    self.jiter.next_skip()?;
                }
            }
            next = self.jiter.next_key()?;
        }
        let Some(case) = case else {
            self.faults.add_at("tag", "missing", "missing, expected the name of a case");
            return Ok(false);
        };
        let Some(case) = case else { return Ok(false) };
        match (&case.ty, payload, skipped) {
            (None, _, None) => Ok(true),
            (None, _, Some(_)) => {
                self.faults.add_at("val", "unknown_member", format!("the case `{}` has no `val`", case.name));
                Ok(false)
            }
            (Some(_), Some(is_read), _) => Ok(is_read),
            (Some(ty), None, Some(json)) => {
                // It was skipped as well-formed, so an error in it has no place of its own in the text.
                self.faults.enter_name("val");
                let is_read = Reader::new(json, self.faults, self.image).ruled(ty, &case.docs, of_payload);
                self.faults.leave();
                is_read
            }
            (Some(ty), None, None) => {
                let is_read = absent(ty, &case.docs, self.image, of_payload);
                if !is_read {
                    self.faults.add_at("val", "missing", format!("missing, expected {}", article(ty)));
                }
                Ok(is_read)
            }
        }
    }

    fn tag<'c>(&mut self, cases: &'c [Case]) -> Result<Option<(usize, &'c Case)>, JiterError> {
        let peek = self.jiter.peek()?;
        if peek != Peek::String {
            return self.wrong_type(peek, "a string").map(|_| None);
        }
        let case = scalar::case(cases, self.jiter.known_str()?);
        Ok(case.map_err(|(kind, msg)| self.faults.add(kind, msg)).ok())
    }

    fn flags(&mut self, ty: &Type, cases: &[Case], peek: Peek, at: usize) -> Read {
        if peek != Peek::Array {
            return self.wrong_type(peek, "an array of strings");
        }
        let mut set = FlagSet::new(cases);
        let mut fits = true;
        let mut index = 0;
        let mut next = self.jiter.known_array()?;
        while let Some(peek) = next {
            self.faults.enter_index(index);
            let added = if peek == Peek::String {
                let added = set.add(self.jiter.known_str()?);
                added.map_err(|(kind, msg)| self.faults.add(kind, msg)).is_ok()
            } else {
                self.wrong_type(peek, "a string")?
            };
            self.faults.leave();
            fits &= added;
            index += 1;
            next = self.jiter.array_step()?;
        }
        set.write(ty, self.image, at);
        Ok(fits)
    }

    /// A list: the items of an array, all of type `ty`.
    fn items(&mut self, peek: Peek, expected: &str, ty: &Type, at: usize) -> Read {
        if peek != Peek::Array {
            return self.wrong_type(peek, expected);
        }
        let mut list = self.image.list(Layout::of(ty));
        let mut fits = true;
        let mut count = 0;
        let mut next = self.jiter.known_array()?;
        while next.is_some() {
            let item = self.image.item(&mut list);
            self.faults.enter_index(count);
            let is_read = self.any(ty, item);
            self.faults.leave();
            fits &= is_read?;
            count += 1;
            next = self.jiter.array_step()?;
        }
        self.image.close(at, list);
        Ok(fits)
    }

    /// Exactly `len` items, each with its type and its place. Those without are too many: they are skipped.
    fn exact_items<'t>(&mut self, peek: Peek, len: usize, place: impl Fn(usize) -> Option<(&'t Type, usize)>) -> Read {
        if peek != Peek::Array {
            return self.wrong_type(peek, "an array");
        }
        let mut fits = true;
        let mut count = 0;
        let mut next = self.jiter.known_array()?;
        while next.is_some() {
            match place(count) {
                Some((ty, at)) => {
                    self.faults.enter_index(count);
                    let is_read = self.any(ty, at);
                    self.faults.leave();
                    fits &= is_read?;
                }
                None => self.jiter.next_skip()?,
            }
            count += 1;
            next = self.jiter.array_step()?;
        }
        if len != count {
            self.faults.add("length", format!("expected {len} items, found {count}"));
            return Ok(false);
        }
        Ok(fits)
    }

    fn twice(&mut self) -> Read {
        self.faults.add("duplicate", TWICE);
        self.jiter.next_skip()?;
        Ok(false)
    }

    fn unknown_member(&mut self, name: &str, known: &[&str]) {
        unknown_member(self.faults, name, known);
    }

    fn judged(&mut self, value: Result<(), BrokenRule>) -> bool {
        value.map_err(|(kind, msg)| self.faults.add(kind, msg)).is_ok()
    }

    fn wrong_type(&mut self, peek: Peek, expected: &str) -> Read {
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
        self.faults.add("type", format!("expected {expected}, found {found}"));
        Ok(false)
    }
}

/// Writes what stands for a value that is not there, if anything does.
pub fn absent(ty: &Type, docs: &Docs, image: &mut Image, at: usize) -> bool {
    match ty.absent(docs) {
        Absent::Fault => false,
        Absent::None => {
            image.none(at);
            true
        }
        // It was read at load, too, and was of its type.
        Absent::Default(json) => {
            Reader::new(json.as_bytes(), &mut Faults::default(), image).value(ty, docs, at).unwrap_or(false)
        }
    }
}

/// Records that the object where the walk is has a member that is none of `known`.
pub fn unknown_member(faults: &mut Faults, name: &str, known: &[&str]) {
    // The search for the nearest name is dear, and a body can have very many.
    if faults.is_full() {
        return faults.add("unknown_member", "");
    }
    let expected = match scalar::nearest(name, known) {
        _ if known.is_empty() => "an empty object".into(),
        Some(nearest) => format!("one of {}; did you mean `{nearest}`?", scalar::listed(known)),
        None => format!("one of {}", scalar::listed(known)),
    };
    faults.add_at(name, "unknown_member", format!("unknown member, expected {expected}"));
}

const TWICE: &str = "expected once, found twice";

/// Keys of a map that are looked at one by one.
const FEW_KEYS: usize = 16;

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
