//! One exported function as HTTP.

pub mod casing;
pub mod outcome;
pub(crate) mod place;
pub mod raw;
pub mod route;

use crate::{Absent, Delivery, Docs, Method, Outcome, Pattern, Scalar, Shape, Type};

/// Built once, at load; routing, binding, invocation and the document all read it.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The interface's name without package and version; empty for a function of the world.
    pub interface: String,
    /// The export that holds the function, with package and version; `None` for a function of the world.
    pub instance: Option<String>,
    /// The function's name in WIT.
    pub function: String,
    pub is_async: bool,
    pub method: Method,
    /// With the mount point; parameters under their JSON names.
    pub pattern: Pattern,
    /// In the order of the function.
    pub params: Vec<Param>,
    pub body: Body,
    pub outcome: Outcome,
    pub docs: Docs,
    /// The author's own (`@tag`), of the function or else of its interface.
    pub tags: Vec<String>,
    /// The author advises against it, or against its whole interface.
    pub is_deprecated: bool,
}

#[derive(Debug, Clone)]
pub struct Param {
    /// The name in WIT.
    pub name: String,
    /// The name in path, query or body; of a header its name in lower case.
    pub json: String,
    pub ty: Type,
    /// How the function takes it. With a stream, `ty` is its item.
    pub delivery: Delivery,
    pub place: Place,
    /// What `@param` says of it.
    pub docs: Docs,
}

/// Where a request holds a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
    Body,
}

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None is read.
    None,
    /// The parameter of that index, as JSON.
    Whole(usize),
    /// The parameter of that index, as its raw bytes.
    Raw(usize),
    /// The items of the parameter of that index, a stream, one after the other: JSON a line, or bytes.
    Stream(usize),
    /// One JSON object whose members are the parameters in [`Place::Body`].
    Members,
}

impl Place {
    /// What messages call it; also the first step of a fault's location.
    pub fn name(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
            Place::Body => "body",
        }
    }
}

impl Param {
    /// Whether a request may leave it out.
    #[inline]
    pub fn is_optional(&self) -> bool {
        self.absent().is_allowed() || self.is_empty_if_absent()
    }

    /// What stands for it where a request leaves it out.
    #[inline]
    pub fn absent(&self) -> Absent<'_> {
        self.ty.absent(&self.docs)
    }

    /// Whether it is a list or a set of flags that stands in single words, so that none of them is the empty one.
    #[inline]
    pub fn is_empty_if_absent(&self) -> bool {
        matches!(self.place, Place::Query | Place::Header) && self.ty.is_empty_if_absent(&self.docs)
    }
}

impl Operation {
    /// The parameters in that place, in the function's order.
    #[inline]
    pub fn params_in(&self, place: Place) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(move |param| param.place == place)
    }

    /// Whether a request without a body is a fault.
    #[inline]
    pub fn body_is_required(&self) -> bool {
        match self.body {
            // No bytes at all are bytes too, and no items are a stream.
            Body::None | Body::Raw(_) | Body::Stream(_) => false,
            Body::Whole(i) => !self.params[i].is_optional(),
            Body::Members => self.params_in(Place::Body).any(|param| !param.is_optional()),
        }
    }

    /// Whether it has a stream or a future anywhere.
    #[inline]
    pub fn has_streams(&self) -> bool {
        self.outcome.delivery != Delivery::Whole || self.params.iter().any(|it| it.delivery != Delivery::Whole)
    }

    /// Whether the body is a stream of bytes.
    #[inline]
    pub fn takes_byte_stream(&self) -> bool {
        let is_byte = |i: usize| matches!(self.params[i].ty.resolved(), Type::Scalar(Scalar::U8));
        matches!(self.body, Body::Stream(i) if is_byte(i))
    }

    /// The media types that the items of a body that is a stream are taken as, the default first; none for other bodies.
    #[inline]
    pub fn stream_types(&self) -> &'static [&'static str] {
        match self.body {
            Body::Stream(_) if self.takes_byte_stream() => &["application/octet-stream"],
            // One JSON value a line: NDJSON, also called JSON Lines.
            Body::Stream(_) => &["application/x-ndjson", "application/jsonl"],
            _ => &[],
        }
    }

    /// The members of a body that is one JSON object, with their JSON names and documentation: what a form has a field for
    /// each of. `None` if the operation takes no forms.
    pub fn form_members(&self) -> Option<Vec<(&str, &Type, &Docs)>> {
        match self.body {
            Body::None | Body::Raw(_) | Body::Stream(_) => None,
            Body::Whole(i) => match self.params[i].ty.shape() {
                Some(Shape::Record(fields)) => {
                    Some(fields.iter().map(|field| (field.json.as_str(), &field.ty, &field.docs)).collect())
                }
                _ => None,
            },
            Body::Members => {
                Some(self.params_in(Place::Body).map(|param| (param.json.as_str(), &param.ty, &param.docs)).collect())
            }
        }
    }

    /// Method and path pattern, such as `GET /todos/{id}`.
    pub fn route(&self) -> String {
        format!("{} {}", self.method, self.pattern)
    }

    /// Whether a request could be for either of the two.
    pub fn has_route_of(&self, other: &Operation) -> bool {
        self.method == other.method && self.pattern.collides_with(&other.pattern)
    }

    /// What messages and logs call it, such as `create-todo` of `todos`.
    pub fn label(&self) -> String {
        if self.interface.is_empty() { self.function.clone() } else { format!("{}.{}", self.interface, self.function) }
    }
}
