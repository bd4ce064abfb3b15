//! Values as wasmtime has them, where it passes them itself: to and from functions with streams, futures or async.

use std::slice;

use wasmtime::component::Val;

use crate::{
    contract::{Case, Delivery, Operation, Param, Scalar, Shape, Type, layout::offsets},
    value::{
        Image, Unwritable,
        memory::VALUE,
        view::{Parts, Source, Unreadable, View},
        write,
    },
};

const _: () = assert!(size_of::<Val>() == VALUE);

/// The value of type `ty` at `at` in an image; `None` if it is none, or was lost.
pub(super) fn of_image(image: &Image, at: usize, ty: &Type) -> Option<Val> {
    image.look(at, ty, |value| val(ty, value).ok()).flatten()
}

/// A value as wasmtime has it.
///
/// # Errors
///
/// It is none of that type.
pub(super) fn val<'v, S: Source<'v>>(ty: &Type, source: S) -> Result<Val, Unreadable> {
    let ty = ty.resolved();
    let some = |ty: &Type, value: S| val(ty, value).map(Box::new);
    let arm = |ty: &Option<std::sync::Arc<Type>>, value: Option<S>| match (ty, value) {
        (Some(ty), Some(value)) => some(ty, value).map(Some),
        _ => Ok(None),
    };
    Ok(match (ty, source.view(ty)?) {
        (_, View::Bool(value)) => Val::Bool(value),
        (Type::Scalar(scalar), View::Unsigned(value)) => match scalar {
            Scalar::U8 => Val::U8(value as u8),
            Scalar::U16 => Val::U16(value as u16),
            Scalar::U32 => Val::U32(value as u32),
            _ => Val::U64(value),
        },
        (Type::Scalar(scalar), View::Signed(value)) => match scalar {
            Scalar::S8 => Val::S8(value as i8),
            Scalar::S16 => Val::S16(value as i16),
            Scalar::S32 => Val::S32(value as i32),
            _ => Val::S64(value),
        },
        (_, View::F32(value)) => Val::Float32(value),
        (_, View::F64(value)) => Val::Float64(value),
        (_, View::Char(value)) => Val::Char(value),
        (_, View::Text(value)) => Val::String(value.into_owned()),
        (_, View::Bytes(value)) => Val::List(value.iter().copied().map(Val::U8).collect()),
        (Type::List(item), View::List(count, mut items)) => {
            let mut values = Vec::with_capacity(count);
            for _ in 0..count {
                values.push(val(item, items.next(item)?)?);
            }
            Val::List(values)
        }
        (Type::Map(key, value), View::List(count, mut entries)) => {
            let mut values = Vec::with_capacity(count);
            for _ in 0..count {
                values.push((val(key, entries.next(key)?)?, val(value, entries.next(value)?)?));
            }
            Val::Map(values)
        }
        (Type::FixedList(item, count), View::Members(mut items)) => {
            Val::FixedLengthList((0..*count).map(|_| val(item, items.next(item)?)).collect::<Result<_, _>>()?)
        }
        (Type::Tuple(types), View::Members(mut items)) => {
            Val::Tuple(types.iter().map(|ty| val(ty, items.next(ty)?)).collect::<Result<_, _>>()?)
        }
        (Type::Option(ty), View::Option(value)) => Val::Option(value.map(|value| some(ty, value)).transpose()?),
        (Type::Result(ok, _), View::Result(Ok(value))) => Val::Result(Ok(arm(ok, value)?)),
        (Type::Result(_, err), View::Result(Err(value))) => Val::Result(Err(arm(err, value)?)),
        (Type::Named(named), view) => match (&named.shape, view) {
            (Shape::Record(fields), View::Members(mut members)) => {
                let mut values = Vec::with_capacity(fields.len());
                for field in fields {
                    values.push((field.name.clone(), val(&field.ty, members.next(&field.ty)?)?));
                }
                Val::Record(values)
            }
            (Shape::Enum(cases), View::Case(case, _)) => Val::Enum(case_at(cases, case)?.name.clone()),
            (Shape::Variant(cases), View::Case(case, payload)) => {
                let case = case_at(cases, case)?;
                let payload = case.ty.as_ref().zip(payload).map(|(ty, value)| some(ty, value)).transpose()?;
                Val::Variant(case.name.clone(), payload)
            }
            (Shape::Flags(cases), View::Flags(set)) => {
                let is_set = |index: &usize| set >> index & 1 == 1;
                Val::Flags((0..cases.len().min(32)).filter(is_set).map(|i| cases[i].name.clone()).collect())
            }
            _ => return Err(Unreadable::MISMATCH),
        },
        _ => return Err(Unreadable::MISMATCH),
    })
}

fn case_at(cases: &[Case], index: usize) -> Result<&Case, Unreadable> {
    cases.get(index).ok_or(Unreadable::MISMATCH)
}

impl<'v> Source<'v> for &'v Val {
    type Parts = Values<'v>;

    fn view(self, ty: &Type) -> Result<View<'v, Self>, Unreadable> {
        let ty = ty.resolved();
        Ok(match (self, ty) {
            (Val::Bool(value), _) => View::Bool(*value),
            (Val::U8(value), _) => View::Unsigned((*value).into()),
            (Val::U16(value), _) => View::Unsigned((*value).into()),
            (Val::U32(value), _) => View::Unsigned((*value).into()),
            (Val::U64(value), _) => View::Unsigned(*value),
            (Val::S8(value), _) => View::Signed((*value).into()),
            (Val::S16(value), _) => View::Signed((*value).into()),
            (Val::S32(value), _) => View::Signed((*value).into()),
            (Val::S64(value), _) => View::Signed(*value),
            (Val::Float32(value), _) => View::F32(*value),
            (Val::Float64(value), _) => View::F64(*value),
            (Val::Char(value), _) => View::Char(*value),
            (Val::String(value), _) => View::Text(value.as_str().into()),
            (Val::List(items), Type::Bytes) => {
                let byte = |item: &Val| if let Val::U8(byte) = item { Ok(*byte) } else { Err(Unreadable::MISMATCH) };
                View::Bytes(items.iter().map(byte).collect::<Result<_, _>>()?)
            }
            (Val::List(items), _) => View::List(items.len(), Values::Items(items.iter())),
            (Val::Map(entries), _) => View::List(entries.len(), Values::Entries(entries.iter(), None)),
            (Val::FixedLengthList(items) | Val::Tuple(items), _) => View::Members(Values::Items(items.iter())),
            (Val::Record(members), _) => View::Members(Values::Members(members.iter())),
            (Val::Option(value), _) => View::Option(value.as_deref()),
            (Val::Result(value), _) => View::Result(match value {
                Ok(value) => Ok(value.as_deref()),
                Err(value) => Err(value.as_deref()),
            }),
            (Val::Enum(name), _) => View::Case(index(ty, name)?, None),
            (Val::Variant(name, payload), _) => View::Case(index(ty, name)?, payload.as_deref()),
            (Val::Flags(names), _) => {
                let mut set = 0;
                for name in names {
                    set |= 1_u32.checked_shl(index(ty, name)? as u32).unwrap_or_default();
                }
                View::Flags(set)
            }
            _ => return Err(Unreadable::MISMATCH),
        })
    }
}

/// Which case of the type, or which flag, has that name.
fn index(ty: &Type, name: &str) -> Result<usize, Unreadable> {
    match ty.shape() {
        Some(Shape::Variant(cases) | Shape::Enum(cases) | Shape::Flags(cases)) => {
            cases.iter().position(|case| case.name == name).ok_or(Unreadable::MISMATCH)
        }
        _ => Err(Unreadable::MISMATCH),
    }
}

/// The values in one.
pub enum Values<'v> {
    Items(slice::Iter<'v, Val>),
    Members(slice::Iter<'v, (String, Val)>),
    /// With the value of the key that came last.
    Entries(slice::Iter<'v, (Val, Val)>, Option<&'v Val>),
}

impl<'v> Parts<&'v Val> for Values<'v> {
    fn next(&mut self, _: &Type) -> Result<&'v Val, Unreadable> {
        let next = match self {
            Values::Items(items) => items.next(),
            Values::Members(members) => members.next().map(|(_, value)| value),
            Values::Entries(entries, value) => value.take().or_else(|| {
                let (key, of_key) = entries.next()?;
                *value = Some(of_key);
                Some(key)
            }),
        };
        next.ok_or(Unreadable::MISMATCH)
    }
}

/// The JSON of the value of type `ty` at `at` in an image, as it is written when wasmtime passes it. For those who compare the
/// two ways; `None` if there is no such value.
pub fn json_by_values(image: &Image, at: usize, ty: &Type) -> Option<Result<Vec<u8>, Unwritable>> {
    let value = of_image(image, at, ty)?;
    let mut text = vec![];
    Some(write(&mut text, ty, &value, usize::MAX).map(|()| text))
}

/// The arguments of a call as wasmtime has them, with any value in the place of a stream.
///
/// # Errors
///
/// There is not a value for each: the image was made for another operation.
pub(super) fn values(operation: &Operation, args: &Image) -> wasmtime::Result<Vec<Val>> {
    let places = offsets(operation.params.iter().map(|param| &param.ty));
    let value = |(param, at): (&Param, usize)| match param.delivery {
        Delivery::Stream => Some(Val::Bool(false)),
        Delivery::Whole | Delivery::Future => of_image(args, at, &param.ty),
    };
    let values: Option<_> = operation.params.iter().zip(places).map(value).collect();
    values.ok_or_else(|| wasmtime::Error::msg("the arguments do not fit the function"))
}
