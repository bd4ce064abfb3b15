//! The OpenAPI document that a raw HTTP handler serves: asked for once, when it is loaded, without a socket.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited, combinators::UnsyncBoxBody};
use serde_json::Value;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::{
    config::Limits,
    contract::{Raw, sections::MAX_OPENAPI},
    http::caller::RequestId,
    openapi,
    runtime::{Callable, Facts, Share},
};

/// Asks the handler for what is at `path` under its mount. Waits, so it is not for async threads.
///
/// # Errors
///
/// Why it has no such document.
pub(super) fn document(
    callable: &Callable,
    raw: &Raw,
    share: &Arc<Share>,
    limits: &Limits,
    path: &str,
) -> Result<Value, String> {
    let runtime = Handle::try_current().map_err(|error| error.to_string())?;
    let deadline = Instant::now() + limits.deadline;
    let asked = runtime.block_on(timeout_at(deadline, ask(callable, raw, share, path, deadline)));
    match asked {
        Ok(Ok(document)) => openapi::check(&document).map(|()| document),
        Ok(Err(found)) if Instant::now() < deadline => Err(found),
        _ => Err(format!("expected a response within {:?}, found none", limits.deadline)),
    }
}

async fn ask(
    callable: &Callable,
    raw: &Raw,
    share: &Arc<Share>,
    path: &str,
    deadline: Instant,
) -> Result<Value, String> {
    let request = Request::get(format!("http://localhost{}{path}", raw.mount));
    let request = request.header(header::ACCEPT, "application/json");
    let request = request.body(()).map_err(|error| error.to_string())?;
    let (head, ()) = request.into_parts();
    let facts = Box::new(Facts {
        id: RequestId::of_host("openapi"),
        route: raw.mount.as_str().into(),
        head: head.clone(),
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    });
    let body = UnsyncBoxBody::new(Empty::new().map_err(|never| match never {}));
    // Who asks needs an instance like any other.
    let permit = share.admit(deadline, &Arc::default()).await;
    let permit = permit.map_err(|_| "expected a free instance, found none".to_owned())?;
    let handled = callable.handle(Request::from_parts(head, body), facts, permit, deadline).await;
    let handled = handled.map_err(|error| format!("expected a response, found none: {error}"))?;
    let status = handled.response.status().as_u16();
    if status != 200 {
        return Err(format!("expected status 200, found {status}"));
    }
    let body = Limited::new(handled.response.into_body(), MAX_OPENAPI).collect().await;
    let body = body.map_err(|error| format!("cannot read the body: {error}"))?.to_bytes();
    if let Some(failure) = handled.failure.get() {
        return Err(format!("the response ended early: {failure}"));
    }
    serde_json::from_slice(&body).map_err(|error| format!("expected OpenAPI 3.1 as JSON: {error}"))
}
