//! The functions of the echo guests, as their WIT has them.

use jsonschema::Validator;
use serde_json::{Value, json};
use wit_parser::{Resolve, Type, TypeDefKind, WorldItem};
use witapi_tests::root;

use crate::acceptance::types::Ty;

pub struct Function {
    pub path: String,
    pub ty: Ty,
    /// The schema of what it answers, once the document was read.
    pub answers: Option<Validator>,
}

impl Function {
    /// The type of the request's body: the parameter, or an object with it.
    pub fn body(&self) -> Ty {
        match &self.ty {
            ty if ty.is_whole_body() => ty.clone(),
            ty => Ty::Record("body", vec![("value", ty.clone())]),
        }
    }

    /// An answer in the form of the request's body.
    pub fn as_body(&self, answer: &Value) -> Value {
        if self.ty.is_whole_body() { answer.clone() } else { json!({ "value": answer }) }
    }
}

/// All functions that the world of `tests/fixtures/echo/wit` exports.
pub fn functions(world: &str) -> Vec<Function> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(root().join("tests/fixtures/echo/wit")).expect("WIT");
    let world = resolve.select_world(&[package], Some(world)).expect("the world");
    let mut functions = vec![];
    for item in resolve.worlds[world].exports.values() {
        let WorldItem::Interface { id, .. } = item else { panic!("{item:?} is no interface") };
        let interface = &resolve.interfaces[*id];
        for function in interface.functions.values() {
            let path = format!("/{}/{}", interface.name.as_deref().expect("a name"), function.name);
            let ty = converted(&resolve, &function.params[0].ty);
            functions.push(Function { path, ty, answers: None });
        }
    }
    functions
}

fn converted(resolve: &Resolve, ty: &Type) -> Ty {
    let Type::Id(id) = ty else { return Ty::Scalar(scalar(ty)) };
    let def = &resolve.types[*id];
    let name = def.name.as_deref().map_or("", kept);
    let inner = |ty: &Type| Box::new(converted(resolve, ty));
    match &def.kind {
        TypeDefKind::Record(record) => {
            Ty::Record(name, record.fields.iter().map(|it| (kept(&it.name), *inner(&it.ty))).collect())
        }
        TypeDefKind::Variant(variant) => {
            let case = |it: &wit_parser::Case| (kept(&it.name), it.ty.as_ref().map(|ty| *inner(ty)));
            Ty::Variant(name, variant.cases.iter().map(case).collect())
        }
        TypeDefKind::Enum(cases) => Ty::Enum(name, cases.cases.iter().map(|it| kept(&it.name)).collect()),
        TypeDefKind::Flags(flags) => Ty::Flags(name, flags.flags.iter().map(|it| kept(&it.name)).collect()),
        TypeDefKind::Tuple(tuple) => Ty::Tuple(tuple.types.iter().map(|ty| *inner(ty)).collect()),
        TypeDefKind::Option(some) => Ty::Option(inner(some)),
        TypeDefKind::Result(result) => Ty::Result(result.ok.as_ref().map(inner), result.err.as_ref().map(inner)),
        TypeDefKind::List(item) => Ty::List(inner(item)),
        TypeDefKind::FixedLengthList(item, len) => Ty::FixedList(inner(item), *len as usize),
        TypeDefKind::Map(Type::Id(_), _) => panic!("a key is a scalar"),
        TypeDefKind::Map(key, value) => Ty::Map(scalar(key), inner(value)),
        TypeDefKind::Type(target) => Ty::Alias(name, inner(target)),
        other => panic!("no value is a {other:?}"),
    }
}

fn scalar(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        other => panic!("{other:?} is no scalar"),
    }
}

/// Names of types are literals elsewhere. These few stay for as long as the tests run.
fn kept(name: &str) -> &'static str {
    name.to_owned().leak()
}
