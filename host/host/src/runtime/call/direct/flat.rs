//! Values as parameters and results of core functions (component model, Canonical ABI, "Flat Lifting" and "Flat Lowering").

use wasmtime::ValRaw;

use crate::{
    contract::{
        Layout, Scalar, Shape, Type,
        layout::{MAX_FLAT_PARAMS, offsets, tag_size},
    },
    value::Unreadable,
};

/// Core values of a call's parameters, and zeros behind them.
pub(super) type Flat = [ValRaw; MAX_FLAT_PARAMS as usize];

/// Values one after the other in memory → core values, no more than fit.
pub(super) fn lower<'t>(types: impl Iterator<Item = &'t Type> + Clone, bytes: &[u8]) -> Option<Flat> {
    let mut flat = Lowered { values: [ValRaw::u64(0); MAX_FLAT_PARAMS as usize], count: 0 };
    flat.members(types, bytes)?;
    Some(flat.values)
}

struct Lowered {
    values: Flat,
    count: usize,
}

impl Lowered {
    fn push(&mut self, value: ValRaw) -> Option<()> {
        *self.values.get_mut(self.count)? = value;
        self.count += 1;
        Some(())
    }

    fn members<'t>(&mut self, types: impl Iterator<Item = &'t Type> + Clone, bytes: &[u8]) -> Option<()> {
        let mut values = types.clone().zip(offsets(types));
        values.try_for_each(|(ty, offset)| self.value(ty, bytes.get(offset..)?))
    }

    fn value(&mut self, ty: &Type, bytes: &[u8]) -> Option<()> {
        let ty = ty.resolved();
        match ty {
            Type::Scalar(scalar) => match scalar {
                Scalar::Bool | Scalar::U8 => self.push(ValRaw::u32((*bytes.first()?).into())),
                Scalar::S8 => self.push(ValRaw::i32(i8::from_le_bytes(word(bytes)?).into())),
                Scalar::U16 => self.push(ValRaw::u32(u16::from_le_bytes(word(bytes)?).into())),
                Scalar::S16 => self.push(ValRaw::i32(i16::from_le_bytes(word(bytes)?).into())),
                Scalar::U32 | Scalar::S32 | Scalar::Char => self.push(ValRaw::u32(u32::from_le_bytes(word(bytes)?))),
                Scalar::U64 | Scalar::S64 => self.push(ValRaw::u64(u64::from_le_bytes(word(bytes)?))),
                Scalar::F32 => self.push(ValRaw::f32(u32::from_le_bytes(word(bytes)?))),
                Scalar::F64 => self.push(ValRaw::f64(u64::from_le_bytes(word(bytes)?))),
                Scalar::String => self.pointer(bytes),
            },
            Type::Bytes | Type::List(_) | Type::Map(..) => self.pointer(bytes),
            Type::FixedList(item, count) => {
                let size = Layout::of(item).bytes();
                (0..*count as usize).try_for_each(|i| self.value(item, bytes.get(i.checked_mul(size)?..)?))
            }
            Type::Tuple(types) => self.members(types.iter(), bytes),
            Type::Option(some) => self.variant(ty, 2, bytes, |case| (case == 1).then_some(some.as_ref())),
            Type::Result(ok, err) => {
                self.variant(ty, 2, bytes, |case| if case == 0 { ok.as_deref() } else { err.as_deref() })
            }
            Type::Named(named) => match &named.shape {
                Shape::Record(fields) => self.members(fields.iter().map(|field| &field.ty), bytes),
                Shape::Variant(cases) | Shape::Enum(cases) => {
                    self.variant(ty, cases.len(), bytes, |case| cases.get(case)?.ty.as_ref())
                }
                Shape::Flags(_) => self.push(ValRaw::u32(unsigned(bytes, named.layout.bytes())?)),
                Shape::Alias(target) => self.value(target, bytes),
            },
        }
    }

    fn pointer(&mut self, bytes: &[u8]) -> Option<()> {
        self.push(ValRaw::u32(u32::from_le_bytes(word(bytes)?)))?;
        self.push(ValRaw::u32(u32::from_le_bytes(word(bytes.get(4..)?)?)))
    }

    /// A payload stands in values that fit every case's. What a wider value has more bits is zero, as it is in a
    /// `ValRaw` of a narrower one; so are those that this case has no use for.
    fn variant<'t>(
        &mut self,
        ty: &Type,
        cases: usize,
        bytes: &[u8],
        payload: impl FnOnce(usize) -> Option<&'t Type>,
    ) -> Option<()> {
        let layout = Layout::of(ty);
        let end = self.count.checked_add(layout.flat as usize).filter(|end| *end <= self.values.len())?;
        let case = unsigned(bytes, tag_size(cases))?;
        self.push(ValRaw::u32(case))?;
        if let Some(ty) = payload(case as usize) {
            self.value(ty, bytes.get(layout.payload()..)?)?;
        }
        self.count = end;
        Some(())
    }
}

fn word<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

/// Little-endian, of at most four bytes.
fn unsigned(bytes: &[u8], size: usize) -> Option<u32> {
    let mut wide = [0; 4];
    wide.get_mut(..size)?.copy_from_slice(bytes.get(..size)?);
    Some(u32::from_le_bytes(wide))
}

/// A core value that is the whole of a `ty` → its bytes as they would stand in memory.
///
/// # Errors
///
/// It is none.
pub(super) fn bytes(ty: &Type, flat: ValRaw) -> Result<[u8; 8], Unreadable> {
    let ty = ty.resolved();
    let tag = |cases: usize| match flat.get_u32() {
        tag if (tag as usize) < cases => Ok(u64::from(tag).to_le_bytes()),
        tag => Err(format!("discriminant {tag} out of range [0..{cases})").into()),
    };
    match ty {
        // Of narrower integers only as many bits as they have are looked at.
        Type::Scalar(scalar) => Ok(match scalar {
            Scalar::Bool => u64::from(flat.get_u32() != 0),
            Scalar::U64 | Scalar::S64 => flat.get_u64(),
            Scalar::F64 => flat.get_f64(),
            Scalar::F32 => flat.get_f32().into(),
            _ => flat.get_u32().into(),
        }
        .to_le_bytes()),
        Type::FixedList(only, _) => bytes(only, flat),
        Type::Tuple(types) => bytes(types.first().ok_or(Unreadable::MISMATCH)?, flat),
        Type::Option(_) | Type::Result(..) => tag(2),
        Type::Named(named) => match &named.shape {
            Shape::Record(fields) => bytes(&fields.first().ok_or(Unreadable::MISMATCH)?.ty, flat),
            Shape::Variant(cases) | Shape::Enum(cases) => tag(cases.len()),
            Shape::Flags(_) => Ok(u64::from(flat.get_u32()).to_le_bytes()),
            Shape::Alias(target) => bytes(target, flat),
        },
        Type::Bytes | Type::List(_) | Type::Map(..) => Err(Unreadable::MISMATCH),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn lowered(types: &[Type], bytes: &[u8]) -> Vec<u64> {
        lower(types.iter(), bytes).unwrap().iter().map(ValRaw::get_u64).take(4).collect()
    }

    #[test]
    fn members_have_offsets_in_memory_and_places_in_calls() {
        let types = [Type::Scalar(Scalar::U8), Type::Scalar(Scalar::U32), Type::Scalar(Scalar::S8)];
        let memory = [7, 0, 0, 0, 1, 2, 3, 4, 0xff, 0, 0, 0];
        // A narrower integer fills its core value.
        assert_eq!(lowered(&types, &memory), [7, 0x0403_0201, 0xffff_ffff, 0]);
    }

    #[test]
    fn a_case_without_a_payload_leaves_its_values_zero() {
        let types = [Type::Option(Arc::new(Type::Scalar(Scalar::U32))), Type::Scalar(Scalar::U8)];
        assert_eq!(lowered(&types, &[1, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]), [1, 9, 5, 0]);
        assert_eq!(lowered(&types, &[0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0]), [0, 0, 5, 0]);
    }

    #[test]
    fn too_little_memory_is_no_value() {
        assert!(lower([Type::Scalar(Scalar::U64)].iter(), &[0; 7]).is_none());
        let many: Vec<_> = (0..=MAX_FLAT_PARAMS).map(|_| Type::Scalar(Scalar::U8)).collect();
        assert!(lower(many.iter(), &[0; 64]).is_none());
    }

    #[test]
    fn a_case_that_is_none_is_unreadable() {
        let option = Type::Option(Arc::new(Type::Scalar(Scalar::U8)));
        assert!(bytes(&option, ValRaw::u32(2)).is_err());
        assert_eq!(bytes(&option, ValRaw::u32(1)).unwrap()[0], 1);
        assert_eq!(bytes(&Type::Scalar(Scalar::Bool), ValRaw::u32(9)).unwrap()[0], 1);
    }
}
