#![doc = include_str!("../README.md")]

pub use wit_bindgen;
pub use witapi_sdk_macros::plugin;
