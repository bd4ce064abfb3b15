//! Machines without the toolchains of guests: each missing piece is named, with the command that installs it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use witapi_tests::{cli::Ran, witapi};

/// A machine with a shell, coreutils and nothing else on its `PATH`, and no toolchain in its cache.
struct Fresh {
    folder: TempDir,
}

impl Fresh {
    fn new() -> Fresh {
        let folder = tempfile::tempdir().expect("a folder");
        let programs = folder.path().join("bin");
        fs::create_dir(&programs).expect("a folder");
        for name in ["sh", "cat", "cp", "env", "ls", "mkdir", "mv", "rm", "timeout", "touch", "uname"] {
            let program = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
            let program = program.iter().find(|program| program.exists()).expect("coreutils");
            symlink(program, programs.join(name)).expect("a link");
        }
        Fresh { folder }
    }

    fn tools(&self) -> PathBuf {
        self.folder.path().join("tools")
    }

    fn run(&self, arguments: &[&str], has_path: bool) -> Ran {
        let mut command = Command::new(witapi());
        command.args(arguments).current_dir(self.folder.path()).env("WITAPI_TOOLS", self.tools());
        if !has_path {
            command.env_clear();
            command.env("PATH", self.folder.path().join("bin")).env("HOME", self.folder.path());
            command.env("WITAPI_TOOLS", self.tools());
        }
        let output = command.output().expect("a run");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What `witapi build` says of a new plugin in that language.
    #[track_caller]
    fn refusal(&self, flag: &str) -> String {
        let name = format!("new-{flag}");
        let made = self.run(&["new", &name, "--lang", flag], false);
        assert_eq!(made.status, Some(0), "{made:?}");
        let refused = self.run(&["build", &name], false).refused();
        assert!(!self.folder.path().join(&name).join(format!("{name}.wasm")).exists());
        refused
    }
}

#[test]
fn missing_tools_are_named_with_their_install_command() {
    let fresh = Fresh::new();
    for (flag, language, expected) in [
        (
            "rust",
            "Rust",
            [
                ": cargo, and a compiler for wasm32-unknown-unknown",
                "apt-get install -y --no-install-recommends cargo-web",
            ],
        ),
        ("python", "Python", ["componentize-py ", "pip install"]),
        ("ts", "TypeScript", ["node, of Node.js", "npm install"]),
        ("js", "JavaScript", ["node, of Node.js", "npm install"]),
        ("go", "Go", ["Go ", "install"]),
        ("c", "C", ["clang", "apt-get install"]),
    ] {
        let refused = fresh.refusal(flag);
        let head = format!("the toolchain for {language} is incomplete; missing:");
        assert!(refused.contains(&head), "{language}: {refused}");
        for expected in expected {
            assert!(refused.contains(expected), "{language}, no `{expected}` in: {refused}");
        }
        assert!(refused.contains("run the command again with `--install`"), "{language}: {refused}");
    }
}

#[test]
fn a_failed_installation_names_its_command() {
    let fresh = Fresh::new();
    fresh.refusal("rust");
    // There is no apt-get on this PATH.
    let refused = fresh.run(&["build", "new-rust", "--install"], false);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("cannot install "), "{}", refused.stderr);
    assert!(refused.stderr.contains("apt-get install"), "{}", refused.stderr);
    assert!(!fresh.folder.path().join("new-rust/new-rust.wasm").exists());
}

#[test]
fn install_gets_what_is_missing() {
    let fresh = Fresh::new();
    fresh.refusal("js");
    let built = fresh.run(&["build", "new-js", "--install"], true);
    assert_eq!(built.status, Some(0), "{}", built.stderr);
    assert!(built.stderr.contains("installing esbuild"), "{}", built.stderr);
    assert!(fresh.folder.path().join("new-js/new-js.wasm").is_file());
    // And a second plugin needs no more.
    assert_eq!(fresh.run(&["new", "second", "--lang", "js"], true).status, Some(0));
    let built = fresh.run(&["build", "second"], true);
    assert_eq!(built.status, Some(0), "{}", built.stderr);
}
