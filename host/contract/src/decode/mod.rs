//! Component bytes → [`Contract`].

pub mod agree;
pub mod sections;
pub(crate) mod signature;
pub(crate) mod size;
pub mod wit;

use std::{borrow::Cow, cell::RefCell, collections::HashSet, panic, sync::Arc};

use wit_component::WitPrinter;
use wit_parser::{
    Function, FunctionKind, InterfaceId, PackageId, Resolve, WorldId, WorldItem, WorldKey,
    decoding::{self, DecodedWasm},
};

use crate::{
    Contract, ContractError, Defect, Docs, Generation, Import, Interface, Operation, Outcome, Pattern, Raw,
    casing::Casing,
    keywords::{Findings, Subject},
    place::{Placed, is_path_type, place},
    raw, route,
    sections::{MAX_OPENAPI, OPENAPI_SECTION, Sections, WIT_SECTION},
    signature::Signature,
    wit::Types,
};

/// What the operator chose for a plugin, as far as its contract depends on it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Stands before every path.
    pub mount: Pattern,
    /// Where a raw HTTP handler is mounted, such as `/legacy`; empty for the root.
    pub raw_mount: String,
    /// How JSON members and query parameters are spelt.
    /// `None`: as the author has it (`@json`), or else `snake_case`.
    pub casing: Option<Casing>,
}

/// Reads what a component promises. Never panics, whatever the bytes.
///
/// # Errors
///
/// All problems of the contract, each with item, found and expected.
pub fn decode(bytes: &[u8], options: &Options) -> Result<Contract, ContractError> {
    let sections = Sections::read(bytes)?;
    // wit-parser validates as it decodes. It is not meant to panic, but it was not written for hostile bytes either.
    let decoded = panic::catch_unwind(|| decoding::decode(bytes)).map_err(|_| {
        Defect::new(
            "the component",
            "types that the WIT decoder cannot handle",
            "a component as `wasm-tools validate` accepts it",
        )
    })?;
    let (component, world) = match decoded {
        Ok(DecodedWasm::Component(resolve, world)) => (resolve, world),
        Ok(DecodedWasm::WitPackage(..)) => {
            return Err(Defect::new("the file", "a WIT package encoded as wasm", "a component with code").into());
        }
        Err(error) => {
            let found = format!("invalid WebAssembly: {error:#}");
            return Err(Defect::new("the component", found, "a component as `wasm-tools validate` accepts it").into());
        }
    };
    let in_section = format!("the section `{WIT_SECTION}`");
    let texts = sections.wit.iter().map(|text| parse_text(text, &in_section)).collect::<Result<Vec<_>, _>>()?;
    let mut reader = Reader::new(&component, &texts, options);
    let mut contract = reader.contract(world, sections.uses_async);
    reader.embedded_openapi(&mut contract, sections.openapi);
    reader.finish(contract, || wit_text(&component, world, &sections.wit))
}

/// Reads what a component of that WIT would promise, before there is one: all packages as one text, the main one first.
/// Where the main package has several worlds, `world` names one of them.
///
/// # Errors
///
/// See [`decode`]; or the text does not parse, or has no such world.
pub fn decode_wit(text: &str, world: Option<&str>, options: &Options) -> Result<Contract, ContractError> {
    let texts = [parse_text(text, "the WIT")?];
    let [(resolve, main)] = &texts;
    let world = resolve
        .select_world(&[*main], world)
        .map_err(|error| Defect::new("the WIT", format!("{error:#}"), "one world, or the name of one of several"))?;
    let mut reader = Reader::new(resolve, &texts, options);
    let mut contract = reader.contract(world, false);
    contract.uses_async |= contract.operations.iter().any(|operation| operation.is_async || operation.has_streams());
    reader.finish(contract, || text.to_owned())
}

/// WIT as text, which `item` holds, and its main package.
fn parse_text(text: &str, item: &str) -> Result<(Resolve, PackageId), ContractError> {
    let problem = |found: String| {
        let expected = "the author's whole WIT, all packages, as `witapi embed` writes it";
        Defect::new(item, found, expected)
    };
    let parsed = panic::catch_unwind(|| {
        let mut resolve = Resolve { all_features: true, ..Resolve::default() };
        match resolve.push_source("embedded.wit", text) {
            Ok(main) => Ok((resolve, main)),
            Err(error) => Err(format!("WIT that does not parse: {}", resolve.render_error(&error))),
        }
    });
    Ok(parsed.map_err(|_| problem("WIT that the parser could not handle".into()))?.map_err(problem)?)
}

/// A function as the component exports it.
struct Exported<'a> {
    /// The name of the instance that holds it; `None` for a function of the world.
    instance: Option<String>,
    /// The interface's own name, and so the resource's.
    interface: Option<&'a str>,
    function: &'a Function,
    /// Whether the toolchain may have added it on its own, so that it needs a word of the author to be routed.
    is_doubtful: bool,
    /// What is said of the interface.
    docs: &'a Docs,
    /// How the names of its parameters are spelt.
    casing: Casing,
}

impl Exported<'_> {
    fn item(&self) -> String {
        match self.interface {
            Some(interface) => format!("function `{}` of interface `{interface}`", self.function.name),
            None => format!("function `{}`", self.function.name),
        }
    }
}

/// WIT that types are read from: the component's own, or an embedded text.
struct Source<'a> {
    resolve: &'a Resolve,
    types: RefCell<Types<'a>>,
}

impl<'a> Source<'a> {
    fn new(resolve: &'a Resolve, casing: Option<Casing>) -> Self {
        Source { resolve, types: RefCell::new(Types::new(resolve, casing)) }
    }

    /// What is said of an interface, and how it spells names.
    fn interface(&self, id: InterfaceId, name: &str) -> (Docs, Casing) {
        let mut types = self.types.borrow_mut();
        let interface = &self.resolve.interfaces[id];
        if let Some(package) = interface.package.map(|package| &self.resolve.packages[package]) {
            types.docs(&package.docs, Subject::Package, &format!("package `{}`", package.name));
        }
        let docs = types.docs(&interface.docs, Subject::Interface, &format!("interface `{name}`"));
        (docs, types.casing(Some(id)))
    }

    fn signature(&self, function: &Function, item: &str) -> Result<Signature, Defect> {
        let mut types = self.types.borrow_mut();
        let mut convert = |what: Cow<str>, ty, is_result| {
            types
                .passed(ty, is_result)
                .map_err(|(found, expected)| Defect::new(format!("{item}, {what}"), found, expected))
        };
        let mut params = Vec::with_capacity(function.params.len());
        for param in &function.params {
            params.push((param.name.clone(), convert(format!("parameter `{}`", param.name).into(), &param.ty, false)?));
        }
        let result = function.result.as_ref().map(|ty| convert("result".into(), ty, true)).transpose()?;
        let docs = types.docs(&function.docs, Subject::Function, item);
        let is_async = matches!(function.kind, FunctionKind::AsyncFreestanding);
        Ok(Signature { params, result, is_async, docs })
    }
}

/// A function in the embedded WIT, as its place among the texts and its definition.
type InText<'a> = (usize, &'a Function);

/// What the worlds of that package export.
fn exports_of(resolve: &Resolve, package: PackageId) -> impl Iterator<Item = (&WorldKey, &WorldItem)> {
    let worlds = resolve.worlds.iter().filter(move |(_, world)| world.package == Some(package));
    worlds.flat_map(|(_, world)| &world.exports)
}

struct Reader<'a> {
    component: Source<'a>,
    /// Each with its main package.
    texts: Vec<(Source<'a>, PackageId)>,
    /// Exports that are routed, but not in any text.
    without_text: Vec<String>,
    /// Whether any routed export is in a text.
    is_in_text: bool,
    options: &'a Options,
    problems: Vec<Defect>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(component: &'a Resolve, texts: &'a [(Resolve, PackageId)], options: &'a Options) -> Reader<'a> {
        Reader {
            component: Source::new(component, options.casing),
            texts: texts.iter().map(|(resolve, main)| (Source::new(resolve, options.casing), *main)).collect(),
            without_text: vec![],
            is_in_text: false,
            options,
            problems: vec![],
            warnings: vec![],
        }
    }

    fn finish(self, contract: Contract, wit: impl FnOnce() -> String) -> Result<Contract, ContractError> {
        match self.problems.is_empty() {
            true => Ok(Contract { warnings: self.warnings, wit: wit(), ..contract }),
            false => Err(ContractError { problems: self.problems, is_truncated: false }),
        }
    }

    fn contract(&mut self, world: WorldId, uses_async: bool) -> Contract {
        let component = self.component.resolve;
        let world = &component.worlds[world];
        let mut contract = Contract {
            package: None,
            operations: vec![],
            raw: None,
            interfaces: vec![],
            imports: world.imports.iter().filter_map(|(key, item)| import(component, key, item)).collect(),
            uses_async,
            wit: String::new(),
            warnings: vec![],
        };
        for (key, item) in &world.exports {
            match item {
                WorldItem::Interface { id, .. } => {
                    let package = component.interfaces[*id].package.map(|package| &component.packages[package].name);
                    match (key, package) {
                        (WorldKey::Interface(_), Some(package)) if package.namespace == raw::NAMESPACE => {
                            self.raw(&mut contract, component.name_world_key(key));
                        }
                        _ => self.interface(&mut contract, key, *id),
                    }
                }
                WorldItem::Function(function) => {
                    let exported = Exported {
                        instance: None,
                        interface: None,
                        function,
                        is_doubtful: true,
                        docs: &Docs::default(),
                        casing: self.options.casing.unwrap_or_default(),
                    };
                    let before = contract.operations.len();
                    self.function(&mut contract, &exported, self.text_world_function(&function.name));
                    if contract.operations.len() > before && contract.interfaces.iter().all(|it| !it.name.is_empty()) {
                        contract.interfaces.push(Interface { name: String::new(), docs: Docs::default() });
                    }
                }
                WorldItem::Type { .. } => {}
            }
        }
        // Functions of WASI 0.3 are there only with component-model async, even those that wait for nothing.
        contract.uses_async |= contract.imports.iter().any(Import::is_wasi_3);
        if contract.operations.is_empty() && contract.raw.is_none() && self.problems.is_empty() {
            self.problems.push(Defect::new(
                "the component",
                "no exported function that can be an operation",
                format!(
                    "an exported interface with a full name (`ns:pkg/iface`), an exported function with an `@external-id`, \
                     or a raw HTTP handler ({})",
                    raw::WANTED
                ),
            ));
        }
        self.compare_with_texts();
        self.refuse_double_routes(&contract.operations);
        for source in self.texts.iter().map(|(source, _)| source).chain([&self.component]) {
            let findings = std::mem::take(&mut source.types.borrow_mut().findings);
            self.problems.extend(findings.problems);
            self.warnings.extend(findings.warnings);
        }
        // A package is read with each of its interfaces, and a text may stand in more than one place.
        let mut told = HashSet::new();
        self.problems.retain(|problem| told.insert(problem.to_string()));
        self.warnings.retain(|warning| told.insert(warning.clone()));
        contract
    }

    /// A handler of WASI's, or another of its interfaces, which are nobody's operations.
    fn raw(&mut self, contract: &mut Contract, export: String) {
        match Generation::of(&export) {
            Some(Ok(generation)) if contract.raw.as_ref().is_none_or(|other| other.generation < generation) => {
                let mount = self.options.raw_mount.clone();
                contract.raw = Some(Raw { export, generation, mount, document: None });
            }
            Some(Err(())) => self.problems.push(Defect::new(
                "the component",
                format!("the export `{export}`"),
                format!("a raw HTTP handler of a version that this host calls: {}", raw::WANTED),
            )),
            Some(Ok(_)) | None => {}
        }
    }

    /// The document that a raw handler brings along. A wrong one is no reason not to serve.
    fn embedded_openapi(&mut self, contract: &mut Contract, section: Option<&[u8]>) {
        let Some(json) = section else { return };
        let found = match &mut contract.raw {
            None => "found it in a component without a raw HTTP handler; it is ignored".to_owned(),
            Some(_) if json.len() > MAX_OPENAPI => {
                format!("expected at most {MAX_OPENAPI} bytes, found {}", json.len())
            }
            Some(raw) => match serde_json::from_slice(json) {
                Ok(document) => {
                    raw.document = Some(Arc::new(document));
                    return;
                }
                Err(error) => format!("expected an OpenAPI document as JSON: {error}"),
            },
        };
        self.warnings.push(format!("the section `{OPENAPI_SECTION}`: {found}"));
    }

    fn interface(&mut self, contract: &mut Contract, key: &WorldKey, id: InterfaceId) {
        let component = self.component.resolve;
        let interface = &component.interfaces[id];
        let instance = component.name_world_key(key);
        let name = match key {
            WorldKey::Name(name) => name.as_str(),
            WorldKey::Interface(_) => interface.name.as_deref().unwrap_or_default(),
        };
        let text = self.text_interface(&instance);
        let text_functions = text.map(|(text, id)| &self.texts[text].0.resolve.interfaces[id].functions);
        if let Some((_, missing)) = text_functions
            .and_then(|functions| functions.iter().find(|(name, _)| !interface.functions.contains_key(*name)))
        {
            self.problems.push(Defect::new(
                format!("function `{}` of interface `{name}`", missing.name),
                "it in the embedded WIT, but not in the component",
                "the WIT that the component was built from; embed it again",
            ));
        }
        let before = contract.operations.len();
        // Where there is a text, all that is said of the interface is said there.
        let (source, id) = text.map_or((&self.component, id), |(text, id)| (&self.texts[text].0, id));
        let (docs, casing) = source.interface(id, name);
        for function in interface.functions.values() {
            let is_doubtful = matches!(key, WorldKey::Name(_)) && text.is_none();
            let exported = Exported {
                instance: Some(instance.clone()),
                interface: Some(name),
                function,
                is_doubtful,
                docs: &docs,
                casing,
            };
            let text_function = match (text, text_functions) {
                (Some((text, _)), Some(functions)) => match functions.get(&function.name) {
                    Some(function) => Some((text, function)),
                    None => {
                        self.problems.push(Defect::new(
                            exported.item(),
                            "it in the component, but not in the embedded WIT",
                            "the WIT that the component was built from; embed it again",
                        ));
                        continue;
                    }
                },
                _ => None,
            };
            self.function(contract, &exported, text_function);
        }
        if contract.operations.len() > before {
            contract.interfaces.push(Interface { name: name.to_owned(), docs });
            if contract.package.is_none()
                && let Some(package) = interface.package
            {
                contract.package = Some(component.packages[package].name.to_string());
            }
        }
    }

    /// The same interface in the embedded WIT.
    fn text_interface(&self, instance: &str) -> Option<(usize, InterfaceId)> {
        self.texts.iter().enumerate().find_map(|(text, (Source { resolve, .. }, main))| {
            let named = |id: &InterfaceId| wit::interface_name(resolve, *id).as_deref() == Some(instance);
            let inline = || {
                exports_of(resolve, *main).find_map(|(key, item)| match (key, item) {
                    (WorldKey::Name(name), WorldItem::Interface { id, .. }) if name == instance => Some(*id),
                    _ => None,
                })
            };
            let id = resolve.interfaces.iter().map(|(id, _)| id).find(named).or_else(inline)?;
            Some((text, id))
        })
    }

    /// The same function in a world of the embedded WIT.
    fn text_world_function(&self, name: &str) -> Option<InText<'a>> {
        self.texts.iter().enumerate().find_map(|(text, (Source { resolve, .. }, main))| {
            exports_of(resolve, *main).find_map(|(_, item)| match item {
                WorldItem::Function(function) if function.name == name => Some((text, function)),
                _ => None,
            })
        })
    }

    fn function(&mut self, contract: &mut Contract, exported: &Exported, text: Option<InText<'a>>) {
        let external_id = text.and_then(|(_, f)| f.external_id.as_deref()).or(exported.function.external_id.as_deref());
        if exported.is_doubtful && external_id.is_none() && text.is_none() {
            return;
        }
        match text {
            Some(_) => self.is_in_text = true,
            None => self.without_text.push(exported.item()),
        }
        match self.operation(exported, external_id, text) {
            Ok(operation) => contract.operations.push(operation),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn operation(
        &mut self,
        exported: &Exported,
        external_id: Option<&str>,
        text: Option<InText<'a>>,
    ) -> Result<Operation, Defect> {
        let item = exported.item();
        let function = exported.function;
        if !matches!(function.kind, FunctionKind::Freestanding | FunctionKind::AsyncFreestanding) {
            let expected =
                "plain functions only; a resource lives in one instance, and each request has one of its own";
            return Err(Defect::new(item, "a function of a resource", expected));
        }
        let mut signature = self.component.signature(function, &item)?;
        if let Some((text, text_function)) = text {
            let text_signature = self.texts[text].0.signature(text_function, &item)?;
            signature.agrees_with(&text_signature, &item)?;
            // Equal in structure, and with documentation.
            signature = text_signature;
        }

        let ids: Vec<&str> = signature
            .params
            .iter()
            .take_while(|(name, passed)| (name == "id" || name.ends_with("-id")) && is_path_type(passed))
            .map(|(name, _)| name.as_str())
            .collect();
        let mut route = route::by_convention(exported.interface, &function.name, &ids);
        if let Some(text) = external_id {
            let external =
                route::parse_external_id(text).map_err(|(found, expected)| Defect::new(&item, found, expected))?;
            route = route.replaced_by(external);
        }
        if let Some(status) = signature.docs.keywords.status {
            if route.status_is_explicit && route.success != status {
                let found = format!("the status {} in the external id and `@status {status}`", route.success);
                return Err(Defect::new(item, found, "one of the two"));
            }
            (route.success, route.status_is_explicit) = (status, true);
        }
        let outcome = Outcome::of(signature.result.as_ref(), &route);
        if matches!(route.success, 204 | 205) && outcome.value.is_some() {
            let found = format!("the status {} for a function that returns a value", route.success);
            return Err(Defect::new(
                item,
                found,
                "a status whose responses have a body, or a function without a result",
            ));
        }
        let (docs, is_async) = (signature.docs, signature.is_async);
        let mut findings = Findings::default();
        let placed = place(&item, signature.params, &route, exported.casing, &docs.keywords, &mut findings);
        self.problems.append(&mut findings.problems);
        self.warnings.append(&mut findings.warnings);
        let Placed { params, body, pattern } = placed?;
        let tags = if docs.keywords.tags.is_empty() { &exported.docs.keywords.tags } else { &docs.keywords.tags };
        Ok(Operation {
            interface: exported.interface.unwrap_or_default().to_owned(),
            instance: exported.instance.clone(),
            function: function.name.clone(),
            is_async,
            method: route.method,
            pattern: Pattern {
                segments: self.options.mount.segments.iter().cloned().chain(pattern.segments).collect(),
            },
            params,
            body,
            outcome,
            tags: tags.clone(),
            is_deprecated: docs.keywords.is_deprecated || exported.docs.keywords.is_deprecated,
            docs,
        })
    }

    /// A text that knows none of the operations belongs to another component; one that knows only some is worth a word.
    fn compare_with_texts(&mut self) {
        let missing = std::mem::take(&mut self.without_text);
        if self.texts.is_empty() || missing.is_empty() {
            return;
        }
        if !self.is_in_text {
            let packages = self.texts.iter().map(|(source, main)| format!("`{}`", source.resolve.packages[*main].name));
            self.problems.push(Defect::new(
                "the embedded WIT",
                format!(
                    "the package {}, which has none of the component's operations",
                    packages.collect::<Vec<_>>().join(", ")
                ),
                "the WIT that the component was built from; embed it again",
            ));
        } else {
            let undocumented =
                missing.iter().map(|item| format!("{item} is not in the embedded WIT, so it has no documentation"));
            self.warnings.extend(undocumented);
        }
    }

    fn refuse_double_routes(&mut self, operations: &[Operation]) {
        for (i, operation) in operations.iter().enumerate() {
            if let Some(other) = operations[..i].iter().find(|other| other.has_route_of(operation)) {
                self.problems.push(Defect::new(
                    format!("function `{}`", operation.label()),
                    format!("the route `{}`, which `{}` has as well", operation.route(), other.label()),
                    "a unique route; rename the function or give it an `@external-id`",
                ));
            }
        }
    }
}

/// The WIT as text: the embedded one, or what the component's own types say. Of several embedded ones, each tells a part.
fn wit_text(component: &Resolve, world: WorldId, texts: &[&str]) -> String {
    if let [text] = texts {
        return (*text).to_owned();
    }
    let Some(main) = component.worlds[world].package else { return String::new() };
    let others: Vec<_> = component.packages.iter().map(|(id, _)| id).filter(|id| *id != main).collect();
    let printed = panic::catch_unwind(|| {
        let mut printer = WitPrinter::default();
        printer.print(component, main, &others).map(|()| printer.output.to_string())
    });
    match printed {
        Ok(Ok(text)) => text,
        _ => "// The types of this component cannot be written as WIT.\n".to_owned(),
    }
}

/// What the component wants from its host. An interface of types alone wants nothing.
fn import(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> Option<Import> {
    let wants = match item {
        WorldItem::Interface { id, .. } => {
            let interface = &resolve.interfaces[*id];
            let resource =
                |id: &wit_parser::TypeId| matches!(resolve.types[*id].kind, wit_parser::TypeDefKind::Resource);
            !interface.functions.is_empty() || interface.types.values().any(resource)
        }
        WorldItem::Function(_) => true,
        WorldItem::Type { .. } => false,
    };
    wants.then(|| Import { name: resolve.name_world_key(key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIT: &str = "package test:notes@1.0.0;

/// Notes.
interface notes {
  record note {
    /// @min-length 1
    text: string,
    stars: option<u8>,
  }
  /// One of them.
  get-note: func(id: u32) -> option<note>;
  add-note: func(note: note) -> u32;
}

world plugin {
  export notes;
}";

    #[test]
    fn wit_alone_has_operations_and_schemas() {
        let contract = decode_wit(WIT, None, &Options::default()).unwrap();
        let routes: Vec<_> = contract.operations.iter().map(Operation::route).collect();
        assert_eq!(routes, ["GET /notes/{id}", "POST /notes"]);
        assert_eq!(contract.operations[0].docs.summary.as_deref(), Some("One of them."));
        assert_eq!((contract.package.as_deref(), contract.wit.as_str()), (Some("test:notes@1.0.0"), WIT));
    }

    #[test]
    fn wit_without_a_world_or_an_end_is_refused() {
        let refused = |text: &str, world| decode_wit(text, world, &Options::default()).unwrap_err().to_string();
        assert!(refused("package test:notes;", None).contains("world"));
        assert!(refused(WIT, Some("other")).contains("other"));
        assert!(refused(&WIT[..100], None).contains("the WIT"));
    }
}
