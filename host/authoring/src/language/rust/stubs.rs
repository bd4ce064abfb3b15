//! The source file for a contract that is there already: what wit-bindgen writes as stubs, as a person would write it.

use std::collections::BTreeMap;

use wit_bindgen_core::{Files, WorldGenerator};

use crate::{error::BuildError, wit::Wit};

/// A stub for each function that the world exports, under what the contract says of it.
///
/// # Errors
///
/// wit-bindgen has no bindings for it.
pub(super) fn of(wit: &Wit) -> Result<String, BuildError> {
    let options = wit_bindgen_rust::Opts {
        stubs: true,
        generate_all: true,
        runtime_path: Some("witapi_sdk::wit_bindgen::rt".into()),
        ..wit_bindgen_rust::Opts::default()
    };
    let mut files = Files::default();
    let made = options.build().generate(&mut wit.resolve.clone(), wit.world, &mut files);
    made.map_err(|error| BuildError::Unsupported(format!("there are no Rust bindings for this WIT: {error:#}")))?;
    let text: Vec<u8> = files.iter().flat_map(|(_, text)| text.to_vec()).collect();
    Ok(written(&String::from_utf8_lossy(&text)))
}

/// The crate's text, made of the generated one.
fn written(generated: &str) -> String {
    let mut blocks = String::new();
    let mut uses = BTreeMap::new();
    let mut lines = generated.lines();
    while let Some(line) = lines.next() {
        let Some(of) = line.strip_prefix("impl ").and_then(|line| line.strip_suffix(" for Stub {")) else { continue };
        blocks.push_str("\n// Until all of it is done.\n#[allow(unused_variables)]\n");
        // `exports::example::shop::orders::Guest` is `orders::Guest`, by a `use` of its module.
        let module = of.rsplit_once("::").map(|(module, _)| module).filter(|module| module.contains("::"));
        let shortened = module.and_then(|module| {
            let short = module.rsplit("::").next()?;
            // Two interfaces of one name are told apart by their whole paths.
            let is_first = *uses.entry(short.to_owned()).or_insert_with(|| module.to_owned()) == module;
            is_first.then(|| (format!("{module}::"), format!("{short}::")))
        });
        let short = |text: &str| match &shortened {
            Some((long, short)) => text.replace(long, short),
            None => text.to_owned(),
        };
        blocks.push_str(&format!("impl {} for Plugin {{\n", short(of)));
        let mut is_first = true;
        for line in lines.by_ref().take_while(|line| *line != "}").map(str::trim) {
            if line.starts_with("///") {
                blocks.push_str(if is_first || last_line_is_doc(&blocks) { "" } else { "\n" });
                blocks.push_str(&format!("    {line}\n"));
            } else if let Some(signature) = line.strip_suffix("{ unreachable!() }") {
                blocks.push_str(if is_first || last_line_is_doc(&blocks) { "" } else { "\n" });
                let signature = short(&spaced(&signature.replace("_rt::", "").replace("Vec::<", "Vec<")));
                blocks.push_str(&format!("    {signature} {{\n        todo!()\n    }}\n"));
            } else if line.starts_with("type ") {
                blocks.push_str(&format!("    {}\n", line.replace("Stub", "Plugin")));
            } else {
                // An attribute, for what is generated only.
                continue;
            }
            is_first = false;
        }
        blocks.push_str("}\n");
    }
    let mut text = String::from("//! Does what the WIT in `wit/` promises.\n\n");
    for module in uses.values() {
        text.push_str(&format!("use {module};\n"));
    }
    text + "\nwitapi_sdk::plugin!();\n\nstruct Plugin;\n" + &blocks + "\nexport!(Plugin);\n"
}

fn last_line_is_doc(text: &str) -> bool {
    text.lines().next_back().is_some_and(|line| line.trim_start().starts_with("///"))
}

/// A signature with a space behind each comma, and none at the end of a list.
fn spaced(signature: &str) -> String {
    signature.replace(",)", ")").replace(',', ", ").replace(",  ", ", ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_stubs_read_like_hand_written_ones() {
        let generated = "\
// Generated.
impl exports::a::shop::orders::Guest for Stub {
  #[allow(unused_variables)]
  /// Place an order
  ///
  /// Or, two.
  #[allow(async_fn_in_trait)]
  fn create_order(order: exports::a::shop::orders::Order,) -> Result<_rt::Vec::<(u32,f64,)>,exports::a::shop::orders::No>{ unreachable!() }
  #[allow(unused_variables)]
  async fn ping(){ unreachable!() }
}
pub mod exports {
}
";
        let wanted = "\
//! Does what the WIT in `wit/` promises.

use exports::a::shop::orders;

witapi_sdk::plugin!();

struct Plugin;

// Until all of it is done.
#[allow(unused_variables)]
impl orders::Guest for Plugin {
    /// Place an order
    ///
    /// Or, two.
    fn create_order(order: orders::Order) -> Result<Vec<(u32, f64)>, orders::No> {
        todo!()
    }

    async fn ping() {
        todo!()
    }
}

export!(Plugin);
";
        assert_eq!(written(generated), wanted);
    }
}
