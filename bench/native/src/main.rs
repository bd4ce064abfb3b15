//! The endpoints of `plugins/orders-rust` as one would write them in plain axum: no sandbox, no host, the same answers.
//! What is said to hyper and to sockets is what the host says (`host/host/src/server/connections.rs`).

use std::{env, error::Error, net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bench_shop::{
    Greeting,
    problem::{self, Document},
    types::{Order, PricedOrder},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, runtime};

/// The host's default.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Listens on the address that is its argument.
fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = env::args().nth(1).ok_or("usage: bench-native ADDRESS")?.parse()?;
    runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(address))
}

async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let app = Router::new().route("/hello", get(say_hello)).route("/orders", post(price_order));
    let app = TowerToHyperService::new(app);
    let listener = TcpListener::bind(address).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A client that goes away is no fault of this server.
        tokio::spawn(http.serve_connection(TokioIo::new(stream), app.clone()));
    }
}

async fn say_hello() -> Json<Greeting> {
    Json(bench_shop::say_hello())
}

async fn price_order(Json(order): Json<Order>) -> Result<Json<PricedOrder>, Problem> {
    bench_shop::price_order(order).map(Json).map_err(Problem)
}

struct Problem(Document);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, problem::MEDIA_TYPE)], Json(self.0)).into_response()
    }
}
