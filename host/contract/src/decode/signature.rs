//! A function's types, from the component or from its embedded WIT.

use crate::{
    Defect, Docs, Passed,
    agree::{self, Disagreement},
};

/// See the module.
pub(crate) struct Signature {
    /// Name and type.
    pub params: Vec<(String, Passed)>,
    pub result: Option<Passed>,
    pub is_async: bool,
    pub docs: Docs,
}

impl Signature {
    /// Whether the embedded WIT says the same of it.
    ///
    /// # Errors
    ///
    /// The first place where the two differ.
    pub(crate) fn agrees_with(&self, text: &Signature, item: &str) -> Result<(), Defect> {
        let names =
            |params: &[(String, Passed)]| params.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", ");
        let differ = |what: String, component: &str, text: &str| {
            Defect::new(
                format!("{item}{what}"),
                format!("`{component}` in the component, but `{text}` in the embedded WIT"),
                "the same in both; embed the WIT that the component was built from",
            )
        };
        let kind = |is_async| if is_async { "async func" } else { "func" };
        if self.is_async != text.is_async {
            return Err(differ(String::new(), kind(self.is_async), kind(text.is_async)));
        }
        if names(&self.params) != names(&text.params) {
            return Err(differ(", parameters".into(), &names(&self.params), &names(&text.params)));
        }
        let differing = |what: String| {
            let differ = &differ;
            move |d: Disagreement| differ(format!("{what}{}", d.path), &d.component, &d.text)
        };
        for ((name, ty), (_, text_ty)) in self.params.iter().zip(&text.params) {
            agree::passed(ty, text_ty).map_err(differing(format!(", parameter {name}")))?;
        }
        match (&self.result, &text.result) {
            (Some(result), Some(text)) => agree::passed(result, text).map_err(differing(", result".into())),
            (None, None) => Ok(()),
            (result, text) => {
                let describe = |result: &Option<Passed>| result.as_ref().map_or("no value".into(), Passed::describe);
                Err(differ(", result".into(), &describe(result), &describe(text)))
            }
        }
    }
}
