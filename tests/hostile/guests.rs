//! Guests that do what they should not: each costs its own request, and nothing else.

mod arguments;
pub mod attack;
pub mod component;
mod lies;
mod rust;
mod spins;
mod tasks;
