//! Paths, queries and headers by whoever is a client.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use witapi::{
    accept,
    bind::{Parts, Rejection, bind},
    body::Content,
    contract::{Docs, Place, Scalar, Type},
    value::{Faults, Reader, scalar},
};

use crate::CONTRACT;

/// The first byte chooses an operation; the rest is the values of its path parameters, one a line, then the query, then
/// the body, then headers, one a line. A number or a boolean in a path is taken exactly when the same text is taken as JSON.
pub fn request(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let operation = &CONTRACT.operations[usize::from(*choice) % CONTRACT.operations.len()];
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut lines = text.split('\n');
    let path: Vec<_> = operation.pattern.params().map(|_| lines.next().unwrap_or_default()).collect();
    let query = lines.next().unwrap_or_default();
    let body = Content::Bytes(lines.next().unwrap_or_default().to_owned().into());
    let headers: HeaderMap = lines
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?)))
        .collect();
    match bind(operation, &Parts { path: &path, query, headers: &headers, body: &body }) {
        Ok(args) => assert_eq!(args.len(), operation.params.len()),
        Err(Rejection::Malformed(_)) => assert!(operation.params_in(Place::Body).next().is_some()),
        Err(Rejection::Faults(faults)) => assert!(!faults.is_empty()),
    }
    const OFFERS: [&str; 2] = ["application/json", "text/event-stream"];
    let chosen = accept::preferred(&headers, &OFFERS);
    assert!(chosen.is_none_or(|chosen| OFFERS.contains(&chosen)));
    for text in path {
        for scalar in [Scalar::Bool, Scalar::U8, Scalar::S64, Scalar::U64, Scalar::F32, Scalar::F64] {
            let (ty, docs) = (Type::Scalar(scalar), Docs::default());
            let mut faults = Faults::default();
            // White space around a value is JSON's, and no part of the value.
            let as_json = Reader::new(text.as_bytes(), &mut faults).value(&ty, &docs).ok().flatten();
            let as_json = as_json.filter(|_| text.trim_matches([' ', '\t', '\r']) == text);
            assert_eq!(scalar::from_text(&ty, &docs, text).ok(), as_json, "{text:?} as {}", scalar.name());
        }
    }
}
