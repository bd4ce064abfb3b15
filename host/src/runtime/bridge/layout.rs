//! Size and alignment of a type in a guest's memory (component model, Canonical ABI, "Alignment" and "Element Size").

use crate::contract::{Case, Scalar, Shape, Type};

/// In bytes. Sizes of fixed-length lists multiply, so they saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub size: u64,
    pub align: u64,
}

impl Layout {
    const fn scalar(size: u64) -> Layout {
        Layout { size, align: size }
    }

    /// Address and length.
    const POINTER: Layout = Layout { size: 8, align: 4 };

    pub fn of(ty: &Type) -> Layout {
        match ty {
            Type::Scalar(scalar) => match scalar {
                Scalar::Bool | Scalar::U8 | Scalar::S8 => Layout::scalar(1),
                Scalar::U16 | Scalar::S16 => Layout::scalar(2),
                Scalar::U32 | Scalar::S32 | Scalar::F32 | Scalar::Char => Layout::scalar(4),
                Scalar::U64 | Scalar::S64 | Scalar::F64 => Layout::scalar(8),
                Scalar::String => Layout::POINTER,
            },
            Type::Bytes | Type::List(_) | Type::Map(..) => Layout::POINTER,
            Type::FixedList(item, len) => {
                let item = Layout::of(item);
                Layout { size: item.size.saturating_mul(u64::from(*len)), align: item.align }
            }
            Type::Tuple(types) => Layout::record(types.iter()),
            Type::Option(some) => Layout::variant(2, [some.as_ref()].into_iter()),
            Type::Result(ok, err) => Layout::variant(2, [ok.as_deref(), err.as_deref()].into_iter().flatten()),
            Type::Named(named) => match &named.shape {
                Shape::Alias(target) => Layout::of(target),
                Shape::Record(fields) => Layout::record(fields.iter().map(|field| &field.ty)),
                Shape::Variant(cases) | Shape::Enum(cases) => {
                    Layout::variant(cases.len(), cases.iter().filter_map(|case: &Case| case.ty.as_ref()))
                }
                Shape::Flags(flags) => Layout::scalar(match flags.len() {
                    0..=8 => 1,
                    9..=16 => 2,
                    _ => 4,
                }),
            },
        }
    }

    fn record<'t>(types: impl Iterator<Item = &'t Type>) -> Layout {
        let mut whole = Layout { size: 0, align: 1 };
        for ty in types {
            let field = Layout::of(ty);
            whole.size = aligned(whole.size, field.align).saturating_add(field.size);
            whole.align = whole.align.max(field.align);
        }
        Layout { size: aligned(whole.size, whole.align), ..whole }
    }

    fn variant<'t>(cases: usize, payloads: impl Iterator<Item = &'t Type>) -> Layout {
        let tag = match cases {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        };
        let (size, align) = payloads
            .map(Layout::of)
            .fold((0, 1), |(size, align), payload| (payload.size.max(size), payload.align.max(align)));
        let align = align.max(tag);
        // The payload begins where the most demanding of all payloads could.
        Layout { size: aligned(aligned(tag, align).saturating_add(size), align), align }
    }
}

fn aligned(offset: u64, align: u64) -> u64 {
    offset.checked_next_multiple_of(align).unwrap_or(u64::MAX)
}
