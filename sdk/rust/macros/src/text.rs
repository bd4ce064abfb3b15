//! The WIT of a plugin as one text: its own package first, then every package that it depends on.

use std::path::PathBuf;
use wit_component::WitPrinter;
use wit_parser::Resolve;

/// The whole text of the WIT in these files and folders, the last of which holds the plugin's own package.
/// `None` where the WIT is at fault: wit-bindgen reads it too, and says what is wrong.
pub fn of(paths: &[PathBuf]) -> Option<String> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let mut own = None;
    for path in paths {
        own = Some(resolve.push_path(path).ok()?.0);
    }
    let own = own?;
    let dependencies: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != own).collect();
    let mut printer = WitPrinter::default();
    printer.print(&resolve, own, &dependencies).ok()?;
    Some(printer.output.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wit");
        of(&[folder.into()]).expect("the fixture is valid WIT")
    }

    #[test]
    fn documentation_and_external_ids_of_all_packages_are_in_the_text() {
        let mut resolve = Resolve::default();
        let own = resolve.push_str("text.wit", &text()).expect("the text is one WIT document");
        assert_eq!(resolve.packages[own].docs.contents.as_deref(), Some("A shop."));

        let function = |interface: &str, name: &str| {
            let (_, interface) =
                resolve.interfaces.iter().find(|(_, it)| it.name.as_deref() == Some(interface)).unwrap();
            let function = &interface.functions[name];
            (function.docs.contents.clone().unwrap(), function.external_id.clone().unwrap())
        };
        assert_eq!(
            function("articles", "price"),
            ("Price of an article\n\nWithout tax.".to_string(), "GET /articles/{sku}/price".to_string())
        );
        assert_eq!(
            function("amounts", "round"),
            ("Used by no one here, and part of the text all the same.".to_string(), "POST /round".to_string())
        );
    }

    #[test]
    fn faulty_wit_has_no_text() {
        assert_eq!(of(&["no/such/folder".into()]), None);
    }
}
