// Not a doc test: the README's example is a crate with a WIT folder of its own. `plugins/` has tested ones.
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]

#[cfg(all(feature = "arena", target_family = "wasm"))]
mod arena;
#[cfg(feature = "log")]
#[doc(hidden)]
pub mod logger;
pub mod request;
pub mod store;

#[cfg(feature = "log")]
pub use log;
pub use wit_bindgen;
pub use witapi_sdk_macros::plugin;

/// What the modules above import. A component imports only what is called.
#[allow(clippy::all, clippy::pedantic)]
mod bindings {
    wit_bindgen::generate!({
        path: ["wit/wasi-keyvalue", "wit/wasi-logging", "wit/witapi-host"],
        inline: "
            package witapi:sdk;

            world imports {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
                import wasi:logging/logging@0.1.0-draft;
                import witapi:host/request@0.1.0;
            }
        ",
        generate_all,
    });
}

/// For [`plugin!`]: sets up the log before the first call of an instance.
#[cfg(feature = "log")]
#[doc(hidden)]
#[macro_export]
macro_rules! __begin {
    () => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            #[used]
            #[unsafe(link_section = ".init_array")]
            static BEGIN: extern "C" fn() = $crate::logger::begin;
        };
    };
}

#[cfg(not(feature = "log"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __begin {
    () => {};
}
