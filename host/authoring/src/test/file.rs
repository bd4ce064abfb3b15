//! The text of a test file → its steps. The format is described in `witapi test --help`.

use std::ops::Range;

use axum::http::{HeaderName, HeaderValue, Method};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::placeholder::parse_json;

/// One request and the answer that is expected.
#[derive(Debug, Clone)]
pub(super) struct TestStep {
    /// What stands behind `###`, or else method and target.
    pub title: String,
    /// Of the request, from 1.
    pub line: usize,
    pub method: Method,
    pub target: String,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Option<FileContent>,
    pub expected: Option<Expected>,
    /// Where the expected answer stands in the file, or would.
    pub span: Range<usize>,
}

/// What an answer has to be.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// `None` for any.
    pub status: Option<u16>,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Option<FileContent>,
}

/// A body as it is written.
#[derive(Debug, Clone)]
pub(super) enum FileContent {
    /// Text or JSON.
    Text(String),
    /// `base64,…;`
    Bytes(Vec<u8>),
    /// `file,…;`: a file beside the test.
    File(String),
}

/// What is wrong with a test file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, found {found}")]
pub(super) struct Mistake {
    pub line: usize,
    pub found: String,
    pub expected: &'static str,
}

/// A line of the file.
#[derive(Clone, Copy)]
struct Line<'t> {
    number: usize,
    begin: usize,
    text: &'t str,
}

impl Line<'_> {
    fn is_void(&self) -> bool {
        let text = self.text.trim();
        text.is_empty() || text.starts_with('#') || text.starts_with("//")
    }

    fn mistake(&self, expected: &'static str) -> Mistake {
        Mistake { line: self.number, found: format!("`{}`", self.text.trim()), expected }
    }
}

/// The steps of a file.
///
/// # Errors
///
/// The first line that does not fit.
pub(super) fn parse(text: &str) -> Result<Vec<TestStep>, Mistake> {
    let mut lines = vec![];
    let mut begin = 0;
    for (i, whole) in text.split_inclusive('\n').enumerate() {
        lines.push(Line { number: i + 1, begin, text: whole.trim_end_matches(['\n', '\r']) });
        begin += whole.len();
    }
    let mut steps = vec![];
    let mut rest = lines.as_slice();
    let mut title = "";
    loop {
        let end = rest.iter().position(|line| line.text.starts_with("###")).unwrap_or(rest.len());
        let next = rest.get(end);
        let until = next.map_or(text.len(), |line| line.begin);
        steps.extend(step(title, &rest[..end], until)?);
        let Some(next) = next else { return Ok(steps) };
        title = next.text.trim_start_matches('#').trim();
        rest = &rest[end + 1..];
    }
}

/// One section of the file, which may hold no request at all. `until` is where it ends.
fn step(title: &str, lines: &[Line], until: usize) -> Result<Option<TestStep>, Mistake> {
    let Some(first) = lines.iter().position(|line| !line.is_void()) else { return Ok(None) };
    let request = lines[first];
    let expected = "a request such as `POST /todos`";
    let mut words = request.text.split_whitespace();
    let method = words.next().filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase()));
    let method = method.and_then(|word| Method::from_bytes(word.as_bytes()).ok());
    let (Some(method), Some(target)) = (method, words.next().filter(|target| target.starts_with('/'))) else {
        return Err(request.mistake(expected));
    };
    let lines = &lines[first + 1..];
    let answer = lines.iter().position(|line| status(line).is_some());
    let (of_request, of_answer) = lines.split_at(answer.unwrap_or(lines.len()));
    let (headers, body) = message(of_request)?;
    let expected = match of_answer.split_first() {
        None => None,
        Some((line, rest)) => {
            let word = status(line).unwrap_or_default();
            let status = match word {
                "*" => None,
                word => {
                    let status = word.parse().ok().filter(|status| (100..600).contains(status));
                    Some(status.ok_or_else(|| line.mistake("a status such as `HTTP 201`, or `HTTP *` for any"))?)
                }
            };
            let (headers, body) = message(rest)?;
            check_json(&body, rest)?;
            Some(Expected { status, headers, body })
        }
    };
    let title = if title.is_empty() { format!("{method} {target}") } else { title.to_owned() };
    let span = of_answer.first().map_or(until, |line| line.begin)..until;
    Ok(Some(TestStep { title, line: request.number, method, target: target.to_owned(), headers, body, expected, span }))
}

/// The status of a line such as `HTTP 201` or `HTTP/1.1 201 Created`.
fn status<'t>(line: &Line<'t>) -> Option<&'t str> {
    let rest = line.text.strip_prefix("HTTP")?;
    let rest = rest.strip_prefix("/1.1").unwrap_or(rest);
    rest.strip_prefix(' ')?.split_whitespace().next()
}

type Message = (Vec<(HeaderName, String)>, Option<FileContent>);

/// Headers, an empty line, and the body.
fn message(lines: &[Line]) -> Result<Message, Mistake> {
    let end = lines.iter().position(|line| line.text.trim().is_empty()).unwrap_or(lines.len());
    let mut headers = vec![];
    for line in lines[..end].iter().filter(|line| !line.is_void()) {
        let expected = "a header such as `x-tenant: acme`, or an empty line before the body";
        let (name, value) = line.text.split_once(':').ok_or_else(|| line.mistake(expected))?;
        let name = name.trim().parse().map_err(|_| line.mistake(expected))?;
        HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| line.mistake(expected))?;
        headers.push((name, value.trim().to_owned()));
    }
    let body = lines[end..].iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
    let body = body.trim_matches('\n').trim_end();
    Ok((headers, content(body, lines.get(end))?))
}

fn content(body: &str, line: Option<&Line>) -> Result<Option<FileContent>, Mistake> {
    let enclosed = |kind: &str| body.strip_prefix(kind)?.strip_suffix(';');
    Ok(match (enclosed("base64,"), enclosed("file,")) {
        _ if body.is_empty() => None,
        (Some(base64), _) => {
            let compact: String = base64.split_whitespace().collect();
            let decoded = BASE64_STANDARD.decode(compact).map_err(|_| Mistake {
                line: line.map_or(1, |line| line.number + 1),
                found: "a body that is no base64".into(),
                expected: "base64 with padding between `base64,` and `;`",
            })?;
            Some(FileContent::Bytes(decoded))
        }
        (_, Some(file)) => Some(FileContent::File(file.trim().to_owned())),
        _ => Some(FileContent::Text(body.to_owned())),
    })
}

/// A expected body that begins like JSON and is none is a typing error.
fn check_json(body: &Option<FileContent>, lines: &[Line]) -> Result<(), Mistake> {
    let Some(FileContent::Text(text)) = body else { return Ok(()) };
    if !text.starts_with(['{', '[']) || text.starts_with("{{") {
        return Ok(());
    }
    let Err(error) = parse_json(text) else { return Ok(()) };
    let is_before_body = |line: &&Line| !line.text.trim().is_empty() && !text.starts_with(line.text.trim_end());
    let first = lines
        .iter()
        .skip_while(is_before_body)
        .find(|line| text.starts_with(line.text.trim_end()) && !line.text.trim().is_empty());
    Err(Mistake {
        line: first.map_or(1, |line| line.number) + error.line().saturating_sub(1),
        found: format!("a body that is no JSON: {error}"),
        expected: "JSON, in which values may be placeholders such as {{id}}",
    })
}

/// The JSON of a body that is some.
pub(super) fn json(text: &str) -> Option<Vec<Value>> {
    parse_json(text).ok().filter(|values| !values.is_empty())
}
