//! Go's compiler: where it is, and how it is called.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::packages::MODULE;
use crate::{
    Project,
    error::BuildError,
    language::Job,
    tools::{self, Missing, Pinned, Tools},
};

/// What is installed where there is no Go: PyPI's package of Go's own distribution.
pub(super) const PINS: &[(&str, &str)] = &[("requirements.txt", include_str!("requirements.txt"))];

/// The version of the language that generated code is written in, and so the oldest compiler.
pub(super) const LANGUAGE: &str = "1.25";

fn pinned(tools: &Tools) -> Pinned {
    tools.pinned("go", PINS)
}

/// The `go` of the PATH if it is new enough, else ours.
fn go(tools: &Tools) -> Option<PathBuf> {
    let of_user = which::which("go").ok().filter(|go| is_new_enough(go));
    let pinned = pinned(tools);
    of_user.or_else(|| pinned.is_complete().then(|| of(&pinned)))
}

fn of(pinned: &Pinned) -> PathBuf {
    pinned.folder.join("lib/go/bin/go")
}

/// Asks it for `go version go1.27.3 linux/amd64`.
fn is_new_enough(go: &Path) -> bool {
    let Ok(output) = Command::new(go).arg("version").env("GOTOOLCHAIN", "local").output() else { return false };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = said.split(' ').nth(2).and_then(|word| word.strip_prefix("go"));
    version.and_then(minor).is_some_and(|found| minor(LANGUAGE).is_some_and(|wanted| found >= wanted))
}

/// `25` of `1.25`, `1.25.3` and `1.25rc1`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

pub(super) fn missing(tools: &Tools) -> Result<Vec<Missing>, BuildError> {
    if go(tools).is_some() {
        return Ok(Vec::new());
    }
    let mut missing = Vec::new();
    let has_venv = Command::new("python3").args(["-c", "import venv, ensurepip"]).output();
    if !has_venv.is_ok_and(|output| output.status.success()) {
        let what = "Python 3 with pip, which installs Go".into();
        missing.push(Missing { what, command: tools::apt("python3 python3-venv") });
    }
    let pinned = pinned(tools);
    pinned.write(PINS)?;
    let folder = |path: &str| tools::quoted(&pinned.folder.join(path));
    let install = format!(
        "python3 -m venv {} && {} install --quiet --disable-pip-version-check --upgrade --target {} --requirement {}",
        folder("venv"),
        folder("venv/bin/pip"),
        folder("lib"),
        folder("requirements.txt"),
    );
    let what = format!("Go {LANGUAGE} or newer ({})", PINS[0].1.trim());
    missing.push(Missing { what, command: pinned.then_complete(&install) });
    Ok(missing)
}

/// Compiles the author's package `main`, to which a file is added that only the compiler sees: it imports what the component
/// exports, so that the author need not.
pub(super) fn compile(job: &Job<'_>) -> Result<Vec<u8>, BuildError> {
    let Some(go) = go(job.tools) else { return Err(BuildError::Unsupported("Go is not there any more".into())) };
    let (added, overlay, module) = ("witapi_exports.go", "go-exports/overlay.json", "go-exports/module.wasm");
    let logging = if go_files_say(job.project, "\"log/slog\"")? {
        format!("import _ \"{MODULE}/logging\"\n")
    } else {
        String::new()
    };
    let source = job.project.generated(&format!("go-exports/{added}"));
    let replaced = BTreeMap::from([(job.project.folder.join(added), &source)]);
    let replace = serde_json::json!({ "Replace": replaced });
    let files = [
        (source.clone(), format!("package main\n\nimport _ \"{MODULE}/wit_exports\"\n{logging}")),
        (job.project.generated(overlay), replace.to_string()),
    ];
    for (file, text) in files {
        let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, text));
        written.map_err(|error| BuildError::Io { file, error })?;
    }
    let module = job.project.generated(module);
    let mut command = Command::new(&go);
    command
        .args(["build", "-buildmode=c-shared", "-buildvcs=false", "-trimpath", "-ldflags=-s -w -checklinkname=0"])
        .arg("-overlay")
        .arg(job.project.generated(overlay))
        .arg("-o")
        .arg(&module)
        .arg(".")
        .envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]);
    // A plugin is a module of its own, whatever is above it.
    let mut set = vec![("GOWORK", PathBuf::from("off")), ("GOTOOLCHAIN", PathBuf::from("local"))];
    if env::var_os("HOME").is_none() {
        // Go would not know where to, though nothing is downloaded.
        set.push(("GOPATH", job.tools.shared("go-path")));
        set.push(("GOCACHE", job.tools.shared("go-build")));
    }
    if go == of(&pinned(job.tools)) {
        command.env_remove("GOROOT");
        set.push(("GOCACHE", job.tools.shared("go-build")));
        if !may_import_json_v2(job.project)? {
            // `log/slog` brings encoding/json along. On its second version it is 1 MB of code more, which the host has to compile.
            set.push(("GOEXPERIMENT", "nojsonv2".into()));
        }
    }
    for (name, value) in set {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    job.run(&mut command)?;
    fs::read(&module).map_err(|error| BuildError::Io { file: module, error })
}

/// Whether the author's code, or that of another module, may import `encoding/json/v2`, which is not there without the experiment.
fn may_import_json_v2(project: &Project) -> Result<bool, BuildError> {
    let has_other_modules = project.folder.join("go.sum").exists();
    Ok(has_other_modules || go_files_say(project, "\"encoding/json/")?)
}

/// Whether the text is in one of the author's files.
pub(super) fn go_files_say(project: &Project, text: &str) -> Result<bool, BuildError> {
    let is_go = |file: &&PathBuf| file.extension().is_some_and(|extension| extension == "go");
    let says = |file: &PathBuf| fs::read_to_string(file).is_ok_and(|it| it.contains(text));
    Ok(project.sources()?.iter().filter(is_go).any(says))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_go_have_a_minor_number() {
        assert_eq!(minor("1.25"), Some(25));
        assert_eq!(minor("1.27.3"), Some(27));
        assert_eq!(minor("1.25rc1"), Some(25));
        assert_eq!(minor("devel"), None);
    }
}
