//! One request of a plugin's operation, from start to finish.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, StatusCode, header, request},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;
use wasmtime::component::Val;

use crate::{
    Host, accept,
    bind::{Parts, bind},
    body,
    caller::Caller,
    catalog::{Catalog, Found, NotFound},
    contract::{self, ErrorStatus, Outcome, Type},
    problem::{Problem, options},
    runtime::{Answer, CallError, Facts, Permit},
    streaming, value,
};

/// What the log says of a request.
#[derive(Debug, Default)]
pub struct Trace {
    pub plugin: Option<Arc<str>>,
    pub operation: Option<Arc<str>>,
    /// What trapped, or what else clients are not told.
    pub fault: Option<String>,
    /// How the answer ended, which is not known before its body has been sent.
    pub end: Option<streaming::End>,
}

impl Trace {
    /// The answer as the client gets it; what it is not told is noted here.
    pub fn noted(&mut self, answer: Result<Response, Problem>) -> Response {
        let mut response = answer.unwrap_or_else(|problem| {
            if let Problem::PluginFailed(reason) = &problem {
                self.fault = Some(reason.clone());
            }
            problem.into_response()
        });
        self.end = response.extensions_mut().remove();
        response
    }
}

/// Answers the request of `caller`. All is of one version, that of `catalog`.
pub async fn dispatch(
    host: &Host,
    catalog: &Catalog,
    caller: &Caller,
    request: Request<Body>,
    trace: &mut Trace,
) -> Response {
    let found = match catalog.find(caller.method.as_str(), caller.uri.path()) {
        Ok(found) => found,
        Err(NotFound::Path) => return Problem::NoRoute.into_response(),
        Err(NotFound::Method { allow }) if caller.method == Method::OPTIONS => return options(&allow),
        Err(NotFound::Method { allow }) => return Problem::MethodNotAllowed { allow }.into_response(),
    };
    let (head, body) = request.into_parts();
    trace.plugin = Some(found.plugin.name.clone());
    trace.operation = Some(found.names().label.clone());
    let answer = answer(host, caller, &found, head, body).await;
    trace.noted(answer)
}

async fn answer(
    host: &Host,
    caller: &Caller,
    found: &Found<'_, '_>,
    mut head: request::Parts,
    body: Body,
) -> Result<Response, Problem> {
    let operation = found.operation();
    let limits = &found.plugin.limits;
    let patience = host.config().server.body_timeout;
    let outcome = &operation.outcome;
    let offers = outcome.media_types();
    let media_type = match accept::preferred(&head.headers, offers) {
        None if !offers.is_empty() => return Err(Problem::NotAcceptable { header: header::ACCEPT, offers }),
        media_type => media_type.unwrap_or_default(),
    };
    let (body, stream) = match operation.body {
        contract::Body::Stream(param) => {
            (body::Content::default(), Some((body::stream(operation, &mut head, body).await?, param)))
        }
        _ => (body::read(operation, &mut head, body, limits.body, patience).await?, None),
    };
    let query = head.uri.query().unwrap_or_default();
    let args = bind(operation, &Parts { path: &found.path, query, headers: &head.headers, body: &body })?;
    drop(body);

    let deadline = caller.arrival + limits.deadline;
    let permit = tokio::time::timeout_at(deadline, host.scheduler().admit()).await.map_err(|_| Problem::Deadline)??;
    let facts = Facts { id: caller.id.clone(), route: found.names().route.clone(), head, peer: caller.peer };
    if !operation.has_streams() {
        let result = found.plugin.call(found.index, args, facts, deadline).await?;
        drop(permit);
        return respond(outcome, result, limits.result);
    }

    let call = Streamed { caller, found, args, facts, permit, deadline, media_type, patience };
    // It is larger than all the rest of a request, and few need it.
    Box::pin(call.answer(stream)).await
}

/// A call with streams.
struct Streamed<'r> {
    caller: &'r Caller,
    found: &'r Found<'r, 'r>,
    args: Vec<Val>,
    facts: Facts,
    permit: Permit,
    deadline: Instant,
    /// Of the answer.
    media_type: &'static str,
    /// How long the request's body may be silent.
    patience: Duration,
}

impl Streamed<'_> {
    /// Calls, and answers at the latest with the first item. `stream` is the request's body and its parameter.
    async fn answer(self, stream: Option<(Body, usize)>) -> Result<Response, Problem> {
        let Streamed { caller, found, args, facts, permit, deadline, media_type, patience } = self;
        let limits = &found.plugin.limits;
        let outcome = &found.operation().outcome;
        let last = caller.arrival + limits.stream_deadline;
        let stream = stream.map(|(body, param)| streaming::incoming(found.plugin, found.index, param, body, patience));
        let (input, incoming) = stream.unzip();
        let answer = match &incoming {
            None => found.plugin.start(found.index, args, input, facts, deadline.min(last)).await,
            // What takes its time to send may take longer than what takes its time to answer.
            Some(incoming) => tokio::select! {
                answer = found.plugin.start(found.index, args, input, facts, last) => answer,
                () = incoming.stalled(limits.deadline) => Err(CallError::Deadline),
            },
        };
        match answer {
            Ok(Answer::Value(result)) => {
                drop(permit);
                respond(outcome, result, limits.result)
            }
            Ok(Answer::Stream(output)) => {
                if caller.method == Method::HEAD {
                    // Nobody will read it.
                    return Ok(streaming::head(outcome, media_type));
                }
                Ok(streaming::respond(outcome, output, permit, incoming, media_type, limits.result, last))
            }
            Err(CallError::Input) => Err(incoming.map_or(Problem::BodyBroken, |incoming| incoming.problem())),
            Err(error) => Err(error.into()),
        }
    }
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
    Ok((status, [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], Body::from(body)).into_response())
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
