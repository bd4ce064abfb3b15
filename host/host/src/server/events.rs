//! `/_witapi/events`: server-sent events that tell when the catalog changes, for pages that follow it.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::stream;
use serde_json::json;

use super::Server;
use crate::problem::Problem;

/// How many may listen at once. Each holds a connection, and nothing else.
pub(super) const MAX_LISTENERS: usize = 256;

/// How often a listener gets a comment, so that one that is gone is noticed, and no proxy takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// nginx would keep the events in a buffer.
const NO_BUFFER: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// An event `catalog` at once and after each change, until the server stops:
///
/// `{"revision": 1764000000000012, "plugins": ["greeter", "todos"]}`, with the plugins that serve, by name.
pub(super) async fn events(State(server): State<Server>) -> Response {
    let Ok(permit) = server.listeners.clone().try_acquire_owned() else { return Problem::Saturated.into_response() };
    let mut revision = server.host.revision();
    revision.mark_changed();
    let stopping = server.stopping.subscribe();
    let listener = (server, revision, stopping, permit);
    let stream = stream::unfold(listener, |(server, mut revision, mut stopping, permit)| async move {
        let stopped = async { drop(stopping.wait_for(|stopping| *stopping).await.map(drop)) };
        tokio::select! {
            () = stopped => return None,
            changed = revision.changed() => changed.ok()?,
        }
        let number = *revision.borrow_and_update();
        let catalog = server.host.catalog();
        let plugins: Vec<_> = catalog.plugins().map(|plugin| &plugin.name).collect();
        let data = json!({ "revision": number, "plugins": plugins });
        let event = Event::default().event("catalog").data(data.to_string());
        Some((Ok::<_, Infallible>(event), (server, revision, stopping, permit)))
    });
    let events = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([NO_BUFFER], events).into_response()
}
