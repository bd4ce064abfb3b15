//! What is in a store's file, and how it changes: many writes, one transaction.

use std::num::ParseIntError;

use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError, WriteTransaction,
};

use super::{
    ENTRY_BYTES, Error, PAGE_BYTES, PAGE_KEYS, Page,
    disk::{self, Disk},
};

/// The layout of the tables below. A file that has another is refused.
const FORMAT: u64 = 1;

/// key → (number, value). The number is given when the key is created, and to no other key.
const ENTRIES: TableDefinition<&str, (u64, &[u8])> = TableDefinition::new("entries");

/// number → key: the order of creation, in which keys are listed.
const ORDER: TableDefinition<u64, &str> = TableDefinition::new("order");

/// Facts of the whole store, changed in the transaction that changes the entries, so that they
/// are exact after a crash.
const FACTS: TableDefinition<&str, u64> = TableDefinition::new("facts");
const FACT_FORMAT: &str = "format";
const FACT_BYTES: &str = "bytes";
const FACT_NEXT: &str = "next";

/// Empty after every transaction: what is put in and taken out again shows that there is room. Earlier hosts do not
/// look for it.
const ROOM: TableDefinition<(), &[u8]> = TableDefinition::new("room");

/// Bytes that one more of redb's own commits takes, beside what depends on the store and on the commit.
const COMMIT_BYTES: u64 = 32 << 10;

pub(super) enum StoreChange {
    Set { key: String, value: Vec<u8> },
    Delete { key: String },
    Increment { key: String, delta: u64 },
}

/// Creates the tables of a new file; refuses those of another format.
pub(super) fn prepare(database: &Database) -> Result<(), redb::Error> {
    let format = match database.begin_read()?.open_table(FACTS) {
        Ok(facts) => facts.get(FACT_FORMAT)?.map(|format| format.value()),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(error) => return Err(error.into()),
    };
    match format {
        Some(FORMAT) => Ok(()),
        Some(other) => {
            Err(redb::Error::Corrupted(format!("the store has format {other}, this host knows format {FORMAT}")))
        }
        None => {
            let transaction = database.begin_write()?;
            transaction.open_table(ENTRIES)?;
            transaction.open_table(ORDER)?;
            transaction.open_table(FACTS)?.insert(FACT_FORMAT, FORMAT)?;
            Ok(transaction.commit()?)
        }
    }
}

pub(super) fn get(database: &Database, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let entries = database.begin_read()?.open_table(ENTRIES)?;
    let entry = entries.get(key)?;
    Ok(entry.map(|entry| entry.value().1.to_vec()))
}

pub(super) fn exists(database: &Database, key: &str) -> Result<bool, redb::Error> {
    let entries = database.begin_read()?.open_table(ENTRIES)?;
    Ok(entries.get(key)?.is_some())
}

/// The keys from the one numbered `start`, or the next there is, as many as fit a page.
pub(super) fn list_keys(database: &Database, start: u64) -> Result<Page, redb::Error> {
    let order = database.begin_read()?.open_table(ORDER)?;
    let mut keys = Vec::new();
    let mut bytes = 0;
    for entry in order.range(start..)? {
        let (number, key) = entry?;
        let key = key.value();
        bytes += key.len();
        if keys.len() == PAGE_KEYS || bytes > PAGE_BYTES {
            let cursor = Some(number.value());
            return Ok(Page { keys, cursor });
        }
        keys.push(key.to_owned());
    }
    Ok(Page { keys, cursor: None })
}

/// Applies changes in their order in one transaction and makes it durable. The outer error is
/// that of all; else there is one answer for each. A change that fails changes nothing.
///
/// `None`: the disk has no room for that, and nothing has changed. With `refused` no change that makes the store larger
/// is applied; that is its answer.
pub(super) fn commit<'c>(
    database: &Database,
    disk: &Disk,
    changes: impl ExactSizeIterator<Item = &'c StoreChange>,
    max_bytes: u64,
    refused: Option<&Error>,
) -> Result<Option<Vec<Result<u64, Error>>>, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    let mut tables = Tables::open(&transaction, max_bytes, refused)?;
    let count = changes.len() as u64;
    let mut bytes = 0;
    let answers = changes.map(|change| {
        bytes += change.bytes() as u64;
        tables.apply(change)
    });
    let answers = answers.collect::<Result<Vec<_>, redb::Error>>()?;
    let changed = tables.finish()?;
    if changed {
        leave_room(&transaction, disk, count, bytes, refused.is_some())?;
    }
    if disk.is_short() {
        transaction.abort()?;
        disk.forget();
        return Ok(None);
    }
    if changed {
        transaction.commit()?;
    } else {
        // Nothing to make durable, such as deleting what is not there: no fsync.
        transaction.abort()?;
    }
    Ok(Some(answers))
}

/// Sees that there is room in the file for what the commit itself takes, and for a later one that frees room; else the
/// file gets longer, or is short. What writes go on with is left free where something was `refused`.
fn leave_room(
    transaction: &WriteTransaction,
    disk: &Disk,
    changes: u64,
    bytes: u64,
    refused: bool,
) -> Result<(), redb::Error> {
    // redb keeps a map of its pages, and lists those that a commit frees.
    let length = disk.length();
    let least = (COMMIT_BYTES + length / 8192 + 64 * changes).next_power_of_two();
    let wanted = if refused { least } else { least.max(1 << (disk::kept(length) / 2).ilog2()) };
    // All that was written took room, and each change takes some pages more than it has bytes.
    if disk.written() + 4 * bytes + 16 * disk::PAGE * changes < wanted / 4 {
        return Ok(());
    }
    let mut room = transaction.open_table(ROOM)?;
    // With what stands around it just that many bytes.
    let value = usize::try_from(wanted - 512).unwrap_or(usize::MAX);
    drop(room.insert_reserve((), value)?);
    drop(room.remove(())?);
    disk.count_anew();
    Ok(())
}

impl StoreChange {
    /// Bytes of its key and value.
    pub(super) fn bytes(&self) -> usize {
        match self {
            StoreChange::Set { key, value } => key.len() + value.len(),
            StoreChange::Delete { key } | StoreChange::Increment { key, .. } => key.len(),
        }
    }
}

/// The tables of one write transaction, with the store's facts as they will be after it.
struct Tables<'t> {
    entries: Table<'t, &'static str, (u64, &'static [u8])>,
    order: Table<'t, u64, &'static str>,
    facts: Table<'t, &'static str, u64>,
    bytes: u64,
    next: u64,
    max_bytes: u64,
    /// The answer of a change that would make the store larger, where there is no room for it.
    refused: Option<&'t Error>,
    changed: bool,
}

impl<'t> Tables<'t> {
    fn open(
        transaction: &'t WriteTransaction,
        max_bytes: u64,
        refused: Option<&'t Error>,
    ) -> Result<Self, redb::Error> {
        let facts = transaction.open_table(FACTS)?;
        let fact = |name| facts.get(name).map(|fact| fact.map_or(0, |fact| fact.value()));
        let (bytes, next) = (fact(FACT_BYTES)?, fact(FACT_NEXT)?);
        Ok(Tables {
            entries: transaction.open_table(ENTRIES)?,
            order: transaction.open_table(ORDER)?,
            facts,
            bytes,
            next,
            max_bytes,
            refused,
            changed: false,
        })
    }

    fn apply(&mut self, change: &StoreChange) -> Result<Result<u64, Error>, redb::Error> {
        match change {
            StoreChange::Set { key, value } => Ok(self.set(key, value)?.map(|()| 0)),
            StoreChange::Delete { key } => self.delete(key).map(|()| Ok(0)),
            StoreChange::Increment { key, delta } => self.increment(key, *delta),
        }
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<Result<(), Error>, redb::Error> {
        let old = self.entries.get(key)?;
        let old = old.map(|old| (old.value().0, entry_bytes(key, old.value().1)));
        let without = self.bytes.saturating_sub(old.map_or(0, |(_, bytes)| bytes));
        let wanted = without + entry_bytes(key, value);
        // What makes the store smaller is allowed also where the bound has been lowered since.
        if wanted > self.max_bytes && wanted > self.bytes {
            return Ok(Err(Error::Full { key: key.to_owned(), max: self.max_bytes, needed: wanted }));
        }
        if wanted > self.bytes
            && let Some(refused) = self.refused
        {
            return Ok(Err(refused.clone()));
        }
        let number = match old {
            Some((number, _)) => number,
            None => {
                let number = self.next;
                // Not reached in 2^64 creations.
                self.next = self.next.saturating_add(1);
                self.order.insert(number, key)?;
                number
            }
        };
        self.entries.insert(key, (number, value))?;
        self.bytes = wanted;
        self.changed = true;
        Ok(Ok(()))
    }

    fn delete(&mut self, key: &str) -> Result<(), redb::Error> {
        let old = self.entries.remove(key)?;
        if let Some((number, bytes)) = old.map(|old| (old.value().0, entry_bytes(key, old.value().1))) {
            self.order.remove(number)?;
            self.bytes = self.bytes.saturating_sub(bytes);
            self.changed = true;
        }
        Ok(())
    }

    fn increment(&mut self, key: &str, delta: u64) -> Result<Result<u64, Error>, redb::Error> {
        let old = match self.entries.get(key)? {
            Some(old) => match decimal(old.value().1) {
                Ok(number) => number,
                Err(found) => {
                    let key = key.to_owned();
                    return Ok(Err(Error::NotANumber { key, found }));
                }
            },
            None => 0,
        };
        let Some(new) = old.checked_add(delta) else {
            return Ok(Err(Error::Overflow { key: key.to_owned(), found: old, delta }));
        };
        Ok(self.set(key, new.to_string().as_bytes())?.map(|()| new))
    }

    /// Stores the facts; whether anything has changed.
    fn finish(mut self) -> Result<bool, redb::Error> {
        if self.changed {
            self.facts.insert(FACT_BYTES, self.bytes)?;
            self.facts.insert(FACT_NEXT, self.next)?;
        }
        Ok(self.changed)
    }
}

/// What an entry counts for.
fn entry_bytes(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64 + ENTRY_BYTES
}

/// The number a counter holds, or what was found instead, for the message.
fn decimal(value: &[u8]) -> Result<u64, String> {
    let text = std::str::from_utf8(value).map_err(|_| format!("{} bytes", value.len()))?;
    text.parse().map_err(|why: ParseIntError| {
        let start: String = text.chars().take(20).collect();
        format!("{start:?} ({} bytes): {why}", text.len())
    })
}
