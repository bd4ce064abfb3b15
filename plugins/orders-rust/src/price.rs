//! What an order costs. All in cents, and no sum overflows, since the stock bounds every quantity.

use crate::exports::example::orders::orders::{
    Country, Delivery, Discount, Error, Item, Line, Order, Packing, PricedOrder, Shortage,
};
use crate::products;

const STANDARD_DELIVERY: u64 = 4_90;
const EXPRESS_DELIVERY: u64 = 9_90;
/// For every hour that a courier has less than a day.
const EXPRESS_HOUR: u64 = 50;
const GIFT_PACKING: u64 = 2_50;

pub fn of(order: Order) -> Result<PricedOrder, Error> {
    let lines = lines(order.items)?;
    let subtotal = lines.iter().map(|line| line.total).sum();
    let discount = discount(order.discount, subtotal)?;
    let delivery = delivery(order.delivery)? + packing(order.packing);
    let net = subtotal - discount + delivery;
    let tax = (net * tax_per_mille(order.customer.address.country) + 500) / 1000;
    Ok(PricedOrder {
        lines,
        subtotal,
        discount,
        delivery,
        tax,
        total: net + tax,
        labels: order.labels.unwrap_or_default(),
    })
}

fn lines(items: Vec<Item>) -> Result<Vec<Line>, Error> {
    let mut lines: Vec<Line> = Vec::with_capacity(items.len());
    let mut unknown = Vec::new();
    let mut short = Vec::new();
    for Item { sku, qty } in items {
        if lines.iter().any(|line| line.sku == sku) {
            return Err(Error::Invalid(format!("{sku:?} is ordered twice")));
        }
        let Some(product) = products::find(&sku) else {
            unknown.push(sku);
            continue;
        };
        if qty > product.stock {
            short.push(Shortage { sku, wanted: qty, stock: product.stock });
            continue;
        }
        lines.push(Line {
            sku,
            name: product.name.to_string(),
            qty,
            price: product.price,
            total: product.price * u64::from(qty),
        });
    }
    if !unknown.is_empty() {
        return Err(Error::Unprocessable(unknown));
    }
    if !short.is_empty() {
        return Err(Error::Conflict(short));
    }
    Ok(lines)
}

fn discount(discount: Option<Discount>, subtotal: u64) -> Result<u64, Error> {
    match discount {
        None => Ok(0),
        Some(Discount::Percent(percent)) => Ok(subtotal * u64::from(percent) / 100),
        Some(Discount::Amount(amount)) if amount <= subtotal => Ok(amount),
        Some(_) => Err(Error::Invalid("the discount is more than the items cost".to_string())),
    }
}

fn delivery(delivery: Delivery) -> Result<u64, Error> {
    match delivery {
        Delivery::Pickup => Ok(0),
        Delivery::Standard => Ok(STANDARD_DELIVERY),
        Delivery::Express(hours) => Ok(EXPRESS_DELIVERY + EXPRESS_HOUR * 24_u64.saturating_sub(hours.into())),
    }
}

fn packing(packing: Option<Packing>) -> u64 {
    match packing {
        Some(packing) if packing.contains(Packing::GIFT) => GIFT_PACKING,
        _ => 0,
    }
}

fn tax_per_mille(country: Country) -> u64 {
    match country {
        Country::Austria => 200,
        Country::Germany => 190,
        Country::Switzerland => 81,
    }
}
