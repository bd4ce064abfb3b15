//! See `benches/request.rs`.
