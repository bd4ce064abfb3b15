//! A plugin as the catalog lists it: its routes and what operators ask for. Its contract and its code are there as long
//! as it is awake, and are read back with its next request: of thousands of plugins few are in use at one time.

use std::{
    fmt, io,
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{
    Plugin,
    copies::{Copy, SECTIONS},
    load::{self, Cause, Loader},
};
use crate::{
    config::{self, Limits},
    contract::{Contract, Method, Pattern, Raw, Segment},
    openapi::{self, Described, Document, Head, Part, Texts},
    runtime::Share,
};

/// See the module.
pub struct Listed {
    /// The file's name without `.wasm`.
    pub name: Arc<str>,
    pub file: PathBuf,
    /// SHA-256 of the component.
    pub digest: [u8; 32],
    /// Of the component, in bytes.
    pub size: usize,
    pub limits: Limits,
    pub grants: Box<[String]>,
    pub loaded_at: SystemTime,
    /// From the file's bytes to being ready, compilation included.
    pub load_time: Duration,
    /// Its part of instances and processors, asleep or not.
    pub share: Arc<Share>,
    /// In the order of the contract's operations.
    pub routes: Box<[RouteKey]>,
    /// The raw HTTP handler, without its document.
    pub raw: Option<Box<Raw>>,
    /// What it is made of again, if it may sleep, and what documents and pages have of it.
    kept: Kept,
    awake: ArcSwapOption<Plugin>,
    /// Whether it was used since somebody last looked.
    is_used: AtomicBool,
    /// Of those that wait until it is awake.
    waking: Mutex<Option<WeakShared<Waking>>>,
    /// Held while it is made anew, whether somebody waits for it or not.
    remaking: Arc<tokio::sync::Mutex<()>>,
}

/// One wait for all of them: it is over as long as nobody waits any more.
type Waking = BoxFuture<'static, Result<Arc<Plugin>, Arc<Cause>>>;

/// Where that is. A section is one of those below.
enum Kept {
    Copied(Copy),
    /// It never sleeps; the component itself is not kept.
    Held([Bytes; SECTIONS]),
}

const COMPONENT: usize = 0;
const SUMMARY: usize = 1;
const HEAD: usize = 2;
const TEXTS: usize = 3;
const WIT: usize = 4;

impl Kept {
    fn section(&self, number: usize) -> io::Result<Bytes> {
        match self {
            Kept::Copied(copy) => copy.section(number).map(Bytes::from),
            Kept::Held(sections) => Ok(sections.get(number).cloned().unwrap_or_default()),
        }
    }
}

/// What a request needs to have to be for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteKey {
    pub method: Method,
    /// With numbers for the names of parameters, so that patterns that match the same paths are equal.
    pub path: Box<str>,
}

/// What people are told of a plugin, short enough to be read for each of thousands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    pub package: Option<String>,
    pub operations: Vec<OperationSummary>,
    pub raw: Option<Value>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct OperationSummary {
    pub method: String,
    pub path: String,
    pub label: String,
    pub summary: Option<String>,
}

/// The contract of a plugin, awake or not.
pub enum ReadContract {
    Awake(Arc<Plugin>),
    Asleep(Box<Contract>),
}

impl Deref for ReadContract {
    type Target = Contract;

    fn deref(&self) -> &Contract {
        match self {
            ReadContract::Awake(plugin) => &plugin.contract,
            ReadContract::Asleep(contract) => contract,
        }
    }
}

impl Listed {
    /// `plugin`, awake, made of the component in `bytes`. It can be put to sleep if `loader` keeps copies.
    pub fn new(loader: &Loader, plugin: Plugin, bytes: &[u8]) -> Listed {
        let contract = &plugin.contract;
        let routes = contract
            .operations
            .iter()
            .map(|it| RouteKey { method: it.method, path: anonymous(&it.pattern).into() })
            .collect();
        let raw = contract.raw.clone().map(|raw| Box::new(Raw { document: None, ..raw }));
        // What a handler was asked for at load cannot be had again without running it.
        let was_asked = contract.raw.is_some() && loader.config.plugin(&plugin.name).openapi.is_some();
        let copies = loader.copies.as_ref().filter(|_| !was_asked);
        let Part { head, texts } = Part::new(&plugin.name, contract);
        let json = [json(&Summary::of(contract)), json(&head), json(&texts)];
        let sections = [bytes, &json[0], &json[1], &json[2], contract.wit.as_bytes()];
        let copy = copies.and_then(|copies| {
            let kept = copies.keep(sections);
            kept.inspect_err(|error| {
                tracing::warn!(plugin = %plugin.name, %error, "the plugin stays in memory when idle: cannot copy its component");
            })
            .ok()
        });
        let kept = copy.map_or_else(
            || {
                let [summary, head, texts] = json.clone();
                Kept::Held([vec![], summary, head, texts, contract.wit.clone().into()].map(Bytes::from))
            },
            Kept::Copied,
        );
        Listed {
            name: plugin.name.clone(),
            file: plugin.file.clone(),
            digest: plugin.digest,
            size: plugin.size,
            limits: plugin.limits,
            grants: plugin.grants.clone().into(),
            loaded_at: plugin.loaded_at,
            load_time: plugin.load_time,
            share: plugin.share.clone(),
            routes,
            raw,
            kept,
            awake: ArcSwapOption::from_pointee(plugin),
            is_used: AtomicBool::new(false),
            waking: Mutex::default(),
            remaking: Arc::default(),
        }
    }

    /// The plugin, ready to be called. Whoever holds it is not disturbed when it is put to sleep.
    ///
    /// # Errors
    ///
    /// It was asleep, and cannot be read back: the disk fails, or its code is not in the cache any more and does not
    /// compile.
    pub async fn plugin(self: &Arc<Listed>, loader: &Loader) -> Result<Arc<Plugin>, Arc<Cause>> {
        // A store for each request would have the processors fight for the line.
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
        match self.awake.load_full() {
            Some(plugin) => Ok(plugin),
            None => self.waking(loader).await,
        }
    }

    /// Waits until it is awake, with all others that do. Who leaves does not take the place of those who stay, and when the
    /// last one has left, the place is another plugin's.
    fn waking(self: &Arc<Listed>, loader: &Loader) -> Shared<Waking> {
        let mut waking = self.waking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waking) = waking.as_ref().and_then(WeakShared::upgrade) {
            return waking;
        }
        let (listed, loader) = (self.clone(), loader.clone());
        let wake: Waking = Box::pin(async move {
            let remaking = listed.remaking.clone().lock_owned().await;
            if let Some(plugin) = listed.awake.load_full() {
                return Ok(plugin);
            }
            let place = loader.residents.place().await;
            // It goes on though its clients go away: the next one wants the same.
            let woken = spawn_blocking(move || {
                let woken = listed.wake(&loader);
                drop((place, remaking));
                woken
            });
            woken.await.unwrap_or_else(|error| Err(Cause::Host(error.into()))).map_err(Arc::new)
        });
        let wake = wake.shared();
        *waking = wake.downgrade();
        wake
    }

    /// Wakes it. Takes milliseconds, so it is not for async threads.
    fn wake(self: &Arc<Listed>, loader: &Loader) -> Result<Arc<Plugin>, Cause> {
        let bytes = self.component()?;
        let plugin = load::again(loader, self, &bytes)?;
        let plugin = Arc::new(plugin);
        self.awake.store(Some(plugin.clone()));
        loader.residents.woke(self);
        tracing::debug!(plugin = %self.name, ms = plugin.load_time.as_millis() as u64, "awake");
        Ok(plugin)
    }

    /// Forgets its contract and its code, if they can be had again.
    pub fn sleep(&self) {
        if matches!(self.kept, Kept::Copied(_)) && self.awake.swap(None).is_some() {
            tracing::debug!(plugin = %self.name, "asleep");
        }
    }

    /// The same of one that nobody has yet.
    pub fn asleep(self) -> Listed {
        self.sleep();
        self
    }

    pub fn is_awake(&self) -> bool {
        self.awake.load().is_some()
    }

    /// SHA-256 of the component, in hexadecimal.
    pub fn digest(&self) -> String {
        HEXLOWER.encode(&self.digest)
    }

    /// Whether it was used since this was last asked.
    pub fn take_mark(&self) -> bool {
        self.is_used.swap(false, Ordering::Relaxed)
    }

    /// Its contract, which is read for the occasion if it is asleep. Takes milliseconds then.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn contract(&self, loader: &Loader) -> Result<ReadContract, Cause> {
        if let Some(plugin) = self.awake.load_full() {
            return Ok(ReadContract::Awake(plugin));
        }
        let contract = load::contract_of(&self.component()?, &loader.config.plugin(&self.name))?;
        Ok(ReadContract::Asleep(Box::new(contract)))
    }

    /// What people are told of it; nothing if the disk fails, which is logged.
    pub fn summary(&self) -> Summary {
        if let Some(plugin) = self.awake.load().as_ref() {
            return Summary::of(&plugin.contract);
        }
        self.read(SUMMARY).unwrap_or_else(|error| {
            tracing::error!(plugin = %self.name, %error, "cannot read back what was kept of the plugin");
            Summary::default()
        })
    }

    /// What names in documents depend on, and pages show. Reads a file, as the following do.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn head(&self) -> io::Result<Head> {
        self.read(HEAD)
    }

    /// What documents have of it.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn texts(&self) -> io::Result<Texts> {
        self.read(TEXTS)
    }

    /// The OpenAPI document of this plugin alone.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn document(&self, settings: &config::OpenApi) -> io::Result<Document> {
        let (head, texts) = (self.head()?, Arc::new(self.texts()?));
        let texts = Box::new(move || Ok(texts.clone()));
        Ok(openapi::of_one(settings, Described { plugin: &self.name, head: &head, texts, raw: self.raw.as_deref() }))
    }

    /// Its WIT.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn wit(&self) -> io::Result<Document> {
        Ok(Document::wit(self.kept.section(WIT)?))
    }

    fn read<T: DeserializeOwned>(&self, section: usize) -> io::Result<T> {
        Ok(serde_json::from_slice(&self.kept.section(section)?)?)
    }

    fn component(&self) -> io::Result<Bytes> {
        self.kept.section(COMPONENT)
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed").field("name", &self.name).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Summary {
    pub fn of(contract: &Contract) -> Summary {
        let operations = contract.operations.iter().map(|operation| OperationSummary {
            method: operation.method.to_string(),
            path: operation.pattern.to_string(),
            label: operation.label(),
            summary: operation.docs.summary.clone(),
        });
        Summary {
            package: contract.package.clone(),
            operations: operations.collect(),
            raw: contract.raw.as_ref().map(Raw::facts),
            warnings: contract.warnings.clone(),
        }
    }
}

/// The pattern with numbers for names.
fn anonymous(pattern: &Pattern) -> String {
    if pattern.segments.is_empty() {
        return "/".into();
    }
    let segment = |(i, segment): (usize, &Segment)| match segment {
        Segment::Literal(text) => format!("/{text}"),
        Segment::Param(_) => format!("/{{p{i}}}"),
    };
    pattern.segments.iter().enumerate().map(segment).collect()
}
