//! The parameters of a function → path, query and body. The table is in `wit/README.md`, "Parameters".

use super::{
    Body, Delivery, Param, Passed, Pattern, Place, Problem, Segment, Shape, Type, casing::Casing, route::Route,
    wit::same_spelling,
};

/// Parameters in their places.
pub struct Placed {
    /// In the function's order.
    pub params: Vec<Param>,
    pub body: Body,
    /// The route's, with the JSON names of the parameters.
    pub pattern: Pattern,
}

/// Decides where a request holds each parameter of the function `item`.
///
/// # Errors
///
/// The path names what is no parameter, a parameter does not fit its place, or two have one name.
pub fn place(item: &str, params: Vec<(String, Passed)>, route: &Route, casing: Casing) -> Result<Placed, Problem> {
    let same = |pattern: &str, param: &str| pattern == param || pattern == casing.apply(param);
    let mut in_path = Vec::new();
    for name in route.pattern.params() {
        let Some(param) = params.iter().position(|(param, _)| same(name, param)) else {
            let known = params.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let wanted = if known.is_empty() {
                "a path without parameters, since the function has none".into()
            } else {
                format!("one of its parameters: {known}")
            };
            return Err(Problem::new(item, format!("the path parameter `{{{name}}}` in `{}`", route.pattern), wanted));
        };
        if in_path.contains(&param) {
            let found = format!("the path parameter `{{{name}}}` twice in `{}`", route.pattern);
            return Err(Problem::new(item, found, "it once"));
        }
        in_path.push(param);
    }
    let mut placed = Vec::with_capacity(params.len());
    for (i, (name, passed)) in params.into_iter().enumerate() {
        let place = if in_path.contains(&i) {
            Place::Path
        } else if route.method.has_query() {
            Place::Query
        } else {
            Place::Body
        };
        let fits = match place {
            Place::Path => is_path_type(&passed),
            Place::Query => passed.delivery != Delivery::Stream && is_query_type(&passed.ty),
            Place::Body => true,
        };
        if !fits {
            let found = format!("parameter `{name}` of type `{}` in the {}", passed.describe(), place.name());
            let wanted = match place {
                _ if passed.delivery == Delivery::Stream => {
                    "a stream as the body: POST, PUT or PATCH, by an `@external-id`"
                }
                Place::Path => "a scalar, a string or an enum",
                _ => {
                    "scalars, strings, enums, options or lists of these, or flags; or a method with a body, by an `@external-id`"
                }
            };
            return Err(Problem::new(item, found, wanted));
        }
        let Passed { ty, delivery, .. } = passed;
        placed.push(Param { json: casing.apply(&name), name, ty, delivery, place });
    }
    if let Some((name, first, second)) = same_spelling(placed.iter().map(|it| (&*it.json, &*it.name))) {
        let found = format!("the parameters `{first}` and `{second}`, which are both `{name}` in {casing}");
        return Err(Problem::new(item, found, "parameters that differ, or another `casing` in witapi.toml"));
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
        return Err(Problem::new(
            item,
            found,
            "a stream alone in the body: the others in the path, by an `@external-id`",
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

/// Whether a segment of a path can hold it.
pub fn is_path_type(passed: &Passed) -> bool {
    passed.delivery != Delivery::Stream && passed.ty.is_scalar()
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
