//! Pages of other origins, as far as the operator lets them (Fetch, "CORS protocol").

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::Request,
    http::{HeaderValue, Method, header},
    response::Response,
};
use futures_util::future::OptionFuture;
use tower::{Layer, Service, service_fn};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::config;

/// What pages of other origins may do.
#[derive(Clone)]
pub(super) struct Cors {
    layer: CorsLayer,
    /// `None`: all of them.
    origins: Option<Arc<[HeaderValue]>>,
}

impl Cors {
    /// `None` where no origin is allowed anything.
    pub(super) fn new(config: &config::CorsConfig) -> Option<Cors> {
        if config.origins.is_empty() {
            return None;
        }
        let is_any = config.origins.iter().any(|origin| origin == "*");
        let origins = if is_any { AllowOrigin::any() } else { AllowOrigin::list(config.origins.clone()) };
        let headers = match &config.headers {
            Some(headers) => AllowHeaders::list(headers.clone()),
            None => AllowHeaders::mirror_request(),
        };
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(config.methods.clone())
            .allow_headers(headers)
            .expose_headers(config.expose_headers.clone())
            .allow_credentials(config.credentials)
            .max_age(config.max_age);
        Some(Cors { layer, origins: (!is_any).then(|| config.origins.clone().into()) })
    }
}

impl Cors {
    /// Answers preflights of allowed origins, and lets their pages read all other answers, which are those of `answer`.
    pub(super) async fn answer<F>(&self, request: Request, answer: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN);
        let is_allowed = origin.is_some_and(|it| self.origins.as_ref().is_none_or(|origins| origins.contains(it)));
        let is_options = request.method() == Method::OPTIONS;
        let is_preflight = is_options && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        // The layer takes every `OPTIONS` for a preflight.
        if is_allowed && is_options == is_preflight {
            // It asks once, or not at all.
            let mut answer = Some(answer);
            let answer = service_fn(|request| {
                let answer = answer.take().map(|answer| answer(request));
                async { Ok::<_, Infallible>(OptionFuture::from(answer).await.unwrap_or_default()) }
            });
            let Ok(response) = self.layer.layer(answer).call(request).await;
            return response;
        }
        let mut response = answer(request).await;
        if self.origins.is_some() {
            response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
        }
        response
    }
}
