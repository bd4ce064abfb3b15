//! `wasi:http` without a client.

use axum::http::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// Bytes of a body that pass at once from a guest to the host, which has two of them waiting at most.
const CHUNK: usize = 32 << 10;

/// Every request of a guest is refused.
pub(super) struct Refusing;

impl WasiHttpHooks for Refusing {
    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

/// What a client would have of a request.
type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);
