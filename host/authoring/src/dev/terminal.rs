//! What the author sees: builds, faults, requests, and what the plugin tells the log, each a line. In colour on a terminal,
//! plain elsewhere.

use std::{
    fmt::{self, Write as _},
    io::Write,
    time::{Duration, SystemTime},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::seconds;
use crate::build::Built;
use witapi_host::{catalog, config::toml_key, log};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CAUTION: Style = AnsiColor::Yellow.on_default();
const NOTE: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// Stdout. As a layer of the log it tells of requests and of what plugins write.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terminal;

impl Terminal {
    /// Whether colours are shown.
    pub fn is_coloured(self) -> bool {
        AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
    }

    /// Text as it is, and the end of its line. Whether anyone reads it or not, the host serves.
    pub fn print(self, text: &str) {
        let mut out = anstream::stdout().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
    }

    /// Where everything is.
    pub fn started(self, name: &str, language: &str, address: &str) {
        let row = |what: &str, path: &str| format!("  {DIM}{what:<10}{DIM:#} http://{address}{path}\n");
        self.print(&format!(
            "{STRONG}{name}{STRONG:#}, a plugin in {language}\n\nListening on http://{address}\n{}{}{}\nBuilding {name}; saving a file builds it again, Ctrl-C stops\n",
            row("Docs", "/docs"),
            row("Reference", "/reference"),
            row("OpenAPI", "/openapi.json"),
        ));
    }

    pub fn live(self, built: &Built, after: Duration) {
        let what = if built.was_fresh { "was up to date" } else { "built" };
        let time = if built.was_fresh { String::new() } else { format!(" in {}", seconds(built.took)) };
        let size = built.size.div_ceil(1000);
        self.line(GOOD, "live", &format!("after {} ({what}{time}, {size} KB)", seconds(after)));
    }

    /// A build or a load that failed, with all that was said.
    pub fn failed(self, step: &str, said: &str, after: Duration, is_serving: bool) {
        let then = if is_serving { "; the last good version keeps serving" } else { "; nothing is served yet" };
        self.print(&format!("\n{}\n", said.trim_end()));
        self.line(BAD, &format!("{step} failed"), &format!("after {}{then}", seconds(after)));
    }

    pub fn warning(self, warning: &str) {
        self.line(CAUTION, "warning", warning);
    }

    /// What an operator has to grant, which development grants by itself.
    pub fn grants(self, plugin: &str, packages: &[String]) {
        if packages.is_empty() {
            return;
        }
        let packages: Vec<_> = packages.iter().map(|package| format!("\"{package}\"")).collect();
        self.print(&format!(
            "\n`witapi dev` grants what the plugin imports. In production, grant it in witapi.toml:\n\n  [plugin.{}]\n  grants = [{}]\n",
            toml_key(plugin),
            packages.join(", ")
        ));
    }

    fn line(self, style: Style, what: &str, text: &str) {
        self.print(&format!("{} {style}{what}{style:#} {text}", clock()));
    }
}

/// Text without what colours it.
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// The time of day in UTC, as logs have it.
fn clock() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    format!("{DIM}{}{DIM:#}", now.get(11..19).unwrap_or_default())
}

impl<S: Subscriber> Layer<S> for Terminal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        match event.metadata().target() {
            "request" => {
                if let Some(text) = fields.request() {
                    self.print(&text);
                }
            }
            "guest" => {
                let text = fields.guest(*event.metadata().level());
                if log::take(text.len() + 1).is_some() {
                    self.print(&text);
                }
            }
            // Loads that failed, `Dev` tells itself.
            _ if fields.message.starts_with("not loaded: ") => {}
            _ => {
                let what = match *event.metadata().level() {
                    Level::ERROR => (BAD, "error"),
                    Level::WARN => (CAUTION, "warning"),
                    // The operator's words are not the author's; whoever asked for more gets all.
                    Level::INFO => return,
                    _ => (DIM, "debug"),
                };
                self.line(what.0, what.1, &format!("{}{}", fields.message, fields.others));
            }
        }
    }
}

/// The fields of one event.
#[derive(Default)]
struct Fields {
    message: String,
    method: String,
    path: String,
    status: Option<u64>,
    ms: f64,
    plugin: String,
    /// Why a request failed, or a stream broke.
    fault: String,
    stream: String,
    context: String,
    others: String,
}

impl Fields {
    /// The line of a request, and why it failed. What a page asks of the host itself is not told while it succeeds.
    fn request(&self) -> Option<String> {
        let first = self.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let is_hosts = self.plugin.is_empty() && (first.is_empty() || catalog::RESERVED.contains(&first));
        if is_hosts && self.status.is_none_or(|status| status < 400) {
            return None;
        }
        let style = match self.status {
            Some(200..300) => GOOD,
            Some(300..400) => NOTE,
            Some(400..500) => CAUTION,
            _ => BAD,
        };
        let status = self.status.map_or("---".into(), |status| status.to_string());
        let Fields { method, path, ms, .. } = self;
        let mut line =
            format!("{} {STRONG}{method:<6}{STRONG:#} {path} {style}{status}{style:#} {DIM}{ms:.1} ms{DIM:#}", clock());
        for more in [&self.message, &self.fault].into_iter().filter(|more| !more.is_empty()) {
            for text in more.lines() {
                let _ = write!(line, "\n         {style}{text}{style:#}");
            }
        }
        Some(line)
    }

    fn guest(&self, level: Level) -> String {
        let (style, name) = match level {
            Level::ERROR => (BAD, "error"),
            Level::WARN => (CAUTION, "warn"),
            Level::INFO => (NOTE, "info"),
            _ => (DIM, "debug"),
        };
        // Of stdout and stderr no level is known.
        let name = if self.stream.is_empty() { name } else { &self.stream };
        let context = if self.context.is_empty() { String::new() } else { format!("{DIM}{}{DIM:#} ", self.context) };
        format!("{} {style}{name:<6}{style:#} {context}{}", clock(), self.message)
    }

    fn text(&mut self, name: &str, value: String) {
        match name {
            "message" => self.message = value,
            "method" => self.method = value,
            "path" => self.path = value,
            "plugin" => self.plugin = value,
            "fault" | "broke" => self.fault = value,
            "stream" => self.stream = value,
            "context" => self.context = value,
            _ => {
                let _ = write!(self.others, " {name}={value}");
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value.to_owned());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "ms" {
            self.ms = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" => self.status = Some(value),
            name => self.text(name, value.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, plugin: &str, status: u64) -> Option<String> {
        let (path, plugin) = (path.to_owned(), plugin.to_owned());
        Fields { method: "GET".into(), path, plugin, status: Some(status), ms: 1.25, ..Fields::default() }.request()
    }

    #[test]
    fn a_request_is_a_line_and_the_pages_own_are_none() {
        let line = plain(&request("/notes/1", "notes", 200).expect("a line"));
        assert!(line.ends_with(" GET    /notes/1 200 1.2 ms"), "{line}");
        assert_eq!(request("/", "", 200), None);
        assert_eq!(request("/docs/swagger-ui.css", "", 200), None);
        assert!(request("/docs/nothing", "", 404).is_some());
        assert!(request("/nothing", "", 404).is_some());
        assert!(request("/", "notes", 200).is_some());
    }
}
