//! The types of a contract: WIT's, with names resolved and JSON's member names already chosen.

pub mod layout;

use std::sync::Arc;

use crate::{Docs, layout::Layout, rules::Rules};

/// A WIT type as WitAPI sees it. Structural; cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    Scalar(Scalar),
    /// `list<u8>`: bytes, base64 inside JSON.
    Bytes,
    List(Arc<Type>),
    /// `list<T, N>`
    FixedList(Arc<Type>, u32),
    Tuple(Arc<[Type]>),
    Option(Arc<Type>),
    Result(Option<Arc<Type>>, Option<Arc<Type>>),
    Map(Arc<Type>, Arc<Type>),
    Named(Arc<Named>),
}

/// How the value of a parameter or of a result comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As itself.
    Whole,
    /// `future<T>`: one `T`, later.
    Future,
    /// `stream<T>`: any number of `T`, one after the other.
    Stream,
}

/// The type of a parameter or of a result, without the `stream` or `future` that it comes in.
#[derive(Debug, Clone)]
pub struct Passed {
    pub ty: Type,
    pub delivery: Delivery,
    /// Only the `ok` of the result comes so: the function returns `result<stream<T>, E>`, and `ty` is `result<T, E>`.
    pub in_ok: bool,
}

impl Delivery {
    /// What a message calls `ty` when it comes so, such as `stream<u32>`.
    pub fn describe(self, ty: &Type) -> String {
        match self {
            Delivery::Whole => ty.describe(),
            Delivery::Future => format!("future<{}>", ty.describe()),
            Delivery::Stream => format!("stream<{}>", ty.describe()),
        }
    }
}

impl Passed {
    /// What a message calls it, such as `stream<u32>`.
    pub fn describe(&self) -> String {
        match &self.ty {
            Type::Result(Some(ok), err) if self.in_ok => {
                let err = err.as_ref().map(|err| format!(", {}", err.describe())).unwrap_or_default();
                format!("result<{}{err}>", self.delivery.describe(ok))
            }
            ty => self.delivery.describe(ty),
        }
    }
}

/// What stands for a value that a request leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent<'a> {
    /// Nothing does: it has to be there.
    Fault,
    /// `none`
    None,
    /// This value, as JSON.
    Default(&'a str),
}

impl Absent<'_> {
    /// Whether the value may be left out.
    #[inline]
    pub fn is_allowed(self) -> bool {
        self != Absent::Fault
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
}

/// A type with a name of its own in WIT, and so in the document.
#[derive(Debug, Clone)]
pub struct Named {
    /// The name in WIT, such as `new-todo`.
    pub name: String,
    /// The interface that owns it, such as `example:todos/todos@1.0.0`; empty for a world's own type.
    pub owner: String,
    pub docs: Docs,
    pub shape: Shape,
    /// Of `shape`.
    pub layout: Layout,
    /// Where the members of a record begin, in bytes; empty for other types.
    pub offsets: Box<[usize]>,
}

impl Named {
    /// A type of which nothing is said yet.
    pub fn new(name: String, owner: String, shape: Shape) -> Named {
        let offsets = match &shape {
            Shape::Record(fields) => layout::offsets(fields.iter().map(|field| &field.ty)).collect(),
            _ => Box::default(),
        };
        Named { name, owner, docs: Docs::default(), layout: Layout::of_shape(&shape), offsets, shape }
    }
}

/// The owner is left out: the same type in two interfaces is one schema.
impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.docs == other.docs && self.shape == other.shape
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Record(Vec<Field>),
    Variant(Vec<Case>),
    Enum(Vec<Case>),
    Flags(Vec<Case>),
    Alias(Type),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name in WIT.
    pub name: String,
    /// The name of the JSON member.
    pub json: String,
    pub ty: Type,
    pub docs: Docs,
}

/// A case of a variant or an enum, or one flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub name: String,
    pub ty: Option<Type>,
    pub docs: Docs,
}

impl Type {
    /// The type behind all aliases.
    #[inline]
    pub fn resolved(&self) -> &Type {
        let mut ty = self;
        while let Type::Named(named) = ty
            && let Shape::Alias(target) = &named.shape
        {
            ty = target;
        }
        ty
    }

    /// The shape behind all aliases, if the type is a record, variant, enum or flags.
    #[inline]
    pub fn shape(&self) -> Option<&Shape> {
        match self.resolved() {
            Type::Named(named) => Some(&named.shape),
            _ => None,
        }
    }

    #[inline]
    pub fn is_option(&self) -> bool {
        matches!(self.resolved(), Type::Option(_))
    }

    /// The type behind all aliases, or that of what is in it if it is an option.
    #[inline]
    pub fn in_option(&self) -> &Type {
        match self.resolved() {
            Type::Option(some) => some.resolved(),
            other => other,
        }
    }

    /// What holds where a request leaves out a member, a payload or a parameter of this type, with its documentation.
    /// The one rule that the schema, the reader and the binding all go by.
    #[inline]
    pub fn absent<'a>(&'a self, docs: &'a Docs) -> Absent<'a> {
        let of_aliases = || self.names().find_map(|named| named.docs.keywords.default.as_deref());
        match docs.keywords.default.as_deref().or_else(of_aliases) {
            Some(json) => Absent::Default(json),
            None if self.is_option() => Absent::None,
            None => Absent::Fault,
        }
    }

    /// Whether nothing at all stands for the empty list or no flags, where each item is a word of its own. Unless that breaks
    /// a rule: then it has to be there.
    #[inline]
    pub fn is_empty_if_absent(&self, docs: &Docs) -> bool {
        let mut rules = docs.keywords.rules.as_deref().into_iter().chain(self.rules());
        match self.resolved() {
            Type::List(_) => !rules.any(Rules::refuse_empty),
            _ => matches!(self.shape(), Some(Shape::Flags(_))),
        }
    }

    /// The rules of the aliases on the way to what the type stands for.
    #[inline]
    pub fn rules(&self) -> impl Iterator<Item = &Rules> {
        self.names().filter_map(|named| named.docs.keywords.rules.as_deref())
    }

    /// The status that `@status` gives an error of this type.
    pub fn status(&self) -> Option<u16> {
        self.names().find_map(|named| named.docs.keywords.status)
    }

    /// The named types on the way through all aliases, its own name first.
    fn names(&self) -> impl Iterator<Item = &Named> {
        let named = if let Type::Named(named) = self { Some(named.as_ref()) } else { None };
        std::iter::successors(named, |named| match &named.shape {
            Shape::Alias(Type::Named(target)) => Some(target.as_ref()),
            _ => None,
        })
    }

    /// A value that is one word of text in a path or a query: scalars, enums, and bytes as base64.
    #[inline]
    pub fn is_scalar(&self) -> bool {
        match self.resolved() {
            Type::Scalar(_) | Type::Bytes => true,
            Type::Named(named) => match &named.shape {
                Shape::Enum(_) => true,
                Shape::Variant(cases) => cases.iter().all(|case| case.ty.is_none()),
                _ => false,
            },
            _ => false,
        }
    }

    /// Its name, or what kind of type it is: short however large the type.
    pub fn describe_name(&self) -> &str {
        match self {
            Type::Scalar(scalar) => scalar.name(),
            Type::Bytes | Type::List(_) | Type::FixedList(..) => "list",
            Type::Tuple(_) => "tuple",
            Type::Option(_) => "option",
            Type::Result(..) => "result",
            Type::Map(..) => "map",
            Type::Named(named) => &named.name,
        }
    }

    /// What a message calls it, such as `list<u32>` or `record order`.
    pub fn describe(&self) -> String {
        let arm = |ty: &Option<Arc<Type>>| ty.as_ref().map_or("_".into(), |ty| ty.describe());
        match self {
            Type::Scalar(scalar) => scalar.name().into(),
            Type::Bytes => "list<u8>".into(),
            Type::List(item) => format!("list<{}>", item.describe()),
            Type::FixedList(item, len) => format!("list<{}, {len}>", item.describe()),
            Type::Tuple(items) => {
                format!("tuple<{}>", items.iter().map(Type::describe).collect::<Vec<_>>().join(", "))
            }
            Type::Option(inner) => format!("option<{}>", inner.describe()),
            Type::Result(None, None) => "result".into(),
            Type::Result(ok, None) => format!("result<{}>", arm(ok)),
            Type::Result(ok, err) => format!("result<{}, {}>", arm(ok), arm(err)),
            Type::Map(key, value) => format!("map<{}, {}>", key.describe(), value.describe()),
            Type::Named(named) => format!("{} {}", named.shape.keyword(), named.name),
        }
    }
}

impl Shape {
    /// WIT's keyword for it.
    pub fn keyword(&self) -> &'static str {
        match self {
            Shape::Record(_) => "record",
            Shape::Variant(_) => "variant",
            Shape::Enum(_) => "enum",
            Shape::Flags(_) => "flags",
            Shape::Alias(_) => "type",
        }
    }
}

impl Scalar {
    /// WIT's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Bool => "bool",
            Scalar::U8 => "u8",
            Scalar::U16 => "u16",
            Scalar::U32 => "u32",
            Scalar::U64 => "u64",
            Scalar::S8 => "s8",
            Scalar::S16 => "s16",
            Scalar::S32 => "s32",
            Scalar::S64 => "s64",
            Scalar::F32 => "f32",
            Scalar::F64 => "f64",
            Scalar::Char => "char",
            Scalar::String => "string",
        }
    }

    /// Least and greatest value of an integer type, both included.
    pub fn integer_range(self) -> Option<(i128, i128)> {
        Some(match self {
            Scalar::U8 => (0, u8::MAX.into()),
            Scalar::U16 => (0, u16::MAX.into()),
            Scalar::U32 => (0, u32::MAX.into()),
            Scalar::U64 => (0, u64::MAX.into()),
            Scalar::S8 => (i8::MIN.into(), i8::MAX.into()),
            Scalar::S16 => (i16::MIN.into(), i16::MAX.into()),
            Scalar::S32 => (i32::MIN.into(), i32::MAX.into()),
            Scalar::S64 => (i64::MIN.into(), i64::MAX.into()),
            _ => return None,
        })
    }
}
