//! The errors of `price-order` as problem documents, as the host writes them.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::types::Error;

pub struct Problem(Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        Problem(error)
    }
}

#[derive(Serialize)]
struct Document {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    error: Error,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = match self.0 {
            Error::Invalid(_) => StatusCode::BAD_REQUEST,
            Error::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Conflict(_) => StatusCode::CONFLICT,
        };
        let document = Document {
            r#type: "/problems/operation-error",
            title: "The operation answered with an error",
            status: status.as_u16(),
            error: self.0,
        };
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(document)).into_response()
    }
}
