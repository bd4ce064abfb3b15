//! All integration tests, in one binary: each module one subject.

mod broken_files;
mod busy;
mod code_cache;
mod concurrent;
mod examples;
mod grants;
mod hostile;
mod hot_load;
mod keyvalue;
mod output;
mod serving;
