//! The component that fuzz targets choose types from is what its WIT says. To make it needs more of crate `wit-component` than
//! the host has, so that it is here and not beside the targets.

use std::fs;

use witapi_tests::{dummy_component, root};

#[test]
fn types_of_fuzzed_requests_are_those_of_their_wit() {
    let folder = root().join("tests/fuzz");
    let text = fs::read_to_string(folder.join("types.wit")).expect("WIT");
    let (file, wanted) = (folder.join("types.wasm"), dummy_component(&text));
    if std::env::var_os("WITAPI_UPDATE_GOLDENS").is_some() {
        fs::write(&file, &wanted).expect("a file");
    }
    assert!(fs::read(&file).unwrap_or_default() == wanted, "run this test with WITAPI_UPDATE_GOLDENS=1");
}
