//! Streams in the document. OpenAPI 3.1 has no word for the items of a stream, so their schema stands in its place, and
//! the description says so.

use utoipa::openapi::{Content, RefOr, Required, Response, request_body::RequestBody};

use super::operation::bytes_schema;
use crate::{
    contract::{
        Body, Operation, Outcome,
        schema::{Schemas, described},
    },
    problem::{self, Kind},
};

/// The body of an operation that takes a stream.
pub(super) fn request_body(operation: &Operation, schemas: &Schemas) -> RequestBody {
    let mut body = RequestBody::new();
    let is_bytes = operation.takes_byte_stream();
    if let Body::Stream(i) = operation.body {
        for media_type in operation.stream_types() {
            let param = &operation.params[i];
            let schema = if is_bytes { bytes_schema() } else { described(schemas.schema(&param.ty), &param.docs) };
            let content = Content::new(Some(schema));
            body.content.insert((*media_type).to_owned(), RefOr::T(content));
        }
    }
    let text = if is_bytes {
        "A stream of bytes."
    } else {
        "A stream of items, one per line. The schema is that of one item."
    };
    body.description = Some(text.into());
    body.required = Some(Required::False);
    body
}

/// Adds the body of a success that is a stream.
pub(super) fn describe(success: &mut Response, outcome: &Outcome, schemas: &Schemas) {
    let Some(item) = &outcome.value else { return };
    for media_type in outcome.media_types() {
        let schema = if outcome.is_raw() { bytes_schema() } else { schemas.schema(item) };
        success.content.insert((*media_type).to_owned(), RefOr::T(Content::new(Some(schema))));
    }
    success.description.push_str(if outcome.is_raw() {
        ": a stream of bytes"
    } else {
        ": a stream of items, one a line or one an event. The schema is that of an item"
    });
}

/// The problems that the host may answer with because of the stream that it takes.
pub(super) fn request_problems(operation: &Operation) -> Vec<Kind> {
    let is_bytes = operation.takes_byte_stream();
    let of_bodies = problem::OF_BODIES.into_iter().filter(|kind| !is_bytes || *kind != problem::BODY_TOO_LARGE);
    of_bodies.chain((!is_bytes).then_some(problem::MALFORMED_JSON)).collect()
}
