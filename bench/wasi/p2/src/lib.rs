//! A handler of WASI 0.2, by the crate of its bindings, as that crate's example does it.

use bench_shop::Endpoint;
use wasip2::{
    exports::http::incoming_handler::Guest,
    http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam},
    io::streams::StreamError,
};

wasip2::http::proxy::export!(Handler);

struct Handler;

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let method = match request.method() {
            Method::Get => "GET",
            Method::Post => "POST",
            _ => "",
        };
        let target = request.path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let endpoint = Endpoint::find(method, path);
        let body = if let Some(Endpoint::PriceOrder) = endpoint { read(&request) } else { Vec::new() };
        let answer = bench_shop::answer(endpoint, &body);

        let headers = [
            ("content-type".to_string(), answer.media_type.into()),
            // Otherwise it would go out in chunks.
            ("content-length".to_string(), answer.body.len().to_string().into()),
        ];
        let response = OutgoingResponse::new(Fields::from_list(&headers).expect("headers"));
        response.set_status_code(answer.status).expect("a status");
        let body = response.body().expect("a body");
        ResponseOutparam::set(out, Ok(response));
        let sink = body.write().expect("a stream");
        for part in answer.body.chunks(4096) {
            sink.blocking_write_and_flush(part).expect("a reader");
        }
        drop(sink);
        OutgoingBody::finish(body, None).expect("an end");
    }
}

/// The whole body of a request.
fn read(request: &IncomingRequest) -> Vec<u8> {
    let body = request.consume().expect("a body");
    let source = body.stream().expect("a stream");
    let mut whole = Vec::new();
    loop {
        match source.blocking_read(64 << 10) {
            Ok(part) => whole.extend(part),
            Err(StreamError::Closed) => return whole,
            Err(error) => panic!("{error:?}"),
        }
    }
}
