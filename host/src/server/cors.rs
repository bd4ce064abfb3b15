//! Pages of other origins, as far as the operator lets them (Fetch, "CORS protocol").

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use tower::{Layer, Service};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::config;

/// What pages of other origins may do.
#[derive(Clone)]
pub struct Cors {
    layer: CorsLayer,
    /// `None`: all of them.
    origins: Option<Arc<[HeaderValue]>>,
}

impl Cors {
    /// `None` where no origin is allowed anything.
    pub fn new(config: &config::Cors) -> Option<Cors> {
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

/// Answers preflights of allowed origins, and lets their pages read all other answers.
pub async fn cors(State(cors): State<Cors>, request: Request, next: Next) -> Result<Response, Infallible> {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN);
    let is_allowed = origin.is_some_and(|it| cors.origins.as_ref().is_none_or(|origins| origins.contains(it)));
    let is_options = request.method() == Method::OPTIONS;
    let is_preflight = is_options && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    // The layer takes every `OPTIONS` for a preflight.
    if is_allowed && is_options == is_preflight {
        return cors.layer.layer(next).call(request).await;
    }
    let mut response = next.run(request).await;
    if cors.origins.is_some() {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    }
    Ok(response)
}
