//! What C, Go and Python cannot do, or cannot do yet: types that they have no bindings for are named before the generator panics at
//! them, and on a machine without their compilers `witapi build` says what installs them.

use std::fs;

use tokio::process::Command;
use witapi_tests::{root, witapi};

/// What `witapi new --wit` says of a function with this type.
async fn said(language: &str, items: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let wit = format!("package example:odd@1.0.0;\n\ninterface odd {{\n    {items}\n}}\n\nworld w {{ export odd; }}\n");
    fs::write(folder.path().join("odd.wit"), wit).expect("a written contract");
    let mut command = Command::new(witapi());
    command.args(["new", "odd", "--lang", language, "--wit", "odd.wit"]).current_dir(folder.path());
    let output = command.output().await.expect("a run");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_there = folder.path().join("odd").exists();
    assert_eq!(output.status.success(), is_there, "{language}: {items}\n{stderr}");
    stderr
}

/// Types that cannot be, and what is said of them; both for C and for Go.
const NEITHER: [(&str, &str); 8] = [
    ("get: func() -> list<u8, 3>;", "get of example:odd/odd@1.0.0: plugins in X do not support lists of fixed length"),
    ("record deep { a: option<list<u8, 3>> }", "deep of example:odd/odd@1.0.0: plugins in X do not support lists"),
    ("get: func() -> stream<u8>;", "get of example:odd/odd@1.0.0: plugins in X do not support streams and futures"),
    ("get: func(a: tuple<u8, future<u8>>);", "get of example:odd/odd@1.0.0: plugins in X do not support streams"),
    ("get: async func() -> u8;", "get of example:odd/odd@1.0.0: plugins in X do not support `async func`; use `func`"),
    (
        "resource r { get: func() -> u8; }",
        "r of example:odd/odd@1.0.0: plugins in X do not support resources of their own",
    ),
    ("get: func() -> error-context;", "get of example:odd/odd@1.0.0: plugins in X do not support `error-context`"),
    ("type alias = list<list<u8, 3>>;", "alias of example:odd/odd@1.0.0: plugins in X do not support lists"),
];

#[tokio::test]
async fn what_c_and_go_have_no_bindings_for_is_named() {
    for (flag, name) in [("c", "C"), ("go", "Go")] {
        for (items, expected) in NEITHER {
            let stderr = said(flag, items).await;
            assert!(stderr.contains(&expected.replace('X', name)), "{name}: {items}\n{stderr}");
        }
    }
}

#[tokio::test]
async fn large_tuples_and_many_flags_are_too_much_for_go() {
    let tuple = format!("get: func() -> tuple<{}>;", ["u8"; 17].join(", "));
    let flags: Vec<String> = (0..33).map(|n| format!("flag{n}")).collect();
    let flags = format!("flags many {{ {} }} get: func() -> many;", flags.join(", "));
    for (items, expected) in [(tuple, "tuples of more than 16"), (flags, "more than 32 flags")] {
        let stderr = said("go", &items).await;
        assert!(stderr.contains(expected), "{items}\n{stderr}");
        let stderr = said("c", &items).await;
        assert!(stderr.contains("made odd, a plugin in C"), "{items}\n{stderr}");
    }
}

#[tokio::test]
async fn python_has_neither_maps_nor_lists_of_fixed_length() {
    for (items, expected) in [
        (
            "get: func(a: map<string, u8>);",
            "get of example:odd/odd@1.0.0: plugins in Python do not support maps; use a list of tuples",
        ),
        (
            "record deep { a: option<map<u8, u8>> }",
            "deep of example:odd/odd@1.0.0: plugins in Python do not support maps",
        ),
        (
            "get: func() -> list<u8, 3>;",
            "get of example:odd/odd@1.0.0: plugins in Python do not support lists of fixed length",
        ),
    ] {
        let stderr = said("python", items).await;
        assert!(stderr.contains(expected), "{items}\n{stderr}");
    }
    let stderr = said("python", "get: async func() -> u8;").await;
    assert!(stderr.contains("made odd, a plugin in Python"), "{stderr}");
}

/// In a contract that came after the plugin.
#[tokio::test]
async fn a_build_names_what_python_has_no_bindings_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let wit = "package example:odd;\ninterface odd { get: func(a: map<string, u8>); }\nworld w { export odd; }\n";
    for (file, text) in [("wit/odd.wit", wit), ("src/app.py", "")] {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        fs::write(file, text).expect("a file");
    }
    let mut build = Command::new(witapi());
    build.args(["build", "--install"]).arg(folder.path()).env("WITAPI_TOOLS", root().join("target/tools"));
    let output = build.output().await.expect("a run");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("get of example:odd/odd: plugins in Python do not support maps"), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[tokio::test]
async fn a_missing_compiler_is_named_with_its_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let bare = folder.path().join("bare");
    fs::create_dir(&bare).expect("a folder");
    for (flag, expected) in [
        (
            "c",
            [
                "clang for WebAssembly (or set WASI_SDK_PATH to a wasi-sdk)",
                "apt-get install -y --no-install-recommends clang-",
            ],
        ),
        ("go", ["Go 1.25 or newer", "/bin/pip install --quiet --disable-pip-version-check"]),
    ] {
        let run = |words: &[&str]| {
            let mut command = Command::new(witapi());
            // Nothing on the PATH, and nothing installed.
            command
                .args(words)
                .current_dir(folder.path())
                .env("PATH", &bare)
                .env("WITAPI_TOOLS", folder.path().join("tools"));
            command.env_remove("WASI_SDK_PATH");
            command
        };
        let made = run(&["new", flag, "--lang", flag]).output().await.expect("a run");
        assert!(made.status.success(), "{made:?}");
        let refused = run(&["build", flag]).output().await.expect("a run");
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{stderr}");
        for expected in expected.into_iter().chain(["run the command again with `--install`"]) {
            assert!(stderr.contains(expected), "no `{expected}` in\n{stderr}");
        }
    }
}
