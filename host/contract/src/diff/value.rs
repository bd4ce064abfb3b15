//! A type in one place against its successor: which values it lost, which it gained.

use std::collections::{HashMap, HashSet};

use super::{
    super::{Absent, Case, Docs, Field, Scalar, Shape, Type, rules::Rules, schema},
    ChangeKind, Report, Side,
};

/// A member of an object, or a parameter.
pub(super) struct ComparedMember<'c> {
    pub json: &'c str,
    pub ty: &'c Type,
    pub docs: &'c Docs,
    /// A request may leave it out.
    pub is_optional: bool,
}

impl<'c> ComparedMember<'c> {
    pub(super) fn of_field(field: &'c Field) -> ComparedMember<'c> {
        let is_optional = field.ty.absent(&field.docs).is_allowed();
        ComparedMember { json: &field.json, ty: &field.ty, docs: &field.docs, is_optional }
    }
}

/// A type, and the rules that hold in its place.
struct Ruled<'c> {
    ty: &'c Type,
    rules: Vec<&'c Rules>,
}

impl<'c> Ruled<'c> {
    fn new(ty: &'c Type, docs: &'c Docs) -> Ruled<'c> {
        Ruled { ty, rules: docs.keywords.rules.as_deref().into_iter().collect() }.resolved()
    }

    /// What stands inside of another type.
    fn inner(ty: &'c Type) -> Ruled<'c> {
        Ruled { ty, rules: vec![] }.resolved()
    }

    /// What is in an option. Rules on the option are about that.
    fn some(&self, ty: &'c Type) -> Ruled<'c> {
        Ruled { ty, rules: self.rules.clone() }.resolved()
    }

    fn resolved(mut self) -> Ruled<'c> {
        self.rules.extend(self.ty.rules());
        Ruled { ty: self.ty.resolved(), rules: self.rules }
    }

    /// A text with nothing demanded of it.
    fn is_any_text(&self) -> bool {
        matches!(self.ty, Type::Scalar(Scalar::String)) && self.rules.is_empty()
    }

    /// What is one of a list of words in JSON.
    fn words(&self) -> Option<&'c [Case]> {
        match self.ty.shape()? {
            Shape::Enum(cases) => Some(cases),
            Shape::Variant(cases) if !schema::has_payload(cases) => Some(cases),
            _ => None,
        }
    }
}

impl Report<'_> {
    /// The type of a member or a parameter, or of a whole body or answer.
    pub(super) fn ty(&mut self, old: (&Type, &Docs), new: (&Type, &Docs)) {
        self.ruled(&Ruled::new(old.0, old.1), &Ruled::new(new.0, new.1));
    }

    fn inner(&mut self, step: &str, old: &Type, new: &Type) {
        self.at(step, |report| report.ruled(&Ruled::inner(old), &Ruled::inner(new)));
    }

    fn ruled(&mut self, old: &Ruled, new: &Ruled) {
        if self.option(old, new) || self.text(old, new) {
            return;
        }
        if let (Some(old), Some(new)) = (old.words(), new.words()) {
            return self.cases(old, new, "the word");
        }
        match (old.ty, new.ty) {
            (Type::Scalar(Scalar::String), Type::Scalar(Scalar::String)) => self.strings(&old.rules, &new.rules),
            (Type::Scalar(Scalar::Bool), Type::Scalar(Scalar::Bool))
            | (Type::Scalar(Scalar::Char), Type::Scalar(Scalar::Char))
            | (Type::Bytes, Type::Bytes) => {}
            (Type::Scalar(a), Type::Scalar(b)) if is_number(*a) && is_number(*b) => {
                self.numbers(*a, &old.rules, *b, &new.rules);
            }
            (Type::List(a), Type::List(b)) => {
                self.items(&old.rules, &new.rules);
                self.inner("[]", a, b);
            }
            (Type::FixedList(a, len), Type::FixedList(b, new_len)) if len == new_len => self.inner("[]", a, b),
            (Type::FixedList(a, _), Type::List(b)) if new.rules.is_empty() => {
                self.type_changed(old, new, &[], &["lists of other lengths"]);
                self.inner("[]", a, b);
            }
            (Type::List(a), Type::FixedList(b, _)) if old.rules.is_empty() => {
                self.type_changed(old, new, &["lists of other lengths"], &[]);
                self.inner("[]", a, b);
            }
            (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
                for (i, (a, b)) in a.iter().zip(b.iter()).enumerate() {
                    self.inner(&format!("[{i}]"), a, b);
                }
            }
            (Type::Result(ok, err), Type::Result(new_ok, new_err)) => {
                for (step, old_arm, new_arm) in [(".ok", ok, new_ok), (".err", err, new_err)] {
                    match (old_arm, new_arm) {
                        (Some(a), Some(b)) => self.inner(step, a, b),
                        (None, None) => {}
                        _ => self.at(step, |report| {
                            let describe = |arm: Option<&Type>| arm.map_or("no value".into(), Type::describe);
                            let what = format!("{} → {}", describe(old_arm.as_deref()), describe(new_arm.as_deref()));
                            report.values(ChangeKind::Type, what, &["values"], &["values"]);
                        }),
                    }
                }
            }
            (Type::Map(key, value), Type::Map(new_key, new_value))
                if schema::is_string(key) == schema::is_string(new_key) =>
            {
                if schema::is_string(key) {
                    self.members_of_map(&old.rules, &new.rules);
                }
                self.inner("{key}", key, new_key);
                self.inner("{}", value, new_value);
            }
            _ => match (old.ty.shape(), new.ty.shape()) {
                (Some(Shape::Record(a)), Some(Shape::Record(b))) => {
                    self.object(&fields(a), &fields(b), ChangeKind::MemberRemoved, ChangeKind::MemberAdded);
                }
                (Some(Shape::Flags(a)), Some(Shape::Flags(b))) => self.cases(a, b, "the flag"),
                (Some(Shape::Variant(a)), Some(Shape::Variant(b)))
                    if schema::has_payload(a) && schema::has_payload(b) =>
                {
                    self.cases(a, b, "the case");
                    self.payloads(a, b);
                }
                _ if self.word_in_list(old, new) => {}
                _ => self.type_changed(old, new, &["values"], &["values"]),
            },
        }
    }

    /// Where one of the two is an option. An option in an option is spelt in another way than one alone.
    fn option(&mut self, old: &Ruled, new: &Ruled) -> bool {
        let plain = |ty: &Type| !ty.is_option();
        let null: &[&str] = &["`null` values"];
        match (old.ty, new.ty) {
            (Type::Option(a), Type::Option(b)) if plain(a) && plain(b) => self.ruled(&old.some(a), &new.some(b)),
            (Type::Option(a), Type::Option(b)) if !plain(a) && !plain(b) => self.inner(".some", a, b),
            (Type::Option(a), other) if plain(a) && plain(other) => {
                if !self.is_word {
                    self.type_changed(old, new, null, &[]);
                }
                self.ruled(&old.some(a), new);
            }
            (other, Type::Option(b)) if plain(b) && plain(other) => {
                if !self.is_word {
                    self.type_changed(old, new, &[], null);
                }
                self.ruled(old, &new.some(b));
            }
            (Type::Option(_), _) | (_, Type::Option(_)) => self.type_changed(old, new, &["values"], &["values"]),
            _ => return false,
        }
        true
    }

    /// Where one of the two is any text, and the other a text of a certain kind; in paths and queries all are texts.
    fn text(&mut self, old: &Ruled, new: &Ruled) -> bool {
        let is_text = |it: &Ruled| match it.ty {
            Type::Scalar(Scalar::String) => false,
            Type::Scalar(Scalar::Char) => true,
            Type::Scalar(_) => self.is_word,
            _ => it.words().is_some(),
        };
        if new.is_any_text() && is_text(old) {
            self.type_changed(old, new, &[], &["other texts"]);
        } else if old.is_any_text() && is_text(new) {
            self.type_changed(old, new, &["other texts"], &[]);
        } else {
            return false;
        }
        true
    }

    /// A word of a query that may now stand there again and again.
    fn word_in_list(&mut self, old: &Ruled, new: &Ruled) -> bool {
        let Type::List(item) = new.ty else { return false };
        let is_widened = self.is_word && self.location.starts_with("query") && old.ty.is_scalar();
        if !is_widened || !new.rules.is_empty() {
            return false;
        }
        self.type_changed(old, new, &[], &["several words"]);
        let old = Ruled { ty: old.ty, rules: old.rules.clone() };
        self.ruled(&old, &Ruled::inner(item));
        true
    }

    fn type_changed(&mut self, old: &Ruled, new: &Ruled, lost: &[&str], gained: &[&str]) {
        self.values(ChangeKind::Type, format!("{} → {}", old.ty.describe(), new.ty.describe()), lost, gained);
    }

    /// Members of an object, or parameters of one place.
    pub(super) fn object(
        &mut self,
        old: &[ComparedMember],
        new: &[ComparedMember],
        removed: ChangeKind,
        added: ChangeKind,
    ) {
        let by_name: HashMap<&str, &ComparedMember> = new.iter().map(|member| (member.json, member)).collect();
        let known: HashSet<&str> = old.iter().map(|member| member.json).collect();
        for member in old {
            let Some(successor) = by_name.get(member.json) else {
                let effect = match (self.side, self.is_word) {
                    (Side::Input, false) => "requests with it are rejected",
                    (Side::Input, true) => "its value is ignored",
                    (Side::Output, _) => "clients that read it find nothing",
                };
                self.at_member(member, |report| report.push(removed, "removed", effect, true));
                continue;
            };
            self.at_member(member, |report| report.member(member, successor));
        }
        for member in new.iter().filter(|member| !known.contains(member.json)) {
            let (what, effect, breaks) = match (self.side, member.is_optional) {
                (Side::Output, _) => ("added", "clients ignore members that they do not know", false),
                (Side::Input, true) => ("added", "it is optional", false),
                (Side::Input, false) => ("added, required", "requests without it are rejected", true),
            };
            self.at_member(member, |report| report.push(added, what, effect, breaks));
        }
    }

    fn at_member(&mut self, member: &ComparedMember, look: impl FnOnce(&mut Self)) {
        let step = if self.location.is_empty() { member.json.to_owned() } else { format!(".{}", member.json) };
        self.at(&step, look);
    }

    /// A member that is in both.
    pub(super) fn member(&mut self, old: &ComparedMember, new: &ComparedMember) {
        if self.side == Side::Input {
            match (old.is_optional, new.is_optional) {
                (true, false) => {
                    self.push(ChangeKind::Required, "now required", "requests without it are rejected", true)
                }
                (false, true) => self.push(ChangeKind::Required, "no longer required", "it is optional", false),
                (true, true) => self.default(old, new),
                (false, false) => {}
            }
        }
        self.ty((old.ty, old.docs), (new.ty, new.docs));
    }

    /// Whoever leaves it out gets another value.
    fn default(&mut self, old: &ComparedMember, new: &ComparedMember) {
        let default = |member: &ComparedMember| match member.ty.absent(member.docs) {
            Absent::Default(json) => Some(json.to_owned()),
            Absent::None | Absent::Fault => None,
        };
        let (was, is) = (default(old), default(new));
        if was != is {
            let what = match (was, is) {
                (Some(was), Some(is)) => format!("@default {was} → {is}"),
                (None, Some(is)) => format!("@default {is} is new"),
                (was, _) => format!("@default {} is removed", was.unwrap_or_default()),
            };
            self.push(ChangeKind::Default, what, "requests without it mean something else", false);
        }
    }

    /// Which cases or flags there are.
    fn cases(&mut self, old: &[Case], new: &[Case], called: &str) {
        let names = |cases: &[Case]| cases.iter().map(|case| case.name.clone()).collect::<HashSet<_>>();
        let (old_names, new_names) = (names(old), names(new));
        for case in old.iter().filter(|case| !new_names.contains(&case.name)) {
            let values = format!("{called} `{}`", case.name);
            let (effect, breaks) = match self.side {
                Side::Input => (format!("requests with {values} are rejected"), true),
                Side::Output => (format!("{values} is no longer returned"), false),
            };
            self.push(ChangeKind::CaseRemoved, format!("`{}` removed", case.name), effect, breaks);
        }
        for case in new.iter().filter(|case| !old_names.contains(&case.name)) {
            let values = format!("{called} `{}`", case.name);
            let (effect, breaks) = match self.side {
                Side::Input => (format!("{values} is accepted as well"), false),
                Side::Output => (format!("{values} may be returned, which clients do not know"), true),
            };
            self.push(ChangeKind::CaseAdded, format!("`{}` added", case.name), effect, breaks);
        }
    }

    /// The payloads of cases that are in both.
    fn payloads(&mut self, old: &[Case], new: &[Case]) {
        let by_name: HashMap<&str, &Case> = new.iter().map(|case| (case.name.as_str(), case)).collect();
        for case in old {
            let Some(&successor) = by_name.get(case.name.as_str()) else { continue };
            self.at(&format!(".{}", case.name), |report| match (&case.ty, &successor.ty) {
                (Some(_), Some(_)) | (None, None) => {
                    if let (Some(a), Some(b)) = (&case.ty, &successor.ty) {
                        report.member(&payload(a, &case.docs), &payload(b, &successor.docs));
                    }
                }
                (Some(ty), None) => {
                    report.object(&[payload(ty, &case.docs)], &[], ChangeKind::MemberRemoved, ChangeKind::MemberAdded);
                }
                (None, Some(ty)) => {
                    report.object(
                        &[],
                        &[payload(ty, &successor.docs)],
                        ChangeKind::MemberRemoved,
                        ChangeKind::MemberAdded,
                    );
                }
            });
        }
    }
}

/// What a case holds, as the member that it is in JSON.
fn payload<'c>(ty: &'c Type, docs: &'c Docs) -> ComparedMember<'c> {
    ComparedMember { json: "val", ty, docs, is_optional: ty.absent(docs).is_allowed() }
}

fn fields(fields: &[Field]) -> Vec<ComparedMember<'_>> {
    fields.iter().map(ComparedMember::of_field).collect()
}

fn is_number(scalar: Scalar) -> bool {
    !matches!(scalar, Scalar::Bool | Scalar::Char | Scalar::String)
}
