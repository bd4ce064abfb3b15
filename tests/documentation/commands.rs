//! The commands of the tutorial and of the guides are run, and print what the pages say.

use std::{fs, path::Path, process::Command};

use witapi_tests::{
    Host, host,
    markdown::{Block, blocks, is_as_shown},
    root, witapi,
};

use super::part;

/// A language of the tutorial: as `witapi new` names it, and as its blocks of code do.
struct Language {
    name: &'static str,
    fence: &'static str,
}

const RUST: Language = Language { name: "rust", fence: "rust" };
const PYTHON: Language = Language { name: "python", fence: "python" };
const TYPESCRIPT: Language = Language { name: "ts", fence: "typescript" };

const FENCES: [&str; 3] = [RUST.fence, PYTHON.fence, TYPESCRIPT.fence];

fn here(folder: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let programs = witapi().parent().expect("a folder").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("PATH", format!("{programs}:{path}"))
        .env("WITAPI_TOOLS", root().join("target/tools"))
        // The plugins of all pages share what they depend on.
        .env("CARGO_TARGET_DIR", root().join("target/tmp/tutorial-pages"))
        .env("NO_COLOR", "1");
    command
}

/// Whether the test has done already what the command says.
fn is_done(command: &str) -> bool {
    ["new", "dev", "build", "serve"].iter().any(|name| command.starts_with(&format!("witapi {name}")))
}

/// Runs the commands of a page, beside what it says, and collects what they should not have printed.
async fn run_commands(page: &str, blocks: &[Block<'_>], folder: &Path, host: &Host, wrong: &mut Vec<String>) {
    let address = host.address.to_string();
    for (command, shown) in blocks.iter().flat_map(Block::commands).filter(|(command, _)| !is_done(command)) {
        let mut shell = here(folder, "bash");
        shell.args(["-c", &command.replace("localhost:8080", &address)]);
        let ran = tokio::process::Command::from(shell).output().await.expect("a shell");
        let mut printed = String::from_utf8_lossy(&ran.stdout).into_owned();
        if !command.starts_with("curl") {
            printed.push_str(&String::from_utf8_lossy(&ran.stderr));
        }
        let printed = printed.replace(&address, "localhost:8080").replace('\r', "");
        if !is_as_shown(&printed, &shown) {
            let said = String::from_utf8_lossy(&ran.stderr);
            wrong.push(format!("{page}: {command}\n-- shown\n{shown}\n-- printed\n{printed}\n{said}"));
        }
    }
}

/// Makes the plugin of a page: what `witapi new` makes, with the page's files in the place of its own.
fn build(folder: &Path, language: &Language, blocks: &[Block<'_>]) {
    let made = here(folder, witapi()).args(["new", "shop", "--lang", language.name]).output().expect("witapi new");
    assert!(made.status.success(), "{made:?}");
    if language.fence == PYTHON.fence {
        fs::remove_dir_all(folder.join("shop/wit")).expect("the contract of the template");
    }
    for block in blocks {
        let Some(file) = block.file() else { continue };
        let is_of_another = FENCES.contains(&block.language()) && block.language() != language.fence;
        // In Python the contract is derived, unless the page says that all languages write it.
        let is_derived = language.fence == PYTHON.fence && !block.info.contains(&"all");
        if is_of_another || (block.language() == "wit" && is_derived) {
            continue;
        }
        let file = if file == "witapi.toml" { folder.join(file) } else { folder.join("shop").join(file) };
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, block.code).expect("a written file");
    }
    let built = here(folder, witapi()).args(["build", "shop"]).output().expect("witapi build");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

/// Follows every page of the tutorial, or each `step`th: a build of Python takes ten seconds of a core. `make test-long` follows all.
async fn follow(language: &Language, step: usize) {
    let step = if std::env::var_os("WITAPI_CASES").is_some() { 1 } else { step };
    let mut wrong = vec![];
    let mut earlier = host().start().await.kill().await;
    for (name, page) in part("tutorial").into_iter().step_by(step) {
        let blocks = blocks(&page);
        if !blocks.iter().any(|block| block.language() == language.fence && block.file().is_some()) {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        build(folder.path(), language, &blocks);
        // Each page begins with nothing stored; what is compiled stays, since the next plugin is much the same.
        let _ = fs::remove_dir_all(earlier.path().join("data/keyvalue"));
        let config = fs::read_to_string(folder.path().join("witapi.toml")).unwrap_or_else(|_| "# None".to_owned());
        let setup = host().component("shop", folder.path().join("shop/shop.wasm")).config(&config);
        let host = setup.in_folder_of(earlier).start().await;
        run_commands(&name, &blocks, folder.path(), &host, &mut wrong).await;
        earlier = host.kill().await;
    }
    assert!(wrong.is_empty(), "{}: {} commands\n\n{}", language.name, wrong.len(), wrong.join("\n\n"));
}

#[tokio::test]
async fn the_tutorial_prints_what_it_says_in_rust() {
    follow(&RUST, 1).await;
}

#[tokio::test]
async fn the_tutorial_prints_what_it_says_in_python() {
    follow(&PYTHON, 4).await;
}

#[tokio::test]
async fn the_tutorial_prints_what_it_says_in_typescript() {
    follow(&TYPESCRIPT, 1).await;
}

#[tokio::test]
async fn the_guides_and_the_readme_print_what_they_say() {
    let mut wrong = vec![];
    let others = ["README.md", "docs/src/index.md"];
    let others = others.map(|name| (name.to_owned(), fs::read_to_string(root().join(name)).expect("a page")));
    for (name, page) in part("guides").into_iter().chain(others) {
        let blocks = blocks(&page);
        if blocks.iter().all(|block| block.commands().is_empty()) {
            continue;
        }
        let host = host().examples().start().await;
        run_commands(&name, &blocks, &root(), &host, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "{} commands\n\n{}", wrong.len(), wrong.join("\n\n"));
}
