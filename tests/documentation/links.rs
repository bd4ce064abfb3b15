//! Links between the pages, and into the repository, lead to a page and a heading that are there.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Component, Path, PathBuf},
};

use witapi_tests::root;

use super::pages;

/// Pages outside of the site that lead into it, or that it leads to.
const OTHERS: [&str; 4] = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md"];

/// The text without its blocks of code.
fn without_code(page: &str) -> String {
    let mut is_code = false;
    let mut text = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The anchors of a page's headings, as mdBook and GitHub make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().scan(false, |is_code, line| {
        *is_code ^= line.starts_with("```");
        Some((!*is_code && line.starts_with('#')).then_some(line))
    });
    let mut counts: HashMap<String, usize> = HashMap::new();
    headings
        .flatten()
        .map(|heading| {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let count = counts.entry(anchor.clone()).or_default();
            *count += 1;
            if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
        })
        .collect()
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            component => normal.push(component),
        }
    }
    normal
}

#[test]
fn every_link_leads_to_a_page_and_a_heading() {
    let mut wrong = vec![];
    let site = root().join("docs/src");
    let outside = OTHERS.iter().map(|name| root().join(name)).filter(|page| page.exists());
    for page in pages().into_iter().chain(outside) {
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        for link in without_code(&text).split("](").skip(1) {
            let link = link.split(')').next().expect("the end of a link");
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let target =
                if path.is_empty() { page.clone() } else { normal(&page.parent().expect("a folder").join(path)) };
            let is_of_site = page.starts_with(&site);
            let name = page.strip_prefix(root()).expect("a page of the repository").display();
            if !target.exists() {
                wrong.push(format!("{name}: {link}: no such file"));
            } else if is_of_site && !target.starts_with(&site) {
                wrong.push(format!("{name}: {link}: not a page of the site"));
            } else if let Some(anchor) = anchor
                && !anchors(&fs::read_to_string(&target).expect("a page")).contains(anchor)
            {
                wrong.push(format!("{name}: {link}: no such heading"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_page_is_in_the_summary() {
    let known: BTreeSet<_> = pages().into_iter().collect();
    let mut folders = vec![root().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md")
                && path.file_stem().is_some_and(|it| it != "SUMMARY")
            {
                assert!(known.contains(&path), "{} is not in SUMMARY.md", path.display());
            }
        }
    }
}
