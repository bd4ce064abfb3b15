//! Whether a client has a document already: the header `If-None-Match` (RFC 9110, section 13.1.2).
//!
//! By hand: it is the one header that crate `headers` would be for, and that brings SHA-1 and a base64 of its own.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::media_type::{split, trim};

/// Whether the client says that it has what `etag` stands for. Several headers are one list, `*` is every document, and a
/// weak tag is as good as a strong one.
pub(super) fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(wanted) = etag.to_str().ok().map(opaque) else { return false };
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    known.flat_map(|list| split(list, b',')).map(trim).any(|tag| tag == "*" || opaque(tag) == wanted)
}

/// The tag without what says that it is weak.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly_in_lists_of_all_headers() {
        let is_known = |values: &[&str], etag: &'static str| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            super::is_known(&headers, &HeaderValue::from_static(etag))
        };
        for etag in ["\"a\"", "W/\"a\""] {
            for known in ["*", " * ", "\"a\"", "W/\"a\"", "\"b\", W/\"a\"", "\"b,c\",\"a\"", ",,\"a\""] {
                assert!(is_known(&[known], etag), "{known}");
            }
            assert!(is_known(&["\"b\"", "\"a\""], etag));
            for unknown in ["", "a", "\"b\"", "\"a", "w/\"a\"", "\"A\"", "\"b, \"a\"\"", "W/ \"a\"", "\"*\"", "ä"] {
                assert!(!is_known(&[unknown], etag), "{unknown}");
            }
            assert!(!is_known(&[], etag));
        }
    }
}
