//! What an author gives to an exported interface: a value with a method for each function.
//!
//! wit-bindgen-go makes stubs of such functions. What Go calls the types in them is taken from there; the rest is made here: a Go
//! interface, `Export` to hand over what has its methods, and the functions between it and the component's exports. A
//! function that returns `result<T, E>` returns `(T, error)` in Go.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use heck::{ToLowerCamelCase, ToUpperCamelCase};
use wit_parser::{Docs, Function, Resolve, Type, TypeDefKind, TypeId, TypeOwner, WorldItem, WorldKey};

use super::packages::{MODULE, Package, Packages, import, is_keyword};
use crate::wit::Wit;

/// An exported interface, or the world with the functions that it exports itself.
pub(super) struct Export<'a> {
    pub package: &'a Package,
    /// As WIT has it.
    pub interface: String,
    pub functions: Vec<GoMethod<'a>>,
}

/// One exported function.
pub(super) struct GoMethod<'a> {
    pub function: &'a Function,
    /// In Go.
    pub name: String,
    /// Names, as WIT has them in lower camel case, and types as generated code qualifies them.
    pub params: Vec<(String, String)>,
    pub result: Returned,
}

/// What a function returns, in types as generated code qualifies them.
pub(super) enum Returned {
    /// One value, none, or several in parentheses.
    Plain(String),
    /// `result<ok, err>`.
    Fallible { ok: String, err: String },
}

const UNIT: &str = "witTypes.Unit";

/// All that the world exports, with signatures from generated stubs.
pub(super) fn of<'a>(wit: &'a Wit, packages: &'a Packages, generated: &BTreeMap<String, String>) -> Vec<Export<'a>> {
    let resolve = &wit.resolve;
    let mut exports = Vec::new();
    let mut own: Vec<&Function> = Vec::new();
    let mut add = |key: Option<&WorldKey>, interface: String, functions: Vec<&'a Function>| {
        let Some(package) = packages.get(key) else { return };
        let stubs = generated.get(&format!("export_{}/wit_bindings.go", package.generated));
        let signatures = signatures(stubs.map_or("", |text| text.as_str()));
        let method = |function| method(resolve, function, &signatures);
        let functions: Vec<GoMethod> = functions.into_iter().filter_map(method).collect();
        if !functions.is_empty() {
            exports.push(Export { package, interface, functions });
        }
    };
    for (key, item) in &resolve.worlds[wit.world].exports {
        match item {
            WorldItem::Function(function) => own.push(function),
            WorldItem::Interface { id, .. } => {
                let functions = resolve.interfaces[*id].functions.values().collect();
                add(Some(key), resolve.name_world_key(key), functions);
            }
            WorldItem::Type { .. } => {}
        }
    }
    add(None, format!("world {}", wit.world_name()), own);
    exports
}

/// `func Name(_a T, _b U) R {`, one a line: names, parameters, results.
fn signatures(stubs: &str) -> BTreeMap<&str, (&str, &str)> {
    let signature = |line: &'_ str| -> Option<(usize, usize)> {
        let open = line.strip_prefix("func ")?.find('(')? + "func ".len();
        // No type has parentheses in its name.
        Some((open, open + line[open..].find(')')?))
    };
    stubs
        .lines()
        .filter_map(|line| {
            let (open, close) = signature(line)?;
            let result = line[close + 1..].trim().strip_suffix('{')?.trim();
            Some((&line["func ".len()..open], (&line[open + 1..close], result)))
        })
        .collect()
}

fn method<'a>(
    resolve: &Resolve,
    function: &'a Function,
    signatures: &BTreeMap<&str, (&str, &str)>,
) -> Option<GoMethod<'a>> {
    let name = function.item_name().to_upper_camel_case();
    let (params, result) = signatures.get(&*name)?;
    let params = split(params).into_iter().filter_map(|param| {
        let (name, ty) = param.strip_prefix('_')?.split_once(' ')?;
        Some((name.to_owned(), ty.to_owned()))
    });
    let params = params.collect();
    let is_result = function.result.is_some_and(|ty| matches!(definition(resolve, ty), Some(TypeDefKind::Result(_))));
    let inner = result.strip_prefix("witTypes.Result[").and_then(|inner| inner.strip_suffix(']'));
    let result = match inner.filter(|_| is_result).map(split).as_deref() {
        Some([ok, err]) => Returned::Fallible { ok: (*ok).to_owned(), err: (*err).to_owned() },
        _ => Returned::Plain((*result).to_owned()),
    };
    Some(GoMethod { function, name, params, result })
}

fn definition(resolve: &Resolve, ty: Type) -> Option<&TypeDefKind> {
    let Type::Id(id) = ty else { return None };
    match &resolve.types[id].kind {
        TypeDefKind::Type(inner) => definition(resolve, *inner),
        kind => Some(kind),
    }
}

/// A list of types or parameters, at the commas that are in no brackets.
fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut parts) = (0, 0, Vec::new());
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(list[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(list[begin..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Where `qualifier.` stands as a word of its own.
fn qualified(text: &str, qualifier: &str) -> Vec<usize> {
    let with_dot = format!("{qualifier}.");
    let is_part = |c: char| c == '_' || c == '.' || c.is_alphanumeric();
    let places = text.match_indices(&with_dot).map(|(at, _)| at);
    places.filter(|at| !text[..*at].ends_with(is_part)).collect()
}

/// The text with another qualifier, or with none.
fn requalified(text: &str, from: &str, to: &str) -> String {
    let mut changed = text.to_owned();
    for at in qualified(text, from).into_iter().rev() {
        changed.replace_range(at..at + from.len() + 1, to);
    }
    changed
}

/// The import declaration of a file that is `body`, of what generated code may refer to.
fn imports(body: &str, packages: &Packages, more: &[(&str, &str)]) -> String {
    let mut lines: BTreeSet<String> = BTreeSet::new();
    let types = format!("witTypes \"{MODULE}/wit/types\"");
    let packages = packages.all().map(|package| (package.generated.as_str(), import(package)));
    let more = more.iter().map(|(name, line)| (*name, (*line).to_owned()));
    for (name, line) in packages.chain([("witTypes", types)]).chain(more) {
        if !qualified(body, name).is_empty() {
            lines.insert(line);
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    format!("import (\n{})\n", lines.iter().map(|line| format!("\t{line}\n")).collect::<String>())
}

fn comment(docs: &Docs, indent: &str) -> String {
    let lines = docs.contents.as_deref().unwrap_or_default().trim().lines();
    lines.map(|line| format!("{indent}// {line}").trim_end().to_owned() + "\n").collect()
}

const HEADER: &str = "// Made by `witapi build` from the WIT. What is changed here is lost.\n\n";

/// As the file of an author has it: what all plugins share is in `witapi`.
fn for_author(text: &str) -> String {
    requalified(text, "witTypes", "witapi.")
}

impl Export<'_> {
    /// The Go interface and `Export`, for the package with the interface's types.
    pub(super) fn interface(&self, packages: &Packages) -> String {
        let Package { name, generated, .. } = self.package;
        let mut body = format!(
            "// Interface is what a plugin does for `{}`. An error that the contract knows goes to the client; any other\n\
             // is a 500, and its text is for the host's log.\ntype Interface interface {{\n",
            self.interface
        );
        for method in &self.functions {
            body.push_str(&comment(&method.function.docs, "\t"));
            writeln!(body, "\t{}", method.signature()).ok();
        }
        let call = format!("{name}.Export");
        write!(
            body,
            "}}\n\n// Export says what does it. Call it in a function `init`.\nfunc Export(it Interface) {{ exported.Set({:?}, it) }}\n\n\
             // Exported is what does it.\nfunc Exported() Interface {{ return exported.Get({:?}, {call:?}).(Interface) }}\n",
            self.interface, self.interface
        )
        .ok();
        let body = for_author(&requalified(&body, generated, ""));
        let exported = format!("\"{MODULE}/internal/exported\"");
        let witapi = format!("\"{MODULE}\"");
        let imports = imports(&body, packages, &[("exported", &exported), ("witapi", &witapi)]);
        format!("{HEADER}package {name}\n\n{imports}\n{body}")
    }

    /// What the component's exports call, instead of the stubs.
    pub(super) fn between(&self, packages: &Packages) -> String {
        let generated = &self.package.generated;
        let mut body = String::new();
        for method in &self.functions {
            let params: Vec<String> = method.params.iter().map(|(name, ty)| format!("_{name} {ty}")).collect();
            let arguments: Vec<String> = method.params.iter().map(|(name, _)| format!("_{name}")).collect();
            let (name, params) = (&method.name, params.join(", "));
            let call = format!("{generated}.Exported().{name}({})", arguments.join(", "));
            match &method.result {
                Returned::Plain(result) if result.is_empty() => {
                    writeln!(body, "func {name}({params}) {{ {call} }}\n").ok();
                }
                Returned::Plain(result) => {
                    writeln!(body, "func {name}({params}) {result} {{ return {call} }}\n").ok();
                }
                Returned::Fallible { ok, err } => {
                    let (got, value) = if ok == UNIT { ("err", "witTypes.Unit{}") } else { ("value, err", "value") };
                    let typed =
                        if err == UNIT { "witTypes.Unit{}".into() } else { format!("witapi.Typed[{err}](err)") };
                    writeln!(
                        body,
                        "func {name}({params}) witTypes.Result[{ok}, {err}] {{\n\t{got} := {call}\n\tif err != nil {{\n\t\treturn \
                         witTypes.Err[{ok}, {err}]({typed})\n\t}}\n\treturn witTypes.Ok[{ok}, {err}]({value})\n}}\n"
                    )
                    .ok();
                }
            }
        }
        let witapi = format!("\"{MODULE}\"");
        let imports = imports(&body, packages, &[("witapi", &witapi)]);
        format!("{HEADER}package export_{generated}\n\n{imports}\n{body}")
    }

    /// The part of `main.go` that does nothing yet.
    fn stub(&self) -> String {
        let Package { name, .. } = self.package;
        let ty = format!("{}Plugin", name.to_lower_camel_case());
        let mut text = format!(
            "// Each method does a function of `{}`.\ntype {ty} struct{{}}\n\nfunc init() {{ {name}.Export({ty}{{}}) }}\n",
            self.interface
        );
        for method in &self.functions {
            let docs = comment(&method.function.docs, "");
            let said = format!("{} is not done yet", method.function.name);
            write!(text, "\n{docs}func ({ty}) {} {{\n\tpanic({said:?})\n}}\n", method.signature()).ok();
        }
        text
    }
}

impl GoMethod<'_> {
    /// As a Go interface and an author have it, types still as generated code qualifies them.
    fn signature(&self) -> String {
        let name = |name: &str| if is_keyword(name) { format!("{name}_") } else { name.to_owned() };
        let params: Vec<String> = self.params.iter().map(|(param, ty)| format!("{} {ty}", name(param))).collect();
        let result = match &self.result {
            Returned::Plain(result) if result.is_empty() => String::new(),
            Returned::Plain(result) => format!(" {result}"),
            Returned::Fallible { ok, .. } if ok == UNIT => " error".into(),
            Returned::Fallible { ok, .. } => format!(" ({ok}, error)"),
        };
        format!("{}({}){result}", self.name, params.join(", "))
    }
}

/// `main.go` with each function, and none done yet.
pub(super) fn stubs(exports: &[Export<'_>], packages: &Packages) -> String {
    let mut body: String = exports.iter().map(|export| format!("{}\n", export.stub())).collect();
    let mut used: Vec<&Package> = packages
        .all()
        .filter(|it| exports.iter().any(|export| export.package == *it) || !qualified(&body, &it.generated).is_empty())
        .collect();
    used.sort_by(|one, other| one.path.cmp(&other.path));
    let mut lines = BTreeSet::new();
    for package in &used {
        let is_unique = used.iter().filter(|other| other.name == package.name).count() == 1;
        let is_export = exports.iter().any(|export| export.package == *package);
        if is_unique || is_export {
            body = requalified(&body, &package.generated, &format!("{}.", package.name));
            lines.insert(format!("\"{MODULE}/{}\"", package.path));
        } else {
            lines.insert(import(package));
        }
    }
    let body = for_author(&body);
    if !qualified(&body, "witapi").is_empty() {
        lines.insert(format!("\"{MODULE}\""));
    }
    let lines: String = lines.iter().map(|line| format!("\t{line}\n")).collect();
    format!("package main\n\nimport (\n{lines})\n\n{body}// Go wants it; it is never called.\nfunc main() {{}}\n")
}

/// Makes errors of the types that exported functions fail with, by package path: variants and records. What is no type of
/// its own in Go, such as an enum, goes through `witapi.Error`.
pub(super) fn errors(wit: &Wit, packages: &Packages, exports: &[Export<'_>]) -> BTreeMap<String, String> {
    let resolve = &wit.resolve;
    let mut done: BTreeSet<TypeId> = BTreeSet::new();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for method in exports.iter().flat_map(|export| &export.functions) {
        let result = method.function.result.and_then(|ty| definition(resolve, ty));
        let Some(TypeDefKind::Result(result)) = result else { continue };
        let Some(id) = result.err.and_then(|ty| nominal(resolve, ty)).filter(|id| done.insert(*id)) else { continue };
        let ty = &resolve.types[id];
        let package = match ty.owner {
            TypeOwner::Interface(interface) => packages.of_interface(interface),
            TypeOwner::World(_) => packages.get(None),
            TypeOwner::None => None,
        };
        let (Some(package), Some(name)) = (package, &ty.name) else { continue };
        let go = name.to_upper_camel_case();
        let text = match &ty.kind {
            TypeDefKind::Variant(variant) if variant.cases.iter().all(|case| case.name != "error") => {
                let cases: String = variant
                    .cases
                    .iter()
                    .map(|case| {
                        format!("\tcase {go}{}:\n\t\treturn {:?}\n", case.name.to_upper_camel_case(), case.name)
                    })
                    .collect();
                format!(
                    "// Error is the name of the case.\nfunc (self {go}) Error() string {{\n\tswitch self.tag {{\n{cases}\t}}\n\treturn {name:?}\n}}\n"
                )
            }
            TypeDefKind::Record(record) if record.fields.iter().all(|field| field.name != "error") => {
                format!("// Error is the type's name.\nfunc (self {go}) Error() string {{ return {name:?} }}\n")
            }
            _ => continue,
        };
        let file = files.entry(format!("{}/errors.go", package.path));
        file.or_insert_with(|| format!("{HEADER}package {}\n", package.name)).push_str(&format!("\n{text}"));
    }
    files
}

/// The type that has the name, behind what only repeats it.
fn nominal(resolve: &Resolve, ty: Type) -> Option<TypeId> {
    let Type::Id(id) = ty else { return None };
    match &resolve.types[id].kind {
        TypeDefKind::Type(inner) => nominal(resolve, *inner),
        _ => Some(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_found_in_stubs() {
        let stubs = "\nfunc Get(_id uint32, _of witTypes.Tuple2[string, bool]) witTypes.Result[a.B, []c.D] {\n        panic(\"\")\n}\nfunc Do()  {\n";
        let found = signatures(stubs);
        let (params, result) = found["Get"];
        assert_eq!(split(params), ["_id uint32", "_of witTypes.Tuple2[string, bool]"]);
        assert_eq!(result, "witTypes.Result[a.B, []c.D]");
        assert_eq!(found["Do"], ("", ""));
    }

    #[test]
    fn a_qualifier_is_a_word_of_its_own() {
        assert_eq!(requalified("[]a_b.C, xa_b.C, a_b.a_b.C", "a_b", ""), "[]C, xa_b.C, a_b.C");
    }
}
