//! The memory allocator of a plugin: the first half megabyte is handed out from its beginning to its end.
//!
//! An instance lives for one request, so what little most requests allocate need not be found again: it goes with the
//! instance. The arena is part of the memory that an instance begins with. So most calls never ask for more of it, which
//! costs the host two system calls a request, and what they touch lies close together, which is what the host has to
//! clear afterwards. What does not fit comes from the standard library's allocator, which frees what is freed: a function
//! that runs for long, over a stream, loses no more than the arena.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::UnsafeCell,
};

/// Bytes of the arena. Pages of it that nobody touches cost nothing.
const SIZE: usize = 512 << 10;

#[repr(C, align(16))]
struct Arena {
    /// How many bytes are taken. All behind were never written to, or were given back. It comes first, so that it shares a
    /// page with the first of them: a page that is written to has to be cleared for the next request.
    taken: UnsafeCell<usize>,
    bytes: UnsafeCell<[u8; SIZE]>,
}

// SAFETY: a component has one thread.
unsafe impl Sync for Arena {}

#[global_allocator]
static ARENA: Arena = Arena { taken: UnsafeCell::new(0), bytes: UnsafeCell::new([0; SIZE]) };

impl Arena {
    /// Where a block of the arena begins in it.
    fn offset(&self, block: *mut u8) -> Option<usize> {
        let offset = block.addr().wrapping_sub(self.bytes.get().addr());
        (offset < SIZE).then_some(offset)
    }

    /// Makes the block at `offset` so many bytes long, if it is the last one or none follows it.
    fn set_end(&self, offset: usize, size: usize) -> bool {
        let end = offset.checked_add(size).filter(|end| *end <= SIZE);
        // SAFETY: nothing else has a reference to the number, and there is one thread.
        end.is_some_and(|end| unsafe {
            *self.taken.get() = end;
            true
        })
    }

    fn taken(&self) -> usize {
        // SAFETY: as above.
        unsafe { *self.taken.get() }
    }
}

// SAFETY: blocks of the arena are aligned as asked, lie behind one another, and are used anew only after they were freed;
// all others are the standard library's. Which of the two a block is of, its address tells.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The arena itself may be less aligned than the block has to be.
        let base = self.bytes.get().addr();
        let begin = (base + self.taken()).next_multiple_of(layout.align()) - base;
        if self.set_end(begin, layout.size()) {
            // SAFETY: `begin` is within the arena, since its end is.
            return unsafe { self.bytes.get().cast::<u8>().add(begin) };
        }
        // SAFETY: the caller keeps to what it demands.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match self.offset(block) {
            Some(offset) if offset + layout.size() == self.taken() => {
                self.set_end(offset, 0);
            }
            Some(_) => {}
            // SAFETY: it came from there.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(offset) = self.offset(block) else {
            // SAFETY: it came from there.
            return unsafe { System.realloc(block, layout, size) };
        };
        // What grows is mostly what was made last: a text or a list, an item at a time.
        if size <= layout.size() || (offset + layout.size() == self.taken() && self.set_end(offset, size)) {
            return block;
        }
        // SAFETY: the size is not zero, and the alignment is one that was given before.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both are as long as the old block at least, which is not used any more and was not freed.
            unsafe { std::ptr::copy_nonoverlapping(block, new, layout.size()) };
        }
        new
    }
}
