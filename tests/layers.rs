//! The modules of the host's library stand one above the other, and each uses only those below it. The order is that of
//! `lib.rs`; those of `runtime` have an order of their own, in its `mod.rs`, and so has `authoring`. Between crates the
//! compiler sees to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use witapi_tests::root;

#[test]
fn no_arrow_goes_up() {
    for (face, rooms) in [("host/src/lib.rs", 14), ("host/src/runtime/mod.rs", 4), ("authoring/src/lib.rs", 9)] {
        let face = root().join("host").join(face);
        let house = House::read(&face);
        assert!(house.order.len() >= rooms, "{}: found the rooms {:?}", face.display(), house.order);
        let wrong = house.arrows_up();
        assert!(wrong.is_empty(), "{} arrows go up:\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[test]
fn an_arrow_that_goes_up_is_found_and_printed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("lib.rs", "pub mod server;\n\npub mod value;\n\npub mod log;\npub use value::Value;");
    write("server/mod.rs", "use crate::{value::{self, Value}, log};");
    write("server/page.rs", "fn page() { crate::log::line(crate::Value) }");
    write("value/mod.rs", "// crate::server\nconst TEXT: &str = \"crate::server\";");
    write(
        "value/read.rs",
        "use crate::{log, server::{Server, page}};\nmod tests { use super::super::super::server; use super::*; }",
    );
    write("log.rs", "use super::value;\nmacro_rules! line { () => { crate::Value } }");
    let wrong = House::read(&folder.path().join("lib.rs")).arrows_up();
    assert_eq!(
        wrong,
        [
            "log -> value: log.rs uses crate::Value, crate::value",
            "value -> server: value/read.rs uses crate::server, crate::server::Server, crate::server::page",
        ]
    );
}

#[test]
fn only_the_runtime_knows_wasmtime() {
    let source = root().join("host");
    let mut found = BTreeSet::new();
    for krate in ["contract", "host", "authoring", "witapi"] {
        let source = source.join(krate).join("src");
        for file in files(&source) {
            let inside = file.strip_prefix(&source).unwrap();
            if krate == "host" && inside.starts_with("runtime") {
                continue;
            }
            let names =
                |token: &TokenTree| matches!(token, TokenTree::Ident(name) if name.to_string().starts_with("wasmtime"));
            if any(tokens(&file), &names) {
                found.insert(format!("{krate}/{}", inside.display()));
            }
        }
    }
    assert_eq!(found, BTreeSet::new());
}

#[test]
fn a_type_is_named_once() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for krate in ["contract", "host", "authoring", "witapi"] {
        let source = root().join("host").join(krate).join("src");
        // Of the two files that one module can be, by its feature, one is enough.
        for file in files(&source).into_iter().filter(|file| !file.ends_with("without_direct.rs")) {
            // Without what follows `pub` in brackets.
            let is_word =
                |token: &TokenTree| !matches!(token, TokenTree::Group(it) if it.delimiter() == Delimiter::Parenthesis);
            let tokens: Vec<_> = tokens(&file).into_iter().filter(is_word).collect();
            for words in tokens.windows(3) {
                let [TokenTree::Ident(public), TokenTree::Ident(kind), TokenTree::Ident(name)] = words else {
                    continue;
                };
                let is_type = ["struct", "enum", "trait", "type", "union"].iter().any(|it| kind == it);
                if public == "pub" && is_type {
                    let inside = file.strip_prefix(&source).unwrap().display();
                    found.entry(name.to_string()).or_default().push(format!("{krate}/{inside}"));
                }
            }
        }
    }
    found.retain(|_, files| files.len() > 1);
    assert!(found.is_empty(), "types of one name: {found:#?}");
}

/// A folder of modules in layers.
struct House {
    folder: PathBuf,
    /// From the crate's root to its module, such as `["runtime"]`.
    path: Vec<String>,
    /// The rooms, from the top.
    order: Vec<String>,
    /// Where the names live that the face gives out: the room of each.
    given: BTreeMap<String, String>,
}

impl House {
    /// Reads the face: the module that lists the rooms.
    fn read(face: &Path) -> House {
        let text = fs::read_to_string(face).unwrap();
        let name =
            |line: &str| Some(line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
        let order: Vec<String> = text.lines().filter_map(name).collect();
        let folder = face.parent().unwrap().to_owned();
        let is_root = face.ends_with("lib.rs");
        let path = if is_root { vec![] } else { vec![folder.file_name().unwrap().to_str().unwrap().to_owned()] };
        let mut house = House { folder, path, order, given: BTreeMap::new() };
        for used in house.paths(face) {
            if let [room, .., name] = &used[..] {
                house.given.insert(name.clone(), room.clone());
            }
        }
        house
    }

    /// Room to room, file by file, with what that uses.
    fn arrows_up(&self) -> Vec<String> {
        let level = |room: &str| self.order.iter().position(|it| it == room);
        let mut wrong: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in files(&self.folder) {
            let inside = file.strip_prefix(&self.folder).unwrap();
            let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
            let Some(from) = level(&room) else { continue };
            for used in self.paths(&file) {
                let Some(first) = used.first() else { continue };
                let target = if level(first).is_some() { first } else { self.given.get(first).unwrap_or(first) };
                if level(target).is_some_and(|to| to < from) {
                    let key = format!("{room} -> {target}: {} uses", inside.display());
                    wrong.entry(key).or_default().insert(format!("crate::{}", used.join("::")));
                }
            }
        }
        wrong
            .into_iter()
            .map(|(key, used)| format!("{key} {}", used.into_iter().collect::<Vec<_>>().join(", ")))
            .collect()
    }

    /// Every path of that file that leads into this house, from its rooms on.
    fn paths(&self, file: &Path) -> Vec<Vec<String>> {
        let mut module: Vec<String> = self.path.clone();
        let inside = file.strip_prefix(&self.folder).unwrap().with_extension("");
        module.extend(inside.iter().map(|part| part.to_str().unwrap().to_owned()));
        if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
            module.pop();
        }
        let mut found = vec![];
        walk(tokens(file), &module, &mut found);
        // The face itself names its rooms without `crate`.
        if module == self.path {
            found.extend(uses(tokens(file)).into_iter().map(|used| [self.path.clone(), used].concat()));
        }
        let rest = |used: Vec<String>| used.strip_prefix(&self.path[..]).map(<[String]>::to_vec);
        found.into_iter().filter_map(rest).collect()
    }
}

fn tokens(file: &Path) -> TokenStream {
    let text = fs::read_to_string(file).unwrap();
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// All files of Rust below, by name, without what is a template of a plugin.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut found = vec![];
    for entry in entries {
        if entry.is_dir() && !entry.ends_with("template") {
            found.extend(files(&entry));
        } else if entry.extension().is_some_and(|it| it == "rs") {
            found.push(entry);
        }
    }
    found
}

fn any(tokens: TokenStream, is: &impl Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match &token {
        TokenTree::Group(group) => any(group.stream(), is),
        other => is(other),
    })
}

/// Finds what begins with `crate` or `super`, as paths from the crate's root.
fn walk(stream: TokenStream, module: &[String], found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut i = 0;
    while i < tokens.len() {
        match &tokens[i] {
            TokenTree::Ident(word) if word == "mod" => {
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                    (tokens.get(i + 1), tokens.get(i + 2))
                {
                    walk(body.stream(), &[module, &[name.to_string()]].concat(), found);
                    i += 2;
                }
            }
            TokenTree::Ident(word) if word == "crate" && is_colons(&tokens, i + 1) => {
                i += 3;
                tree(&tokens, &mut i, vec![], found);
                continue;
            }
            TokenTree::Ident(word) if word == "super" && is_colons(&tokens, i + 1) => {
                let mut at = module.len();
                while matches!(&tokens.get(i), Some(TokenTree::Ident(word)) if *word == "super")
                    && is_colons(&tokens, i + 1)
                {
                    at = at.saturating_sub(1);
                    i += 3;
                }
                tree(&tokens, &mut i, module[..at].to_vec(), found);
                continue;
            }
            TokenTree::Group(group) => walk(group.stream(), module, found),
            _ => {}
        }
        i += 1;
    }
}

/// What each `use` of the file names.
fn uses(stream: TokenStream) -> Vec<Vec<String>> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut found = vec![];
    for i in 0..tokens.len() {
        if matches!(&tokens[i], TokenTree::Ident(word) if word == "use") {
            tree(&tokens, &mut (i + 1), vec![], &mut found);
        }
    }
    found
}

/// A path with all of its branches, which begins at `tokens[i]`.
fn tree(tokens: &[TokenTree], i: &mut usize, mut path: Vec<String>, found: &mut Vec<Vec<String>>) {
    loop {
        match tokens.get(*i) {
            Some(TokenTree::Ident(name)) => {
                if name != "self" {
                    path.push(name.to_string());
                }
                *i += 1;
                if !is_colons(tokens, *i) {
                    break found.push(path);
                }
                *i += 2;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                *i += 1;
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut at = 0;
                while at < inner.len() {
                    tree(&inner, &mut at, path.clone(), found);
                    // Up to the next branch.
                    while at < inner.len() && !matches!(&inner[at], TokenTree::Punct(it) if it.as_char() == ',') {
                        at += 1;
                    }
                    at += 1;
                }
                break;
            }
            _ => break found.push(path),
        }
    }
}

fn is_colons(tokens: &[TokenTree], i: usize) -> bool {
    [i, i + 1].iter().all(|i| matches!(tokens.get(*i), Some(TokenTree::Punct(it)) if it.as_char() == ':'))
}
