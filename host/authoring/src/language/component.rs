//! Core module → component.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::{error::BuildError, wit::Wit};

/// Makes a component of a core module that its toolchain told the world of, in a custom section. What it imports of
/// WASI preview 1 is made of WASI 0.2.
///
/// # Errors
///
/// The module does not fit its world.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let mut encoder = ComponentEncoder::default().validate(true).module(module);
    // Only then: the adapter brings WIT of its own, which has to agree with the author's copies of the same packages.
    if imports_preview1(module) {
        encoder = encoder.and_then(|encoder| {
            encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
        });
    }
    let encoded = encoder.and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| BuildError::Component(format!("{error:#}")))
}

/// Whether a core module imports anything of WASI preview 1. What is no module imports nothing; encoding says so.
fn imports_preview1(module: &[u8]) -> bool {
    let imports = Parser::new(0).parse_all(module).find_map(|payload| match payload {
        Ok(Payload::ImportSection(imports)) => Some(imports),
        _ => None,
    });
    imports.is_some_and(|imports| {
        imports.into_imports().flatten().any(|import| import.module == WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME)
    })
}

/// The same for a core module that knows nothing of its world.
///
/// # Errors
///
/// The module does not fit that world.
pub(crate) fn encode_with(mut module: Vec<u8>, wit: &Wit) -> Result<Vec<u8>, BuildError> {
    embed_component_metadata(&mut module, &wit.resolve, wit.world, StringEncoding::UTF8)
        .map_err(|error| BuildError::Component(format!("{error:#}")))?;
    encode(&module)
}
