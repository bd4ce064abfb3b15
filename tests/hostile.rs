//! Hostile guests and hostile clients. Each test is one attack: what it is, what becomes of it, and what the others see
//! meanwhile. `tests/hostile/README.md` has them as a list.

mod clients;
mod guests;
mod list;
mod neighbour;
mod soak;
