//! Where toolchains are, and how the missing ones are installed.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The folder that `witapi` installs toolchains into.
#[derive(Debug, Clone)]
pub struct Tools {
    folder: PathBuf,
}

/// Something that a build needs and that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What, such as `componentize-py 0.25.1`.
    pub what: String,
    /// The shell command that installs it. `--install` runs just this.
    pub command: String,
}

/// An installation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("cannot install {what}: `{command}` {found}")]
    Failed { what: String, command: String, found: String },
    #[error("{}: {error}", file.display())]
    Io { file: PathBuf, error: io::Error },
}

impl Tools {
    /// `$WITAPI_TOOLS`, else [`cache_folder`].
    pub fn find() -> Tools {
        Tools { folder: variable("WITAPI_TOOLS").unwrap_or_else(cache_folder) }
    }

    /// The folder for a set of tools at the versions that `pins` lists: another list is another folder, so that several
    /// versions of `witapi` share a machine.
    pub fn pinned(&self, name: &str, pins: &[(&str, &str)]) -> Pinned {
        let mut digest = Sha256::new();
        for (file, text) in pins {
            digest.update(file);
            digest.update([0]);
            digest.update(text);
            digest.update([0]);
        }
        Pinned { folder: self.folder.join(format!("{name}-{}", &HEXLOWER.encode(&digest.finalize())[..8])) }
    }

    /// Waits until nobody else installs anything. Held until it is dropped.
    ///
    /// # Errors
    ///
    /// The folder cannot be written.
    pub fn lock(&self) -> Result<fs::File, InstallError> {
        let file = self.folder.join(".lock");
        let opened = fs::create_dir_all(&self.folder).and_then(|()| fs::File::create(&file));
        let locked = opened.and_then(|opened| opened.lock().map(|()| opened));
        locked.map_err(|error| InstallError::Io { file, error })
    }

    /// A folder that all builds share, such as compiled dependencies.
    pub fn shared(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// `witapi` in the user's cache folder (XDG Base Directory Specification).
pub fn cache_folder() -> PathBuf {
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    cache.map_or_else(|| env::temp_dir().join("witapi-tools"), |cache| cache.join("witapi"))
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// A set of tools at pinned versions.
#[derive(Debug, Clone)]
pub struct Pinned {
    pub folder: PathBuf,
}

impl Pinned {
    /// Whether all of it was installed.
    pub fn is_complete(&self) -> bool {
        self.folder.join(COMPLETE).exists()
    }

    /// The command's end, after which it is complete.
    pub fn then_complete(&self, command: &str) -> String {
        format!("{command} && touch {}", quoted(&self.folder.join(COMPLETE)))
    }

    /// Writes the lists that the command reads.
    ///
    /// # Errors
    ///
    /// They cannot be written.
    pub fn write(&self, pins: &[(&str, &str)]) -> Result<(), InstallError> {
        for (name, text) in pins {
            let file = self.folder.join(name);
            let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&file, text));
            written.map_err(|error| InstallError::Io { file, error })?;
        }
        Ok(())
    }
}

/// The file that says that a set of tools is whole.
const COMPLETE: &str = ".complete";

/// A path as a word of a shell command.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The command that installs Debian's packages, as root or through sudo. The package lists are read anew where they are missing or old.
pub fn apt(packages: &str) -> String {
    let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
    let install = format!("{sudo}apt-get install -y --no-install-recommends {packages}");
    format!("{install} || ({sudo}apt-get update && {install})")
}

/// Installs what is missing, in turn. What the commands print goes to stderr.
///
/// # Errors
///
/// The first that fails.
pub fn install(missing: &[Missing]) -> Result<(), InstallError> {
    for piece in missing {
        anstream::eprintln!("installing {}: {}", piece.what, piece.command);
        let status = Command::new("sh")
            .args(["-c", &piece.command])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(io::stderr())
            .status();
        let found = match status {
            Ok(status) if status.success() => continue,
            Ok(status) => format!("ended with {status}"),
            Err(error) => format!("could not be started: {error}"),
        };
        return Err(InstallError::Failed { what: piece.what.clone(), command: piece.command.clone(), found });
    }
    Ok(())
}
