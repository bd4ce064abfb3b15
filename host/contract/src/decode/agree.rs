//! Whether the embedded WIT says the same as the component: structure only, not documentation and not aliases.

use crate::{Case, Passed, Shape, Type};

/// Where the two first differ: the path to it, what the component has, what the text has.
#[derive(Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Such as `.items[].qty`; empty for the type as a whole.
    pub path: String,
    pub component: String,
    pub text: String,
}

/// Compares a parameter or a result of the component with its counterpart in the embedded text.
pub fn passed(component: &Passed, text: &Passed) -> Result<(), Disagreement> {
    if (component.delivery, component.in_ok) != (text.delivery, text.in_ok) {
        return Err(Disagreement { path: String::new(), component: component.describe(), text: text.describe() });
    }
    types(&component.ty, &text.ty)
}

/// Compares a type of the component with its counterpart in the embedded text.
pub fn types(component: &Type, text: &Type) -> Result<(), Disagreement> {
    let (component, text) = (component.resolved(), text.resolved());
    let whole = || Disagreement { path: String::new(), component: component.describe(), text: text.describe() };
    match (component, text) {
        (Type::Scalar(a), Type::Scalar(b)) if a == b => Ok(()),
        (Type::Bytes, Type::Bytes) => Ok(()),
        (Type::List(a), Type::List(b)) => types(a, b).map_err(at("[]")),
        (Type::FixedList(a, n), Type::FixedList(b, m)) if n == m => types(a, b).map_err(at("[]")),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            a.iter().zip(b.iter()).enumerate().try_for_each(|(i, (a, b))| types(a, b).map_err(at(&format!("[{i}]"))))
        }
        (Type::Option(a), Type::Option(b)) => types(a, b),
        (Type::Result(ok, err), Type::Result(text_ok, text_err)) => {
            optional(ok.as_deref(), text_ok.as_deref()).map_err(at(".ok"))?;
            optional(err.as_deref(), text_err.as_deref()).map_err(at(".err"))
        }
        (Type::Map(key, value), Type::Map(text_key, text_value)) => {
            types(key, text_key).map_err(at(".key"))?;
            types(value, text_value).map_err(at("[]"))
        }
        (Type::Named(a), Type::Named(b)) => match (&a.shape, &b.shape) {
            (Shape::Record(fields), Shape::Record(text_fields)) => {
                let names = |fields: &[crate::Field]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
                same_names(names(fields), names(text_fields))?;
                fields.iter().zip(text_fields).try_for_each(|(field, text_field)| {
                    types(&field.ty, &text_field.ty).map_err(at(&format!(".{}", field.name)))
                })
            }
            (Shape::Variant(cases), Shape::Variant(text_cases))
            | (Shape::Enum(cases), Shape::Enum(text_cases))
            | (Shape::Flags(cases), Shape::Flags(text_cases)) => {
                let names = |cases: &[Case]| cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>();
                same_names(names(cases), names(text_cases))?;
                cases.iter().zip(text_cases).try_for_each(|(case, text_case)| {
                    optional(case.ty.as_ref(), text_case.ty.as_ref()).map_err(at(&format!(".{}", case.name)))
                })
            }
            _ => Err(whole()),
        },
        _ => Err(whole()),
    }
}

/// Compares what may be missing, such as the payload of a case.
fn optional(component: Option<&Type>, text: Option<&Type>) -> Result<(), Disagreement> {
    let describe = |ty: Option<&Type>| ty.map_or("no value".into(), Type::describe);
    match (component, text) {
        (None, None) => Ok(()),
        (Some(a), Some(b)) => types(a, b),
        _ => Err(Disagreement { path: String::new(), component: describe(component), text: describe(text) }),
    }
}

fn same_names(component: Vec<String>, text: Vec<String>) -> Result<(), Disagreement> {
    if component == text {
        return Ok(());
    }
    Err(Disagreement { path: String::new(), component: component.join(", "), text: text.join(", ") })
}

fn at(step: &str) -> impl FnOnce(Disagreement) -> Disagreement {
    move |inner| Disagreement { path: format!("{step}{}", inner.path), ..inner }
}
