//! One request of a plugin's operation, from start to finish.

use std::{mem, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use crate::{
    catalog::{Catalog, Found, Host, NotFound},
    contract::{self, Outcome},
    http::{accept, caller::Caller},
    log,
    plugin::{Plugin, load::Cause},
    problem::{Problem, options},
    request::{Rejection, RequestParts, bind, body},
    runtime::{Answer, CallError, Charge, Facts, Permit, before},
    value::{Image, Reply},
};
use charged::charged;

mod charged;
pub mod raw;
pub mod stream;

/// What the log says of a request.
#[derive(Debug, Default)]
pub struct Trace {
    pub plugin: Option<Arc<str>>,
    pub operation: Option<Arc<str>>,
    /// What trapped, or what else clients are not told.
    pub fault: Option<String>,
    /// How the answer ended, which is not known before its body has been sent.
    pub end: Option<stream::StreamEnd>,
}

impl Trace {
    /// The answer as the client gets it; what it is not told is noted here.
    pub fn noted(&mut self, answer: Result<Response, Problem>) -> Response {
        let mut response = answer.unwrap_or_else(|problem| {
            match &problem {
                Problem::PluginFailed(reason) => self.fault = Some(reason.clone()),
                Problem::CpuTime => self.fault = Some(CallError::CpuTime.to_string()),
                _ => {}
            }
            problem.into_response()
        });
        self.end = response.extensions_mut().remove();
        response
    }
}

/// A plugin that was asleep and did not wake up.
impl From<Arc<Cause>> for Problem {
    fn from(cause: Arc<Cause>) -> Self {
        Problem::PluginFailed(log::with_causes(&*cause))
    }
}

/// Answers the request of `caller`, which is taken. All is of one version, that of `catalog`.
pub async fn dispatch(
    host: &Host,
    catalog: &Catalog,
    caller: &Caller,
    request: &mut Request<Body>,
    trace: &mut Trace,
) -> Response {
    let found = match catalog.find(caller.method.as_str(), caller.uri.path()) {
        Ok(found) => found,
        Err(NotFound::Path) => return Problem::NoRoute.into_response(),
        Err(NotFound::Method { allow }) if caller.method == Method::OPTIONS => return options(&allow),
        Err(NotFound::Method { allow }) => return Problem::MethodNotAllowed { allow }.into_response(),
    };
    trace.plugin = Some(found.plugin.name.clone());
    let deadline = caller.arrival + found.plugin.limits.deadline;
    let plugin = match before(deadline, found.plugin.plugin(&host.loader)).await {
        Ok(Ok(plugin)) => plugin,
        Ok(Err(cause)) => return trace.noted(Err(cause.into())),
        Err(_) => return trace.noted(Err(Problem::Deadline)),
    };
    trace.operation = Some(plugin.names[found.index].label.clone());
    let mut charge = plugin.share.charge();
    let answer = answer(host, caller, &found, &plugin, request, &mut charge).await;
    charged(trace.noted(answer), charge)
}

async fn answer(
    host: &Host,
    caller: &Caller,
    found: &Found<'_, '_>,
    plugin: &Arc<Plugin>,
    request: &mut Request<Body>,
    charge: &mut Charge,
) -> Result<Response, Problem> {
    let (mut head, body) = mem::take(request).into_parts();
    let operation = &plugin.contract.operations[found.index];
    let limits = &plugin.limits;
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
        _ => (body::read(operation, &mut head, body, limits.body, patience, charge).await?, None),
    };
    let query = head.uri.query().unwrap_or_default();
    let parts = RequestParts { path: &found.path, query, headers: &head.headers, body: &body };
    let args = bind(operation, &parts, limits.memory)?;
    drop(body);
    charge.replace(args.size())?;

    let deadline = caller.arrival + limits.deadline;
    let permit = plugin.admit(Some(found.index), deadline).await?;
    let route = plugin.names[found.index].route.clone();
    let facts = Box::new(Facts { id: caller.id.clone(), route, head, peer: caller.peer });
    if !operation.has_streams() {
        let reply = plugin.call(found.index, args, facts, permit, deadline).await?;
        return respond(outcome, reply);
    }

    let call = Streamed { caller, plugin, index: found.index, args, facts, permit, deadline, media_type, patience };
    // It is larger than all the rest of a request, and few need it.
    Box::pin(call.answer(stream)).await
}

/// A call with streams.
struct Streamed<'r> {
    caller: &'r Caller,
    plugin: &'r Arc<Plugin>,
    /// Of the operation.
    index: usize,
    args: Image,
    facts: Box<Facts>,
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
        let Streamed { caller, plugin, index, args, facts, permit, deadline, media_type, patience } = self;
        let limits = &plugin.limits;
        let outcome = &plugin.contract.operations[index].outcome;
        let last = caller.arrival + limits.stream_deadline;
        let stream = stream.map(|(body, param)| stream::incoming(plugin, index, param, body, patience));
        let (input, incoming) = stream.unzip();
        let answer = match &incoming {
            None => plugin.start(index, args, input, facts, permit, deadline.min(last)).await,
            // What takes its time to send may take longer than what takes its time to answer.
            Some(incoming) => tokio::select! {
                answer = plugin.start(index, args, input, facts, permit, last) => answer,
                () = incoming.stalled(limits.deadline) => Err(CallError::Deadline),
            },
        };
        match answer {
            Ok((Answer::Value(reply), permit)) => {
                drop(permit);
                respond(outcome, reply.map_err(CallError::from)?)
            }
            Ok((Answer::Stream(output), permit)) => {
                if caller.method == Method::HEAD {
                    // Nobody will read it.
                    return Ok(stream::head(outcome, media_type));
                }
                Ok(stream::respond(outcome, output, permit, incoming, media_type, last))
            }
            Err(CallError::Input) => {
                Err(incoming.map_or(Rejection::BodyBroken, |incoming| incoming.rejection()).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The answer to a request whose function has returned.
fn respond(outcome: &Outcome, reply: Reply) -> Result<Response, Problem> {
    let body = match reply {
        Reply::Value(body) => body,
        Reply::NoneFound => return Err(Problem::NoneFound),
        Reply::Error { status, error } => return Err(Problem::Operation { status, error }),
    };
    let status = StatusCode::from_u16(outcome.success).unwrap_or(StatusCode::OK);
    let Some(body) = body else { return Ok(status.into_response()) };
    let media_type = if outcome.is_raw() { "application/octet-stream" } else { "application/json" };
    Ok((status, [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], Body::from(body)).into_response())
}
