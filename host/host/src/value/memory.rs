//! Values as they stand in a memory (component model, Canonical ABI, "Loading"): that of a guest, which may hold
//! anything, or an [`Image`](super::Image).

use std::{borrow::Cow, cell::Cell};

use super::view::{Parts, Source, Unreadable, View};
use crate::contract::{Layout, Scalar, Shape, Type, layout::tag_size};

/// How strings stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16,
    /// Latin-1, or UTF-16 if the highest bit of the length is set.
    Latin1OrUtf16,
}

/// See [`Encoding::Latin1OrUtf16`].
const UTF16_TAG: u32 = 1 << 31;

/// Bytes that one value counts as, see [`Memory::new`]. `runtime/tree` has the compiler see that it is wasmtime's figure.
pub const VALUE: usize = 40;

/// A memory that values are read from.
pub struct Memory<'m> {
    bytes: &'m [u8],
    encoding: Encoding,
    /// How much may still be read.
    left: Cell<usize>,
}

impl<'m> Memory<'m> {
    /// Strings and items in it count as they would if wasmtime lifted them (`Store::set_hostcall_fuel`): as many bytes as
    /// their values would take. `most` of these may be read, so that lists which stand in one another end.
    pub fn new(bytes: &'m [u8], encoding: Encoding, most: usize) -> Memory<'m> {
        Memory { bytes, encoding, left: Cell::new(most) }
    }

    /// `count` things of `size` bytes each, at an address from the guest.
    fn slice(&self, what: &str, address: u32, count: usize, size: usize, align: u64) -> Result<&[u8], Unreadable> {
        let begin = address as usize;
        let bytes = count.checked_mul(size).and_then(|len| self.bytes.get(begin..begin.checked_add(len)?));
        let Some(bytes) = bytes else {
            return Err(format!("{what} pointer/length out of bounds of memory").into());
        };
        if u64::from(address) % align != 0 {
            return Err(format!("{what} pointer is not aligned to {align}").into());
        }
        Ok(bytes)
    }

    fn charge(&self, count: usize, size: usize) -> Result<(), Unreadable> {
        let left = count.checked_mul(size).and_then(|amount| self.left.get().checked_sub(amount));
        self.left.set(left.ok_or("it holds too much data to be copied to the host; `result_kib` sets the limit")?);
        Ok(())
    }

    fn text(&self, address: u32, len: u32) -> Result<Cow<'_, str>, Unreadable> {
        let count = len as usize;
        let is_utf16 = match self.encoding {
            Encoding::Utf8 => {
                let bytes = self.slice("string", address, count, 1, 1)?;
                self.charge(count, 1)?;
                let text = std::str::from_utf8(bytes).map_err(|error| format!("a string is not UTF-8: {error}"))?;
                return Ok(text.into());
            }
            Encoding::Utf16 => true,
            Encoding::Latin1OrUtf16 => len & UTF16_TAG != 0,
        };
        if !is_utf16 {
            let bytes = self.slice("string", address, count, 1, 2)?;
            self.charge(count, 1)?;
            return Ok(bytes.iter().copied().map(char::from).collect());
        }
        let count = if self.encoding == Encoding::Utf16 { count } else { (len ^ UTF16_TAG) as usize };
        let bytes = self.slice("string", address, count, 2, 2)?;
        self.charge(count, 2)?;
        let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        Ok(text.map_err(|error| format!("a string is not UTF-16: {error}"))?.into())
    }
}

/// One value in a memory.
#[derive(Clone, Copy)]
pub struct At<'v> {
    /// The value's own.
    bytes: &'v [u8],
    /// What it points to.
    memory: &'v Memory<'v>,
}

impl<'v> At<'v> {
    /// A value that has at least the bytes of its type.
    pub fn new(bytes: &'v [u8], memory: &'v Memory<'v>) -> At<'v> {
        At { bytes, memory }
    }

    /// A value at an address that the guest gave, which is that of a `what`.
    ///
    /// # Errors
    ///
    /// It is no address of a value of that layout.
    pub fn address(what: &str, address: u32, layout: Layout, memory: &'v Memory<'v>) -> Result<At<'v>, Unreadable> {
        Ok(At { bytes: memory.slice(what, address, 1, layout.bytes(), layout.align)?, memory })
    }

    fn array<const N: usize>(self, offset: usize) -> Result<[u8; N], Unreadable> {
        let bytes = self.bytes.get(offset..).and_then(|bytes| bytes.first_chunk());
        bytes.copied().ok_or(Unreadable::MISMATCH)
    }

    fn u32(self, offset: usize) -> Result<u32, Unreadable> {
        self.array(offset).map(u32::from_le_bytes)
    }

    fn pointer(self) -> Result<(u32, u32), Unreadable> {
        Ok((self.u32(0)?, self.u32(4)?))
    }

    /// Little-endian, of so many bytes.
    fn unsigned(self, size: usize) -> Result<u64, Unreadable> {
        let mut wide = [0; 8];
        let bytes = self.bytes.get(..size).ok_or(Unreadable::MISMATCH)?;
        wide.get_mut(..size).ok_or(Unreadable::MISMATCH)?.copy_from_slice(bytes);
        Ok(u64::from_le_bytes(wide))
    }

    /// Which of so many cases it is.
    pub(crate) fn tag(self, cases: usize) -> Result<usize, Unreadable> {
        let tag = self.unsigned(tag_size(cases))?;
        match usize::try_from(tag) {
            Ok(tag) if tag < cases => Ok(tag),
            _ => Err(format!("discriminant {tag} out of range [0..{cases})").into()),
        }
    }

    /// The payload of a variant of that layout.
    pub(crate) fn payload(self, layout: Layout) -> Result<At<'v>, Unreadable> {
        let bytes = self.bytes.get(layout.payload()..).ok_or(Unreadable::MISMATCH)?;
        Ok(At { bytes, ..self })
    }

    fn items(self, what: &str, layout: Layout, values: usize) -> Result<View<'v, Self>, Unreadable> {
        let (address, len) = self.pointer()?;
        let count = len as usize;
        let bytes = self.memory.slice(what, address, count, layout.bytes(), layout.align)?;
        self.memory.charge(count, values * VALUE)?;
        Ok(View::List(count, self.parts(bytes)))
    }

    fn parts(self, bytes: &'v [u8]) -> Members<'v> {
        Members { bytes, memory: self.memory, end: 0 }
    }

    fn scalar(self, scalar: Scalar) -> Result<View<'v, Self>, Unreadable> {
        Ok(match scalar {
            Scalar::Bool => View::Bool(self.unsigned(1)? != 0),
            Scalar::U8 => View::Unsigned(self.unsigned(1)?),
            Scalar::U16 => View::Unsigned(self.unsigned(2)?),
            Scalar::U32 => View::Unsigned(self.unsigned(4)?),
            Scalar::U64 => View::Unsigned(self.unsigned(8)?),
            Scalar::S8 => View::Signed(i8::from_le_bytes(self.array(0)?).into()),
            Scalar::S16 => View::Signed(i16::from_le_bytes(self.array(0)?).into()),
            Scalar::S32 => View::Signed(i32::from_le_bytes(self.array(0)?).into()),
            Scalar::S64 => View::Signed(i64::from_le_bytes(self.array(0)?)),
            Scalar::F32 => View::F32(f32::from_le_bytes(self.array(0)?)),
            Scalar::F64 => View::F64(f64::from_le_bytes(self.array(0)?)),
            Scalar::Char => {
                let code = self.u32(0)?;
                View::Char(char::from_u32(code).ok_or_else(|| format!("{code:#x} is no `char`"))?)
            }
            Scalar::String => {
                let (address, len) = self.pointer()?;
                View::Text(self.memory.text(address, len)?)
            }
        })
    }
}

impl<'v> Source<'v> for At<'v> {
    type Parts = Members<'v>;

    fn view(self, ty: &Type) -> Result<View<'v, Self>, Unreadable> {
        let ty = ty.resolved();
        Ok(match ty {
            Type::Scalar(scalar) => self.scalar(*scalar)?,
            Type::Bytes => {
                let (address, len) = self.pointer()?;
                let bytes = self.memory.slice("list", address, len as usize, 1, 1)?;
                self.memory.charge(bytes.len(), 1)?;
                View::Bytes(bytes.into())
            }
            Type::List(item) => self.items("list", Layout::of(item), 1)?,
            Type::Map(key, value) => self.items("map", Layout::record([key.as_ref(), value].into_iter()), 2)?,
            Type::FixedList(..) | Type::Tuple(_) => View::Members(self.parts(self.bytes)),
            Type::Option(_) => match self.tag(2)? {
                0 => View::Option(None),
                _ => View::Option(Some(self.payload(Layout::of(ty))?)),
            },
            Type::Result(ok, err) => {
                let tag = self.tag(2)?;
                let arm = if tag == 0 { ok } else { err };
                let payload = arm.as_ref().map(|_| self.payload(Layout::of(ty))).transpose()?;
                View::Result(if tag == 0 { Ok(payload) } else { Err(payload) })
            }
            Type::Named(named) => match &named.shape {
                Shape::Record(_) => View::Members(self.parts(self.bytes)),
                Shape::Variant(cases) | Shape::Enum(cases) => {
                    let case = self.tag(cases.len())?;
                    let payload = cases[case].ty.as_ref().map(|_| self.payload(named.layout)).transpose()?;
                    View::Case(case, payload)
                }
                Shape::Flags(cases) => {
                    let known = u32::MAX.checked_shr(32_u32.saturating_sub(cases.len() as u32)).unwrap_or_default();
                    // Bits without a flag are to be passed over.
                    View::Flags(self.unsigned(named.layout.bytes())? as u32 & known)
                }
                Shape::Alias(target) => return self.view(target),
            },
        })
    }
}

/// Values one after the other, each at the next address that fits it. The items of a list are such, too: a size is a
/// multiple of its alignment.
pub struct Members<'v> {
    bytes: &'v [u8],
    memory: &'v Memory<'v>,
    end: usize,
}

impl<'v> Parts<At<'v>> for Members<'v> {
    fn next(&mut self, ty: &Type) -> Result<At<'v>, Unreadable> {
        let layout = Layout::of(ty);
        let begin = layout.begin(self.end);
        self.end = begin.saturating_add(layout.bytes());
        let bytes = self.bytes.get(begin..self.end).ok_or(Unreadable::MISMATCH)?;
        Ok(At { bytes, memory: self.memory })
    }
}
