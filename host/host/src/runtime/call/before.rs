//! Deadlines of what is nearly always ready at once.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use tokio::time::{Instant, error::Elapsed, timeout_at};

/// What `future` comes to, if it does before `deadline`. Unlike [`timeout_at`] alone it makes a timer only if it has to
/// wait.
///
/// # Errors
///
/// It was not ready in time.
pub async fn before<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => timeout_at(deadline, future).await,
    }
}
