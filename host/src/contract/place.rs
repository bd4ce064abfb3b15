//! The parameters of a function → path, query and body. The table is in `wit/README.md`, "Parameters".

use super::{
    Body, Param, Pattern, Place, Problem, Segment, Shape, Type, casing::Casing, route::Route, wit::same_spelling,
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
pub fn place(item: &str, params: Vec<(String, Type)>, route: &Route, casing: Casing) -> Result<Placed, Problem> {
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
    for (i, (name, ty)) in params.into_iter().enumerate() {
        let place = if in_path.contains(&i) {
            Place::Path
        } else if route.method.has_query() {
            Place::Query
        } else {
            Place::Body
        };
        let fits = match place {
            Place::Path => ty.is_scalar(),
            Place::Query => is_query_type(&ty),
            Place::Body => true,
        };
        if !fits {
            let found = format!("parameter `{name}` of type `{}` in the {}", ty.describe(), place.name());
            let wanted = match place {
                Place::Path => "a scalar, a string or an enum",
                _ => {
                    "scalars, strings, enums, options or lists of these, or flags; or a method with a body, by an `@external-id`"
                }
            };
            return Err(Problem::new(item, found, wanted));
        }
        placed.push(Param { json: casing.apply(&name), name, ty, place });
    }
    if let Some((name, first, second)) = same_spelling(placed.iter().map(|it| (&*it.json, &*it.name))) {
        let found = format!("the parameters `{first}` and `{second}`, which are both `{name}` in {casing}");
        return Err(Problem::new(item, found, "parameters that differ, or another `casing` in witapi.toml"));
    }
    let in_body: Vec<usize> = (0..placed.len()).filter(|&i| placed[i].place == Place::Body).collect();
    let body = match in_body[..] {
        [] => Body::None,
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
