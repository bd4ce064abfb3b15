//! Scripts, styles and the icon of the host's pages, from the binary.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::conditional::is_known;
use crate::problem::Problem;

struct Asset {
    content_type: &'static str,
    bytes: Bytes,
    /// Of the bytes; hexadecimal.
    digest: String,
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// By path.
static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let own = [
        ("/_witapi/page.css", CSS, include_str!("../../assets/page.css")),
        ("/_witapi/page.js", JS, include_str!("../../assets/page.js")),
        ("/_witapi/docs.css", CSS, include_str!("../../assets/docs.css")),
        ("/_witapi/docs.js", JS, include_str!("../../assets/docs.js")),
        ("/_witapi/reference.js", JS, include_str!("../../assets/reference.js")),
        ("/_witapi/icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
    ];
    let swagger = |file| utoipa_swagger_ui::serve(file, Default::default()).ok().flatten().map(|file| file.bytes);
    let scalar = |file| scalar_api_reference::get_asset(file).map(Cow::from);
    let others = [
        ("/docs/swagger-ui.css", CSS, swagger("swagger-ui.css")),
        ("/docs/swagger-ui-bundle.js", JS, swagger("swagger-ui-bundle.js")),
        ("/reference/scalar.js", JS, scalar("scalar.js")),
    ];
    let own = own.into_iter().map(|(path, content_type, text)| (path, content_type, Bytes::from(text)));
    let others = others.into_iter().filter_map(|(path, content_type, bytes)| {
        let bytes: Cow<'static, [u8]> = bytes?;
        Some((path, content_type, Bytes::from(bytes.into_owned())))
    });
    own.chain(others)
        .map(|(path, content_type, bytes)| {
            let digest = HEXLOWER.encode(&Sha256::digest(&bytes))[..16].to_owned();
            (path, Asset { content_type, bytes, digest })
        })
        .collect()
});

/// The path with the version that it has in this binary, so that a browser needs to ask for it only once.
pub(super) fn link(path: &str) -> String {
    match ASSETS.get(path) {
        Some(asset) => format!("{path}?v={}", asset.digest),
        None => path.to_owned(),
    }
}

/// The file of that path.
pub(super) async fn asset(uri: Uri, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.get(uri.path()) else { return Problem::NoRoute.into_response() };
    let is_versioned = uri.query().and_then(|query| query.strip_prefix("v=")) == Some(&asset.digest);
    let caching = if is_versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let etag = HeaderValue::from_str(&format!("\"{}\"", asset.digest)).unwrap_or(HeaderValue::from_static("\"\""));
    let headers_out = [
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
        (header::ETAG, etag.clone()),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if is_known(&headers, &etag) {
        return (StatusCode::NOT_MODIFIED, headers_out).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type))];
    (headers_out, content_type, asset.bytes.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_pages_is_in_the_binary() {
        assert_eq!(ASSETS.len(), 9);
        for (path, asset) in ASSETS.iter() {
            assert!(asset.bytes.len() > 100, "{path}");
        }
    }
}
