//! A bundle → a component, with QuickJS inside.

use std::{fs, path::Path, process::Command};

use super::{shape, toolset};
use crate::{error::BuildError, language::Job, wit::Wit};

/// An interface that the SDK needs, whether or not the author's world imports it. Every host of components has them: QuickJS
/// itself imports others of these packages.
pub(super) struct Added {
    pub interface: &'static str,
    /// The package, and its text.
    package: &'static str,
    text: &'static str,
}

/// Of the version that componentize-qjs itself imports.
pub(super) const ADDED: [Added; 2] = [
    Added {
        interface: "wasi:random/random@0.2.12",
        package: "wasi:random@0.2.12",
        text: "package wasi:random@0.2.12;\ninterface random {\n  get-random-bytes: func(len: u64) -> list<u8>;\n}\n",
    },
    Added {
        interface: "wasi:cli/stderr@0.2.12",
        package: "wasi:cli@0.2.12",
        text: "package wasi:cli@0.2.12;\ninterface stderr {\n  use wasi:io/streams@0.2.12.{output-stream};\n  \
               get-stderr: func() -> output-stream;\n}\n",
    },
];

/// What `stderr` is made of.
const STREAMS: (&str, &str) = (
    "wasi:io@0.2.12",
    "package wasi:io@0.2.12;\ninterface error {\n  resource error;\n}\ninterface streams {\n  use error.{error};\n  \
     variant stream-error {\n    last-operation-failed(error),\n    closed,\n  }\n  resource output-stream {\n    \
     blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;\n  }\n}\n",
);

/// The world that is the author's and imports what the SDK needs besides; its name.
const WIDENED: &str = "witapi-widened";

/// Adds that world to the staged WIT. The text that the component tells is the author's still.
pub(super) fn widen(wit: &Wit) -> Result<String, BuildError> {
    let known: Vec<String> = wit.resolve.packages.iter().map(|(_, package)| package.name.to_string()).collect();
    let put = |path: &Path, text: &str| {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
        made.map_err(|error| BuildError::Io { file: path.to_owned(), error })
    };
    let packages = ADDED.iter().map(|added| (added.package, added.text)).chain([STREAMS]);
    for (package, text) in packages {
        if !known.iter().any(|name| name == package) {
            put(&wit.plain.join("deps").join(package.replace([':', '@'], "-")).join("package.wit"), text)?;
        }
    }
    let imports: String = ADDED.iter().map(|added| format!("  import {};\n", added.interface)).collect();
    let world = format!("world {WIDENED} {{\n  include %{};\n{imports}}}\n", wit.world_name());
    put(&wit.plain.join("witapi-widened.wit"), &format!("package {};\n{world}", package_name(wit)))?;
    Ok(WIDENED.to_owned())
}

fn package_name(wit: &Wit) -> String {
    wit.resolve.packages[wit.package].name.to_string()
}

/// Makes the component.
pub(super) fn componentize(
    job: &Job<'_>,
    world: &shape::World,
    name: &str,
    bundle: &Path,
) -> Result<Vec<u8>, BuildError> {
    let made = job.project.generated("js/component.wasm");
    let mut tool = Command::new("node");
    tool.arg(toolset::packages(job.tools).join("componentize-qjs/cli.mjs"))
        .arg("--wit")
        .arg(&job.wit.plain)
        .arg("--js")
        .arg(bundle)
        .args(["--world", name])
        .arg("--output")
        .arg(&made);
    if !world.is_async() {
        // Functions that are not `async` run without the machinery for those that are, which the host does cheaper.
        tool.arg("--sync");
    }
    if job.is_draft {
        // Two thirds of the code, which the host is the sooner done with.
        tool.arg("--opt-size");
    }
    job.run(&mut tool).map_err(|error| match error {
        BuildError::Compiler { said, .. } => BuildError::Compiler { tool: "componentize-qjs".into(), said },
        other => other,
    })?;
    fs::read(&made).map_err(|error| BuildError::Io { file: made, error })
}
