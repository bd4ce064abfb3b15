//! Contracts → one OpenAPI 3.1 document.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::HeaderValue;
use bytes::Bytes;
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::openapi::{
    Components, Content, Deprecated, HttpMethod, Info, Object, OpenApi, PathItem, Paths, Ref, RefOr, Required,
    Response, Schema,
    path::{Operation as PathOperation, Parameter, ParameterIn},
    request_body::RequestBody,
    schema::{AnyOf, Array, Type as JsonType},
    tag::Tag,
};

use crate::{
    contract::{
        Body, Contract, Docs, ErrorStatus, Method, Operation, Outcome, Place, Scalar, Shape, Type,
        schema::{self, Schemas},
    },
    problem::{self, Kind},
    runtime::code_cache::hex,
};

/// A document as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Document {
    pub json: Bytes,
    /// A strong entity tag: equal exactly if the document is.
    pub etag: HeaderValue,
}

/// Component schemas of the host itself.
const PROBLEM: &str = "Problem";
const INVALID_REQUEST: &str = "InvalidRequest";
const FAULT: &str = "Fault";

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";
const BYTES: &str = "application/octet-stream";

/// One document of `(plugin, contract)` pairs.
pub fn document<'a>(title: &str, contracts: impl Iterator<Item = (&'a str, &'a Contract)>) -> Document {
    let json = serde_json::to_vec(&build(title, &contracts.collect::<Vec<_>>())).unwrap_or_default();
    let etag = format!("\"{}\"", &hex(&Sha256::digest(&json))[..32]);
    // Hexadecimal in quotes is a header value.
    let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\""));
    Document { json: json.into(), etag }
}

/// The document as utoipa's types.
pub fn build(title: &str, contracts: &[(&str, &Contract)]) -> OpenApi {
    let types = contracts.iter().flat_map(|(plugin, contract)| types(contract).map(move |ty| (*plugin, ty)));
    let schemas = Schemas::new(types, &[PROBLEM, INVALID_REQUEST, FAULT]);
    let mut components = Components::new();
    components.schemas = schemas.components();
    let errors =
        contracts.iter().flat_map(|(_, contract)| &contract.operations).filter_map(|it| it.outcome.error.as_ref());
    for error in errors {
        if let Some(name) = error_problem_name(error, &schemas) {
            components.schemas.entry(name).or_insert_with(|| error_problem_object(error, &schemas).into());
        }
    }
    components.schemas.extend(own_schemas());

    let ids = operation_ids(contracts);
    let mut paths = Paths::new();
    let mut tags = vec![];
    for (i, (plugin, contract)) in contracts.iter().enumerate() {
        tags.push(tag(plugin, contract));
        for (j, operation) in contract.operations.iter().enumerate() {
            let path = paths.paths.entry(operation.pattern.to_string()).or_default();
            path.merge_operations(PathItem::new(
                http_method(operation.method),
                describe(plugin, operation, &ids[i][j], &schemas),
            ));
        }
    }
    let version = match contracts {
        [(_, contract)] => contract.package.as_deref().and_then(|it| it.split_once('@')).map(|(_, version)| version),
        _ => None,
    };
    let mut document = OpenApi::new(Info::new(title, version.unwrap_or(env!("CARGO_PKG_VERSION"))), paths);
    document.components = Some(components);
    document.tags = Some(tags);
    document
}

fn types(contract: &Contract) -> impl Iterator<Item = &Type> {
    contract.operations.iter().flat_map(|operation| {
        let params = operation.params.iter().map(|param| &param.ty);
        params.chain(&operation.outcome.value).chain(&operation.outcome.error)
    })
}

/// `operationId`s: as the contract has them, with the plugin's name in front where two plugins have the same, and with a
/// number behind where even that is taken.
fn operation_ids(contracts: &[(&str, &Contract)]) -> Vec<Vec<String>> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, contract) in contracts {
        for operation in &contract.operations {
            *count.entry(&operation.id).or_default() += 1;
        }
    }
    // Ids that only one operation has stay as they are, whatever the others become.
    let mut taken: BTreeSet<String> = count.iter().filter(|(_, n)| **n == 1).map(|(id, _)| (*id).to_owned()).collect();
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let mut of = |(plugin, contract): &(&str, &Contract)| -> Vec<String> {
        let prefix: String = plugin.chars().map(word).collect();
        let mut id = |operation: &Operation| {
            if count[operation.id.as_str()] == 1 {
                return operation.id.clone();
            }
            let base = format!("{prefix}_{}", operation.id);
            let mut id = base.clone();
            let mut number = 2;
            while !taken.insert(id.clone()) {
                id = format!("{base}_{number}");
                number += 1;
            }
            id
        };
        contract.operations.iter().map(&mut id).collect()
    };
    contracts.iter().map(&mut of).collect()
}

/// A plugin as a group of operations, with the documentation of its interfaces.
fn tag(plugin: &str, contract: &Contract) -> Tag {
    let mut tag = Tag::new(plugin);
    let docs: Vec<_> = contract.interfaces.iter().filter_map(|interface| interface.docs.text.clone()).collect();
    tag.description = Some(docs.join("\n\n")).filter(|text| !text.is_empty());
    tag
}

fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn describe(plugin: &str, operation: &Operation, id: &str, schemas: &Schemas) -> PathOperation {
    let mut described = PathOperation::new();
    described.tags = Some(vec![plugin.to_owned()]);
    described.summary = operation.docs.summary.clone();
    described.description = operation.docs.description.clone();
    described.operation_id = Some(id.to_owned());
    described.deprecated = operation.is_deprecated.then_some(Deprecated::True);
    // In the order of the path, then in that of the function.
    let in_path =
        operation.pattern.params().filter_map(|name| operation.params_in(Place::Path).find(|it| it.json == name));
    let parameters: Vec<_> = in_path
        .chain(operation.params_in(Place::Query))
        .chain(operation.params_in(Place::Header))
        .map(|param| parameter(param, schemas))
        .collect();
    described.parameters = Some(parameters).filter(|parameters| !parameters.is_empty());
    described.request_body = request_body(operation, schemas).map(RefOr::T);
    described.responses.responses = responses(operation, schemas);
    described
}

fn parameter(param: &crate::contract::Param, schemas: &Schemas) -> RefOr<Parameter> {
    let mut parameter = Parameter::new(&param.json);
    parameter.parameter_in = match param.place {
        Place::Path => ParameterIn::Path,
        Place::Header => ParameterIn::Header,
        Place::Query | Place::Body => ParameterIn::Query,
    };
    parameter.description = param.docs.text.clone();
    parameter.deprecated = param.docs.keywords.is_deprecated.then_some(Deprecated::True);
    parameter.required = if param.is_optional() { Required::False } else { Required::True };
    // In a query, what is absent is `none`; there is no null.
    let ty = match param.ty.resolved() {
        Type::Option(some) => some,
        _ => &param.ty,
    };
    let said = Docs { keywords: param.docs.keywords.clone(), ..Docs::default() };
    parameter.schema = Some(schema::described(schemas.schema(ty), &said));
    parameter.into()
}

fn request_body(operation: &Operation, schemas: &Schemas) -> Option<RequestBody> {
    let (media_type, schema) = match operation.body {
        Body::None => return None,
        Body::Raw(_) => (BYTES, bytes_schema()),
        Body::Whole(i) => {
            let param = &operation.params[i];
            (JSON, schema::described(schemas.schema(&param.ty), &param.docs))
        }
        Body::Members => {
            let members = operation.params_in(Place::Body).map(|param| (param.json.as_str(), &param.ty, &param.docs));
            (JSON, schemas.object(members).into())
        }
    };
    let mut body = RequestBody::new();
    body.content.insert(media_type.to_owned(), RefOr::T(Content::new(Some(schema))));
    body.required = Some(if operation.body_is_required() { Required::True } else { Required::False });
    Some(body)
}

/// Bytes as they are: any value at all, as OpenAPI 3.1 writes binary bodies.
fn bytes_schema() -> RefOr<Schema> {
    let mut object = Object::with_type(JsonType::String);
    object.format = Some(utoipa::openapi::SchemaFormat::Custom("binary".into()));
    object.into()
}

/// Every status that can occur, each with its body.
fn responses(operation: &Operation, schemas: &Schemas) -> BTreeMap<String, RefOr<Response>> {
    let outcome = &operation.outcome;
    let mut responses = BTreeMap::new();
    let mut success = Response::new(match outcome.success {
        201 => "Created",
        202 => "Accepted",
        204 => "Done, with nothing to say",
        _ => "Success",
    });
    if let Some(value) = &outcome.value {
        let (media_type, schema) =
            if outcome.is_raw() { (BYTES, bytes_schema()) } else { (JSON, schemas.schema(value)) };
        success.content.insert(media_type.to_owned(), RefOr::T(Content::new(Some(schema))));
    }
    responses.insert(outcome.success.to_string(), RefOr::T(success));

    // Two problems of one status are two schemas of one response.
    let mut problems: BTreeMap<String, (BTreeSet<String>, Vec<RefOr<Schema>>)> = BTreeMap::new();
    let mut add = |status: String, title: String, schema: RefOr<Schema>| {
        let (titles, schemas) = problems.entry(status).or_default();
        titles.insert(title);
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
    };
    for kind in host_problems(operation) {
        let name = if kind == problem::INVALID_REQUEST { INVALID_REQUEST } else { PROBLEM };
        add(kind.status.unwrap_or(500).to_string(), kind.title.to_owned(), Ref::from_schema_name(name).into());
    }
    if outcome.fallible {
        let schema = error_problem(outcome.error.as_ref(), schemas);
        let mut statuses = error_statuses(outcome);
        if let ErrorStatus::Member(_) = outcome.error_status() {
            // A status goes before the range that it is in (OpenAPI 3.1, section 4.8.16), so the guest's own stand there too.
            for kind in host_problems(operation) {
                let title = vec![problem::OPERATION_ERROR.title.to_owned()];
                statuses.insert(kind.status.unwrap_or(500).to_string(), title);
            }
        }
        for (status, titles) in statuses {
            for title in titles {
                add(status.clone(), title, schema.clone());
            }
        }
    }
    for (status, (titles, mut schemas)) in problems {
        let mut response = Response::new(titles.into_iter().collect::<Vec<_>>().join("; "));
        let schema = if schemas.len() == 1 {
            schemas.remove(0)
        } else {
            let mut any_of = AnyOf::new();
            any_of.items = schemas;
            Schema::AnyOf(any_of).into()
        };
        response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(Content::new(Some(schema))));
        responses.insert(status, RefOr::T(response));
    }
    responses
}

/// The problems that the host itself may answer with.
fn host_problems(operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![problem::PLUGIN_FAILED, problem::SATURATED, problem::DEADLINE];
    match operation.body {
        Body::None => {}
        Body::Raw(_) => kinds.extend([problem::SLOW_REQUEST, problem::BODY_TOO_LARGE, problem::UNSUPPORTED_MEDIA_TYPE]),
        Body::Whole(_) | Body::Members => kinds.extend([
            problem::MALFORMED_JSON,
            problem::SLOW_REQUEST,
            problem::BODY_TOO_LARGE,
            problem::UNSUPPORTED_MEDIA_TYPE,
        ]),
    }
    let is_raw = |i: usize| matches!(operation.body, Body::Raw(raw) if raw == i);
    if (0..operation.params.len()).any(|i| !is_raw(i)) {
        kinds.push(problem::INVALID_REQUEST);
    }
    if operation.outcome.none_is_not_found {
        kinds.push(problem::NONE_FOUND);
    }
    kinds
}

/// The statuses of an `err`, each with what it stands for.
fn error_statuses(outcome: &Outcome) -> BTreeMap<String, Vec<String>> {
    let title = || vec![problem::OPERATION_ERROR.title.to_owned()];
    match (outcome.error_status(), outcome.error.as_ref().and_then(Type::shape)) {
        // The guest chooses among all of them.
        (ErrorStatus::Member(_), _) => [("4XX".to_owned(), title()), ("5XX".to_owned(), title())].into(),
        (ErrorStatus::Always(status), _) => [(status.to_string(), title())].into(),
        (ErrorStatus::Cases(statuses), Some(Shape::Variant(cases) | Shape::Enum(cases))) => {
            let mut titles: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (status, case) in statuses.iter().zip(cases) {
                let docs = case.docs.summary.as_deref().map(|summary| format!(": {summary}")).unwrap_or_default();
                titles.entry(status.to_string()).or_default().push(format!("`{}`{docs}", case.name));
            }
            titles
        }
        (ErrorStatus::Cases(_), _) => BTreeMap::new(),
    }
}

fn string() -> Object {
    Object::with_type(JsonType::String)
}

/// The members that every problem document has.
fn problem_object() -> Object {
    let mut uri = string();
    uri.format = Some(utoipa::openapi::SchemaFormat::Custom("uri-reference".into()));
    uri.description = Some("What kind of problem it is. It never changes, so programs can go by it.".into());
    let mut status = Object::with_type(JsonType::Integer);
    status.description = Some("The status of the answer again.".into());
    let mut object = Object::with_type(JsonType::Object);
    object.properties.insert("type".into(), uri.into());
    object.properties.insert("title".into(), string().into());
    object.properties.insert("status".into(), status.into());
    object.properties.insert("detail".into(), string().into());
    object.required = vec!["type".into(), "title".into(), "status".into()];
    object
}

/// The problem document of an `err`.
fn error_problem(error: Option<&Type>, schemas: &Schemas) -> RefOr<Schema> {
    let Some(error) = error else { return Ref::from_schema_name(PROBLEM).into() };
    match error_problem_name(error, schemas) {
        Some(name) => Ref::from_schema_name(name).into(),
        None => error_problem_object(error, schemas).into(),
    }
}

/// What the problem document of a named error type is called; `None` if the type has no name or that one is taken.
fn error_problem_name(error: &Type, schemas: &Schemas) -> Option<String> {
    let Type::Named(named) = error else { return None };
    let name = format!("{}{PROBLEM}", schemas.name(named));
    (!schemas.is_taken(&name)).then_some(name)
}

fn error_problem_object(error: &Type, schemas: &Schemas) -> Object {
    let mut object = problem_object();
    object.properties.insert("error".into(), schemas.schema(error));
    object.required.push("error".into());
    object
}

/// The schemas of what the host itself answers.
fn own_schemas() -> [(String, RefOr<Schema>); 3] {
    let mut problem = problem_object();
    problem.description = Some("A problem document (RFC 9457).".into());

    let mut step = AnyOf::new();
    step.items = vec![string().into(), crate::contract::schema::scalar_schema(Scalar::U64).into()];
    let mut loc = Array::new(RefOr::T(Schema::AnyOf(step)));
    loc.description = Some("The way to the value: `path`, `query` or `body`, then names and indices.".into());
    let mut msg = string();
    msg.description = Some("What was found and what was wanted.".into());
    let mut word = string();
    word.description = Some("A stable word for programs, such as `missing`.".into());
    let mut fault = Object::with_type(JsonType::Object);
    fault.description = Some("One thing that is wrong with a request.".into());
    fault.properties.insert("loc".into(), RefOr::T(Schema::Array(loc)));
    fault.properties.insert("msg".into(), msg.into());
    fault.properties.insert("type".into(), word.into());
    fault.required = vec!["loc".into(), "msg".into(), "type".into()];

    let mut invalid = problem_object();
    invalid.description = Some("A problem document that lists every fault of the request.".into());
    invalid.properties.insert("errors".into(), RefOr::T(Schema::Array(Array::new(Ref::from_schema_name(FAULT)))));
    invalid.required.push("errors".into());
    [(PROBLEM.into(), problem.into()), (FAULT.into(), fault.into()), (INVALID_REQUEST.into(), invalid.into())]
}

/// The document of one plugin on its own, for tools that read no catalog.
pub fn pretty(title: &str, contract: &Contract) -> String {
    serde_json::to_string_pretty(&json!(build(title, &[(title, contract)]))).unwrap_or_default()
}
