//! A shop that prices orders, and a hello to measure with.

mod price;
mod products;

use exports::example::orders::hello::{self, Greeting};
use exports::example::orders::orders::{self, Error, Order, PricedOrder, Product};
use witapi_sdk::wit_bindgen::rt::Map;

witapi_sdk::plugin!();

struct Plugin;

impl orders::Guest for Plugin {
    fn price_order(order: Order) -> Result<PricedOrder, Error> {
        price::of(order)
    }

    fn prices() -> Map<String, u64> {
        products::ALL.iter().map(|product| (product.sku.to_string(), product.price)).collect()
    }

    fn price_of(sku: String) -> Option<Product> {
        products::find(&sku).map(|product| Product {
            sku,
            name: product.name.to_string(),
            price: product.price,
            stock: product.stock,
        })
    }
}

impl hello::Guest for Plugin {
    fn say_hello() -> Greeting {
        Greeting { message: "Hello!".to_string() }
    }
}

export!(Plugin);
