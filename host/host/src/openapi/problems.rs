//! Problem documents (RFC 9457) as schemas: the host's own, and those that hold a guest's error.

use serde_json::Value;
use utoipa::openapi::{
    Object, Ref, RefOr, Schema, SchemaFormat,
    schema::{AnyOf, Array, Type as JsonType},
};

use super::stream;
use crate::{
    contract::{
        Body, Operation, Scalar, Type,
        schema::{Schemas, scalar_schema},
    },
    problem::{self, Kind},
};

pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Also what the name of an error's problem document ends with.
pub(super) const PROBLEM: &str = "Problem";
const INVALID_REQUEST: &str = "InvalidRequest";
const FAULT: &str = "Fault";

/// Component schemas of the host itself.
pub(super) const NAMES: [&str; 3] = [PROBLEM, INVALID_REQUEST, FAULT];

/// The problems that the host itself may answer with.
pub(super) fn of_host(operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![problem::PLUGIN_FAILED, problem::SATURATED, problem::DEADLINE];
    match operation.body {
        Body::None => {}
        Body::Raw(_) => kinds.extend(problem::OF_BODIES),
        Body::Stream(_) => kinds.extend(stream::request_problems(operation)),
        Body::Whole(_) | Body::Members => {
            kinds.extend(problem::OF_BODIES);
            kinds.push(problem::MALFORMED_JSON);
        }
    }
    if !operation.outcome.media_types().is_empty() {
        kinds.push(problem::NOT_ACCEPTABLE);
    }
    let is_raw = |i: usize| match operation.body {
        Body::Raw(raw) => raw == i,
        Body::Stream(stream) => stream == i && operation.takes_byte_stream(),
        _ => false,
    };
    if (0..operation.params.len()).any(|i| !is_raw(i)) {
        kinds.push(problem::INVALID_REQUEST);
    }
    if operation.outcome.none_is_not_found {
        kinds.push(problem::NONE_FOUND);
    }
    kinds
}

/// The title of a kind of problem, with a link to its page.
pub(super) fn link(kind: Kind) -> String {
    format!("[{}]({})", kind.title, kind.uri())
}

/// The schema of a problem document of the host.
pub(super) fn schema_of(kind: Kind) -> RefOr<Schema> {
    Ref::from_schema_name(if kind == problem::INVALID_REQUEST { INVALID_REQUEST } else { PROBLEM }).into()
}

/// The schema of the problem document of an `err`.
pub(super) fn of_error(error: Option<&Type>, schemas: &Schemas) -> RefOr<Schema> {
    let Some(error) = error else { return Ref::from_schema_name(PROBLEM).into() };
    match name_of_error(error, schemas) {
        Some(name) => Ref::from_schema_name(name).into(),
        None => error_object(error, schemas).into(),
    }
}

/// The schema for the problem document of an error type that has a name, and the number of the type.
pub(super) fn of_named_error(error: &Type, schemas: &Schemas) -> Option<(usize, Schema)> {
    let Type::Named(named) = error else { return None };
    Some((schemas.number(named)?, error_object(error, schemas).into()))
}

/// What the problem document of a named error type is called, if nothing else is called so; `None` if the type has no name.
fn name_of_error(error: &Type, schemas: &Schemas) -> Option<String> {
    let Type::Named(named) = error else { return None };
    Some(format!("{}{PROBLEM}", schemas.name(named)))
}

fn error_object(error: &Type, schemas: &Schemas) -> Object {
    let mut object = object();
    object.properties.insert("error".into(), schemas.schema(error));
    object.required.push("error".into());
    object
}

fn string() -> Object {
    Object::with_type(JsonType::String)
}

/// The members that every problem document has.
fn object() -> Object {
    let mut uri = string();
    uri.format = Some(SchemaFormat::Custom("uri-reference".into()));
    uri.description = Some("The kind of problem. It never changes, so programs can rely on it.".into());
    let mut status = Object::with_type(JsonType::Integer);
    status.description = Some("The HTTP status of the response.".into());
    let mut object = Object::with_type(JsonType::Object);
    object.properties.insert("type".into(), uri.into());
    object.properties.insert("title".into(), string().into());
    object.properties.insert("status".into(), status.into());
    object.properties.insert("detail".into(), string().into());
    object.required = vec!["type".into(), "title".into(), "status".into()];
    object
}

/// A problem document of that kind, as the host answers it.
pub(super) fn example(kind: Kind) -> Option<Value> {
    serde_json::from_slice(&kind.example().document()).ok()
}

/// The schemas of what the host itself answers.
pub(super) fn own_schemas() -> [(String, RefOr<Schema>); 3] {
    let mut problem = object();
    problem.description = Some("A problem document (RFC 9457).".into());

    let mut step = AnyOf::new();
    step.items = vec![string().into(), scalar_schema(Scalar::U64).into()];
    let mut loc = Array::new(RefOr::T(Schema::AnyOf(step)));
    loc.description =
        Some("The path to the value: `path`, `query`, `header` or `body`, then names and indices.".into());
    let mut msg = string();
    msg.description = Some("What was expected and what was found.".into());
    let mut word = string();
    word.description = Some("A stable word for programs, such as `missing`.".into());
    let mut fault = Object::with_type(JsonType::Object);
    fault.description = Some("One error in a request.".into());
    fault.properties.insert("loc".into(), RefOr::T(Schema::Array(loc)));
    fault.properties.insert("msg".into(), msg.into());
    fault.properties.insert("type".into(), word.into());
    fault.required = vec!["loc".into(), "msg".into(), "type".into()];

    let mut invalid = object();
    invalid.description = Some("A problem document that lists every error in the request.".into());
    invalid.properties.insert("errors".into(), RefOr::T(Schema::Array(Array::new(Ref::from_schema_name(FAULT)))));
    invalid.required.push("errors".into());
    invalid.examples = example(problem::INVALID_REQUEST).into_iter().collect();
    [(PROBLEM.into(), problem.into()), (FAULT.into(), fault.into()), (INVALID_REQUEST.into(), invalid.into())]
}
