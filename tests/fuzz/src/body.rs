//! JSON and forms by whoever is a client.

use axum::http::HeaderMap;
use serde_json::Value;
use witapi_contract::{Body, layout::offsets};
use witapi_host::{
    request::{Rejection, RequestParts, bind, body::Content, form::Form},
    runtime::json_by_values,
    value::write,
};

#[cfg(feature = "libfuzzer")]
use crate::schema::accepts;
use crate::{CONTRACT, request::MEMORY};

/// The first byte chooses an operation, the rest is its body as JSON. What the host accepts, the published schema
/// accepts; what it calls malformed is no JSON; and what was read is written and read again as the same.
pub fn json(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    let operations: Vec<_> = CONTRACT
        .operations
        .iter()
        .filter(|it| matches!(it.body, Body::Whole(_) | Body::Members) && it.pattern.params().next().is_none())
        .collect();
    let operation = operations[usize::from(*choice) % operations.len()];
    let headers = HeaderMap::new();
    let content = Content::Bytes(body.to_vec().into());
    let parts = RequestParts { path: &[], query: "", headers: &headers, body: &content };
    // What `serde_json` reads: it nests at most 128 levels, and a number too large for an `f64` is an error for it.
    let value = serde_json::from_slice::<Value>(body);
    match bind(operation, &parts, MEMORY) {
        Ok(args) => {
            #[cfg(feature = "libfuzzer")]
            if let Ok(value) = &value
                && has_small_numbers(body)
            {
                assert!(accepts(operation, value), "accepted against the schema");
            }
            if let Body::Whole(i) = operation.body {
                let ty = &operation.params[i].ty;
                let at = offsets(operation.params.iter().map(|param| &param.ty)).nth(i).expect("a place");
                let mut text = vec![];
                let written = args.look(at, ty, |value| write(&mut text, ty, value, usize::MAX));
                written.expect("a value").expect("what was read can be written");
                let again =
                    bind(operation, &RequestParts { body: &Content::Bytes(text.clone().into()), ..parts }, MEMORY)
                        .expect("what was written can be read");
                assert_eq!(args, again, "{}", String::from_utf8_lossy(&text));
                let of_values = json_by_values(&args, at, ty).expect("a value").expect("what was read can be written");
                assert_eq!(text, of_values, "a value is written alike, whatever holds it");
            }
        }
        Err(Rejection::Malformed(malformed)) => assert!(value.is_err(), "JSON that is called malformed: {malformed:?}"),
        Err(Rejection::Faults(faults)) => {
            assert!(!faults.is_empty());
            #[cfg(feature = "libfuzzer")]
            let only_seen_in_text = faults.listed.iter().any(|fault| fault.kind == "duplicate");
            #[cfg(feature = "libfuzzer")]
            if let Ok(value) = &value
                && has_small_numbers(body)
                && !only_seen_in_text
            {
                assert!(!accepts(operation, value), "refused against the schema: {:?}", faults.listed);
            }
        }
        Err(other) => panic!("bound and rejected as {other:?}"),
    }
}

#[cfg(feature = "libfuzzer")]
/// Whether every number in the text is exact as the `f64` that the validator sees. Conservative: looks at strings too.
fn has_small_numbers(text: &[u8]) -> bool {
    let is_numeric = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    text.split(|byte| !is_numeric(byte)).all(|run| run.len() <= 15 && !run.contains(&b'e') && !run.contains(&b'E'))
}

/// The first byte chooses an operation, and with its highest bit whether the rest is a form in several parts, divided by `x`,
/// or one in one line. An operation that takes it gets a value for each of its parameters.
pub fn form(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    // No other operation is ever given one.
    let operations: Vec<_> = CONTRACT.operations.iter().filter(|it| it.form_members().is_some()).collect();
    let operation = operations[usize::from(choice & 0x7f) % operations.len()];
    let form = match choice & 0x80 {
        0 => Ok(Form::url_encoded(body)),
        _ => Form::multipart(body.to_vec().into(), "x"),
    };
    let Ok(form) = form else { return };
    let path: Vec<_> = operation.pattern.params().map(|_| "1").collect();
    let parts = RequestParts { path: &path, query: "", headers: &HeaderMap::new(), body: &Content::Form(form) };
    match bind(operation, &parts, MEMORY) {
        Ok(args) => crate::request::has_values(operation, &args),
        Err(Rejection::Malformed(malformed)) => panic!("a form is no JSON: {malformed:?}"),
        Err(Rejection::Faults(faults)) => assert!(!faults.is_empty()),
        Err(other) => panic!("bound and rejected as {other:?}"),
    }
}
