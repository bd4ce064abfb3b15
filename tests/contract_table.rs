//! The page `tests.md` of the reference names a test for each rule of the mapping from WIT to HTTP, and each test exists.

use std::{collections::BTreeSet, fs};

use witapi_tests::root;

/// The pages of the mapping. The last one has the tests.
const PAGES: [&str; 13] = [
    "contracts",
    "routes",
    "parameters",
    "values",
    "results",
    "streams",
    "validation-errors",
    "keywords",
    "content",
    "raw-http",
    "openapi",
    "host-interfaces",
    "tests",
];

const LAST: &str = "Tests of the mapping";

/// A cell's text, by section: rows of tables, and paragraphs with a name.
type Rows = BTreeSet<(String, String)>;

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
}

/// All that the pages promise, and what the last one says of it: page, rows, tests.
fn read(page: &str) -> (Rows, Vec<[String; 3]>) {
    let (mut promises, mut held) = (Rows::new(), vec![]);
    let (mut section, mut table): (&str, Option<Vec<String>>) = ("", None);
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            section = title;
        }
        if !line.starts_with('|') {
            table = None;
            let name = line.strip_prefix("**").and_then(|rest| rest.split_once("**"));
            if let Some((name, _)) = name {
                promises.insert((section.to_owned(), format!("**{name}**")));
            }
            continue;
        }
        let cells = cells(line);
        let Some(head) = &table else {
            table = Some(cells);
            continue;
        };
        if line.chars().all(|char| "|-: ".contains(char)) {
            continue;
        }
        if section == LAST {
            held.push(cells.try_into().expect("three cells"));
            continue;
        }
        promises.insert((section.to_owned(), cells[0].clone()));
        // A table that stands twice beside itself.
        if head.len() == 4 && head[0] == head[2] && !cells[2].starts_with("all others") {
            promises.insert((section.to_owned(), cells[2].clone()));
        }
    }
    (promises, held)
}

/// The pages, one after another.
fn page() -> String {
    let read = |name: &str| fs::read_to_string(root().join(format!("docs/src/reference/{name}.md"))).expect("the page");
    PAGES.map(read).join("\n")
}

#[test]
fn each_row_of_the_contract_has_a_test() {
    let (promises, held) = read(&page());
    let named: Rows = held
        .iter()
        .flat_map(|[section, rows, _]| rows.split(" · ").map(|row| (section.clone(), row.to_owned())))
        .collect();
    let missing: Vec<_> = promises.difference(&named).collect();
    assert!(missing.is_empty(), "no test is named for {missing:#?}");
    // What stands for all rows of a table is no row itself.
    let gone: Vec<_> = named.difference(&promises).filter(|(_, row)| !row.starts_with("all rows")).collect();
    assert!(gone.is_empty(), "the page has no such row: {gone:#?}");
    let sections: BTreeSet<_> = page().lines().filter_map(|line| line.strip_prefix("# ").map(str::to_owned)).collect();
    let without: Vec<_> = sections
        .iter()
        .filter(|section| *section != LAST)
        .filter(|section| !held.iter().any(|[held, ..]| held == *section))
        .collect();
    assert!(without.is_empty(), "sections without a test: {without:?}");
}

#[test]
fn each_test_that_is_named_is_there() {
    let (_, held) = read(&page());
    let mut missing = vec![];
    for name in held.iter().flat_map(|[.., tests]| tests.split(", ")) {
        missing.extend(missing_test(name.trim_matches('`')));
    }
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

/// Says what is missing where there is no such test: `module::test`, of the tests or, as `host/<crate>/module::test`, of a
/// crate of the host.
pub fn missing_test(path: &str) -> Option<String> {
    let (module, test) = path.rsplit_once("::").unwrap_or_else(|| panic!("{path} is no `module::test`"));
    let module = module.replace("::", "/");
    let file = match module.strip_prefix("host/") {
        Some(module) => format!("host/{}.rs", module.replacen('/', "/src/", 1)),
        None => format!("tests/{module}.rs"),
    };
    let source = fs::read_to_string(root().join(&file)).unwrap_or_default();
    let is_test = |part: &str| {
        let mut lines = part.lines().rev().map(str::trim).skip_while(|line| line.is_empty());
        lines
            .by_ref()
            .take_while(|line| !line.is_empty() && (line.starts_with("#[") || line.starts_with("///")))
            .any(|line| line.starts_with("#[") && line.contains("test"))
    };
    let found = ["fn ", "async fn "].iter().any(|kind| {
        source.match_indices(&format!("\n{kind}{test}(")).any(|(at, _)| is_test(&source[..at]))
            || source.match_indices(&format!("\n    {kind}{test}(")).any(|(at, _)| is_test(&source[..at]))
    });
    (!found).then(|| format!("{path} in {file}"))
}
