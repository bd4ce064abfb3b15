//! Every answer that an operation can have, each with its body and headers.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::{
    Content, Header, Object, Ref, RefOr, Response, Schema,
    schema::{AnyOf, Type as JsonType},
};

use super::{
    example::Examples,
    operation::{bytes_schema, json_content},
    problems::{self, PROBLEM_JSON},
    stream,
};
use crate::{
    contract::{ErrorStatus, Operation, Outcome, Shape, schema::Schemas},
    http::media_type::{BYTES, JSON},
    problem,
};

/// Headers of answers, as `components.headers` has them: name, component, and what it says.
const REQUEST_ID: (&str, &str, &str) = (
    "x-request-id",
    "RequestId",
    "The request's id: the client's, or one that the host generated. The host's log has it as well.",
);
const RETRY_AFTER: (&str, &str, &str) = ("retry-after", "RetryAfter", "Seconds to wait before the next try.");

/// Every status that can occur, each with its body.
pub(super) fn responses(
    operation: &Operation,
    schemas: &Schemas,
    examples: Option<&Examples>,
) -> BTreeMap<String, RefOr<Response>> {
    let outcome = &operation.outcome;
    let mut responses = BTreeMap::new();
    let mut success = Response::new(match outcome.success {
        201 => "Created",
        202 => "Accepted",
        204 => "Success without a body",
        _ => "Success",
    });
    if outcome.is_stream() {
        stream::describe(&mut success, outcome, schemas);
    } else if let Some(value) = &outcome.value {
        let (media_type, content) = if outcome.is_raw() {
            (BYTES, Content::new(Some(bytes_schema())))
        } else {
            (JSON, json_content(schemas.schema(value), examples))
        };
        success.content.insert(media_type.to_owned(), RefOr::T(content));
    }
    add_header(&mut success, REQUEST_ID);
    responses.insert(outcome.success.to_string(), RefOr::T(success));

    // Two problems of one status are two schemas of one response.
    let mut answers: BTreeMap<String, (BTreeSet<String>, Vec<RefOr<Schema>>)> = BTreeMap::new();
    let mut add = |status: String, text: String, schema: RefOr<Schema>| {
        let (texts, schemas) = answers.entry(status).or_default();
        texts.insert(text);
        if !schemas.contains(&schema) {
            schemas.push(schema);
        }
    };
    // The guest's first: its schema demands more, and there are clients that take the first that fits.
    let mut answers_of_guest = BTreeSet::new();
    if outcome.fallible {
        let schema = problems::of_error(outcome.error.as_ref(), schemas);
        let mut statuses = error_statuses(outcome);
        if let ErrorStatus::Member(_) = outcome.error_status() {
            // A status goes before the range that it is in (OpenAPI 3.1, section 4.8.16), so the guest's own stand there too.
            for kind in problems::of_host(operation) {
                let text = vec![problems::link(problem::OPERATION_ERROR)];
                statuses.insert(kind.status.unwrap_or(500).to_string(), text);
            }
        }
        for (status, texts) in statuses {
            answers_of_guest.insert(status.clone());
            for text in texts {
                add(status.clone(), text, schema.clone());
            }
        }
    }
    // The first kind of each status as an example, unless a guest's error stands there too.
    let mut shown: BTreeMap<String, Option<problem::Kind>> =
        answers_of_guest.into_iter().map(|it| (it, None)).collect();
    for kind in problems::of_host(operation) {
        let status = kind.status.unwrap_or(500).to_string();
        shown.entry(status.clone()).or_insert(Some(kind));
        add(status, problems::link(kind), problems::schema_of(kind));
    }
    for (status, (texts, mut schemas)) in answers {
        let mut response = Response::new(texts.into_iter().collect::<Vec<_>>().join("; "));
        let schema = if schemas.len() == 1 {
            schemas.remove(0)
        } else {
            let mut any_of = AnyOf::new();
            any_of.items = schemas;
            Schema::AnyOf(any_of).into()
        };
        let mut content = Content::new(Some(schema));
        let kind = shown.get(&status).copied().flatten().filter(|_| examples.is_some());
        content.example = kind.and_then(problems::example);
        response.content.insert(PROBLEM_JSON.to_owned(), RefOr::T(content));
        add_header(&mut response, REQUEST_ID);
        if status == "503" {
            add_header(&mut response, RETRY_AFTER);
        }
        responses.insert(status, RefOr::T(response));
    }
    responses
}

fn add_header(response: &mut Response, (name, component, _): (&str, &str, &str)) {
    let reference = Ref::new(format!("#/components/headers/{component}"));
    response.headers.insert(name.to_owned(), RefOr::Ref(reference));
}

/// What [`responses`] refers to.
pub(super) fn own_headers() -> [(String, RefOr<Header>); 2] {
    let header = |(_, component, text): (&str, &str, &str), ty| {
        let mut header = Header::new(Object::with_type(ty));
        header.description = Some(text.to_owned());
        (component.to_owned(), RefOr::T(header))
    };
    [header(REQUEST_ID, JsonType::String), header(RETRY_AFTER, JsonType::Integer)]
}

/// The statuses of an `err`, each with what it stands for.
fn error_statuses(outcome: &Outcome) -> BTreeMap<String, Vec<String>> {
    let link = || vec![problems::link(problem::OPERATION_ERROR)];
    match (outcome.error_status(), outcome.error.as_ref().and_then(crate::contract::Type::shape)) {
        // The guest chooses among all of them.
        (ErrorStatus::Member(_), _) => [("4XX".to_owned(), link()), ("5XX".to_owned(), link())].into(),
        (ErrorStatus::Always(status), _) => [(status.to_string(), link())].into(),
        (ErrorStatus::Cases(statuses), Some(Shape::Variant(cases) | Shape::Enum(cases))) => {
            let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (status, case) in statuses.iter().zip(cases) {
                let docs = case.docs.summary.as_deref().map(|summary| format!(": {summary}")).unwrap_or_default();
                texts.entry(status.to_string()).or_default().push(format!("`{}`{docs}", case.name));
            }
            texts
        }
        (ErrorStatus::Cases(_), _) => BTreeMap::new(),
    }
}
