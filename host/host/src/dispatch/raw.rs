//! One request of a raw HTTP handler, from start to finish.

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, Uri, header, uri},
    response::Response,
};
use http_body_util::combinators::UnsyncBoxBody;

use super::{
    Trace,
    stream::{Incoming, raw},
};
use crate::{
    catalog::{Host, Mounted},
    http::caller::Caller,
    problem::Problem,
    runtime::{CallError, Facts, before},
};

/// Answers the request of `caller`, which is for `mounted`.
pub async fn answer(
    host: &Host,
    mounted: Mounted<'_>,
    caller: &Caller,
    request: Request<Body>,
    trace: &mut Trace,
) -> Response {
    trace.plugin = Some(mounted.plugin.name.clone());
    trace.operation = Some(mounted.raw.export.as_str().into());
    let answer = handled(host, mounted, caller, request).await;
    trace.noted(answer)
}

async fn handled(
    host: &Host,
    mounted: Mounted<'_>,
    caller: &Caller,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let arrival = caller.arrival;
    let limits = &mounted.plugin.limits;
    let last = arrival + limits.stream_deadline;
    let deadline = (arrival + limits.deadline).min(last);
    let plugin = before(deadline, mounted.plugin.plugin(&host.loader)).await.map_err(|_| Problem::Deadline)??;
    let permit = plugin.admit(None, deadline).await?;

    let is_head = request.method() == Method::HEAD;
    let incoming = Incoming::new(arrival);
    let (head, body) = request.into_parts();
    let route = mounted.raw.mount.as_str().into();
    let facts = Box::new(Facts { id: caller.id.clone(), route, head: head.clone(), peer: caller.peer });
    let body = raw::Request::new(body, incoming.clone(), host.config().server.body_timeout);
    let mut request = Request::from_parts(head, UnsyncBoxBody::new(body));
    *request.uri_mut() = with_authority(request.uri(), request.headers());

    let answer = tokio::select! {
        answer = plugin.handle(request, facts, permit, last) => answer,
        // A request may take its time to arrive, as long as the handler takes it in.
        () = incoming.stalled(limits.deadline) => Err(CallError::Deadline),
    };
    match answer {
        Ok(handled) => Ok(raw::respond(handled, is_head, incoming)),
        // It did not get all that it needs for an answer.
        Err(CallError::Trap(_)) if incoming.is_broken() => Err(incoming.rejection().into()),
        Err(error) => Err(error.into()),
    }
}

/// The whole URI that the request is for (RFC 9112, section 3.3). Without a usable header `Host` it is of this machine.
fn with_authority(uri: &Uri, headers: &HeaderMap) -> Uri {
    let mut parts = uri.clone().into_parts();
    let host = || headers.get(header::HOST)?.to_str().ok()?.parse().ok();
    let authority = parts.authority.take().or_else(host);
    parts.authority = Some(authority.unwrap_or_else(|| uri::Authority::from_static("localhost")));
    parts.scheme = Some(uri::Scheme::HTTP);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
