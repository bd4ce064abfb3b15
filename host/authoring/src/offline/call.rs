//! An operation's name and JSON arguments → the request that a client would send for it.

use std::borrow::Cow;

use axum::{
    body::Body as HttpBody,
    http::{HeaderName, HeaderValue, Method, Request, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiter::{Jiter, Peek};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use witapi_contract::{Body, Contract, Operation, Param, Place, Segment};
use witapi_host::{openapi, value::scalar::nearest};

/// Why no request can be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("no operation `{found}`{}; the operations are:\n{}", did_you_mean(nearest), known.join("\n"))]
    UnknownOperation { found: String, nearest: Option<String>, known: Vec<String> },
    #[error("`{found}` is ambiguous; use one of:\n{}", known.join("\n"))]
    Ambiguous { found: String, known: Vec<String> },
    #[error("the arguments are not JSON: {why} at line {line}, column {column}")]
    NotJson { why: String, line: usize, column: usize },
    #[error("the arguments: expected an object with the parameters of `{operation}` ({known}), found {found}")]
    NotAnObject { found: &'static str, operation: String, known: String },
    #[error("`{operation}` has no parameter `{found}`{}; its parameters are: {known}", did_you_mean(nearest))]
    UnknownParameter { found: String, operation: String, nearest: Option<String>, known: String },
    #[error("the parameter `{name}`: expected once in the arguments, found twice")]
    Twice { name: String },
    #[error("the parameter `{name}` is missing; it is part of the path `{path}`")]
    MissingInPath { name: String, path: String },
    #[error(
        "the parameter `{name}`: expected a string, a number or a boolean, since it goes into the {place}; found {found}"
    )]
    NotAWord { name: String, found: &'static str, place: &'static str },
    #[error("the parameter `{name}`: expected a string of base64, since it is bytes; found {found}")]
    NotBytes { name: String, found: &'static str },
    #[error("the parameter `{name}`: expected an array of the items of its stream, found {found}")]
    NotItems { name: String, found: &'static str },
    #[error("the parameter `{name}` cannot go into a header: it has a line break or another control character")]
    NotAHeader { name: String },
    #[error("expected one body, found two: in the arguments and in `--body`")]
    TwoBodies,
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default()
}

/// What is left as it is in a path or a query (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

/// The operation that `wanted` names: by its operationId, by the function's name in WIT (`get-note`, or `notes/get-note`), or
/// as `METHOD /path`.
///
/// # Errors
///
/// There is none, or more than one.
pub fn find<'c>(plugin: &str, contract: &'c Contract, wanted: &str) -> Result<&'c Operation, RequestError> {
    let ids = openapi::operation_ids(plugin, contract);
    let with_ids = || contract.operations.iter().zip(&ids);
    if let Some((operation, _)) = with_ids().find(|(operation, id)| *id == wanted || operation.route() == wanted) {
        return Ok(operation);
    }
    let is_called = |operation: &&Operation| {
        operation.function == wanted || qualified(operation) == wanted || operation.label() == wanted
    };
    let called: Vec<&Operation> = contract.operations.iter().filter(is_called).collect();
    match called[..] {
        [operation] => Ok(operation),
        [] => {
            let operations = with_ids().map(|(it, id)| format!("  {}  {}  {id}", qualified(it), it.route()));
            let raw = contract.raw.iter().map(|raw| format!("  METHOD {}  any request, written out", raw.paths()));
            let known: Vec<String> = operations.chain(raw).collect();
            let functions = contract.operations.iter().map(|it| it.function.as_str());
            let qualified: Vec<String> = contract.operations.iter().map(qualified).collect();
            let names: Vec<&str> =
                functions.chain(qualified.iter().map(String::as_str)).chain(ids.iter().map(String::as_str)).collect();
            let nearest = nearest(wanted, &names).map(str::to_owned);
            Err(RequestError::UnknownOperation { found: wanted.to_owned(), nearest, known })
        }
        _ => {
            let known = called.into_iter().map(|it| format!("  {}  {}", qualified(it), it.route())).collect();
            Err(RequestError::Ambiguous { found: wanted.to_owned(), known })
        }
    }
}

/// `notes/get-note`
fn qualified(operation: &Operation) -> String {
    match operation.interface.as_str() {
        "" => operation.function.clone(),
        interface => format!("{interface}/{}", operation.function),
    }
}

/// The request for `operation`. `arguments` is a JSON object with its parameters by their JSON names, wherever they stand in a
/// request. Where the only parameter is the body, that may stand there itself; an object whose only member is called like the
/// parameter is taken as the object around it. `body`, if it is there, is sent as it is.
///
/// # Errors
///
/// Arguments of which no request can be made. What is wrong with their values is the host's to say.
pub fn request(
    operation: &Operation,
    arguments: &str,
    body: Option<Vec<u8>>,
    headers: &[(HeaderName, HeaderValue)],
) -> Result<Request<HttpBody>, RequestError> {
    let given = members(operation, arguments, body.is_some())?;
    let value = |param: &Param| given.iter().find(|(name, _)| *name == param.json).map(|(_, text)| text.as_str());

    let mut target = String::new();
    for segment in &operation.pattern.segments {
        match segment {
            Segment::Literal(text) => target.push_str(&format!("/{text}")),
            Segment::Param(name) => {
                let missing =
                    || RequestError::MissingInPath { name: name.clone(), path: operation.pattern.to_string() };
                let text =
                    given.iter().find(|(it, _)| it == name).map(|(_, text)| text.as_str()).ok_or_else(missing)?;
                let word = word(name, text, "path")?.ok_or_else(missing)?;
                target.push_str(&format!("/{}", encoded(&word)));
            }
        }
    }
    if target.is_empty() {
        target.push('/');
    }
    let mut separator = '?';
    for param in operation.params_in(Place::Query) {
        for word in words(param, value(param))? {
            target.push_str(&format!("{separator}{}={}", encoded(&param.json), encoded(&word)));
            separator = '&';
        }
    }
    let mut request = Request::builder().method(method(operation)).uri(target);
    for param in operation.params_in(Place::Header) {
        let words = words(param, value(param))?;
        if !words.is_empty() {
            let line = HeaderValue::from_bytes(words.join(", ").as_bytes());
            let line = line.map_err(|_| RequestError::NotAHeader { name: param.json.clone() })?;
            request = request.header(param.json.as_str(), line);
        }
    }
    let from_arguments = content(operation, &given, &value)?;
    let content = match (body, from_arguments) {
        (Some(_), Some(_)) => return Err(RequestError::TwoBodies),
        (Some(body), None) => Some((media_type(operation), body)),
        (None, content) => content,
    };
    if let Some((media_type, _)) = &content
        && !headers.iter().any(|(name, _)| name == header::CONTENT_TYPE)
    {
        request = request.header(header::CONTENT_TYPE, *media_type);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let body = content.map_or_else(HttpBody::empty, |(_, body)| body.into());
    // The path is made of a checked pattern and encoded words, and so fits.
    request.body(body).map_err(|_| RequestError::MissingInPath {
        name: operation.pattern.params().collect::<Vec<_>>().join(", "),
        path: operation.pattern.to_string(),
    })
}

fn method(operation: &Operation) -> Method {
    Method::from_bytes(operation.method.as_str().as_bytes()).unwrap_or(Method::POST)
}

/// What a body of the operation is sent as.
fn media_type(operation: &Operation) -> &'static str {
    match operation.body {
        Body::Raw(_) => "application/octet-stream",
        Body::Stream(_) if operation.takes_byte_stream() => "application/octet-stream",
        Body::Stream(_) => "application/x-ndjson",
        Body::None | Body::Whole(_) | Body::Members => "application/json",
    }
}

/// The body that the arguments make, with its media type.
fn content<'g>(
    operation: &Operation,
    given: &[(String, String)],
    value: &impl Fn(&Param) -> Option<&'g str>,
) -> Result<Option<(&'static str, Vec<u8>)>, RequestError> {
    let body = match operation.body {
        Body::None => None,
        Body::Whole(i) => value(&operation.params[i]).map(|text| text.as_bytes().to_vec()),
        Body::Raw(i) => value(&operation.params[i]).map(|text| bytes(&operation.params[i], text)).transpose()?,
        Body::Stream(i) => {
            let param = &operation.params[i];
            let read = |text| if operation.takes_byte_stream() { bytes(param, text) } else { lines(param, text) };
            value(param).map(read).transpose()?
        }
        Body::Members => {
            let of_body = |name: &str| operation.params_in(Place::Body).any(|param| param.json == name);
            let members = given.iter().filter(|(name, _)| of_body(name));
            let members: Vec<String> =
                members.map(|(name, text)| format!("{}: {text}", serde_json::Value::from(name.as_str()))).collect();
            Some(format!("{{{}}}", members.join(", ")).into_bytes()).filter(|_| !members.is_empty())
        }
    };
    Ok(body.map(|body| (media_type(operation), body)))
}

/// The arguments by name, each with its JSON as it was written. With a body of its own they are not the body.
fn members(operation: &Operation, arguments: &str, has_body: bool) -> Result<Vec<(String, String)>, RequestError> {
    let known = || {
        let names: Vec<_> = operation.params.iter().map(|param| format!("`{}`", param.json)).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    };
    let sole = match (operation.params.as_slice(), operation.body) {
        ([param], Body::Whole(_) | Body::Raw(_) | Body::Stream(_)) if !has_body => Some(param),
        _ => None,
    };
    let arguments = arguments.trim();
    let parsed = object(arguments)?;
    if let Some(param) = sole {
        let is_named = parsed.as_ref().is_some_and(|it| matches!(&it[..], [(name, _)] if *name == param.json));
        // `{}` is also how no arguments are given at all.
        let is_left_out = parsed.as_ref().is_some_and(Vec::is_empty) && !operation.body_is_required();
        if !is_named && !is_left_out {
            return Ok(vec![(param.json.clone(), arguments.to_owned())]);
        }
    }
    let Some(parsed) = parsed else {
        let (found, operation) = (kind(arguments), qualified(operation));
        return Err(RequestError::NotAnObject { found, operation, known: known() });
    };
    for (i, (name, _)) in parsed.iter().enumerate() {
        if !operation.params.iter().any(|param| param.json == *name) {
            let names: Vec<_> = operation.params.iter().map(|param| param.json.as_str()).collect();
            let nearest = nearest(name, &names).map(str::to_owned);
            let (found, operation) = (name.clone(), qualified(operation));
            return Err(RequestError::UnknownParameter { found, operation, nearest, known: known() });
        }
        if parsed[..i].iter().any(|(other, _)| other == name) {
            return Err(RequestError::Twice { name: name.clone() });
        }
    }
    Ok(parsed)
}

/// The members of a JSON object as they are written, or `None` for JSON of another type.
fn object(text: &str) -> Result<Option<Vec<(String, String)>>, RequestError> {
    let mut reader = Jiter::new(text.as_bytes());
    let members = read_object(&mut reader, text).map_err(|error| {
        let position = error.get_position(&reader);
        RequestError::NotJson { why: error.error_type.to_string(), line: position.line, column: position.column }
    })?;
    Ok(members)
}

fn read_object(reader: &mut Jiter, text: &str) -> Result<Option<Vec<(String, String)>>, jiter::JiterError> {
    if reader.peek()? != Peek::Object {
        reader.next_skip()?;
        reader.finish()?;
        return Ok(None);
    }
    let mut members = vec![];
    let mut key = reader.known_object()?.map(str::to_owned);
    while let Some(name) = key {
        let begin = reader.current_index();
        reader.next_skip()?;
        let value = text.get(begin..reader.current_index()).unwrap_or_default();
        members.push((name, value.trim().to_owned()));
        key = reader.next_key()?.map(str::to_owned);
    }
    reader.finish()?;
    Ok(Some(members))
}

/// The items of a JSON array as they are written, or `None` for JSON of another type.
fn array(text: &str) -> Option<Vec<&str>> {
    let mut reader = Jiter::new(text.as_bytes());
    if reader.peek().ok()? != Peek::Array {
        return None;
    }
    let mut items = vec![];
    let mut next = reader.known_array().ok()?;
    while next.is_some() {
        let begin = reader.current_index();
        reader.next_skip().ok()?;
        items.push(text.get(begin..reader.current_index())?.trim());
        next = reader.array_step().ok()?;
    }
    Some(items)
}

/// What a parameter of query or header is, in words: none if it is left out.
fn words<'t>(param: &Param, text: Option<&'t str>) -> Result<Vec<Cow<'t, str>>, RequestError> {
    let Some(text) = text else { return Ok(vec![]) };
    let place = param.place.name();
    match array(text) {
        Some(items) => items.into_iter().filter_map(|item| word(&param.json, item, place).transpose()).collect(),
        None => Ok(word(&param.json, text, place)?.into_iter().collect()),
    }
}

/// A scalar's JSON as the word that it is in a path, a query or a header. `null` is none.
fn word<'t>(name: &str, text: &'t str, place: &'static str) -> Result<Option<Cow<'t, str>>, RequestError> {
    match text.as_bytes().first() {
        Some(b'"') => Ok(serde_json::from_str::<String>(text).ok().map(Cow::Owned)),
        Some(b'{' | b'[') => Err(RequestError::NotAWord { name: name.to_owned(), found: kind(text), place }),
        _ if text == "null" => Ok(None),
        _ => Ok(Some(text.into())),
    }
}

/// Bytes, which JSON has as base64.
fn bytes(param: &Param, text: &str) -> Result<Vec<u8>, RequestError> {
    let failed = |found| RequestError::NotBytes { name: param.json.clone(), found };
    let text: String = serde_json::from_str(text).map_err(|_| failed(kind(text)))?;
    BASE64_STANDARD.decode(text).map_err(|_| failed("another string"))
}

/// The items of a stream, one a line.
fn lines(param: &Param, text: &str) -> Result<Vec<u8>, RequestError> {
    let items = array(text).ok_or_else(|| RequestError::NotItems { name: param.json.clone(), found: kind(text) })?;
    let line = |item: &str| {
        // Outside of strings, where JSON has none, line breaks say nothing.
        item.replace(['\n', '\r'], " ") + "\n"
    };
    Ok(items.into_iter().map(line).collect::<String>().into_bytes())
}

/// What a JSON text is, for messages.
fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}
