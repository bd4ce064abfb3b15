//! The WIT of a plugin as one text: its own package first, then every package that it depends on.

use std::path::PathBuf;
use wit_component::WitPrinter;
use wit_parser::Resolve;

/// What the macro needs to know of the WIT in some files and folders.
pub struct Wit {
    pub text: String,
    /// The whole name of the plugin's world, if the name that the author gave, or none, is that of one.
    pub world: Option<String>,
}

/// Reads these files and folders, the last of which holds the plugin's own package.
/// `None` where the WIT is at fault: wit-bindgen reads it too, and says what is wrong.
pub fn of(paths: &[PathBuf], world: Option<&str>) -> Option<Wit> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let mut own = None;
    for path in paths {
        own = Some(resolve.push_path(path).ok()?.0);
    }
    let own = own?;
    let world = resolve.select_world(&[own], world).ok().map(|world| {
        let world = &resolve.worlds[world];
        world
            .package
            .map_or_else(|| world.name.clone(), |package| resolve.packages[package].name.interface_id(&world.name))
    });
    let dependencies: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != own).collect();
    let mut printer = WitPrinter::default();
    printer.print(&resolve, own, &dependencies).ok()?;
    Some(Wit { text: printer.output.to_string(), world })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wit");
        of(&[folder.into()], None).expect("the fixture is valid WIT").text
    }

    #[test]
    fn the_text_has_docs_and_external_ids_of_all_packages() {
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
        assert!(of(&["no/such/folder".into()], None).is_none());
    }
}
