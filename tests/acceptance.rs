//! For every contract and every JSON value, the host accepts the value exactly when the published schema does.
//!
//! Contracts and values are made by chance. `WITAPI_SEED` is the seed of the first contract, `WITAPI_CASES` how many values
//! a test tries. A failure prints the seed of its contract: with it and `WITAPI_CASES=1`, that contract alone is tried.
//! Every function traps, so that an accepted value is answered with 500 and the log says `unreachable`.

pub mod chance;
mod contracts;
pub mod keywords;
pub mod oracle;
pub mod types;
pub mod values;
mod words;

use jsonschema::Validator;
use proptest::{prelude::*, sample::Index, strategy::ValueTree};
use serde_json::{Value, json};
use witapi_tests::{Host, send};

use self::{
    chance::{Chance, cases, seeds},
    contracts::{
        CASES_OF_A_FUNCTION, CASES_OF_A_PLUGIN, Contract, Function, PLUGINS_OF_A_HOST, Place, accepted,
        assert_only_unreachable, body_type, serving,
    },
    oracle::{compiled, referred, schema_accepts},
    types::{Param, Ty},
    values::{Json, Mishap},
};

/// How many differences a failure shows, the shortest first.
const MOST_SHOWN: usize = 5;

/// How often the search for a smaller failure goes on.
const SHRINKS: usize = 500;

const NAMES: [&str; 3] = ["value", "a-b", "other"];

pub fn body_strategy(ty: &Ty) -> BoxedStrategy<(Json, bool)> {
    let near = (values::near(ty), prop::collection::vec(values::mishap(), 0..3));
    let near = near.prop_map(|(value, mishaps): (Json, Vec<(Index, Mishap)>)| value.after(mishaps));
    let intact = values::near(ty);
    (prop_oneof![9 => near, 4 => intact, 1 => values::anything()], prop::bool::weighted(0.1)).boxed()
}

/// What was tried, and where the two differ.
#[derive(Default)]
struct Findings {
    accepted: usize,
    refused: usize,
    differences: Vec<String>,
}

impl Findings {
    fn add(&mut self, accepted: bool) {
        *if accepted { &mut self.accepted } else { &mut self.refused } += 1;
    }

    fn differ(&mut self, seed: u64, difference: String) {
        self.differences.push(format!("WITAPI_SEED={seed} WITAPI_CASES=1\n{difference}"));
    }

    /// A test that only ever sees values of one kind shows nothing.
    fn check(mut self, what: &str) {
        println!(
            "total: {what}: {} accepted, {} refused, {} differ",
            self.accepted,
            self.refused,
            self.differences.len()
        );
        self.differences.sort_by_key(String::len);
        let shown = self.differences.iter().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.differences.is_empty(), "{} differences\n{shown}", self.differences.len());
        assert!(self.accepted * 5 > self.refused && self.refused * 5 > self.accepted, "one-sided values");
    }
}

#[tokio::test]
async fn a_body_is_accepted_when_its_schema_accepts_it() {
    let one = types::any_type().prop_map(|ty| vec![("value", ty)]);
    let several =
        prop::collection::vec(types::any_type(), 2..=3).prop_map(|types| NAMES.into_iter().zip(types).collect());
    // A sole list of bytes is no JSON but the bytes themselves.
    let params = prop_oneof![3 => one, 1 => several]
        .prop_filter("JSON", |params: &Vec<Param>| params.len() > 1 || !params[0].1.is_bytes());
    let mut findings = Findings::default();
    for seeds in seeds(CASES_OF_A_PLUGIN).chunks(PLUGINS_OF_A_HOST) {
        let mut chances: Vec<_> = seeds.iter().map(|seed| Chance::new(*seed)).collect();
        let contracts: Vec<_> = seeds
            .iter()
            .zip(&mut chances)
            .map(|(seed, chance)| Contract::new(*seed, Place::Body, || chance.take(&params)))
            .collect();
        let host = serving(&contracts).await;
        for (contract, chance) in contracts.iter().zip(&mut chances) {
            let document = contract.document(&host).await;
            for function in &contract.functions {
                bodies(&host, contract.seed, chance, function, &document, &mut findings).await;
            }
        }
        assert_only_unreachable(&host);
    }
    findings.check("bodies");
}

/// Tries bodies of one function.
async fn bodies(
    host: &Host,
    seed: u64,
    chance: &mut Chance,
    function: &Function,
    document: &Value,
    findings: &mut Findings,
) {
    let body = &document["paths"][&function.path]["post"]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    let validator = compiled(document, schema);
    let required = body["required"] == true;
    for blank in ["", "\r\n "] {
        let answer = host.post_text(&function.path, blank).await;
        if accepted(&answer) != Ok(!required) {
            let (path, wit) = (&function.path, function.wit());
            findings.differ(seed, format!("POST {path} {blank:?}: {answer:?}, required: {required}\n{wit}"));
        }
    }
    let strategy = body_strategy(&body_type(&function.params));
    for _ in 0..CASES_OF_A_FUNCTION {
        let mut tree = chance.tree(&strategy);
        match differs(host, function, &validator, tree.current()).await {
            Ok(accepted) => findings.add(accepted),
            Err(mut difference) => {
                let mut smaller = tree.simplify();
                for _ in 0..SHRINKS {
                    if !smaller {
                        break;
                    }
                    match differs(host, function, &validator, tree.current()).await {
                        Ok(_) => smaller = tree.complicate(),
                        Err(found) => (difference, smaller) = (found, tree.simplify()),
                    }
                }
                let referred = json!(referred(document, schema));
                findings.differ(seed, format!("{difference}\n{}\n{schema}\nwith {referred}\n", function.wit()));
                break;
            }
        }
    }
}

/// Whether both accept the body; how they differ if they do.
async fn differs(
    host: &Host,
    function: &Function,
    validator: &Validator,
    (value, escapes): (Json, bool),
) -> Result<bool, String> {
    let body = value.write(escapes);
    // A schema does not see that a member stands twice. The contract has it as a fault.
    let expected = !value.has_a_member_twice() && schema_accepts(validator, &body);
    let answer = host.post_text(&function.path, &body).await;
    match accepted(&answer) {
        Ok(accepted) if accepted == expected => Ok(accepted),
        found => Err(format!(
            "POST {} {body}\nschema accepts: {expected}; host accepts: {found:?}; {}",
            function.path,
            String::from_utf8_lossy(&answer.body)
        )),
    }
}

#[tokio::test]
async fn text_that_is_no_json_is_never_accepted() {
    let one = types::any_type().prop_map(|ty| vec![("value", ty)]);
    let params = one.prop_filter("JSON", |params| !params[0].1.is_bytes());
    let seed = seeds(cases())[0];
    let mut chance = Chance::new(seed);
    let contract = Contract::new(seed, Place::Body, || chance.take(&params));
    let host = serving([&contract]).await;
    let count = cases().div_ceil(contract.functions.len());
    let (mut refused, mut differences) = (0, vec![]);
    for function in &contract.functions {
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
    println!("total: texts that are no JSON: {refused} refused, {} taken", differences.len());
    assert!(differences.is_empty(), "WITAPI_SEED={seed}\n{}", differences.join("\n"));
    assert!(refused * 2 > count * contract.functions.len(), "most of the texts were JSON");
    assert_only_unreachable(&host);
}

#[tokio::test]
async fn a_parameter_is_accepted_when_its_schema_accepts_it() {
    let types = prop::collection::vec(types::with_keywords(words::query_type(), keywords::Place::Member), 1..=3);
    let in_query = types.prop_map(|types| NAMES.into_iter().zip(types).collect::<Vec<_>>()).boxed();
    // Without a default, which nothing in a path could be left out for.
    let in_path = types::with_keywords(words::word_type(), keywords::Place::Payload).prop_map(|ty| vec![("id", ty)]);
    // Flags stand in no header.
    let is_flags = |ty: &Ty| matches!(ty.resolved(), Ty::Flags(..));
    let in_header = in_query.clone().prop_filter("no flags", move |params| !params.iter().any(|(_, ty)| is_flags(ty)));
    let mut findings = Findings::default();
    // One contract for each place at least.
    for seeds in seeds(CASES_OF_A_PLUGIN.min(cases() / 3)).chunks(PLUGINS_OF_A_HOST) {
        let mut chances: Vec<_> = seeds.iter().map(|seed| Chance::new(*seed)).collect();
        let contracts: Vec<_> = seeds
            .iter()
            .zip(&mut chances)
            .map(|(seed, chance)| match seed % 3 {
                0 => Contract::new(*seed, Place::Path, || chance.take(&in_path)),
                1 => Contract::new(*seed, Place::Query, || chance.take(&in_query)),
                _ => Contract::new(*seed, Place::Header, || chance.take(&in_header)),
            })
            .collect();
        let host = serving(&contracts).await;
        for (contract, chance) in contracts.iter().zip(&mut chances) {
            let document = contract.document(&host).await;
            for function in &contract.functions {
                parameters(&host, contract.seed, chance, function, &document, &mut findings).await;
            }
        }
        assert_only_unreachable(&host);
    }
    findings.check("parameters");
}

/// Tries parameters of one function.
async fn parameters(
    host: &Host,
    seed: u64,
    chance: &mut Chance,
    function: &Function,
    document: &Value,
    findings: &mut Findings,
) {
    let (method, path) = match function.place {
        Place::Path => ("post", function.path.replacen("/f", "/{id}/f", 1)),
        _ => ("get", function.path.clone()),
    };
    let parameters = document["paths"][&path][method]["parameters"].as_array().expect("parameters");
    let compile = |parameter: &Value| (compiled(document, &parameter["schema"]), parameter["required"] == true);
    let published: Vec<_> = parameters.iter().map(compile).collect();
    assert_eq!(published.len(), function.params.len(), "{parameters:?}");
    let strategy: Vec<_> = function.params.iter().map(|(_, ty)| words::near(ty, function.place)).collect();
    for _ in 0..CASES_OF_A_FUNCTION {
        let values = chance.take(&strategy);
        let expected = (0..values.len()).all(|i| {
            let (schema, required) = &published[i];
            match words::value(&function.params[i].1, &values[i]) {
                None => !required,
                Some(value) => schema_accepts(schema, &value.write(false)),
            }
        });
        let url = words::url(&path, function, &values);
        let mut request = host.request(&method.to_uppercase(), &url);
        for (name, line) in words::headers(function, &values) {
            request = request.header(name, line);
        }
        let answer = send(request).await;
        match accepted(&answer) {
            Ok(accepted) if accepted == expected => findings.add(accepted),
            found => {
                let (body, wit) = (String::from_utf8_lossy(&answer.body), function.wit());
                findings.differ(
                    seed,
                    format!("{url} {values:?}\nschema accepts: {expected}; host accepts: {found:?}; {body}\n{wit}\n{parameters:?}"),
                );
                break;
            }
        }
    }
}
