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
    MALFORMED_BODY: "malformed-body", Some(400), "The body cannot be read";
    cause: "The request's body ended before its time, was not compressed as its header `content-encoding` says, or is no \
        form although its `content-type` says so.";
    remedy: "Read `detail`. Most often a client announces something by hand that its HTTP library would set: leave \
        `content-length`, `content-encoding` and the `boundary` of a form to the library.";
    example: || Problem::Rejected(Rejection::MalformedBody("Its `content-encoding` is `gzip`, but it is no such data.".into()));

    MALFORMED_JSON: "malformed-json", Some(400), "The body is not JSON";
    cause: "The request's body could not be read as JSON: a comma too many, a quote that is missing, an escape that JSON \
        does not have, or a body that ended early. Nothing of it was looked at any further.";
    remedy: "Look at the line and column in `detail`. Let a JSON library write the body instead of putting it together \
        from text, and see that `content-length` is the number of bytes, not of characters.";
    example: examples::malformed_json;

    NO_ROUTE: "no-route", Some(404), "No operation has this path";
    cause: "Nothing that runs here has a path like that of the request. Paths are compared as they come: `/todos/` is \
        not `/todos`, capitals count, and a path parameter cannot be empty. It may also be that the plugin with this \
        path is not loaded now.";
    remedy: "Compare the path with those in `/openapi.json`, segment by segment. Encode what stands in a path parameter \
        (a slash is `%2F`). Sending the same request again does not help.";
    example: || Problem::NoRoute;

    NONE_FOUND: "none-found", Some(404), "There is no such thing";
    cause: "The path is right and the operation ran, but it has nothing to answer with: most often no thing has the id \
        in the path.";
    remedy: "See whether the id is right, and whether the thing is still there. To tell this answer from a wrong path, \
        compare `type`: both are 404.";
    example: || Problem::NoneFound;

    METHOD_NOT_ALLOWED: "method-not-allowed", Some(405), "The path has no operation with this method";
    cause: "The path is right, but it has no operation for the request's method.";
    remedy: "Use one of the methods that `detail` and the header `allow` list. Methods are written in capitals.";
    example: examples::method_not_allowed;

    NOT_ACCEPTABLE: "not-acceptable", Some(406), "The answer is of no type that is accepted";
    cause: "The request's header that `detail` names takes none of the formats that the operation answers in. No code of \
        the operation ran.";
    remedy: "Accept one of the formats in `detail`, or leave the header out: then the operation's first is sent. `*/*` \
        takes every format.";
    example: examples::not_acceptable;

    SLOW_REQUEST: "slow-request", Some(408), "The body took too long to arrive";
    cause: "The host waited for the rest of the request's body and gave up. Either the connection is slow, or the \
        client announced more than it sent: a `content-length` that is too large, or a chunked body without its end.";
    remedy: "Send the whole body within the time that `detail` names. The connection was closed, so try again on a new \
        one; no code of the operation ran.";
    example: examples::slow_request;

    BODY_TOO_LARGE: "body-too-large", Some(413), "The body is too large";
    cause: "The request's body has more bytes than this operation takes. It was not read to its end, and the connection \
        was closed.";
    remedy: "Stay below the limit in `detail`: send less, or in several requests. The limit is the operator's, for each \
        plugin (`body_kib`).";
    example: || Problem::Rejected(Rejection::BodyTooLarge { limit: 1_048_576 });

    UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type", Some(415), "The body's media type is not the operation's";
    cause: "The header `content-type` is missing, or names a format that the operation does not read. The host never \
        guesses what a body is.";
    remedy: "Send the header with the type that `detail` wants, most often `content-type: application/json`, and the \
        body in that format.";
    example: examples::unsupported_media_type;

    UNSUPPORTED_ENCODING: "unsupported-encoding", Some(415), "The body's content encoding is not known";
    cause: "The request's body is compressed in a way that the host cannot undo.";
    remedy: "Send the body as it is, without the header `content-encoding`, or compressed as the answer's header \
        `accept-encoding` lists.";
    example: || Problem::Rejected(Rejection::UnsupportedEncoding { found: "`br`".into() });

    INVALID_REQUEST: "invalid-request", Some(422), "The request does not fit the contract";
    cause: "The request was understood, but some of its values are not what the operation takes: a member is missing or \
        unknown, a number out of its range, a text of the wrong form. All of it was checked before any code of the \
        operation ran, so nothing has changed.";
    remedy: "The member `errors` lists every fault at once. In each, `loc` is the way to the value (`path`, `query`, \
        `header` or `body`, then names and indices), `msg` says what was found and what was wanted, and `type` is a word for \
        programs that never changes. The schemas in `/openapi.json` say exactly what is accepted.";
    example: examples::invalid_request;

    OPERATION_ERROR: "operation-error", None, "The operation answered with an error";
    cause: "The request was valid and the operation ran, and it decided to refuse. The error is part of its contract, \
        like its success: the status comes from the kind of the error, and a 404 or a 409 of this type has a meaning \
        that the operation's documentation tells.";
    remedy: "Read the member `error`: it is the operation's own value, of the schema that `/openapi.json` has for this \
        status. It is left out if the error carries no value.";
    example: || Problem::Operation { status: 409, error: Some(br#"{"tag":"already-exists","val":"milk"}"#.to_vec()) };

    PLUGIN_FAILED: "plugin-failed", Some(500), "The plugin failed";
    cause: "The operation broke off: its code crashed, ran out of memory, or gave a result that cannot be sent. This is \
        a defect of the plugin or a limit that is too low, not a fault of the request.";
    remedy: "Tell the operator the answer's header `x-request-id`: the host's log has the reason under it. Before you \
        try again, consider that the operation may have done a part of its work.";
    example: || Problem::PluginFailed(String::new());

    SATURATED: "saturated", Some(503), "All instances are busy";
    cause: "The host has as many requests for this plugin under way as it can take, and as many as may wait are waiting. \
        Or bodies and answers of this plugin take all of the memory that it may have. \
        This request was turned away rather than kept waiting: no code of the operation ran.";
    remedy: "Nothing has changed, so the same request can be sent again: after the seconds in the header `retry-after`, \
        and later with every try.";
    example: || Problem::Saturated;

    DEADLINE: "deadline", Some(504), "The operation took too long";
    cause: "The operation did not answer within its time, the wait for a free instance included, and was stopped. The same goes for one that used more processor time than it may.";
    remedy: "Ask for less at once, or try again when the host is less busy. The operation may have done a part of its \
        work before it was stopped. The time is the operator's, for each plugin (`deadline_ms`, `cpu_ms`).";
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
            wanted: "`application/json`".into(),
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
            Fault { loc: vec![name("body"), name("title")], msg: "missing, wanted a string".into(), kind: "missing" },
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
    fn the_list_is_in_the_order_of_statuses_and_backquotes_come_in_pairs() {
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
