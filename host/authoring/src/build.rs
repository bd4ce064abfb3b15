//! One build of a plugin: toolchain, WIT, component, and the text of the WIT in it as the last step.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    embed,
    error::BuildError,
    language::{Job, toolchain},
    project::Project,
    tools::{self, Tools},
    wit::{Wit, WitError},
};

#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Where the component is put; else `NAME.wasm` in the project's folder.
    pub output: Option<PathBuf>,
    /// Install what of the toolchain is missing.
    pub install: bool,
    /// See [`Job::is_draft`].
    pub is_draft: bool,
    pub is_coloured: bool,
    /// The world of the plugin, where its WIT has several.
    pub world: Option<String>,
}

/// A component that is there now.
#[derive(Debug)]
pub struct Built {
    pub file: PathBuf,
    /// In bytes.
    pub size: u64,
    pub took: Duration,
    /// Nothing had changed, so nothing was done.
    pub was_fresh: bool,
    /// What the author should know though all is well.
    pub warnings: Vec<String>,
}

/// Builds the plugin, if anything changed since it was built last.
///
/// # Errors
///
/// See [`BuildError`]. The component is replaced whole or not at all.
pub fn build(project: &Project, options: &BuildOptions) -> Result<Built, BuildError> {
    let began = Instant::now();
    let tools = Tools::find();
    let toolchain = toolchain(project.language);
    let missing = toolchain.missing(Some(project), &tools)?;
    if !missing.is_empty() {
        if !options.install {
            return Err(BuildError::Missing { language: toolchain.name(), missing });
        }
        let _lock = tools.lock()?;
        // Another build may have done it meanwhile.
        tools::install(&toolchain.missing(Some(project), &tools)?)?;
    }
    project.make_generated()?;
    toolchain.derive(project, &tools)?;

    let file = options.output.clone().unwrap_or_else(|| project.component());
    let state = State::of(project, options, &toolchain.version(), &file)?;
    let is_known = state.is_of_last_build();
    let built = |was_fresh, warnings| -> Result<Built, BuildError> {
        let size = fs::metadata(&file).map_err(|error| BuildError::Io { file: file.clone(), error })?.len();
        Ok(Built { file: file.clone(), size, took: began.elapsed(), was_fresh, warnings })
    };
    if is_known && !toolchain.sees_more_than_the_folder() {
        return built(true, Vec::new());
    }
    let wit = Wit::stage_world(project, options.world.as_deref())?;
    let earlier = is_known.then_some(&*file);
    let (is_draft, is_coloured) = (options.is_draft, options.is_coloured);
    let job = Job { project, wit: &wit, tools: &tools, earlier, is_draft, is_coloured };
    let Some(component) = toolchain.compile(&job)? else { return built(true, Vec::new()) };
    let (component, warnings) = with_wit(component, &wit, &file)?;
    put(&component, &file)?;
    state.remember()?;
    built(false, warnings)
}

/// The component with the text of its WIT, which an SDK may have put there already, and what its author should know.
fn with_wit(component: Vec<u8>, wit: &Wit, file: &Path) -> Result<(Vec<u8>, Vec<String>), BuildError> {
    if embed::has_wit(&component) {
        let warnings = embed::check(&component, file)?;
        return Ok((component, warnings));
    }
    let text = embed::text_of(&wit.resolve, wit.package)
        .map_err(|reason| WitError::Unresolved(format!("it cannot be printed: {reason}")))?;
    Ok(embed::into_component(&component, &text, file)?)
}

/// Written beside its place under a name that no one watches, and then put there in one step.
fn put(component: &[u8], file: &Path) -> Result<(), BuildError> {
    let failed = |error| BuildError::Io { file: file.to_owned(), error };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let draft = file.with_file_name(format!(".{name}.draft"));
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let written = fs::write(&draft, component).and_then(|()| fs::rename(&draft, file));
    written.inspect_err(|_| drop(fs::remove_file(&draft))).map_err(failed)
}

/// All that a build depends on, as one digest; and where that of the last build is kept.
struct State {
    digest: String,
    /// Of this output and its options.
    note: PathBuf,
    file: PathBuf,
}

impl State {
    fn of(project: &Project, options: &BuildOptions, version: &str, file: &Path) -> Result<State, BuildError> {
        let mut digest = Sha256::new();
        digest.update(format!("{version}\n{}\n{:?}\n", options.is_draft, options.world));
        for source in project.sources()? {
            let metadata = fs::metadata(&source).ok();
            let changed = metadata.as_ref().and_then(|metadata| metadata.modified().ok());
            digest.update(format!("{}\n{:?} {:?}\n", source.display(), metadata.map(|it| it.len()), changed));
        }
        let digest = HEXLOWER.encode(&digest.finalize());
        let output = HEXLOWER.encode(&Sha256::digest(file.as_os_str().as_encoded_bytes()));
        Ok(State { digest, note: project.generated(&format!("built-{}", &output[..8])), file: file.to_owned() })
    }

    fn is_of_last_build(&self) -> bool {
        fs::read_to_string(&self.note).is_ok_and(|noted| self.text().is_some_and(|now| now == noted))
    }

    fn remember(&self) -> Result<(), BuildError> {
        let text = self.text().unwrap_or_default();
        fs::write(&self.note, text).map_err(|error| BuildError::Io { file: self.note.clone(), error })
    }

    /// With what is in the component's place, so that another one there is none of ours.
    fn text(&self) -> Option<String> {
        let metadata = fs::metadata(&self.file).ok()?;
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(format!("{}\n{} {changed:?}\n", self.digest, metadata.len()))
    }
}
