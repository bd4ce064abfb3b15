//! Contracts by chance: types of every row of the table of values, as WIT.

use std::{collections::BTreeSet, fmt::Write};

use proptest::{
    prelude::*,
    sample::{select, subsequence},
};

use super::keywords::{Kept, Place, kept};

/// A parameter of a function.
pub type Param = (&'static str, Ty);

/// A type of WIT. Named ones carry the name that they would like to have.
#[derive(Debug, Clone)]
pub enum Ty {
    Scalar(&'static str),
    List(Box<Ty>),
    FixedList(Box<Ty>, usize),
    Tuple(Vec<Ty>),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Map(&'static str, Box<Ty>),
    Record(&'static str, Vec<(&'static str, Ty)>),
    Variant(&'static str, Vec<(&'static str, Option<Ty>)>),
    Enum(&'static str, Vec<&'static str>),
    Flags(&'static str, Vec<&'static str>),
    Alias(&'static str, Box<Ty>),
    /// With keywords in the documentation of the member, parameter, payload or alias that has this type.
    Kept(Box<Kept>),
}

pub const SCALARS: [&str; 13] =
    ["bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string"];
const KEYS: [&str; 11] = ["bool", "u8", "u16", "u32", "u64", "s8", "s32", "s64", "char", "string", "string"];

/// Chosen so that names of schemas could be mistaken for one another, and for those of the host itself.
const TYPES: [&str; 14] = [
    "a",
    "a-b",
    "ab",
    "v1",
    "v-1",
    "order",
    "order-case",
    "problem",
    "fault",
    "invalid-request",
    "invalid",
    "list",
    "URL",
    "some",
];
pub const MEMBERS: [&str; 16] =
    ["id", "a", "b", "a-b", "ab", "value", "tag", "val", "some", "ok", "err", "type", "URL", "x1", "list", "has-more"];
pub const CASES: [&str; 14] =
    ["a", "b", "b-c", "bc", "c", "some", "none", "ok", "v1", "v-1", "request", "not-found", "case", "true"];

pub fn scalar() -> impl Strategy<Value = Ty> {
    select(&SCALARS[..]).prop_map(Ty::Scalar)
}

fn cases(max: usize) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(CASES.to_vec(), 1..=max)
}

fn name() -> impl Strategy<Value = &'static str> {
    select(&TYPES[..])
}

pub fn enumeration() -> impl Strategy<Value = Ty> {
    (name(), cases(6)).prop_map(|(name, cases)| Ty::Enum(name, cases))
}

pub fn flags() -> impl Strategy<Value = Ty> {
    (name(), cases(10)).prop_map(|(name, cases)| Ty::Flags(name, cases))
}

/// Half of them with keywords.
pub fn with_keywords(types: impl Strategy<Value = Ty> + 'static, place: Place) -> BoxedStrategy<Ty> {
    (types, any::<bool>())
        .prop_flat_map(move |(ty, has_some)| if has_some { kept(ty, place) } else { Just(ty).boxed() })
        .boxed()
}

/// Any type, up to five levels in one another.
pub fn any_type() -> impl Strategy<Value = Ty> {
    let leaf = prop_oneof![6 => scalar(), 1 => Just(bytes()), 1 => enumeration(), 1 => flags()];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let arm = prop::option::weighted(0.7, boxed.clone());
        let members = subsequence(MEMBERS.to_vec(), 1..=4).prop_flat_map({
            let inner = with_keywords(inner.clone(), Place::Member);
            move |names| {
                let types = prop::collection::vec(inner.clone(), names.len());
                types.prop_map(move |types| names.iter().copied().zip(types).collect())
            }
        });
        let payloads = cases(4).prop_flat_map({
            let payload = prop::option::weighted(0.7, with_keywords(inner.clone(), Place::Payload));
            move |names| {
                let types = prop::collection::vec(payload.clone(), names.len());
                types.prop_map(move |types| names.iter().copied().zip(types).collect())
            }
        });
        prop_oneof![
            2 => boxed.clone().prop_map(Ty::List),
            1 => (boxed.clone(), 1..=4usize).prop_map(|(item, len)| Ty::FixedList(item, len)),
            2 => prop::collection::vec(inner.clone(), 1..=4).prop_map(Ty::Tuple),
            4 => boxed.clone().prop_map(Ty::Option),
            2 => (arm.clone(), arm).prop_map(|(ok, err)| Ty::Result(ok, err)),
            3 => (select(&KEYS[..]), boxed.clone()).prop_map(|(key, value)| Ty::Map(key, value)),
            4 => (name(), members).prop_map(|(name, members)| Ty::Record(name, members)),
            4 => (name(), payloads).prop_map(|(name, cases)| Ty::Variant(name, cases)),
            2 => (name(), with_keywords(inner, Place::Type)).prop_map(|(name, target)| Ty::Alias(name, Box::new(target))),
        ]
    })
}

pub fn bytes() -> Ty {
    Ty::List(Box::new(Ty::Scalar("u8")))
}

impl Ty {
    /// The type behind all aliases.
    pub fn resolved(&self) -> &Ty {
        match self {
            Ty::Alias(_, target) => target.resolved(),
            Ty::Kept(kept) => kept.ty.resolved(),
            ty => ty,
        }
    }

    /// Whether a member of that type may be left out.
    pub fn is_optional(&self) -> bool {
        self.is_option() || self.has_default()
    }

    fn has_default(&self) -> bool {
        match self {
            Ty::Alias(_, target) => target.has_default(),
            Ty::Kept(kept) => kept.has_default || kept.ty.has_default(),
            _ => false,
        }
    }

    /// Whether keywords stand on it or on one of its aliases.
    pub fn has_keywords(&self) -> bool {
        self.kept().is_some()
    }

    /// The keywords that stand on it, or on the first of its aliases that has some.
    pub fn kept(&self) -> Option<&Kept> {
        match self {
            Ty::Alias(_, target) => target.kept(),
            Ty::Kept(kept) => Some(kept),
            _ => None,
        }
    }

    /// Its keywords where it stands, each a line of documentation.
    fn lines(&self) -> &[String] {
        if let Ty::Kept(kept) = self { &kept.lines } else { &[] }
    }

    pub fn is_option(&self) -> bool {
        matches!(self.resolved(), Ty::Option(_))
    }

    pub fn is_bytes(&self) -> bool {
        matches!(self.resolved(), Ty::List(item) if matches!(item.resolved(), Ty::Scalar("u8")))
    }

    /// Whether it is a body by itself, where it is the only parameter.
    pub fn is_whole_body(&self) -> bool {
        matches!(
            self.resolved(),
            Ty::Record(..) | Ty::Variant(..) | Ty::List(_) | Ty::FixedList(..) | Ty::Tuple(_) | Ty::Map(..)
        )
    }
}

/// Its keywords as documentation.
fn documented(ty: &Ty) -> String {
    ty.lines().iter().map(|line| format!("    /// @{line}\n")).collect()
}

/// The definitions of one interface.
#[derive(Default)]
pub struct Definitions {
    taken: BTreeSet<String>,
    text: String,
}

impl Definitions {
    /// The interface with those functions, which refer to these types.
    pub fn interface(&self, name: &str, functions: &str) -> String {
        format!("interface {name} {{\n{}{functions}}}\n", self.text)
    }

    /// A function of these parameters and no result.
    pub fn function(&mut self, name: &str, params: &[Param]) -> String {
        let list: Vec<_> = params.iter().map(|(name, ty)| format!("%{name}: {}", self.refer(ty))).collect();
        let mut lines = String::new();
        for (name, ty) in params.iter().filter(|(_, ty)| !ty.lines().is_empty()) {
            let keywords: String = ty.lines().iter().map(|line| format!(" @{line}")).collect();
            writeln!(lines, "  /// @param {name} A parameter.{keywords}").expect("a string takes it");
        }
        format!("{lines}  {name}: func({});\n", list.join(", "))
    }

    /// What the type is called in this interface, with all that it is made of defined.
    pub fn refer(&mut self, ty: &Ty) -> String {
        let (expected, keyword, body) = match ty {
            Ty::Scalar(name) => return (*name).to_owned(),
            Ty::List(item) => return format!("list<{}>", self.refer(item)),
            Ty::FixedList(item, len) => return format!("list<{}, {len}>", self.refer(item)),
            Ty::Tuple(items) => {
                let items: Vec<_> = items.iter().map(|item| self.refer(item)).collect();
                return format!("tuple<{}>", items.join(", "));
            }
            Ty::Option(some) => return format!("option<{}>", self.refer(some)),
            Ty::Result(None, None) => return "result".into(),
            Ty::Result(Some(ok), None) => return format!("result<{}>", self.refer(ok)),
            Ty::Result(ok, Some(err)) => {
                let ok = ok.as_ref().map_or("_".into(), |ok| self.refer(ok));
                return format!("result<{ok}, {}>", self.refer(err));
            }
            Ty::Map(key, value) => return format!("map<{key}, {}>", self.refer(value)),
            Ty::Kept(kept) => return self.refer(&kept.ty),
            Ty::Alias(name, target) => {
                let docs = documented(target);
                let target = self.refer(target);
                let name = self.free(name);
                write!(self.text, "{docs}").expect("a string takes it");
                writeln!(self.text, "  type {name} = {target};").expect("a string takes it");
                return name;
            }
            Ty::Record(name, members) => {
                let member = |(name, ty): &Param| format!("{}    %{name}: {}", documented(ty), self.refer(ty));
                (name, "record", members.iter().map(member).collect::<Vec<_>>())
            }
            Ty::Variant(name, cases) => {
                let case = |(name, ty): &(&str, Option<Ty>)| match ty {
                    Some(ty) => format!("{}    %{name}({})", documented(ty), self.refer(ty)),
                    None => format!("    %{name}"),
                };
                (name, "variant", cases.iter().map(case).collect())
            }
            Ty::Enum(name, cases) => (name, "enum", cases.iter().map(|case| format!("    %{case}")).collect()),
            Ty::Flags(name, cases) => (name, "flags", cases.iter().map(|case| format!("    %{case}")).collect()),
        };
        let name = self.free(expected);
        writeln!(self.text, "  {keyword} {name} {{\n{}\n  }}", body.join(",\n")).expect("a string takes it");
        name
    }

    /// `expected`, or something like it that no other type of the interface is called.
    fn free(&mut self, expected: &str) -> String {
        let numbered = (2..).map(|n| format!("{expected}-x{n}"));
        let mut all = std::iter::once(expected.to_owned()).chain(numbered);
        let name = all.find(|name| !self.taken.contains(name)).expect("there is no end of numbers");
        self.taken.insert(name.clone());
        format!("%{name}")
    }
}
