//! What a binding generator cannot do, found before it is asked to: it would panic.

use std::collections::HashSet;

use wit_parser::{Function, FunctionKind, Resolve, Type, TypeDefKind, TypeId, WorldItem};

use crate::{error::BuildError, wit::Wit};

/// What is wrong with a type, in words that follow its place; `None` if nothing is.
pub(super) type Limit = fn(&TypeDefKind) -> Option<&'static str>;

/// Looks at all that bindings are made for: what the world exports and what it imports.
///
/// # Errors
///
/// The first that `limit` has something against, and what most languages here cannot do: functions that are `async`, and
/// resources that are exported.
pub(super) fn check(wit: &Wit, language: &str, limit: Limit) -> Result<(), BuildError> {
    look(wit, language, limit, true)
}

/// As [`check`], for a language that has `async` functions and resources of its own.
///
/// # Errors
///
/// The first that `limit` has something against.
pub(super) fn check_types(wit: &Wit, language: &str, limit: Limit) -> Result<(), BuildError> {
    look(wit, language, limit, false)
}

fn look(wit: &Wit, language: &str, limit: Limit, is_plain: bool) -> Result<(), BuildError> {
    let resolve = &wit.resolve;
    let world = &resolve.worlds[wit.world];
    let mut search = Search { resolve, limit, is_plain, seen: HashSet::new() };
    let sides = [(&world.imports, false), (&world.exports, true)];
    for (items, is_export) in sides {
        for (key, item) in items {
            let name = resolve.name_world_key(key);
            let found = match item {
                WorldItem::Function(function) => search.function(function).map(|found| (function.name.clone(), found)),
                WorldItem::Type { id, .. } => search.id(*id).map(|found| (name, found)),
                WorldItem::Interface { id, .. } => {
                    let interface = &resolve.interfaces[*id];
                    let mut functions = interface.functions.values();
                    let of_function = functions.find_map(|it| search.function(it).map(|found| (&it.name, found)));
                    let mut types = interface.types.iter();
                    let found = of_function.or_else(|| {
                        types.find_map(|(name, id)| search.named(*id, is_export).map(|found| (name, found)))
                    });
                    found.map(|(item, found)| (format!("{item} of {name}"), found))
                }
            };
            if let Some((item, found)) = found {
                return Err(BuildError::Unsupported(format!("{item}: plugins in {language} do not support {found}")));
            }
        }
    }
    Ok(())
}

struct Search<'a> {
    resolve: &'a Resolve,
    limit: Limit,
    /// Whether the language has neither `async` functions nor resources of its own.
    is_plain: bool,
    seen: HashSet<TypeId>,
}

impl Search<'_> {
    fn function(&mut self, function: &Function) -> Option<&'static str> {
        let is_async = matches!(
            function.kind,
            FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) | FunctionKind::AsyncStatic(_)
        );
        if is_async && self.is_plain {
            return Some("`async func`; use `func`");
        }
        let mut types = function.params.iter().map(|param| param.ty).chain(function.result);
        types.find_map(|ty| self.ty(ty))
    }

    /// A type of an interface, by its own name.
    fn named(&mut self, id: TypeId, is_export: bool) -> Option<&'static str> {
        if is_export && self.is_plain && matches!(self.resolve.types[id].kind, TypeDefKind::Resource) {
            return Some("resources of their own; what a plugin keeps between calls belongs in wasi:keyvalue");
        }
        self.id(id)
    }

    fn ty(&mut self, ty: Type) -> Option<&'static str> {
        match ty {
            Type::Id(id) => self.id(id),
            Type::ErrorContext => Some("`error-context`"),
            _ => None,
        }
    }

    fn id(&mut self, id: TypeId) -> Option<&'static str> {
        if !self.seen.insert(id) {
            return None;
        }
        let kind = &self.resolve.types[id].kind;
        if let Some(found) = (self.limit)(kind) {
            return Some(found);
        }
        let mut inner: Vec<Type> = Vec::new();
        match kind {
            TypeDefKind::Record(record) => inner.extend(record.fields.iter().map(|field| field.ty)),
            TypeDefKind::Tuple(tuple) => inner.extend(&tuple.types),
            TypeDefKind::Variant(variant) => inner.extend(variant.cases.iter().filter_map(|case| case.ty)),
            TypeDefKind::Result(result) => inner.extend(result.ok.iter().chain(&result.err)),
            TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _)
            | TypeDefKind::Type(ty) => inner.push(*ty),
            TypeDefKind::Map(key, value) => inner.extend([*key, *value]),
            TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => inner.extend(ty),
            TypeDefKind::Handle(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Resource
            | TypeDefKind::Unknown => {}
        }
        inner.into_iter().find_map(|ty| self.ty(ty))
    }
}
