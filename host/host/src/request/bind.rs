//! A request → the arguments of an operation, or every fault of it with its location.

use axum::http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;

use super::{
    Rejection,
    body::Content,
    form::Form,
    words::{of_words, text_value},
};
use crate::{
    contract::{Body, Layout, Operation, Param, Place, Type, layout::offsets},
    value::{Faults, Image, Malformed, Member, Reader, Step, read::absent},
};

/// What a request holds, as it came.
pub struct RequestParts<'a> {
    /// The values of the path parameters in the order of the route, percent-encoded.
    pub path: &'a [&'a str],
    /// Without the question mark, percent-encoded.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Content,
}

/// Binds a request to `operation`: the arguments in the function's order, of `limit` bytes at most.
///
/// # Errors
///
/// See [`Rejection`]. Nothing is instantiated before this succeeds.
pub fn bind(operation: &Operation, parts: &RequestParts, limit: usize) -> Result<Image, Rejection> {
    let mut faults = Faults::default();
    let types = || operation.params.iter().map(|param| &param.ty);
    let mut image = Image::new(Layout::record(types()), limit);
    let places: Vec<usize> = offsets(types()).collect();
    let query = Query::parse(parts.query);

    // The route's order is not the function's, so path parameters are found by name.
    for (name, text) in operation.pattern.params().zip(parts.path) {
        if let Some(i) = operation.params.iter().position(|p| p.place == Place::Path && p.json == name) {
            let param = &operation.params[i];
            let text = decode(text, false);
            located(&mut faults, param, |faults| {
                text_value(faults, &param.ty, &param.docs, text, &mut image, places[i])
            });
        }
    }
    for (param, at) in operation.params.iter().zip(&places) {
        let found = match param.place {
            Place::Query => query.of(&param.json),
            Place::Header => header_words(parts.headers, param),
            Place::Path | Place::Body => continue,
        };
        located(&mut faults, param, |faults| words(faults, param, found, &mut image, *at));
    }
    match parts.body {
        Content::Bytes(body) => {
            bind_body(operation, body, &mut faults, &mut image, &places).map_err(Rejection::Malformed)?;
        }
        Content::Form(form) => bind_form(operation, form, &mut faults, &mut image, &places),
    }
    // Without a fault every parameter has a value: reading writes a value or records a fault.
    if faults.is_empty() { Ok(image) } else { Err(Rejection::Faults(faults)) }
}

fn bind_body(
    operation: &Operation,
    body: &[u8],
    faults: &mut Faults,
    image: &mut Image,
    places: &[usize],
) -> Result<(), Malformed> {
    let is_blank = || body.iter().all(u8::is_ascii_whitespace);
    faults.enter_name(Place::Body.name());
    let outcome = match operation.body {
        // Nothing of a stream has been read yet. The call puts it into its place.
        Body::None | Body::Stream(_) => Ok(()),
        Body::Raw(i) => {
            image.bytes(places[i], body);
            Ok(())
        }
        Body::Whole(i) if is_blank() => {
            if !absent(&operation.params[i].ty, &operation.params[i].docs, image, places[i]) {
                faults.add("missing", "missing, expected a JSON body");
            }
            Ok(())
        }
        Body::Whole(i) => {
            let param = &operation.params[i];
            Reader::new(body, faults, image).value(&param.ty, &param.docs, places[i]).map(drop)
        }
        Body::Members => {
            let is_blank = is_blank();
            // Members that may all be missing make a body that may be missing.
            if is_blank && operation.body_is_required() {
                faults.add("missing", "missing, expected a JSON object");
                faults.leave();
                return Ok(());
            }
            let params = operation.params.iter().zip(places).filter(|(param, _)| param.place == Place::Body);
            let members: Vec<_> =
                params.map(|(param, at)| Member::new(&param.json, &param.ty, &param.docs, *at)).collect();
            let body = if is_blank { b"{}" } else { body };
            Reader::new(body, faults, image).members(&members).map(drop)
        }
    };
    faults.leave();
    outcome
}

/// The same of a form, whose fields are the members that the object of JSON has.
fn bind_form(operation: &Operation, form: &Form, faults: &mut Faults, image: &mut Image, places: &[usize]) {
    let places: Vec<usize> = match operation.body {
        Body::Whole(i) => match &operation.params[i].ty.resolved() {
            Type::Named(record) => record.offsets.iter().map(|offset| places[i].saturating_add(*offset)).collect(),
            _ => return,
        },
        _ => {
            let in_body = operation.params.iter().zip(places).filter(|(param, _)| param.place == Place::Body);
            in_body.map(|(_, at)| *at).collect()
        }
    };
    let members = operation.form_members().into_iter().flatten().zip(places);
    let members: Vec<_> = members.map(|((name, ty, docs), at)| Member::new(name, ty, docs, at)).collect();
    faults.within(Step::Name(Place::Body.name().into()), |faults| form.members(faults, &members, image));
}

/// Reads one parameter, with faults at its place.
fn located<T>(faults: &mut Faults, param: &Param, read: impl FnOnce(&mut Faults) -> T) -> T {
    faults.enter_name(param.place.name());
    faults.enter_name(&param.json);
    let result = read(faults);
    faults.leave();
    faults.leave();
    result
}

/// The words that stand for one parameter, in order, as its value. `None` is a word that is not UTF-8.
fn words(faults: &mut Faults, param: &Param, words: Vec<Option<String>>, image: &mut Image, at: usize) -> bool {
    if words.is_empty() {
        if !param.absent().is_allowed() && !param.is_empty_if_absent() {
            faults.add("missing", format!("missing, expected in the {}", param.place.name()));
            return false;
        }
        if absent(&param.ty, &param.docs, image, at) {
            return true;
        }
    }
    of_words(faults, &param.ty, &param.docs, words, image, at)
}

/// The values of a header's lines. A list stands in them with commas (RFC 9110, section 5.6.1).
fn header_words(headers: &HeaderMap, param: &Param) -> Vec<Option<String>> {
    let text = |line: &HeaderValue| std::str::from_utf8(line.as_bytes()).ok().map(str::to_owned);
    let lines = headers.get_all(&param.json).iter().map(text);
    if !matches!(param.ty.in_option(), Type::List(_)) {
        return lines.collect();
    }
    let words = |line: Option<String>| match line {
        Some(line) => {
            line.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).map(Some).collect()
        }
        None => vec![None],
    };
    lines.flat_map(words).collect()
}

/// The pairs of a query string, in order.
struct Query {
    /// `None` for what is not UTF-8 when decoded.
    pairs: Vec<(String, Option<String>)>,
}

impl Query {
    /// Reads `a=1&b=2` as browsers write it (WHATWG URL, `application/x-www-form-urlencoded`).
    /// A pair whose name is not UTF-8 names no parameter and is passed over like any unknown one.
    fn parse(query: &str) -> Query {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name, true)?, decode(value, true)))
        });
        Query { pairs: pairs.collect() }
    }

    /// All values of that name.
    fn of(&self, name: &str) -> Vec<Option<String>> {
        self.pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
    }
}

/// Undoes percent-encoding; in a query, `+` is a space too. `None` if that is not UTF-8.
fn decode(text: &str, is_query: bool) -> Option<String> {
    let spaced = if is_query && text.contains('+') { text.replace('+', " ") } else { text.to_owned() };
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}
