//! Requests and the answers that are expected, in files: run against a component without a socket.

mod expect;
mod file;
mod placeholder;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::offline::{Offline, OfflineError, Session};
pub use expect::Difference;
use file::{Expected, FileContent, TestStep};
use placeholder::{Captured, filled_json, filled_plain, pretty};

/// The ending of a test file's name.
pub const ENDING: &str = "http";

/// The most bytes of an answer that a test looks at.
const MAX_ANSWER: usize = 64 << 20;

/// What became of one file.
#[derive(Debug)]
pub struct FileReport {
    pub file: PathBuf,
    /// Why it could not be run at all.
    pub mistake: Option<String>,
    pub steps: usize,
    pub failures: Vec<TestFailure>,
    /// Steps whose expected answer was written anew.
    pub updated: usize,
}

/// A step that failed.
#[derive(Debug)]
pub struct TestFailure {
    pub title: String,
    /// Of the request, from 1.
    pub line: usize,
    /// Method and target, as they were sent.
    pub request: String,
    /// Why it could not be run.
    pub mistake: Option<String>,
    pub differences: Vec<Difference>,
    /// The body that was found, where the status is another than expected.
    pub body: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum TestError {
    #[error("{}: {error}", file.display())]
    Read { file: PathBuf, error: io::Error },
    #[error("{}: expected at least one test file `*.{ENDING}`, found none", folder.display())]
    NoTests { folder: PathBuf },
    #[error(transparent)]
    Offline(#[from] OfflineError),
}

/// The test files of a folder in the order of their names; or the file itself.
///
/// # Errors
///
/// It cannot be read, or has none.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, TestError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error| TestError::Read { file: path.to_owned(), error };
    let mut files = vec![];
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let is_hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if file.extension().is_some_and(|it| it == ENDING) && !is_hidden && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(TestError::NoTests { folder: path.to_owned() }) } else { Ok(files) }
}

/// Runs one file against a host of its own. With `update`, what was found is written into the file where it is not what was
/// expected.
///
/// # Errors
///
/// The file cannot be read or written, or the component does not load.
pub async fn run(offline: &Offline, file: &Path, update: bool) -> Result<FileReport, TestError> {
    let failed = |error| TestError::Read { file: file.to_owned(), error };
    let mut report = FileReport { file: file.to_owned(), mistake: None, steps: 0, failures: vec![], updated: 0 };
    let text = fs::read_to_string(file).map_err(failed)?;
    let steps = match file::parse(&text) {
        Ok(steps) if steps.is_empty() => {
            report.mistake = Some("there is no request in it".into());
            return Ok(report);
        }
        Ok(steps) => steps,
        Err(mistake) => {
            report.mistake = Some(mistake.to_string());
            return Ok(report);
        }
    };
    report.steps = steps.len();
    let session = offline.session(None)?;
    let mut values = Captured::new();
    let mut edits = vec![];
    let folder = file.parent().unwrap_or(Path::new(""));
    for step in &steps {
        match one(&session, offline.deadline, step, folder, &mut values, update).await {
            Outcome::Passed => {}
            Outcome::Failed(failure) => report.failures.push(*failure),
            Outcome::Updated(answer) => edits.push((step.span.clone(), answer)),
        }
    }
    session.close().await;
    if !edits.is_empty() {
        report.updated = edits.len();
        // Beside it first, so that it is never half of what it was.
        let draft = file.with_extension("http.new");
        fs::write(&draft, edited(&text, edits)).and_then(|()| fs::rename(&draft, file)).map_err(failed)?;
    }
    Ok(report)
}

/// The text with other answers.
fn edited(text: &str, edits: Vec<(std::ops::Range<usize>, String)>) -> String {
    let mut out = text.to_owned();
    for (span, answer) in edits.into_iter().rev() {
        let before = if out[..span.start].ends_with("\n\n") {
            ""
        } else if out[..span.start].ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        let after = if span.end < out.len() { "\n" } else { "" };
        out.replace_range(span, &format!("{before}{answer}{after}"));
    }
    out
}

enum Outcome {
    Passed,
    Failed(Box<TestFailure>),
    /// This stands for the answer now.
    Updated(String),
}

async fn one(
    session: &Session,
    deadline: Duration,
    step: &TestStep,
    folder: &Path,
    values: &mut Captured,
    update: bool,
) -> Outcome {
    let failure = |request: String, mistake: Option<String>| TestFailure {
        title: step.title.clone(),
        line: step.line,
        request,
        mistake,
        differences: vec![],
        body: None,
    };
    let (sent, request) = match request(step, folder, values) {
        Ok(request) => request,
        Err(why) => {
            return Outcome::Failed(Box::new(failure(format!("{} {}", step.method, step.target), Some(why))));
        }
    };
    let response = session.answer(request).await;
    let (head, body) = response.into_parts();
    // A stream may go on for much longer; a test is to end.
    let body = match tokio::time::timeout(deadline, to_bytes(body, MAX_ANSWER)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => {
            return Outcome::Failed(Box::new(failure(sent, Some(format!("the answer broke off: {error}")))));
        }
        Err(_) => {
            let why = format!("the answer did not end within {} ms, the plugin's `deadline_ms`", deadline.as_millis());
            return Outcome::Failed(Box::new(failure(sent, Some(why))));
        }
    };
    let before = values.clone();
    let mut differences = vec![];
    match &step.expected {
        Some(expected) => {
            if let Some(status) = expected.status.filter(|status| *status != head.status) {
                let (expected, found) = (Some(status.to_string()), Some(head.status.as_u16().to_string()));
                differences.push(Difference { place: "status".into(), expected, found });
            }
            headers(expected, &head.headers, values, &mut differences);
            match expected.body.as_ref().map(|expected| content(expected, &body, folder, values)).transpose() {
                Ok(found) => differences.extend(found.unwrap_or_default()),
                Err(why) => return Outcome::Failed(Box::new(failure(sent, Some(why)))),
            }
        }
        None if head.status.is_success() && !update => {}
        None => differences.push(Difference {
            place: "status".into(),
            expected: Some("a success status".into()),
            found: Some(head.status.as_u16().to_string()),
        }),
    }
    if differences.is_empty() {
        return Outcome::Passed;
    }
    if update {
        return Outcome::Updated(answer(step.expected.as_ref(), head.status, &head.headers, &body, &before));
    }
    let is_other_status = differences[0].place == "status";
    let found = is_other_status.then(|| shown(&body)).filter(|body| !body.is_empty());
    Outcome::Failed(Box::new(TestFailure { differences, body: found, ..failure(sent, None) }))
}

/// The request of a step, with what stands in its first line.
fn request(step: &TestStep, folder: &Path, values: &Captured) -> Result<(String, Request<Body>), String> {
    let unknown = |name: String| format!("no value for {{{{{name}}}}}: no earlier answer of this file gave it");
    let encoded = |value: &Value, _: &str| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let target = placeholder::filled(&step.target, values, encoded).map_err(unknown)?;
    let sent = format!("{} {target}", step.method);
    let mut request = Request::builder().method(step.method.clone()).uri(&target);
    let mut is_typed = false;
    for (name, value) in &step.headers {
        let value = filled_plain(value, values).map_err(unknown)?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| format!("the header `{name}` cannot have the value {value:?}"))?;
        is_typed |= name == header::CONTENT_TYPE;
        request = request.header(name, value);
    }
    let (media_type, body) = match &step.body {
        None => return Ok((sent, request.body(Body::empty()).map_err(|error| error.to_string())?)),
        Some(FileContent::Bytes(bytes)) => ("application/octet-stream", bytes.clone()),
        Some(FileContent::File(name)) => ("application/octet-stream", read(folder, name)?),
        Some(FileContent::Text(text)) if text.starts_with(['{', '[', '"']) || file::json(text).is_some() => {
            ("application/json", filled_json(text, values).map_err(unknown)?.into_bytes())
        }
        Some(FileContent::Text(text)) => ("text/plain", filled_plain(text, values).map_err(unknown)?.into_bytes()),
    };
    if !is_typed {
        request = request.header(header::CONTENT_TYPE, media_type);
    }
    Ok((sent, request.body(Body::from(body)).map_err(|error| error.to_string())?))
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
    let file = folder.join(name);
    fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
}

fn headers(expected: &Expected, found: &HeaderMap, values: &mut Captured, differences: &mut Vec<Difference>) {
    for (name, text) in &expected.headers {
        let lines: Vec<_> = found.get_all(name).iter().map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
        if !lines.iter().any(|line| placeholder::matches(text, line, values)) {
            let found = Some(lines.join(", ")).filter(|_| !lines.is_empty());
            differences.push(Difference { place: format!("header {name}"), expected: Some(text.clone()), found });
        }
    }
}

/// Where a body is not as expected.
fn content(
    expected: &FileContent,
    found: &Bytes,
    folder: &Path,
    values: &mut Captured,
) -> Result<Vec<Difference>, String> {
    let bytes = match expected {
        FileContent::Text(text) => {
            let found = String::from_utf8_lossy(found);
            return Ok(match (file::json(text), found_json(&found)) {
                (Some(expected), Some(found)) => expect::compare(&expected, &found, values),
                _ => expect::compare_text(text, &found, values).into_iter().collect(),
            });
        }
        FileContent::Bytes(bytes) => bytes.clone(),
        FileContent::File(name) => read(folder, name)?,
    };
    if bytes == **found {
        return Ok(vec![]);
    }
    let (expected, found) = (Some(shown_bytes(&bytes)), Some(shown_bytes(found)));
    Ok(vec![Difference { place: "body".into(), expected, found }])
}

fn found_json(text: &str) -> Option<Vec<Value>> {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    values.ok().filter(|values| !values.is_empty())
}

fn shown_bytes(bytes: &[u8]) -> String {
    format!("base64,{};", BASE64_STANDARD.encode(bytes))
}

/// A body for people, or for a test.
fn shown(body: &Bytes) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => match found_json(text) {
            Some(values) => values.iter().map(pretty).collect::<Vec<_>>().join("\n"),
            None => text.trim_end_matches(['\n', '\r']).to_owned(),
        },
        Err(_) => shown_bytes(body),
    }
}

/// An answer as a test has it. What was expected and fits stays as it was written.
fn answer(
    expected: Option<&Expected>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
    values: &Captured,
) -> String {
    let mut out = format!("HTTP {}\n", status.as_u16());
    for (name, text) in expected.iter().flat_map(|expected| &expected.headers) {
        let lines: Vec<_> = headers.get_all(name).iter().map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
        let fits = lines.iter().any(|line| placeholder::matches(text, line, &mut values.clone()));
        if fits {
            out.push_str(&format!("{name}: {text}\n"));
        } else if let Some(line) = lines.first() {
            out.push_str(&format!("{name}: {line}\n"));
        }
    }
    // A test that said nothing of the body does not begin to, unless it said nothing at all.
    if expected.is_some_and(|expected| expected.body.is_none()) || body.is_empty() {
        return out;
    }
    let old = match expected.and_then(|expected| expected.body.as_ref()) {
        Some(FileContent::Text(text)) => file::json(text),
        _ => None,
    };
    let found = std::str::from_utf8(body).ok().and_then(found_json);
    let text = match (old, found) {
        (Some(old), Some(found)) => {
            let new = match (&old[..], &found[..]) {
                ([old], [found]) => vec![expect::updated(old, found, values)],
                _ => match expect::updated(&Value::Array(old), &Value::Array(found), values) {
                    Value::Array(items) => items,
                    other => vec![other],
                },
            };
            new.iter().map(pretty).collect::<Vec<_>>().join("\n")
        }
        _ => shown(body),
    };
    out.push_str(&format!("\n{text}\n"));
    out
}
