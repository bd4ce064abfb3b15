//! What a document has of one plugin, whatever else is in it: made once, when the plugin is loaded, and put into a document
//! as text. What depends on other plugins, which is names and ids, has marks in its place.

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{example::Examples, ids::Function, names::SchemaNames, operation, problems, tags};
use crate::contract::{
    Contract,
    schema::{Schemas, pascal},
};

/// What begins every mark. Nobody outside of this process can know it, so it stands in nothing that an author wrote.
static KEY: LazyLock<String> = LazyLock::new(|| {
    let part = || uuid::Uuid::now_v7().simple().to_string();
    format!("witapi{}{}x", part(), part())
});

/// Of an operation's id.
const ID: char = 'i';

/// What a reference to a component schema begins with, as it is printed.
const REFERENCE: &str = r##"{"$ref":"#/components/schemas/"##;

/// What is needed to give names, and for pages. It is short.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Head {
    /// The WIT package.
    pub package: Option<String>,
    /// What the interfaces say of themselves.
    pub texts: Vec<String>,
    pub operations: Vec<OperationHead>,
    pub types: Vec<TypeHead>,
    /// As the document has them.
    pub tags: Vec<Value>,
    pub group: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct OperationHead {
    /// In capitals.
    pub method: String,
    pub path: String,
    pub interface: String,
    pub instance: Option<String>,
    pub function: String,
    pub summary: Option<String>,
    /// The first of its tags.
    pub tag: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct TypeHead {
    /// `NewTodo` of `new-todo`
    pub base: String,
    /// The interface that has it.
    pub owner: String,
    /// Equal for types that are equal.
    pub digest: String,
    /// Of a variant with payloads.
    pub cases: Vec<String>,
}

/// JSON texts with marks.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Texts {
    pub operations: Vec<String>,
    pub types: Vec<TypeText>,
    /// The raw handler's own document.
    pub raw: Option<Value>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct TypeText {
    pub schema: String,
    pub cases: Vec<String>,
    /// Of the problem document, if it is an error.
    pub problem: Option<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Part {
    pub head: Head,
    pub texts: Texts,
}

impl Part {
    pub fn new(plugin: &str, contract: &Contract) -> Part {
        let schemas = Schemas::marked(contract.types(), &KEY);
        let components = schemas.components();
        let mut printed = Map::new();
        for component in &components {
            printed.insert(component.name.clone(), json!(component.schema));
            for (_, name, case) in &component.cases {
                printed.insert(name.clone(), json!(case));
            }
        }
        let examples = Examples::new(&printed);
        let operations = contract.operations.iter().map(|operation| {
            let mut described = operation::describe(operation, &schemas, Some(&examples));
            described.operation_id = Some(format!("{}{ID}", *KEY));
            described.tags = Some(tags::of_operation(plugin, operation));
            text(&described)
        });
        let operations = operations.collect();
        let mut types: Vec<_> = components
            .iter()
            .map(|component| TypeText {
                schema: text(&component.schema),
                cases: component.cases.iter().map(|(_, _, case)| text(case)).collect(),
                problem: None,
            })
            .collect();
        for error in contract.operations.iter().filter_map(|operation| operation.outcome.error.as_ref()) {
            if let Some((number, problem)) = problems::of_named_error(error, &schemas)
                && let Some(ty) = types.get_mut(number)
            {
                ty.problem = Some(text(&problem));
            }
        }
        let names: Vec<_> = components.iter().map(|it| it.named.name.as_str()).collect();
        let mut digests = vec![None; types.len()];
        let heads = components.iter().enumerate().map(|(i, component)| TypeHead {
            base: pascal(&component.named.name),
            owner: component.named.owner.clone(),
            digest: digest(i, &names, &types, &mut digests),
            cases: component.cases.iter().map(|(case, ..)| case.clone()).collect(),
        });
        let heads = heads.collect();
        let of_plugin = tags::of_plugin(plugin, contract);
        let head = Head {
            package: contract.package.clone(),
            texts: contract.interfaces.iter().filter_map(|interface| interface.docs.text.clone()).collect(),
            operations: contract
                .operations
                .iter()
                .map(|operation| OperationHead {
                    method: operation.method.as_str().to_owned(),
                    path: operation.pattern.to_string(),
                    interface: operation.interface.clone(),
                    instance: operation.instance.clone(),
                    function: operation.function.clone(),
                    summary: operation.docs.summary.clone(),
                    tag: tags::of_operation(plugin, operation).into_iter().next().unwrap_or_default(),
                })
                .collect(),
            types: heads,
            group: tags::group(plugin, &of_plugin),
            tags: of_plugin.iter().map(|tag| json!(tag)).collect(),
        };
        let raw = contract.raw.as_ref().and_then(|raw| raw.document.as_deref().cloned());
        Part { head, texts: Texts { operations, types, raw } }
    }
}

impl OperationHead {
    pub fn function(&self) -> Function<'_> {
        Function {
            interface: &self.interface,
            instance: self.instance.as_deref().unwrap_or_default(),
            name: &self.function,
        }
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Of the type's name and schemas, with digests in the places of names: the same in every plugin. A type holds no other that
/// holds it.
fn digest(number: usize, names: &[&str], types: &[TypeText], known: &mut [Option<String>]) -> String {
    if let Some(digest) = known.get(number).and_then(Option::as_ref) {
        return digest.clone();
    }
    let (Some(name), Some(ty)) = (names.get(number), types.get(number)) else { return String::new() };
    let mut hash = Sha256::new();
    hash.update(name);
    for text in [&ty.schema].into_iter().chain(&ty.cases) {
        hash.update("\n");
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => hash.update(text),
                // Its own cases have no name but by it.
                Piece::Type { number: other, case } if other == number => hash.update(format!("\0{case:?}\0")),
                Piece::Type { number, case } => {
                    hash.update(format!("\0{}{case:?}\0", digest(number, names, types, known)));
                }
                Piece::Id => {}
            }
        }
    }
    let digest = HEXLOWER.encode(&hash.finalize())[..32].to_owned();
    known[number] = Some(digest.clone());
    digest
}

/// A text with marks, taken apart.
enum Piece<'t> {
    Text(&'t str),
    /// The name of a type, or of one of its cases.
    Type {
        number: usize,
        case: Option<usize>,
    },
    Id,
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut parts = text.split(KEY.as_str());
    let first = parts.next().unwrap_or_default();
    let marked = parts.flat_map(|part| {
        let (mark, rest) = marked(part);
        [mark, Piece::Text(rest)]
    });
    [Piece::Text(first)].into_iter().chain(marked)
}

/// What stands behind the key, and what follows it.
fn marked(text: &str) -> (Piece<'_>, &str) {
    if let Some(rest) = text.strip_prefix(ID) {
        return (Piece::Id, rest);
    }
    let number = |text: &'_ str| -> Option<(usize, usize)> {
        let (number, _) = text.split_once('.')?;
        Some((number.parse().ok()?, number.len() + 1))
    };
    let Some((ty, end)) = number(text) else { return (Piece::Text(""), text) };
    let rest = &text[end..];
    match number(rest).filter(|_| rest.starts_with(|it: char| it.is_ascii_digit())) {
        Some((case, end)) => (Piece::Type { number: ty, case: Some(case) }, &rest[end..]),
        None => (Piece::Type { number: ty, case: None }, rest),
    }
}

/// Names and ids for the marks of one plugin.
pub(super) struct Marks<'a> {
    pub head: &'a Head,
    pub texts: &'a Texts,
    pub names: &'a SchemaNames,
}

impl Marks<'_> {
    /// Writes a text with what the marks stand for.
    pub(super) fn write(&self, text: &str, id: &str, out: &mut Vec<u8>) {
        let mut last: Option<usize> = None;
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => {
                    let mut text = text;
                    // A reference to the problem document of an error, whose name another schema may have: then it stands
                    // there itself.
                    if let Some(number) = last.take()
                        && let Some(rest) = text.strip_prefix(problems::PROBLEM).and_then(|it| it.strip_prefix("\"}"))
                        && self.problem_name(number).is_none()
                        && let Some(problem) = self.texts.types.get(number).and_then(|ty| ty.problem.as_deref())
                    {
                        let begin = out.windows(REFERENCE.len()).rposition(|it| it == REFERENCE.as_bytes());
                        out.truncate(begin.unwrap_or(out.len()));
                        self.write(problem, id, out);
                        text = rest;
                    }
                    out.extend_from_slice(text.as_bytes());
                }
                Piece::Type { number, case } => {
                    let named = self.head.types.get(number).and_then(|ty| self.names.of(ty));
                    let name = named.and_then(|named| match case {
                        Some(case) => named.cases.get(case).map(String::as_str),
                        None => Some(named.name.as_str()),
                    });
                    out.extend_from_slice(name.unwrap_or_default().as_bytes());
                    last = case.is_none().then_some(number);
                }
                Piece::Id => out.extend_from_slice(id.as_bytes()),
            }
        }
    }

    /// What the problem document of an error type is called; `None` if that name is taken.
    pub(super) fn problem_name(&self, number: usize) -> Option<String> {
        let name = format!("{}{}", self.names.of(self.head.types.get(number)?)?.name, problems::PROBLEM);
        (!self.names.is_taken(&name)).then_some(name)
    }
}
