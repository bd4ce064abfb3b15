//! The access log: one line for each request.
//!
//! It is by far the most of a log, so its line is put together here instead of by `tracing`, with the same outcome, at a
//! tenth of the cost. What goes elsewhere than to stderr without colours, `tracing` writes.

use std::{
    cell::RefCell,
    fmt::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tracing::Level;

use super::{batched, cut, printable};

/// A request that was answered, as the log has it.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The `x-request-id`.
    pub id: &'a str,
    pub plugin: Option<&'a str>,
    pub operation: Option<&'a str>,
    pub status: u16,
    pub took: Duration,
    pub method: &'a str,
    /// As the client sent it.
    pub path: &'a str,
    /// Why its stream ended before its time.
    pub broke: Option<&'a str>,
    /// What is wrong with the plugin or the host.
    pub fault: Option<&'a str>,
}

/// How lines are put together here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    Json,
}

/// Whether lines of answered requests are wanted.
pub fn is_wanted() -> bool {
    tracing::enabled!(target: "request", Level::INFO)
}

/// Milliseconds, to the microsecond.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

impl Answered<'_> {
    /// Writes the line, if it is wanted.
    pub fn log(&self) {
        // A guest's names stand in a trap, as long as it likes.
        let [broke, fault] = [self.broke, self.fault].map(|text| text.map(cut));
        Answered { broke: broke.as_deref(), fault: fault.as_deref(), ..*self }.write();
    }

    fn write(&self) {
        let Some(style) = super::DIRECT.get().filter(|_| self.fault.is_none()) else { return self.trace() };
        if !is_wanted() {
            return;
        }
        LINE.with_borrow_mut(|line| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            style.write(self, now.subsec_micros(), line.begin(*style, now.as_secs()));
            batched::line(line.text.as_bytes());
        });
    }

    fn trace(&self) {
        let Answered { id, plugin, operation, status, took, method, path, broke, fault } = *self;
        let (ms, path) = (milliseconds(took), printable(path));
        match fault {
            Some(fault) => tracing::error!(target: "request", id, plugin, operation, status, ms, method, %path, fault),
            None => tracing::info!(target: "request", id, plugin, operation, status, ms, method, %path, broke),
        }
    }
}

thread_local! {
    static LINE: RefCell<Line> = const { RefCell::new(Line { text: String::new(), second: 0, time: String::new() }) };
}

/// What a thread has at hand for its next line.
struct Line {
    text: String,
    /// The second since 1970 that `time` is.
    second: u64,
    time: String,
}

impl Line {
    /// The line to write on, with the time to the second on it.
    fn begin(&mut self, style: Style, second: u64) -> &mut String {
        if self.second != second || self.time.is_empty() {
            let whole = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(second)).to_string();
            self.time.clear();
            self.time.push_str(whole.trim_end_matches('Z'));
            self.second = second;
        }
        self.text.clear();
        self.text.push_str(if style == Style::Json { r#"{"timestamp":""# } else { "" });
        self.text.push_str(&self.time);
        &mut self.text
    }
}

impl Style {
    /// The rest of a line that has its second.
    fn write(self, request: &Answered, micros: u32, line: &mut String) {
        let Answered { id, plugin, operation, status, took, method, path, broke, .. } = *request;
        line.push('.');
        padded(line, micros, 6);
        line.push_str(if self == Style::Json { r#"Z","level":"INFO""# } else { "Z  INFO request:" });
        self.text(line, "id", id);
        for (name, value) in [("plugin", plugin), ("operation", operation)] {
            if let Some(value) = value {
                self.text(line, name, value);
            }
        }
        self.name(line, "status");
        padded(line, status.into(), 3);
        self.name(line, "ms");
        push_milliseconds(line, took);
        self.text(line, "method", method);
        let path = printable(path);
        match self {
            // As it is: it was made safe to print.
            Style::Text => {
                self.name(line, "path");
                line.push_str(&path);
            }
            Style::Json => self.text(line, "path", &path),
        }
        if let Some(broke) = broke {
            self.text(line, "broke", broke);
        }
        line.push_str(if self == Style::Json { ",\"target\":\"request\"}\n" } else { "\n" });
    }

    fn name(self, line: &mut String, name: &str) {
        let [before, after] = if self == Style::Json { [",\"", "\":"] } else { [" ", "="] };
        for text in [before, name, after] {
            line.push_str(text);
        }
    }

    fn text(self, line: &mut String, name: &str, value: &str) {
        self.name(line, name);
        let is_plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        if is_plain {
            line.push('"');
            line.push_str(value);
            line.push('"');
        } else if self == Style::Json {
            line.push_str(&serde_json::Value::from(value).to_string());
        } else {
            let _ = write!(line, "{value:?}");
        }
    }
}

/// Decimal digits, with as many zeros before them as make `width`.
fn padded(line: &mut String, number: u32, width: u32) {
    for at in (0..width).rev() {
        line.push(char::from(b'0' + (number / 10u32.pow(at) % 10) as u8));
    }
}

/// As `{:?}` writes [`milliseconds`].
fn push_milliseconds(line: &mut String, time: Duration) {
    let micros = time.as_micros();
    let _ = write!(line, "{}", micros / 1000);
    let thousandths = (micros % 1000) as u32;
    line.push('.');
    let (digits, width) = match thousandths {
        it if it % 100 == 0 => (it / 100, 1),
        it if it % 10 == 0 => (it / 10, 2),
        it => (it, 3),
    };
    padded(line, digits, width);
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What `tracing` writes.
    fn traced(request: &Answered, style: Style) -> String {
        let kept = Kept::default();
        let out = kept.clone();
        let log = tracing_subscriber::fmt().with_writer(move || out.clone()).with_ansi(false);
        let log: Box<dyn tracing::Subscriber + Send + Sync> = match style {
            Style::Text => Box::new(log.finish()),
            Style::Json => Box::new(log.json().flatten_event(true).with_span_list(false).finish()),
        };
        tracing::subscriber::with_default(log, || request.trace());
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    fn direct(request: &Answered, style: Style, now: Duration) -> String {
        let mut line = Line { text: String::new(), second: 0, time: String::new() };
        style.write(request, now.subsec_micros(), line.begin(style, now.as_secs()));
        line.text
    }

    #[test]
    fn a_line_is_as_tracing_writes_it() {
        let fine = Answered {
            id: "01a20a70-c82a-7362-9256-bb7f3f1258f6",
            plugin: Some("orders"),
            operation: Some("hello.say-hello"),
            status: 200,
            took: Duration::from_micros(53),
            method: "GET",
            path: "/hello",
            broke: None,
            fault: None,
        };
        let long = "x".repeat(20_000);
        let requests = [
            fine,
            Answered { plugin: None, operation: None, status: 404, ..fine },
            Answered { id: "a\"b\\c{}~'", path: "/no\"where\\%20'", ..fine },
            Answered { path: "/a\u{1b}[31m\u{202e}é日", method: "BREW", ..fine },
            Answered { path: &long, ..fine },
            Answered { broke: Some("a \"quoted\" line\nand\t\u{1b} another"), ..fine },
        ];
        for style in [Style::Text, Style::Json] {
            for request in &requests {
                let traced = traced(request, style);
                let time = traced.find("20").unwrap()..traced.find('Z').unwrap() + 1;
                let now = humantime::parse_rfc3339(&traced[time]).unwrap().duration_since(UNIX_EPOCH).unwrap();
                assert_eq!(direct(request, style, now), traced);
            }
            for micros in [0, 1, 10, 100, 999, 1000, 1001, 1010, 1100, 30_000, 30_050, 12_345_678, 3_600_000_000] {
                let request = Answered { took: Duration::from_micros(micros), ..fine };
                let ms = milliseconds(request.took);
                let wanted = if style == Style::Json { format!("\"ms\":{ms:?},") } else { format!(" ms={ms:?} ") };
                let line = direct(&request, style, Duration::from_secs(1));
                assert!(line.contains(&wanted), "{line} {wanted}");
            }
        }
    }
}
