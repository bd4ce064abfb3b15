//! The types of `plugins/orders-rust/wit/orders.wit`, with the JSON that the host gives them, and its rules.

use std::collections::BTreeMap;

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::email;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Country {
    Austria,
    Germany,
    Switzerland,
}

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Address {
    pub street: String,
    pub city: String,
    pub postal_code: String,
    pub country: Country,
}

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Customer {
    pub name: String,
    #[garde(custom(email::check))]
    pub email: Option<String>,
    pub address: Address,
}

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Item {
    pub sku: String,
    #[garde(range(min = 1))]
    pub qty: u32,
}

/// Flags: a list of their names.
#[derive(Deserialize)]
#[serde(from = "Vec<PackingFlag>")]
pub struct Packing(u8);

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PackingFlag {
    Gift,
    Fragile,
    PlasticFree,
}

impl Packing {
    pub const GIFT: Packing = Packing(1 << PackingFlag::Gift as u8);

    pub fn contains(&self, other: Packing) -> bool {
        self.0 & other.0 == other.0
    }
}

impl From<Vec<PackingFlag>> for Packing {
    fn from(flags: Vec<PackingFlag>) -> Packing {
        Packing(flags.into_iter().fold(0, |bits, flag| bits | 1 << flag as u8))
    }
}

#[derive(Deserialize, Validate)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub enum Discount {
    Percent(#[garde(range(max = 100))] u8),
    Amount(u64),
}

#[derive(Deserialize, Validate)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case", deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub enum Delivery {
    Pickup,
    Standard,
    Express(#[garde(range(min = 1))] u8),
}

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Order {
    #[garde(dive)]
    pub customer: Customer,
    #[garde(length(min = 1), dive)]
    pub items: Vec<Item>,
    #[garde(dive)]
    pub delivery: Delivery,
    pub packing: Option<Packing>,
    #[garde(dive)]
    pub discount: Option<Discount>,
    pub labels: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
pub struct Line {
    pub sku: String,
    pub name: String,
    pub qty: u32,
    pub price: u64,
    pub total: u64,
}

#[derive(Serialize)]
pub struct PricedOrder {
    pub lines: Vec<Line>,
    pub subtotal: u64,
    pub discount: u64,
    pub delivery: u64,
    pub tax: u64,
    pub total: u64,
    pub labels: BTreeMap<String, String>,
}

#[derive(Serialize)]
pub struct Shortage {
    pub sku: String,
    pub wanted: u32,
    pub stock: u32,
}

#[derive(Serialize)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
pub enum Error {
    Invalid(String),
    Unprocessable(Vec<String>),
    Conflict(Vec<Shortage>),
}
