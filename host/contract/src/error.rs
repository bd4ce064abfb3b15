//! Why a component has no contract. Every message names the item, what was expected and what was found.

use std::fmt;

/// All problems of one component, so that an author can mend them in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractError {
    /// Never empty.
    pub problems: Vec<Defect>,
    /// The file ends in the middle of something, so it may not be written to its end yet.
    pub is_truncated: bool,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// What it is about, such as ``function `get-todo` of interface `todos` ``.
    pub item: String,
    pub found: String,
    /// What would be right, and so what to do. An explanation may follow, behind a semicolon.
    pub expected: String,
}

impl Defect {
    pub fn new(item: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Defect { item: item.into(), found: found.into(), expected: expected.into() }
    }
}

impl From<Defect> for ContractError {
    fn from(problem: Defect) -> Self {
        ContractError { problems: vec![problem], is_truncated: false }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What follows a semicolon explains what is expected, and comes last.
        let (expected, help) = self.expected.split_once("; ").unwrap_or((&self.expected, ""));
        write!(f, "{}: expected {expected}, found {}", self.item, self.found)?;
        if help.is_empty() { Ok(()) } else { write!(f, "; {help}") }
    }
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ContractError {}
