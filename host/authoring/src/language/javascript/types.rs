//! The WIT as TypeScript, for its compiler and for editors; and what the compiler says.

use std::process::Command;

use serde_json::json;
use wit_parser::{
    Docs, Function, FunctionKind, Handle, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldItem,
};

use super::{sdk, shape, toolset};
use crate::{Project, error::BuildError, language::Job, wit::Wit};

/// Declarations of all interfaces, and of the world, each as a module of its name in WIT.
const DECLARATIONS: &str = "types.d.ts";

/// What a project's own `tsconfig.json` extends.
const CONFIG: &str = include_str!("tsconfig.json");

/// Writes them into what is generated.
pub(super) fn write(project: &Project, wit: &Wit) -> Result<(), BuildError> {
    sdk::put(project, DECLARATIONS, &declarations(wit))?;
    sdk::put(project, "tsconfig.json", CONFIG)?;
    let module = format!("../{}", source(project).trim_end_matches(".ts"));
    let world = json!(world_module(wit));
    let check = format!(
        "// Whether the plugin has all that its WIT says.\nimport * as plugin from {};\n\n\
         export const contract: typeof import({world}) = plugin;\n",
        json!(module)
    );
    sdk::put(project, "check.ts", &check)
}

fn source(project: &Project) -> String {
    project.entry.strip_prefix(&project.folder).unwrap_or(&project.entry).display().to_string()
}

/// Runs TypeScript's compiler over the project.
pub(super) fn check(job: &Job<'_>) -> Result<(), BuildError> {
    let own = job.project.folder.join("tsconfig.json");
    let config = if own.is_file() { own } else { job.project.generated("tsconfig.json") };
    let mut tsc = Command::new(toolset::program(&toolset::packages(job.tools), "@typescript", "lib/tsc"));
    tsc.arg("--project").arg(config).arg("--noEmit").args(["--pretty", if job.is_coloured { "true" } else { "false" }]);
    job.run(&mut tsc).map(drop)
}

fn world_module(wit: &Wit) -> String {
    let package = wit.resolve.packages[wit.package].name.clone();
    let version = package.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
    format!("{}:{}/{}{version}", package.namespace, package.name, wit.world_name())
}

fn declarations(wit: &Wit) -> String {
    let resolve = &wit.resolve;
    let mut text = String::from("// Made by `witapi build` of the plugin's WIT.\n");
    for (id, interface) in resolve.interfaces.iter() {
        let Some(name) = resolve.id_of(id).or_else(|| inline_name(wit, id)) else { continue };
        let mut module = Module { resolve, lines: vec![], depth: 1 };
        for (name, ty) in &interface.types {
            module.declaration(name, *ty);
        }
        for function in interface.functions.values().filter(|it| shape::is_free(it)) {
            module.function(function);
        }
        text.push_str(&module.text(&name, &interface.docs));
    }
    let world = &resolve.worlds[wit.world];
    let mut module = Module { resolve, lines: vec![], depth: 1 };
    for (key, item) in world.imports.iter().chain(&world.exports) {
        if let WorldItem::Type { id, .. } = item {
            module.declaration(&resolve.name_world_key(key), *id);
        }
    }
    for (key, item) in &world.exports {
        match item {
            WorldItem::Interface { id, .. } => {
                let name = resolve.id_of(*id).unwrap_or_else(|| resolve.name_world_key(key));
                let export = shape::interface_name(resolve, key, *id);
                module.named(&export, |name_| format!("const {name_}: typeof import({});", json!(name)));
            }
            WorldItem::Function(function) => module.function(function),
            WorldItem::Type { .. } => {}
        }
    }
    text + &module.text(&world_module(wit), &world.docs)
}

/// The name of an interface that is written in the world itself.
fn inline_name(wit: &Wit, wanted: InterfaceId) -> Option<String> {
    let world = &wit.resolve.worlds[wit.world];
    world.imports.iter().chain(&world.exports).find_map(|(key, item)| match item {
        WorldItem::Interface { id, .. } if *id == wanted => Some(wit.resolve.name_world_key(key)),
        _ => None,
    })
}

/// `declare module`, line by line.
struct Module<'a> {
    resolve: &'a Resolve,
    lines: Vec<String>,
    depth: usize,
}

impl Module<'_> {
    fn text(&self, name: &str, docs: &Docs) -> String {
        let mut head = Module { resolve: self.resolve, lines: vec![], depth: 0 };
        head.docs(docs, None);
        let mut lines = head.lines;
        lines.push(format!("declare module {} {{", json!(name)));
        lines.extend(self.lines.iter().cloned());
        // Without it, what is not marked as exported is exported as well.
        lines.push("  export {};\n}".into());
        format!("\n{}\n", lines.join("\n"))
    }

    fn line(&mut self, text: &str) {
        self.lines.push(format!("{}{text}", "  ".repeat(self.depth)));
    }

    fn docs(&mut self, docs: &Docs, more: Option<&str>) {
        let lines: Vec<String> =
            docs.contents.iter().flat_map(|text| text.trim().lines()).map(|line| line.replace("*/", "*\\/")).collect();
        let blank = (!lines.is_empty() && more.is_some()).then(String::new);
        let lines: Vec<String> = lines.into_iter().chain(blank).chain(more.map(str::to_owned)).collect();
        match &lines[..] {
            [] => {}
            [line] => self.line(&format!("/** {line} */")),
            lines => {
                self.line("/**");
                for line in lines {
                    self.line(format!(" * {line}").trim_end());
                }
                self.line(" */");
            }
        }
    }

    /// Exports what is declared under that name, also where nothing can be declared under it.
    fn named(&mut self, name: &str, declared: impl FnOnce(&str) -> String) {
        if RESERVED.contains(&name) {
            self.line(&declared(&format!("{name}_")));
            self.line(&format!("export {{ {name}_ as {name} }};"));
        } else {
            self.line(&format!("export {}", declared(name)));
        }
    }

    fn declaration(&mut self, name: &str, id: TypeId) {
        let definition = &self.resolve.types[id];
        let name = shape::type_name(name);
        if let TypeDefKind::Resource = definition.kind {
            self.docs(&definition.docs, None);
            return self.class(&name, id);
        }
        if !matches!(definition.kind, TypeDefKind::Type(_)) {
            self.docs(&definition.docs, None);
        }
        match &definition.kind {
            TypeDefKind::Record(record) => {
                self.line(&format!("export interface {name} {{"));
                self.depth += 1;
                for field in &record.fields {
                    self.docs(&field.docs, None);
                    let optional = if self.is_nullable(&field.ty) { "?" } else { "" };
                    let ty = self.ty(&field.ty);
                    self.line(&format!("{}{optional}: {ty};", shape::member(&field.name)));
                }
                self.depth -= 1;
                self.line("}");
            }
            TypeDefKind::Flags(flags) => {
                self.line(&format!("export interface {name} {{"));
                self.depth += 1;
                for flag in &flags.flags {
                    self.docs(&flag.docs, None);
                    self.line(&format!("{}?: boolean;", shape::member(&flag.name)));
                }
                self.depth -= 1;
                self.line("}");
            }
            TypeDefKind::Variant(variant) => {
                self.line(&format!("export type {name} ="));
                self.depth += 1;
                for case in &variant.cases {
                    self.docs(&case.docs, None);
                    let val = case.ty.as_ref().map(|ty| format!("; val: {}", self.ty(ty))).unwrap_or_default();
                    self.line(&format!("| {{ tag: {}{val} }}", json!(case.name)));
                }
                self.line(";");
                self.depth -= 1;
            }
            TypeDefKind::Enum(it) => {
                self.line(&format!("export type {name} ="));
                self.depth += 1;
                for case in &it.cases {
                    self.docs(&case.docs, None);
                    self.line(&format!("| {}", json!(case.name)));
                }
                self.line(";");
                self.depth -= 1;
            }
            TypeDefKind::Type(Type::Id(target)) if self.resolve.types[*target].name.is_some() => {
                let target = &self.resolve.types[*target];
                let its = shape::type_name(target.name.as_deref().unwrap_or_default());
                let from = self.module_of(target.owner);
                let is_here = definition.owner == target.owner;
                let place = from.filter(|_| !is_here).map(|from| format!("import({}).", json!(from)));
                self.line(&format!("export type {name} = {}{its};", place.unwrap_or_default()));
            }
            kind => {
                let ty = self.kind(kind);
                self.line(&format!("export type {name} = {ty};"));
            }
        }
    }

    fn module_of(&self, owner: TypeOwner) -> Option<String> {
        match owner {
            TypeOwner::Interface(id) => self.resolve.id_of(id),
            _ => None,
        }
    }

    fn class(&mut self, name: &str, id: TypeId) {
        self.line(&format!("export class {name} {{"));
        self.depth += 1;
        let functions = match self.resolve.types[id].owner {
            TypeOwner::Interface(owner) => self.resolve.interfaces[owner].functions.values().collect::<Vec<_>>(),
            _ => vec![],
        };
        let mut is_constructed = false;
        for function in functions {
            let (prefix, name) = match function.kind {
                FunctionKind::Constructor(of) if of == id => ("", "constructor".to_owned()),
                FunctionKind::Method(of) | FunctionKind::AsyncMethod(of) if of == id => {
                    ("", shape::member(function.item_name()))
                }
                FunctionKind::Static(of) | FunctionKind::AsyncStatic(of) if of == id => {
                    ("static ", shape::member(function.item_name()))
                }
                _ => continue,
            };
            is_constructed |= name == "constructor";
            let signature = self.signature(function, if name == "constructor" { None } else { Some(()) });
            self.docs(&function.docs, self.throws(function).as_deref());
            self.line(&format!("{prefix}{name}{signature};"));
        }
        if !is_constructed {
            self.line("private constructor();");
        }
        self.depth -= 1;
        self.line("}");
    }

    fn function(&mut self, function: &Function) {
        self.docs(&function.docs, self.throws(function).as_deref());
        let signature = self.signature(function, Some(()));
        self.named(&shape::member(function.item_name()), |name| format!("function {name}{signature};"));
    }

    fn throws(&self, function: &Function) -> Option<String> {
        let (_, err) = self.arms(&function.result?)?;
        Some(match err {
            Some(err) => format!("@throws {{ComponentError<{}>}}", self.ty(&err)),
            None => "@throws {ComponentError}".into(),
        })
    }

    /// The arms of a `result`, which functions return and throw.
    fn arms(&self, ty: &Type) -> Option<(Option<Type>, Option<Type>)> {
        let Type::Id(id) = ty else { return None };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(target) => self.arms(target),
            TypeDefKind::Result(result) => Some((result.ok, result.err)),
            _ => None,
        }
    }

    fn signature(&self, function: &Function, returns: Option<()>) -> String {
        let is_method = matches!(function.kind, FunctionKind::Method(_) | FunctionKind::AsyncMethod(_));
        let parameters = function.params.iter().skip(usize::from(is_method)).map(|parameter| {
            let name = shape::member(&parameter.name);
            let name = if RESERVED.contains(&&*name) { format!("{name}_") } else { name };
            format!("{name}: {}", self.ty(&parameter.ty))
        });
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        if returns.is_none() {
            return format!("({parameters})");
        }
        let value = match function.result {
            None => "void".into(),
            Some(ty) => match self.arms(&ty) {
                Some((ok, _)) => ok.map_or("void".into(), |ok| self.ty(&ok)),
                None => self.ty(&ty),
            },
        };
        let value = if shape::is_async(function) { format!("Promise<{value}>") } else { value };
        format!("({parameters}): {value}")
    }

    fn is_nullable(&self, ty: &Type) -> bool {
        let Type::Id(id) = ty else { return false };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(target) => self.is_nullable(target),
            TypeDefKind::Option(some) => !self.is_option(some),
            _ => false,
        }
    }

    fn is_option(&self, ty: &Type) -> bool {
        let Type::Id(id) = ty else { return false };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(target) => self.is_option(target),
            kind => matches!(kind, TypeDefKind::Option(_)),
        }
    }

    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "boolean".into(),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => "number".into(),
            Type::S8 | Type::S16 | Type::S32 | Type::S64 | Type::F32 | Type::F64 => "number".into(),
            Type::Char | Type::String => "string".into(),
            Type::ErrorContext => "unknown".into(),
            Type::Id(id) => match &self.resolve.types[*id].name {
                Some(name) => shape::type_name(name),
                None => self.kind(&self.resolve.types[*id].kind),
            },
        }
    }

    fn kind(&self, kind: &TypeDefKind) -> String {
        let optional = |ty: &Option<Type>| ty.as_ref().map_or("void".into(), |ty| self.ty(ty));
        match kind {
            TypeDefKind::Type(target) => self.ty(target),
            TypeDefKind::List(item) | TypeDefKind::FixedLengthList(item, _) => self.list(item),
            TypeDefKind::Option(some) if self.is_option(some) => {
                format!("{{ tag: \"some\"; val: {} }} | {{ tag: \"none\" }}", self.ty(some))
            }
            TypeDefKind::Option(some) => format!("{} | null", self.ty(some)),
            TypeDefKind::Result(result) => {
                let arm = |tag: &str, ty: &Option<Type>| match ty {
                    Some(ty) => format!("{{ tag: \"{tag}\"; val: {} }}", self.ty(ty)),
                    None => format!("{{ tag: \"{tag}\" }}"),
                };
                format!("{} | {}", arm("ok", &result.ok), arm("err", &result.err))
            }
            TypeDefKind::Tuple(tuple) => {
                format!("[{}]", tuple.types.iter().map(|ty| self.ty(ty)).collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Map(key, value) => format!("Map<{}, {}>", self.ty(key), self.ty(value)),
            TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => self.ty(&Type::Id(*id)),
            TypeDefKind::Stream(Some(Type::U8)) => "AsyncIterable<Uint8Array>".into(),
            TypeDefKind::Stream(item) => format!("AsyncIterable<{}>", optional(item)),
            TypeDefKind::Future(value) => format!("{{ read(): Promise<{}> }}", optional(value)),
            TypeDefKind::Record(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Variant(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Resource
            | TypeDefKind::Unknown => "unknown".into(),
        }
    }

    /// Bytes are a typed array, and all else is an array.
    fn list(&self, item: &Type) -> String {
        match self.plain(item) {
            Type::U8 => "Uint8Array".into(),
            Type::S8 => "Int8Array".into(),
            _ => {
                let item = self.ty(item);
                let is_word = item.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if is_word { format!("{item}[]") } else { format!("Array<{item}>") }
            }
        }
    }

    fn plain(&self, ty: &Type) -> Type {
        let Type::Id(id) = ty else { return *ty };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(target) => self.plain(target),
            _ => *ty,
        }
    }
}

/// Words that nothing can be declared as (ECMA-262, section 12.7.2, in strict mode).
pub(super) const RESERVED: [&str; 47] = [
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
];
