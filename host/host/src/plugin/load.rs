//! Bytes → [`Plugin`]. Nothing of the host changes here.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Instant, SystemTime},
};

use sha2::{Digest, Sha256};

use super::{Copies, Listed, OperationNames, Plugin, Residents, served};
use crate::{
    config::{Config, Limits, PluginConfig},
    contract::{self, Contract, ContractError, route, sections::OPENAPI_SECTION},
    keyvalue::Stores,
    log::printable_lines,
    openapi,
    runtime::{
        Bounds, Callable, CodeCache, EngineError, Engines, Experience, PoolSize, Refused, Scheduler, Share,
        grants::{self, Grant},
    },
    value::literal,
};

/// The largest component that is read, in bytes. A Python component has 18 MB, one with SpiderMonkey 12.
pub const MAX_COMPONENT: u64 = 256 << 20;

/// What loading needs of the host.
#[derive(Clone)]
pub struct Loader {
    pub config: Arc<Config>,
    pub engines: Engines,
    pub cache: CodeCache,
    pub stores: Stores,
    pub scheduler: Scheduler,
    /// Of components whose plugins may sleep. `None`: none sleeps.
    pub copies: Option<Copies>,
    pub residents: Residents,
}

impl Loader {
    /// For what `config` decides, with compiled code in the folder `code`.
    ///
    /// # Errors
    ///
    /// The instance pools do not fit into the address space.
    pub fn new(config: Config, code: PathBuf) -> Result<Loader, EngineError> {
        let pool = PoolSize { instances: config.scheduler.instances as u32, memory: max_memory(&config) };
        let cache = CodeCache::open(code, config.code_cache);
        Ok(Loader {
            engines: Engines::new(pool, cache.functions())?,
            cache,
            stores: stores(&config, &config.data),
            scheduler: Scheduler::new(&config.scheduler, config.server.buffer)?,
            copies: None,
            residents: Residents::new(config.resident),
            config: Arc::new(config),
        })
    }

    /// The same, whose plugins sleep when they are not used. It takes compiled code that is kept, to wake them in time.
    pub fn with_sleep(self) -> Loader {
        let copies = self.cache.folder().and_then(|folder| {
            let made = Copies::create(folder);
            made.inspect_err(|error| {
                tracing::warn!(folder = %folder.display(), %error, "idle plugins stay in memory: the folder for their copies cannot be used");
            })
            .ok()
        });
        Loader { copies, ..self }
    }

    /// The same, but what plugins store is in `data`.
    pub fn with_data(&self, data: &Path) -> Loader {
        let mut config = Config::clone(&self.config);
        data.clone_into(&mut config.data);
        let stores = stores(&config, data);
        Loader { config: Arc::new(config), stores, ..self.clone() }
    }
}

/// What plugins store in the folder `data`.
fn stores(config: &Config, data: &Path) -> Stores {
    let own = |name: &str| (name.to_owned(), config.plugin(name).limits.keyvalue);
    Stores::new(data, config.keyvalue.max_bytes, config.plugin_names().map(own).collect(), config.keyvalue.idle)
}

/// Bytes of the largest linear memory that any plugin may have.
fn max_memory(config: &Config) -> usize {
    let of_plugins = config.plugin_names().map(|name| config.plugin(name).limits.memory);
    of_plugins.fold(config.limits.memory, usize::max)
}

/// Why a file is no plugin. Names the file and every item in it that is wrong.
#[derive(Debug)]
pub struct LoadError {
    pub file: PathBuf,
    pub cause: Cause,
}

/// What failed while a component was loaded.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    #[error("cannot read the file")]
    Read(#[from] io::Error),
    #[error("the file is too large: expected at most {MAX_COMPONENT} bytes, found {found}")]
    TooLarge { found: u64 },
    #[error("expected a file name `<plugin>.wasm` of letters, digits, `-`, `_` and `.` that does not begin with a dot")]
    Name,
    #[error(transparent)]
    Contract(#[from] ContractError),
    #[error("{}", lines(.0))]
    Ungranted(Vec<Refused>),
    #[error("the component does not compile")]
    Compile(#[source] EngineError),
    #[error("the component does not link")]
    Link(#[source] EngineError),
    #[error("loading failed inside the host")]
    Host(#[source] Box<dyn Error + Send + Sync>),
}

fn lines(refused: &[Refused]) -> String {
    refused.iter().map(Refused::to_string).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&of_file(&self.file, &self.cause))
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text has that of the cause.
        self.cause.source()
    }
}

/// What is wrong with a file, in one line or as a list below its name.
pub fn of_file(file: &Path, wrong: &impl fmt::Display) -> String {
    let (file, wrong) = (file.display(), wrong.to_string());
    match wrong.contains('\n') {
        true => wrong.lines().fold(format!("{file}:"), |text, line| text + "\n  " + line),
        false => format!("{file}: {wrong}"),
    }
}

impl Cause {
    /// Whether the file may only be half-written yet.
    pub fn may_be_unfinished(&self) -> bool {
        match self {
            Cause::Contract(error) => error.is_truncated,
            _ => false,
        }
    }
}

/// The plugin's name: that of its file without `.wasm`.
pub fn name_of(file: &Path) -> Option<&str> {
    let name = file.file_name()?.to_str()?.strip_suffix(".wasm")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (!name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.chars().all(fits)).then_some(name)
}

/// Decodes, compiles and links the component that was read from `file`. Takes seconds for a large one that is not in the
/// cache, so it is not for async threads.
///
/// # Errors
///
/// See [`Cause`].
pub fn load(loader: &Loader, file: &Path, bytes: &[u8]) -> Result<Plugin, LoadError> {
    let error = |cause| LoadError { file: file.to_owned(), cause };
    let name = name_of(file).ok_or_else(|| error(Cause::Name))?;
    named(loader, file, name, bytes).map_err(error)
}

/// The same, as the catalog lists it.
///
/// # Errors
///
/// See [`Cause`].
pub fn listed(loader: &Loader, file: &Path, bytes: &[u8]) -> Result<Listed, LoadError> {
    load(loader, file, bytes).map(|plugin| Listed::new(loader, plugin, bytes))
}

/// What the component in `bytes` promises under the configuration of its plugin.
///
/// # Errors
///
/// It has no contract, or one with a value that is not of its own type.
pub fn contract_of(bytes: &[u8], settings: &PluginConfig) -> Result<Contract, ContractError> {
    // The mount point was checked when the configuration was read.
    let mount = route::parse_pattern(&settings.mount).unwrap_or_default();
    let mut contract = contract::decode(
        bytes,
        &contract::Options { mount, raw_mount: settings.raw_mount.clone(), casing: settings.casing },
    )?;
    literal::check(&contract)?;
    let document = contract.raw.as_ref().and_then(|raw| raw.document.as_ref());
    if let Some(Err(found)) = document.map(|document| openapi::check(document)) {
        contract.warnings.push(format!("the OpenAPI document in `{OPENAPI_SECTION}`: {found}; it is not shown"));
        if let Some(raw) = &mut contract.raw {
            raw.document = None;
        }
    }
    Ok(contract)
}

/// Reads the file, bounded.
///
/// # Errors
///
/// [`Cause::Read`] and [`Cause::TooLarge`].
pub fn read(file: &Path) -> Result<Vec<u8>, Cause> {
    use std::os::unix::fs::OpenOptionsExt;
    // What is no file, such as a pipe that nobody writes to, is not waited for.
    let mut opened = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(file)?;
    let size = opened.metadata()?.len();
    if size > MAX_COMPONENT {
        return Err(Cause::TooLarge { found: size });
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // The file may grow while it is read.
    io::Read::read_to_end(&mut io::Read::take(&mut opened, MAX_COMPONENT), &mut bytes)?;
    Ok(bytes)
}

fn named(loader: &Loader, file: &Path, name: &str, bytes: &[u8]) -> Result<Plugin, Cause> {
    let began = Instant::now();
    let settings = loader.config.plugin(name);
    let mut contract = contract_of(bytes, &settings)?;
    for warning in &contract.warnings {
        tracing::warn!(plugin = name, "{}", printable_lines(warning));
    }
    let digest = Sha256::digest(bytes).into();
    let callable = callable(loader, name, &contract, &settings, bytes, &digest)?;
    let share = loader.scheduler.share(name, &settings.limits);
    if let Some(path) = &settings.openapi
        && let Err(found) = ask_for_document(&callable, &mut contract, &share, &settings.limits, path)
    {
        let warning = format!("the OpenAPI document at `{path}`: {found}; it is not shown");
        tracing::warn!(plugin = name, "{}", printable_lines(&warning));
        contract.warnings.push(warning);
    }
    let (names, experience) = (names(&contract), experience(&contract));
    Ok(Plugin {
        name: name.into(),
        file: file.to_owned(),
        digest,
        size: bytes.len(),
        contract,
        limits: settings.limits,
        grants: settings.grants,
        loaded_at: SystemTime::now(),
        load_time: began.elapsed(),
        share,
        names,
        experience,
        callable,
    })
}

/// Loads a plugin once more that was put to sleep, of the bytes that it was made of.
///
/// # Errors
///
/// Its code is not in the cache any more, and does not compile: it did before.
pub fn again(loader: &Loader, listed: &Listed, bytes: &[u8]) -> Result<Plugin, Cause> {
    let began = Instant::now();
    let settings = loader.config.plugin(&listed.name);
    let contract = contract_of(bytes, &settings)?;
    let callable = callable(loader, &listed.name, &contract, &settings, bytes, &listed.digest)?;
    let (names, experience) = (names(&contract), experience(&contract));
    Ok(Plugin {
        name: listed.name.clone(),
        file: listed.file.clone(),
        digest: listed.digest,
        size: listed.size,
        contract,
        limits: listed.limits,
        grants: settings.grants,
        loaded_at: listed.loaded_at,
        load_time: began.elapsed(),
        share: listed.share.clone(),
        names,
        experience,
        callable,
    })
}

fn names(contract: &Contract) -> Box<[OperationNames]> {
    contract.operations.iter().map(OperationNames::of).collect()
}

/// One for each operation, and one for the raw handler.
fn experience(contract: &Contract) -> Box<[Arc<Experience>]> {
    (0..=contract.operations.len()).map(|_| Arc::default()).collect()
}

/// What `bytes`, whose SHA-256 is `digest`, is compiled to, linked with what is granted.
fn callable(
    loader: &Loader,
    name: &str,
    contract: &Contract,
    settings: &PluginConfig,
    bytes: &[u8],
    digest: &[u8; 32],
) -> Result<Callable, Cause> {
    let granted: Vec<_> = settings.grants.iter().cloned().map(Grant).collect();
    grants::check(name, &contract.imports, &granted).map_err(Cause::Ungranted)?;
    let engine =
        loader.engines.get(contract.uses_async).map_err(|error| Cause::Host(EngineError::from(error).into()))?;
    let component = loader.cache.component(engine, bytes, digest).map_err(|error| Cause::Compile(error.into()))?;
    let bounds = Bounds::of(&settings.limits, settings.requests_per_instance);
    let bridge = |bytes: &[u8]| loader.cache.component(engine, bytes, &Sha256::digest(bytes));
    Callable::new(name, &component, contract, &granted, &loader.engines, &loader.stores, bounds)
        .and_then(|callable| callable.with_bridges(contract, bridge))
        .map_err(|error| Cause::Link(error.into()))
}

/// What the handler serves goes before what it embeds: it is of the same component, and may know its mount.
fn ask_for_document(
    callable: &Callable,
    contract: &mut Contract,
    share: &Arc<Share>,
    limits: &Limits,
    path: &str,
) -> Result<(), String> {
    let Some(raw) = &mut contract.raw else {
        return Err("found no raw HTTP handler that could be asked".into());
    };
    raw.document = Some(Arc::new(served::document(callable, raw, share, limits, path)?));
    Ok(())
}
