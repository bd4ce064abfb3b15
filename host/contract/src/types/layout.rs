//! Size and alignment of a type in a guest's memory, and how many core values it is as a parameter (component model,
//! Canonical ABI, "Alignment", "Element Size" and "Flattening").

use crate::{Case, Scalar, Shape, Type};

/// The most core values that the parameters of a function are; beyond them they stand in memory (`MAX_FLAT_PARAMS`).
pub const MAX_FLAT_PARAMS: u32 = 16;

/// In bytes. Sizes of fixed-length lists multiply, so all of it saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub size: u64,
    pub align: u64,
    /// Core values.
    pub flat: u32,
}

impl Layout {
    const fn scalar(size: u64) -> Layout {
        Layout { size, align: size, flat: 1 }
    }

    /// Address and length.
    const POINTER: Layout = Layout { size: 8, align: 4, flat: 2 };

    #[inline]
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
                Layout {
                    size: item.size.saturating_mul(u64::from(*len)),
                    align: item.align,
                    flat: item.flat.saturating_mul(*len),
                }
            }
            Type::Tuple(types) => Layout::record(types.iter()),
            Type::Option(some) => Layout::variant(2, [some.as_ref()].into_iter()),
            Type::Result(ok, err) => Layout::variant(2, [ok.as_deref(), err.as_deref()].into_iter().flatten()),
            // Known since the type is.
            Type::Named(named) => named.layout,
        }
    }

    #[inline]
    pub fn of_shape(shape: &Shape) -> Layout {
        match shape {
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
        }
    }

    /// Of values one after the other, as in a record, a tuple, or the parameters of a function.
    pub fn record<'t>(types: impl Iterator<Item = &'t Type>) -> Layout {
        let mut whole = Layout { size: 0, align: 1, flat: 0 };
        for ty in types {
            let field = Layout::of(ty);
            whole.size = aligned(whole.size, field.align).saturating_add(field.size);
            whole.align = whole.align.max(field.align);
            whole.flat = whole.flat.saturating_add(field.flat);
        }
        Layout { size: aligned(whole.size, whole.align), ..whole }
    }

    fn variant<'t>(cases: usize, payloads: impl Iterator<Item = &'t Type>) -> Layout {
        let tag = tag_size(cases) as u64;
        let most = Layout { size: 0, align: 1, flat: 0 };
        let Layout { size, align, flat } = payloads.map(Layout::of).fold(most, |most, payload| Layout {
            size: payload.size.max(most.size),
            align: payload.align.max(most.align),
            flat: payload.flat.max(most.flat),
        });
        let align = align.max(tag);
        // The payload begins where the most demanding of all payloads could.
        let size = aligned(aligned(tag, align).saturating_add(size), align);
        Layout { size, align, flat: flat.saturating_add(1) }
    }

    /// Where the payload of a variant of this layout begins: behind a tag that is never larger than what all is aligned to.
    #[inline]
    pub fn payload(self) -> usize {
        self.align as usize
    }

    /// Where a value of this layout begins in memory if it may begin at `offset`.
    #[inline]
    pub fn begin(self, offset: usize) -> usize {
        offset.checked_next_multiple_of(self.align as usize).unwrap_or(usize::MAX)
    }

    /// The size, or all there is where memory has no room for it.
    #[inline]
    pub fn bytes(self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }
}

/// Bytes that say which of so many cases it is.
#[inline]
pub fn tag_size(cases: usize) -> usize {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// Where each of some values begins that stand one after the other.
#[inline]
pub fn offsets<'t>(types: impl Iterator<Item = &'t Type>) -> impl Iterator<Item = usize> {
    types.scan(0, |end: &mut usize, ty| {
        let layout = Layout::of(ty);
        let begin = layout.begin(*end);
        *end = begin.saturating_add(layout.bytes());
        Some(begin)
    })
}

fn aligned(offset: u64, align: u64) -> u64 {
    offset.checked_next_multiple_of(align).unwrap_or(u64::MAX)
}
