//! Functions by chance, served.

use serde_json::Value;
use witapi_tests::{Answer, Host, dummy_component, host, with_wit};

use super::types::{Definitions, Param, Ty};

pub const FUNCTIONS_OF_AN_INTERFACE: usize = 20;
pub const INTERFACES_OF_A_PLUGIN: usize = 2;
pub const CASES_OF_A_FUNCTION: usize = 25;
pub const CASES_OF_A_PLUGIN: usize = FUNCTIONS_OF_AN_INTERFACE * INTERFACES_OF_A_PLUGIN * CASES_OF_A_FUNCTION;

/// How many contracts one host serves: the log of a host is kept as long as it runs.
pub const PLUGINS_OF_A_HOST: usize = 20;

/// Where all parameters of a contract stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    Path,
    Query,
    Header,
    Body,
}

/// A function of the contract under test.
pub struct Function {
    pub path: String,
    pub place: Place,
    pub params: Vec<Param>,
}

impl Function {
    /// It and its types, alone.
    pub fn wit(&self) -> String {
        let mut definitions = Definitions::default();
        let function = definitions.function("f", &self.params);
        definitions.interface("alone", &format!("{}{function}", headers(self.place, &self.params)))
    }
}

/// The documentation that puts parameters into headers.
fn headers(place: Place, params: &[Param]) -> String {
    let in_header = params.iter().filter(|_| place == Place::Header);
    in_header.map(|(name, _)| format!("  /// @header x-{name} {name}\n")).collect()
}

/// A plugin, and the seed that makes it again.
pub struct Contract {
    pub seed: u64,
    pub text: String,
    pub functions: Vec<Function>,
}

impl Contract {
    /// Interfaces of functions by chance, as one package.
    pub fn new(seed: u64, place: Place, mut params: impl FnMut() -> Vec<Param>) -> Contract {
        // By convention `get` has its parameters in the query, and what is no verb in the body.
        let verb = if matches!(place, Place::Query | Place::Header) { "get-" } else { "" };
        let (mut text, mut world, mut functions) = (format!("package test:p{seed};\n"), String::new(), vec![]);
        for i in 0..INTERFACES_OF_A_PLUGIN {
            let name = format!("p{seed}i{i}");
            let mut definitions = Definitions::default();
            let mut lines = String::new();
            for j in 0..FUNCTIONS_OF_AN_INTERFACE {
                let params = params();
                lines.push_str(&headers(place, &params));
                lines.push_str(&definitions.function(&format!("{verb}f{j}"), &params));
                functions.push(Function { path: format!("/{name}/f{j}"), place, params });
            }
            text.push_str(&definitions.interface(&name, &lines));
            world.push_str(&format!("  export {name};\n"));
        }
        Contract { seed, text: format!("{text}world w {{\n{world}}}\n"), functions }
    }

    pub async fn document(&self, host: &Host) -> Value {
        let document = host.get(&format!("/openapi/{}.json", self.name())).await;
        assert_eq!(document.status, 200, "{}\n{}", document.text(), host.log.text());
        let document = document.json();
        crate::documents::examples_fit(&document);
        document
    }

    fn name(&self) -> String {
        format!("p{}", self.seed)
    }
}

/// A host that serves those contracts.
pub async fn serving<'a>(contracts: impl IntoIterator<Item = &'a Contract> + Clone) -> Host {
    let folder = tempfile::tempdir().expect("a folder");
    let mut setup = host();
    for contract in contracts.clone() {
        let file = folder.path().join(format!("{}.wasm", contract.name()));
        let component = dummy_component(&contract.text);
        std::fs::write(&file, with_wit(&component, &contract.text)).expect("a component");
        setup = setup.component(&contract.name(), file);
    }
    let host = setup.start().await;
    for contract in contracts {
        let status = host.status(&contract.name()).await;
        assert_eq!(status["state"], "serving", "{}\n{status:#}", contract.text);
    }
    host
}

/// Whether the host passed the request on to the component.
pub fn accepted(answer: &Answer) -> Result<bool, String> {
    match answer.status.as_u16() {
        500 => Ok(true),
        422 => Ok(false),
        _ => Err(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))),
    }
}

/// An accepted value has to reach the guest: nothing that a value does to the host itself may pass for its trap.
pub fn assert_only_unreachable(host: &Host) {
    assert!(!host.log.text().contains("panicked"), "{}", host.log.text());
    let failed: Vec<_> =
        host.log.lines_with("status=500").into_iter().filter(|line| !line.contains("unreachable")).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// The body as its schema sees it: the value of a sole parameter, or an object of all.
pub fn body_type(params: &[Param]) -> Ty {
    match params {
        [(_, sole)] if sole.is_whole_body() => sole.clone(),
        params => Ty::Record("body", params.to_vec()),
    }
}
