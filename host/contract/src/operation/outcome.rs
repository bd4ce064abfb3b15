//! What a function returns → status and body. See `docs/src/reference/results.md`.

use std::sync::Arc;

use crate::{Case, Delivery, Method, Passed, Scalar, Shape, Type, route::Route};

/// The answers of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Status of a success.
    pub success: u16,
    /// The value of a success, without the `result` and the `option` that statuses stand for.
    pub value: Option<Type>,
    /// A `none` is 404: the function returns `option` and its method is about one thing.
    pub none_is_not_found: bool,
    /// The function returns `result`.
    pub fallible: bool,
    /// The value of an `err`.
    pub error: Option<Type>,
    /// All that the function returns, without the stream or the future that it comes in.
    pub returned: Option<Type>,
    /// How the function returns it. With a stream, `value` is its item.
    pub delivery: Delivery,
    /// Only the `ok` comes so, not the whole result.
    pub in_ok: bool,
}

/// How the status of an `err` is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorStatus {
    /// The record's member `status`, at this index.
    Member(usize),
    /// By case, in the order of the cases.
    Cases(Vec<u16>),
    Always(u16),
}

impl Outcome {
    /// The outcome of a function that returns `result` on `route`.
    pub fn of(result: Option<&Passed>, route: &Route) -> Outcome {
        let (delivery, in_ok) = result.map_or((Delivery::Whole, false), |it| (it.delivery, it.in_ok));
        let result = result.map(|it| &it.ty);
        // What the items of a stream are says nothing of the answer as a whole.
        let is_stream = delivery == Delivery::Stream;
        let (value, fallible, error) = match result.map(Type::resolved) {
            Some(Type::Result(ok, err)) if !is_stream || in_ok => {
                (ok.as_deref().cloned(), true, err.as_deref().cloned())
            }
            _ => (result.cloned(), false, None),
        };
        let (value, none_is_not_found) = match value.as_ref().map(Type::resolved) {
            Some(Type::Option(some)) if route.method != Method::Post && !is_stream => {
                (Some(some.as_ref().clone()), true)
            }
            _ => (value, false),
        };
        let returned = result.cloned();
        let success = if value.is_some() || route.status_is_explicit { route.success } else { 204 };
        Outcome { success, value, none_is_not_found, fallible, error, returned, delivery, in_ok }
    }

    /// Whether the value is sent as its bytes rather than as JSON.
    #[inline]
    pub fn is_raw(&self) -> bool {
        match self.value.as_ref().map(Type::resolved) {
            Some(Type::Bytes) => !self.is_stream(),
            Some(Type::Scalar(Scalar::U8)) => self.is_stream(),
            _ => false,
        }
    }

    /// Whether the function returns anything.
    #[inline]
    pub fn has_result(&self) -> bool {
        self.fallible || self.value.is_some()
    }

    /// What the `stream` or the `future` is of.
    pub fn delivered(&self) -> Option<Type> {
        let value = match &self.value {
            Some(some) if self.none_is_not_found => Some(Type::Option(Arc::new(some.clone()))),
            value => value.clone(),
        };
        match self.delivery {
            Delivery::Whole => None,
            // The whole result, put together again.
            Delivery::Future if self.fallible && !self.in_ok => {
                Some(Type::Result(value.map(Arc::new), self.error.clone().map(Arc::new)))
            }
            Delivery::Future | Delivery::Stream => value,
        }
    }

    /// Whether the answer of a success is a stream of values.
    #[inline]
    pub fn is_stream(&self) -> bool {
        self.delivery == Delivery::Stream
    }

    /// The media types that the answer to a success may have, the default first; none where it has no body.
    #[inline]
    pub fn media_types(&self) -> &'static [&'static str] {
        match self.value {
            None => &[],
            Some(_) if self.is_raw() => &["application/octet-stream"],
            Some(_) if self.is_stream() => &["application/x-ndjson", "text/event-stream"],
            Some(_) => &["application/json"],
        }
    }

    /// How an `err` becomes a status.
    pub fn error_status(&self) -> ErrorStatus {
        let of_type = self.error.as_ref().and_then(Type::status);
        match self.error.as_ref().and_then(Type::shape) {
            Some(Shape::Record(_)) if of_type.is_some() => ErrorStatus::Always(of_type.unwrap_or(400)),
            Some(Shape::Record(fields)) => {
                let status = |ty: &Type| matches!(ty.resolved(), Type::Scalar(super::Scalar::U16));
                let member = fields.iter().position(|field| field.name == "status" && status(&field.ty));
                member.map_or(ErrorStatus::Always(400), ErrorStatus::Member)
            }
            Some(Shape::Variant(cases) | Shape::Enum(cases)) => {
                let status = |case: &Case| case.docs.keywords.status.or_else(|| status_of_case(case)).or(of_type);
                ErrorStatus::Cases(cases.iter().map(|case| status(case).unwrap_or(400)).collect())
            }
            _ => ErrorStatus::Always(of_type.unwrap_or(400)),
        }
    }
}

/// The status that a case's name stands for.
fn status_of_case(case: &Case) -> Option<u16> {
    Some(match case.name.as_str() {
        "unauthorized" | "unauthenticated" => 401,
        "payment-required" => 402,
        "forbidden" | "permission-denied" => 403,
        "not-found" => 404,
        "conflict" | "already-exists" => 409,
        "gone" => 410,
        "precondition-failed" => 412,
        "too-large" => 413,
        "unprocessable" => 422,
        "locked" => 423,
        "too-many-requests" | "rate-limited" => 429,
        "internal" => 500,
        "not-implemented" => 501,
        "unavailable" => 503,
        "timeout" => 504,
        "bad-request" => 400,
        name if name.starts_with("invalid") => 400,
        _ => return None,
    })
}
