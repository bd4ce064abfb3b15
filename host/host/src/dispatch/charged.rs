//! An answer that is charged to its plugin until it is sent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{body::Body, body::HttpBody, response::Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::runtime::Charge;

/// Charges the body of `response` to `charge`, in the place of what that holds, if it is there as a whole. One that is sent
/// bit by bit is never in memory as a whole.
pub(super) fn charged(response: Response, mut charge: Charge) -> Response {
    let Some(size) = response.body().size_hint().exact() else { return response };
    charge.set(size as usize);
    if !charge.is_any() {
        return response;
    }
    response.map(|body| Body::new(Charged { body, charge: Arc::new(charge) }))
}

struct Charged {
    body: Body,
    charge: Arc<Charge>,
}

impl HttpBody for Charged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Charged { body, charge } = &mut *self;
        // Whoever writes it to a connection has it for longer than there is a body.
        let kept = |bytes| Bytes::from_owner(Kept { bytes, _charge: charge.clone() });
        Pin::new(body).poll_frame(cx).map_ok(|frame| frame.map_data(kept))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Bytes of the body.
struct Kept {
    bytes: Bytes,
    _charge: Arc<Charge>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
