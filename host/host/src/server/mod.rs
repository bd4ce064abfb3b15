//! The axum application: request ids, the access log, the documents, shutdown.

use std::{
    future::Future,
    mem,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Extension, Json, Router,
    body::{Body, HttpBody as _},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use hyper::body::Incoming;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::yield_now,
};
use tower::Service;

use crate::{
    catalog::{Catalog, Host},
    contract,
    dispatch::{Trace, dispatch, raw},
    http::caller::{Caller, X_REQUEST_ID},
    log,
    openapi::Document,
    problem::{Problem, options},
    server::{
        compression::Codings, conditional::is_known, connections::Connections, cors::Cors, documents::Documents,
        recent::DocumentKind, status::plugins,
    },
    watch::Awaited,
};

mod assets;
mod compression;
mod conditional;
mod connections;
mod cors;
mod documents;
mod events;
mod head;
mod pages;
mod patience;
mod recent;
mod status;

/// A host on a socket.
#[derive(Clone)]
pub struct Server {
    host: Arc<Host>,
    is_ready: Arc<AtomicBool>,
    awaited: Awaited,
    /// Whether requests in flight that have no end of their own have to end.
    stopping: Arc<watch::Sender<bool>>,
    /// A permit for each that listens to events.
    listeners: Arc<Semaphore>,
    documents: Arc<Documents>,
}

impl Server {
    pub fn new(host: Arc<Host>) -> Server {
        let listeners = Arc::new(Semaphore::new(events::MAX_LISTENERS));
        Server {
            host,
            is_ready: Arc::default(),
            awaited: Awaited::default(),
            stopping: Arc::default(),
            listeners,
            documents: Arc::default(),
        }
    }

    /// The same, which says on `/readyz` what is not loaded yet.
    pub fn with_awaited(self, awaited: Awaited) -> Server {
        Server { awaited, ..self }
    }

    /// Says on `/readyz` whether requests are welcome.
    pub fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }

    /// Serves until `stop` is done, then waits for the requests in flight, as long as the configuration says.
    pub async fn run(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let drain = self.host.config().server.drain;
        let connections = Connections::new(&self.host.config().server);
        let app = Arc::new(self.app());
        let answer = move |peer, request: hyper::Request<Incoming>| {
            let app = app.clone();
            async move {
                let response = app.answer(peer, request.map(Body::new)).await;
                // Who is ready to be called goes first, then all of their answers are written: the code of each stage is in
                // the caches for all of them, and a client is woken once instead of once for each (cohort scheduling;
                // Larus and Parkes, 2002). Where nobody is ready, this is one look at the queue.
                yield_now().await;
                response
            }
        };
        connections.accept(listener, answer, stop).await;
        self.set_ready(false);
        self.stopping.send_replace(true);
        tracing::info!("stopping: waiting for requests in flight");
        if !connections.drained(drain).await {
            tracing::warn!(ms = drain.as_millis() as u64, "cut off the requests that took longer than `drain_ms`");
        }
    }

    /// Answers a request that came by no connection, just as one that did.
    pub async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let is_head = request.method() == Method::HEAD;
        let mut response = self.app().answer(peer, request).await;
        // On a connection, hyper would do both.
        if let Some(length) = response.body().size_hint().exact() {
            response.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| length.into());
        }
        if is_head { response.map(|_| Body::empty()) } else { response }
    }

    fn app(&self) -> App {
        let config = self.host.config();
        let own = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .route("/openapi.json", get(openapi))
            .route("/openapi/{file}", get(openapi_of))
            .route("/_witapi/plugins", get(status))
            .route("/_witapi/events", get(events::events))
            .merge(pages::routes())
            .fallback(not_own)
            .method_not_allowed_fallback(not_got);
        App {
            server: self.clone(),
            own: own.with_state(self.clone()),
            cors: Cors::new(&config.cors),
            compresses: config.server.compression,
        }
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

async fn ready(State(server): State<Server>) -> (StatusCode, String) {
    let (status, word) = match server.is_ready.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ready"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    let lacking = status::lacking(&server.host.catalog(), &server.awaited);
    (status, format!("{word}\n{lacking}"))
}

async fn status(State(server): State<Server>) -> Response {
    match server.documents.blocking(move || plugins(&server.host.catalog())).await {
        Ok(plugins) => Json(plugins).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn openapi(State(server): State<Server>, headers: HeaderMap) -> Response {
    match server.documents.told(&server.host).await {
        Ok(told) => send(&told.document, &headers),
        Err(problem) => problem.into_response(),
    }
}

/// `/openapi/<plugin>.json` and `/openapi/<plugin>.wit`
async fn openapi_of(State(server): State<Server>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let catalog = server.host.catalog();
    let serving = |name: &str| catalog.entries().get(name)?.serving.as_ref();
    let found = file.rsplit_once('.').and_then(|(name, ending)| {
        let kind = match ending {
            "json" => DocumentKind::OpenApi,
            "wit" => DocumentKind::Wit,
            _ => return None,
        };
        Some((serving(name)?, kind))
    });
    let Some((listed, kind)) = found else {
        return Problem::NoRoute.into_response();
    };
    match server.documents.of_one(&server.host, listed, kind).await {
        Ok(document) => send(&document, &headers),
        Err(problem) => problem.into_response(),
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

/// A path beside the host's own pages.
async fn not_own(State(server): State<Server>, Extension(asked): Extension<Asked>, mut request: Request) -> Response {
    let mut trace = Trace::default();
    let mut response = server.operation(&asked.catalog, &asked.caller, &mut request, &mut trace).await;
    response.extensions_mut().insert(Arc::new(trace));
    response
}

/// A request on its way through the router.
#[derive(Clone)]
struct Asked {
    catalog: Arc<Catalog>,
    caller: Caller,
}

/// What answers the requests of a server. axum's router has only the host's own pages: each of its layers would cost a
/// request of a plugin more than all that is done here.
struct App {
    server: Server,
    own: Router,
    cors: Option<Cors>,
    compresses: bool,
}

impl App {
    /// Gives a request an id, and its answer a line in the log.
    async fn answer(&self, peer: SocketAddr, request: Request) -> Response {
        let mut line = Line { caller: Caller::of(&request, peer), trace: Trace::default(), status: None };
        let Line { caller, trace, .. } = &mut line;
        let host = &self.server.host;
        // The one look at what is served: all that follows is of one version.
        let catalog = host.catalog();
        let mut response = match catalog.mounted(caller.uri.path()) {
            // Nothing of the host's own stands between a raw handler and its client.
            Some(mounted) => Box::pin(raw::answer(host, mounted, caller, request, trace)).await,
            None => match &self.cors {
                None => self.encoded(&catalog, caller, request, trace).await,
                Some(cors) => {
                    Box::pin(cors.answer(request, |request| self.encoded(&catalog, caller, request, trace))).await
                }
            },
        };
        response.headers_mut().insert(X_REQUEST_ID, line.caller.id.header());
        line.status = Some(response.status());
        if line.trace.end.is_some() {
            // The line is written when the body has come to its end, or is dropped before.
            return response.map(|body| Body::new(WithLine { body, _line: line }));
        }
        response
    }

    async fn encoded(
        &self,
        catalog: &Arc<Catalog>,
        caller: &Caller,
        mut request: Request,
        trace: &mut Trace,
    ) -> Response {
        let codings = match self.compresses.then(|| Codings::of(request.headers())).transpose() {
            Ok(codings) => codings,
            Err(problem) => return problem.into_response(),
        };
        // By reference: each copy of a request on its way would cost it more than its route does.
        let response = match Catalog::is_reserved(caller.uri.path()) {
            true => Box::pin(self.page(catalog, caller, mem::take(&mut request), trace)).await,
            false => self.server.operation(catalog, caller, &mut request, trace).await,
        };
        match codings {
            None => response,
            Some(codings) => codings.encoded(response).await,
        }
    }

    /// One of the host's own pages, unless there is none after all.
    async fn page(&self, catalog: &Arc<Catalog>, caller: &Caller, mut request: Request, trace: &mut Trace) -> Response {
        request.extensions_mut().insert(Asked { catalog: catalog.clone(), caller: caller.clone() });
        if *request.method() == Method::HEAD {
            // axum would leave out the body, whose head then had nothing of the layers above.
            *request.method_mut() = Method::GET;
        }
        let Ok(mut response) = self.own.clone().call(request).await;
        if let Some(known) = response.extensions_mut().remove::<Arc<Trace>>().and_then(Arc::into_inner) {
            *trace = known;
        }
        response
    }
}

impl Server {
    /// Every path that is not the host's own, and `/`.
    async fn operation(
        &self,
        catalog: &Catalog,
        caller: &Caller,
        request: &mut Request,
        trace: &mut Trace,
    ) -> Response {
        let path = caller.uri.path();
        // `OPTIONS *` asks about the host as a whole (RFC 9110, section 9.3.7).
        if path == "*" && caller.method == Method::OPTIONS {
            return options(&contract::Method::ALL);
        }
        if path == "/" && pages::is_landing(catalog, request) {
            return Box::pin(pages::landing(self)).await;
        }
        dispatch(&self.host, catalog, caller, request, trace).await
    }
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

/// One line of the access log, written on drop: a request whose client went away is dropped without an answer.
struct Line {
    caller: Caller,
    trace: Trace,
    /// `None` as long as there is no answer.
    status: Option<StatusCode>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Line { caller: Caller { id, method, uri, arrival, .. }, trace, status } = self;
        let (id, method, path, took) = (id.as_str(), method.as_str(), uri.path(), arrival.elapsed());
        let Some(status) = status else {
            let (ms, path) = (log::milliseconds(took), log::printable(path));
            tracing::info!(target: "request", id, method, %path, ms, "the client went away");
            return;
        };
        let end = trace.end.as_ref();
        let broke = end.and_then(|end| end.get()?.err());
        let ours = broke.filter(|broke| !broke.is_clients).map(|broke| broke.why.as_str());
        let left = end.is_some_and(|end| end.get().is_none()).then_some("the client went away");
        log::Answered {
            id,
            plugin: trace.plugin.as_deref(),
            operation: trace.operation.as_deref(),
            status: status.as_u16(),
            took,
            method,
            path,
            broke: broke.map(|broke| broke.why.as_str()).or(left),
            fault: trace.fault.as_deref().or(ours),
        }
        .log();
    }
}
