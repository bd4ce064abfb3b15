//! The axum application: request ids, the access log, the documents, shutdown.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use hyper_util::service::TowerToHyperService;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use uuid::Uuid;

use crate::{
    Host,
    catalog::Mounted,
    contract,
    dispatch::{Trace, dispatch},
    mounted,
    openapi::Document,
    problem::{Problem, options},
    server::{
        compression::compressed,
        conditional::is_known,
        connections::Connections,
        cors::{Cors, cors},
        status::plugins,
    },
};

mod assets;
mod compression;
mod conditional;
mod connections;
mod cors;
mod events;
mod pages;
mod status;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;

/// A host on a socket.
#[derive(Clone)]
pub struct Server {
    host: Arc<Host>,
    is_ready: Arc<AtomicBool>,
    /// Whether requests in flight that have no end of their own have to end.
    stopping: Arc<watch::Sender<bool>>,
    /// A permit for each that listens to events.
    listeners: Arc<Semaphore>,
    pages: Arc<pages::Latest>,
}

impl Server {
    pub fn new(host: Arc<Host>) -> Server {
        let listeners = Arc::new(Semaphore::new(events::MAX_LISTENERS));
        Server { host, is_ready: Arc::default(), stopping: Arc::default(), listeners, pages: Arc::default() }
    }

    /// Says on `/readyz` whether requests are welcome.
    pub fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }

    /// Serves until `stop` is done, then waits for the requests in flight, as long as the configuration says.
    pub async fn run(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let drain = self.host.config().server.drain;
        let connections = Connections::new(&self.host.config().server);
        connections.accept(listener, TowerToHyperService::new(self.app()), stop).await;
        self.set_ready(false);
        self.stopping.send_replace(true);
        tracing::info!("stopping: waiting for the requests in flight");
        if !connections.drained(drain).await {
            tracing::warn!(ms = drain.as_millis() as u64, "some requests took longer than `drain_ms` and were cut off");
        }
    }

    /// Answers a request that came by no connection, just as one that did.
    pub async fn answer(&self, request: Request) -> Response {
        let is_head = request.method() == Method::HEAD;
        let Ok(response) = tower::Service::call(&mut self.app(), request).await;
        // On a connection, hyper would leave it out.
        if is_head { response.map(|_| Body::empty()) } else { response }
    }

    fn app(&self) -> Router {
        let config = self.host.config();
        let mut app = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/openapi.json", get(openapi))
            .route("/openapi/{file}", get(openapi_of))
            .route(
                "/_witapi/plugins",
                get(|State(server): State<Server>| async move { Json(plugins(&server.host.catalog())) }),
            )
            .route("/_witapi/events", get(events::events))
            .merge(pages::routes())
            .fallback(operation)
            .method_not_allowed_fallback(not_got);
        if config.server.compression {
            app = app.layer(from_fn(compressed));
        }
        if let Some(allowed) = Cors::new(&config.cors) {
            app = app.layer(from_fn_with_state(allowed, cors));
        }
        app.layer(from_fn_with_state(self.clone(), identified)).with_state(self.clone())
    }
}

/// A path of the host's own, but another method than `GET` and `HEAD`.
async fn not_got(method: Method) -> Response {
    let takes = [contract::Method::Get];
    if method == Method::OPTIONS {
        options(&takes)
    } else {
        Problem::MethodNotAllowed { allow: takes.into() }.into_response()
    }
}

async fn ready(State(server): State<Server>) -> (StatusCode, &'static str) {
    if server.is_ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn openapi(State(server): State<Server>, headers: HeaderMap) -> Response {
    let catalog = server.host.catalog();
    send(catalog.document(&server.host.config().openapi, &server.host.loader), &headers)
}

/// `/openapi/<plugin>.json` and `/openapi/<plugin>.wit`
async fn openapi_of(State(server): State<Server>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let catalog = server.host.catalog();
    let serving = |name: &str| catalog.entries().get(name)?.serving.as_ref();
    let Some((listed, ending @ ("json" | "wit"))) =
        file.rsplit_once('.').and_then(|(name, ending)| Some((serving(name)?, ending)))
    else {
        return Problem::NoRoute.into_response();
    };
    match listed.plugin(&server.host.loader).await {
        Ok(plugin) if ending == "json" => send(plugin.document(&server.host.config().openapi), &headers),
        Ok(plugin) => send(plugin.wit(), &headers),
        Err(error) => {
            tracing::error!(plugin = %listed.name, %error, "it has no document");
            Problem::from(error).into_response()
        }
    }
}

/// A document, or only the word that the client has it already.
fn send(document: &Document, headers: &HeaderMap) -> Response {
    // The word that it is known goes for all of its encodings, so it has to tell of them too.
    let caching = [
        (header::ETAG, document.etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if is_known(headers, &document.etag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let media_type = [(header::CONTENT_TYPE, document.media_type.clone())];
    (caching, media_type, document.body.clone()).into_response()
}

/// Every path that is not the host's own, and `/`.
async fn operation(State(server): State<Server>, request: Request) -> Response {
    // `OPTIONS *` asks about the host as a whole (RFC 9110, section 9.3.7).
    if request.method() == Method::OPTIONS && request.uri().path() == "*" {
        return options(&contract::Method::ALL);
    }
    if let Some(page) = pages::landing(&server, &request) {
        return page;
    }
    let peer = peer_of(&request);
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut trace = Trace::default();
    let mut response = dispatch(&server.host, peer, &id, request, &mut trace).await;
    response.extensions_mut().insert(Arc::new(trace));
    response
}

#[derive(Clone)]
struct RequestId(String);

/// Gives every request an id and every answer a line in the log.
async fn identified(
    State(server): State<Server>,
    mut request: Request,
    next: axum::middleware::Next,
) -> Result<Response, Infallible> {
    let began = Instant::now();
    let id = request.headers().get(X_REQUEST_ID).and_then(taken).unwrap_or_else(|| Uuid::now_v7().to_string());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut line = Line { id, method: method.to_string(), path, began, response: None };
    let catalog = server.host.catalog();
    let mut response = match catalog.mounted(request.uri().path()) {
        // Nothing of the host's own stands between a raw handler and its client.
        Some(mounted) => raw(&server, mounted, &line.id, request).await,
        None => {
            drop(catalog);
            next.run(request).await
        }
    };
    if let Ok(id) = HeaderValue::from_str(&line.id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    let trace = response.extensions_mut().remove::<Arc<Trace>>();
    let is_stream = trace.as_ref().is_some_and(|trace| trace.end.is_some());
    line.response = Some((response.status(), trace));
    if is_stream {
        // The line is written when the body has come to its end, or is dropped before.
        return Ok(response.map(|body| Body::new(WithLine { body, _line: line })));
    }
    Ok(response)
}

/// A path of a raw HTTP handler.
async fn raw(server: &Server, mounted: Mounted<'_>, id: &str, request: Request) -> Response {
    let mut trace = Trace::default();
    let mut response = mounted::answer(&server.host, mounted, peer_of(&request), id, request, &mut trace).await;
    response.extensions_mut().insert(Arc::new(trace));
    response
}

/// The other end of the connection.
fn peer_of(request: &Request) -> SocketAddr {
    request.extensions().get().copied().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
}

/// A body, trailers and all, with the line that is written at its end.
struct WithLine {
    body: Body,
    _line: Line,
}

impl hyper::body::Body for WithLine {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// A client's id, if it is one that can stand in a header and in a log.
fn taken(id: &HeaderValue) -> Option<String> {
    let id = id.to_str().ok()?;
    let is_fit = !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    is_fit.then(|| id.to_owned())
}

/// One line of the access log, written on drop: a request whose client went away is dropped without an answer.
struct Line {
    id: String,
    method: String,
    path: String,
    began: Instant,
    response: Option<(StatusCode, Option<Arc<Trace>>)>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Line { id, method, path, began, response } = self;
        let ms = began.elapsed().as_micros() as f64 / 1000.0;
        let path = crate::log::printable(path);
        let Some((status, trace)) = response else {
            tracing::info!(target: "request", id, method, %path, ms, "the client went away");
            return;
        };
        let status = status.as_u16();
        let plugin = trace.as_ref().and_then(|trace| trace.plugin.as_deref());
        let operation = trace.as_ref().and_then(|trace| trace.operation.as_deref());
        let end = trace.as_ref().and_then(|trace| trace.end.as_ref());
        let broke = end.and_then(|end| end.get()?.err());
        let ours = broke.filter(|broke| !broke.is_clients).map(|broke| broke.why.as_str());
        let left = end.is_some_and(|end| end.get().is_none()).then_some("the client went away");
        let broke = broke.map(|broke| broke.why.as_str()).or(left);
        match trace.as_ref().and_then(|trace| trace.fault.as_deref()).or(ours) {
            Some(fault) => tracing::error!(target: "request", id, plugin, operation, status, ms, method, %path, fault),
            None => tracing::info!(target: "request", id, plugin, operation, status, ms, method, %path, broke),
        }
    }
}
