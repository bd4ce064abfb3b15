//! Component bytes → [`Contract`].

use std::{borrow::Cow, panic};

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentType, ComponentTypeDeclaration, Encoding, InstanceTypeDeclaration,
    Parser, Payload,
};
use wit_parser::{
    Function, FunctionKind, InterfaceId, Resolve, WorldId, WorldItem, WorldKey,
    decoding::{DecodedWasm, decode as decode_wit},
};

use super::{
    Body, Contract, ContractError, Docs, Import, Interface, Operation, Outcome, Param, Pattern, Place, Problem,
    Segment, Type, agree,
    agree::Disagreement,
    casing::Casing,
    route,
    wit::{self, Types},
};

/// The custom section that holds the author's WIT as text.
pub const WIT_SECTION: &str = "witapi:wit";

/// The longest embedded WIT that is read, in bytes. WASI's own packages together are 120 KB.
const MAX_WIT: usize = 4 << 20;

/// What the operator chose for a plugin, as far as its contract depends on it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Stands before every path.
    pub mount: Pattern,
    /// How JSON members and query parameters are spelt.
    pub casing: Casing,
}

/// Reads what a component promises. Never panics, whatever the bytes.
///
/// # Errors
///
/// All problems of the contract, each with item, found and wanted.
pub fn decode(bytes: &[u8], options: &Options) -> Result<Contract, ContractError> {
    let sections = Sections::read(bytes)?;
    // wit-parser validates as it decodes. It is not meant to panic, but it was not written for hostile bytes either.
    let decoded = panic::catch_unwind(|| decode_wit(bytes)).map_err(|_| {
        Problem::new(
            "the component",
            "types that the WIT decoder could not handle",
            "a component as `wasm-tools validate` accepts it",
        )
    })?;
    let (component, world) = match decoded {
        Ok(DecodedWasm::Component(resolve, world)) => (resolve, world),
        Ok(DecodedWasm::WitPackage(..)) => {
            return Err(Problem::new("the file", "a WIT package encoded as wasm", "a component with code").into());
        }
        Err(error) => {
            let found = format!("invalid WebAssembly: {error:#}");
            return Err(Problem::new("the component", found, "a component as `wasm-tools validate` accepts it").into());
        }
    };
    let texts = sections.wit.iter().map(|text| parse_text(text)).collect::<Result<Vec<_>, _>>()?;
    let mut reader = Reader { component: &component, texts: &texts, options, problems: vec![], warnings: vec![] };
    let contract = reader.contract(world, sections.uses_async);
    if reader.problems.is_empty() {
        Ok(contract)
    } else {
        Err(ContractError { problems: reader.problems, is_truncated: false })
    }
}

/// What the sections of the file tell, before its types are decoded.
struct Sections<'a> {
    wit: Vec<&'a str>,
    uses_async: bool,
}

impl<'a> Sections<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, ContractError> {
        let item = "the file";
        let wanted = "a WebAssembly component, such as `wasm-tools component new` makes";
        if !bytes.starts_with(b"\0asm") {
            let found = if bytes.is_empty() { "an empty file" } else { "a file that does not begin with `\\0asm`" };
            let is_truncated = b"\0asm".starts_with(bytes);
            return Err(ContractError { problems: vec![Problem::new(item, found, wanted)], is_truncated });
        }
        let mut sections = Sections { wit: vec![], uses_async: false };
        let mut outermost = None;
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| {
                let is_truncated = error.message().contains("unexpected end");
                let found = if is_truncated {
                    format!("a truncated file: it ends after {} bytes in the middle of a section", bytes.len())
                } else {
                    format!("invalid WebAssembly: {error}")
                };
                let problem = Problem::new(item, found, "a whole WebAssembly component: copy or build it again");
                ContractError { problems: vec![problem], is_truncated }
            })?;
            match payload {
                Payload::Version { encoding, .. } => {
                    if depth == 0 && encoding == Encoding::Module {
                        let found = "a core WebAssembly module";
                        return Err(Problem::new(
                            item,
                            found,
                            "a component: make one of it with `wasm-tools component new`",
                        )
                        .into());
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
                Payload::ComponentCanonicalSection(functions) => {
                    for function in functions.into_iter().flatten() {
                        sections.uses_async |= is_async_builtin(&function);
                    }
                }
                Payload::ComponentTypeSection(types) => {
                    sections.uses_async |= types.into_iter().flatten().any(|ty| has_async_function(&ty));
                }
                _ => {}
            }
        }
        if let Some(text) = outermost {
            sections.wit = vec![text];
        }
        Ok(sections)
    }
}

/// The text of a `witapi:wit` section.
fn text_of(data: &[u8]) -> Result<&str, Problem> {
    let item = format!("the section `{WIT_SECTION}`");
    if data.len() > MAX_WIT {
        return Err(Problem::new(item, format!("{} bytes", data.len()), format!("at most {MAX_WIT} bytes of WIT")));
    }
    std::str::from_utf8(data)
        .map_err(|error| Problem::new(item, format!("bytes that are no text ({error})"), "WIT as UTF-8 text"))
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

fn has_async_function(ty: &ComponentType) -> bool {
    match ty {
        ComponentType::Func(function) => function.async_,
        ComponentType::Component(items) => items.iter().any(|item| match item {
            ComponentTypeDeclaration::Type(ty) => has_async_function(ty),
            _ => false,
        }),
        ComponentType::Instance(items) => items.iter().any(|item| match item {
            InstanceTypeDeclaration::Type(ty) => has_async_function(ty),
            _ => false,
        }),
        _ => false,
    }
}

fn parse_text(text: &str) -> Result<Resolve, ContractError> {
    let problem = |found: String| {
        let wanted = "the author's whole WIT, all packages, as `witapi embed` writes it";
        Problem::new(format!("the section `{WIT_SECTION}`"), found, wanted)
    };
    let parsed = panic::catch_unwind(|| {
        let mut resolve = Resolve::default();
        resolve.all_features = true;
        match resolve.push_source("embedded.wit", text) {
            Ok(_) => Ok(resolve),
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
}

impl Exported<'_> {
    fn item(&self) -> String {
        match self.interface {
            Some(interface) => format!("function `{}` of interface `{interface}`", self.function.name),
            None => format!("function `{}`", self.function.name),
        }
    }
}

struct Reader<'a> {
    component: &'a Resolve,
    texts: &'a [Resolve],
    options: &'a Options,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    fn contract(&mut self, world: WorldId, uses_async: bool) -> Contract {
        let component = self.component;
        let world = &component.worlds[world];
        let mut contract = Contract {
            package: None,
            operations: vec![],
            interfaces: vec![],
            imports: world.imports.iter().filter_map(|(key, item)| import(component, key, item)).collect(),
            uses_async,
            warnings: vec![],
        };
        for (key, item) in &world.exports {
            match item {
                WorldItem::Interface { id, .. } => self.interface(&mut contract, key, *id),
                WorldItem::Function(function) => {
                    let exported = Exported { instance: None, interface: None, function, is_doubtful: true };
                    let before = contract.operations.len();
                    self.function(&mut contract, &exported, self.text_world_function(&function.name));
                    if contract.operations.len() > before && contract.interfaces.iter().all(|it| !it.name.is_empty()) {
                        contract.interfaces.push(Interface { name: String::new(), docs: Docs::default() });
                    }
                }
                WorldItem::Type { .. } => {}
            }
        }
        if contract.operations.is_empty() && self.problems.is_empty() {
            self.problems.push(Problem::new(
                "the component",
                "no exported function that could be an operation",
                "an exported interface with a full name (`ns:pkg/iface`), or an exported function with an `@external-id`",
            ));
        }
        self.refuse_double_routes(&contract.operations);
        contract.warnings = std::mem::take(&mut self.warnings);
        contract
    }

    fn interface(&mut self, contract: &mut Contract, key: &WorldKey, id: InterfaceId) {
        let component = self.component;
        let interface = &component.interfaces[id];
        let instance = component.name_world_key(key);
        let name = match key {
            WorldKey::Name(name) => name.as_str(),
            WorldKey::Interface(_) => interface.name.as_deref().unwrap_or_default(),
        };
        let text = self.text_interface(&instance);
        let text_functions = text.map(|(resolve, id)| &resolve.interfaces[id].functions);
        if let Some((_, missing)) = text_functions
            .and_then(|functions| functions.iter().find(|(name, _)| !interface.functions.contains_key(*name)))
        {
            self.problems.push(Problem::new(
                format!("function `{}` of interface `{name}`", missing.name),
                "it in the embedded WIT, but not in the component",
                "the WIT that the component was built from: embed it again",
            ));
        }
        let before = contract.operations.len();
        for function in interface.functions.values() {
            let is_doubtful = matches!(key, WorldKey::Name(_)) && text.is_none();
            let exported = Exported { instance: Some(instance.clone()), interface: Some(name), function, is_doubtful };
            let text_function = match (text, text_functions) {
                (Some((resolve, _)), Some(functions)) => match functions.get(&function.name) {
                    Some(function) => Some((resolve, function)),
                    None => {
                        self.problems.push(Problem::new(
                            exported.item(),
                            "it in the component, but not in the embedded WIT",
                            "the WIT that the component was built from: embed it again",
                        ));
                        continue;
                    }
                },
                _ => None,
            };
            self.function(contract, &exported, text_function);
        }
        if contract.operations.len() > before {
            let docs = text.map_or(&interface.docs, |(resolve, id)| &resolve.interfaces[id].docs);
            contract.interfaces.push(Interface { name: name.to_owned(), docs: wit::docs(docs) });
            if contract.package.is_none()
                && let Some(package) = interface.package
            {
                contract.package = Some(component.packages[package].name.to_string());
            }
        }
    }

    /// The same interface in the embedded WIT.
    fn text_interface(&self, instance: &str) -> Option<(&'a Resolve, InterfaceId)> {
        self.texts.iter().find_map(|resolve| {
            let named = |id: &InterfaceId| wit::interface_name(resolve, *id).as_deref() == Some(instance);
            let inline = || {
                let exports = resolve.worlds.iter().flat_map(|(_, world)| &world.exports);
                exports.into_iter().find_map(|(key, item)| match (key, item) {
                    (WorldKey::Name(name), WorldItem::Interface { id, .. }) if name == instance => Some(*id),
                    _ => None,
                })
            };
            let id = resolve.interfaces.iter().map(|(id, _)| id).find(named).or_else(inline)?;
            Some((resolve, id))
        })
    }

    /// The same function in a world of the embedded WIT.
    fn text_world_function(&self, name: &str) -> Option<(&'a Resolve, &'a Function)> {
        self.texts.iter().find_map(|resolve| {
            let exports = resolve.worlds.iter().flat_map(|(_, world)| world.exports.values());
            exports.into_iter().find_map(|item| match item {
                WorldItem::Function(function) if function.name == name => Some((resolve, function)),
                _ => None,
            })
        })
    }

    fn function(&mut self, contract: &mut Contract, exported: &Exported, text: Option<(&'a Resolve, &'a Function)>) {
        let external_id = text.and_then(|(_, f)| f.external_id.as_deref()).or(exported.function.external_id.as_deref());
        if exported.is_doubtful && external_id.is_none() && text.is_none() {
            return;
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
        text: Option<(&'a Resolve, &'a Function)>,
    ) -> Result<Operation, Problem> {
        let item = exported.item();
        let function = exported.function;
        if !matches!(function.kind, FunctionKind::Freestanding | FunctionKind::AsyncFreestanding) {
            let wanted = "plain functions only; a resource lives in one instance, and each request has one of its own";
            return Err(Problem::new(item, "a function of a resource", wanted));
        }
        let mut signature = self.signature(self.component, function, &item)?;
        if let Some((resolve, text_function)) = text {
            let text_signature = self.signature(resolve, text_function, &item)?;
            signature.agrees_with(&text_signature, &item)?;
            // Equal in structure, and with documentation.
            signature = text_signature;
        }

        let ids: Vec<&str> = signature
            .params
            .iter()
            .take_while(|(name, ty)| (name == "id" || name.ends_with("-id")) && ty.is_scalar())
            .map(|(name, _)| name.as_str())
            .collect();
        let mut route = route::by_convention(exported.interface, &function.name, &ids);
        if let Some(text) = external_id {
            let external =
                route::parse_external_id(text).map_err(|(found, wanted)| Problem::new(&item, found, wanted))?;
            route = route.replaced_by(external);
        }
        let outcome = Outcome::of(signature.result.as_ref(), &route);
        let (params, body) = self.place(&item, signature.params, &route)?;
        let docs = signature.docs;
        for keyword in &docs.keywords {
            self.warnings
                .push(format!("{item}: the keyword `@{keyword}` is not known to this version and is left out"));
        }
        let prefix = exported.interface.map(|name| format!("{name}_")).unwrap_or_default();
        let named = |segment: Segment| match segment {
            Segment::Param(name) => Segment::Param(self.options.casing.apply(&name)),
            literal => literal,
        };
        let segments = route.pattern.segments.into_iter().map(named);
        Ok(Operation {
            id: format!("{prefix}{}", function.name).replace('-', "_"),
            interface: exported.interface.unwrap_or_default().to_owned(),
            instance: exported.instance.clone(),
            function: function.name.clone(),
            is_async: matches!(function.kind, FunctionKind::AsyncFreestanding),
            method: route.method,
            pattern: Pattern { segments: self.options.mount.segments.iter().cloned().chain(segments).collect() },
            params,
            body,
            outcome,
            docs,
        })
    }

    fn signature(&self, resolve: &'a Resolve, function: &Function, item: &str) -> Result<Signature, Problem> {
        let mut types = Types::new(resolve, self.options.casing);
        let mut convert = |what: Cow<str>, ty| {
            types.convert(ty).map_err(|(found, wanted)| Problem::new(format!("{item}, {what}"), found, wanted))
        };
        let mut params = Vec::with_capacity(function.params.len());
        for param in &function.params {
            params.push((param.name.clone(), convert(format!("parameter `{}`", param.name).into(), &param.ty)?));
        }
        let result = function.result.as_ref().map(|ty| convert("result".into(), ty)).transpose()?;
        Ok(Signature { params, result, docs: wit::docs(&function.docs) })
    }

    /// Decides where a request holds each parameter.
    fn place(
        &self,
        item: &str,
        params: Vec<(String, Type)>,
        route: &route::Route,
    ) -> Result<(Vec<Param>, Body), Problem> {
        let same = |pattern: &str, param: &str| pattern == param || pattern == self.options.casing.apply(param);
        for (i, name) in route.pattern.params().enumerate() {
            if !params.iter().any(|(param, _)| same(name, param)) {
                let known = params.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let wanted = if known.is_empty() {
                    "a path without parameters, since the function has none".into()
                } else {
                    format!("one of its parameters: {known}")
                };
                return Err(Problem::new(
                    item,
                    format!("the path parameter `{{{name}}}` in `{}`", route.pattern),
                    wanted,
                ));
            }
            if route.pattern.params().take(i).any(|earlier| earlier == name) {
                return Err(Problem::new(
                    item,
                    format!("the path parameter `{{{name}}}` twice in `{}`", route.pattern),
                    "it once",
                ));
            }
        }
        let mut placed = Vec::with_capacity(params.len());
        for (name, ty) in params {
            let place = if route.pattern.params().any(|param| same(param, &name)) {
                Place::Path
            } else if route.method.has_query() {
                Place::Query
            } else {
                Place::Body
            };
            let fits = match place {
                Place::Path => ty.is_scalar(),
                Place::Query => is_query_type(&ty),
                Place::Body => true,
            };
            if !fits {
                let found = format!("parameter `{name}` of type `{}` in the {}", ty.describe(), place.name());
                let wanted = match place {
                    Place::Path => "a scalar, a string or an enum",
                    _ => {
                        "scalars, strings, enums, flags, or options and lists of them; or a method with a body, by an `@external-id`"
                    }
                };
                return Err(Problem::new(item, found, wanted));
            }
            placed.push(Param { json: self.options.casing.apply(&name), name, ty, place });
        }
        let in_body: Vec<usize> = (0..placed.len()).filter(|&i| placed[i].place == Place::Body).collect();
        let body = match in_body[..] {
            [] => Body::None,
            [sole] => match placed[sole].ty.resolved() {
                Type::Bytes => Body::Raw(sole),
                Type::List(_) | Type::FixedList(..) | Type::Tuple(_) | Type::Map(..) => Body::Whole(sole),
                Type::Named(named) if matches!(named.shape, super::Shape::Record(_) | super::Shape::Variant(_)) => {
                    Body::Whole(sole)
                }
                _ => Body::Members,
            },
            _ => Body::Members,
        };
        Ok((placed, body))
    }

    fn refuse_double_routes(&mut self, operations: &[Operation]) {
        for (i, operation) in operations.iter().enumerate() {
            let same = |other: &&Operation| {
                other.method == operation.method && other.pattern.collides_with(&operation.pattern)
            };
            if let Some(other) = operations[..i].iter().find(same) {
                self.problems.push(Problem::new(
                    format!("function `{}`", operation.label()),
                    format!(
                        "the route `{} {}`, which `{}` has too",
                        operation.method,
                        operation.pattern,
                        other.label()
                    ),
                    "a route of its own: rename the function or give it an `@external-id`",
                ));
            }
        }
    }
}

struct Signature {
    params: Vec<(String, Type)>,
    result: Option<Type>,
    docs: Docs,
}

impl Signature {
    fn agrees_with(&self, text: &Signature, item: &str) -> Result<(), Problem> {
        let names =
            |params: &[(String, Type)]| params.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", ");
        let differ = |what: String, component: &str, text: &str| {
            Problem::new(
                format!("{item}{what}"),
                format!("`{component}` in the component, but `{text}` in the embedded WIT"),
                "both alike: embed the WIT that the component was built from",
            )
        };
        if names(&self.params) != names(&text.params) {
            return Err(differ(", parameters".into(), &names(&self.params), &names(&text.params)));
        }
        let differing = |what: String| {
            let differ = &differ;
            move |d: Disagreement| differ(format!("{what}{}", d.path), &d.component, &d.text)
        };
        for ((name, ty), (_, text_ty)) in self.params.iter().zip(&text.params) {
            agree::types(ty, text_ty).map_err(differing(format!(", parameter {name}")))?;
        }
        agree::optional(self.result.as_ref(), text.result.as_ref()).map_err(differing(", result".into()))
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

fn is_query_type(ty: &Type) -> bool {
    match ty.resolved() {
        Type::Option(some) => match some.resolved() {
            Type::List(item) => item.is_scalar(),
            _ => some.is_scalar(),
        },
        Type::List(item) => item.is_scalar(),
        Type::Named(named) if matches!(named.shape, super::Shape::Flags(_)) => true,
        _ => ty.is_scalar(),
    }
}
