//! What went wrong as problem documents, as the host writes them.

use serde::Serialize;

use crate::{Answer, types::Error};

pub const MEDIA_TYPE: &str = "application/problem+json";

#[derive(Serialize)]
pub struct Document {
    r#type: &'static str,
    title: &'static str,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

impl Document {
    /// Of the error that is the result of `price-order`.
    pub fn of_operation(error: Error) -> Document {
        let status = match error {
            Error::Invalid(_) => 400,
            Error::Unprocessable(_) => 422,
            Error::Conflict(_) => 409,
        };
        Document {
            r#type: "/problems/operation-error",
            title: "The operation returned an error",
            status,
            detail: None,
            error: Some(error),
        }
    }

    /// Of a request that breaks a rule of the contract.
    pub fn of_request(detail: String) -> Document {
        Document {
            r#type: "/problems/invalid-request",
            title: "Validation failed",
            status: 422,
            detail: Some(detail),
            error: None,
        }
    }

    /// Of a path or method that is not there.
    pub fn not_found() -> Document {
        Document { r#type: "about:blank", title: "Not Found", status: 404, detail: None, error: None }
    }

    pub fn into_answer(self) -> Answer {
        Answer { status: self.status, media_type: MEDIA_TYPE, body: crate::json(&self) }
    }
}
