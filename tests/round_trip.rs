//! JSON → value → guest → value → JSON equals what was sent, for every type that the guest's language can do, and every
//! answer fits the published schema. The guests give back what they are given; their WIT is `tests/fixtures/echo/wit`.
//!
//! Values are made by chance: `WITAPI_SEED` and `WITAPI_CASES` as for the module `acceptance`.

mod same;
mod wit;

use serde_json::Value;
use witapi_tests::{Host, host};

use self::{
    same::{difference, is_exact_in_javascript},
    wit::{Function, functions},
};
use crate::acceptance::{
    chance::{Chance, cases, seeds},
    oracle::compiled,
    types::Ty,
    values::{self, Json},
};

/// What becomes of the values that are sent to a guest's functions, one after the other.
struct Echo<'a> {
    what: &'static str,
    host: &'a Host,
    functions: &'a [Function],
    /// Whether the guest's language can hold the value.
    is_exact: fn(&Ty, &Json) -> bool,
}

impl Echo<'_> {
    /// Sends so many values to all functions together, and looks at each answer.
    async fn each(&self, cases: usize, mut look: impl FnMut(&Function, &Json, &Value) -> Option<String>) {
        let seed = seeds(cases)[0];
        let mut chance = Chance::new(seed);
        let mut differences = vec![];
        let expected = cases.div_ceil(self.functions.len());
        for function in self.functions {
            let strategy = values::within(&function.body());
            let is_exact = |sent: &Json| (self.is_exact)(&function.body(), sent);
            for _ in 0..expected {
                let sent = std::iter::repeat_with(|| chance.take(&strategy)).find(is_exact).expect("a value");
                let text = sent.write(false);
                let answer = self.host.post_text(&function.path, &text).await;
                if answer.status != 200 {
                    differences.push(format!("POST {} {text}\n{} {}", function.path, answer.status, answer.text()));
                    continue;
                }
                if let Some(difference) = look(function, &sent, &answer.json()) {
                    differences.push(format!("POST {} {text}\n{}\n{difference}", function.path, answer.text()));
                }
            }
        }
        let (what, tried) = (self.what, expected * self.functions.len());
        println!("total: {what}: {tried} values, {} differ", differences.len());
        differences.sort_by_key(String::len);
        differences.truncate(5);
        assert!(differences.is_empty(), "WITAPI_SEED={seed}\n{}", differences.join("\n"));
    }
}

#[tokio::test]
async fn what_goes_into_a_guest_in_rust_comes_out_of_it() {
    let host = host().fixture("echo").start().await;
    let functions = functions("plugin");
    let echo = Echo { what: "round trips in Rust", host: &host, functions: &functions, is_exact: |_, _| true };
    echo.each(cases(), |function, sent, got| difference(&function.body(), sent, &function.as_body(got)).err()).await;
}

/// What componentize-qjs 0.4.5 cannot do is not in the world `javascript` or not sent:
///
/// - `list<T, N>`: its binding generator panics with "not yet implemented: fixed-length-list".
/// - `u64` and `s64` beyond 2^53: they are numbers of JavaScript there, not `BigInt`s, and would lose their last digits.
#[tokio::test]
async fn values_pass_through_javascript_unchanged() {
    let host = host().fixture("echo-js").start().await;
    let functions = functions("javascript");
    let echo = Echo {
        what: "round trips in JavaScript",
        host: &host,
        functions: &functions,
        is_exact: is_exact_in_javascript,
    };
    echo.each(cases(), |function, sent, got| difference(&function.body(), sent, &function.as_body(got)).err()).await;
}

#[tokio::test]
async fn every_answer_of_a_guest_fits_the_published_schema() {
    let host = host().fixture("echo").start().await;
    let document = host.get("/openapi.json").await.json();
    let mut functions = functions("plugin");
    for function in &mut functions {
        let responses = &document["paths"][&function.path]["post"]["responses"];
        function.answers = Some(compiled(&document, &responses["200"]["content"]["application/json"]["schema"]));
    }
    let echo =
        Echo { what: "answers against their schemas", host: &host, functions: &functions, is_exact: |_, _| true };
    echo.each(cases(), |function, _, got| {
        let schema = function.answers.as_ref().expect("a schema");
        let errors: Vec<_> = schema.iter_errors(got).map(|it| format!("{it} at {}", it.instance_path())).collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    })
    .await;
}
