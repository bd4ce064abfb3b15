//! The facts of one request that a plugin may ask for, by `witapi:host/request`.

use std::{net::SocketAddr, sync::Arc};

use axum::http::{HeaderMap, request};

use crate::http::caller::RequestId;

/// Cheap to make: nothing is copied until a guest asks.
#[derive(Debug, Clone)]
pub struct Facts {
    pub id: RequestId,
    /// The route pattern, with the mount point.
    pub route: Arc<str>,
    pub head: request::Parts,
    pub peer: SocketAddr,
}

impl Facts {
    pub fn header(&self, name: &str) -> Option<String> {
        // An invalid name is the name of no header.
        self.head.headers.get(name).map(|value| lossy(value.as_bytes()))
    }

    pub fn headers(&self) -> Vec<(String, String)> {
        let headers: &HeaderMap = &self.head.headers;
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), lossy(value.as_bytes()))).collect()
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
