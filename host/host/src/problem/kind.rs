//! Every kind of problem that the host has, with the page that says what it means.

use super::Problem;
use crate::request::Rejection;

/// A kind of problem. Its name is the end of its `type`, which never changes; its title says it in words.
///
/// All of them are in the table below, which is the only place that can make one: so each has its page.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// `None`: the operation's contract decides.
    pub status: Option<u16>,
    pub title: &'static str,
    /// What happened, for the author of a client. Text in backquotes is code, here and in `remedy`.
    pub cause: &'static str,
    /// What to change, and which member or header of the answer says more.
    pub remedy: &'static str,
    example: fn() -> Problem,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl Kind {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// The `type` of its documents: a path of this host.
    pub fn uri(&self) -> String {
        format!("/problems/{}", self.name)
    }

    /// A problem as it might occur. Made as all are, so that the example on the page is what the host answers.
    pub fn example(&self) -> Problem {
        (self.example)()
    }
}

/// A constant for each kind, and the list of all in the order of their statuses.
macro_rules! kinds {
    ($($constant:ident: $name:literal, $status:expr, $title:literal;
       cause: $cause:literal; remedy: $remedy:literal; example: $example:expr;)*) => {
        $(pub const $constant: Kind =
            Kind { name: $name, status: $status, title: $title, cause: $cause, remedy: $remedy, example: $example };)*
        /// All there are.
        pub const KINDS: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    MALFORMED_BODY: "malformed-body", Some(400), "Malformed body";
    cause: "The request's body ended early, was not compressed as its header `content-encoding` says, or is not a form although its \
        `content-type` says so.";
    remedy: "Read `detail`. Most often, a client sets by hand what its HTTP library would set: leave `content-length`, \
        `content-encoding` and the `boundary` of a form to the library.";
    example: || Problem::Rejected(Rejection::MalformedBody("The body is not valid `gzip`, its `content-encoding`.".into()));

    MALFORMED_JSON: "malformed-json", Some(400), "Malformed JSON";
    cause: "The request's body is not valid JSON: for example, it has a trailing comma, a missing quote or an unknown escape, or it \
        ended early. The host did not validate it any further.";
    remedy: "Look at the line and column in `detail`. Let a JSON library write the body, and check that `content-length` counts \
        bytes, not characters.";
    example: examples::malformed_json;

    NO_ROUTE: "no-route", Some(404), "No route for this path";
    cause: "No plugin serves the request's path. Paths are compared as they are sent: `/todos/` is not `/todos`, upper and lower \
        case differ, and a path parameter cannot be empty. The plugin that serves the path may also not be loaded now.";
    remedy: "Compare the path with those in `/openapi.json`, segment by segment. Encode the value of a path parameter (a slash is \
        `%2F`). Sending the same request again does not help.";
    example: || Problem::NoRoute;

    NONE_FOUND: "none-found", Some(404), "Not found";
    cause: "The path is right and the operation ran, but it found nothing to return: most often, nothing has the id in the path.";
    remedy: "Check the id, and whether what you asked for still exists. To tell this response from a wrong path, compare `type`: both \
        have the status 404.";
    example: || Problem::NoneFound;

    METHOD_NOT_ALLOWED: "method-not-allowed", Some(405), "Method not allowed";
    cause: "The path exists, but none of its operations has the request's method.";
    remedy: "Use one of the methods that `detail` and the header `allow` list. Write methods in capitals.";
    example: examples::method_not_allowed;

    NOT_ACCEPTABLE: "not-acceptable", Some(406), "No acceptable media type";
    cause: "The request's header that `detail` names accepts none of the formats that the operation can respond with. No code of the \
        operation ran.";
    remedy: "Accept one of the formats in `detail`, or leave the header out: then the host sends the operation's first format. `*/*` \
        accepts every format.";
    example: examples::not_acceptable;

    SLOW_REQUEST: "slow-request", Some(408), "Request timeout";
    cause: "The host waited for the rest of the request's body and gave up. Either the connection is slow, or the client announced \
        more than it sent: a `content-length` that is too large, or a chunked body without its end.";
    remedy: "Send the whole body within the time in `detail`. The host closed the connection, so open a new one. No code of the \
        operation ran.";
    example: examples::slow_request;

    BODY_TOO_LARGE: "body-too-large", Some(413), "Body too large";
    cause: "The request's body is larger than this operation accepts. The host did not read all of it, and closed the connection.";
    remedy: "Stay below the limit in `detail`: send less, or use several requests. The operator sets the limit for each plugin \
        (`body_kib`).";
    example: || Problem::Rejected(Rejection::BodyTooLarge { limit: 1_048_576 });

    UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type", Some(415), "Unsupported media type";
    cause: "The header `content-type` is missing, or names a format that the operation does not read. The host does not guess the \
        format of a body.";
    remedy: "Send one of the media types in `detail`, most often `content-type: application/json`, with the body in that format.";
    example: examples::unsupported_media_type;

    UNSUPPORTED_ENCODING: "unsupported-encoding", Some(415), "Unsupported content encoding";
    cause: "The request's body is compressed in a way that the host does not support.";
    remedy: "Send the body without compression and without the header `content-encoding`, or use one of the encodings in the \
        response's header `accept-encoding`.";
    example: || Problem::Rejected(Rejection::UnsupportedEncoding { found: "`br`".into() });

    INVALID_REQUEST: "invalid-request", Some(422), "Validation failed";
    cause: "The host understood the request, but some of its values do not match the operation's contract: for example, a member is \
        missing or unknown, or a number is out of range. The host validated everything before any code of the operation ran, so \
        nothing has changed.";
    remedy: "The member `errors` lists every error at once. In each, `loc` is the path to the value (`path`, `query`, `header` or \
        `body`, then names and indices), `msg` says what was expected and what was found, and `type` is a stable word for \
        programs. The schemas in `/openapi.json` say exactly what is accepted.";
    example: examples::invalid_request;

    OPERATION_ERROR: "operation-error", None, "The operation returned an error";
    cause: "The request was valid, and the operation ran and returned an error. The error is part of the operation's contract, like \
        its result: its case decides the status, and the operation's documentation says what a 404 or a 409 of this type means.";
    remedy: "Read the member `error`: it is the operation's own value, with the schema that `/openapi.json` has for this status. It is \
        missing if the error has no value.";
    example: || Problem::Operation { status: 409, error: Some(br#"{"tag":"already-exists","val":"milk"}"#.to_vec()) };

    PLUGIN_FAILED: "plugin-failed", Some(500), "Plugin failed";
    cause: "The plugin's code crashed, ran out of memory, or returned something that cannot be sent. This is a defect of the plugin \
        or a limit that is too low, not an error in the request.";
    remedy: "Give the operator the response's header `x-request-id`: the host's log has the reason for it. Before you try again, \
        consider that the operation may have done part of its work.";
    example: || Problem::PluginFailed(String::new());

    SATURATED: "saturated", Some(503), "Plugin overloaded";
    cause: "All instances that the plugin may have are busy, and as many requests as may wait are waiting. Or the bodies of its \
        requests and responses use all the memory that it may have. The host rejected this request instead of letting it wait: no \
        code of the operation ran.";
    remedy: "Nothing has changed, so you can send the same request again: after the seconds in the header `retry-after`, and later \
        with every try.";
    example: || Problem::Saturated;

    DEADLINE: "deadline", Some(504), "Deadline exceeded";
    cause: "The operation did not respond before its deadline, which includes the wait for a free instance, or it used more processor \
        time than it may. The host stopped it.";
    remedy: "Ask for less at once, or try again when the host is less busy. The operation may have done part of its work before the \
        host stopped it. The operator sets the limits for each plugin (`deadline_ms`, `cpu_ms`).";
    example: || Problem::Deadline;
}

mod examples {
    use std::time::Duration;

    use axum::http::header;

    use super::{Problem, Rejection};
    use crate::{
        contract::Method,
        value::{Fault, Faults, Malformed, Step},
    };

    pub(super) fn malformed_json() -> Problem {
        Problem::Rejected(Rejection::Malformed(Malformed { line: 3, column: 1, reason: "trailing comma".into() }))
    }

    pub(super) fn method_not_allowed() -> Problem {
        Problem::MethodNotAllowed { allow: vec![Method::Get, Method::Post] }
    }

    pub(super) fn not_acceptable() -> Problem {
        Problem::NotAcceptable { header: header::ACCEPT, offers: &["application/json"] }
    }

    pub(super) fn slow_request() -> Problem {
        Problem::Rejected(Rejection::SlowRequest { limit: Duration::from_secs(30) })
    }

    pub(super) fn unsupported_media_type() -> Problem {
        Problem::Rejected(Rejection::UnsupportedMediaType {
            found: "`text/plain`".into(),
            expected: "`application/json`".into(),
        })
    }

    pub(super) fn invalid_request() -> Problem {
        let name = |name: &str| Step::Name(name.into());
        let mut faults = Faults::default();
        faults.listed = vec![
            Fault {
                loc: vec![name("body"), name("items"), Step::Index(2), name("qty")],
                msg: "-1 is less than 0, the minimum of u32".into(),
                kind: "minimum",
            },
            Fault { loc: vec![name("body"), name("title")], msg: "missing, expected a string".into(), kind: "missing" },
        ];
        Problem::Rejected(Rejection::Faults(faults))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_can_stand_in_a_path() {
        let names: BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
    }

    #[test]
    fn the_example_of_a_kind_is_of_that_kind() {
        for kind in KINDS {
            assert_eq!(kind.example().kind(), *kind);
        }
    }

    #[test]
    fn kinds_are_sorted_and_their_backquotes_are_paired() {
        let statuses: Vec<_> = KINDS.iter().filter_map(|kind| kind.status).collect();
        assert!(statuses.is_sorted(), "{statuses:?}");
        for kind in KINDS {
            for text in [kind.cause, kind.remedy] {
                assert_eq!(text.matches('`').count() % 2, 0, "{text}");
                assert!(!text.contains("  "), "{text}");
            }
        }
    }
}
