//! The plugin's own store, which survives restarts: `wasi:keyvalue`, which the operator has to grant.
//!
//! A write is answered when it is on disk. Several operations of one call are no transaction.

use std::fmt;

use crate::bindings::wasi::keyvalue::{
    atomics,
    store::{self, Bucket},
};

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// There is no such store. The host does not answer this for a plugin's own.
    NoSuchStore,
    /// The plugin may not use it.
    AccessDenied,
    /// The value of this key is no UTF-8.
    NotText(String),
    /// In the host's words: what was wrong with the call, or that its storage is not available.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoSuchStore => to.write_str("there is no such store"),
            Error::AccessDenied => to.write_str("access to the store was denied"),
            Error::NotText(key) => write!(to, "the value of {key:?} is no text"),
            Error::Other(words) => to.write_str(words),
        }
    }
}

impl std::error::Error for Error {}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        match error {
            store::Error::NoSuchStore => Error::NoSuchStore,
            store::Error::AccessDenied => Error::AccessDenied,
            store::Error::Other(words) => Error::Other(words),
        }
    }
}

fn open() -> Result<Bucket, Error> {
    Ok(store::open("default")?)
}

/// The value of a key, of 1 to 1,024 bytes; `None` where there is none.
///
/// # Errors
///
/// The host refuses it, see [`Error`]. This holds for all of them.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(open()?.get(key)?)
}

/// The same, where the value is text.
///
/// # Errors
///
/// Also [`Error::NotText`].
pub fn get_text(key: &str) -> Result<Option<String>, Error> {
    let Some(value) = get(key)? else { return Ok(None) };
    String::from_utf8(value).map(Some).map_err(|_| Error::NotText(key.to_owned()))
}

/// Sets a key to a value of at most 1 MiB: bytes or text.
pub fn set(key: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
    Ok(open()?.set(key, value.as_ref())?)
}

/// Deletes a key, if it is there.
pub fn delete(key: &str) -> Result<(), Error> {
    Ok(open()?.delete(key)?)
}

pub fn exists(key: &str) -> Result<bool, Error> {
    Ok(open()?.exists(key)?)
}

/// All keys, in the order in which they came.
pub fn keys() -> Result<Vec<String>, Error> {
    let bucket = open()?;
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = bucket.list_keys(cursor)?;
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

/// Adds to a number and gives the sum, so that of all calls at once no two get the same. A key that is not there counts from 0.
pub fn increment(key: &str, delta: u64) -> Result<u64, Error> {
    Ok(atomics::increment(&open()?, key, delta)?)
}
