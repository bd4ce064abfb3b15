//! The arguments of a call as they will stand in the guest's memory (component model, Canonical ABI, "Storing"), made
//! before there is one: a request is read, and every fault in it found, before any code of a plugin runs. To lower it,
//! each list and string is one allocation in the guest and one copy.

use super::memory::{At, Encoding, Memory};
use crate::contract::{Layout, Type, layout::tag_size};

/// See the module. Whoever reads values into it writes each to the offset where it belongs; a value that has not been
/// written is all zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The arguments, and above them the items of the lists that are being read, an inner list above its outer one.
    work: Vec<u8>,
    /// Those from `work`, in the order of their lists.
    open: Vec<Link>,
    /// Strings and lists that were read, with offsets in here for addresses.
    heap: Vec<u8>,
    /// What they are, each behind all that it points to.
    blocks: Vec<Block>,
    /// Those from `heap`, in the order of the blocks.
    links: Vec<Link>,
    /// Bytes that all of it may have.
    limit: usize,
    is_too_large: bool,
}

/// A string or a list in the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    begin: usize,
    size: usize,
    /// How many bytes or items it has.
    pub len: u32,
    pub align: u32,
    pub is_text: bool,
    /// Where its links end; they begin where those of the block before it do.
    links: usize,
}

/// An address: where it stands, and what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub at: usize,
    /// By index.
    pub block: usize,
}

/// A list that is being read.
#[derive(Debug)]
pub struct List {
    /// Where its items begin.
    work: usize,
    open: usize,
    item: Layout,
    pub count: usize,
}

/// A block with its bytes and its links, which are relative to it.
pub struct Stored<'i> {
    pub block: Block,
    pub bytes: &'i [u8],
    pub links: &'i [Link],
}

impl Image {
    /// An image whose arguments have `layout`, of no more than `limit` bytes in all. Where more is needed, the values
    /// are lost and [`is_too_large`](Image::is_too_large) says so.
    pub fn new(layout: Layout, limit: usize) -> Image {
        let is_too_large = layout.bytes() > limit;
        let work = if is_too_large { vec![] } else { vec![0; layout.bytes()] };
        // Addresses have 32 bits.
        let limit = limit.min(u32::MAX as usize);
        Image { work, open: vec![], heap: vec![], blocks: vec![], links: vec![], limit, is_too_large }
    }

    /// Whether it needs more bytes than it may have, so that it is not to be used.
    pub fn is_too_large(&self) -> bool {
        self.is_too_large
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        self.work.len() + self.heap.len()
    }

    /// Whether so many bytes more are too many.
    fn exceeds(&mut self, more: usize) -> bool {
        let size = self.size().saturating_add(more);
        self.is_too_large |= size > self.limit;
        self.is_too_large
    }

    /// Writes the bytes of a scalar.
    pub fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        match self.work.get_mut(at..).and_then(|work| work.first_chunk_mut()) {
            Some(slot) => *slot = bytes,
            None => self.is_too_large = true,
        }
    }

    /// Writes which of so many cases, or which set of so many flags, it is: as many bytes as that takes.
    pub fn put_tag(&mut self, at: usize, size: usize, tag: u32) {
        let tag = tag.to_le_bytes();
        match size {
            1 => self.put(at, [tag[0]]),
            2 => self.put(at, [tag[0], tag[1]]),
            _ => self.put(at, tag),
        }
    }

    /// Writes the tag of a variant or an enum with so many cases.
    pub fn case(&mut self, at: usize, cases: usize, case: usize) {
        self.put_tag(at, tag_size(cases), case as u32);
    }

    /// Makes the value of type `ty`, an option, one that is there, and says where what is in it goes.
    pub fn some(&mut self, at: usize, ty: &Type) -> usize {
        self.put(at, [1]);
        at.saturating_add(Layout::of(ty).payload())
    }

    /// Makes it one that is not there.
    pub fn none(&mut self, at: usize) {
        self.put(at, [0]);
    }

    pub fn text(&mut self, at: usize, text: &str) {
        self.block(at, text.as_bytes(), true);
    }

    pub fn bytes(&mut self, at: usize, bytes: &[u8]) {
        self.block(at, bytes, false);
    }

    fn block(&mut self, at: usize, bytes: &[u8], is_text: bool) {
        if self.exceeds(bytes.len()) {
            return;
        }
        let begin = self.heap.len();
        self.heap.extend_from_slice(bytes);
        let (size, len) = (bytes.len(), bytes.len() as u32);
        self.link(at, Block { begin, size, len, align: 1, is_text, links: self.links.len() });
    }

    /// Writes the address of a block, which is the next one, and its length.
    fn link(&mut self, at: usize, block: Block) {
        self.put(at, (block.begin as u32).to_le_bytes());
        self.put(at.saturating_add(4), block.len.to_le_bytes());
        self.open.push(Link { at, block: self.blocks.len() });
        self.blocks.push(block);
    }

    /// Begins a list whose items have the layout `item`. Only its items are written until it is closed.
    pub fn list(&mut self, item: Layout) -> List {
        List { work: self.work.len(), open: self.open.len(), item, count: 0 }
    }

    /// Where the next item of the list goes.
    pub fn item(&mut self, list: &mut List) -> usize {
        let at = self.work.len();
        let size = list.item.bytes();
        if !self.exceeds(size) {
            self.work.resize(at + size, 0);
            list.count += 1;
        }
        at
    }

    /// Ends a list: the value at `at`.
    pub fn close(&mut self, at: usize, list: List) {
        let size = self.work.len() - list.work;
        let align = list.item.align as usize;
        let begin = self.heap.len().next_multiple_of(align);
        // The items move from the one to the other, so only for a while there are two of them.
        if self.exceeds(begin - self.heap.len()) {
            self.work.truncate(list.work);
            self.open.truncate(list.open);
            return;
        }
        self.heap.resize(begin, 0);
        self.heap.extend_from_slice(&self.work[list.work..]);
        self.work.truncate(list.work);
        let links = self.open.drain(list.open..).map(|link| Link { at: link.at - list.work, ..link });
        self.links.extend(links);
        let (len, align) = (list.count as u32, align as u32);
        self.link(at, Block { begin, size, len, align, is_text: false, links: self.links.len() });
    }

    /// Looks at the value of type `ty` that was written to `at`.
    pub fn look<T>(&self, at: usize, ty: &Type, look: impl FnOnce(At<'_>) -> T) -> Option<T> {
        let bytes = self.work.get(at..)?.get(..Layout::of(ty).bytes())?;
        let memory = Memory::new(&self.heap, Encoding::Utf8, usize::MAX);
        Some(look(At::new(bytes, &memory)))
    }

    /// The strings that the items of an open list begin with.
    pub fn keys(&self, list: &List) -> impl Iterator<Item = String> {
        self.key_bytes(list).map(|key| String::from_utf8_lossy(key).into_owned())
    }

    /// Whether one of the strings that the items of an open list begin with is `text`.
    pub fn has_key(&self, list: &List, text: &str) -> bool {
        self.key_bytes(list).any(|key| key == text.as_bytes())
    }

    fn key_bytes(&self, list: &List) -> impl Iterator<Item = &[u8]> {
        let items = self.work.get(list.work..).unwrap_or_default();
        // Address and length.
        items.chunks_exact(list.item.bytes().max(8)).filter_map(|item| {
            let word = |at: usize| Some(u32::from_le_bytes(*item.get(at..)?.first_chunk()?) as usize);
            self.heap.get(word(0)?..)?.get(..word(4)?)
        })
    }

    /// The arguments themselves.
    pub fn arguments(&self) -> &[u8] {
        &self.work
    }

    /// The addresses in them.
    pub fn argument_links(&self) -> &[Link] {
        &self.open
    }

    /// Strings and lists, each behind all that it points to.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = Stored<'_>> {
        let mut first = 0;
        self.blocks.iter().map(move |block| {
            let links = &self.links[std::mem::replace(&mut first, block.links)..block.links];
            Stored { block: *block, bytes: &self.heap[block.begin..block.begin + block.size], links }
        })
    }
}
