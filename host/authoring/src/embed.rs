//! `witapi embed`: puts the author's WIT, as text, into a component.

use std::{fs, io, path::Path};

use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{BinaryReader, BinaryReaderError};
use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve};

use witapi_contract::{
    self as contract, ContractError,
    sections::{Sections, WIT_SECTION},
};
use witapi_host::value::literal;

/// Why nothing was embedded. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error("the WIT in {folder} does not resolve: {reason}")]
    Wit { folder: String, reason: String },
    #[error("{file}: the component is broken at byte {offset}: {reason}")]
    Broken { file: String, offset: usize, reason: String },
    #[error("{file}: {error}")]
    Unfit { file: String, error: ContractError },
    #[error("{file}: {error}")]
    Io { file: String, error: io::Error },
}

/// Writes the WIT in `folder` into the component `file`, in the place of any that it had outermost. Gives what the author
/// should know though all is well, such as a keyword that nobody knows.
///
/// # Errors
///
/// See [`EmbedError`]. The file is replaced whole or not at all.
pub fn embed(file: &Path, folder: &Path) -> Result<Vec<String>, EmbedError> {
    let io_error = |error| EmbedError::Io { file: file.display().to_string(), error };
    let text = wit_text(folder)?;
    let component = fs::read(file).map_err(io_error)?;
    let (embedded, warnings) = into_component(&component, &text, file)?;
    let part = file.with_extension("wasm.part");
    let written = fs::write(&part, &embedded).and_then(|()| fs::rename(&part, file));
    written.inspect_err(|_| drop(fs::remove_file(&part))).map_err(io_error)?;
    Ok(warnings)
}

/// The component with that text in it, and what its author should know though all is well. `file` stands in messages.
///
/// # Errors
///
/// The component is broken, or the text says other than it does.
pub fn into_component(component: &[u8], text: &str, file: &Path) -> Result<(Vec<u8>, Vec<String>), EmbedError> {
    let name = || file.display().to_string();
    let unfit = |error| EmbedError::Unfit { file: name(), error };
    // Says well what is wrong with a file that is no component at all.
    Sections::read(component).map_err(unfit)?;
    let embedded = with_section(component, text).map_err(|error| EmbedError::Broken {
        file: name(),
        offset: error.offset(),
        reason: error.message().to_owned(),
    })?;
    let warnings = check(&embedded, file)?;
    Ok((embedded, warnings))
}

/// Whether the component, or a module in it, has the text of its WIT.
pub fn has_wit(component: &[u8]) -> bool {
    Sections::read(component).is_ok_and(|sections| !sections.wit.is_empty())
}

/// What the author of the component should know though all is well. `file` stands in messages.
///
/// # Errors
///
/// No host would load it.
pub fn check(component: &[u8], file: &Path) -> Result<Vec<String>, EmbedError> {
    let unfit = |error| EmbedError::Unfit { file: file.display().to_string(), error };
    let contract = contract::decode(component, &contract::Options::default()).map_err(unfit)?;
    literal::check(&contract).map_err(unfit)?;
    Ok(contract.warnings)
}

/// All packages of the folder as one text, documentation and external ids included.
pub fn wit_text(folder: &Path) -> Result<String, EmbedError> {
    let wit_error = |reason: String| EmbedError::Wit { folder: folder.display().to_string(), reason };
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let pushed = resolve.push_dir(folder).map_err(|error| wit_error(format!("{error:#}")));
    let (main, _) = pushed?;
    text_of(&resolve, main).map_err(wit_error)
}

/// The package and all others as one text, documentation and external ids included.
///
/// # Errors
///
/// Why it cannot be printed.
pub fn text_of(resolve: &Resolve, main: PackageId) -> Result<String, String> {
    let others: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != main).collect();
    let mut printer = WitPrinter::default();
    printer.print(resolve, main, &others).map_err(|error| error.to_string())?;
    Ok(printer.output.to_string())
}

/// The component with that text as its only outermost WIT section.
fn with_section(component: &[u8], text: &str) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(component, 0);
    // Magic number, version and layer (component-model/design/mvp/Binary.md, "Component Definitions").
    reader.read_bytes(8)?;
    let mut embedded = component[..8].to_vec();
    while !reader.eof() {
        let start = reader.original_position();
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let content = reader.read_bytes(size as usize)?;
        let is_wit = id == 0 && BinaryReader::new(content, 0).read_string().is_ok_and(|name| name == WIT_SECTION);
        if !is_wit {
            embedded.extend_from_slice(&component[start..reader.original_position()]);
        }
    }
    let section = CustomSection { name: WIT_SECTION.into(), data: text.as_bytes().into() };
    section.append_to_component(&mut embedded);
    Ok(embedded)
}
