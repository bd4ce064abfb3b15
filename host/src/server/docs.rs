//! `/docs`: Swagger UI, from the binary, over the document of all plugins.

use std::sync::{Arc, LazyLock};

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use utoipa_swagger_ui::Config;

use crate::problem::Problem;

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::new(["/openapi.json"])
        .deep_linking(true)
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .default_models_expand_depth(0)
        // The page needs no network: not even for the badge that says whether the document is valid.
        .validator_url("none");
    Arc::new(config)
});

/// Pages may load nothing from elsewhere. Swagger UI has its styles inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// A file of Swagger UI.
pub fn file(path: &str) -> Response {
    match utoipa_swagger_ui::serve(path, CONFIG.clone()) {
        Ok(Some(file)) => {
            let content_type =
                HeaderValue::from_str(&file.content_type).unwrap_or(HeaderValue::from_static("text/plain"));
            let headers = [
                (header::CONTENT_TYPE, content_type),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            ];
            (headers, file.bytes.into_owned()).into_response()
        }
        Ok(None) => Problem::NoRoute.into_response(),
        Err(error) => Problem::PluginFailed(format!("Swagger UI: {error}")).into_response(),
    }
}
