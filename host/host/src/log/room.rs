//! How many bytes of the log an event may take, counted where its line is written: with its prefix, its fields and what
//! escaping makes of them, in every format.

use std::cell::Cell;

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The host's, which nothing bounds.
    Host,
    /// A guest's, which fits into what it may still write.
    Guest,
}

#[derive(Clone, Copy)]
enum Room {
    Unbounded,
    Left(usize),
    /// A line did not fit.
    Exceeded,
}

thread_local! {
    static ROOM: Cell<Room> = const { Cell::new(Room::Unbounded) };
}

/// Runs `tell`, whose events may take `left` bytes of the log together. An event that the filter does not show takes none.
///
/// Gives how many bytes are left, or `None` if one of them did not fit: neither that one nor those after it are written.
pub fn within(left: usize, tell: impl FnOnce()) -> Option<usize> {
    let before = ROOM.replace(Room::Left(left));
    tell();
    match ROOM.replace(before) {
        Room::Left(left) => Some(left),
        Room::Unbounded | Room::Exceeded => None,
    }
}

/// Takes the room for a line of so many bytes, its end among them. `None`: it is not to be written.
pub fn take(bytes: usize) -> Option<Of> {
    match ROOM.get() {
        Room::Unbounded => Some(Of::Host),
        Room::Left(left) if bytes <= left => {
            ROOM.set(Room::Left(left - bytes));
            Some(Of::Guest)
        }
        Room::Left(_) | Room::Exceeded => {
            ROOM.set(Room::Exceeded);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_does_not_fit_stops_those_behind_it() {
        assert_eq!(within(10, || assert_eq!((take(4), take(6)), (Some(Of::Guest), Some(Of::Guest)))), Some(0));
        assert_eq!(within(10, || assert_eq!((take(4), take(7), take(1)), (Some(Of::Guest), None, None))), None);
        assert_eq!(within(10, || ()), Some(10));
        assert_eq!(take(usize::MAX), Some(Of::Host));
    }
}
