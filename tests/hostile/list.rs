//! The list of attacks in `README.md` beside this file and the tests are the same.

use std::{collections::BTreeSet, fs, path::Path};

use witapi_tests::root;

/// The tests in the files of that folder, as `module::test`, under the module's own name.
fn tests(folder: &Path, module: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            tests(&path, &format!("{module}{name}::"), found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let source = fs::read_to_string(&path).expect("a file");
            let mut is_test = false;
            for line in source.lines() {
                if line.starts_with("#[") {
                    is_test |= line.contains("test]") || line.contains("test(");
                } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test && !line.starts_with("//")) {
                    let test = rest.split('(').next().unwrap_or_default();
                    found.insert(format!("{module}{name}::{test}"));
                    is_test = false;
                }
            }
        }
    }
}

#[test]
fn each_attack_has_a_test_and_each_test_an_attack() {
    let folder = root().join("tests/hostile");
    let mut there = BTreeSet::new();
    tests(&folder, "", &mut there);
    there.retain(|test| !test.starts_with("list::"));
    let page = fs::read_to_string(folder.join("README.md")).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack |"));
    let mut named = BTreeSet::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [attack, outcome, tests] = cells[..] else { panic!("not three cells: {row}") };
        assert!(attack.len() >= 3 && outcome.len() >= 3, "{row}");
        named.extend(tests.split(", ").map(|test| test.trim_matches('`').to_owned()));
    }
    assert!(named.len() >= 30, "{} attacks", named.len());
    let missing: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty(), "no such test: {missing:#?}");
    // Of either half that the page has.
    let halves = page.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_lowercase).collect::<Vec<_>>();
    let is_of_page = |test: &&String| halves.iter().any(|half| test.starts_with(half.as_str()));
    let unnamed: Vec<_> = there.difference(&named).filter(is_of_page).collect();
    assert!(unnamed.is_empty(), "tests without a row in tests/hostile/README.md: {unnamed:#?}");
}
