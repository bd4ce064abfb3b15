//! The body of a request: decoded, bounded, and of a media type that its operation takes.

use std::{error::Error, io, mem, time::Duration};

use async_compression::tokio::bufread::ZlibDecoder;
use axum::{
    body::Body,
    http::{HeaderMap, header, request},
};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;
use tokio_util::io::{ReaderStream, StreamReader};

use super::{Rejection, form::Form};
use crate::{
    contract::{self, Operation},
    http::media_type::{BYTES, JSON, MULTIPART, MediaType, URL_ENCODED, trim},
    runtime::{Charge, NoRoom, before},
};

mod gzip;

/// The longest boundary between the parts of a form (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The longest piece of a client's header that a message repeats, in characters.
const MAX_QUOTED: usize = 100;

/// A body that was read to its end.
#[derive(Debug)]
pub enum Content {
    /// JSON, or the bytes of an operation that takes bytes; which of the two, the operation says.
    Bytes(Bytes),
    Form(Form),
}

impl Default for Content {
    fn default() -> Self {
        Content::Bytes(Bytes::new())
    }
}

/// Reads the whole body, if the operation has one. The content encoding is undone, and its header gone from `head`. What is
/// read is charged to `charge` as it arrives.
///
/// # Errors
///
/// The plugin has no room for it. The body is larger than `limit` bytes when decoded, is not there within `patience`,
/// breaks off or is not what its headers say it is; or it is of a media type, a charset or a content encoding that the operation does not take.
pub async fn read(
    operation: &Operation,
    head: &mut request::Parts,
    body: Body,
    limit: usize,
    patience: Duration,
    charge: &mut Charge,
) -> Result<Content, Rejection> {
    if matches!(operation.body, contract::Body::None) {
        return Ok(Content::Bytes(Bytes::new()));
    }
    if length(&head.headers).is_some_and(|length| length > limit as u64) {
        return Err(Rejection::BodyTooLarge { limit });
    }
    let media = match media(operation, &head.headers) {
        Ok(media) => media,
        Err(problem) if is_there(&head.headers) => return Err(problem),
        Err(_) => Media::Plain,
    };
    let (coding, body) = decoded(head, body).await?;
    let read = before(Instant::now() + patience, collected(Limited::new(body, limit), charge)).await;
    let bytes = match read.map_err(|_| Rejection::SlowRequest { limit: patience })? {
        Ok(bytes) => bytes,
        Err(error) if error.is::<NoRoom>() => return Err(Rejection::NoRoom),
        Err(error) if error.is::<LengthLimitError>() => return Err(Rejection::BodyTooLarge { limit }),
        Err(error) => {
            return Err(match coding {
                Some(coding) if !is_of_connection(error.as_ref()) => Rejection::MalformedBody(format!(
                    "It is not valid {coding}, which its `content-encoding` says it is."
                )),
                _ => Rejection::BodyBroken,
            });
        }
    };
    match media {
        Media::Plain => Ok(Content::Bytes(bytes)),
        Media::UrlEncoded => Ok(Content::Form(Form::url_encoded(&bytes))),
        Media::Multipart { boundary } => {
            Form::multipart(bytes, &boundary).map(Content::Form).map_err(Rejection::MalformedBody)
        }
    }
}

/// All bytes of a body.
async fn collected(mut body: Limited<Body>, charge: &mut Charge) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else { continue };
        charge.grow(bytes.len())?;
        // Most bodies come in one piece, which stays where it is.
        if first.is_empty() && all.is_empty() {
            first = bytes;
        } else {
            all.extend_from_slice(&mem::take(&mut first));
            all.extend_from_slice(&bytes);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The body of an operation that takes a stream, not read yet. The content encoding is undone, and its header gone from
/// `head`.
///
/// # Errors
///
/// It is of a media type, a charset or a content encoding that the operation does not take.
pub async fn stream(operation: &Operation, head: &mut request::Parts, body: Body) -> Result<Body, Rejection> {
    if is_there(&head.headers) {
        media(operation, &head.headers)?;
    }
    Ok(decoded(head, body).await?.1)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_there(headers: &HeaderMap) -> bool {
    length(headers).is_some_and(|length| length > 0) || headers.contains_key(header::TRANSFER_ENCODING)
}

/// What the body is, by its headers.
enum Media {
    /// What the operation takes anyway: JSON or bytes.
    Plain,
    UrlEncoded,
    Multipart {
        boundary: String,
    },
}

fn media(operation: &Operation, headers: &HeaderMap) -> Result<Media, Rejection> {
    let streamed = operation.stream_types();
    let is_raw = matches!(operation.body, contract::Body::Raw(_)) || operation.takes_byte_stream();
    let takes_forms = || operation.form_members().is_some();
    let expected = || match is_raw {
        true => format!("`{BYTES}`"),
        false if !streamed.is_empty() => streamed.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" or "),
        false if takes_forms() => format!("`{JSON}`, `{MULTIPART}` or `{URL_ENCODED}`"),
        false => format!("`{JSON}`"),
    };
    let Some(found) = headers.get(header::CONTENT_TYPE) else {
        return Err(Rejection::UnsupportedMediaType { found: "no `content-type`".into(), expected: expected() });
    };
    let text = String::from_utf8_lossy(found.as_bytes());
    let unsupported = || Rejection::UnsupportedMediaType { found: quoted(&text), expected: expected() };
    let Some(found) = MediaType::parse(trim(&text)) else { return Err(unsupported()) };
    // Every `+json` type is JSON (RFC 6839, section 3.1).
    let is_json = |found: &MediaType| {
        found.is(JSON)
            || (found.main.eq_ignore_ascii_case("application") && found.sub.to_ascii_lowercase().ends_with("+json"))
    };
    let media = if is_raw {
        return if found.is(BYTES) { Ok(Media::Plain) } else { Err(unsupported()) };
    } else if !streamed.is_empty() {
        if !streamed.iter().any(|taken| found.is(taken)) {
            return Err(unsupported());
        }
        Media::Plain
    } else if is_json(&found) {
        Media::Plain
    } else if found.is(URL_ENCODED) && takes_forms() {
        Media::UrlEncoded
    } else if found.is(MULTIPART) && takes_forms() {
        match found.param("boundary") {
            Some(boundary) if (1..=MAX_BOUNDARY).contains(&boundary.len()) => {
                Media::Multipart { boundary: boundary.to_owned() }
            }
            _ => {
                return Err(Rejection::MalformedBody(format!(
                    "The `boundary` of the `content-type` is missing or invalid: expected 1 to {MAX_BOUNDARY} characters."
                )));
            }
        }
    } else {
        return Err(unsupported());
    };
    match found.param("charset") {
        Some(charset) if !["utf-8", "utf8"].iter().any(|utf_8| charset.eq_ignore_ascii_case(utf_8)) => {
            let found = format!("the charset {}", quoted(charset));
            Err(Rejection::UnsupportedMediaType { found, expected: "`utf-8`".into() })
        }
        _ => Ok(media),
    }
}

/// The body without its content encoding, and which that was. The decoder runs no further than the body is read.
///
/// # Errors
///
/// There is no decoder for it.
pub async fn decoded(head: &mut request::Parts, body: Body) -> Result<(Option<&'static str>, Body), Rejection> {
    let codings = head.headers.get_all(header::CONTENT_ENCODING).iter();
    let codings: Vec<_> = codings.map(|coding| String::from_utf8_lossy(coding.as_bytes())).collect();
    if codings.is_empty() {
        return Ok((None, body));
    }
    let coding = match trim(&codings.join(",")).to_ascii_lowercase().as_str() {
        "" | "identity" => None,
        // RFC 9110, section 8.4.1.3.
        "gzip" | "x-gzip" => Some("gzip"),
        "deflate" => Some("deflate"),
        _ => return Err(Rejection::UnsupportedEncoding { found: quoted(&codings.join(", ")) }),
    };
    head.headers.remove(header::CONTENT_ENCODING);
    if coding.is_none() {
        return Ok((None, body));
    }
    // It is the length of what was sent, not of what there will be.
    head.headers.remove(header::CONTENT_LENGTH);
    let encoded = StreamReader::new(BodyExt::into_data_stream(body.map_err(io::Error::other)));
    let body = if coding == Some("gzip") {
        Body::from_stream(gzip::decoded(encoded))
    } else {
        Body::from_stream(ReaderStream::new(ZlibDecoder::new(encoded)))
    };
    Ok((coding, body))
}

/// Whether it was the connection that failed.
fn is_of_connection(error: &(dyn Error + 'static)) -> bool {
    let mut at = Some(error);
    while let Some(error) = at {
        if error.is::<hyper::Error>() {
            return true;
        }
        at = error.source();
    }
    false
}

/// A client's text for a message: short, in one line.
fn quoted(text: &str) -> String {
    let short: String = text.chars().filter(|c| !c.is_control()).take(MAX_QUOTED).collect();
    format!("`{short}`")
}
