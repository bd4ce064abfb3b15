//! The words of text that stand for a value in a query, a header or a form → that value.

use crate::{
    contract::{Docs, Layout, Shape, Type},
    value::{
        Faults, Image, Step, rules,
        scalar::{self, FlagSet},
    },
};

/// One word as a value of the scalar type `ty`, at `at`.
pub(super) fn text_value(
    faults: &mut Faults,
    ty: &Type,
    docs: &Docs,
    text: Option<String>,
    image: &mut Image,
    at: usize,
) -> bool {
    let Some(text) = text else {
        faults.add("utf8", "bytes that are not UTF-8");
        return false;
    };
    let value = scalar::from_text(ty, docs, &text, image, at);
    value.map_err(|wrong| wrong.into_iter().for_each(|(kind, msg)| faults.add(kind, msg))).is_ok()
}

/// The words that stand for one value of type `ty` in a query, a header or a form, in order, as that value, at `at`, which
/// keeps its rules and those of `docs`. `None` is a word that is not UTF-8. Returns whether there was no fault.
pub(super) fn of_words(
    faults: &mut Faults,
    ty: &Type,
    docs: &Docs,
    words: Vec<Option<String>>,
    image: &mut Image,
    at: usize,
) -> bool {
    typed_words(faults, ty, docs, words, image, at)
        // The rules of a scalar were checked with its text.
        && (!matches!(ty.in_option(), Type::List(_)) || list_in_rules(faults, ty, docs, image, at))
}

/// Whether the list of that type, or the option of one, at `at` keeps its rules and those of `docs`.
pub(super) fn list_in_rules(faults: &mut Faults, ty: &Type, docs: &Docs, image: &Image, at: usize) -> bool {
    let of_some = match ty.resolved() {
        Type::Option(some) => Some(some.rules()),
        _ => None,
    };
    let rules = docs.keywords.rules.as_deref().into_iter().chain(ty.rules()).chain(of_some.into_iter().flatten());
    // Where the image has no room for its values, none of them is used.
    let broken = image.look(at, ty, |value| rules::check(rules, ty, value, "")).and_then(Result::ok);
    faults.keeping((), broken.unwrap_or_default()).is_some()
}

fn typed_words(
    faults: &mut Faults,
    ty: &Type,
    docs: &Docs,
    mut words: Vec<Option<String>>,
    image: &mut Image,
    at: usize,
) -> bool {
    match ty.in_option() {
        Type::List(item) => {
            let at = in_option(ty, image, at);
            let nothing = Docs::default();
            let mut list = image.list(Layout::of(item));
            let mut fits = true;
            for (i, word) in words.into_iter().enumerate() {
                let at = image.item(&mut list);
                faults.enter_index(i);
                fits &= text_value(faults, item, &nothing, word, image, at);
                faults.leave();
            }
            image.close(at, list);
            fits
        }
        Type::Named(named) if let Shape::Flags(cases) = &named.shape => {
            let mut set = FlagSet::new(cases);
            let mut fits = true;
            for (i, word) in words.iter().enumerate() {
                let added = match word {
                    Some(name) => set.add(name),
                    None => Err(("utf8", "bytes that are not UTF-8".into())),
                };
                let wrong = added.map_err(|(kind, msg)| faults.within(Step::Index(i), |faults| faults.add(kind, msg)));
                fits &= wrong.is_ok();
            }
            let at = in_option(ty, image, at);
            set.write(ty.in_option(), image, at);
            fits
        }
        _ => {
            if words.len() > 1 {
                faults.add("duplicate", format!("expected once, found {} times", words.len()));
                return false;
            }
            match words.pop() {
                Some(word) => text_value(faults, ty, docs, word, image, at),
                None => false,
            }
        }
    }
}

/// Where the value of a `ty` goes that is there: into its option, if it is one.
pub(super) fn in_option(ty: &Type, image: &mut Image, at: usize) -> usize {
    if ty.is_option() { image.some(at, ty) } else { at }
}
