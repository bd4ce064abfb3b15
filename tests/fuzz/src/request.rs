//! Paths, queries and headers by whoever is a client.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use witapi_contract::{Body, Docs, Layout, Operation, Place, Scalar, Type, layout::offsets};
use witapi_host::{
    http::accept,
    request::{Rejection, RequestParts, bind, body::Content},
    runtime::json_by_values,
    value::{Faults, Image, read, scalar},
};

use crate::CONTRACT;

/// Bytes that arguments may have.
pub const MEMORY: usize = 64 << 20;

/// Whether there is a value for each parameter.
pub fn has_values(operation: &Operation, args: &Image) {
    let places = offsets(operation.params.iter().map(|param| &param.ty));
    for (i, (param, at)) in operation.params.iter().zip(places).enumerate() {
        assert!(
            operation.body == Body::Stream(i) || json_by_values(args, at, &param.ty).is_some(),
            "no value of `{}`",
            param.json
        );
    }
}

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
    match bind(operation, &RequestParts { path: &path, query, headers: &headers, body: &body }, MEMORY) {
        Ok(args) => has_values(operation, &args),
        Err(Rejection::Malformed(_)) => assert!(operation.params_in(Place::Body).next().is_some()),
        Err(Rejection::Faults(faults)) => assert!(!faults.is_empty()),
        Err(other) => panic!("bound and rejected as {other:?}"),
    }
    const OFFERS: [&str; 2] = ["application/json", "text/event-stream"];
    let chosen = accept::preferred(&headers, &OFFERS);
    assert!(chosen.is_none_or(|chosen| OFFERS.contains(&chosen)));
    for text in path {
        for scalar in [Scalar::Bool, Scalar::U8, Scalar::S64, Scalar::U64, Scalar::F32, Scalar::F64] {
            let (ty, docs) = (Type::Scalar(scalar), Docs::default());
            let mut faults = Faults::default();
            // White space around a value is JSON's, and no part of the value.
            let as_json = read::image(text.as_bytes(), &ty, &docs, &mut faults, MEMORY).ok().flatten();
            let as_json = as_json.filter(|_| text.trim_matches([' ', '\t', '\r']) == text);
            let mut image = Image::new(Layout::of(&ty), MEMORY);
            let as_text = scalar::from_text(&ty, &docs, text, &mut image, 0).ok().map(|()| image);
            assert_eq!(as_text, as_json, "{text:?} as {}", scalar.name());
        }
    }
}
