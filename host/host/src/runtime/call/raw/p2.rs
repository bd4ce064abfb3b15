//! `wasi:http/incoming-handler@0.2.x`

use axum::http::Request;
use wasmtime::Store;
use wasmtime_wasi_http::{
    WasiBody, WasiHttpView,
    p2::{
        bindings::{ProxyPre, http::types::Scheme},
        body::HostOutgoingBody,
    },
};

use super::Head;
use crate::runtime::sandbox::Sandbox;

/// Calls the handler. It is done when its function has returned.
///
/// # Errors
///
/// It trapped, or left the body of its answer unfinished.
pub(super) async fn run(
    store: &mut Store<Sandbox>,
    pre: &ProxyPre<Sandbox>,
    request: Request<WasiBody>,
    head: Head,
) -> wasmtime::Result<()> {
    let proxy = pre.instantiate_async(&mut *store).await?;
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(Scheme::Http, request)?;
    let answer = http.new_response_outparam_from_callback(move |answer| {
        // Nobody waits for it where the client has left.
        let _ = head.send(answer.map_err(|code| format!("{code:?}")));
    })?;
    proxy.wasi_http_incoming_handler().call_handle(&mut *store, request, answer).await?;
    // Such a body is not complete ("outgoing-body", `finish`), and ends without a word when the store does.
    if store.data_mut().table.iter_mut().any(|entry| entry.is::<HostOutgoingBody>()) {
        return Err(wasmtime::Error::msg("the handler returned without finishing the body of its answer"));
    }
    Ok(())
}
