//! A request → the arguments of an operation, or every fault of it with its location.

use percent_encoding::percent_decode_str;
use wasmtime::component::Val;

use crate::{
    contract::{Body, Operation, Param, Place, Shape, Type},
    value::{
        Faults, Malformed, Member, Reader, Step,
        scalar::{self, FlagSet},
    },
};

/// What a request holds, as it came.
pub struct Parts<'a> {
    /// The values of the path parameters in the order of the route, percent-encoded.
    pub path: &'a [&'a str],
    /// Without the question mark, percent-encoded.
    pub query: &'a str,
    pub body: &'a [u8],
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
            args[i] =
                located(&mut faults, &operation.params[i], |faults, ty| text_value(faults, ty, decode(text, false)));
        }
    }
    for (i, param) in operation.params.iter().enumerate() {
        if param.place == Place::Query {
            args[i] = located(&mut faults, param, |faults, ty| query.value(faults, ty, param));
        }
    }
    bind_body(operation, parts.body, &mut faults, &mut args).map_err(Rejection::Malformed)?;

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
        Body::Whole(_) if blank => {
            faults.add("missing", "missing, wanted a JSON body");
            Ok(())
        }
        Body::Whole(i) => Reader::new(body, faults).value(&operation.params[i].ty).map(|value| args[i] = value),
        // Members that may all be missing make a body that may be missing.
        Body::Members if blank && operation.body_is_required() => {
            faults.add("missing", "missing, wanted a JSON object");
            Ok(())
        }
        Body::Members => {
            let members: Vec<_> = in_body().map(|(_, param)| Member::new(&param.json, &param.ty)).collect();
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

/// Reads one parameter of path or query, with faults at its place.
fn located(faults: &mut Faults, param: &Param, read: impl FnOnce(&mut Faults, &Type) -> Option<Val>) -> Option<Val> {
    faults.within(Step::Name(param.place.name().into()), |faults| {
        faults.within(Step::Name(param.json.clone()), |faults| read(faults, &param.ty))
    })
}

fn text_value(faults: &mut Faults, ty: &Type, text: Option<String>) -> Option<Val> {
    let Some(text) = text else {
        faults.add("utf8", NOT_UTF8);
        return None;
    };
    scalar::from_text(ty, &text).map_err(|(kind, msg)| faults.add(kind, msg)).ok()
}

const NOT_UTF8: &str = "percent-encoded bytes that are not UTF-8";

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

    fn value(&self, faults: &mut Faults, ty: &Type, param: &Param) -> Option<Val> {
        let mut values = self.pairs.iter().filter(|(name, _)| *name == param.json).map(|(_, value)| value.clone());
        match ty.resolved() {
            Type::Option(some) => {
                if !self.pairs.iter().any(|(name, _)| *name == param.json) {
                    return Some(Val::Option(None));
                }
                let value = self.value(faults, some, param)?;
                Some(Val::Option(Some(Box::new(value))))
            }
            Type::List(item) => {
                let mut items = vec![];
                for (i, value) in values.enumerate() {
                    items.push(faults.within(Step::Index(i), |faults| text_value(faults, item, value)));
                }
                items.into_iter().collect::<Option<_>>().map(Val::List)
            }
            Type::Named(named) if let Shape::Flags(cases) = &named.shape => {
                let mut set = FlagSet::new(cases);
                let mut fits = true;
                for (i, value) in values.enumerate() {
                    let added = match &value {
                        Some(name) => set.add(name),
                        None => Err(("utf8", NOT_UTF8.into())),
                    };
                    let wrong =
                        added.map_err(|(kind, msg)| faults.within(Step::Index(i), |faults| faults.add(kind, msg)));
                    fits &= wrong.is_ok();
                }
                fits.then(|| set.value())
            }
            _ => {
                let Some(value) = values.next() else {
                    faults.add("missing", "missing from the query");
                    return None;
                };
                let more = values.count();
                if more > 0 {
                    faults.add("duplicate", format!("given {} times, wanted once", more + 1));
                    return None;
                }
                text_value(faults, ty, value)
            }
        }
    }
}

/// Undoes percent-encoding; in a query, `+` is a space too. `None` if that is not UTF-8.
fn decode(text: &str, is_query: bool) -> Option<String> {
    let spaced = if is_query && text.contains('+') { text.replace('+', " ") } else { text.to_owned() };
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}
