//! Components around a core module that is written by hand, so that it can break every rule of the canonical ABI.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The component that exports the last package's world of `wit` by `module`, whose names are those of wit-component:
/// `namespace:package/interface#function`, `cabi_realloc`, `cabi_post_…`.
pub fn guest(wit: &str, module: &str) -> Vec<u8> {
    guest_with(wit, module, StringEncoding::UTF8)
}

/// The same with strings of that encoding.
pub fn guest_with(wit: &str, module: &str, encoding: StringEncoding) -> Vec<u8> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let package = resolve.push_source("guest.wit", wit).unwrap_or_else(|error| panic!("{error:?} in\n{wit}"));
    let world = resolve.select_world(&[package], None).expect("one world");
    let mut module = wat::parse_str(module).unwrap_or_else(|error| panic!("{error} in\n{module}"));
    embed_component_metadata(&mut module, &resolve, world, encoding).expect("metadata");
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    let mut encoder = encoder.unwrap_or_else(|error| panic!("{error:#} of\n{wit}"));
    encoder.encode().unwrap_or_else(|error| panic!("{error:#} of\n{wit}"))
}
