//! One exported function as HTTP.

use super::{Delivery, Docs, Method, Outcome, Pattern, Scalar, Type};

/// Built once, at load; routing, binding, invocation and the document all read it.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `<interface>_<function>` in snake case: the document's `operationId`, unique in its plugin.
    pub id: String,
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
}

#[derive(Debug, Clone)]
pub struct Param {
    /// The name in WIT.
    pub name: String,
    /// The name in path, query or body.
    pub json: String,
    pub ty: Type,
    /// How the function takes it. With a stream, `ty` is its item.
    pub delivery: Delivery,
    pub place: Place,
}

/// Where a request holds a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
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
            Place::Body => "body",
        }
    }
}

impl Param {
    /// Whether a request may leave it out: `option`, and lists in a query, which are then empty.
    pub fn is_optional(&self) -> bool {
        match self.ty.resolved() {
            Type::Option(_) => true,
            Type::List(_) => self.place == Place::Query,
            _ => self.place == Place::Query && matches!(self.ty.shape(), Some(super::Shape::Flags(_))),
        }
    }
}

impl Operation {
    /// The parameters in that place, in the function's order.
    pub fn params_in(&self, place: Place) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(move |param| param.place == place)
    }

    /// Whether a request without a body is a fault.
    pub fn body_is_required(&self) -> bool {
        match self.body {
            // No bytes at all are bytes too, and no items are a stream.
            Body::None | Body::Raw(_) | Body::Stream(_) => false,
            Body::Whole(_) => true,
            Body::Members => self.params_in(Place::Body).any(|param| !param.is_optional()),
        }
    }

    /// Whether it has a stream or a future anywhere.
    pub fn has_streams(&self) -> bool {
        self.outcome.delivery != Delivery::Whole || self.params.iter().any(|it| it.delivery != Delivery::Whole)
    }

    /// Whether the body is a stream of bytes.
    pub fn takes_byte_stream(&self) -> bool {
        let is_byte = |i: usize| matches!(self.params[i].ty.resolved(), Type::Scalar(Scalar::U8));
        matches!(self.body, Body::Stream(i) if is_byte(i))
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
