//! Answers in gzip for clients that ask for it (RFC 9110, section 12.5.3), where it is worth the time.

use std::convert::Infallible;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower::{Layer, Service};
use tower_http::compression::{CompressionLayer, Predicate};

use crate::{
    accept,
    media_type::{split, trim},
    problem::Problem,
};

/// Bytes from which on an answer is compressed. A smaller one fits into one packet anyway.
const WORTH: u64 = 1024;

/// Compresses the answer, if the client takes that. Who does not ask pays for the look at one header.
pub async fn compressed(request: Request, next: Next) -> Result<Response, Infallible> {
    let headers = request.headers();
    if !headers.contains_key(header::ACCEPT_ENCODING) {
        let mut response = next.run(request).await;
        // It would be another one for a client that asks, which caches have to know.
        if !response.headers().contains_key(header::VARY) && Text.should_compress(&response) {
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        return Ok(response);
    }
    if takes_nothing(headers) {
        return Ok(
            Problem::NotAcceptable { header: header::ACCEPT_ENCODING, offers: &["gzip", "identity"] }.into_response()
        );
    }
    let response = CompressionLayer::new().compress_when(Text).layer(next).call(request).await?;
    Ok(response.map(Body::new))
}

/// Whether the client excludes both gzip and the answer as it is.
fn takes_nothing(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut others) = (None, None, None);
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    for member in lists.flat_map(|list| split(list, b',')) {
        let (coding, weight) = member.split_once(';').unwrap_or((member, "q=1"));
        let Some(weight) = accept::weight(trim(weight)) else { continue };
        match trim(coding).to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "identity" => identity = Some(weight),
            "*" => others = Some(weight),
            _ => {}
        }
    }
    gzip.or(others).unwrap_or(0) == 0 && identity.or(others).unwrap_or(1) == 0
}

/// Text of a known length that is worth it. A stream has none: it is to arrive item by item, not when a block is full.
#[derive(Clone, Copy)]
struct Text;

impl Predicate for Text {
    fn should_compress<B: HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let is_text = media_type.is_some_and(|it| {
            let essence = trim(it.split(';').next().unwrap_or_default());
            essence.starts_with("text/") && essence != "text/event-stream"
                || ["application/json", "application/problem+json", "application/javascript", "image/svg+xml"]
                    .contains(&essence)
        });
        is_text && response.body().size_hint().exact().is_some_and(|length| length >= WORTH)
    }
}
