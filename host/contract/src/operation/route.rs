//! WIT name or external id → method and path pattern. See `docs/src/reference/routes.md`.

use std::fmt;

/// The methods that an operation can have. `HEAD` is answered by the operation of `GET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const ALL: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    pub fn parse(text: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// Whether parameters that are not in the path stand in the query, since the method has no body.
    pub fn has_query(self) -> bool {
        matches!(self, Method::Get | Method::Delete)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A path with places for parameters, such as `/todos/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    pub segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    /// The name of a parameter.
    Param(String),
}

impl Pattern {
    /// The names of its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Param(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }
}

impl Pattern {
    /// Whether the same paths match both: equal but for the names of parameters.
    pub fn collides_with(&self, other: &Pattern) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (Segment::Literal(a), Segment::Literal(b)) => a == b,
                (Segment::Param(_), Segment::Param(_)) => true,
                _ => false,
            })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Param(name) => write!(f, "/{{{name}}}")?,
            }
        }
        if self.segments.is_empty() { f.write_str("/") } else { Ok(()) }
    }
}

/// Where an operation stands, before its parameters are placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    pub pattern: Pattern,
    /// The status of a success with a value.
    pub success: u16,
    /// Whether the author chose `success`, so that it also holds for a success without a value.
    pub status_is_explicit: bool,
}

impl Route {
    /// This route with method, path and status replaced by those of an external id, as far as it has them.
    pub fn replaced_by(self, external: ExternalId) -> Route {
        Route {
            method: external.method,
            pattern: external.pattern,
            success: external.status.unwrap_or(self.success),
            status_is_explicit: external.status.is_some(),
        }
    }
}

/// What the author wrote in `@external-id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalId {
    pub method: Method,
    pub pattern: Pattern,
    pub status: Option<u16>,
}

/// What the first word of a function's name says.
struct Verb {
    words: &'static [&'static str],
    method: Method,
    success: u16,
    /// Whether it is about the resource as a whole rather than one of it, so that a leading id is not in its path.
    on_collection: bool,
}

const VERBS: [Verb; 6] = [
    Verb { words: &["list", "find", "search"], method: Method::Get, success: 200, on_collection: true },
    Verb { words: &["get", "read"], method: Method::Get, success: 200, on_collection: false },
    Verb { words: &["create", "add"], method: Method::Post, success: 201, on_collection: true },
    Verb { words: &["replace", "put", "set"], method: Method::Put, success: 200, on_collection: false },
    Verb { words: &["update", "patch"], method: Method::Patch, success: 200, on_collection: false },
    Verb { words: &["delete", "remove"], method: Method::Delete, success: 200, on_collection: false },
];

/// The route by convention of `function` in the resource `interface` (`None`: a function of the world itself).
/// `ids` are its leading scalar parameters called `id` or ending in `-id`.
pub fn by_convention(interface: Option<&str>, function: &str, ids: &[&str]) -> Route {
    let (first, rest) = function.split_once('-').unwrap_or((function, ""));
    let literal = |text: &str| Segment::Literal(text.to_owned());
    let param = |name: &&str| Segment::Param((*name).to_owned());
    let mut segments: Vec<Segment> = interface.map(literal).into_iter().collect();

    let Some(verb) = VERBS.iter().find(|verb| verb.words.contains(&first)) else {
        segments.extend(ids.iter().map(param));
        segments.push(literal(function));
        return Route { method: Method::Post, pattern: Pattern { segments }, success: 200, status_is_explicit: false };
    };
    // Of the whole, no id; of what hangs on one of it, the id of that one.
    let own = if verb.on_collection { 0 } else { ids.len() };
    if rest.is_empty() || interface.is_some_and(|resource| repeats(resource, rest)) {
        segments.extend(ids[..own].iter().map(param));
    } else if interface.is_none() {
        // The world is no resource, so the rest of the name is it.
        segments.push(literal(rest));
        segments.extend(ids[..own].iter().map(param));
    } else {
        segments.extend(ids.iter().take(1).map(param));
        segments.push(literal(rest));
        segments.extend(ids[..own].iter().skip(1).map(param));
    }
    Route { method: verb.method, pattern: Pattern { segments }, success: verb.success, status_is_explicit: false }
}

/// Whether `rest` only says `resource` again: equal, or equal with a plural ending.
fn repeats(resource: &str, rest: &str) -> bool {
    let plural_of = |many: &str, one: &str| {
        many == one
            || many.strip_suffix("s") == Some(one)
            || many.strip_suffix("es") == Some(one)
            || many.strip_suffix("ies").is_some_and(|stem| one.strip_suffix("y") == Some(stem))
    };
    plural_of(resource, rest) || plural_of(rest, resource)
}

/// Reads `"POST /todos/{id} 202"`. The error says what was found and what was expected.
pub fn parse_external_id(text: &str) -> Result<ExternalId, (String, String)> {
    const FORM: &str = "`METHOD /path/{parameter}` with an optional status, such as `POST /todos 202`";
    let mut words = text.split_ascii_whitespace();
    let (Some(method), Some(path), status, None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err((format!("the external id `{text}`"), FORM.into()));
    };
    let Some(method) = Method::parse(method) else {
        let known = Method::ALL.map(Method::as_str).join(", ");
        return Err((format!("the method `{method}` in the external id `{text}`"), format!("one of {known}")));
    };
    let status = match status {
        None => None,
        Some(status) => Some(status.parse().ok().filter(|status| (200..300).contains(status)).ok_or_else(|| {
            (format!("the status `{status}` in the external id `{text}`"), "a number from 200 to 299".to_owned())
        })?),
    };
    let pattern = parse_path(path).map_err(|expected| (format!("the path `{path}`"), expected))?;
    Ok(ExternalId { method, pattern, status })
}

/// As [`parse_pattern`], with one `/` at the end where the author wants one: an empty segment.
fn parse_path(path: &str) -> Result<Pattern, String> {
    match path.strip_suffix('/') {
        Some(rest) if rest.len() > 1 && rest.starts_with('/') => {
            let mut pattern = parse_pattern(rest)?;
            pattern.segments.push(Segment::Literal(String::new()));
            Ok(pattern)
        }
        _ => parse_pattern(path),
    }
}

/// Reads `/todos/{id}`. The error says what was expected.
pub fn parse_pattern(path: &str) -> Result<Pattern, String> {
    let Some(path) = path.strip_prefix('/') else { return Err("a path that begins with `/`".into()) };
    if path.is_empty() {
        return Ok(Pattern::default());
    }
    let mut segments = Vec::new();
    for segment in path.split('/') {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c);
        if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            if name.is_empty() || name.contains(['{', '}']) {
                return Err("a parameter's name in the braces".into());
            }
            segments.push(Segment::Param(name.to_owned()));
        } else if segment.is_empty() {
            return Err("no empty segment".into());
        } else if segment == "." || segment == ".." || !segment.chars().all(unreserved) {
            return Err(format!(
                "segments of characters that need no percent-encoding, or whole `{{parameter}}` segments, not `{segment}`"
            ));
        } else {
            segments.push(Segment::Literal(segment.to_owned()));
        }
    }
    Ok(Pattern { segments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(interface: &str, function: &str, ids: &[&str]) -> String {
        let route = by_convention(Some(interface), function, ids);
        format!("{} {} {}", route.method, route.pattern, route.success)
    }

    #[test]
    fn each_row_of_the_convention() {
        for verb in ["list", "find", "search"] {
            assert_eq!(route("todos", &format!("{verb}-todos"), &[]), "GET /todos 200");
        }
        for verb in ["get", "read"] {
            assert_eq!(route("todos", &format!("{verb}-todo"), &["id"]), "GET /todos/{id} 200");
        }
        for verb in ["create", "add"] {
            assert_eq!(route("todos", &format!("{verb}-todo"), &[]), "POST /todos 201");
        }
        for verb in ["replace", "put", "set"] {
            assert_eq!(route("todos", &format!("{verb}-todo"), &["id"]), "PUT /todos/{id} 200");
        }
        for verb in ["update", "patch"] {
            assert_eq!(route("todos", &format!("{verb}-todo"), &["id"]), "PATCH /todos/{id} 200");
        }
        for verb in ["delete", "remove"] {
            assert_eq!(route("todos", &format!("{verb}-todo"), &["id"]), "DELETE /todos/{id} 200");
        }
        assert_eq!(route("todos", "complete", &["id"]), "POST /todos/{id}/complete 200");
        assert_eq!(route("todos", "clear-done", &[]), "POST /todos/clear-done 200");
    }

    #[test]
    fn the_rest_of_a_name_is_a_segment_unless_redundant() {
        assert_eq!(route("todos", "get-stats", &[]), "GET /todos/stats 200");
        assert_eq!(route("categories", "get-category", &["id"]), "GET /categories/{id} 200");
        assert_eq!(route("boxes", "get-box", &["id"]), "GET /boxes/{id} 200");
        assert_eq!(route("todo", "list-todos", &[]), "GET /todo 200");
        assert_eq!(route("todos", "list", &[]), "GET /todos 200");
    }

    #[test]
    fn ids_of_a_nested_resource_stand_around_its_name() {
        assert_eq!(route("todos", "list-comments", &["todo-id"]), "GET /todos/{todo-id}/comments 200");
        assert_eq!(
            route("todos", "get-comment", &["todo-id", "comment-id"]),
            "GET /todos/{todo-id}/comment/{comment-id} 200"
        );
    }

    #[test]
    fn a_collection_has_no_id_in_its_path() {
        assert_eq!(route("todos", "list-todos", &["owner-id"]), "GET /todos 200");
        assert_eq!(route("todos", "list-comments", &["todo-id", "user-id"]), "GET /todos/{todo-id}/comments 200");
        assert_eq!(route("todos", "create-todo", &["id"]), "POST /todos 201");
    }

    #[test]
    fn functions_of_the_world_hang_at_the_mount_point() {
        let route = by_convention(None, "get-hello", &[]);
        assert_eq!(format!("{} {}", route.method, route.pattern), "GET /hello");
        assert_eq!(by_convention(None, "get-user", &["id"]).pattern.to_string(), "/user/{id}");
        assert_eq!(by_convention(None, "ban-user", &["id"]).pattern.to_string(), "/{id}/ban-user");
    }

    #[test]
    fn an_external_id_has_a_method_a_path_and_a_status() {
        let id = parse_external_id("POST /todos/{id}/x 202").unwrap();
        assert_eq!((id.method, id.status), (Method::Post, Some(202)));
        assert_eq!(id.pattern.to_string(), "/todos/{id}/x");
        for path in ["/", "/x/", "/x/{id}/"] {
            assert_eq!(parse_external_id(&format!("GET {path}")).unwrap().pattern.to_string(), path);
        }
        for wrong in [
            "",
            "GET",
            "get /x",
            "GET x",
            "GET /x 99",
            "GET /x 404",
            "GET //",
            "GET /x//",
            "GET /a b c d",
            "GET /{}",
            "GET /a{b}",
            "GET /ä",
            "GET /../x",
        ] {
            assert!(parse_external_id(wrong).is_err(), "{wrong} was taken");
        }
    }
}
