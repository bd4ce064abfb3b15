//! Answers in gzip for clients that ask for it (RFC 9110, section 12.5.3), where it is worth the time.

use std::{convert::Infallible, future};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use tower::{Layer, Service, service_fn};
use tower_http::compression::{CompressionLayer, Predicate};

use crate::{
    http::{
        accept,
        media_type::{split, trim},
    },
    problem::Problem,
};

/// Bytes from which on an answer is compressed. A smaller one fits into one packet anyway.
const WORTH: u64 = 1024;

/// What a client says of codings. Who says nothing pays for the look at one header.
pub(super) struct Codings(Vec<HeaderValue>);

impl Codings {
    /// # Errors
    ///
    /// The client takes an answer neither in gzip nor as it is.
    pub(super) fn of(headers: &HeaderMap) -> Result<Codings, Problem> {
        let codings: Vec<_> = headers.get_all(header::ACCEPT_ENCODING).iter().cloned().collect();
        if !codings.is_empty() && takes_nothing(headers) {
            return Err(Problem::NotAcceptable { header: header::ACCEPT_ENCODING, offers: &["gzip", "identity"] });
        }
        Ok(Codings(codings))
    }

    /// Compresses the answer, if the client takes that and it is worth it.
    pub(super) async fn encoded(self, mut response: Response) -> Response {
        if !Text.should_compress(&response) {
            return response;
        }
        if self.0.is_empty() {
            // It would be another one for a client that asks, which caches have to know.
            if !response.headers().contains_key(header::VARY) {
                response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
            }
            return response;
        }
        Box::pin(self.compressed(response)).await
    }

    async fn compressed(self, response: Response) -> Response {
        let mut request = Request::new(Body::empty());
        for coding in self.0 {
            request.headers_mut().append(header::ACCEPT_ENCODING, coding);
        }
        let mut response = Some(response);
        let answer = service_fn(|_| future::ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
        let Ok(response) = CompressionLayer::new().compress_when(Text).layer(answer).call(request).await;
        response.map(Body::new)
    }
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
