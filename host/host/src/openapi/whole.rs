//! Parts → one document. It is written as text, one plugin after the other, so that of many plugins only one is in memory
//! beside what is written.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    ops::Range,
    sync::Arc,
};

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::{Components, Info, OpenApi, Paths, extensions::Extensions};

use super::{
    ids, info, merge,
    names::SchemaNames,
    part::{Head, Marks, OperationHead, Texts},
    problems, responses,
};
use crate::{config, contract::Raw};

/// What a document is made of, of one plugin.
pub struct Described<'a> {
    pub plugin: &'a str,
    pub head: &'a Head,
    /// Reads the texts.
    pub texts: Box<dyn Fn() -> io::Result<Arc<Texts>> + 'a>,
    /// The raw handler, without its document.
    pub raw: Option<&'a Raw>,
}

/// A document as text.
pub(super) struct Whole {
    pub text: Vec<u8>,
    /// Of the operations of each plugin.
    pub ids: Vec<Vec<String>>,
}

/// The order of methods in a path item.
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "PATCH"];

/// Writes a document.
pub(super) fn of(settings: &config::OpenApi, info: Info, sources: &[Described]) -> Whole {
    let names = {
        let types = sources.iter().flat_map(|source| source.head.types.iter().map(|ty| (source.plugin, ty)));
        SchemaNames::new(types, &problems::NAMES)
    };
    let functions = sources.iter().map(|source| {
        let functions = source.head.operations.iter().map(OperationHead::function);
        (source.plugin, functions.collect())
    });
    let ids = ids::ids(&functions.collect::<Vec<_>>());
    let paths = paths(sources);

    let mut writer =
        Writer { sources, names: &names, ids: &ids, current: None, schemas: vec![], named: BTreeMap::new() };
    writer.own_schemas();
    let mut written = vec![];
    writer.paths(&paths, &mut written);

    let mut skeleton = skeleton(settings, info, sources);
    let schemas = writer.named.keys().map(|name| (name.clone(), Value::Null));
    skeleton["components"]["schemas"] = schemas.collect();
    let mounted = writer.mounted();
    if !mounted.is_empty() {
        let mut taken = merge::TakenNames::default();
        for (path, operations) in &paths {
            taken.note(path, operations.iter().map(|(source, operation)| ids[*source][*operation].as_str()));
        }
        merge::add(&mut skeleton, &mounted, taken);
    }
    let text = writer.document(&skeleton, &written);
    Whole { text, ids }
}

/// All but paths and schemas.
fn skeleton(settings: &config::OpenApi, info: Info, sources: &[Described]) -> Value {
    let mut components = Components::new();
    components.schemas.extend(problems::own_schemas());
    components.headers.extend(responses::own_headers());
    let mut document = OpenApi::new(info, Paths::new());
    document.servers = Some(info::servers(settings));
    document.components = Some(components);
    // The host asks nobody who they are. Said in so many words, since silence could also mean that it was forgotten.
    document.security = Some(vec![]);
    document.tags = Some(vec![]);
    document.extensions = Some(Extensions::from_iter([("x-tagGroups", json!([]))]));
    let mut document = json!(document);
    document["tags"] = sources.iter().flat_map(|source| &source.head.tags).cloned().collect();
    document["x-tagGroups"] = sources.iter().map(|source| source.head.group.clone()).collect();
    document
}

/// Every path in the order of the document, with its operations: of which source, and which.
type Items<'a> = Vec<(&'a str, Vec<(usize, usize)>)>;

fn paths<'a>(sources: &[Described<'a>]) -> Items<'a> {
    let mut paths: Items = vec![];
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (i, source) in sources.iter().enumerate() {
        for (j, operation) in source.head.operations.iter().enumerate() {
            let at = *known.entry(&operation.path).or_insert_with(|| {
                paths.push((&operation.path, vec![]));
                paths.len() - 1
            });
            paths[at].1.push((i, j));
        }
    }
    let place = |(i, j): &(usize, usize)| METHODS.iter().position(|it| *it == sources[*i].head.operations[*j].method);
    paths.iter_mut().for_each(|(_, operations)| operations.sort_by_key(place));
    paths
}

struct Writer<'a> {
    sources: &'a [Described<'a>],
    names: &'a SchemaNames,
    ids: &'a [Vec<String>],
    /// The texts that were read last.
    current: Option<(usize, Arc<Texts>)>,
    /// The texts of component schemas, by name.
    schemas: Vec<u8>,
    named: BTreeMap<String, Range<usize>>,
}

impl<'a> Writer<'a> {
    fn texts(&mut self, source: usize) -> Arc<Texts> {
        if let Some((at, texts)) = &self.current
            && *at == source
        {
            return texts.clone();
        }
        let texts = (self.sources[source].texts)().unwrap_or_else(|error| {
            tracing::error!(plugin = self.sources[source].plugin, %error, "the plugin is missing in the OpenAPI document");
            Arc::default()
        });
        self.current = Some((source, texts.clone()));
        texts
    }

    fn own_schemas(&mut self) {
        for (name, schema) in problems::own_schemas() {
            let begin = self.schemas.len();
            json(&schema, &mut self.schemas);
            self.named.insert(name, begin..self.schemas.len());
        }
    }

    /// Writes the members of `paths`, and notes all schemas.
    fn paths(&mut self, paths: &Items, out: &mut Vec<u8>) {
        let mut noted = HashSet::new();
        for (path, operations) in paths {
            if !out.is_empty() {
                out.push(b',');
            }
            json(path, out);
            out.extend_from_slice(b":{");
            let mut is_first = true;
            for (source, operation) in operations {
                let texts = self.texts(*source);
                let head = self.sources[*source].head;
                let marks = Marks { head, texts: &texts, names: self.names };
                if noted.insert(*source) {
                    self.types(&marks);
                }
                let Some(text) = texts.operations.get(*operation) else { continue };
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                json(&head.operations[*operation].method.to_ascii_lowercase(), out);
                out.push(b':');
                marks.write(text, &self.ids[*source][*operation], out);
            }
            out.push(b'}');
        }
    }

    /// Notes the schemas of a plugin that no other had.
    fn types(&mut self, marks: &Marks) {
        for (number, (head, ty)) in marks.head.types.iter().zip(&marks.texts.types).enumerate() {
            let Some(named) = self.names.of(head) else { continue };
            let problem = ty.problem.as_ref().and_then(|text| Some((marks.problem_name(number)?, text)));
            let problem = problem.iter().map(|(name, text)| (name, *text));
            let all = [(&named.name, &ty.schema)].into_iter().chain(named.cases.iter().zip(&ty.cases)).chain(problem);
            for (name, text) in all {
                if !self.named.contains_key(name) {
                    let begin = self.schemas.len();
                    marks.write(text, "", &mut self.schemas);
                    self.named.insert(name.clone(), begin..self.schemas.len());
                }
            }
        }
    }

    /// The raw handlers with their own documents.
    fn mounted(&mut self) -> Vec<(&'a str, Raw)> {
        let sources = self.sources.iter().enumerate();
        let mounted = sources.filter_map(|(i, source)| {
            let raw = source.raw?.clone();
            let document = self.texts(i).raw.clone().map(Arc::new);
            Some((source.plugin, Raw { document, ..raw }))
        });
        mounted.collect()
    }

    fn document(&self, skeleton: &Value, paths: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(paths.len() + self.schemas.len() + 4096);
        object(skeleton, &mut out, |name, value, out| match name {
            "paths" => {
                out.push(b'{');
                out.extend_from_slice(paths);
                let mut is_first = paths.is_empty();
                for (path, item) in value.as_object().into_iter().flatten() {
                    member(path, item, &mut is_first, out);
                }
                out.push(b'}');
            }
            "components" => object(value, out, |kind, value, out| match kind {
                "schemas" => object(value, out, |name, value, out| match self.named.get(name) {
                    Some(range) if value.is_null() => out.extend_from_slice(&self.schemas[range.clone()]),
                    _ => json(value, out),
                }),
                _ => json(value, out),
            }),
            _ => json(value, out),
        });
        out
    }
}

/// Writes an object, each of whose members is written by `write`.
fn object(value: &Value, out: &mut Vec<u8>, write: impl Fn(&str, &Value, &mut Vec<u8>)) {
    out.push(b'{');
    for (i, (name, value)) in value.as_object().into_iter().flatten().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json(name, out);
        out.push(b':');
        write(name, value, out);
    }
    out.push(b'}');
}

fn member(name: &str, value: &Value, is_first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(is_first) {
        out.push(b',');
    }
    json(name, out);
    out.push(b':');
    json(value, out);
}

fn json(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    // Into memory, of what is JSON.
    let _ = serde_json::to_writer(out, value);
}
