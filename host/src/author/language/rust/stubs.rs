//! The source file for a contract that is there already.

use wit_bindgen_core::{Files, WorldGenerator};

use crate::author::{build::BuildError, wit::Wit};

pub fn of(wit: &Wit) -> Result<String, BuildError> {
    let mut resolve = wit.resolve.clone();
    let mut files = Files::default();
    let options = wit_bindgen_rust::Opts { stubs: true, generate_all: true, ..wit_bindgen_rust::Opts::default() };
    options
        .build()
        .generate(&mut resolve, wit.world, &mut files)
        .map_err(|error| BuildError::Unsupported(format!("{error:#}")))?;
    let text: Vec<u8> = files.iter().flat_map(|(_, text)| text.to_vec()).collect();
    Ok(String::from_utf8_lossy(&text).into_owned())
}
