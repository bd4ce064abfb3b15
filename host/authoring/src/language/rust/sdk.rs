//! The SDK, which travels in this binary and is written into a project.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{Project, error::BuildError, generated, offered::OFFERED};

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../../sdk/rust/", $file)))),*]
    };
}

/// `sdk/rust` of this repository, but for the WIT in it, which is what the host offers.
const FILES: &[(&str, &str)] = files![
    "Cargo.toml",
    "README.md",
    "src/lib.rs",
    "src/logger.rs",
    "src/request.rs",
    "src/arena.rs",
    "src/store.rs",
    "macros/Cargo.toml",
    "macros/src/lib.rs",
    "macros/src/offered.rs",
    "macros/src/text.rs",
];

static ALL: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    let own = FILES.iter().map(|(file, text)| ((*file).to_owned(), *text));
    let offered = OFFERED
        .iter()
        .flat_map(|package| package.files.iter().map(|(file, text)| (format!("wit/{}/{file}", package.folder), *text)));
    own.chain(offered).collect()
});

static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for (file, text) in ALL.iter() {
        digest.update(file);
        digest.update(text);
    }
    HEXLOWER.encode(&digest.finalize())[..8].to_owned()
});

/// Changes when the SDK does.
pub(super) fn digest() -> &'static str {
    &DIGEST
}

/// Whether the crate takes the SDK from what is generated. Else it has one of its own.
pub(super) fn is_used_by(project: &Project) -> bool {
    fs::read_to_string(project.folder.join("Cargo.toml")).is_ok_and(|text| text.contains(".witapi/sdk"))
}

/// Writes it into a folder, unless it is there.
///
/// Its files are dated back, since cargo compiles anew what is younger than its work: so what was compiled of it for one
/// project is good for all. Where the text differs, so does the folder that cargo works in (see [`super::seed`]).
///
/// # Errors
///
/// It cannot be written.
pub(super) fn write(folder: &Path) -> Result<(), BuildError> {
    generated::replace(folder, &ALL)?;
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
    for path in ALL.keys() {
        let file = folder.join(path);
        let is_dated = fs::metadata(&file).and_then(|it| it.modified()).is_ok_and(|time| time == long_ago);
        if !is_dated {
            let dated = fs::File::options().write(true).open(&file).and_then(|it| it.set_modified(long_ago));
            dated.map_err(|error| BuildError::Io { file, error })?;
        }
    }
    Ok(())
}
