//! wasmtime's traits of lowering and lifting for arguments and results of any types. All `unsafe` of the direct way is here.
//!
//! The traits are those that wasmtime's derive macros implement. Their items are hidden from its documentation and may
//! change with any version of it: `tests/direct.rs` says whether this still holds.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use wasmtime::{
    Store, ValRaw,
    component::{
        __internal::{
            CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
            wasmtime_environ::component::StringEncoding,
        },
        ComponentNamedList, ComponentType, Func, Lift, Lower, TypedFunc,
    },
};

use super::{
    DirectSignature,
    flat::{self, Flat},
    items::Reading,
    running,
};
use crate::{
    contract::layout::MAX_FLAT_PARAMS,
    runtime::sandbox::Sandbox,
    value::{
        Encoding, Image, Memory, Reply, Unwritable,
        image::{Link, Stored},
    },
};

/// The arguments of a call.
pub(super) struct Arguments<'s> {
    pub signature: &'s DirectSignature,
    pub image: Image,
}

/// The answer to what a call returned.
pub(super) struct Results(Result<Reply, Unwritable>);

/// Calls `function`, which is of the signature that `arguments` have.
///
/// # Errors
///
/// It trapped, or what it returned is no value.
pub(super) async fn call(
    store: &mut Store<Sandbox>,
    function: Func,
    arguments: Arguments<'_>,
) -> wasmtime::Result<Result<Reply, Unwritable>> {
    // SAFETY: a signature is made of a function's own types only: `DirectSignature::new` compares the contract's types with
    // those that wasmtime has of the function, and the caller has the signature and the function of one operation.
    // Even for another function no memory of the host would be touched: see the implementations below.
    let function = unsafe { TypedFunc::<Arguments<'_>, Results>::new_unchecked(function) };
    function.call_async(store, arguments).await.map(|results| results.0)
}

// SAFETY: `Lower` is an array of as many `ValRaw` as any function takes, so wasmtime reserves at least as much as the core
// function reads or writes, and takes it for parameters that are passed by value, which `Arguments` decides on by
// itself. The `ABI` is of no value: wasmtime asks for it where parameters do not fit into `Lower`, or where the type
// stands in another. Nothing is found out by `typecheck`, so nobody gets a `TypedFunc` that way.
unsafe impl ComponentType for Arguments<'_> {
    type Lower = Flat;

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg("arguments are checked when their plugin is loaded"))
    }
}

// SAFETY: it stands for the list of all parameters, and `typecheck` accepts no other use.
unsafe impl ComponentNamedList for Arguments<'_> {}

// SAFETY: all of `dst` is written, each value with its first 64 bits, as the constructors of `ValRaw` do. Memory of the
// guest is written through slices that wasmtime gives out, with their bounds checked.
unsafe impl Lower for Arguments<'_> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        _: InterfaceType,
        dst: &mut MaybeUninit<Flat>,
    ) -> wasmtime::Result<()> {
        dst.write(self.lower(cx)?);
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        _: &mut LowerContext<'_, T>,
        _: InterfaceType,
        _: usize,
    ) -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg("arguments stand in no other value"))
    }
}

// SAFETY: a synchronous function returns one core value at most, or the address of its result. Of a function that
// returns none, the value is that of its first parameter, or what is there: `Reply` does not look at it then. The rest as
// for `Arguments`.
unsafe impl ComponentType for Results {
    type Lower = [ValRaw; 1];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::ZERO;

    fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> wasmtime::Result<()> {
        Err(wasmtime::Error::msg("results are checked when their plugin is loaded"))
    }
}

// SAFETY: it stands for the list of all results, and `typecheck` accepts no other use.
unsafe impl ComponentNamedList for Results {}

// SAFETY: the guest's memory is read through the slice that wasmtime gives out, and every address, length, discriminant,
// character and string in it is checked (`value::memory`). Nothing of it is kept.
unsafe impl Lift for Results {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        _: InterfaceType,
        src: &[ValRaw; 1],
    ) -> wasmtime::Result<Results> {
        let signature = running().ok_or_else(|| wasmtime::Error::msg("no function is known to run"))?;
        let memory = Memory::new(cx.memory(), encoding(cx.options().string_encoding), signature.transfer);
        Ok(Results(signature.reply(&memory, src[0])?))
    }

    fn linear_lift_from_memory(_: &mut LiftContext<'_>, _: InterfaceType, _: &[u8]) -> wasmtime::Result<Results> {
        Err(wasmtime::Error::msg("results stand in no other value"))
    }
}

/// An item of a stream of any type. Its size here is a byte, whatever it is in the guest: what stands there is read by
/// [`Reading`], once wasmtime has said where the first one is.
pub(super) struct Item {
    /// Whether it was read; if not, it is offered again.
    pub is_taken: bool,
}

// SAFETY: an item is lifted from memory alone, and one byte of that is taken for each. The type of the guest's items is
// compared with the contract's when the plugin is loaded; whatever it is, memory of the guest is read through the slice
// that wasmtime gives out, with every bound checked (`value::memory`).
unsafe impl ComponentType for Item {
    type Lower = [ValRaw; 1];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::SCALAR1;

    fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> wasmtime::Result<()> {
        Ok(())
    }
}

// SAFETY: as for its `ComponentType`. Nothing of the memory is kept.
unsafe impl Lift for Item {
    fn linear_lift_from_flat(_: &mut LiftContext<'_>, _: InterfaceType, _: &[ValRaw; 1]) -> wasmtime::Result<Item> {
        Err(wasmtime::Error::msg("an item of a stream stands in memory"))
    }

    fn linear_lift_from_memory(cx: &mut LiftContext<'_>, _: InterfaceType, byte: &[u8]) -> wasmtime::Result<Item> {
        let memory = cx.memory();
        // The byte is in the memory; if it were not, the address would be out of bounds.
        let at = (byte.as_ptr() as usize).wrapping_sub(memory.as_ptr() as usize);
        Ok(Item { is_taken: Reading::take(at, memory, encoding(cx.options().string_encoding)) })
    }
}

fn encoding(encoding: StringEncoding) -> Encoding {
    match encoding {
        StringEncoding::Utf8 => Encoding::Utf8,
        StringEncoding::Utf16 => Encoding::Utf16,
        StringEncoding::CompactUtf16 => Encoding::Latin1OrUtf16,
    }
}

/// Address and length of a string or a list in the guest. A string may have another length there than here.
type Pointer = (u32, u32);

/// Bytes of arguments that are passed by value, at most: no core value has more than 8, with padding.
const MAX_FLAT_BYTES: usize = 8 * MAX_FLAT_PARAMS as usize;

impl Arguments<'_> {
    fn lower<T>(&self, cx: &mut LowerContext<'_, T>) -> wasmtime::Result<Flat> {
        let is_utf8 = cx.options().string_encoding == StringEncoding::Utf8;
        let mut pointers: Vec<Pointer> = Vec::with_capacity(self.image.blocks().len());
        for stored in self.image.blocks() {
            let pointer = if stored.block.is_text && !is_utf8 {
                transcoded(cx, std::str::from_utf8(stored.bytes)?)?
            } else {
                stored_in(cx, &stored, &pointers)?
            };
            pointers.push(pointer);
        }
        let (arguments, links) = (self.image.arguments(), self.image.argument_links());
        let layout = self.signature.layout;
        if layout.flat > MAX_FLAT_PARAMS {
            let address = cx.realloc(0, 0, layout.align as u32, arguments.len())?;
            write(cx, address, arguments, links, &pointers)?;
            let mut flat = [ValRaw::u64(0); MAX_FLAT_PARAMS as usize];
            flat[0] = ValRaw::u64(address as u64);
            return Ok(flat);
        }
        let mut bytes = [0; MAX_FLAT_BYTES];
        let bytes = bytes.get_mut(..arguments.len()).ok_or_else(unfit)?;
        bytes.copy_from_slice(arguments);
        link(bytes, links, &pointers)?;
        flat::lower(self.signature.params.iter(), bytes).ok_or_else(unfit)
    }
}

/// Nothing that was checked at load is so: a fault of the host.
fn unfit() -> wasmtime::Error {
    wasmtime::Error::msg("the arguments do not fit the function")
}

/// Copies a list or a string into the guest.
fn stored_in<T>(cx: &mut LowerContext<'_, T>, stored: &Stored, pointers: &[Pointer]) -> wasmtime::Result<Pointer> {
    let address = cx.realloc(0, 0, stored.block.align, stored.bytes.len())?;
    write(cx, address, stored.bytes, stored.links, pointers)?;
    Ok((u32::try_from(address)?, stored.block.len))
}

/// Writes bytes to an address of the guest, with the addresses that stand in them.
fn write<T>(
    cx: &mut LowerContext<'_, T>,
    address: usize,
    bytes: &[u8],
    links: &[Link],
    pointers: &[Pointer],
) -> wasmtime::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let memory = cx.as_slice_mut().get_mut(address..).and_then(|memory| memory.get_mut(..bytes.len()));
    let memory = memory.ok_or_else(|| wasmtime::Error::msg("realloc return: beyond end of memory"))?;
    memory.copy_from_slice(bytes);
    link(memory, links, pointers)
}

/// Puts addresses of the guest into their places.
fn link(bytes: &mut [u8], links: &[Link], pointers: &[Pointer]) -> wasmtime::Result<()> {
    for link in links {
        let place = bytes.get_mut(link.at..).and_then(|bytes| bytes.first_chunk_mut::<8>());
        let (place, (address, len)) = place.zip(pointers.get(link.block)).ok_or_else(unfit)?;
        place[..4].copy_from_slice(&address.to_le_bytes());
        place[4..].copy_from_slice(&len.to_le_bytes());
    }
    Ok(())
}

/// A string in another encoding than UTF-8.
fn transcoded<T>(cx: &mut LowerContext<'_, T>, text: &str) -> wasmtime::Result<Pointer> {
    let mut pointer = MaybeUninit::uninit();
    text.linear_lower_to_flat(cx, InterfaceType::String, &mut pointer)?;
    // SAFETY: `linear_lower_to_flat` has written it if it returns `Ok`: that is its contract.
    let [address, len]: [ValRaw; 2] = unsafe { pointer.assume_init() };
    Ok((address.get_u32(), len.get_u32()))
}
