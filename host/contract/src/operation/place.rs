//! The parameters of a function → path, query and body. See `docs/src/reference/parameters.md`.

use crate::{
    Absent, Body, Defect, Delivery, Docs, Param, Passed, Pattern, Place, Scalar, Segment, Shape, Type,
    casing::Casing,
    keywords::{Findings, Keywords},
    route::Route,
    wit::same_spelling,
};

/// Parameters in their places.
pub(crate) struct Placed {
    /// In the function's order.
    pub params: Vec<Param>,
    pub body: Body,
    /// The route's, with the JSON names of the parameters.
    pub pattern: Pattern,
}

/// Headers that are no parameters: OpenAPI ignores the first three (3.1, section 4.8.12.2), the others are HTTP's own.
const REFUSED_HEADERS: [&str; 10] = [
    "accept",
    "authorization",
    "content-type",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "host",
    "transfer-encoding",
];

/// Decides where a request holds each parameter of the function `item`, by its route and by what `keywords` say.
///
/// # Errors
///
/// The path or a keyword names what is no parameter, a parameter does not fit its place, or two have one name.
pub(crate) fn place(
    item: &str,
    params: Vec<(String, Passed)>,
    route: &Route,
    casing: Casing,
    keywords: &Keywords,
    findings: &mut Findings,
) -> Result<Placed, Defect> {
    let same = |pattern: &str, param: &str| pattern == param || pattern == casing.apply(param);
    let known = |name: &str, what: String| {
        params.iter().position(|(param, _)| same(name, param)).ok_or_else(|| {
            let known = params.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let expected = if known.is_empty() {
                "none, since the function has no parameters".into()
            } else {
                format!("one of its parameters: {known}")
            };
            Defect::new(item, what, expected)
        })
    };
    let mut in_path = Vec::new();
    for name in route.pattern.params() {
        let param = known(name, format!("the path parameter `{{{name}}}` in `{}`", route.pattern))?;
        if in_path.contains(&param) {
            let found = format!("the path parameter `{{{name}}}` twice in `{}`", route.pattern);
            return Err(Defect::new(item, found, "it once"));
        }
        in_path.push(param);
    }
    let in_header = headers(item, keywords, &in_path, &known)?;
    let in_query = queries(item, keywords, &in_path, &in_header, &known)?;
    let mut docs: Vec<Docs> = params.iter().map(|_| Docs::default()).collect();
    for (name, said) in &keywords.params {
        docs[known(name, format!("`@param {name}`"))?] = said.clone();
    }
    let mut placed = Vec::with_capacity(params.len());
    for ((i, (name, passed)), mut docs) in params.into_iter().enumerate().zip(docs) {
        let header = in_header.iter().find(|(param, _)| *param == i).map(|(_, header)| *header);
        let place = if in_path.contains(&i) {
            Place::Path
        } else if header.is_some() {
            Place::Header
        } else if route.method.has_query() || in_query.contains(&i) {
            Place::Query
        } else {
            Place::Body
        };
        let fits = match place {
            Place::Path => is_path_type(&passed),
            Place::Query | Place::Header if passed.delivery == Delivery::Stream => false,
            Place::Query => is_query_type(&passed.ty),
            // A list stands in one line of a header, and flags could not be told from one.
            Place::Header => is_query_type(&passed.ty) && !matches!(passed.ty.shape(), Some(Shape::Flags(_))),
            Place::Body => true,
        };
        if !fits {
            let found = format!("parameter `{name}` of type `{}` in the {}", passed.describe(), place.name());
            let expected = match place {
                _ if passed.delivery == Delivery::Stream => {
                    "a stream as the body: POST, PUT or PATCH, by an `@external-id`"
                }
                Place::Path => "a scalar, a string or an enum",
                Place::Header => "scalars, strings, enums, and options or lists of these",
                _ => {
                    "scalars, strings, enums, options or lists of these, or flags; or a method with a body, by an `@external-id`"
                }
            };
            return Err(Defect::new(item, found, expected));
        }
        let Passed { ty, delivery, .. } = passed;
        let item = format!("{item}, parameter `{name}`");
        docs.fit(Some(&ty), &item, findings);
        if place == Place::Path && matches!(ty.absent(&docs), Absent::Default(_)) {
            return Err(Defect::new(item, "a default in the path", "none; a path always has all its parameters"));
        }
        if delivery == Delivery::Stream && docs.keywords.default.is_some() {
            return Err(Defect::new(item, "a default of a stream", "none; a missing body has no items"));
        }
        if delivery == Delivery::Stream
            && is_byte(&ty)
            && (docs.keywords.rules.is_some() || ty.rules().next().is_some())
        {
            return Err(Defect::new(item, "rules for the bytes of a stream", "none; bytes have no rules"));
        }
        let json = header.map_or_else(|| casing.apply(&name), str::to_owned);
        placed.push(Param { json, name, ty, delivery, place, docs });
    }
    let outside_headers = placed.iter().filter(|it| it.place != Place::Header);
    if let Some((name, first, second)) = same_spelling(outside_headers.map(|it| (&*it.json, &*it.name))) {
        let found = format!("the parameters `{first}` and `{second}`, which are both `{name}` in {casing}");
        return Err(Defect::new(item, found, "parameters that differ, or another `casing` in witapi.toml"));
    }
    let in_body: Vec<usize> = (0..placed.len()).filter(|&i| placed[i].place == Place::Body).collect();
    let is_stream = |i: usize| placed[i].delivery == Delivery::Stream;
    if in_body.len() > 1
        && let Some(&stream) = in_body.iter().find(|&&i| is_stream(i))
    {
        let Param { name, ty, delivery, .. } = &placed[stream];
        let others = in_body.iter().filter(|&&i| i != stream).map(|&i| format!("`{}`", placed[i].name));
        let others = others.collect::<Vec<_>>().join(", ");
        let found = format!("parameter `{name}` of type `{}` in the body, with {others}", delivery.describe(ty));
        return Err(Defect::new(
            item,
            found,
            "a stream alone in the body; put the others into the path with an `@external-id`",
        ));
    }
    let body = match in_body[..] {
        [] => Body::None,
        [sole] if is_stream(sole) => Body::Stream(sole),
        [sole] => match placed[sole].ty.resolved() {
            Type::Bytes => Body::Raw(sole),
            Type::List(_) | Type::FixedList(..) | Type::Tuple(_) | Type::Map(..) => Body::Whole(sole),
            Type::Named(named) if matches!(named.shape, Shape::Record(_) | Shape::Variant(_)) => Body::Whole(sole),
            _ => Body::Members,
        },
        _ => Body::Members,
    };
    if let Body::Raw(i) = body
        && matches!(placed[i].absent(), Absent::Default(_))
    {
        let item = format!("{item}, parameter `{}`", placed[i].name);
        return Err(Defect::new(item, "a default of raw bytes", "none; an empty body is the empty list"));
    }
    // In path and document, parameters go by the names that they have in JSON.
    let spelt = |segment: &Segment| match segment {
        Segment::Param(name) => {
            Segment::Param(placed.iter().find(|it| same(name, &it.name)).map_or(name, |it| &it.json).clone())
        }
        literal => literal.clone(),
    };
    let pattern = Pattern { segments: route.pattern.segments.iter().map(spelt).collect() };
    Ok(Placed { params: placed, body, pattern })
}

fn is_byte(ty: &Type) -> bool {
    matches!(ty.resolved(), Type::Scalar(Scalar::U8))
}

/// Whether a segment of a path can hold it.
pub(crate) fn is_path_type(passed: &Passed) -> bool {
    passed.delivery != Delivery::Stream && passed.ty.is_scalar()
}

/// The parameters that stand in headers, each with the header's name.
fn headers<'k>(
    item: &str,
    keywords: &'k Keywords,
    in_path: &[usize],
    known: &impl Fn(&str, String) -> Result<usize, Defect>,
) -> Result<Vec<(usize, &'k str)>, Defect> {
    let mut placed: Vec<(usize, &str)> = vec![];
    for (header, name) in &keywords.headers {
        let line = format!("`@header {header} {name}`");
        let param = known(name, line.clone())?;
        // RFC 9110, section 5.1: a field name is a token.
        let is_token = header.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        if !is_token || REFUSED_HEADERS.contains(&header.as_str()) {
            return Err(Defect::new(item, line, "a header of the API's own, such as `x-tenant` or `if-match`"));
        }
        if in_path.contains(&param) {
            return Err(Defect::new(item, format!("{line}, and `{name}` in the path too"), "it in one place"));
        }
        if placed.iter().any(|(other, taken)| *other == param || taken == header) {
            return Err(Defect::new(item, format!("{line}, and another line for the same"), "one"));
        }
        placed.push((param, header));
    }
    Ok(placed)
}

/// The parameters that stand in the query, though the method has a body.
fn queries(
    item: &str,
    keywords: &Keywords,
    in_path: &[usize],
    in_header: &[(usize, &str)],
    known: &impl Fn(&str, String) -> Result<usize, Defect>,
) -> Result<Vec<usize>, Defect> {
    let mut placed = vec![];
    for name in &keywords.queries {
        let line = format!("`@query {name}`");
        let param = known(name, line.clone())?;
        if in_path.contains(&param) {
            return Err(Defect::new(item, format!("{line}, and `{name}` in the path too"), "it in one place"));
        }
        if in_header.iter().any(|(other, _)| *other == param) {
            return Err(Defect::new(item, format!("{line}, and `{name}` in a header too"), "it in one place"));
        }
        if placed.contains(&param) {
            return Err(Defect::new(item, format!("{line}, and another line for the same"), "one"));
        }
        placed.push(param);
    }
    Ok(placed)
}

/// Whether a query can hold it.
fn is_query_type(ty: &Type) -> bool {
    match ty.resolved() {
        Type::Option(some) => match some.resolved() {
            Type::List(item) => item.is_scalar(),
            _ => some.is_scalar(),
        },
        Type::List(item) => item.is_scalar(),
        Type::Named(named) if matches!(named.shape, Shape::Flags(_)) => true,
        _ => ty.is_scalar(),
    }
}
