//! A handler of WASI 0.3, by the crate of its bindings, as that crate's example does it.

use bench_shop::Endpoint;
use wasip3::{
    exports::http::handler::Guest,
    http::types::{ErrorCode, Fields, Method, Request, Response},
    wit_bindgen::spawn_local,
    wit_future, wit_stream,
};

wasip3::http::service::export!(Handler);

struct Handler;

impl Guest for Handler {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let method = match request.get_method() {
            Method::Get => "GET",
            Method::Post => "POST",
            _ => "",
        };
        let target = request.get_path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let endpoint = Endpoint::find(method, path);
        let body = if let Some(Endpoint::PriceOrder) = endpoint { read(request).await } else { Vec::new() };
        let answer = bench_shop::answer(endpoint, &body);

        let headers = [
            ("content-type".to_string(), answer.media_type.into()),
            // Otherwise it would go out in chunks.
            ("content-length".to_string(), answer.body.len().to_string().into()),
        ];
        let headers = Fields::from_list(&headers).expect("headers");
        let (mut sink, contents) = wit_stream::new();
        let (end, ended) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(headers, Some(contents), ended);
        response.set_status_code(answer.status).expect("a status");
        drop(end);
        spawn_local(async move {
            sink.write_all(answer.body).await;
        });
        Ok(response)
    }
}

/// The whole body of a request.
async fn read(request: Request) -> Vec<u8> {
    let (end, ended) = wit_future::new(|| Ok(()));
    drop(end);
    let (source, _trailers) = Request::consume_body(request, ended);
    source.collect().await
}
