//! The documentation site: what is generated in it is what the host says, its links lead somewhere, and its commands print what
//! it says.

mod commands;
mod generated;
mod links;

use std::{fs, path::PathBuf};

use witapi_tests::root;

/// The pages that the site has, in its order: what `SUMMARY.md` names.
fn pages() -> Vec<PathBuf> {
    let source = root().join("docs/src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).expect("the summary");
    let names = summary.split("](").skip(1).map(|rest| rest.split(')').next().expect("the end of a link"));
    names.map(|name| source.join(name)).collect()
}

/// The pages of one part, each with its name and its text.
fn part(name: &str) -> Vec<(String, String)> {
    let folder = root().join("docs/src").join(name);
    let of_part = pages().into_iter().filter(|page| page.parent() == Some(&*folder));
    of_part
        .map(|page| {
            let name = page.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(page).expect("a page"))
        })
        .collect()
}
