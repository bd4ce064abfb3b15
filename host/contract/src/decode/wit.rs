//! WIT as wit-parser resolves it → [`Type`], for the component's own types and for those of the embedded text alike.

use std::{collections::HashMap, sync::Arc};

use wit_parser::{Handle, InterfaceId, Resolve, TypeDefKind, TypeId, TypeOwner};

use crate::{
    Case, Delivery, Docs, Field, Named, Passed, Scalar, Shape, Type,
    casing::Casing,
    keywords::{Findings, Subject},
};

/// How many levels a type may nest, and so a JSON value of it.
pub const MAX_DEPTH: usize = 64;

/// How many types a type may be made of, each counted as often as it occurs: as the document and messages write it.
pub const MAX_TYPES: usize = 10_000;

/// The same for all parameters and results of a component.
pub const MAX_TOTAL: usize = 200_000;

/// Converts types of one [`Resolve`], each once.
pub struct Types<'a> {
    resolve: &'a Resolve,
    /// The operator's choice, which goes before the author's.
    casing: Option<Casing>,
    known: HashMap<TypeId, Measured>,
    /// What is wrong with the keywords that were met.
    pub findings: Findings,
    /// Types in all that was converted, written out.
    total: usize,
}

/// A type and its extent.
type Measured = (Type, Extent);

/// How much there is of a type when it is written out.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    levels: usize,
    /// The type and all types within. A type of a hundred bytes that doubles with each level has millions.
    types: usize,
}

/// Why a type has no JSON form: what was found, and what was expected instead.
pub type Unfit = (String, String);

impl<'a> Types<'a> {
    pub fn new(resolve: &'a Resolve, casing: Option<Casing>) -> Self {
        Types { resolve, casing, known: HashMap::new(), findings: Findings::default(), total: 0 }
    }

    pub fn convert(&mut self, ty: &wit_parser::Type) -> Result<Type, Unfit> {
        let (ty, extent) = self.nested(ty, 0)?;
        self.total = self.total.saturating_add(extent.types);
        if self.total > MAX_TOTAL {
            return Err((
                format!("more than {MAX_TOTAL} types in all operations together"),
                "fewer or smaller ones: a plugin for each group of operations".into(),
            ));
        }
        Ok(ty)
    }

    /// The type of a parameter or, if `is_result`, of a result. Here alone may be a `stream` or a `future`.
    pub fn passed(&mut self, ty: &wit_parser::Type, is_result: bool) -> Result<Passed, Unfit> {
        if let Some((delivery, item)) = self.delivery(ty)? {
            return Ok(Passed { ty: self.convert(&item)?, delivery, in_ok: false });
        }
        if is_result
            && let Some(TypeDefKind::Result(result)) = self.kind(ty)
            && let Some(ok) = &result.ok
            && let Some((delivery, item)) = self.delivery(ok)?
        {
            let ok = Some(Arc::new(self.convert(&item)?));
            let err = result.err.as_ref().map(|err| self.convert(err)).transpose()?.map(Arc::new);
            return Ok(Passed { ty: Type::Result(ok, err), delivery, in_ok: true });
        }
        Ok(Passed { ty: self.convert(ty)?, delivery: Delivery::Whole, in_ok: false })
    }

    /// What a `stream` or a `future` is of.
    fn delivery(&self, ty: &wit_parser::Type) -> Result<Option<(Delivery, wit_parser::Type)>, Unfit> {
        let (delivery, item, keyword) = match self.kind(ty) {
            Some(TypeDefKind::Stream(item)) => (Delivery::Stream, item, "stream"),
            Some(TypeDefKind::Future(item)) => (Delivery::Future, item, "future"),
            _ => return Ok(None),
        };
        let item = item.ok_or_else(|| (format!("a `{keyword}` of nothing"), format!("`{keyword}<T>`, of a type")))?;
        Ok(Some((delivery, item)))
    }

    /// The definition behind all aliases.
    fn kind(&self, ty: &wit_parser::Type) -> Option<&'a TypeDefKind> {
        let mut ty = ty;
        while let wit_parser::Type::Id(id) = ty {
            match &self.resolve.types[*id].kind {
                TypeDefKind::Type(target) => ty = target,
                kind => return Some(kind),
            }
        }
        None
    }

    /// `depth` bounds the recursion, the extent that comes back bounds the type.
    fn nested(&mut self, ty: &wit_parser::Type, depth: usize) -> Result<Measured, Unfit> {
        use wit_parser::Type as Wit;
        let scalar = match ty {
            Wit::Bool => Scalar::Bool,
            Wit::U8 => Scalar::U8,
            Wit::U16 => Scalar::U16,
            Wit::U32 => Scalar::U32,
            Wit::U64 => Scalar::U64,
            Wit::S8 => Scalar::S8,
            Wit::S16 => Scalar::S16,
            Wit::S32 => Scalar::S32,
            Wit::S64 => Scalar::S64,
            Wit::F32 => Scalar::F32,
            Wit::F64 => Scalar::F64,
            Wit::Char => Scalar::Char,
            Wit::String => Scalar::String,
            Wit::ErrorContext => return Err(unfit("error-context")),
            Wit::Id(id) => {
                if let Some(known) = self.known.get(id) {
                    return Ok(known.clone());
                }
                let mut extent = Extent { levels: 0, types: 1 };
                let ty = self.definition(*id, depth, &mut extent)?;
                if depth + extent.levels >= MAX_DEPTH {
                    let found = format!("`{}`, which nests deeper than {MAX_DEPTH} levels", ty.describe_name());
                    return Err((found, format!("at most {MAX_DEPTH} levels")));
                }
                if extent.types > MAX_TYPES {
                    let found = format!("`{}`, which is made of {} types", ty.describe_name(), extent.types);
                    return Err((found, format!("at most {MAX_TYPES}")));
                }
                extent.levels += 1;
                self.known.insert(*id, (ty.clone(), extent));
                return Ok((ty, extent));
            }
        };
        Ok((Type::Scalar(scalar), Extent { levels: 0, types: 1 }))
    }

    /// `extent` grows by what is within.
    fn definition(&mut self, id: TypeId, depth: usize, extent: &mut Extent) -> Result<Type, Unfit> {
        if depth > MAX_DEPTH {
            return Err(("a type that nests too deep".into(), format!("at most {MAX_DEPTH} levels")));
        }
        let resolve = self.resolve;
        let def = &resolve.types[id];
        let casing = match def.owner {
            TypeOwner::Interface(interface) => self.casing(Some(interface)),
            TypeOwner::World(_) | TypeOwner::None => self.casing(None),
        };
        let mut inner = |ty: &wit_parser::Type| {
            let (ty, inner) = self.nested(ty, depth + 1)?;
            extent.levels = extent.levels.max(inner.levels);
            extent.types = extent.types.saturating_add(inner.types);
            Ok(ty)
        };
        // Documentation is read when the whole type is known: keywords have to fit it.
        let case = |name: &str, ty| Case { name: name.to_owned(), ty, docs: Docs::default() };
        let shape = match &def.kind {
            TypeDefKind::Record(record) => {
                let field = |field: &wit_parser::Field| {
                    let json = casing.apply(&field.name);
                    Ok(Field { name: field.name.clone(), json, ty: inner(&field.ty)?, docs: Docs::default() })
                };
                let fields = record.fields.iter().map(field).collect::<Result<Vec<_>, Unfit>>()?;
                if let Some((name, first, second)) = same_spelling(fields.iter().map(|it| (&*it.json, &*it.name))) {
                    return Err((
                        format!("the members `{first}` and `{second}`, which are both `{name}` in {casing}"),
                        "members that differ, or another `casing` in witapi.toml".into(),
                    ));
                }
                Shape::Record(fields)
            }
            TypeDefKind::Variant(variant) => {
                let case =
                    |item: &wit_parser::Case| Ok(case(&item.name, item.ty.as_ref().map(&mut inner).transpose()?));
                Shape::Variant(variant.cases.iter().map(case).collect::<Result<_, Unfit>>()?)
            }
            TypeDefKind::Enum(item) => Shape::Enum(item.cases.iter().map(|item| case(&item.name, None)).collect()),
            TypeDefKind::Flags(item) => Shape::Flags(item.flags.iter().map(|item| case(&item.name, None)).collect()),
            TypeDefKind::Type(target) => {
                let target = inner(target)?;
                // A `use` brings a type in under its own name: nothing new.
                if matches!((&target, &def.name), (Type::Named(named), Some(name)) if named.name == *name) {
                    return Ok(target);
                }
                Shape::Alias(target)
            }
            kind => Shape::Alias(anonymous(kind, &mut inner)?),
        };
        let Some(name) = def.name.clone() else {
            // WIT gives every record, variant, enum and flags a name, and components keep it.
            let Shape::Alias(target) = shape else {
                return Err((format!("a {} without a name", shape.keyword()), "a named type".into()));
            };
            return Ok(target);
        };
        let item = format!("type `{name}`");
        let mut shape = shape;
        self.document(&mut shape, &def.kind, &item);
        let aliased = match &shape {
            Shape::Alias(target) => Some(target.clone()),
            _ => None,
        };
        let mut docs = self.docs(&def.docs, Subject::Type, &item);
        let mut named = Named::new(name, self.owner(def.owner), shape);
        match aliased {
            Some(target) => docs.fit(Some(&target), &item, &mut self.findings),
            None => docs.fit(Some(&Type::Named(Arc::new(named.clone()))), &item, &mut self.findings),
        }
        named.docs = docs;
        Ok(Type::Named(Arc::new(named)))
    }

    /// Reads the documentation of a type's members or cases into its shape.
    fn document(&mut self, shape: &mut Shape, kind: &TypeDefKind, item: &str) {
        match (shape, kind) {
            (Shape::Record(fields), TypeDefKind::Record(record)) => {
                for (field, source) in fields.iter_mut().zip(&record.fields) {
                    let item = format!("{item}, member `{}`", field.name);
                    field.docs = self.docs(&source.docs, Subject::Field, &item);
                    field.docs.fit(Some(&field.ty), &item, &mut self.findings);
                }
            }
            (Shape::Variant(cases) | Shape::Enum(cases) | Shape::Flags(cases), kind) => {
                let sources: Vec<_> = match kind {
                    TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| &case.docs).collect(),
                    TypeDefKind::Enum(item) => item.cases.iter().map(|case| &case.docs).collect(),
                    TypeDefKind::Flags(item) => item.flags.iter().map(|flag| &flag.docs).collect(),
                    _ => vec![],
                };
                for (case, source) in cases.iter_mut().zip(sources) {
                    let item = format!("{item}, case `{}`", case.name);
                    case.docs = self.docs(source, Subject::Case, &item);
                    case.docs.fit(case.ty.as_ref(), &item, &mut self.findings);
                }
            }
            _ => {}
        }
    }

    /// Reads a comment on `item`, and keeps what is wrong with it in the findings.
    pub fn docs(&mut self, docs: &wit_parser::Docs, subject: Subject, item: &str) -> Docs {
        let text = docs.contents.as_deref().unwrap_or_default();
        Docs::read(text, subject, item, &mut self.findings)
    }

    /// How names of that interface are spelt: the operator's word, or the interface's, or its package's.
    pub fn casing(&self, interface: Option<InterfaceId>) -> Casing {
        let authors = || {
            let interface = &self.resolve.interfaces[interface?];
            let package = || Some(&self.resolve.packages[interface.package?].docs);
            // What is wrong with these keywords is found where the interface is read.
            let said = |docs: &wit_parser::Docs, subject| {
                let text = docs.contents.as_deref()?;
                Docs::read(text, subject, "", &mut Findings::default()).keywords.casing
            };
            said(&interface.docs, Subject::Interface).or_else(|| said(package()?, Subject::Package))
        };
        self.casing.or_else(authors).unwrap_or_default()
    }

    fn owner(&self, owner: TypeOwner) -> String {
        match owner {
            TypeOwner::Interface(id) => interface_name(self.resolve, id).unwrap_or_default(),
            TypeOwner::World(_) | TypeOwner::None => String::new(),
        }
    }
}

/// The first two WIT names that are spelt alike in JSON, and how: camelCase makes `v1` of `v-1` too.
pub fn same_spelling<'n>(names: impl Iterator<Item = (&'n str, &'n str)>) -> Option<(&'n str, &'n str, &'n str)> {
    let mut known = HashMap::new();
    for (json, wit) in names {
        if let Some(first) = known.insert(json, wit) {
            return Some((json, first, wit));
        }
    }
    None
}

/// A type constructor applied to other types.
fn anonymous(
    kind: &TypeDefKind,
    inner: &mut impl FnMut(&wit_parser::Type) -> Result<Type, Unfit>,
) -> Result<Type, Unfit> {
    use wit_parser::Type as Wit;
    Ok(match kind {
        TypeDefKind::List(item) => match inner(item)? {
            // An alias of `u8` too: aliases are not types of their own.
            item if matches!(item.resolved(), Type::Scalar(Scalar::U8)) => Type::Bytes,
            item => Type::List(Arc::new(item)),
        },
        TypeDefKind::FixedLengthList(item, len) => Type::FixedList(Arc::new(inner(item)?), *len),
        TypeDefKind::Tuple(tuple) => Type::Tuple(tuple.types.iter().map(inner).collect::<Result<_, _>>()?),
        TypeDefKind::Option(some) => Type::Option(Arc::new(inner(some)?)),
        TypeDefKind::Result(result) => {
            let mut arm = |ty: &Option<Wit>| ty.as_ref().map(&mut *inner).transpose().map(|ty| ty.map(Arc::new));
            Type::Result(arm(&result.ok)?, arm(&result.err)?)
        }
        TypeDefKind::Map(key, value) => Type::Map(Arc::new(inner(key)?), Arc::new(inner(value)?)),
        TypeDefKind::Resource | TypeDefKind::Handle(Handle::Own(_)) => return Err(unfit("resource")),
        TypeDefKind::Handle(Handle::Borrow(_)) => return Err(unfit("borrow")),
        TypeDefKind::Future(_) => return Err(nested("future")),
        TypeDefKind::Stream(_) => return Err(nested("stream")),
        TypeDefKind::Record(_)
        | TypeDefKind::Variant(_)
        | TypeDefKind::Enum(_)
        | TypeDefKind::Flags(_)
        | TypeDefKind::Type(_)
        | TypeDefKind::Unknown => return Err(("a type of unknown structure".into(), "a type of WIT".into())),
    })
}

fn unfit(kind: &str) -> Unfit {
    (
        format!("a type with `{kind}`"),
        "values that JSON can hold: scalars, strings, lists, tuples, records, options, results, enums, flags, variants and maps".into(),
    )
}

fn nested(kind: &str) -> Unfit {
    (
        format!("a type with `{kind}` in it"),
        format!("`{kind}<T>` as a whole parameter, as the result, or as the `ok` of the result; T without one"),
    )
}

/// The full name of an interface, such as `example:todos/todos@1.0.0`; `None` for one inside a world.
pub fn interface_name(resolve: &Resolve, id: InterfaceId) -> Option<String> {
    let interface = &resolve.interfaces[id];
    // `Resolve::id_of` would panic on an interface without a package.
    interface.package.and_then(|_| resolve.id_of(id))
}
