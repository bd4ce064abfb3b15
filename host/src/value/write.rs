//! A component value → JSON text, driven by its type, straight into the response body.

use std::{collections::HashMap, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use wasmtime::component::Val;

use super::rules;
use crate::contract::{Docs, Field, Shape, Type, schema};

/// Why a value has no JSON. The fault is the guest's, so clients see none of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    #[error("the result holds {found} at `{path}`, which JSON cannot express")]
    NotFinite { path: String, found: String },
    #[error("the result is larger than {limit} bytes of JSON; `result_kib` sets the limit")]
    TooLarge { limit: usize },
    #[error("the result breaks a rule of its documentation at `{path}`: {broken}")]
    BrokenRule { path: String, broken: String },
    /// The component was checked against its contract at load, so this is a fault of the host.
    #[error("the result at `{path}` is not of the type that the contract says")]
    Mismatch { path: String },
}

impl Unwritable {
    /// The same, found one step further down. Paths are put together on the way back, where they cost nothing
    /// as long as all goes well.
    fn at(mut self, step: &str) -> Self {
        if let Unwritable::NotFinite { path, .. }
        | Unwritable::BrokenRule { path, .. }
        | Unwritable::Mismatch { path } = &mut self
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
pub fn write(out: &mut Vec<u8>, ty: &Type, value: &Val, limit: usize) -> Result<(), Unwritable> {
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
    fn ruled(&mut self, ty: &Type, docs: &Docs, value: &Val) -> Result<(), Unwritable> {
        let start = self.out.len();
        self.plain(ty, value)?;
        let mut rules = docs.keywords.rules.as_deref().into_iter().chain(ty.rules()).peekable();
        if rules.peek().is_none() {
            return Ok(());
        }
        let text = std::str::from_utf8(&self.out[start..]).unwrap_or_default();
        match rules::check(rules, value, text).into_iter().next() {
            Some((_, broken)) => Err(Unwritable::BrokenRule { path: String::new(), broken }),
            None => Ok(()),
        }
    }

    fn any(&mut self, ty: &Type, value: &Val) -> Result<(), Unwritable> {
        match ty {
            Type::Named(_) => self.ruled(ty, &NO_DOCS, value),
            _ => self.plain(ty, value),
        }
    }

    fn plain(&mut self, ty: &Type, value: &Val) -> Result<(), Unwritable> {
        if self.out.len() > self.limit {
            return Err(Unwritable::TooLarge { limit: self.limit });
        }
        match (ty.resolved(), value) {
            (_, Val::Bool(value)) => self.raw(if *value { b"true" } else { b"false" }),
            (_, Val::U8(value)) => self.number(value),
            (_, Val::U16(value)) => self.number(value),
            (_, Val::U32(value)) => self.number(value),
            (_, Val::U64(value)) => self.number(value),
            (_, Val::S8(value)) => self.number(value),
            (_, Val::S16(value)) => self.number(value),
            (_, Val::S32(value)) => self.number(value),
            (_, Val::S64(value)) => self.number(value),
            (_, Val::Float32(value)) if value.is_finite() => self.number(value),
            (_, Val::Float64(value)) if value.is_finite() => self.number(value),
            (_, Val::Float32(value)) => return Err(self.not_finite(value)),
            (_, Val::Float64(value)) => return Err(self.not_finite(value)),
            (_, Val::Char(value)) => self.string(value.encode_utf8(&mut [0; 4])),
            (_, Val::String(value)) => self.string(value),
            (_, Val::Enum(name) | Val::Variant(name, None)) if !is_tagged(ty) => self.string(name),
            (Type::Bytes, Val::List(items)) => {
                let bytes = bytes(items).ok_or_else(|| self.mismatch())?;
                self.string(&STANDARD.encode(bytes));
            }
            (Type::List(ty), Val::List(items)) | (Type::FixedList(ty, _), Val::FixedLengthList(items)) => {
                self.array(items.iter().map(|item| (ty.as_ref(), item)))?;
            }
            (Type::Tuple(types), Val::Tuple(items)) => self.array(types.iter().zip(items))?,
            (Type::Option(_), Val::Option(None)) => self.raw(b"null"),
            (Type::Option(some), Val::Option(Some(value))) => {
                if some.is_option() {
                    self.raw(b"{\"some\":");
                    self.any(some, value)?;
                    self.raw(b"}");
                } else {
                    self.any(some, value)?;
                }
            }
            (Type::Result(ok, err), Val::Result(value)) => {
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
            (Type::Map(key, ty), Val::Map(entries)) if schema::is_string(key) => self.object(ty, entries)?,
            (Type::Map(key, ty), Val::Map(entries)) => {
                self.raw(b"[");
                for (i, (name, value)) in entries.iter().enumerate() {
                    self.raw(if i > 0 { b",[" } else { b"[" });
                    self.any(key, name).map_err(at_index(i))?;
                    self.raw(b",");
                    self.any(ty, value).map_err(at_index(i))?;
                    self.raw(b"]");
                }
                self.raw(b"]");
            }
            (Type::Named(named), value) => self.shaped(&named.shape, value)?,
            _ => return Err(self.mismatch()),
        }
        Ok(())
    }

    fn shaped(&mut self, shape: &Shape, value: &Val) -> Result<(), Unwritable> {
        match (shape, value) {
            (Shape::Record(fields), Val::Record(values)) if fields.len() == values.len() => {
                self.raw(b"{");
                for (i, (Field { json, ty, docs, .. }, (_, value))) in fields.iter().zip(values).enumerate() {
                    if i > 0 {
                        self.raw(b",");
                    }
                    self.member(json, ty, docs, value)?;
                }
                self.raw(b"}");
            }
            (Shape::Variant(cases), Val::Variant(name, payload)) => {
                self.raw(b"{\"tag\":");
                self.string(name);
                let case = cases.iter().find(|case| case.name == *name).ok_or_else(|| self.mismatch())?;
                if let (Some(ty), Some(payload)) = (&case.ty, payload) {
                    self.raw(b",");
                    self.member("val", ty, &case.docs, payload)?;
                }
                self.raw(b"}");
            }
            (Shape::Flags(_), Val::Flags(names)) => {
                self.raw(b"[");
                for (i, name) in names.iter().enumerate() {
                    if i > 0 {
                        self.raw(b",");
                    }
                    self.string(name);
                }
                self.raw(b"]");
            }
            _ => return Err(self.mismatch()),
        }
        Ok(())
    }

    fn array<'v>(&mut self, items: impl Iterator<Item = (&'v Type, &'v Val)>) -> Result<(), Unwritable> {
        self.raw(b"[");
        for (i, (ty, item)) in items.enumerate() {
            if i > 0 {
                self.raw(b",");
            }
            self.any(ty, item).map_err(at_index(i))?;
        }
        self.raw(b"]");
        Ok(())
    }

    /// A map with string keys. A guest may hold a key twice; the last one wins, as the component model has it.
    fn object(&mut self, ty: &Type, entries: &[(Val, Val)]) -> Result<(), Unwritable> {
        let mut last = HashMap::with_capacity(entries.len());
        for (i, (key, _)) in entries.iter().enumerate() {
            let Val::String(key) = key else { return Err(self.mismatch()) };
            last.insert(key.as_str(), i);
        }
        self.raw(b"{");
        let mut is_first = true;
        for (i, (key, value)) in entries.iter().enumerate() {
            let Val::String(key) = key else { return Err(self.mismatch()) };
            if last.get(key.as_str()) == Some(&i) {
                if !std::mem::take(&mut is_first) {
                    self.raw(b",");
                }
                self.member(key, ty, &NO_DOCS, value)?;
            }
        }
        self.raw(b"}");
        Ok(())
    }

    fn member(&mut self, name: &str, ty: &Type, docs: &Docs, value: &Val) -> Result<(), Unwritable> {
        self.string(name);
        self.raw(b":");
        self.ruled(ty, docs, value).map_err(|error| error.at(&format!(".{name}")))
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

    fn not_finite(&self, found: &dyn std::fmt::Display) -> Unwritable {
        Unwritable::NotFinite { path: String::new(), found: found.to_string() }
    }

    fn mismatch(&self) -> Unwritable {
        Unwritable::Mismatch { path: String::new() }
    }
}

/// Whether the type is a variant that is written as an object.
fn is_tagged(ty: &Type) -> bool {
    matches!(ty.shape(), Some(Shape::Variant(cases)) if schema::has_payload(cases))
}

/// The bytes of a `list<u8>`; `None` if the value is none.
pub fn bytes(items: &[Val]) -> Option<Vec<u8>> {
    items.iter().map(|item| if let Val::U8(byte) = item { Some(*byte) } else { None }).collect()
}
