//! Guests that do what they should not: each costs its own request, and nothing else.

pub mod component;
mod rust;
