// Not a doc test: the README's example is a crate with a WIT folder of its own. `plugins/` has tested ones.
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]

pub use wit_bindgen;
pub use witapi_sdk_macros::plugin;
