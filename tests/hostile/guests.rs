//! Guests that do what they should not: each costs its own request, and nothing else.

mod arguments;
pub mod attack;
pub mod component;
mod floods;
mod http;
mod lies;
mod loads;
mod rust;
mod secrets;
mod spins;
mod tasks;
mod traps;
