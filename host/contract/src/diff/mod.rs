//! Two contracts → what a client of the first notices of the second.
//!
//! A request that was accepted has to be accepted, and an answer may only hold what could come before: so what narrows an
//! input breaks, and what widens an output. Members that are added to an answer do not break: clients are expected to pass
//! over members that they do not know. Pure, as all of `contract`.

mod operation;
mod rules;
mod value;

use std::fmt;

use super::{Contract, Raw};

/// The most changes that are told of; a contract has as many places as its author pleases.
pub const MAX_CHANGES: usize = 10_000;

/// One difference that a client may notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractChange {
    /// Interface and function in WIT, such as `todos/create-todo`.
    pub operation: String,
    /// Where in request or answer, such as `body.text`; empty for the operation as a whole.
    pub location: String,
    pub kind: ChangeKind,
    /// What was and what is, such as `@maxLength 280 → 100`.
    pub what: String,
    /// What it means for clients, such as `longer texts that were accepted are refused`.
    pub effect: String,
    /// Whether a client that was right before may be wrong now.
    pub breaks: bool,
}

/// What kind of change it is: words for programs, which never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    OperationRemoved,
    OperationAdded,
    OperationRenamed,
    Route,
    Deprecated,
    Body,
    ParameterRemoved,
    ParameterAdded,
    MemberRemoved,
    MemberAdded,
    /// What had to be there may be left out, or the other way round.
    Required,
    /// What stands for a value that is left out.
    Default,
    Type,
    Rule,
    CaseRemoved,
    CaseAdded,
    /// Of a success.
    Status,
    MediaType,
    ErrorRemoved,
    ErrorAdded,
    ErrorStatus,
}

impl ChangeKind {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::OperationRemoved => "operation_removed",
            ChangeKind::OperationAdded => "operation_added",
            ChangeKind::OperationRenamed => "operation_renamed",
            ChangeKind::Route => "route",
            ChangeKind::Deprecated => "deprecated",
            ChangeKind::Body => "body",
            ChangeKind::ParameterRemoved => "parameter_removed",
            ChangeKind::ParameterAdded => "parameter_added",
            ChangeKind::MemberRemoved => "member_removed",
            ChangeKind::MemberAdded => "member_added",
            ChangeKind::Required => "required",
            ChangeKind::Default => "default",
            ChangeKind::Type => "type",
            ChangeKind::Rule => "rule",
            ChangeKind::CaseRemoved => "case_removed",
            ChangeKind::CaseAdded => "case_added",
            ChangeKind::Status => "status",
            ChangeKind::MediaType => "media_type",
            ChangeKind::ErrorRemoved => "error_removed",
            ChangeKind::ErrorAdded => "error_added",
            ChangeKind::ErrorStatus => "error_status",
        }
    }
}

impl fmt::Display for ContractChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        [&self.location, &self.what, &self.effect]
            .into_iter()
            .filter(|part| !part.is_empty())
            .try_for_each(|part| write!(f, ": {part}"))
    }
}

/// What a client of `old` notices of `new`, in the order of `old` and then what is new, at most [`MAX_CHANGES`].
/// Documentation is not compared.
pub fn diff(old: &Contract, new: &Contract) -> Vec<ContractChange> {
    let mut changes = operation::operations(&old.operations, &new.operations);
    changes.extend(raw(old.raw.as_ref(), new.raw.as_ref()));
    changes
}

/// What becomes of a raw handler, of which no more is known than where it is.
fn raw(old: Option<&Raw>, new: Option<&Raw>) -> Option<ContractChange> {
    let change = |raw: &Raw, kind, what: String, effect: String, breaks| {
        Some(ContractChange { operation: raw.paths(), location: String::new(), kind, what, effect, breaks })
    };
    match (old, new) {
        (Some(old), None) => {
            let effect = "requests there are answered no more";
            change(old, ChangeKind::OperationRemoved, "the raw handler is removed".into(), effect.into(), true)
        }
        (Some(old), Some(new)) if old.mount != new.mount => {
            let effect = "requests of the old place are not answered by it";
            change(old, ChangeKind::Route, format!("{} → {}", old.paths(), new.paths()), effect.into(), true)
        }
        (None, Some(new)) => {
            let effect = "requests there are answered too";
            change(new, ChangeKind::OperationAdded, "a raw handler is added".into(), effect.into(), false)
        }
        _ => None,
    }
}

/// Only what breaks a client of `old`.
pub fn breaks(old: &Contract, new: &Contract) -> Vec<ContractChange> {
    let mut changes = diff(old, new);
    changes.retain(|change| change.breaks);
    changes
}

/// Which way the values of a place go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// From a client: it must not lose values.
    Input,
    /// To a client: it must not gain values.
    Output,
}

/// The changes of one operation, as they are found.
struct Report<'r> {
    operation: &'r str,
    location: String,
    side: Side,
    /// Values are words of a path, a query or a header, and not JSON.
    is_word: bool,
    changes: &'r mut Vec<ContractChange>,
}

impl Report<'_> {
    fn push(&mut self, kind: ChangeKind, what: impl Into<String>, effect: impl Into<String>, breaks: bool) {
        if self.changes.len() < MAX_CHANGES {
            let (operation, location) = (self.operation.to_owned(), self.location.clone());
            self.changes.push(ContractChange {
                operation,
                location,
                kind,
                what: what.into(),
                effect: effect.into(),
                breaks,
            });
        }
    }

    /// Values that were of the place and are no more, and those that have become so, each in words.
    fn values(&mut self, kind: ChangeKind, what: impl Into<String>, lost: &[&str], gained: &[&str]) {
        let (effect, breaks) = match (self.side, lost, gained) {
            (_, [], []) => ("the values stay the same".to_owned(), false),
            (Side::Input, [], gained) => (format!("{} are accepted as well", gained.join(" and ")), false),
            (Side::Input, lost, _) => (format!("{} that were accepted are now rejected", lost.join(" and ")), true),
            (Side::Output, lost, []) => (format!("{} are no longer returned", lost.join(" and ")), false),
            (Side::Output, _, gained) => {
                (format!("{} may be returned that were not before", gained.join(" and ")), true)
            }
        };
        self.push(kind, what, effect, breaks);
    }

    /// Looks at what is at `step` from here.
    fn at(&mut self, step: &str, look: impl FnOnce(&mut Self)) {
        let here = self.location.len();
        self.location.push_str(step);
        look(self);
        self.location.truncate(here);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Generation, *};

    #[test]
    fn a_raw_handler_is_followed_by_its_place() {
        let at = |mount: &str| Raw {
            export: "wasi:http/incoming-handler@0.2.3".into(),
            generation: Generation::P2,
            mount: mount.into(),
            document: None,
        };
        let told = |old: Option<Raw>, new: Option<Raw>| {
            raw(old.as_ref(), new.as_ref()).map(|change| (change.to_string(), change.breaks))
        };
        let (removed, moved, added) = (
            "/a/*: the raw handler is removed: requests there are answered no more",
            "/a/*: /a/* → /b/*: requests of the old place are not answered by it",
            "/a/*: a raw handler is added: requests there are answered too",
        );
        assert_eq!(told(Some(at("/a")), None), Some((removed.into(), true)));
        assert_eq!(told(Some(at("/a")), Some(at("/b"))), Some((moved.into(), true)));
        assert_eq!(told(None, Some(at("/a"))), Some((added.into(), false)));
        assert_eq!(told(Some(at("/a")), Some(at("/a"))), None);
    }
}
