//! What the world of a plugin has, as JavaScript sees it: names, and types for `sdk/js/runtime/check.js`.

use std::collections::HashMap;

use heck::{ToLowerCamelCase, ToUpperCamelCase};
use serde_json::{Value, json};
use wit_parser::{Function, FunctionKind, InterfaceId, Resolve, Type, TypeDefKind, TypeId, WorldItem, WorldKey};

use crate::{error::BuildError, wit::Wit};

/// The interfaces and functions of a world.
pub(super) struct World {
    /// Names of imported interfaces that have functions, such as `wasi:keyvalue/store@0.2.0-draft`.
    pub imports: Vec<String>,
    pub exports: Vec<JsInterface>,
    /// Exported functions of no interface.
    pub functions: Vec<Exported>,
    /// Declarations of types that those above refer to.
    pub types: Vec<String>,
}

/// An exported interface.
pub(super) struct JsInterface {
    /// What the author's module exports it as.
    pub name: String,
    pub functions: Vec<Exported>,
}

/// An exported function.
pub(super) struct Exported {
    pub name: String,
    /// Arguments of `implement`: a JavaScript object.
    pub described: String,
    pub is_async: bool,
}

impl World {
    /// # Errors
    ///
    /// The engine cannot have one of the types.
    pub(super) fn of(wit: &Wit) -> Result<World, BuildError> {
        let world = &wit.resolve.worlds[wit.world];
        let mut describe = Describe { resolve: &wit.resolve, types: Vec::new(), known: HashMap::new() };
        let has_functions = |item: &WorldItem| match item {
            WorldItem::Interface { id, .. } => !wit.resolve.interfaces[*id].functions.is_empty(),
            _ => false,
        };
        let imports = world.imports.iter().filter(|(_, item)| has_functions(item));
        let imports = imports.map(|(key, _)| wit.resolve.name_world_key(key)).collect();
        let (mut exports, mut functions) = (Vec::new(), Vec::new());
        for (key, item) in &world.exports {
            match item {
                WorldItem::Interface { id, .. } => {
                    let items = wit.resolve.interfaces[*id].functions.values();
                    let functions =
                        items.filter(|it| is_free(it)).map(|it| describe.function(it)).collect::<Result<_, _>>()?;
                    exports.push(JsInterface { name: interface_name(&wit.resolve, key, *id), functions });
                }
                WorldItem::Function(function) => functions.push(describe.function(function)?),
                WorldItem::Type { .. } => {}
            }
        }
        Ok(World { imports, exports, functions, types: describe.types })
    }

    /// Whether a function of it is `async`, for which the engine needs more of the host.
    pub(super) fn is_async(&self) -> bool {
        self.exports.iter().flat_map(|interface| &interface.functions).chain(&self.functions).any(|it| it.is_async)
    }
}

/// What componentize-qjs looks for: the last part of the name.
pub(super) fn interface_name(resolve: &Resolve, key: &WorldKey, id: InterfaceId) -> String {
    let name = match key {
        WorldKey::Name(name) => name.clone(),
        WorldKey::Interface(_) => resolve.interfaces[id].name.clone().unwrap_or_default(),
    };
    name.to_lower_camel_case()
}

pub(super) fn is_free(function: &Function) -> bool {
    matches!(function.kind, FunctionKind::Freestanding | FunctionKind::AsyncFreestanding)
}

pub(super) fn is_async(function: &Function) -> bool {
    matches!(
        function.kind,
        FunctionKind::AsyncFreestanding | FunctionKind::AsyncMethod(_) | FunctionKind::AsyncStatic(_)
    )
}

/// The name of a function, field or flag.
pub(super) fn member(name: &str) -> String {
    name.to_lower_camel_case()
}

/// The name of a type.
pub(super) fn type_name(name: &str) -> String {
    name.to_upper_camel_case()
}

struct Describe<'a> {
    resolve: &'a Resolve,
    /// `const T0 = …;`
    types: Vec<String>,
    known: HashMap<TypeId, (String, Holds)>,
}

/// Which integers there are in a type of those that the engine does not pass on as they are.
#[derive(Clone, Copy, Default)]
struct Holds {
    /// Integers of 64 bits, which it may round.
    wide: bool,
    /// `u32`, which it takes for `s32`.
    word: bool,
}

impl Holds {
    fn and(self, other: Holds) -> Holds {
        Holds { wide: self.wide || other.wide, word: self.word || other.word }
    }

    fn any(self) -> bool {
        self.wide || self.word
    }
}

impl Describe<'_> {
    fn function(&mut self, function: &Function) -> Result<Exported, BuildError> {
        let refused = |what: String| {
            let advice = "give it a `list`, or write the plugin in a language whose toolchain has them, such as Rust";
            BuildError::Unsupported(format!("{}: {what}; {advice}", function.name))
        };
        let mut fields = vec![];
        let (mut parameters, mut held) = (vec![], Holds::default());
        for parameter in &function.params {
            let (described, holds) = self.ty(&parameter.ty).map_err(refused)?;
            held = held.and(holds);
            parameters.push(format!("[{}, {}]", json!(parameter.name), if holds.any() { &described } else { "null" }));
        }
        if held.any() {
            fields.push(format!("params: [{}]", parameters.join(", ")));
        }
        let outcome = function.result.and_then(|ty| self.result(&ty));
        let (ok, err) = match (outcome, function.result) {
            (Some((ok, err)), _) => (ok, Some(err)),
            (None, result) => (result, None),
        };
        let mut answers = Holds::default();
        let mut described = |ty: Option<Type>| {
            let Some(ty) = ty else { return Ok::<_, BuildError>("null".into()) };
            let (described, holds) = self.ty(&ty).map_err(refused)?;
            answers = answers.and(holds);
            Ok(described)
        };
        fields.push(format!("result: {}", described(ok)?));
        if let Some(err) = err {
            fields.push(format!("error: {}", described(err)?));
        }
        if answers.word {
            fields.push("hasWords: true".into());
        }
        let is_async = is_async(function);
        if is_async {
            fields.push("isAsync: true".into());
        }
        Ok(Exported { name: member(function.item_name()), described: format!("{{ {} }}", fields.join(", ")), is_async })
    }

    /// The two arms, if it is a `result`.
    fn result(&self, ty: &Type) -> Option<(Option<Type>, Option<Type>)> {
        let Type::Id(id) = ty else { return None };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(target) => self.result(target),
            TypeDefKind::Result(result) => Some((result.ok, result.err)),
            _ => None,
        }
    }

    /// A type as JavaScript, and what is in it.
    fn ty(&mut self, ty: &Type) -> Result<(String, Holds), String> {
        let word = |word: &str| Ok((json!(word).to_string(), Holds::default()));
        let wide = |word: &str| Ok((json!(word).to_string(), Holds { wide: true, word: false }));
        match ty {
            Type::Bool => word("bool"),
            Type::U8 => word("u8"),
            Type::U16 => word("u16"),
            Type::U32 => Ok((json!("u32").to_string(), Holds { wide: false, word: true })),
            Type::S8 => word("s8"),
            Type::S16 => word("s16"),
            Type::S32 => word("s32"),
            Type::U64 => wide("u64"),
            Type::S64 => wide("s64"),
            Type::F32 => word("f32"),
            Type::F64 => word("f64"),
            Type::Char => word("char"),
            Type::String => word("string"),
            Type::ErrorContext => word("any"),
            Type::Id(id) => {
                if let Some(known) = self.known.get(id) {
                    return Ok(known.clone());
                }
                let (described, holds) = self.definition(*id)?;
                let is_named = self.resolve.types[*id].name.is_some() && described.starts_with('[');
                let name = if is_named {
                    let name = format!("T{}", self.types.len());
                    self.types.push(format!("const {name} = {described};"));
                    name
                } else {
                    described
                };
                self.known.insert(*id, (name.clone(), holds));
                Ok((name, holds))
            }
        }
    }

    fn definition(&mut self, id: TypeId) -> Result<(String, Holds), String> {
        let resolve = self.resolve;
        let mut held = Holds::default();
        let mut inner = |this: &mut Self, ty: &Type| {
            let (described, holds) = this.ty(ty)?;
            held = held.and(holds);
            Ok::<_, String>(described)
        };
        let names = |names: Vec<String>| Value::from(names).to_string();
        let described = match &resolve.types[id].kind {
            TypeDefKind::Type(target) => inner(self, target)?,
            TypeDefKind::List(item) => format!("[\"list\", {}]", inner(self, item)?),
            TypeDefKind::Option(some) => format!("[\"option\", {}]", inner(self, some)?),
            TypeDefKind::Result(result) => {
                let mut arm = |ty: &Option<Type>| ty.as_ref().map_or(Ok("null".into()), |ty| inner(self, ty));
                let (ok, err) = (arm(&result.ok)?, arm(&result.err)?);
                format!("[\"result\", {ok}, {err}]")
            }
            TypeDefKind::Record(record) => {
                let mut fields = vec![];
                for field in &record.fields {
                    fields.push(format!("{}: {}", json!(member(&field.name)), inner(self, &field.ty)?));
                }
                format!("[\"record\", {{ {} }}]", fields.join(", "))
            }
            TypeDefKind::Variant(variant) => {
                let mut cases = vec![];
                for case in &variant.cases {
                    let ty = case.ty.as_ref().map_or(Ok("null".into()), |ty| inner(self, ty))?;
                    cases.push(format!("{}: {ty}", json!(case.name)));
                }
                format!("[\"variant\", {{ {} }}]", cases.join(", "))
            }
            TypeDefKind::Enum(it) => {
                format!("[\"enum\", {}]", names(it.cases.iter().map(|case| case.name.clone()).collect()))
            }
            TypeDefKind::Flags(it) => {
                format!("[\"flags\", {}]", names(it.flags.iter().map(|flag| member(&flag.name)).collect()))
            }
            TypeDefKind::Tuple(tuple) => {
                let items = tuple.types.iter().map(|ty| inner(self, ty)).collect::<Result<Vec<_>, _>>()?;
                format!("[\"tuple\", [{}]]", items.join(", "))
            }
            TypeDefKind::Map(key, value) => {
                format!("[\"map\", {}, {}]", inner(self, key)?, inner(self, value)?)
            }
            TypeDefKind::FixedLengthList(..) => {
                return Err("componentize-qjs has no lists of a fixed length".into());
            }
            // Handles of any kind, which the engine itself looks at.
            TypeDefKind::Resource
            | TypeDefKind::Handle(_)
            | TypeDefKind::Future(_)
            | TypeDefKind::Stream(_)
            | TypeDefKind::Unknown => json!("any").to_string(),
        };
        Ok((described, held))
    }
}
