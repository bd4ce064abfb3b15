//! The price list.

pub struct Product {
    pub sku: &'static str,
    pub name: &'static str,
    /// In cents.
    pub price: u64,
    pub stock: u32,
}

pub const ALL: &[Product] = &[
    Product { sku: "book-01", name: "The Component Book", price: 34_90, stock: 120 },
    Product { sku: "cup-01", name: "Cup, blue", price: 12_50, stock: 40 },
    Product { sku: "cup-02", name: "Cup, white", price: 11_90, stock: 0 },
    Product { sku: "pen-01", name: "Pencil", price: 85, stock: 5_000 },
];

pub fn find(sku: &str) -> Option<&'static Product> {
    ALL.iter().find(|product| product.sku == sku)
}
