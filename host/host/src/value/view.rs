//! A component value, whatever holds it: one level of it at a time, driven by the contract's types. What is known of
//! values (how they are written, which rules they keep, which answer they are) is told once, of this.

use std::borrow::Cow;

use crate::contract::Type;

/// What a value is, and the values right in it.
pub enum View<'v, S: Source<'v>> {
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    F32(f32),
    F64(f64),
    Char(char),
    Text(Cow<'v, str>),
    /// `list<u8>`
    Bytes(Cow<'v, [u8]>),
    /// So many items, all of one type; of a map, keys and values in turn.
    List(usize, S::Parts),
    /// The members of a record or a tuple, or the items of a list of fixed length.
    Members(S::Parts),
    Option(Option<S>),
    Result(Result<Option<S>, Option<S>>),
    /// A case of a variant or an enum, by its index, with its payload.
    Case(usize, Option<S>),
    /// The flag of index `i` is set where bit `i` is.
    Flags(u32),
}

/// A value that can be looked at. The same type is said of it each time.
pub trait Source<'v>: Copy {
    type Parts: Parts<Self>;

    /// # Errors
    ///
    /// It is no value of that type.
    fn view(self, ty: &Type) -> Result<View<'v, Self>, Unreadable>;
}

/// The values in one, one after the other.
pub trait Parts<S> {
    /// The next one, which is of type `ty`.
    ///
    /// # Errors
    ///
    /// There is none.
    fn next(&mut self, ty: &Type) -> Result<S, Unreadable>;
}

/// What is no value of its type, in words for the log. A guest's values are checked as the component model's Canonical
/// ABI says ("Loading" and "Lifting"), where each of these traps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub Cow<'static, str>);

impl Unreadable {
    /// The value was made by wasmtime or by this host, and the component was checked against its contract at load, so
    /// this is a fault of the host.
    pub const MISMATCH: Unreadable = Unreadable(Cow::Borrowed("it is not of the type that the contract says"));
}

impl From<&'static str> for Unreadable {
    fn from(text: &'static str) -> Self {
        Unreadable(text.into())
    }
}

impl From<String> for Unreadable {
    fn from(text: String) -> Self {
        Unreadable(text.into())
    }
}
