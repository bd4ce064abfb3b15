//! The log: what the host and the guests tell the operator, on stderr.

mod batched;
mod request;
mod room;

use std::{
    borrow::Cow,
    error::Error,
    io::{self, IsTerminal},
    sync::OnceLock,
    time::Duration,
};

use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

pub use request::{Answered, is_wanted, milliseconds};
pub use room::{take, within};

/// The environment variable that says what is logged, in the syntax of `tracing`'s filters:
/// `debug`, or `warn,witapi=debug,guest=off`.
pub const ENV: &str = "WITAPI_LOG";

/// What is logged when [`ENV`] says nothing.
pub const DEFAULT_FILTER: &str = "info";

/// The same for [`LogFormat::Brief`].
pub const BRIEF_FILTER: &str = "warn,guest=info";

/// The longest line [`printable`] answers, in bytes.
pub const MAX_LINE: usize = 8 << 10;

/// Room for the longest mark of [`printable`]: ` … 18446744073709551615 bytes cut`.
const MARK: usize = 36;

/// How lines of requests are put together without `tracing`, if they are.
static DIRECT: OnceLock<request::Style> = OnceLock::new();

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; in colour if stderr is a terminal and `NO_COLOR` is not set.
    #[default]
    Text,
    /// For a command that is not the host's: what guests say, warnings and errors, without the time.
    Brief,
    /// For programs: one JSON object a line, the event's fields beside `timestamp`, `level` and `target`.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("{ENV}: expected a filter such as `{DEFAULT_FILTER}` or `warn,witapi=debug`, found {found:?}: {why}")]
    Filter { found: String, why: String },
    /// [`init`] was called before, or something else logs.
    #[error("the log is already set up")]
    Twice,
    #[error("cannot start the log's thread: {0}")]
    Thread(io::Error),
}

/// What an error says, and each of its causes.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Begins to log to stderr: times in RFC 3339 and UTC, as much as [`ENV`] says. Once in a process.
///
/// Lines are written by a thread of its own, some milliseconds late if there are many: see [`flush`]. Nobody waits for
/// stderr: what it does not take is dropped, and a line says how many lines are missing.
///
/// # Errors
///
/// See [`InitError`]: a wrong filter is refused, lest what it was to show be missed.
pub fn init(format: LogFormat) -> Result<(), InitError> {
    let found = std::env::var_os(ENV).map(|value| value.to_string_lossy().into_owned());
    let default = if format == LogFormat::Brief { BRIEF_FILTER } else { DEFAULT_FILTER };
    let filter = filter(found.as_deref().unwrap_or_default(), default)?;
    let has_colour = has_colour();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(has_colour)
        // A failing stderr would be reported on stderr, where that fails with a panic.
        .log_internal_errors(false);
    let begun = match format {
        LogFormat::Text => log.with_writer(|| batched::Event).try_init(),
        LogFormat::Brief => log.without_time().with_writer(|| batched::Event).try_init(),
        LogFormat::Json => {
            log.json().flatten_event(true).with_span_list(false).with_writer(|| batched::Event).try_init()
        }
    };
    begun.map_err(|_| InitError::Twice)?;
    let style = match format {
        LogFormat::Text if !has_colour => Some(request::Style::Text),
        LogFormat::Json => Some(request::Style::Json),
        // `tracing` knows about colours.
        LogFormat::Text | LogFormat::Brief => None,
    };
    if let Some(style) = style {
        let _ = DIRECT.set(style);
    }
    batched::begin().map_err(InitError::Thread)
}

/// Waits until all that was logged is written, but no longer than `patience`: before the process ends.
pub fn flush(patience: Duration) {
    batched::flush(patience);
}

/// The same, told by a layer of its own.
///
/// # Errors
///
/// As of [`init`].
pub fn init_with(layer: impl Layer<Registry> + Send + Sync) -> Result<(), InitError> {
    let found = std::env::var_os(ENV).map(|value| value.to_string_lossy().into_owned());
    let filter = filter(found.as_deref().unwrap_or_default(), DEFAULT_FILTER)?;
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().map_err(|_| InitError::Twice)
}

/// What WASI's functions say of themselves, a guest makes them say with every call, and nothing counts it. It is shown only
/// if the filter names them.
const SILENT: &str = "wasmtime_wasi";

fn filter(text: &str, default: &str) -> Result<EnvFilter, InitError> {
    let text = if text.trim().is_empty() { default } else { text };
    // Without regular expressions: the environment should not decide how long a match takes.
    let builder = EnvFilter::builder().with_regex(false);
    // A target stands for all that begin as it does, `wasmtime_wasi_http` too.
    let whole = if text.contains(SILENT) { text.to_owned() } else { format!("{SILENT}=off,{text}") };
    builder.parse(whole).map_err(|why| InitError::Filter { found: text.to_owned(), why: why.to_string() })
}

fn has_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stderr().is_terminal()
}

/// A line that a guest or a client wrote, made safe to print.
///
/// It cannot drive a terminal, begin a line of its own or show other than what is read: characters
/// that do something instead of showing (see [`is_hidden`]) are spelled as Rust spells them, such
/// as `\u{1b}`. It is at most [`MAX_LINE`] bytes; a longer one is cut and says how much is missing.
/// Backslashes stay as they are, so a spelled character and its spelling look the same.
pub fn printable(line: &str) -> Cow<'_, str> {
    if line.len() <= MAX_LINE && !line.contains(is_hidden) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(MAX_LINE.min(line.len() + MARK));
    // How much of `out` and `line` can stay if the mark has to follow.
    let mut kept = (0, 0);
    for (at, character) in line.char_indices() {
        if out.len() <= MAX_LINE - MARK {
            kept = (out.len(), at);
        }
        if is_hidden(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
        if out.len() > MAX_LINE {
            out.truncate(kept.0);
            out += &format!(" … {} bytes cut", line.len() - kept.1);
            break;
        }
    }
    Cow::Owned(out)
}

/// A text as it is, of at most [`MAX_LINE`] bytes: the middle of a longer one is missing, and how much that is stands in its place.
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_LINE {
        return Cow::Borrowed(text);
    }
    let kept = (MAX_LINE - MARK - " … ".len()) / 2;
    let (head, tail) = (text.floor_char_boundary(kept), text.ceil_char_boundary(text.len() - kept));
    Cow::Owned(format!("{} … {} bytes cut … {}", &text[..head], tail - head, &text[tail..]))
}

/// [`printable`] for a text of the host's own that quotes what others wrote: its line ends stay.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Whether a character acts on the terminal or the text around it, or is not seen at all:
/// C0, DEL and C1 controls but the tab, line and paragraph separators, bidirectional controls,
/// invisible operators, interlinear marks, tags and the byte order mark. The joiners that emoji and some
/// scripts need are not among them.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}'
            | '\u{a}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_not_copied() {
        for line in ["", "hello\tworld", "C:\\new", "naïve 日本語 👩‍👧", &"x".repeat(MAX_LINE)] {
            assert!(matches!(printable(line), Cow::Borrowed(same) if same == line));
        }
    }

    #[test]
    fn a_guest_cannot_drive_the_terminal() {
        assert_eq!(printable("\u{1b}[2J\u{1b}]0;x\u{7}"), r"\u{1b}[2J\u{1b}]0;x\u{7}");
        assert_eq!(printable("\u{9b}31m\u{7f}\0"), r"\u{9b}31m\u{7f}\u{0}");
    }

    #[test]
    fn a_guest_cannot_forge_a_line() {
        assert_eq!(printable("a\r\n2026 INFO b\u{2028}c\u{85}"), r"a\r\n2026 INFO b\u{2028}c\u{85}");
    }

    #[test]
    fn text_cannot_be_reordered_or_hidden() {
        assert_eq!(printable("a\u{202e}b\u{2066}c\u{61c}"), r"a\u{202e}b\u{2066}c\u{61c}");
        assert_eq!(printable("\u{feff}a\u{200b}\u{e0041}"), r"\u{feff}a\u{200b}\u{e0041}");
    }

    #[test]
    fn a_long_line_is_cut_and_says_how_much_is_missing() {
        let line = printable(&"x".repeat(MAX_LINE + 1)).into_owned();
        assert_eq!(line.len(), MAX_LINE - MARK + " … 37 bytes cut".len());
        assert!(line.ends_with("xx … 37 bytes cut"), "{line}");
    }

    #[test]
    fn no_line_exceeds_its_bound_or_loses_count() {
        for unit in ["x", "é", "日", "👩", "\u{1b}", "\u{e0041}", "ab\u{202e}é"] {
            for length in [1, 900, 2_000, 8_150, 8_190, 8_192, 8_193, 9_000, 100_000] {
                let raw = unit.repeat(length / unit.len());
                let line = printable(&raw);
                assert!(line.len() <= MAX_LINE);
                assert!(!line.contains(is_hidden));
                if let Some((kept, mark)) = line.split_once(" … ") {
                    let whole: String = raw.chars().map(|c| printable(&c.to_string()).into_owned()).collect();
                    assert!(whole.starts_with(kept));
                    let cut: usize = mark.trim_end_matches(" bytes cut").parse().unwrap();
                    let seen = &raw[..raw.len() - cut];
                    assert_eq!(printable(seen), kept);
                }
            }
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("a\nb"), "a\nb");
        let long = "é".repeat(MAX_LINE);
        let cut = cut(&long);
        let parts: Vec<_> = cut.split(" … ").collect();
        let [head, mark, tail] = parts[..] else { panic!("{cut}") };
        assert!(cut.len() <= MAX_LINE && cut.len() > MAX_LINE - 50 && long.starts_with(head) && long.ends_with(tail));
        assert_eq!(mark, format!("{} bytes cut", long.len() - head.len() - tail.len()));
    }

    #[test]
    fn the_mark_fits_its_room() {
        assert!(format!(" … {} bytes cut", u64::MAX).len() <= MARK);
    }

    #[test]
    fn an_empty_filter_is_the_default() {
        assert_eq!(filter(" ", DEFAULT_FILTER).unwrap().to_string(), "wasmtime_wasi=off,info");
        assert!(filter("warn,witapi=debug,guest=off", DEFAULT_FILTER).is_ok());
        let named = filter("warn,wasmtime_wasi_http=info", DEFAULT_FILTER).unwrap().to_string();
        assert!(!named.contains("off"), "{named}");
        let error = filter("witapi=loud", DEFAULT_FILTER).unwrap_err().to_string();
        assert!(error.starts_with("WITAPI_LOG: expected a filter"), "{error}");
    }
}
