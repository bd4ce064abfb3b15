//! Layouts against wit-parser's, and components against the validator.

use wasmparser::{Validator, WasmFeatures};
use wit_parser::{
    Resolve, SizeAlign,
    abi::{FlatTypes, WasmType},
};

use super::{BridgeEnd, Channel};
use crate::contract::{Layout, Type, wit::Types};

/// Every kind of type, and sizes around which layouts change.
fn types() -> (Resolve, Vec<(wit_parser::Type, Type)>) {
    let names = |prefix: &str, count: usize| (0..count).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "package a:b;
        interface types {{
            type byte = u8;
            type word = string;
            type text = list<u8>;
            type five = list<u64, 5>;
            type odd = tuple<u8, u64, u16, bool>;
            type nothing = result;
            type either = result<u64, string>;
            type just-err = result<_, u16>;
            type maybe = option<char>;
            type twice = option<option<f64>>;
            type table = map<string, u32>;
            record parse-URL {{ %type: u8, %list: s64, c: f32, d: option<u8> }}
            record nested {{ a: u8, b: odd, c: parse-URL, d: list<nested-too>, e: five, f: small }}
            record nested-too {{ a: variant-mixed, b: variant-small, c: bool }}
            variant variant-small {{ a, b(u8) }}
            variant variant-mixed {{ a(u64), b(string), c(f32), d(nested-flags), e }}
            record nested-flags {{ a: small, b: medium, c: large, d: few, e: many }}
            flags small {{ {} }}
            flags medium {{ {} }}
            flags large {{ {} }}
            enum few {{ {} }}
            enum many {{ {} }}
        }}",
        names("f", 8),
        names("f", 9),
        names("f", 32),
        names("e", 256),
        names("e", 257),
    );
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    resolve.push_source("types.wit", &text).expect("WIT");
    let ids: Vec<_> = resolve.interfaces.iter().next().expect("an interface").1.types.values().copied().collect();
    let mut types = Types::new(&resolve, None);
    let known = ids.into_iter().map(|id| {
        let ty = wit_parser::Type::Id(id);
        (ty, types.convert(&ty).expect("a type"))
    });
    let known = known.collect();
    drop(types);
    (resolve, known)
}

#[test]
fn layouts_are_those_of_the_canonical_abi() {
    let (resolve, types) = types();
    let mut layouts = SizeAlign::default();
    layouts.fill(&resolve);
    assert!(types.len() > 20);
    for (wit, ty) in types {
        let wanted = (layouts.size(&wit).size_wasm32() as u64, layouts.align(&wit).align_wasm32() as u64);
        let Layout { size, align, flat } = Layout::of(&ty);
        assert_eq!((size, align), wanted, "{}", ty.describe());
        let mut storage = [WasmType::I32; 64];
        let mut values = FlatTypes::new(&mut storage);
        assert!(resolve.push_flat(&wit, &mut values));
        assert_eq!(flat as usize, values.to_vec().len(), "{}", ty.describe());
    }
}

#[test]
fn the_bridge_of_every_type_is_valid() {
    for (_, item) in types().1 {
        for end in [BridgeEnd::StreamIn, BridgeEnd::FutureIn, BridgeEnd::FutureOut] {
            let channel = Channel { end, item: item.clone() };
            let bytes = channel.component().expect("a component");
            let valid = Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes);
            valid.unwrap_or_else(|error| panic!("{error} in {channel:?}"));
        }
    }
}

#[test]
fn an_item_that_is_larger_than_any_memory_is_refused() {
    let mut item = Type::Bytes;
    for _ in 0..8 {
        item = Type::FixedList(item.into(), u32::MAX);
    }
    let channel = Channel { end: BridgeEnd::StreamIn, item };
    assert!(channel.component().is_err());
}
