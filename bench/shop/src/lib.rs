//! The two endpoints of `plugins/orders-rust` that are measured, for those servers whose handlers are in Rust: native axum
//! and the guests of `wasmtime serve`. A request's body in, a status, a media type and an answer's body out.

mod email;
pub mod problem;
pub mod types;

// The plugin's own source, so that all do the same work.
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

use garde::Validate;
use serde::Serialize;

use problem::Document;
use types::{Order, PricedOrder};

#[derive(Serialize)]
pub struct Greeting {
    message: String,
}

pub fn say_hello() -> Greeting {
    Greeting { message: "Hello!".to_string() }
}

/// An order that breaks no rule of the contract, priced.
pub fn price_order(order: Order) -> Result<PricedOrder, Document> {
    order.validate().map_err(|report| Document::of_request(report.to_string()))?;
    price::of(order).map_err(Document::of_operation)
}

/// An answer of a server that has no types of its own for one.
pub struct Answer {
    pub status: u16,
    pub media_type: &'static str,
    pub body: Vec<u8>,
}

/// The endpoints, for a server that has no router of its own.
pub enum Endpoint {
    SayHello,
    PriceOrder,
}

impl Endpoint {
    pub fn find(method: &str, path: &str) -> Option<Endpoint> {
        match (method, path) {
            ("GET", "/hello") => Some(Endpoint::SayHello),
            ("POST", "/orders") => Some(Endpoint::PriceOrder),
            _ => None,
        }
    }
}

/// What is answered to a request, whose body is left empty where none is wanted.
pub fn answer(endpoint: Option<Endpoint>, body: &[u8]) -> Answer {
    match endpoint {
        None => Document::not_found().into_answer(),
        Some(Endpoint::SayHello) => Answer::of(&say_hello()),
        Some(Endpoint::PriceOrder) => {
            let read = serde_json::from_slice(body).map_err(|error| Document::of_request(error.to_string()));
            read.and_then(price_order).map_or_else(Document::into_answer, |priced| Answer::of(&priced))
        }
    }
}

impl Answer {
    fn of(value: &impl Serialize) -> Answer {
        Answer { status: 200, media_type: "application/json", body: json(value) }
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("all keys are strings")
}
