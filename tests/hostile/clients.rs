//! Clients that do what they should not: each costs itself, and nobody else.

mod bodies;
mod connections;
mod heads;
mod leaving;
mod paths;
mod protocol;
mod slow;
mod smuggling;
pub mod wire;
