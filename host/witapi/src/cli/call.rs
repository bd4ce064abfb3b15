//! `witapi call`.

use std::{
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, Response, header},
};
use clap::Args;
use futures_util::StreamExt;
use serde_json::Value;
use witapi_authoring::{
    call::{self, RequestError},
    offline::Offline,
};
use witapi_host::{config::Config, log};

use super::exit;

const EXAMPLES: &str = "\
Examples:
  witapi call notes.wasm create-note '{\"text\": \"milk\"}'
  witapi call notes.wasm notes/get-note '{\"id\": 1}' --data data    keep the store in ./data
  witapi call notes.wasm 'GET /notes/{id}' '{\"id\": 1}' -i
  witapi call notes.wasm 'GET /openapi.json'                        any request
  jq .note order.json | witapi call notes.wasm create-note -
  witapi call images.wasm resize '{\"width\": 80}' --body photo.png > small.png

The arguments are a JSON object with the operation's parameters, by their JSON names, wherever they go in a request.
If the only parameter is the body, you can give the body itself. Bytes are base64, the items of a stream an array.
The component is granted everything that it imports. What it writes and logs goes to stderr (WITAPI_LOG sets how much).

Exit status: 0 success · 1 a problem, or an error of the operation · 2 unknown operation, or wrong arguments
             3 the component cannot be read or does not load";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Call {
    /// The component
    file: PathBuf,
    /// The operation: its operationId, its function in WIT (`get-note`, `notes/get-note`), or `METHOD /path`
    operation: String,
    /// The operation's parameters as a JSON object; `-` reads it from stdin
    #[arg(default_value = "{}")]
    arguments: String,
    /// Print status and headers before the body
    #[arg(short, long)]
    include: bool,
    /// A header of the request, as `name: value`
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// A file with the request's body; `-` reads stdin
    #[arg(short, long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The folder for the component's store, kept for the next call [default: a temporary folder]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The configuration with limits, mount point and casing [default: witapi.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let expected = || "expected `name: value`, such as `x-tenant: acme`".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(expected)?;
    let name = name.trim().parse().map_err(|_| expected())?;
    Ok((name, HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| expected())?))
}

pub(crate) fn run(arguments: &Call) -> ExitCode {
    let status = match made(arguments) {
        Ok(status) => status,
        Err((status, error)) => exit::with(status, format!("{error:#}")),
    };
    log::flush(exit::PATIENCE);
    status
}

fn made(arguments: &Call) -> Result<ExitCode, (u8, anyhow::Error)> {
    fn trouble<E: Into<anyhow::Error>>(error: E) -> (u8, anyhow::Error) {
        (exit::TROUBLE, error.into())
    }
    log::init(log::LogFormat::Brief).map_err(|error| (exit::USAGE, error.into()))?;
    let config = Config::load(arguments.config.as_deref()).map_err(trouble)?;
    let offline = Offline::open(&arguments.file, config).map_err(trouble)?;
    let request = request(arguments, &offline)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(trouble)?;
    let is_success = runtime.block_on(async {
        let session = offline.session(arguments.data.as_deref()).map_err(trouble)?;
        let response = session.answer(request).await;
        let is_success = response.status().is_success();
        // What the component wrote so far comes first.
        log::flush(exit::PATIENCE);
        let printed = print(response, arguments.include).await;
        session.close().await;
        match printed {
            Ok(is_whole) => Ok(is_success && is_whole),
            // Its reader has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(is_success),
            Err(error) => Err(trouble(error)),
        }
    })?;
    Ok(if is_success { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn request(arguments: &Call, offline: &Offline) -> Result<Request<Body>, (u8, anyhow::Error)> {
    let wrong = |error: RequestError| (exit::USAGE, error.into());
    let body = arguments.body.as_deref().map(read).transpose()?;
    let text = match arguments.arguments.as_str() {
        "-" => String::from_utf8(read(Path::new("-"))?).map_err(|error| (exit::USAGE, error.into()))?,
        text => text.to_owned(),
    };
    match call::find(&offline.name, &offline.contract, &arguments.operation) {
        Ok(operation) => call::request(operation, &text, body, &arguments.headers).map_err(wrong),
        Err(error) => as_written(&arguments.operation, body, &arguments.headers).ok_or_else(|| wrong(error)),
    }
}

/// A request that names no operation, but method and path.
fn as_written(text: &str, body: Option<Vec<u8>>, headers: &[(HeaderName, HeaderValue)]) -> Option<Request<Body>> {
    let (method, target) = text.split_once(' ')?;
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    // One with braces was to be an operation's route.
    if !is_method || !target.starts_with('/') || target.contains('{') {
        return None;
    }
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).ok()?).uri(target);
    if body.is_some() && !headers.iter().any(|(name, _)| name == header::CONTENT_TYPE) {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(body.map_or_else(Body::empty, Body::from)).ok()
}

fn read(file: &Path) -> Result<Vec<u8>, (u8, anyhow::Error)> {
    let mut bytes = vec![];
    let read = match file.to_str() {
        Some("-") => io::stdin().read_to_end(&mut bytes).map(drop),
        _ => std::fs::read(file).map(|content| bytes = content),
    };
    match read {
        Ok(()) => Ok(bytes),
        Err(error) => Err((exit::TROUBLE, anyhow::anyhow!("{}: {error}", file.display()))),
    }
}

/// Prints an answer while it comes, and says whether it came to its end.
async fn print(response: Response<Body>, include: bool) -> io::Result<bool> {
    let (head, body) = response.into_parts();
    let mut out = io::stdout();
    if include {
        writeln!(out, "HTTP/1.1 {}", head.status)?;
        for (name, value) in &head.headers {
            writeln!(out, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        writeln!(out)?;
    }
    let is_terminal = out.is_terminal();
    let is_json = head.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_json = is_json.is_some_and(|it| it.starts_with("application/json") || it.contains("+json"));
    if is_terminal && is_json {
        let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return Ok(false) };
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) => writeln!(out, "{value:#}")?,
            Err(_) => out.write_all(&bytes)?,
        }
        return Ok(true);
    }
    let mut chunks = body.into_data_stream();
    let mut ends_line = true;
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            exit::with(exit::FAILED, "the answer broke off");
            return Ok(false);
        };
        out.write_all(&chunk)?;
        out.flush()?;
        ends_line = chunk.last().map_or(ends_line, |last| *last == b'\n');
    }
    if is_terminal && !ends_line {
        writeln!(out)?;
    }
    Ok(true)
}
