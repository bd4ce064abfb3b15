//! Clients that do what they should not: each costs itself, and nobody else.
