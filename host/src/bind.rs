//! A request → the arguments of an operation, or every fault of it with its location.

use axum::http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use wasmtime::component::Val;

use crate::{
    body::Content,
    contract::{Body, Docs, Operation, Param, Place, Shape, Type},
    form::Form,
    value::{
        Faults, Malformed, Member, Reader, Step,
        read::absent,
        rules,
        scalar::{self, FlagSet},
    },
};

/// What a request holds, as it came.
pub struct Parts<'a> {
    /// The values of the path parameters in the order of the route, percent-encoded.
    pub path: &'a [&'a str],
    /// Without the question mark, percent-encoded.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Content,
}

/// Why a request has no arguments.
#[derive(Debug)]
pub enum Rejection {
    /// The body is no JSON.
    Malformed(Malformed),
    Faults(Faults),
}

/// Binds a request to `operation`: the arguments in the function's order.
///
/// # Errors
///
/// See [`Rejection`]. Nothing is instantiated before this succeeds.
pub fn bind(operation: &Operation, parts: &Parts) -> Result<Vec<Val>, Rejection> {
    let mut faults = Faults::default();
    let mut args: Vec<Option<Val>> = operation.params.iter().map(|_| None).collect();
    let query = Query::parse(parts.query);

    // The route's order is not the function's, so path parameters are found by name.
    for (name, text) in operation.pattern.params().zip(parts.path) {
        if let Some(i) = operation.params.iter().position(|p| p.place == Place::Path && p.json == name) {
            let param = &operation.params[i];
            let text = decode(text, false);
            args[i] = located(&mut faults, param, |faults| text_value(faults, &param.ty, &param.docs, text));
        }
    }
    for (i, param) in operation.params.iter().enumerate() {
        match param.place {
            Place::Query => args[i] = located(&mut faults, param, |faults| words(faults, param, query.of(&param.json))),
            Place::Header => {
                let words_of = header_words(parts.headers, param);
                args[i] = located(&mut faults, param, |faults| words(faults, param, words_of));
            }
            Place::Path | Place::Body => {}
        }
    }
    match parts.body {
        Content::Bytes(body) => bind_body(operation, body, &mut faults, &mut args).map_err(Rejection::Malformed)?,
        Content::Form(form) => bind_form(operation, form, &mut faults, &mut args),
    }

    if !faults.is_empty() {
        return Err(Rejection::Faults(faults));
    }
    // Without a fault every parameter has a value: reading yields a value or records a fault.
    Ok(args.into_iter().flatten().collect())
}

fn bind_body(
    operation: &Operation,
    body: &[u8],
    faults: &mut Faults,
    args: &mut [Option<Val>],
) -> Result<(), Malformed> {
    let blank = body.iter().all(u8::is_ascii_whitespace);
    let in_body = || operation.params.iter().enumerate().filter(|(_, param)| param.place == Place::Body);
    faults.enter(Step::Name(Place::Body.name().into()));
    let outcome = match operation.body {
        Body::None => Ok(()),
        // Nothing of it has been read yet. The call puts the stream into the place of this.
        Body::Stream(i) => {
            args[i] = Some(Val::Bool(false));
            Ok(())
        }
        Body::Raw(i) => {
            args[i] = Some(Val::List(body.iter().copied().map(Val::U8).collect()));
            Ok(())
        }
        Body::Whole(i) if blank => {
            args[i] = absent(&operation.params[i].ty, &operation.params[i].docs);
            if args[i].is_none() {
                faults.add("missing", "missing, wanted a JSON body");
            }
            Ok(())
        }
        Body::Whole(i) => {
            let param = &operation.params[i];
            Reader::new(body, faults).value(&param.ty, &param.docs).map(|value| args[i] = value)
        }
        // Members that may all be missing make a body that may be missing.
        Body::Members if blank && operation.body_is_required() => {
            faults.add("missing", "missing, wanted a JSON object");
            Ok(())
        }
        Body::Members => {
            let members: Vec<_> =
                in_body().map(|(_, param)| Member::new(&param.json, &param.ty, &param.docs)).collect();
            let body = if blank { b"{}" } else { body };
            Reader::new(body, faults).members(&members).map(|values| {
                for ((i, _), value) in in_body().zip(values.into_iter().flatten()) {
                    args[i] = Some(value);
                }
            })
        }
    };
    faults.leave();
    outcome
}

/// The same of a form, whose fields are the members that the object of JSON has.
fn bind_form(operation: &Operation, form: &Form, faults: &mut Faults, args: &mut [Option<Val>]) {
    let members = operation.form_members().into_iter().flatten();
    let members: Vec<_> = members.map(|(name, ty, docs)| Member::new(name, ty, docs)).collect();
    let values = faults.within(Step::Name(Place::Body.name().into()), |faults| form.members(faults, &members));
    match (operation.body, values) {
        (_, None) => {}
        (Body::Whole(i), Some(values)) => {
            if let Some(Shape::Record(fields)) = operation.params[i].ty.shape() {
                args[i] = Some(Val::Record(fields.iter().map(|field| field.name.clone()).zip(values).collect()));
            }
        }
        (_, Some(values)) => {
            let in_body = operation.params.iter().zip(args).filter(|(param, _)| param.place == Place::Body);
            for ((_, arg), value) in in_body.zip(values) {
                *arg = Some(value);
            }
        }
    }
}

/// Reads one parameter, with faults at its place.
fn located<T>(faults: &mut Faults, param: &Param, read: impl FnOnce(&mut Faults) -> T) -> T {
    faults.within(Step::Name(param.place.name().into()), |faults| faults.within(Step::Name(param.json.clone()), read))
}

/// One word as a value of the scalar type `ty`.
fn text_value(faults: &mut Faults, ty: &Type, docs: &Docs, text: Option<String>) -> Option<Val> {
    let Some(text) = text else {
        faults.add("utf8", "bytes that are not UTF-8");
        return None;
    };
    let value = scalar::from_text(ty, docs, &text);
    value.map_err(|wrong| wrong.into_iter().for_each(|(kind, msg)| faults.add(kind, msg))).ok()
}

/// The words that stand for one parameter, in order, as its value. `None` is a word that is not UTF-8.
fn words(faults: &mut Faults, param: &Param, words: Vec<Option<String>>) -> Option<Val> {
    if words.is_empty() {
        if !param.absent().is_allowed() && !param.is_empty_if_absent() {
            faults.add("missing", format!("missing from the {}", param.place.name()));
            return None;
        }
        if let Some(value) = absent(&param.ty, &param.docs) {
            return Some(value);
        }
    }
    of_words(faults, &param.ty, &param.docs, words)
}

/// The words that stand for one value of type `ty` in a query, a header or a form, in order, as that value, which keeps
/// its rules and those of `docs`. `None` is a word that is not UTF-8.
pub fn of_words(faults: &mut Faults, ty: &Type, docs: &Docs, words: Vec<Option<String>>) -> Option<Val> {
    let value = typed_words(faults, ty, docs, words)?;
    // The rules of a scalar were checked with its text.
    if matches!(ty.in_option(), Type::List(_)) { list_in_rules(faults, ty, docs, value) } else { Some(value) }
}

/// A list of that type, or an option of one, if it keeps its rules and those of `docs`.
pub fn list_in_rules(faults: &mut Faults, ty: &Type, docs: &Docs, value: Val) -> Option<Val> {
    let of_some = match ty.resolved() {
        Type::Option(some) => Some(some.rules()),
        _ => None,
    };
    let rules = docs.keywords.rules.as_deref().into_iter().chain(ty.rules()).chain(of_some.into_iter().flatten());
    let broken = rules::check(rules, &value, "");
    faults.keeping(value, broken)
}

fn typed_words(faults: &mut Faults, ty: &Type, docs: &Docs, mut words: Vec<Option<String>>) -> Option<Val> {
    let in_option = |value| if ty.is_option() { Val::Option(Some(Box::new(value))) } else { value };
    match ty.in_option() {
        Type::List(item) => {
            let nothing = Docs::default();
            let mut items = vec![];
            for (i, word) in words.into_iter().enumerate() {
                items.push(faults.within(Step::Index(i), |faults| text_value(faults, item, &nothing, word)));
            }
            items.into_iter().collect::<Option<_>>().map(|items| in_option(Val::List(items)))
        }
        Type::Named(named) if let Shape::Flags(cases) = &named.shape => {
            let mut set = FlagSet::new(cases);
            let mut fits = true;
            for (i, word) in words.iter().enumerate() {
                let added = match word {
                    Some(name) => set.add(name),
                    None => Err(("utf8", "bytes that are not UTF-8".into())),
                };
                let wrong = added.map_err(|(kind, msg)| faults.within(Step::Index(i), |faults| faults.add(kind, msg)));
                fits &= wrong.is_ok();
            }
            fits.then(|| in_option(set.value()))
        }
        _ => {
            if words.len() > 1 {
                faults.add("duplicate", format!("given {} times, wanted once", words.len()));
                return None;
            }
            text_value(faults, ty, docs, words.pop()?)
        }
    }
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
