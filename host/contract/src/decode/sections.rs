//! What the sections of a file tell, before its types are decoded.

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentDefinedType, ComponentType, ComponentTypeDeclaration, Encoding,
    InstanceTypeDeclaration, Parser, Payload,
};

use crate::{ContractError, Defect, size::Size};

/// The custom section that holds the author's WIT as text.
pub const WIT_SECTION: &str = "witapi:wit";

/// The custom section that holds what a raw HTTP handler says of itself: an OpenAPI document as JSON.
pub const OPENAPI_SECTION: &str = "witapi:openapi";

/// The longest OpenAPI document that is read, embedded or served, in bytes.
pub const MAX_OPENAPI: usize = 4 << 20;

/// The longest embedded WIT that is read, in bytes. WASI's own packages together are 120 KB.
const MAX_WIT: usize = 4 << 20;

/// What the sections of the file tell, before its types are decoded.
pub struct Sections<'a> {
    /// The texts of the `witapi:wit` sections: the component's own, or else those of the core modules in it.
    pub wit: Vec<&'a str>,
    /// What stands in the `witapi:openapi` section: in the component's own, or else in the first within.
    pub openapi: Option<&'a [u8]>,
    /// Whether component-model async is used anywhere in it.
    pub uses_async: bool,
}

impl<'a> Sections<'a> {
    /// # Errors
    ///
    /// The file is no component, or not a whole one.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ContractError> {
        let item = "the file";
        let expected = "a WebAssembly component, such as `wasm-tools component new` makes";
        if !bytes.starts_with(b"\0asm") {
            let found = if bytes.is_empty() { "an empty file" } else { "a file that does not begin with `\\0asm`" };
            let is_truncated = b"\0asm".starts_with(bytes);
            return Err(ContractError { problems: vec![Defect::new(item, found, expected)], is_truncated });
        }
        let mut sections = Sections { wit: vec![], openapi: None, uses_async: false };
        let mut outermost = None;
        let mut outermost_openapi = None;
        let mut depth = 0usize;
        let mut size = Size::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| {
                let is_truncated = error.message().contains("unexpected end");
                let found = if is_truncated {
                    format!("a truncated file: it ends after {} bytes in the middle of a section", bytes.len())
                } else {
                    format!("invalid WebAssembly: {error}")
                };
                let problem = Defect::new(item, found, "a whole WebAssembly component; copy or build it again");
                ContractError { problems: vec![problem], is_truncated }
            })?;
            size.count(&payload).map_err(|error| Defect::new("the component", error.to_string(), error.expected()))?;
            match payload {
                Payload::Version { encoding, .. } => {
                    if depth == 0 && encoding == Encoding::Module {
                        let found = "a core WebAssembly module";
                        return Err(
                            Defect::new(item, found, "a component; make one with `wasm-tools component new`").into()
                        );
                    }
                    depth += 1;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == WIT_SECTION => {
                    let text = text_of(section.data())?;
                    // The author's last word stands outermost: `witapi embed` adds it to the component.
                    if depth == 1 {
                        outermost = Some(text);
                    } else {
                        sections.wit.push(text);
                    }
                }
                Payload::CustomSection(section) if section.name() == OPENAPI_SECTION => {
                    let openapi = if depth == 1 { &mut outermost_openapi } else { &mut sections.openapi };
                    openapi.get_or_insert(section.data());
                }
                Payload::ComponentCanonicalSection(functions) => {
                    for function in functions.into_iter().flatten() {
                        sections.uses_async |= is_async_builtin(&function);
                    }
                }
                Payload::ComponentTypeSection(types) => {
                    sections.uses_async |= types.into_iter().flatten().any(|ty| needs_async(&ty));
                }
                _ => {}
            }
        }
        if let Some(text) = outermost {
            sections.wit = vec![text];
        }
        sections.openapi = outermost_openapi.or(sections.openapi);
        Ok(sections)
    }
}

/// The text of a `witapi:wit` section.
fn text_of(data: &[u8]) -> Result<&str, Defect> {
    let item = format!("the section `{WIT_SECTION}`");
    if data.len() > MAX_WIT {
        return Err(Defect::new(item, format!("{} bytes", data.len()), format!("at most {MAX_WIT} bytes of WIT")));
    }
    std::str::from_utf8(data)
        .map_err(|error| Defect::new(item, format!("bytes that are not text ({error})"), "WIT as UTF-8 text"))
}

/// Whether it is there only with component-model async. What is not known to be synchronous counts as async.
fn is_async_builtin(function: &CanonicalFunction) -> bool {
    let asynchronous = |options: &[CanonicalOption]| {
        options.iter().any(|option| matches!(option, CanonicalOption::Async | CanonicalOption::Callback(_)))
    };
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => asynchronous(options),
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        _ => true,
    }
}

/// Whether functions or types of it are there only with component-model async.
fn needs_async(ty: &ComponentType) -> bool {
    match ty {
        ComponentType::Func(function) => function.async_,
        ComponentType::Defined(ComponentDefinedType::Stream(_) | ComponentDefinedType::Future(_)) => true,
        ComponentType::Component(items) => items.iter().any(|item| match item {
            ComponentTypeDeclaration::Type(ty) => needs_async(ty),
            _ => false,
        }),
        ComponentType::Instance(items) => items.iter().any(|item| match item {
            InstanceTypeDeclaration::Type(ty) => needs_async(ty),
            _ => false,
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{Component, CustomSection, Module, ModuleSection};

    use super::*;

    #[test]
    fn a_document_may_stand_on_a_core_module_within() {
        let section = |text: &'static str| CustomSection { name: OPENAPI_SECTION.into(), data: text.as_bytes().into() };
        let mut module = Module::new();
        module.section(&section("inner"));
        let mut component = Component::new();
        component.section(&ModuleSection(&module));
        let within = component.clone().finish();
        assert_eq!(Sections::read(&within).unwrap().openapi, Some("inner".as_bytes()));
        // The component's own is its author's last word.
        component.section(&section("outer"));
        assert_eq!(Sections::read(&component.finish()).unwrap().openapi, Some("outer".as_bytes()));
    }
}
