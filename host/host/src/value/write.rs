//! A component value → JSON text, driven by its type, straight into the response body.

use std::{collections::HashMap, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    rules,
    view::{Parts, Source, Unreadable, View},
};
use crate::contract::{Case, Docs, Field, Shape, Type, schema};

/// Why a value has no JSON. The fault is the guest's, so clients see none of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    #[error("the result holds {found} at `{path}`, which JSON cannot express")]
    NotFinite { path: String, found: String },
    #[error("the result is larger than {limit} bytes of JSON; `result_kib` sets the limit")]
    TooLarge { limit: usize },
    #[error("the result violates its contract at `{path}`: {broken}")]
    BrokenRule { path: String, broken: String },
    #[error("the error's member `status`: expected a number from 400 to 599, found {found}")]
    Status { found: u16 },
    /// Not even a value.
    #[error("the result at `{path}` cannot be read: {found}")]
    Unreadable { path: String, found: Unreadable },
}

impl From<Unreadable> for Unwritable {
    fn from(found: Unreadable) -> Self {
        Unwritable::Unreadable { path: String::new(), found }
    }
}

impl Unwritable {
    /// The same, found one step further down. Paths are put together on the way back, where they cost nothing
    /// as long as all goes well.
    fn at(mut self, step: &str) -> Self {
        if let Unwritable::NotFinite { path, .. }
        | Unwritable::BrokenRule { path, .. }
        | Unwritable::Unreadable { path, .. } = &mut self
        {
            path.insert_str(0, step);
        }
        self
    }
}

fn at_index(index: usize) -> impl Fn(Unwritable) -> Unwritable {
    move |error| error.at(&format!("[{index}]"))
}

/// Appends the JSON of `value` to `out`, which may grow to `limit` bytes.
///
/// # Errors
///
/// See [`Unwritable`]; `out` holds a part of the text then.
pub fn write<'v>(out: &mut Vec<u8>, ty: &Type, value: impl Source<'v>, limit: usize) -> Result<(), Unwritable> {
    Writer { out, limit }.any(ty, value)?;
    if out.len() > limit { Err(Unwritable::TooLarge { limit }) } else { Ok(()) }
}

/// For values of which nothing is said.
static NO_DOCS: LazyLock<Docs> = LazyLock::new(Docs::default);

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
}

impl Writer<'_> {
    /// A value that has to keep the rules of its type, and those of `docs`, the place where it stands.
    fn ruled<'v>(&mut self, ty: &Type, docs: &Docs, value: impl Source<'v>) -> Result<(), Unwritable> {
        let start = self.out.len();
        self.plain(ty, value)?;
        let mut rules = docs.keywords.rules.as_deref().into_iter().chain(ty.rules()).peekable();
        if rules.peek().is_none() {
            return Ok(());
        }
        let text = std::str::from_utf8(&self.out[start..]).unwrap_or_default();
        match rules::check(rules, ty, value, text)?.into_iter().next() {
            Some((_, broken)) => Err(Unwritable::BrokenRule { path: String::new(), broken }),
            None => Ok(()),
        }
    }

    fn any<'v>(&mut self, ty: &Type, value: impl Source<'v>) -> Result<(), Unwritable> {
        match ty {
            Type::Named(_) => self.ruled(ty, &NO_DOCS, value),
            _ => self.plain(ty, value),
        }
    }

    fn plain<'v, S: Source<'v>>(&mut self, ty: &Type, value: S) -> Result<(), Unwritable> {
        if self.out.len() > self.limit {
            return Err(Unwritable::TooLarge { limit: self.limit });
        }
        let ty = ty.resolved();
        match (ty, value.view(ty)?) {
            (_, View::Bool(value)) => self.raw(if value { b"true" } else { b"false" }),
            (_, View::Unsigned(value)) => self.number(&value),
            (_, View::Signed(value)) => self.number(&value),
            (_, View::F32(value)) if value.is_finite() => self.number(&value),
            (_, View::F64(value)) if value.is_finite() => self.number(&value),
            (_, View::F32(value)) => return Err(not_finite(&value)),
            (_, View::F64(value)) => return Err(not_finite(&value)),
            (_, View::Char(value)) => self.string(value.encode_utf8(&mut [0; 4])),
            (_, View::Text(value)) => {
                self.fits(value.len())?;
                self.string(&value);
            }
            (_, View::Bytes(bytes)) => {
                self.fits(bytes.len())?;
                self.string(&STANDARD.encode(&bytes));
            }
            (Type::List(item), View::List(count, items)) => self.array::<S>(item, count, items)?,
            (Type::FixedList(item, count), View::Members(items)) => self.array::<S>(item, *count as usize, items)?,
            (Type::Tuple(types), View::Members(mut items)) => {
                self.raw(b"[");
                for (i, ty) in types.iter().enumerate() {
                    self.separated(i);
                    let item = items.next(ty)?;
                    self.any(ty, item).map_err(at_index(i))?;
                }
                self.raw(b"]");
            }
            (Type::Option(_), View::Option(None)) => self.raw(b"null"),
            (Type::Option(some), View::Option(Some(value))) => {
                if some.is_option() {
                    self.raw(b"{\"some\":");
                    self.any(some, value)?;
                    self.raw(b"}");
                } else {
                    self.any(some, value)?;
                }
            }
            (Type::Result(ok, err), View::Result(value)) => {
                let (name, ty, value) = match value {
                    Ok(value) => ("ok", ok, value),
                    Err(value) => ("err", err, value),
                };
                self.raw(b"{");
                match (ty, value) {
                    (Some(ty), Some(value)) => self.member(name, ty, &NO_DOCS, value)?,
                    _ => {
                        self.string(name);
                        self.raw(b":null");
                    }
                }
                self.raw(b"}");
            }
            (Type::Map(key, ty), View::List(count, entries)) if schema::is_string(key) => {
                self.object::<S>(key, ty, count, entries)?;
            }
            (Type::Map(key, ty), View::List(count, mut entries)) => {
                self.raw(b"[");
                for i in 0..count {
                    self.raw(if i > 0 { b",[" } else { b"[" });
                    self.any(key, entries.next(key)?).map_err(at_index(i))?;
                    self.raw(b",");
                    self.any(ty, entries.next(ty)?).map_err(at_index(i))?;
                    self.raw(b"]");
                }
                self.raw(b"]");
            }
            (Type::Named(named), view) => self.shaped(&named.shape, view)?,
            _ => return Err(Unreadable::MISMATCH.into()),
        }
        Ok(())
    }

    fn shaped<'v, S: Source<'v>>(&mut self, shape: &Shape, view: View<'v, S>) -> Result<(), Unwritable> {
        match (shape, view) {
            (Shape::Record(fields), View::Members(mut members)) => {
                self.raw(b"{");
                for (i, Field { json, ty, docs, .. }) in fields.iter().enumerate() {
                    self.separated(i);
                    self.member(json, ty, docs, members.next(ty)?)?;
                }
                self.raw(b"}");
            }
            (Shape::Enum(cases) | Shape::Variant(cases), View::Case(case, payload)) => {
                let is_tagged = schema::has_payload(cases);
                let Case { name, ty, docs } = cases.get(case).ok_or(Unreadable::MISMATCH)?;
                if !is_tagged {
                    self.string(name);
                    return Ok(());
                }
                self.raw(b"{\"tag\":");
                self.string(name);
                if let (Some(ty), Some(payload)) = (ty, payload) {
                    self.raw(b",");
                    self.member("val", ty, docs, payload)?;
                }
                self.raw(b"}");
            }
            (Shape::Flags(cases), View::Flags(set)) => {
                self.raw(b"[");
                let set = (0..32).filter(|i| set >> i & 1 == 1);
                for (i, flag) in set.enumerate() {
                    self.separated(i);
                    self.string(&cases.get(flag).ok_or(Unreadable::MISMATCH)?.name);
                }
                self.raw(b"]");
            }
            _ => return Err(Unreadable::MISMATCH.into()),
        }
        Ok(())
    }

    fn array<'v, S: Source<'v>>(&mut self, ty: &Type, count: usize, mut items: S::Parts) -> Result<(), Unwritable> {
        self.raw(b"[");
        for i in 0..count {
            self.separated(i);
            let item = items.next(ty)?;
            self.any(ty, item).map_err(at_index(i))?;
        }
        self.raw(b"]");
        Ok(())
    }

    /// A map with string keys. A guest may hold a key twice; the last one wins, as the component model has it.
    fn object<'v, S: Source<'v>>(
        &mut self,
        key: &Type,
        ty: &Type,
        count: usize,
        mut items: S::Parts,
    ) -> Result<(), Unwritable> {
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let View::Text(name) = items.next(key)?.view(key)? else { return Err(Unreadable::MISMATCH.into()) };
            entries.push((name, items.next(ty)?));
        }
        // To compare a few names is faster than to have a table of them.
        let last: Option<HashMap<&str, usize>> =
            (count > 16).then(|| entries.iter().enumerate().map(|(i, (name, _))| (name.as_ref(), i)).collect());
        let is_replaced = |i: usize, name: &str| match &last {
            Some(last) => last.get(name) != Some(&i),
            None => entries[i + 1..].iter().any(|(other, _)| other == name),
        };
        self.raw(b"{");
        let mut is_first = true;
        for (i, (name, value)) in entries.iter().enumerate() {
            let start = self.out.len();
            self.separated(usize::from(!is_first));
            // What another one replaces has to be a value, too.
            self.member(name, ty, &NO_DOCS, *value)?;
            if is_replaced(i, name) {
                self.out.truncate(start);
            } else {
                is_first = false;
            }
        }
        self.raw(b"}");
        Ok(())
    }

    fn member<'v>(&mut self, name: &str, ty: &Type, docs: &Docs, value: impl Source<'v>) -> Result<(), Unwritable> {
        self.string(name);
        self.raw(b":");
        self.ruled(ty, docs, value).map_err(|error| error.at(&format!(".{name}")))
    }

    /// A comma, but not in front of the first.
    fn separated(&mut self, index: usize) {
        if index > 0 {
            self.raw(b",");
        }
    }

    /// Whether so many bytes more are not too many.
    fn fits(&self, more: usize) -> Result<(), Unwritable> {
        if self.out.len().saturating_add(more) > self.limit {
            return Err(Unwritable::TooLarge { limit: self.limit });
        }
        Ok(())
    }

    fn raw(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    fn number(&mut self, value: &impl serde::Serialize) {
        // A Vec takes whatever is written, and finite numbers always have a JSON form.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    fn string(&mut self, value: &str) {
        let _ = serde_json::to_writer(&mut *self.out, value);
    }
}

fn not_finite(found: &dyn std::fmt::Display) -> Unwritable {
    Unwritable::NotFinite { path: String::new(), found: found.to_string() }
}
