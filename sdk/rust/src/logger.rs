//! What the crate `log` is told → `wasi:logging`.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::bindings::wasi::logging::logging;

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        // Which levels are seen is the operator's to say.
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = match record.level() {
            Level::Trace => logging::Level::Trace,
            Level::Debug => logging::Level::Debug,
            Level::Info => logging::Level::Info,
            Level::Warn => logging::Level::Warn,
            Level::Error => logging::Level::Error,
        };
        match record.args().as_str() {
            Some(text) => logging::log(level, record.target(), text),
            None => logging::log(level, record.target(), &record.args().to_string()),
        }
    }

    fn flush(&self) {}
}

/// Takes over the crate `log`, and the messages of panics, which would be lost otherwise.
pub extern "C" fn begin() {
    // Who set another logger wants that one.
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
    std::panic::set_hook(Box::new(|panic| logging::log(logging::Level::Critical, "panic", &panic.to_string())));
}
