//! The neighbour of the light plugin: it uses the processor, and waits for nothing.

use exports::example::busy::busy::Guest;
use std::hint::black_box;

witapi_sdk::plugin!();

/// About 10 ms of a core of 2026.
const STEPS: u64 = 4_000_000;

struct Plugin;

impl Guest for Plugin {
    fn work() -> u64 {
        // A generator of random numbers (splitmix64), of which each needs the one before.
        (0..STEPS).fold(1, |seed: u64, _| {
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            black_box((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb))
        })
    }
}

export!(Plugin);
