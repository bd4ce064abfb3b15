//! Documents of single plugins that were asked for of late, so that a client which looks for a change costs no more than
//! the look.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::{openapi::Document, plugin::Listed};

/// So many are kept, with so many bytes together.
const MOST: usize = 32;
const MOST_BYTES: usize = 8 << 20;

/// What a document tells of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentKind {
    OpenApi,
    Wit,
}

struct Kept {
    /// Another version is another one. It keeps none from going.
    plugin: Weak<Listed>,
    kind: DocumentKind,
    document: Document,
}

/// See the module. The one that was asked for last stands in front.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<Kept>>);

impl Recent {
    pub(super) fn get(&self, plugin: &Arc<Listed>, kind: DocumentKind) -> Option<Document> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|kept| kept.kind == kind && std::ptr::eq(kept.plugin.as_ptr(), &**plugin))?;
        let kept = all.remove(at)?;
        let document = kept.document.clone();
        all.push_front(kept);
        Some(document)
    }

    pub(super) fn keep(&self, plugin: &Arc<Listed>, kind: DocumentKind, document: &Document) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_front(Kept { plugin: Arc::downgrade(plugin), kind, document: document.clone() });
        let (mut count, mut bytes) = (0, 0);
        all.retain(|kept| {
            let size = kept.document.body.len();
            let is_kept = count < MOST && bytes + size <= MOST_BYTES && kept.plugin.strong_count() > 0;
            if is_kept {
                (count, bytes) = (count + 1, bytes + size);
            }
            is_kept
        });
    }
}
