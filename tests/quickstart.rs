//! The quickstarts of the SDKs, followed to the letter: each command is run, each answer is what stands there, and the edit is made.

use std::{fs, path::Path, process::Command};

use witapi_tests::{dev::Dev, markdown, root, witapi};

/// What the terminal says of each version that serves.
const LIVE: &str = "live";

/// The quickstart of a README, up to the next heading.
fn quickstart(readme: &str) -> &str {
    let start = readme.find("## Quickstart").expect("a quickstart");
    let end = readme[start + 3..].find("\n## ").map_or(readme.len(), |at| start + 3 + at + 1);
    readme[start..end].trim_end()
}

/// The text that all of them have in common, with this language in its gaps.
fn common(language: &str, flag: &str, entry: &str, before: &str, after: &str) -> String {
    let text = fs::read_to_string(root().join("sdk/QUICKSTART.md")).expect("the quickstart");
    let gaps = [("language", language), ("flag", flag), ("entry", entry), ("before", before), ("after", after)];
    let filled = gaps.iter().fold(text, |text, (gap, value)| text.replace(&format!("{{{{{gap}}}}}"), value));
    filled.trim_end().to_owned()
}

async fn printed(command: &str, folder: &Path) -> String {
    let run = tokio::process::Command::new("sh").args(["-c", command]).current_dir(folder).output().await.expect("sh");
    String::from_utf8_lossy(&run.stdout).trim_end().to_owned()
}

async fn follow(readme: &str, language: &str, flag: &str, entry: &str) {
    let readme = fs::read_to_string(root().join(readme)).expect("a README");
    // One README of two languages has a quickstart for each.
    let section = readme
        .match_indices("## Quickstart")
        .map(|(at, _)| quickstart(&readme[at..]))
        .find(|section| section.contains(&format!("--lang {flag}\n")))
        .unwrap_or_else(|| panic!("no quickstart for {language}"));
    let blocks: Vec<_> =
        markdown::blocks(section).into_iter().map(|block| (block.language(), block.code.trim_end())).collect();
    let [(_, commands), (_, answers), (fence, before), (_, after), (_, changed), (_, build)] = blocks[..] else {
        panic!("{} blocks in the quickstart of {language}", blocks.len());
    };
    let fenced = |code: &str| format!("```{fence}\n{code}\n```");
    assert_eq!(
        section,
        common(language, flag, entry, &fenced(before), &fenced(after)),
        "{language} has words of its own"
    );

    let folder = tempfile::tempdir().expect("a folder");
    let [new, dev] = commands.lines().collect::<Vec<_>>()[..] else { panic!("expected two commands: {commands}") };
    let run = |command: &str| {
        let mut words = command.split(' ');
        assert_eq!(words.next(), Some("witapi"), "{command}");
        let mut witapi = Command::new(witapi());
        witapi.args(words).current_dir(folder.path()).env("WITAPI_TOOLS", root().join("target/tools"));
        witapi
    };
    let made = run(new).output().expect("witapi new");
    assert!(made.status.success(), "{made:?}");
    let mut dev = run(dev);
    dev.args(["--listen", "127.0.0.1:0"]);
    let dev = Dev::by(dev).await;
    dev.wait_for(LIVE).await;

    let check = async |console: &str| {
        let mut lines = console.lines();
        while let Some(command) = lines.next() {
            let command = command.strip_prefix("$ ").expect("a command");
            let here = command.replace("localhost:8080", &dev.address.to_string());
            let expected = lines.next().expect("an answer");
            assert_eq!(printed(&here, folder.path()).await, expected, "{language}: {command}\n{}", dev.printed());
        }
    };
    check(answers).await;

    let source = folder.path().join("hello").join(entry);
    let text = fs::read_to_string(&source).expect("the source");
    assert_eq!(text.matches(before).count(), 1, "{language}: what is to be replaced, in\n{text}");
    fs::write(&source, text.replace(before, after)).expect("a written source");
    dev.wait_for_count(LIVE, 2).await;
    check(changed).await;
    dev.terminated().await;

    let built = run(build).output().expect("witapi build");
    assert!(built.status.success(), "{built:?}");
    assert!(folder.path().join("hello/hello.wasm").is_file());
}

macro_rules! quickstarts {
    ($($test:ident: $readme:literal, $language:literal, $flag:literal, $entry:literal;)*) => {$(
        #[tokio::test]
        async fn $test() {
            follow($readme, $language, $flag, $entry).await;
        }
    )*};
}

quickstarts! {
    the_quickstart_of_rust: "sdk/rust/README.md", "Rust", "rust", "src/lib.rs";
    the_quickstart_of_python: "sdk/python/README.md", "Python", "python", "src/app.py";
    the_quickstart_of_typescript: "sdk/js/README.md", "TypeScript", "ts", "src/index.ts";
    the_quickstart_of_javascript: "sdk/js/README.md", "JavaScript", "js", "src/index.js";
    the_quickstart_of_go: "sdk/go/README.md", "Go", "go", "main.go";
    the_quickstart_of_c: "sdk/c/README.md", "C", "c", "src/plugin.c";
}
