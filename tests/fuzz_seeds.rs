//! The components that fuzzing begins with are what their WIT says: tiny ones, whose functions trap.

use std::{
    fs,
    path::{Path, PathBuf},
};

use witapi_tests::{dummy_component, root, with_wit};

/// Compares a file with what it has to be, or writes it if `WITAPI_UPDATE_GOLDENS` is set.
fn is_up_to_date(file: &Path, bytes: &[u8]) {
    if std::env::var_os("WITAPI_UPDATE_GOLDENS").is_some() {
        fs::write(file, bytes).expect("a file");
    }
    let found = fs::read(file).unwrap_or_default();
    assert!(found == bytes, "{} is old: run this test with WITAPI_UPDATE_GOLDENS=1", file.display());
}

fn folder() -> PathBuf {
    root().join("tests/fuzz")
}

#[test]
fn the_types_of_fuzzed_requests_are_those_of_their_wit() {
    let text = fs::read_to_string(folder().join("types.wit")).expect("WIT");
    is_up_to_date(&folder().join("types.wasm"), &dummy_component(&text));
}

#[test]
fn fuzzing_of_components_begins_with_those_of_the_examples() {
    for example in ["greeter-js/wit/greeter", "orders-rust/wit/orders", "wordcount-python/wit/wordcount"] {
        let text = fs::read_to_string(root().join(format!("plugins/{example}.wit"))).expect("WIT");
        let name = example.rsplit('/').next().expect("a name");
        let component = with_wit(&dummy_component(&text), &text);
        is_up_to_date(&folder().join(format!("seeds/component/{name}.wasm")), &component);
        is_up_to_date(&folder().join(format!("seeds/wit/{name}.wit")), text.as_bytes());
    }
}
