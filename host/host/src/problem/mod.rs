//! The only place where an error becomes a status: problem documents (RFC 9457).

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    contract::Method,
    request::Rejection,
    runtime::{CallError, NoRoom, TurnedAway},
};

mod kind;

pub use kind::*;

/// Seconds after which a client may try again when the host is saturated.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// What such a client is told.
const TRY_AGAIN: &str = "Try again in a moment.";

/// The content encodings of requests that are undone.
const DECODED: HeaderValue = HeaderValue::from_static("gzip, deflate");

/// Those of every operation that reads a body.
pub const OF_BODIES: [Kind; 5] =
    [MALFORMED_BODY, SLOW_REQUEST, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, UNSUPPORTED_ENCODING];

/// Why a request has no success for an answer.
#[derive(Debug)]
pub enum Problem {
    NoRoute,
    MethodNotAllowed {
        allow: Vec<Method>,
    },
    /// The client's header takes none of what the answer may be.
    NotAcceptable {
        header: HeaderName,
        offers: &'static [&'static str],
    },
    /// The request is not what the operation takes.
    Rejected(Rejection),
    NoneFound,
    /// An `err` of the guest, its value as JSON.
    Operation {
        status: u16,
        error: Option<Vec<u8>>,
    },
    /// The text is for the log.
    PluginFailed(String),
    Saturated,
    Deadline,
    /// The call used up its processor time.
    CpuTime,
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NoRoom => Problem::Saturated,
            rejection => Problem::Rejected(rejection),
        }
    }
}

impl From<TurnedAway> for Problem {
    fn from(turned: TurnedAway) -> Self {
        match turned {
            TurnedAway::Saturated => Problem::Saturated,
            TurnedAway::Deadline => Problem::Deadline,
        }
    }
}

impl From<NoRoom> for Problem {
    fn from(_: NoRoom) -> Self {
        Problem::Saturated
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Trap(trap) => Problem::PluginFailed(trap),
            CallError::Unwritable(why) => Problem::PluginFailed(why.to_string()),
            CallError::Deadline => Problem::Deadline,
            CallError::CpuTime => Problem::CpuTime,
            CallError::Input => Problem::Rejected(Rejection::BodyBroken),
            CallError::NoRoom(_) => Problem::Saturated,
        }
    }
}

/// The members of a problem document, in the order of RFC 9457.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
}

impl Problem {
    pub fn kind(&self) -> Kind {
        match self {
            Problem::NoRoute => NO_ROUTE,
            Problem::MethodNotAllowed { .. } => METHOD_NOT_ALLOWED,
            Problem::NotAcceptable { .. } => NOT_ACCEPTABLE,
            Problem::Rejected(rejection) => rejection.kind(),
            Problem::NoneFound => NONE_FOUND,
            Problem::Operation { .. } => OPERATION_ERROR,
            Problem::PluginFailed(_) => PLUGIN_FAILED,
            Problem::Saturated => SATURATED,
            Problem::Deadline | Problem::CpuTime => DEADLINE,
        }
    }

    fn detail(&self) -> Option<String> {
        Some(match self {
            Problem::MethodNotAllowed { allow } => format!("This path accepts {}.", listed(allow)),
            Problem::NotAcceptable { header, offers } => {
                let offers: Vec<_> = offers.iter().map(|offer| format!("`{offer}`")).collect();
                format!("Expected `{header}` to accept one of {}.", offers.join(", "))
            }
            Problem::Rejected(rejection) => rejection.detail(),
            Problem::PluginFailed(_) => "The host's log has the reason, under this response's `x-request-id`.".into(),
            Problem::Saturated => TRY_AGAIN.into(),
            Problem::CpuTime => "The operation exceeded its processor time.".into(),
            Problem::NoRoute | Problem::NoneFound | Problem::Operation { .. } | Problem::Deadline => return None,
        })
    }
}

impl Rejection {
    fn kind(&self) -> Kind {
        match self {
            Rejection::UnsupportedMediaType { .. } => UNSUPPORTED_MEDIA_TYPE,
            Rejection::UnsupportedEncoding { .. } => UNSUPPORTED_ENCODING,
            Rejection::BodyTooLarge { .. } => BODY_TOO_LARGE,
            Rejection::SlowRequest { .. } => SLOW_REQUEST,
            Rejection::BodyBroken | Rejection::MalformedBody(_) => MALFORMED_BODY,
            Rejection::Malformed(_) => MALFORMED_JSON,
            Rejection::Faults(_) => INVALID_REQUEST,
            Rejection::NoRoom => SATURATED,
        }
    }

    fn detail(&self) -> String {
        match self {
            Rejection::UnsupportedMediaType { found, expected } => format!("Expected {expected}, found {found}."),
            Rejection::UnsupportedEncoding { found } => {
                format!("Expected `gzip`, `deflate` or no content encoding, found {found}.")
            }
            Rejection::MalformedBody(reason) => reason.clone(),
            Rejection::BodyTooLarge { limit } => format!("Expected at most {limit} bytes."),
            Rejection::SlowRequest { limit } => format!("Expected the whole body within {limit:?}."),
            Rejection::BodyBroken => "The body ended early.".into(),
            Rejection::Malformed(at) => format!("Line {}, column {}: {}.", at.line, at.column, at.reason),
            Rejection::Faults(faults) => match faults.omitted {
                0 if faults.listed.len() == 1 => "1 error, see `errors`.".into(),
                0 => format!("{} errors, see `errors`.", faults.listed.len()),
                omitted => {
                    format!("{} errors, the first {} in `errors`.", faults.listed.len() + omitted, faults.listed.len())
                }
            },
            Rejection::NoRoom => TRY_AGAIN.into(),
        }
    }
}

/// The answer to `OPTIONS`: what the path takes (RFC 9110, section 9.3.7).
pub fn options(methods: &[Method]) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::ALLOW, allow(methods));
    response
}

fn allow(methods: &[Method]) -> HeaderValue {
    // The names of methods are ASCII.
    HeaderValue::from_str(&listed(methods)).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// The methods that a path takes. Where there is `GET` there is `HEAD` (RFC 9110, section 9.3.2), and `OPTIONS` everywhere.
fn listed(methods: &[Method]) -> String {
    let with_head = |method: &Method| match method {
        Method::Get => "GET, HEAD",
        other => other.as_str(),
    };
    methods.iter().map(with_head).chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
}

impl Problem {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Problem::Operation { status, .. } => *status,
            _ => self.kind().status.unwrap_or(500),
        }
    }

    /// The problem document, as JSON.
    pub fn document(&self) -> Vec<u8> {
        let kind = self.kind();
        let raw: Option<Box<RawValue>> = match self {
            Problem::Operation { error: Some(error), .. } => serde_json::from_slice(error).ok(),
            _ => None,
        };
        let document = Document {
            r#type: kind.uri(),
            title: kind.title,
            status: self.status(),
            detail: self.detail(),
            errors: if let Problem::Rejected(Rejection::Faults(faults)) = self {
                Some(json!(faults.listed))
            } else {
                None
            },
            error: raw.as_deref(),
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.document()));
        *response.status_mut() = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match &self {
            Problem::MethodNotAllowed { allow: methods } => drop(headers.insert(header::ALLOW, allow(methods))),
            // RFC 9110, section 15.5.16.
            Problem::Rejected(Rejection::UnsupportedEncoding { .. }) => {
                headers.insert(header::ACCEPT_ENCODING, DECODED);
            }
            Problem::Saturated => drop(headers.insert(header::RETRY_AFTER, RETRY_AFTER)),
            // The rest of the body is still on its way, so the connection is of no more use.
            Problem::Rejected(
                Rejection::BodyTooLarge { .. } | Rejection::SlowRequest { .. } | Rejection::BodyBroken,
            ) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
