//! `SECURITY.md`: each claim names a test that holds it, and each test that it names is there.

use std::fs;

use witapi_tests::root;

use crate::contract_table::missing_test;

#[test]
fn each_claim_has_a_test_that_is_there() {
    let page = fs::read_to_string(root().join("SECURITY.md")).expect("the page");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---") && !line.starts_with("| what is promised |"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 20, "{} claims", rows.len());
    let mut missing = vec![];
    for row in &rows {
        let [claim, _, tests] = row[..] else { panic!("a claim, what holds it, and tests: {row:?}") };
        assert!(tests.contains("::"), "no test for `{claim}`");
        missing.extend(tests.split(", ").filter_map(|name| missing_test(name.trim_matches('`'))));
    }
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

#[test]
fn the_readme_leads_to_it() {
    let page = fs::read_to_string(root().join("README.md")).expect("the page");
    assert!(page.contains("](SECURITY.md)"));
}
