//! What is wrong with a request, and where.

use serde::Serialize;

use crate::contract::rules::BrokenRule;

/// The most faults that one answer lists. The rest is counted, so that a small request cannot ask for a huge answer.
pub const MAX_LISTED: usize = 1_000;

/// The most bytes of text in all faults that one answer lists, for the same reason.
pub const MAX_BYTES: usize = 1 << 20;

/// The longest name of a client's in a location, in characters.
const MAX_NAME: usize = 200;

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    Name(String),
    Index(usize),
}

impl Step {
    /// A name that a client chose, cut to a bearable length.
    pub fn name(name: &str) -> Step {
        Step::Name(name.chars().take(MAX_NAME).collect())
    }

    /// How messages write it, such as `.items` or `[2]`.
    pub fn as_path(&self) -> String {
        match self {
            Step::Name(name) => format!(".{name}"),
            Step::Index(index) => format!("[{index}]"),
        }
    }

    /// Bytes that it takes, more or less.
    fn size(&self) -> usize {
        match self {
            Step::Name(name) => name.len(),
            Step::Index(_) => size_of::<usize>(),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// From the part of the request (`path`, `query`, `body`) to the value.
    pub loc: Vec<Step>,
    /// What was found and what was expected.
    pub msg: String,
    /// A stable word for programs, such as `missing` or `minimum`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// All faults of one request, found on a walk through it.
#[derive(Debug, Default)]
pub struct Faults {
    pub listed: Vec<Fault>,
    /// How many more there were than [`MAX_LISTED`].
    pub omitted: usize,
    /// The way to where the walk is, and behind it names whose memory serves again.
    at: Vec<Step>,
    /// How many steps of `at` are the way.
    depth: usize,
    /// Bytes of text in `listed`.
    bytes: usize,
}

impl Faults {
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Whether further faults are counted only, so that nobody needs to find words for them.
    pub fn is_full(&self) -> bool {
        self.listed.len() >= MAX_LISTED
    }

    /// Records a fault of the value where the walk is.
    pub fn add(&mut self, kind: &'static str, msg: impl Into<String>) {
        let msg = msg.into();
        let way = &self.at[..self.depth];
        let size = msg.len() + way.iter().map(Step::size).sum::<usize>();
        if self.listed.len() < MAX_LISTED && self.bytes + size <= MAX_BYTES {
            self.bytes += size;
            self.listed.push(Fault { loc: way.to_vec(), msg, kind });
        } else {
            self.omitted += 1;
        }
    }

    /// Records the rules that a value breaks, if any: gives the value back if there are none.
    pub fn keeping<T>(&mut self, value: T, broken: Vec<BrokenRule>) -> Option<T> {
        let keeps_all = broken.is_empty();
        for (kind, msg) in broken {
            self.add(kind, msg);
        }
        keeps_all.then_some(value)
    }

    /// Records a fault of the member `name` of the value where the walk is.
    pub fn add_at(&mut self, name: &str, kind: &'static str, msg: impl Into<String>) {
        self.within(Step::name(name), |faults| faults.add(kind, msg));
    }

    /// Goes one step down for the time of `walk`.
    pub fn within<T>(&mut self, step: Step, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.enter(step);
        let result = walk(self);
        self.leave();
        result
    }

    pub fn enter(&mut self, step: Step) {
        self.at.truncate(self.depth);
        self.at.push(step);
        self.depth += 1;
    }

    /// Enters the member of that name, which is one of the contract's.
    pub fn enter_name(&mut self, name: &str) {
        match self.at.get_mut(self.depth) {
            Some(Step::Name(last)) => {
                last.clear();
                last.push_str(name);
                self.depth += 1;
            }
            _ => self.enter(Step::Name(name.to_owned())),
        }
    }

    /// Enters the item of that index.
    pub fn enter_index(&mut self, index: usize) {
        match self.at.get_mut(self.depth) {
            Some(Step::Index(last)) => {
                *last = index;
                self.depth += 1;
            }
            _ => self.enter(Step::Index(index)),
        }
    }

    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}
