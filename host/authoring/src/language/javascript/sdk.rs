//! The SDK, which travels in this binary and is written into a project.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{Project, error::BuildError, generated};

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../../../../sdk/js/", $file)))),*]
    };
}

/// `sdk/js` of this repository.
const FILES: &[(&str, &str)] = files![
    "package.json",
    "index.js",
    "index.d.ts",
    "keyvalue.js",
    "keyvalue.d.ts",
    "request.js",
    "request.d.ts",
    "globals.d.ts",
    "globals/package.json",
    "globals/encoding.js",
    "globals/clone.js",
    "globals/url.js",
    "runtime/check.js",
    "runtime/console.js",
    "runtime/exports.js",
    "runtime/globals.js",
    "runtime/inspect.js",
    "runtime/log-stderr.js",
    "runtime/log-wasi.js",
    "runtime/random.js",
    "runtime/stage.js",
    "runtime/utf8.js",
];

/// Changes when the SDK does.
pub(super) fn digest() -> String {
    let mut digest = Sha256::new();
    for (file, text) in FILES {
        digest.update(file);
        digest.update(text);
    }
    HEXLOWER.encode(&digest.finalize())[..8].to_owned()
}

/// Writes it into what is generated.
pub(super) fn write(project: &Project) -> Result<(), BuildError> {
    for (file, text) in FILES {
        put(project, &format!("sdk/{file}"), text)?;
    }
    Ok(())
}

/// Writes a file into what is generated. One that says so already is left as it is, for those that watch it.
pub(super) fn put(project: &Project, path: &str, text: &str) -> Result<(), BuildError> {
    Ok(generated::put(&project.generated(path), text.as_bytes())?)
}
