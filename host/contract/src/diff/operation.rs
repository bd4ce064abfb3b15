//! Operations, their requests and their answers.

use std::collections::{HashMap, HashSet};

use super::{
    super::{Body, Delivery, Docs, ErrorStatus, Operation, Outcome, Param, Place, Scalar, Segment, Shape, Type},
    ChangeKind, ContractChange, Report, Side,
    value::ComparedMember,
};

/// All changes of all operations.
pub(super) fn operations(old: &[Operation], new: &[Operation]) -> Vec<ContractChange> {
    let mut changes = vec![];
    let successors = successors(old, new);
    for (operation, successor) in old.iter().zip(&successors) {
        let name = name(operation);
        let mut report = Report {
            operation: &name,
            location: String::new(),
            side: Side::Input,
            is_word: false,
            changes: &mut changes,
        };
        match successor {
            Some(successor) => report.operation(operation, &new[*successor]),
            None => {
                let effect = format!("`{}` is answered no more", operation.route());
                report.push(ChangeKind::OperationRemoved, "removed", effect, true);
            }
        }
    }
    let has_come: HashSet<usize> = successors.into_iter().flatten().collect();
    for (i, operation) in new.iter().enumerate() {
        if !has_come.contains(&i) {
            let name = name(operation);
            let (location, side) = (String::new(), Side::Input);
            let mut report = Report { operation: &name, location, side, is_word: false, changes: &mut changes };
            report.push(
                ChangeKind::OperationAdded,
                "added",
                format!("`{}` is served as well", operation.route()),
                false,
            );
        }
    }
    changes
}

/// `todos/create-todo`, as WIT has it.
fn name(operation: &Operation) -> String {
    match operation.interface.as_str() {
        "" => operation.function.clone(),
        interface => format!("{interface}/{}", operation.function),
    }
}

/// Which of `new` follows each of `old`: the same function; or else what has its name in an interface of the same name, or
/// else its route.
fn successors(old: &[Operation], new: &[Operation]) -> Vec<Option<usize>> {
    let instance = |it: &Operation| it.instance.as_deref().and_then(|name| name.split('@').next()).map(str::to_owned);
    let keys: [&dyn Fn(&Operation) -> String; 3] =
        [&|it| format!("{}/{}", instance(it).unwrap_or_default(), it.function), &name, &|it| {
            let segment = |segment: &Segment| match segment {
                Segment::Literal(text) => format!("/{text}"),
                Segment::Param(_) => "/{}".to_owned(),
            };
            format!("{} {}", it.method, it.pattern.segments.iter().map(segment).collect::<String>())
        }];
    let mut successors = vec![None; old.len()];
    let mut is_taken = vec![false; new.len()];
    for key in keys {
        let free = new.iter().enumerate().filter(|(i, _)| !is_taken[*i]);
        let free: HashMap<String, usize> = free.map(|(i, operation)| (key(operation), i)).collect();
        for (operation, successor) in old.iter().zip(&mut successors).filter(|(_, successor)| successor.is_none()) {
            if let Some(&i) = free.get(&key(operation))
                && !is_taken[i]
            {
                (*successor, is_taken[i]) = (Some(i), true);
            }
        }
    }
    successors
}

impl Report<'_> {
    fn operation(&mut self, old: &Operation, new: &Operation) {
        if name(old) != name(new) {
            let effect = "requests are answered as before; generated clients call it otherwise";
            self.push(ChangeKind::OperationRenamed, format!("{} → {}", name(old), name(new)), effect, false);
        }
        let is_same_route = old.has_route_of(new);
        if !is_same_route {
            let what = format!("{} → {}", old.route(), new.route());
            self.push(ChangeKind::Route, what, "requests to the old route fail", true);
        }
        if new.is_deprecated && !old.is_deprecated {
            self.push(ChangeKind::Deprecated, "deprecated", "it works as before", false);
        }
        self.side = Side::Input;
        self.params(old, new, is_same_route);
        self.body(old, new);
        self.side = Side::Output;
        self.outcome(&old.outcome, &new.outcome);
    }

    /// What stands outside of the body.
    fn params(&mut self, old: &Operation, new: &Operation, is_same_route: bool) {
        self.is_word = true;
        let find = |operation, name: &str| members(operation, Place::Path).into_iter().find(|it| it.json == name);
        for (i, name) in old.pattern.params().enumerate() {
            // Clients fill in places; what these are called is nothing to them.
            let successor = if is_same_route { new.pattern.params().nth(i) } else { Some(name) };
            if let (Some(old), Some(new)) = (find(old, name), successor.and_then(|name| find(new, name))) {
                self.at(&format!("path.{name}"), |report| report.member(&old, &new));
            }
        }
        for place in [Place::Query, Place::Header] {
            let (old, new) = (members(old, place), members(new, place));
            self.at(place.name(), |report| {
                report.object(&old, &new, ChangeKind::ParameterRemoved, ChangeKind::ParameterAdded);
            });
        }
        self.is_word = false;
    }

    fn body(&mut self, old: &Operation, new: &Operation) {
        self.at("body", |report| match (Content::of(old), Content::of(new)) {
            (Content::None, Content::None) | (Content::Bytes, Content::Bytes) => {}
            (Content::Items(a), Content::Items(b)) => {
                report.at("[]", |report| report.ty((&a.ty, &a.docs), (&b.ty, &b.docs)));
            }
            (Content::Value(a), Content::Value(b)) => report.member(&member(a), &member(b)),
            (Content::Object(a), Content::Object(b)) => {
                let is_told = |members: &[ComparedMember]| members.iter().any(|member| !member.is_optional);
                if !old.body_is_required() && new.body_is_required() && !is_told(&b) {
                    report.push(ChangeKind::Required, "now required", "requests without a body are rejected", true);
                }
                report.object(&a, &b, ChangeKind::MemberRemoved, ChangeKind::MemberAdded);
            }
            (Content::None, Content::Object(members)) => {
                report.object(&[], &members, ChangeKind::MemberRemoved, ChangeKind::MemberAdded);
            }
            (Content::None, content) => {
                let (what, is_required) = (format!("{} is new", content.describe()), new.body_is_required());
                let effect = if is_required { "requests without a body are rejected" } else { "it is optional" };
                report.push(ChangeKind::Body, what, effect, is_required);
            }
            (content, Content::None) => {
                let what = format!("{} is removed", content.describe());
                report.push(ChangeKind::Body, what, "the body of requests is ignored", true);
            }
            (a, b) => {
                let what = format!("{} → {}", a.describe(), b.describe());
                report.push(ChangeKind::Body, what, "accepted bodies are now rejected", true);
            }
        });
    }

    fn outcome(&mut self, old: &Outcome, new: &Outcome) {
        self.at("answer", |report| {
            if old.success != new.success {
                let what = format!("status {} → {}", old.success, new.success);
                report.push(ChangeKind::Status, what, "clients that expect the old status do not get it", true);
            }
            let no_docs = Docs::default();
            match (&old.value, &new.value) {
                (Some(a), Some(b)) if old.media_types() == new.media_types() => {
                    let step = if old.is_stream() { "[]" } else { "" };
                    report.at(step, |report| report.ty((a, &no_docs), (b, &no_docs)));
                }
                (Some(_), Some(_)) => {
                    let what = format!("{} → {}", old.media_types().join(", "), new.media_types().join(", "));
                    report.push(ChangeKind::MediaType, what, "clients cannot read the response", true);
                }
                (Some(_), None) => {
                    report.push(ChangeKind::Body, "the body is removed", "clients that read it find nothing", true);
                }
                (None, Some(_)) => {
                    report.push(ChangeKind::Body, "a body is new", "clients ignore what they do not know", false);
                }
                (None, None) => {}
            }
        });
        self.at("error", |report| report.errors(old, new));
    }

    fn errors(&mut self, old: &Outcome, new: &Outcome) {
        match (old.none_is_not_found, new.none_is_not_found) {
            (false, true) => {
                let what = format!("404 for `none` is new: {}", describe(new.value.as_ref()));
                self.push(ChangeKind::ErrorAdded, what, "it can occur where there always was a value", true);
            }
            (true, false) => {
                self.push(ChangeKind::ErrorRemoved, "404 for `none` is removed", "it no longer occurs", false)
            }
            _ => {}
        }
        match (old.fallible, new.fallible) {
            (false, false) => return,
            (true, false) => return self.push(ChangeKind::ErrorRemoved, "removed", "it no longer occurs", false),
            (false, true) => {
                let what = format!("{} is new", describe(new.error.as_ref()));
                return self.push(ChangeKind::ErrorAdded, what, "it can occur where there always was a success", true);
            }
            (true, true) => {}
        }
        self.error_statuses(old, new);
        let no_docs = Docs::default();
        match (&old.error, &new.error) {
            (Some(a), Some(b)) => self.ty((a, &no_docs), (b, &no_docs)),
            (Some(_), None) => {
                self.push(
                    ChangeKind::MemberRemoved,
                    "the member `error` is removed",
                    "clients that read it find nothing",
                    true,
                );
            }
            (None, Some(_)) => {
                let effect = "clients ignore members that they do not know";
                self.push(ChangeKind::MemberAdded, "the member `error` is new", effect, false);
            }
            (None, None) => {}
        }
    }

    fn error_statuses(&mut self, old: &Outcome, new: &Outcome) {
        let effect = "clients that expect the old status do not get it";
        let (was, is) = (statuses(old), statuses(new));
        let is_by_case = |statuses: &[(Option<String>, String)]| statuses.iter().any(|(case, _)| case.is_some());
        if is_by_case(&was) != is_by_case(&is) {
            let all = |statuses: &[(Option<String>, String)]| {
                let mut all: Vec<_> = statuses.iter().map(|(_, status)| status.as_str()).collect();
                all.sort_unstable();
                all.dedup();
                all.join(", ")
            };
            if all(&was) != all(&is) {
                self.push(ChangeKind::ErrorStatus, format!("status {} → {}", all(&was), all(&is)), effect, true);
            }
            return;
        }
        for (case, old) in &was {
            let Some((_, new)) = is.iter().find(|(name, _)| name == case) else { continue };
            if old != new {
                let step = case.as_ref().map(|case| format!(".{case}")).unwrap_or_default();
                self.at(&step, |report| {
                    report.push(ChangeKind::ErrorStatus, format!("status {old} → {new}"), effect, true);
                });
            }
        }
    }
}

/// The status of each case, or the one of all.
fn statuses(outcome: &Outcome) -> Vec<(Option<String>, String)> {
    match outcome.error_status() {
        ErrorStatus::Always(status) => vec![(None, status.to_string())],
        ErrorStatus::Member(_) => vec![(None, "as its member `status` says".into())],
        ErrorStatus::Cases(statuses) => {
            let cases = match outcome.error.as_ref().and_then(Type::shape) {
                Some(Shape::Variant(cases) | Shape::Enum(cases)) => cases.as_slice(),
                _ => &[],
            };
            cases.iter().zip(statuses).map(|(case, status)| (Some(case.name.clone()), status.to_string())).collect()
        }
    }
}

/// What a body is made of.
enum Content<'c> {
    None,
    Bytes,
    Items(&'c Param),
    Object(Vec<ComparedMember<'c>>),
    Value(&'c Param),
}

impl<'c> Content<'c> {
    fn of(operation: &'c Operation) -> Content<'c> {
        match operation.body {
            Body::None => Content::None,
            Body::Raw(_) => Content::Bytes,
            Body::Stream(i) => match operation.params[i].ty.resolved() {
                Type::Scalar(Scalar::U8) => Content::Bytes,
                _ => Content::Items(&operation.params[i]),
            },
            Body::Whole(i) => match operation.params[i].ty.shape() {
                Some(Shape::Record(fields)) => Content::Object(fields.iter().map(ComparedMember::of_field).collect()),
                _ => Content::Value(&operation.params[i]),
            },
            Body::Members => Content::Object(members(operation, Place::Body)),
        }
    }

    fn describe(&self) -> String {
        match self {
            Content::None => "no body".into(),
            Content::Bytes => "bytes".into(),
            Content::Items(param) => Delivery::Stream.describe(&param.ty),
            Content::Object(_) => "an object".into(),
            Content::Value(param) => param.ty.describe(),
        }
    }
}

fn members(operation: &Operation, place: Place) -> Vec<ComparedMember<'_>> {
    operation.params_in(place).map(member).collect()
}

fn member(param: &Param) -> ComparedMember<'_> {
    ComparedMember { json: &param.json, ty: &param.ty, docs: &param.docs, is_optional: param.is_optional() }
}

fn describe(ty: Option<&Type>) -> String {
    ty.map_or_else(|| "no value".into(), Type::describe)
}
