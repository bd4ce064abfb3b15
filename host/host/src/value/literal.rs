//! The values that an author wrote into documentation, `@default` and `@example`: whether they are of their own types.
//! Here and not in `contract`, since the one reader of values is here.

use std::collections::HashSet;

use serde_json::Value;

use crate::contract::{Contract, ContractError, Defect, Docs, Named, Shape, Type};

use super::{Faults, Image, Step, read};

/// Bytes that the value of a literal may take.
const MAX: usize = 64 << 20;

/// Checks every value that documentation holds.
///
/// # Errors
///
/// A problem for each value that a request could not hold in its place.
pub fn check(contract: &Contract) -> Result<(), ContractError> {
    let mut walk = Walk { seen: HashSet::new(), problems: vec![] };
    for operation in &contract.operations {
        let item = |what: &str| match operation.interface.as_str() {
            "" => format!("function `{}`{what}", operation.function),
            interface => format!("function `{}` of interface `{interface}`{what}", operation.function),
        };
        for param in &operation.params {
            walk.docs(&param.docs, &param.ty, &item(&format!(", parameter `{}`", param.name)));
            walk.ty(&param.ty);
        }
        operation.outcome.value.iter().chain(&operation.outcome.error).for_each(|ty| walk.ty(ty));
    }
    if walk.problems.is_empty() { Ok(()) } else { Err(ContractError { problems: walk.problems, is_truncated: false }) }
}

/// The value, or what is wrong with it.
fn read(json: &str, ty: &Type, docs: &Docs) -> Result<Option<Image>, String> {
    let mut faults = Faults::default();
    let value = read::image(json.as_bytes(), ty, docs, &mut faults, MAX).map_err(|malformed| malformed.reason)?;
    let Some(fault) = faults.listed.first() else { return Ok(value) };
    let at: String = fault.loc.iter().map(Step::as_path).collect();
    Err(if at.is_empty() { fault.msg.clone() } else { format!("at `{at}`, {}", fault.msg) })
}

struct Walk {
    /// Each type once, wherever it stands.
    seen: HashSet<*const Named>,
    problems: Vec<Defect>,
}

impl Walk {
    fn docs(&mut self, docs: &Docs, ty: &Type, item: &str) {
        let keywords = &docs.keywords;
        let default = keywords.default.iter().map(|json| ("default", json));
        for (keyword, json) in default.chain(keywords.examples.iter().map(|json| ("example", json))) {
            // The document prints numbers as JSON of 64 bits: what it says has to be what was meant.
            let printed = serde_json::from_str::<Value>(json).map(|value| value.to_string()).unwrap_or_default();
            let found = match (read(json, ty, docs), read(&printed, ty, docs)) {
                (Err(found), _) => found,
                (Ok(value), Ok(same)) if value == same => continue,
                (Ok(_), _) => format!("it would be printed as {printed}, so write integers in plain digits"),
            };
            let json: String = json.chars().take(200).collect();
            let expected = format!("a value of the type `{}` that keeps its rules", ty.describe());
            self.problems.push(Defect::new(item, format!("`@{keyword} {json}`: {found}"), expected));
        }
    }

    fn ty(&mut self, ty: &Type) {
        match ty {
            Type::Scalar(_) | Type::Bytes => {}
            Type::List(inner) | Type::FixedList(inner, _) | Type::Option(inner) => self.ty(inner),
            Type::Tuple(items) => items.iter().for_each(|item| self.ty(item)),
            Type::Result(ok, err) => ok.iter().chain(err).for_each(|arm| self.ty(arm)),
            Type::Map(key, value) => [key, value].into_iter().for_each(|ty| self.ty(ty)),
            Type::Named(named) => {
                if !self.seen.insert(std::sync::Arc::as_ptr(named)) {
                    return;
                }
                let item = format!("type `{}`", named.name);
                match &named.shape {
                    Shape::Record(fields) => {
                        for field in fields {
                            self.docs(&field.docs, &field.ty, &format!("{item}, member `{}`", field.name));
                            self.ty(&field.ty);
                        }
                    }
                    Shape::Variant(cases) | Shape::Enum(cases) | Shape::Flags(cases) => {
                        for case in cases {
                            let Some(ty) = &case.ty else { continue };
                            self.docs(&case.docs, ty, &format!("{item}, case `{}`", case.name));
                            self.ty(ty);
                        }
                    }
                    Shape::Alias(target) => self.ty(target),
                }
                // Its own rules are those of the reader already.
                self.docs(&Docs { keywords: without_rules(&named.docs), ..Docs::default() }, ty, &item);
            }
        }
    }
}

/// The values alone: a named type brings its rules along, and one broken rule is one problem.
fn without_rules(docs: &Docs) -> crate::contract::keywords::Keywords {
    let mut keywords = docs.keywords.clone();
    keywords.rules = None;
    keywords
}
