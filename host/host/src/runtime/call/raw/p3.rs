//! `wasi:http/handler@0.3.x`

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use axum::http::Request;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use wasmtime::{AsContextMut, Store};
use wasmtime_wasi_http::{
    Error, WasiBody, WasiHttpView,
    p3::{Request as GuestRequest, bindings::ServicePre},
};

use super::Head;
use crate::runtime::sandbox::Sandbox;

/// Calls the handler. It is done when its tasks are, and nobody reads the body of its answer any more.
///
/// # Errors
///
/// It trapped.
pub(super) async fn run(
    store: &mut Store<Sandbox>,
    pre: &ServicePre<Sandbox>,
    request: Request<WasiBody>,
    head: Head,
) -> wasmtime::Result<()> {
    let service = pre.instantiate_async(&mut *store).await?;
    let (request, sent) = GuestRequest::from_http(store.data_mut().http().hooks, request);
    let run = async |accessor: &wasmtime::component::Accessor<Sandbox>| -> wasmtime::Result<()> {
        let (reading, read) = oneshot::channel();
        match service.handle(accessor, request).await? {
            Ok(response) => {
                let response = accessor.with(|mut access| response.into_http(access.as_context_mut(), sent))?;
                let watched = response.map(|body| UnsyncBoxBody::new(Watched { body, _reading: reading }));
                // Nobody waits for it where the client has left.
                let _ = head.send(Ok(watched));
            }
            Err(code) => {
                drop(reading);
                let _ = head.send(Err(format!("{code:?}")));
            }
        }
        poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
        // A body that the handler only passes on needs no task of its own.
        let _ = pin!(read).await;
        Ok(())
    };
    store.run_concurrent(run).await?
}

/// A body that tells when nobody reads it any more.
struct Watched {
    body: WasiBody,
    _reading: oneshot::Sender<()>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
