//! A raw HTTP handler: an export of `wasi:http` that gets requests as they came. See `docs/src/reference/raw-http.md`.

use std::sync::Arc;

use serde_json::{Value, json};

/// The handler that a component exports.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The export's full name, such as `wasi:http/incoming-handler@0.2.3`.
    pub export: String,
    pub generation: Generation,
    /// Before the path of each request that is for it; empty for all that nobody else has.
    pub mount: String,
    /// What it says of itself: an OpenAPI document, as the component embeds or serves it.
    pub document: Option<Arc<Value>>,
}

/// Which of the two interfaces it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// `wasi:http/incoming-handler@0.2.x`
    P2,
    /// `wasi:http/handler@0.3.x`
    P3,
}

/// The namespace of interfaces that hosts call or offer, none of which is an author's own API.
pub const NAMESPACE: &str = "wasi";

/// What an export is called that is a handler.
pub const WANTED: &str = "`wasi:http/incoming-handler@0.2.x` or `wasi:http/handler@0.3.x`";

impl Generation {
    /// That of an export; `None` if it is no handler at all.
    ///
    /// # Errors
    ///
    /// It is a handler of a version that this host does not call.
    pub fn of(export: &str) -> Option<Result<Generation, ()>> {
        let (name, version) = export.split_once('@').unwrap_or((export, ""));
        let is_release = |wanted: &str| version.starts_with(wanted) && !version.contains('-');
        match name {
            "wasi:http/incoming-handler" if is_release("0.2.") => Some(Ok(Generation::P2)),
            "wasi:http/handler" if is_release("0.3.") => Some(Ok(Generation::P3)),
            "wasi:http/incoming-handler" | "wasi:http/handler" => Some(Err(())),
            _ => None,
        }
    }
}

impl Raw {
    /// Whether a request for that path is for it.
    #[inline]
    pub fn has(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.mount.as_str());
        rest.is_some_and(|rest| rest.starts_with('/') || rest.is_empty() && !self.mount.is_empty())
    }

    /// What programs are told of it: which it is, and which paths it has.
    pub fn facts(&self) -> Value {
        json!({ "export": self.export, "mount": self.mount, "has_document": self.document.is_some() })
    }

    /// Every path that it has, for people.
    pub fn paths(&self) -> String {
        format!("{}/*", self.mount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_has_whole_segments() {
        let raw = |mount: &str| Raw {
            export: String::new(),
            generation: Generation::P2,
            mount: mount.into(),
            document: None,
        };
        for path in ["/a", "/a/", "/a/b", "/a//b", "/a/%2F"] {
            assert!(raw("/a").has(path), "{path}");
        }
        for path in ["/", "", "*", "/ab", "/A", "/%61", "a", "/b/a"] {
            assert!(!raw("/a").has(path), "{path}");
        }
        assert!(raw("").has("/") && raw("").has("/x"));
        assert!(!raw("").has("*") && !raw("").has(""));
    }

    #[test]
    fn handlers_are_known_by_name_and_version() {
        assert_eq!(Generation::of("wasi:http/incoming-handler@0.2.0"), Some(Ok(Generation::P2)));
        assert_eq!(Generation::of("wasi:http/incoming-handler@0.2.12"), Some(Ok(Generation::P2)));
        assert_eq!(Generation::of("wasi:http/handler@0.3.0"), Some(Ok(Generation::P3)));
        for other in ["wasi:http/handler@0.3.0-rc-2025-09-16", "wasi:http/handler@0.2.0", "wasi:http/incoming-handler"]
        {
            assert_eq!(Generation::of(other), Some(Err(())), "{other}");
        }
        assert_eq!(Generation::of("wasi:cli/run@0.2.0"), None);
    }
}
