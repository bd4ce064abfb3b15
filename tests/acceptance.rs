//! For every contract and every JSON value, the host accepts the value exactly when the published schema does.
//!
//! Contracts and values are made by chance, from a seed that a failure prints. `WITAPI_SEED` sets it, `WITAPI_CASES` how
//! many values are tried. Every function traps, so that an accepted value is answered with 500 and the log says `unreachable`.

mod oracle;
mod types;
mod values;
mod words;

use jsonschema::Validator;
use proptest::{
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use witapi_tests::{Host, dummy_component, host, send};

use self::{
    oracle::{compiled, referred, schema_accepts},
    types::{Definitions, Ty},
    values::{Json, Mishap},
};

const FUNCTIONS_OF_AN_INTERFACE: usize = 20;
const INTERFACES_OF_A_PLUGIN: usize = 2;
const CASES_OF_A_FUNCTION: usize = 25;

/// How many differences a failure shows, the shortest first.
const MOST_SHOWN: usize = 5;

/// How often the search for a smaller failure goes on.
const SHRINKS: usize = 500;

struct Chance {
    seed: u64,
    runner: TestRunner,
}

impl Chance {
    fn new() -> Chance {
        let seed = number("WITAPI_SEED").unwrap_or(1);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Chance { seed, runner: TestRunner::new_with_rng(Config::default(), rng) }
    }

    fn tree<S: Strategy>(&mut self, strategy: &S) -> S::Tree {
        strategy.new_tree(&mut self.runner).expect("a value")
    }

    fn take<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        self.tree(strategy).current()
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// How many values are tried.
fn cases(usual: usize) -> usize {
    number("WITAPI_CASES").map_or(usual, |cases| cases as usize)
}

/// A function of the contract under test.
struct Function {
    path: String,
    params: Vec<(&'static str, Ty)>,
}

impl Function {
    /// It and its types, alone.
    fn wit(&self) -> String {
        let mut definitions = Definitions::default();
        let list: Vec<_> = self.params.iter().map(|(name, ty)| format!("%{name}: {}", definitions.refer(ty))).collect();
        definitions.interface("alone", &format!("  f: func({});\n", list.join(", ")))
    }
}

/// Interfaces of functions by chance, as one package. `verb` begins the functions' names.
fn contract(plugin: usize, verb: &str, mut params: impl FnMut() -> Vec<(&'static str, Ty)>) -> (String, Vec<Function>) {
    let (mut text, mut world, mut functions) = (format!("package test:p{plugin};\n"), String::new(), vec![]);
    for i in 0..INTERFACES_OF_A_PLUGIN {
        let name = format!("p{plugin}i{i}");
        let mut definitions = Definitions::default();
        let mut lines = String::new();
        for j in 0..FUNCTIONS_OF_AN_INTERFACE {
            let params = params();
            let list: Vec<_> = params.iter().map(|(name, ty)| format!("%{name}: {}", definitions.refer(ty))).collect();
            lines.push_str(&format!("  {verb}f{j}: func({});\n", list.join(", ")));
            functions.push(Function { path: format!("/{name}/f{j}"), params });
        }
        text.push_str(&definitions.interface(&name, &lines));
        world.push_str(&format!("  export {name};\n"));
    }
    (format!("{text}world w {{\n{world}}}\n"), functions)
}

/// A host that serves those contracts as `p0`, `p1`, ….
async fn serving(texts: &[String]) -> Host {
    let folder = tempfile::tempdir().expect("a folder");
    let mut setup = host();
    for (i, text) in texts.iter().enumerate() {
        let file = folder.path().join(format!("p{i}.wasm"));
        std::fs::write(&file, dummy_component(text)).expect("a component");
        setup = setup.component(&format!("p{i}"), file);
    }
    let host = setup.start().await;
    for (i, text) in texts.iter().enumerate() {
        let status = host.status(&format!("p{i}")).await;
        assert_eq!(status["state"], "serving", "{status:#}\n{text}");
    }
    host
}

async fn document(host: &Host, plugin: usize) -> Value {
    let document = host.get(&format!("/openapi/p{plugin}.json")).await;
    assert_eq!(document.status, 200, "{}\n{}", document.text(), host.log.text());
    let document = document.json();
    crate::documents::examples_fit(&document);
    document
}

/// Whether the host passed the request on to the component.
fn accepted(answer: &witapi_tests::Answer) -> Result<bool, String> {
    match answer.status.as_u16() {
        500 => Ok(true),
        422 => Ok(false),
        _ => Err(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))),
    }
}

fn body_strategy(ty: &Ty) -> BoxedStrategy<(Json, bool)> {
    let near = (values::near(ty), prop::collection::vec(values::mishap(), 0..3));
    let near = near.prop_map(|(value, mishaps): (Json, Vec<(Index, Mishap)>)| value.after(mishaps));
    let intact = values::near(ty);
    (prop_oneof![9 => near, 4 => intact, 1 => values::anything()], prop::bool::weighted(0.1)).boxed()
}

/// The body as its schema sees it: the value of a sole parameter, or an object of all.
fn body_type(params: &[(&'static str, Ty)]) -> Ty {
    match params {
        [(_, sole)] if sole.is_whole_body() => sole.clone(),
        params => Ty::Record("body", params.to_vec()),
    }
}

/// Counts how many were taken and how many refused: a test that only ever sees one of the two shows nothing.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
}

impl Tally {
    fn add(&mut self, accepted: bool) {
        *if accepted { &mut self.accepted } else { &mut self.refused } += 1;
    }

    fn check(&self, what: &str) {
        println!("{what}: {} accepted, {} refused", self.accepted, self.refused);
        assert!(self.accepted * 5 > self.refused && self.refused * 5 > self.accepted, "one-sided values");
    }
}

#[tokio::test]
async fn a_body_is_accepted_exactly_when_the_schema_accepts_it() {
    let mut chance = Chance::new();
    println!("WITAPI_SEED={}", chance.seed);
    let per_plugin = FUNCTIONS_OF_AN_INTERFACE * INTERFACES_OF_A_PLUGIN * CASES_OF_A_FUNCTION;
    let one = types::any_type().prop_map(|ty| vec![("value", ty)]);
    let several = prop::collection::vec(types::any_type(), 2..=3)
        .prop_map(|types| ["value", "a-b", "other"].into_iter().zip(types).collect());
    // A sole list of bytes is no JSON but the bytes themselves.
    let params = prop_oneof![3 => one, 1 => several]
        .prop_filter("JSON", |params: &Vec<(&str, Ty)>| params.len() > 1 || !params[0].1.is_bytes());
    let contracts: Vec<_> =
        (0..cases(6_000).div_ceil(per_plugin)).map(|plugin| contract(plugin, "", || chance.take(&params))).collect();
    let host = serving(&contracts.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>()).await;
    let (mut tally, mut differences) = (Tally::default(), vec![]);
    for (plugin, (_, functions)) in contracts.iter().enumerate() {
        let document = document(&host, plugin).await;
        for function in functions {
            let schema =
                &document["paths"][&function.path]["post"]["requestBody"]["content"]["application/json"]["schema"];
            let validator = compiled(&document, schema);
            let required = document["paths"][&function.path]["post"]["requestBody"]["required"] == true;
            for blank in ["", "\r\n "] {
                let answer = host.post_text(&function.path, blank).await;
                if accepted(&answer) != Ok(!required) {
                    differences.push(format!(
                        "POST {} {blank:?}: {answer:?}, required: {required}\n{}",
                        function.path,
                        function.wit()
                    ));
                }
            }
            let strategy = body_strategy(&body_type(&function.params));
            for _ in 0..CASES_OF_A_FUNCTION {
                let mut tree = chance.tree(&strategy);
                match differs(&host, function, &validator, tree.current()).await {
                    Ok(accepted) => tally.add(accepted),
                    Err(mut difference) => {
                        let mut smaller = tree.simplify();
                        for _ in 0..SHRINKS {
                            if !smaller {
                                break;
                            }
                            match differs(&host, function, &validator, tree.current()).await {
                                Ok(_) => smaller = tree.complicate(),
                                Err(found) => (difference, smaller) = (found, tree.simplify()),
                            }
                        }
                        let referred = json!(referred(&document, schema));
                        differences.push(format!("{difference}\n{}\n{schema}\nwith {referred}\n", function.wit()));
                        break;
                    }
                }
            }
        }
    }
    tally.check("bodies");
    assert_none(differences, chance.seed);
    assert_only_unreachable(&host);
}

fn assert_none(mut differences: Vec<String>, seed: u64) {
    differences.sort_by_key(String::len);
    let shown = differences.iter().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "WITAPI_SEED={seed}: {} differences\n{shown}", differences.len());
}

/// Whether both accept the body; how they differ if they do.
async fn differs(
    host: &Host,
    function: &Function,
    validator: &Validator,
    (body, escapes): (Json, bool),
) -> Result<bool, String> {
    let body = body.write(escapes);
    let wanted = schema_accepts(validator, &body);
    let answer = host.post_text(&function.path, &body).await;
    match accepted(&answer) {
        Ok(accepted) if accepted == wanted => Ok(accepted),
        found => Err(format!(
            "POST {} {body}\nschema accepts: {wanted}; host accepts: {found:?}; {}",
            function.path,
            String::from_utf8_lossy(&answer.body)
        )),
    }
}

#[tokio::test]
async fn text_that_is_no_json_is_never_accepted() {
    let mut chance = Chance::new();
    println!("WITAPI_SEED={}", chance.seed);
    let one = types::any_type().prop_map(|ty| vec![("value", ty)]);
    let params = one.prop_filter("JSON", |params| !params[0].1.is_bytes());
    let (text, functions) = contract(0, "", || chance.take(&params));
    let host = serving(&[text]).await;
    let count = cases(3_000).div_ceil(functions.len());
    let (mut refused, mut differences) = (0, vec![]);
    for function in &functions {
        let strategy = (values::near(&body_type(&function.params)), words::damage());
        for _ in 0..count {
            let (value, damage) = chance.take(&strategy);
            let text = damage.to(value.write(false).into_bytes());
            // No body at all is another matter.
            if text.is_empty() || serde_json::from_slice::<Value>(&text).is_ok() {
                continue;
            }
            refused += 1;
            let request = host.request("POST", &function.path).header("content-type", "application/json");
            let answer = send(request.body(text.clone())).await;
            if !matches!(answer.status.as_u16(), 400 | 422) {
                let text = String::from_utf8_lossy(&text);
                differences.push(format!("{} {text}: {}\n{}", function.path, answer.status, function.wit()));
            }
        }
    }
    assert!(refused * 2 > count * functions.len(), "most of the texts were JSON");
    assert_none(differences, chance.seed);
    assert_only_unreachable(&host);
}

#[tokio::test]
async fn a_parameter_is_accepted_exactly_when_the_schema_accepts_what_its_text_says() {
    let mut chance = Chance::new();
    println!("WITAPI_SEED={}", chance.seed);
    let per_plugin = FUNCTIONS_OF_AN_INTERFACE * INTERFACES_OF_A_PLUGIN * CASES_OF_A_FUNCTION;
    let types = prop::collection::vec(words::query_type(), 1..=3);
    let params = types.prop_map(|types| ["value", "a-b", "other"].into_iter().zip(types).collect());
    let in_path = words::word_type().prop_map(|ty| vec![("id", ty)]);
    let plugins = cases(3_000).div_ceil(per_plugin);
    let mut contracts = vec![];
    for plugin in 0..plugins {
        contracts.push(contract(2 * plugin, "get-", || chance.take(&params)));
        contracts.push(contract(2 * plugin + 1, "", || chance.take(&in_path)));
    }
    let host = serving(&contracts.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>()).await;
    let (mut tally, mut differences) = (Tally::default(), vec![]);
    for (plugin, (_, functions)) in contracts.iter().enumerate() {
        let document = document(&host, plugin).await;
        for function in functions {
            let method = if function.params[0].0 == "id" { "post" } else { "get" };
            let path = match method {
                "post" => function.path.replacen("/f", "/{id}/f", 1),
                _ => function.path.clone(),
            };
            let parameters = document["paths"][&path][method]["parameters"].as_array().expect("parameters");
            let compile =
                |parameter: &Value| (compiled(&document, &parameter["schema"]), parameter["required"] == true);
            let published: Vec<_> = parameters.iter().map(compile).collect();
            assert_eq!(published.len(), function.params.len(), "{parameters:?}");
            let strategy: Vec<_> = function.params.iter().map(|(name, ty)| words::near(ty, *name == "id")).collect();
            for _ in 0..CASES_OF_A_FUNCTION {
                let values = chance.take(&strategy);
                let wanted = (0..values.len()).all(|i| {
                    let (schema, required) = &published[i];
                    match words::value(&function.params[i].1, &values[i]) {
                        None => !required,
                        Some(value) => schema_accepts(schema, &value.write(false)),
                    }
                });
                let url = words::url(&path, &function.params, &values);
                let answer = send(host.request(&method.to_uppercase(), &url)).await;
                match accepted(&answer) {
                    Ok(accepted) if accepted == wanted => tally.add(accepted),
                    found => {
                        let body = String::from_utf8_lossy(&answer.body);
                        differences.push(format!(
                            "{url} {values:?}\nschema accepts: {wanted}; host accepts: {found:?}; {body}\n{}\n{parameters:?}",
                            function.wit()
                        ));
                        break;
                    }
                }
            }
        }
    }
    tally.check("parameters");
    assert_none(differences, chance.seed);
    assert_only_unreachable(&host);
}

/// An accepted value has to reach the guest: nothing that a value does to the host itself may pass for its trap.
fn assert_only_unreachable(host: &Host) {
    assert!(!host.log.text().contains("panicked"), "{}", host.log.text());
    let failed: Vec<_> =
        host.log.lines_with("status=500").into_iter().filter(|line| !line.contains("unreachable")).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
