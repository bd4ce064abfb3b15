//! What a plugin promises: its operations and their types.
//!
//! Pure: bytes in, [`Contract`] out. No I/O, no wasmtime, no HTTP server. An [`Operation`] is built once, by
//! [`decode`] of a component or [`decode_wit`] of its text, and the same value drives routing, binding, validation,
//! invocation and documentation. [`schema::Schemas`] are the JSON schemas of its types, [`diff`] says what a new version
//! breaks; `examples/operations.rs` prints all of it.
//!
//! What a host asks for each request is `#[inline]`: the compiler does nothing like it between crates on its own.

pub mod decode;

pub mod diff;

pub mod schema;

pub mod operation;

pub mod docs;

pub mod types;

pub mod error;

pub use decode::{Options, agree, decode, decode_wit, sections, wit};
pub(crate) use decode::{signature, size};
pub(crate) use docs::literal;
pub use docs::{Docs, format, keywords, number, pattern, rules};
pub use error::{ContractError, Defect};
pub use operation::{
    Body, Operation, Param, Place, casing,
    outcome::{ErrorStatus, Outcome},
    raw::{Generation, Raw},
    route::{self, Method, Pattern, Segment},
};
pub(crate) use operation::{place, raw};
pub use types::{
    Absent, Case, Delivery, Field, Named, Passed, Scalar, Shape, Type,
    layout::{self, Layout},
};

/// All that one component promises and asks for.
#[derive(Debug, Clone)]
pub struct Contract {
    /// WIT package of the first routed interface, such as `example:todos@1.0.0`.
    pub package: Option<String>,
    pub operations: Vec<Operation>,
    /// What it has beside its operations, or instead of them.
    pub raw: Option<Raw>,
    pub interfaces: Vec<Interface>,
    pub imports: Vec<Import>,
    /// The plugin's WIT, all packages: as its author wrote it if it is embedded, else as the component's types tell it.
    pub wit: String,
    /// Whether the component uses component-model async anywhere, so that it needs an engine with it.
    pub uses_async: bool,
    /// What the author should know though the component loads. Each names the item.
    pub warnings: Vec<String>,
}

impl Contract {
    /// The types of all parameters and answers, errors included.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        self.operations.iter().flat_map(|operation| {
            let params = operation.params.iter().map(|param| &param.ty);
            params.chain(&operation.outcome.value).chain(&operation.outcome.error)
        })
    }
}

/// An exported interface: a group of operations in the documentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// Name without package and version, such as `todos`; empty for functions of the world itself.
    pub name: String,
    pub docs: Docs,
}

/// Something the component wants from its host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The full name as the component has it, such as `wasi:keyvalue/store@0.2.0-draft`.
    pub name: String,
}

impl Import {
    /// `wasi:keyvalue/store` of `wasi:keyvalue/store@0.2.0-draft`.
    pub fn interface(&self) -> &str {
        self.name.split_once('@').map_or(&self.name, |(name, _)| name)
    }

    /// `wasi:keyvalue` of `wasi:keyvalue/store@0.2.0-draft`.
    pub fn package(&self) -> &str {
        let name = self.interface();
        name.split_once('/').map_or(name, |(package, _)| package)
    }

    /// Whether it is of WASI 0.3, which needs component-model async.
    pub fn is_wasi_3(&self) -> bool {
        self.name.starts_with("wasi:") && self.name.contains("@0.3.")
    }
}
