//! Todos in the key-value store: one key a todo, `todo/<id>`, its value JSON; and the last id given out.

use crate::exports::example::todos::todos::{Error, Todo};
use crate::wasi::keyvalue::{atomics, store};

const LAST_ID: &str = "last-id";
const TODO: &str = "todo/";

/// The ids of all todos, ascending.
pub fn ids() -> Result<Vec<u64>, Error> {
    let bucket = open()?;
    let mut ids = Vec::new();
    let mut cursor = None;
    loop {
        let page = bucket.list_keys(cursor)?;
        ids.extend(page.keys.iter().filter_map(|key| key.strip_prefix(TODO)?.parse::<u64>().ok()));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    ids.sort_unstable();
    Ok(ids)
}

pub fn next_id() -> Result<u64, Error> {
    Ok(atomics::increment(&open()?, LAST_ID, 1)?)
}

pub fn get(id: u64) -> Result<Option<Todo>, Error> {
    let Some(value) = open()?.get(&key(id))? else {
        return Ok(None);
    };
    let todo = serde_json::from_slice(&value)
        .map_err(|error| Error::Unavailable(format!("stored todo {id} cannot be read: {error}")))?;
    Ok(Some(todo))
}

pub fn set(todo: &Todo) -> Result<(), Error> {
    let value = serde_json::to_vec(todo).expect("a todo can be written as JSON");
    Ok(open()?.set(&key(todo.id), &value)?)
}

pub fn delete(id: u64) -> Result<(), Error> {
    Ok(open()?.delete(&key(id))?)
}

fn open() -> Result<store::Bucket, Error> {
    Ok(store::open("default")?)
}

fn key(id: u64) -> String {
    format!("{TODO}{id}")
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::Unavailable(match error {
            store::Error::NoSuchStore => "there is no such store".to_string(),
            store::Error::AccessDenied => "access to the store was denied".to_string(),
            store::Error::Other(message) => message,
        })
    }
}
