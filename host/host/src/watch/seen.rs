//! A file as it was last seen, and what became of it.

use std::{
    io,
    time::{Duration, Instant, SystemTime},
};

use super::folder::Stamp;

/// A file that has not changed for so long is taken to be complete.
pub(super) const SETTLE: Duration = Duration::from_millis(60);

/// A truncated file may still be on its way this long after its last change.
const UNFINISHED: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub(super) struct Seen {
    pub stamp: Stamp,
    /// When it was first seen like this.
    since: Instant,
    /// Whether it was long like this by then, so that nothing more is to come.
    is_old: bool,
    /// When it may be loaded.
    settles: Instant,
    /// The stamp that was last loaded, or that failed to.
    handled: Option<Stamp>,
    pub is_loading: bool,
    /// Whether it was found by the last look. One that was not, and is not known to be gone, cannot be loaded for now.
    pub is_there: bool,
    /// It lost a route or a name to another plugin, so it gets another try when one goes.
    pub is_refused: bool,
    /// Somebody wrote it since it was last read, whatever its times say.
    is_written: bool,
    /// Why it could not be read last time.
    unread: Option<String>,
}

impl Seen {
    pub(super) fn new(stamp: Stamp) -> Seen {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = (now.as_secs() as i64).saturating_sub(stamp.changed_seconds());
        let is_old = age > UNFINISHED.as_secs() as i64;
        let since = Instant::now();
        let settles = since + if is_old { Duration::ZERO } else { SETTLE };
        Seen {
            stamp,
            since,
            is_old,
            settles,
            handled: None,
            is_loading: false,
            is_there: true,
            is_refused: false,
            is_written: false,
            unread: None,
        }
    }

    /// It is like this now.
    pub(super) fn see(&mut self, stamp: Stamp) {
        if self.stamp != stamp {
            self.stamp = stamp;
            self.changes();
        }
    }

    /// It may be as it was, for all that is known of it.
    pub(super) fn was_written(&mut self) {
        self.is_written = true;
        self.changes();
    }

    fn changes(&mut self) {
        (self.since, self.is_old) = (Instant::now(), false);
        self.settles = self.since + SETTLE;
    }

    /// Whether it is to be loaded, sooner or later.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_there && !self.is_loading && (self.is_written || self.handled != Some(self.stamp))
    }

    /// Whether it was loaded, or failed to, at least once.
    pub(super) fn is_settled(&self) -> bool {
        self.handled.is_some() || self.unread.is_some()
    }

    pub(super) fn settles_at(&self) -> Instant {
        self.settles
    }

    /// It is being read from now on.
    pub(super) fn begins(&mut self) -> Stamp {
        (self.is_loading, self.is_written) = (true, false);
        self.stamp
    }

    /// Whether more may still come of a file that is cut short.
    pub(super) fn may_be_unfinished(&self) -> bool {
        !self.is_old && self.since.elapsed() < UNFINISHED
    }

    /// Another try after another while.
    pub(super) fn waits(&mut self, pause: Duration) {
        self.settles = Instant::now() + pause;
    }

    /// Says whether that is news.
    pub(super) fn cannot_be_read(&mut self, error: &io::Error) -> bool {
        let why = error.to_string();
        self.unread.replace(why.clone()) != Some(why)
    }

    pub(super) fn note_handled(&mut self, stamp: Stamp) {
        (self.handled, self.unread) = (Some(stamp), None);
    }

    /// As if it had never been loaded.
    pub(super) fn tries_again(&mut self) {
        (self.is_refused, self.handled) = (false, None);
    }
}
