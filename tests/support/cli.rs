//! The command line under test: one run of the binary, and what it said.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::witapi;

/// How a run of `witapi` ended.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// What it printed; the run must have succeeded without a complaint.
    #[track_caller]
    pub fn printed(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// What it complained of; the run must have failed, and printed nothing else.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        self.stderr
    }
}

/// A folder to run `witapi` in.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    /// Writes a file, and the folders it stands in.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.path(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("the file's folder");
        fs::write(&file, content).expect("a written file");
        file
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `witapi` with these arguments in the folder.
    pub fn run<const N: usize>(&self, arguments: [&str; N]) -> Ran {
        let output = Command::new(witapi()).args(arguments).current_dir(self.0.path()).output().expect("a run");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Folder {
    /// Runs `witapi` with these arguments and that on its stdin. Compiled code is kept from one test to the next.
    pub fn ask(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
        let mut child = Command::new(witapi())
            .args(arguments)
            .current_dir(self.0.path())
            .env("XDG_CACHE_HOME", crate::root().join("target/tmp/cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a run");
        // It may end without having read.
        let _ = child.stdin.take().expect("its stdin").write_all(stdin);
        let output = child.wait_with_output().expect("its end");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Default for Folder {
    fn default() -> Folder {
        Folder::new()
    }
}

/// What `witapi inspect --json` says of a component.
#[track_caller]
pub fn inspected(component: &[u8]) -> serde_json::Value {
    let folder = Folder::new();
    folder.write("it.wasm", component);
    serde_json::from_str(&folder.run(["inspect", "it.wasm", "--json"]).printed()).expect("JSON")
}

/// The OpenAPI document of a component, as `witapi inspect --openapi` prints it.
#[track_caller]
pub fn document(component: &[u8]) -> serde_json::Value {
    let folder = Folder::new();
    folder.write("it.wasm", component);
    serde_json::from_str(&folder.run(["inspect", "it.wasm", "--openapi"]).printed()).expect("JSON")
}

/// The routes of a component, each as `GET /todos/{id} 200`.
#[track_caller]
pub fn routes(component: &[u8]) -> Vec<String> {
    let json = inspected(component);
    let route = |it: &serde_json::Value| {
        format!("{} {} {}", it["method"].as_str().unwrap(), it["path"].as_str().unwrap(), it["status"])
    };
    json["operations"].as_array().expect("operations").iter().map(route).collect()
}

/// Why a component does not load.
#[track_caller]
pub fn refusal(component: &[u8]) -> String {
    let folder = Folder::new();
    folder.write("it.wasm", component);
    folder.run(["inspect", "it.wasm"]).refused()
}

/// The sections of a component, outermost only: the number of each, and its name if it is a custom section.
pub fn sections(component: &[u8]) -> Vec<(u8, String)> {
    let leb = |bytes: &[u8]| {
        let length = bytes.iter().position(|byte| byte & 0x80 == 0).expect("the end of a number") + 1;
        (bytes[..length].iter().rev().fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f)), length)
    };
    let mut rest = &component[8..];
    let mut sections = vec![];
    while let [id, behind @ ..] = rest {
        let (size, length) = leb(behind);
        let content = &behind[length..length + size];
        let name = || {
            let (size, length) = leb(content);
            String::from_utf8_lossy(&content[length..length + size]).into_owned()
        };
        sections.push((*id, if *id == 0 { name() } else { String::new() }));
        rest = &behind[length + size..];
    }
    sections
}
