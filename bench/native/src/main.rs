//! The endpoints of `plugins/orders-rust` as one would write them in plain axum: no sandbox, no host, the same answers.

use std::{env, error::Error, net::SocketAddr};

use axum::{
    Json, Router,
    routing::{get, post},
    serve::ListenerExt,
};
use problem::Problem;
use serde::Serialize;
use tokio::{net::TcpListener, runtime};
use types::{Order, PricedOrder};

mod problem;
mod types;

// The plugin's own source, so that both do the same work.
#[path = "../../../plugins/orders-rust/src/price.rs"]
#[rustfmt::skip]
mod price;
#[path = "../../../plugins/orders-rust/src/products.rs"]
#[rustfmt::skip]
mod products;

/// The paths by which it knows its types.
mod exports {
    pub mod example {
        pub mod orders {
            pub(crate) use crate::types as orders;
        }
    }
}

/// Listens on the address that is its argument.
fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = env::args().nth(1).ok_or("usage: bench-native ADDRESS")?.parse()?;
    // As the host's.
    runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(address))
}

async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let app = Router::new().route("/hello", get(say_hello)).route("/orders", post(price_order));
    let listener = TcpListener::bind(address).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

#[derive(Serialize)]
struct Greeting {
    message: String,
}

async fn say_hello() -> Json<Greeting> {
    Json(Greeting { message: "Hello!".to_string() })
}

async fn price_order(Json(order): Json<Order>) -> Result<Json<PricedOrder>, Problem> {
    Ok(Json(price::of(order)?))
}
