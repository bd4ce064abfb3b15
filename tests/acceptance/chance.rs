//! Chance that can be had again: every contract has a seed of its own, which a failure prints.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

pub struct Chance(TestRunner);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Chance(TestRunner::new_with_rng(Config::default(), rng))
    }

    pub fn tree<S: Strategy>(&mut self, strategy: &S) -> S::Tree {
        strategy.new_tree(&mut self.0).expect("a value")
    }

    pub fn take<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        self.tree(strategy).current()
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// How many values a test tries: `WITAPI_CASES`.
pub fn cases() -> usize {
    number("WITAPI_CASES").unwrap_or(2_000) as usize
}

/// The seeds of as many contracts as make all cases together, from `WITAPI_SEED` on.
pub fn seeds(cases_of_a_contract: usize) -> Vec<u64> {
    let first = number("WITAPI_SEED").unwrap_or(1);
    (first..).take(cases().div_ceil(cases_of_a_contract)).collect()
}
