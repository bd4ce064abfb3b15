//! Items that a guest wrote to a stream, as JSON.

use crate::{
    contract::{Layout, Type},
    value::Unwritable,
};

/// What is known of the items of one stream.
#[cfg_attr(not(feature = "direct"), allow(dead_code))]
pub(super) struct ItemType {
    pub(super) ty: Type,
    pub(super) layout: Layout,
    /// Bytes that the JSON of one may have.
    pub(super) limit: usize,
    /// Bytes of strings and lists that may be read at once, as wasmtime counts them.
    pub(super) transfer: usize,
}

impl ItemType {
    /// Items of type `ty`, each of which may have `limit` bytes of JSON. `transfer` bytes of strings and lists may be read at
    /// once, as wasmtime counts them.
    pub(super) fn new(ty: Type, limit: usize, transfer: usize) -> ItemType {
        ItemType { layout: Layout::of(&ty), ty, limit, transfer }
    }
}

/// The JSON of items, one after the other.
#[derive(Debug, Default)]
pub struct Items {
    pub(super) text: Vec<u8>,
    /// Where each ends in the text.
    pub(super) ends: Vec<usize>,
}

impl Items {
    /// The JSON text of each.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(&0).chain(&self.ends);
        begins.zip(&self.ends).map(|(begin, end)| &self.text[*begin..*end])
    }

    /// Bytes of all of them, with so many more beside each.
    pub fn framed_len(&self, frame: usize) -> usize {
        self.text.len() + self.ends.len() * frame
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// What a guest wrote at once.
pub(super) struct Written {
    pub items: Items,
    /// Why the item behind them has no JSON. Nothing follows it.
    pub fault: Option<Unwritable>,
}
