//! Fuzz targets: what a guest or a client may send, to the code of the host that reads it. Each target is a function of
//! bytes that panics if it finds something. `tools/fuzz` has libFuzzer drive them; `cargo test` replays `seeds/`.

mod body;
mod contract;
mod pattern;
mod request;
#[cfg(feature = "libfuzzer")]
mod schema;

use std::sync::LazyLock;

use witapi_contract::{Contract, Options, decode};

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// All targets, each with its folder of seeds.
pub const TARGETS: [(&str, Target); 6] = [
    ("component", contract::component),
    ("wit", contract::wit),
    ("json", body::json),
    ("form", body::form),
    ("request", request::request),
    ("pattern", pattern::pattern),
];

/// The target of that name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// A component of `types.wit`, whose functions trap.
const TYPES: &[u8] = include_bytes!("../types.wasm");

/// The contract that targets choose operations from.
static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let component = contract::with_wit(TYPES, include_bytes!("../types.wit"));
    decode(&component, &Options::default()).expect("types.wasm is of types.wit")
});
