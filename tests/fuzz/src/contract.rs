//! What a plugin promises, by whoever wrote it.

use witapi_authoring::inspect;
use witapi_contract::{Contract, Options, agree, decode};
use witapi_host::{config, openapi};

use crate::{CONTRACT, TYPES};

/// Arbitrary bytes as a component.
pub fn component(bytes: &[u8]) {
    if let Ok(contract) = decode(bytes, &Options::default()) {
        write(&contract);
    }
}

/// Arbitrary text as the WIT that a component embeds. It may add documentation and routes, and no more.
pub fn wit(text: &[u8]) {
    let Ok(contract) = decode(&with_wit(TYPES, text), &Options::default()) else { return };
    write(&contract);
    for operation in &contract.operations {
        let known = CONTRACT.operations.iter().find(|known| known.label() == operation.label());
        let known = known.unwrap_or_else(|| panic!("the text adds {}", operation.label()));
        assert_eq!(known.params.len(), operation.params.len());
        for (known, param) in known.params.iter().zip(&operation.params) {
            assert_eq!((&known.name, agree::types(&known.ty, &param.ty)), (&param.name, Ok(())));
        }
    }
}

/// All that is made of a contract when its plugin loads.
fn write(contract: &Contract) {
    let document = openapi::of_plugin(&config::OpenApi::default(), "plugin", contract);
    serde_json::from_slice::<serde::de::IgnoredAny>(&document.body).expect("a document is JSON");
    inspect::text("plugin", contract);
}

/// The component with a custom section `witapi:wit` at its end: id 0, then sizes in LEB128.
pub fn with_wit(component: &[u8], text: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"witapi:wit";
    let mut bytes = component.to_vec();
    bytes.push(0);
    leb128(&mut bytes, 1 + NAME.len() + text.len());
    leb128(&mut bytes, NAME.len());
    bytes.extend(NAME);
    bytes.extend(text);
    bytes
}

fn leb128(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}
