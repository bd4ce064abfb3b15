//! Go, by its own compiler: a core module for WASI preview 1, and the bindings of wit-bindgen-go.

mod compiler;
mod exports;
mod packages;

use std::collections::BTreeMap;

use super::toolchain::{Job, Toolchain};
use crate::{
    Project, component,
    error::BuildError,
    generated,
    tools::{Missing, Tools},
    wit::Wit,
};

pub(super) struct Go;

/// What bindings need at run time, of the crate wit-bindgen-go; see `pkg/README.md`.
const RUNTIME: &[(&str, &str)] = &[
    ("wit/LICENSE", include_str!("pkg/LICENSE")),
    ("wit/runtime/empty.s", include_str!("pkg/wit/runtime/empty.s")),
    ("wit/runtime/runtime.go", include_str!("pkg/wit/runtime/runtime.go")),
    ("wit/runtime/sorted.go", include_str!("pkg/wit/runtime/sorted.go")),
    ("wit/types/option.go", include_str!("pkg/wit/types/option.go")),
    ("wit/types/result.go", include_str!("pkg/wit/types/result.go")),
    ("wit/types/tuple.go", include_str!("pkg/wit/types/tuple.go")),
    ("wit/types/unit.go", include_str!("pkg/wit/types/unit.go")),
];

/// `sdk/go` of this repository: file, text, and the package that it wants the world to import.
const SDK: &[(&str, &str, Option<&str>)] = &[
    ("witapi.go", include_str!("../../../../../sdk/go/witapi.go"), None),
    ("internal/exported/exported.go", include_str!("../../../../../sdk/go/internal/exported/exported.go"), None),
    ("keyvalue/store.go", include_str!("../../../../../sdk/go/keyvalue/store.go"), Some("imports/wasi/keyvalue/store")),
    (
        "keyvalue/atomics.go",
        include_str!("../../../../../sdk/go/keyvalue/atomics.go"),
        Some("imports/wasi/keyvalue/atomics"),
    ),
    (
        "request/request.go",
        include_str!("../../../../../sdk/go/request/request.go"),
        Some("imports/witapi/host/request"),
    ),
    ("logging/logging.go", include_str!("../../../../../sdk/go/logging/logging.go"), None),
];

/// Where lines of `log/slog` go: into `wasi:logging`, or else to stderr.
const LOGGING: (&str, [&str; 2]) = (
    "imports/wasi/logging/logging",
    [include_str!("../../../../../sdk/go/logging/wasi.go"), include_str!("../../../../../sdk/go/logging/stderr.go")],
);

impl Toolchain for Go {
    fn name(&self) -> &'static str {
        "Go"
    }

    fn template(&self) -> &'static [(&'static str, &'static str)] {
        &[("go.mod", include_str!("../../template/go/go.mod")), ("main.go", include_str!("../../template/go/main.go"))]
    }

    fn stubs(&self, wit: &Wit) -> Result<String, BuildError> {
        let packages = packages::Packages::of(wit);
        let generated = packages::generate(wit)?;
        Ok(exports::stubs(&exports::of(wit, &packages, &generated), &packages))
    }

    fn version(&self) -> String {
        format!("{} {}", env!("CARGO_PKG_VERSION"), compiler::PINS[0].1)
    }

    fn missing(&self, _project: Option<&Project>, tools: &Tools) -> Result<Vec<Missing>, BuildError> {
        compiler::missing(tools)
    }

    fn compile(&self, job: &Job<'_>) -> Result<Option<Vec<u8>>, BuildError> {
        let module = job.project.generated("go");
        generated::replace(&module, &files(job.wit)?)?;
        let core = compiler::compile(job)?;
        component::encode_with(core, job.wit).map(Some)
    }
}

/// Every file of the module `witapi`, by path.
fn files(wit: &Wit) -> Result<BTreeMap<String, String>, BuildError> {
    let packages = packages::Packages::of(wit);
    let made = packages::generate(wit)?;
    let exports = exports::of(wit, &packages, &made);
    let mut files = packages::arranged(made, &packages);
    for export in &exports {
        let package = export.package;
        files.insert(format!("{}/exports.go", package.path), export.interface(&packages));
        files.insert(format!("internal/export_{}/wit_bindings.go", package.generated), export.between(&packages));
    }
    files.extend(exports::errors(wit, &packages, &exports));
    files.insert("go.mod".into(), format!("module {}\n\ngo {}\n", packages::MODULE, compiler::LANGUAGE));
    files.extend(RUNTIME.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    for (path, text, wanted) in SDK {
        if wanted.is_none_or(|wanted| packages.has(wanted)) {
            files.insert((*path).to_owned(), (*text).to_owned());
        }
    }
    let (wasi, [to_wasi, to_stderr]) = LOGGING;
    let text = if packages.has(wasi) { to_wasi } else { to_stderr };
    files.insert("logging/write.go".into(), text.to_owned());
    for (package, import) in [("keyvalue", "wasi:keyvalue/store@0.2.0-draft"), ("request", "witapi:host/request@0.1.0")]
    {
        // Go would only say that there is no such package.
        if !files.keys().any(|path| path.starts_with(&format!("{package}/"))) {
            let wanted = import.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let text = format!(
                "// Package {package} wants that the world in the WIT says:  import {import};\npackage {package}\n\n\
                 var _ = the_world_in_the_WIT_does_not_import_{wanted}\n"
            );
            files.insert(format!("{package}/{package}.go"), text);
        }
    }
    Ok(files)
}
