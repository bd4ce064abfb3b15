//! Whether the types of a contract are those that wasmtime has of a component's function. Both were read from the same
//! bytes, each by another decoder; a difference would be a fault of one of them.

use wasmtime::component::types::{self, ComponentFunc};

use crate::contract::{Operation, Scalar, Shape, Type};

/// # Errors
///
/// The first type that differs.
#[cfg(feature = "direct")]
pub(super) fn check(operation: &Operation, function: &ComponentFunc) -> wasmtime::Result<()> {
    let differs = |what: String, ty: &str| {
        Err(wasmtime::Error::msg(format!(
            "`{}`, {what}: the contract has `{ty}`, and the component's function another type",
            operation.label()
        )))
    };
    let params = function.params();
    if params.len() != operation.params.len() {
        return differs("parameters".into(), &format!("{} of them", operation.params.len()));
    }
    for (param, (_, ty)) in operation.params.iter().zip(params) {
        if !is_same(&param.ty, &ty) {
            return differs(format!("parameter `{}`", param.name), &param.ty.describe());
        }
    }
    let mut results = function.results();
    match (&operation.outcome.returned, results.next(), results.next()) {
        (None, None, None) => Ok(()),
        (Some(ty), Some(result), None) if is_same(ty, &result) => Ok(()),
        (ty, ..) => differs("result".into(), &ty.as_ref().map_or("no value".into(), Type::describe)),
    }
}

/// The same of the items of the stream that the function returns, if it returns one.
///
/// # Errors
///
/// Their types differ.
pub(super) fn check_items(operation: &Operation, function: &ComponentFunc) -> wasmtime::Result<()> {
    let Some(item) = operation.outcome.delivered().filter(|_| operation.outcome.is_stream()) else { return Ok(()) };
    let found = match function.results().next() {
        Some(types::Type::Result(result)) if operation.outcome.in_ok => result.ok(),
        result => result,
    };
    match found {
        Some(types::Type::Stream(stream)) if stream.ty().is_some_and(|of| is_same(&item, &of)) => Ok(()),
        _ => Err(wasmtime::Error::msg(format!(
            "`{}`, items of the result: the contract has `{}`, and the component's function another type",
            operation.label(),
            item.describe()
        ))),
    }
}

fn is_same(ty: &Type, of: &types::Type) -> bool {
    use types::Type as Of;
    let arm = |ty: Option<&Type>, of: Option<Of>| match (ty, of) {
        (Some(ty), Some(of)) => is_same(ty, &of),
        (None, None) => true,
        _ => false,
    };
    match (ty.resolved(), of) {
        (Type::Scalar(scalar), of) => matches!(
            (scalar, of),
            (Scalar::Bool, Of::Bool)
                | (Scalar::U8, Of::U8)
                | (Scalar::U16, Of::U16)
                | (Scalar::U32, Of::U32)
                | (Scalar::U64, Of::U64)
                | (Scalar::S8, Of::S8)
                | (Scalar::S16, Of::S16)
                | (Scalar::S32, Of::S32)
                | (Scalar::S64, Of::S64)
                | (Scalar::F32, Of::Float32)
                | (Scalar::F64, Of::Float64)
                | (Scalar::Char, Of::Char)
                | (Scalar::String, Of::String)
        ),
        (Type::Bytes, Of::List(list)) => list.ty() == Of::U8,
        (Type::List(item), Of::List(list)) => is_same(item, &list.ty()),
        (Type::FixedList(item, len), Of::FixedLengthList(list)) => *len == list.len() && is_same(item, &list.ty()),
        (Type::Tuple(types), Of::Tuple(of)) => {
            types.len() == of.types().len() && types.iter().zip(of.types()).all(|(ty, of)| is_same(ty, &of))
        }
        (Type::Option(some), Of::Option(of)) => is_same(some, &of.ty()),
        (Type::Result(ok, err), Of::Result(of)) => arm(ok.as_deref(), of.ok()) && arm(err.as_deref(), of.err()),
        (Type::Map(key, value), Of::Map(of)) => is_same(key, &of.key()) && is_same(value, &of.value()),
        (Type::Named(named), of) => match (&named.shape, of) {
            (Shape::Record(fields), Of::Record(of)) => {
                fields.len() == of.fields().len()
                    && fields
                        .iter()
                        .zip(of.fields())
                        .all(|(field, of)| field.name == of.name && is_same(&field.ty, &of.ty))
            }
            (Shape::Variant(cases), Of::Variant(of)) => {
                cases.len() == of.cases().len()
                    && cases
                        .iter()
                        .zip(of.cases())
                        .all(|(case, of)| case.name == of.name && arm(case.ty.as_ref(), of.ty))
            }
            (Shape::Enum(cases), Of::Enum(of)) => cases.iter().map(|case| case.name.as_str()).eq(of.names()),
            (Shape::Flags(cases), Of::Flags(of)) => cases.iter().map(|case| case.name.as_str()).eq(of.names()),
            _ => false,
        },
        _ => false,
    }
}
