//! clang: where it is, and how it is called.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    error::BuildError,
    language::Job,
    tools::{self, Missing},
};

struct Clang {
    program: PathBuf,
    /// Debian's C library of WASI knows no other spelling.
    target: &'static str,
}

/// That of `$WASI_SDK_PATH`, else the newest of Debian's `clang-N` that has all that it needs.
fn clang() -> Option<Clang> {
    if let Some(sdk) = env::var_os("WASI_SDK_PATH").filter(|sdk| !sdk.is_empty()) {
        let program = PathBuf::from(sdk).join("bin/clang");
        return program.is_file().then_some(Clang { program, target: "wasm32-wasip1" });
    }
    let mut versions = versions();
    versions.retain(|version| missing_of(*version).is_empty());
    let newest = versions.into_iter().max()?;
    let program = which::which(format!("clang-{newest}")).ok()?;
    Some(Clang { program, target: "wasm32-wasi" })
}

/// Every N of a `clang-N` on the PATH.
fn versions() -> Vec<u32> {
    let Some(path) = env::var_os("PATH") else { return Vec::new() };
    let entries = env::split_paths(&path).filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut found: Vec<u32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("clang-")?.parse().ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Debian's packages that clang of this version needs and has not got.
fn missing_of(version: u32) -> Vec<String> {
    let is_there = |path: String| Path::new(&path).exists();
    let llvm = format!("/usr/lib/llvm-{version}");
    let pieces = [
        (which::which(format!("clang-{version}")).is_ok(), format!("clang-{version}")),
        (is_there(format!("{llvm}/bin/wasm-ld")), format!("lld-{version}")),
        (is_there("/usr/lib/wasm32-wasi/libc.a".into()), "wasi-libc".into()),
        (
            is_there(format!("{llvm}/lib/clang/{version}/lib/wasi/libclang_rt.builtins-wasm32.a")),
            format!("libclang-rt-{version}-dev-wasm32"),
        ),
    ];
    pieces.into_iter().filter(|(is_there, _)| !is_there).map(|(_, package)| package).collect()
}

pub(super) fn missing() -> Vec<Missing> {
    if clang().is_some() {
        return Vec::new();
    }
    let packages = missing_of(newest_offered().unwrap_or(TRIED));
    if packages.is_empty() || env::var_os("WASI_SDK_PATH").is_some_and(|sdk| !sdk.is_empty()) {
        let what = "clang, at $WASI_SDK_PATH/bin/clang; where that variable is not set, Debian's is used".into();
        return vec![Missing { what, command: "unset WASI_SDK_PATH".into() }];
    }
    let what = "clang for WebAssembly (or set WASI_SDK_PATH to a wasi-sdk)".into();
    vec![Missing { what, command: tools::apt(&packages.join(" ")) }]
}

/// The version that is known to do.
const TRIED: u32 = 22;

/// The newest clang that this Debian has the parts for WebAssembly of, if it knows of any.
fn newest_offered() -> Option<u32> {
    let search = Command::new("apt-cache").args(["pkgnames", "libclang-rt-"]).output().ok()?;
    let names = String::from_utf8_lossy(&search.stdout).into_owned();
    let version = |name: &str| name.strip_prefix("libclang-rt-")?.strip_suffix("-dev-wasm32")?.parse().ok();
    names.lines().filter_map(version).max()
}

/// Compiles and links. The bindings change with the WIT only, so they are kept as an object.
pub(super) fn compile(job: &Job<'_>, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, BuildError> {
    let Some(clang) = clang() else { return Err(BuildError::Unsupported("clang is not there any more".into())) };
    let bindings = job.project.generated("c");
    let flags = [format!("--target={}", clang.target), "-Wno-deprecated".into(), "-O2".into()];
    tell_editors(job, &flags)?;
    let clang_with_flags = || {
        let mut command = Command::new(&clang.program);
        command.args(&flags).arg("-I").arg(&bindings);
        if job.is_coloured {
            command.arg("-fdiagnostics-color=always");
        }
        command
    };

    let mut digest = Sha256::new();
    digest.update(format!("{} {flags:?}", clang.program.display()));
    for bytes in files.values() {
        digest.update(bytes);
    }
    let digest = HEXLOWER.encode(&digest.finalize());
    let objects = job.project.generated("c-objects");
    let (object, sdk) = (objects.join(format!("plugin-{digest}.o")), objects.join(format!("witapi-{digest}.o")));
    if !object.exists() || !sdk.exists() {
        let failed = |error| BuildError::Io { file: objects.clone(), error };
        match fs::remove_dir_all(&objects) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => fs::create_dir_all(&objects).map_err(failed)?,
        }
        for (source, object) in [("plugin.c", &object), ("witapi.c", &sdk)] {
            let mut command = clang_with_flags();
            job.run(command.args(["-w", "-c"]).arg(bindings.join(source)).arg("-o").arg(object))?;
        }
    }

    let module = objects.join("module.wasm");
    let mut command = clang_with_flags();
    command.args(["-Wall", "-s", "-mexec-model=reactor"]);
    // Whoever recurses too deep is to hit the end of memory, not their own data.
    command.args(["-Wl,--stack-first", "-Wl,-z,stack-size=1048576"]);
    command.args(sources(job)?).arg(&object).arg(&sdk).arg(bindings.join("plugin_component_type.o"));
    job.run(command.arg("-o").arg(&module))?;
    fs::read(&module).map_err(|error| BuildError::Io { file: module, error })
}

/// The author's `.c` files, relative to the project's folder, as they are to stand in what clang says.
fn sources(job: &Job<'_>) -> Result<Vec<PathBuf>, BuildError> {
    let folder = &job.project.folder;
    let all = job.project.sources()?.into_iter().filter_map(|file| Some(file.strip_prefix(folder).ok()?.to_owned()));
    Ok(all.filter(|file| file.starts_with("src") && file.extension().is_some_and(|it| it == "c")).collect())
}

/// Where clangd looks for flags.
fn tell_editors(job: &Job<'_>, flags: &[String]) -> Result<(), BuildError> {
    let file = job.project.generated("compile_flags.txt");
    let text = format!("{}\n-I{}\n", flags.join("\n"), job.project.generated("c").display());
    if fs::read_to_string(&file).is_ok_and(|now| now == text) {
        return Ok(());
    }
    fs::write(&file, text).map_err(|error| BuildError::Io { file, error })
}
