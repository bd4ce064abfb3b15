//! Heads that two programs could read in two ways. What stands before this host, such as a proxy, must not see other
//! requests than the host does (request smuggling, RFC 9112 section 11.2), or one for another server.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, StatusCode, Version, header},
    response::Response,
};

/// The answer to a head that is refused; none to one that can be read in one way only. It is like those that hyper gives
/// of itself: what is no request has no operation, and no problem document.
pub(super) fn refused<B>(request: &Request<B>) -> Option<Response> {
    let status = if !names_one_host(request.headers(), request.version()) || has_user(request) {
        StatusCode::BAD_REQUEST
    } else if !has_known_framing(request.headers()) {
        StatusCode::NOT_IMPLEMENTED
    } else {
        return None;
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

/// RFC 9112, section 3.2: one `host`, that could be one. HTTP/1.0 did not have it.
fn names_one_host(headers: &HeaderMap, version: Version) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        // It may be empty, where the target names nobody (RFC 9110, section 7.2).
        (Some(host), None) => host.as_bytes().iter().all(|&byte| is_of_host(byte)),
        (None, _) => version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Whether it can stand in the name, address or port of a host (RFC 3986, section 3.2.2).
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+,;=".contains(&byte)
}

/// RFC 9110, section 4.2.4: a name and a password in a target deceive whoever reads it.
fn has_user<B>(request: &Request<B>) -> bool {
    request.uri().authority().is_some_and(|authority| authority.as_str().contains('@'))
}

/// RFC 9112, section 6.1: `chunked`, once, and no other coding, for which there would be no decoder.
fn has_known_framing(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}
