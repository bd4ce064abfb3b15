//! Who asks, for what and under which id: what is known of a request before anything of it is understood.

use std::{
    fmt,
    net::SocketAddr,
    str,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use rand::RngExt;
use tokio::time::Instant;
use uuid::{Builder, fmt::Hyphenated};

/// The header of a request's id, in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;

/// See the module. A clone shares what the client sent.
#[derive(Debug, Clone)]
pub struct Caller {
    pub id: RequestId,
    /// The other end of the connection.
    pub peer: SocketAddr,
    pub method: Method,
    pub uri: Uri,
    pub arrival: Instant,
}

impl Caller {
    /// The one of a request that arrives now.
    pub fn of<B>(request: &Request<B>, peer: SocketAddr) -> Caller {
        let (id, method, uri) = (RequestId::of(request.headers()), request.method().clone(), request.uri().clone());
        Caller { id, peer, method, uri, arrival: Instant::now() }
    }
}

/// What a request is called in the log, and in its answer.
#[derive(Clone)]
pub struct RequestId(Text);

#[derive(Clone)]
enum Text {
    /// A UUID, version 7.
    Made([u8; Hyphenated::LENGTH]),
    /// ASCII without spaces.
    Taken(HeaderValue),
}

impl RequestId {
    /// The client's, if it is one that can stand in a header and in a log, or else a new one.
    pub fn of(headers: &HeaderMap) -> RequestId {
        match headers.get(X_REQUEST_ID).filter(|id| is_fit(id.as_bytes())) {
            Some(id) => RequestId(Text::Taken(id.clone())),
            None => RequestId::new(),
        }
    }

    /// One that no other request has, and that may be known to all.
    pub fn new() -> RequestId {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = Builder::from_unix_timestamp_millis(now.as_millis() as u64, &rand::rng().random()).into_uuid();
        let mut text = [0; Hyphenated::LENGTH];
        id.hyphenated().encode_lower(&mut text);
        RequestId(Text::Made(text))
    }

    /// One of the host's own requests.
    pub const fn of_host(name: &'static str) -> RequestId {
        RequestId(Text::Taken(HeaderValue::from_static(name)))
    }

    pub fn as_str(&self) -> &str {
        let bytes = match &self.0 {
            Text::Made(text) => text,
            Text::Taken(value) => value.as_bytes(),
        };
        str::from_utf8(bytes).unwrap_or_default()
    }

    pub fn header(&self) -> HeaderValue {
        match &self.0 {
            // It is ASCII, so it is no other.
            Text::Made(text) => HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static("")),
            Text::Taken(value) => value.clone(),
        }
    }
}

impl Default for RequestId {
    fn default() -> RequestId {
        RequestId::new()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_fit(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn made_ids_are_uuids_of_version_7_and_all_different() {
        let ids: HashSet<_> = (0..1000).map(|_| RequestId::new().to_string()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let id = uuid::Uuid::parse_str(&id).unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        }
    }
}
