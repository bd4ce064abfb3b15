//! Which compiler there is for the target, and what is missing of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Project,
    tools::{Missing, Tools, apt},
};

/// What a plugin is compiled for, unless its crate says otherwise.
const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, its linker for wasm, and the sources of its standard library, which it has not compiled for the target.
const DEBIAN: [&str; 3] = ["/usr/bin/rustc", "/usr/bin/wasm-ld-22", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"];
const DEBIAN_PACKAGES: &str = "rustc-web rust-web-src lld-22";

/// What the system's libc for WASI is, where the standard library is compiled from its sources.
const WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// Seconds that rustup gets. Where its server is out of reach it hangs for minutes before it says so.
const RUSTUP_LIMIT: u32 = 60;

/// The target: of wasm, and as the crate's `.cargo/config.toml` says.
pub(super) fn target(project: Option<&Project>) -> String {
    let configured = project.and_then(|project| {
        let config = ["config.toml", "config"].map(|name| project.folder.join(".cargo").join(name));
        let text = config.iter().find_map(|file| fs::read_to_string(file).ok())?;
        let config: toml::Table = text.parse().ok()?;
        let target = config.get("build")?.get("target")?.as_str()?;
        target.starts_with("wasm32-").then(|| target.to_owned())
    });
    configured.unwrap_or_else(|| TARGET.into())
}

/// Where the standard library for the target comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    /// The toolchain has it, in this folder.
    Toolchain(PathBuf),
    /// It is compiled along, by Debian's compiler from Debian's sources. For guests only: that compiler is not the author's own.
    Debian,
}

impl Chosen {
    /// What was chosen for the target, or can be.
    pub(super) fn of(target: &str, tools: &Tools) -> Chosen {
        find(target, tools).unwrap_or_else(|| Chosen::Toolchain(PathBuf::new()))
    }

    pub(super) fn rustc(&self) -> &Path {
        Path::new(if *self == Chosen::Debian { DEBIAN[0] } else { "rustc" })
    }

    /// What cargo has to know of it.
    pub(super) fn apply(&self, cargo: &mut Command, target: &str) {
        if *self != Chosen::Debian {
            return;
        }
        let linker = format!("CARGO_TARGET_{}_LINKER", target.to_ascii_uppercase().replace('-', "_"));
        // Building the standard library is unstable, and these sources are just the compiler's own.
        cargo.arg("-Zbuild-std=std,panic_abort").env("RUSTC", DEBIAN[0]).env("RUSTC_BOOTSTRAP", "1");
        if target == TARGET {
            cargo.env(linker, DEBIAN[1]);
        } else if target == "wasm32-wasip1" {
            cargo.env(linker, DEBIAN[1]).env("RUSTFLAGS", format!("-Clink-self-contained=no -L{WASI_LIBC}"));
        }
    }

    fn is_there(&self) -> bool {
        match self {
            Chosen::Toolchain(library) => library.is_dir(),
            Chosen::Debian => DEBIAN.iter().all(|file| Path::new(file).exists()),
        }
    }
}

/// Where it is noted what was chosen, lest the compiler be asked each time.
fn note(target: &str, tools: &Tools) -> PathBuf {
    tools.shared(&format!("rust-for-{target}"))
}

/// What was chosen earlier, if it is still there; else the toolchain at hand, if it has the library; else Debian's.
fn find(target: &str, tools: &Tools) -> Option<Chosen> {
    let note = note(target, tools);
    let noted = fs::read_to_string(&note).ok().map(|text| match text.trim_end() {
        "debian" => Chosen::Debian,
        library => Chosen::Toolchain(library.into()),
    });
    if noted.as_ref().is_some_and(Chosen::is_there) {
        return noted;
    }
    let found =
        [library(target).map(Chosen::Toolchain), Some(Chosen::Debian)].into_iter().flatten().find(Chosen::is_there)?;
    let text = match &found {
        Chosen::Debian => "debian".into(),
        Chosen::Toolchain(library) => library.display().to_string(),
    };
    // Without the note it is found out again.
    drop(note.parent().map(fs::create_dir_all));
    drop(fs::write(note, text + "\n"));
    Some(found)
}

/// Where the toolchain at hand has, or would have, the library.
fn library(target: &str) -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    let output = rustc.args(["--print", "target-libdir", "--target", target]).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
}

/// What of Rust is missing for the target. It costs a look at one file where all is there.
pub(super) fn missing(target: &str, tools: &Tools) -> Vec<Missing> {
    let debian = match target {
        TARGET => DEBIAN_PACKAGES.to_owned(),
        _ => format!("{DEBIAN_PACKAGES} wasi-libc"),
    };
    if which::which("cargo").is_err() {
        let what = format!("Rust: cargo, and a compiler for {target} (rustup's are as good as Debian's)");
        return vec![Missing { what, command: apt(&format!("cargo-web {debian}")) }];
    }
    if find(target, tools).is_some() {
        return Vec::new();
    }
    let what = format!("Rust's standard library for {target}");
    if which::which("rustup").is_err() {
        return vec![Missing { what, command: apt(&debian) }];
    }
    let limit = if which::which("timeout").is_ok() { format!("timeout {RUSTUP_LIMIT} ") } else { String::new() };
    let rustup = format!("{limit}rustup target add {target}");
    // Where rustup's server is out of reach, Debian's may be within.
    let command = if which::which("apt-get").is_ok() { format!("{rustup} || {}", apt(&debian)) } else { rustup };
    vec![Missing { what, command }]
}
