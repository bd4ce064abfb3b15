//! A target, driven by libFuzzer: `WITAPI_FUZZ_TARGET=json fuzz FOLDER...`, as `tools/fuzz` calls it.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    // A panic that the host catches is none that ends it: libFuzzer's hook would end the process nevertheless. A panic
    // that comes out of a target still does.
    let quiet = std::panic::take_hook();
    drop(quiet);
    std::panic::set_hook(Box::new(|panic| {
        let is_parser = panic.location().is_some_and(|at| at.file().contains("wit-parser"));
        if !is_parser {
            eprintln!("{panic}");
        }
    }));
    let name = std::env::var("WITAPI_FUZZ_TARGET").unwrap_or_default();
    witapi_fuzz::target(&name).unwrap_or_else(|| panic!("WITAPI_FUZZ_TARGET is `{name}`, wanted the name of a target"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
