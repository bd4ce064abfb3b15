//! One request of a plugin's operation, from start to finish.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::{self, Body},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header, request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout};
use wasmtime::component::Val;

use crate::{
    Host,
    bind::{Parts, bind},
    catalog::{Found, NotFound},
    contract::{self, ErrorStatus, Operation, Outcome, Type},
    problem::Problem,
    runtime::Facts,
    value,
};

/// What the log says of a request.
#[derive(Debug, Default)]
pub struct Trace {
    pub plugin: Option<String>,
    pub operation: Option<String>,
    /// What trapped, or what else clients are not told.
    pub fault: Option<String>,
}

/// Answers a request. `id` is its `x-request-id`.
pub async fn dispatch(host: &Host, peer: SocketAddr, id: &str, request: Request<Body>, trace: &mut Trace) -> Response {
    let arrival = Instant::now();
    // The one look at what is served: all that follows is of one version.
    let catalog = host.catalog();
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let found = match catalog.find(head.method.as_str(), &path) {
        Ok(found) => found,
        Err(NotFound::Path) => return Problem::NoRoute.into_response(),
        Err(NotFound::Method { allow }) => return Problem::MethodNotAllowed { allow }.into_response(),
    };
    trace.plugin = Some(found.plugin.name.to_string());
    trace.operation = Some(found.operation().label());
    let answer = answer(host, arrival, peer, id, &found, head, body).await;
    answer.unwrap_or_else(|problem| {
        if let Problem::PluginFailed(reason) = &problem {
            trace.fault = Some(reason.clone());
        }
        problem.into_response()
    })
}

async fn answer(
    host: &Host,
    arrival: Instant,
    peer: SocketAddr,
    id: &str,
    found: &Found<'_, '_>,
    head: request::Parts,
    body: Body,
) -> Result<Response, Problem> {
    let operation = found.operation();
    let limits = &found.plugin.limits;
    let body = read_body(operation, &head.headers, body, limits.body, host.config().server.body_timeout).await?;
    let query = head.uri.query().unwrap_or_default();
    let args = bind(operation, &Parts { path: &found.path, query, headers: &head.headers, body: &body })?;
    drop(body);

    let deadline = arrival + limits.deadline;
    let permit = tokio::time::timeout_at(deadline, host.scheduler().admit()).await.map_err(|_| Problem::Deadline)??;
    let facts = Facts { id: id.to_owned(), route: operation.pattern.to_string(), head, peer };
    let result = found.plugin.call(found.index, args, facts, deadline).await?;
    drop(permit);
    respond(&operation.outcome, result, limits.result)
}

/// The whole body, if the operation has one.
async fn read_body(
    operation: &Operation,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Problem> {
    let wanted = match operation.body {
        contract::Body::None => return Ok(Bytes::new()),
        contract::Body::Raw(_) => "application/octet-stream",
        contract::Body::Whole(_) | contract::Body::Members => "application/json",
    };
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()).and_then(|it| it.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(Problem::BodyTooLarge { limit });
    }
    let has_body = declared.is_some_and(|length| length > 0) || headers.contains_key(header::TRANSFER_ENCODING);
    if has_body {
        check_media_type(headers.get(header::CONTENT_TYPE), wanted)?;
    }
    let read = timeout(patience, Limited::new(body, limit).collect()).await;
    let read = read.map_err(|_| Problem::SlowRequest { limit: patience })?;
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::BodyTooLarge { limit }),
        Err(_) => Err(Problem::BodyBroken),
    }
}

fn check_media_type(found: Option<&HeaderValue>, wanted: &'static str) -> Result<(), Problem> {
    let Some(found) = found else {
        return Err(Problem::UnsupportedMediaType { found: "no `content-type`".into(), wanted });
    };
    let text = found.to_str().unwrap_or("�");
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // Every `+json` type is JSON (RFC 6839, section 3.1).
    let is_json = wanted == "application/json" && essence.starts_with("application/") && essence.ends_with("+json");
    if essence == wanted || is_json {
        return Ok(());
    }
    let short: String = text.chars().filter(|c| !c.is_control()).take(100).collect();
    Err(Problem::UnsupportedMediaType { found: format!("`{short}`"), wanted })
}

/// What the function returned, as an answer. The cases are those of [`Outcome::of`].
fn respond(outcome: &Outcome, result: Option<Val>, limit: usize) -> Result<Response, Problem> {
    let value = match result {
        Some(Val::Result(Err(error))) if outcome.fallible => {
            return Err(operation_error(outcome, error.as_deref(), limit)?);
        }
        Some(Val::Result(Ok(value))) if outcome.fallible => value.map(|value| *value),
        other => other,
    };
    let value = match value {
        Some(Val::Option(None)) if outcome.none_is_not_found => return Err(Problem::NoneFound),
        Some(Val::Option(Some(value))) if outcome.none_is_not_found => Some(*value),
        other => other,
    };
    let status = StatusCode::from_u16(outcome.success).unwrap_or(StatusCode::OK);
    let (media_type, body) = match (&outcome.value, value) {
        (Some(_), Some(Val::List(items))) if outcome.is_raw() => {
            if items.len() > limit {
                return Err(Problem::PluginFailed(value::Unwritable::TooLarge { limit }.to_string()));
            }
            ("application/octet-stream", value::write::bytes(&items).unwrap_or_default())
        }
        (Some(ty), Some(value)) => ("application/json", json(ty, &value, limit)?),
        _ => return Ok(status.into_response()),
    };
    Ok((status, [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], body::Body::from(body)).into_response())
}

fn operation_error(outcome: &Outcome, error: Option<&Val>, limit: usize) -> Result<Problem, Problem> {
    let status = match (outcome.error_status(), error) {
        (ErrorStatus::Always(status), _) => status,
        (ErrorStatus::Cases(statuses), Some(error)) => {
            case_index(outcome.error.as_ref(), error).and_then(|i| statuses.get(i).copied()).unwrap_or(400)
        }
        (ErrorStatus::Member(i), Some(Val::Record(fields))) => match fields.get(i) {
            Some((_, Val::U16(status))) if (400..600).contains(status) => *status,
            Some((_, Val::U16(status))) => {
                return Err(Problem::PluginFailed(format!(
                    "the error's member `status` is {status}; wanted a number from 400 to 599"
                )));
            }
            _ => 500,
        },
        _ => 500,
    };
    let error = match (&outcome.error, error) {
        (Some(ty), Some(error)) => Some(json(ty, error, limit)?),
        _ => None,
    };
    Ok(Problem::Operation { status, error })
}

/// Which case of the error's variant or enum it is.
fn case_index(ty: Option<&Type>, error: &Val) -> Option<usize> {
    let (Val::Variant(name, _) | Val::Enum(name)) = error else { return None };
    match ty?.shape()? {
        contract::Shape::Variant(cases) | contract::Shape::Enum(cases) => {
            cases.iter().position(|case| case.name == *name)
        }
        _ => None,
    }
}

fn json(ty: &Type, value: &Val, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(256);
    value::write(&mut out, ty, value, limit).map_err(|error| Problem::PluginFailed(error.to_string()))?;
    Ok(out)
}
