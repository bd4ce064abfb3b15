//! What a plugin may import beyond WASI's empty world, and the host's side of it.

use wasmtime::{
    Engine,
    component::{HasSelf, Linker, Resource},
};

use super::{Sandbox, guest_output::Level};
use crate::{
    config::toml_key,
    contract::Import,
    keyvalue::{self, Store},
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "witapi:plugin/imports",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": super::Bucket },
    });
}

use bindings::{
    wasi::{
        keyvalue::{atomics, store},
        logging::logging,
    },
    witapi::host::request,
};

/// Packages of WASI 0.2 and 0.3 that every plugin gets, empty: most languages import them whatever the author asked.
/// Of `wasi:http` a plugin gets the types, and a client whose every request is refused.
const WASI: [&str; 7] =
    ["wasi:io", "wasi:cli", "wasi:clocks", "wasi:random", "wasi:filesystem", "wasi:sockets", "wasi:http"];

/// What every plugin gets besides, since it can do no more with it than with stderr.
const LOGGING: &str = "wasi:logging/logging";

fn is_given_to_all(import: &Import) -> bool {
    WASI.contains(&import.package()) || import.interface() == LOGGING
}

/// Interfaces that an operator can grant.
pub const GRANTABLE: [&str; 3] = ["wasi:keyvalue/store", "wasi:keyvalue/atomics", "witapi:host/request"];

/// Whether an operator has to grant it, and can.
pub fn is_grantable(import: &Import) -> bool {
    GRANTABLE.contains(&import.interface())
}

/// One line of `grants` in `witapi.toml`: a package or one of its interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant(pub String);

impl Grant {
    /// Whether it grants that import, which has to be something that this host offers.
    fn covers(&self, import: &Import) -> bool {
        let is_named = self.0 == import.interface() || self.0 == import.package();
        is_named && is_grantable(import)
    }
}

/// An import that the plugin does not get.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "import `{import}` is not granted; to grant it, write `grants = [\"{grant}\"]` under `[plugin.{}]` in witapi.toml",
        toml_key(plugin)
    )]
    NotGranted { import: String, grant: String, plugin: String },
    #[error("import `{import}` is not provided by this host; it provides WASI 0.2 and 0.3 (empty), {LOGGING} and, with a grant, {}", GRANTABLE.join(", "))]
    Unknown { import: String },
}

/// Checks each import of `plugin` against what is granted.
///
/// # Errors
///
/// Every import that is refused.
pub fn check(plugin: &str, imports: &[Import], granted: &[Grant]) -> Result<(), Vec<Refused>> {
    let refused: Vec<_> = imports
        .iter()
        .filter(|import| !is_given_to_all(import) && !granted.iter().any(|grant| grant.covers(import)))
        .map(|import| {
            if is_grantable(import) {
                let grant = import.package().to_owned();
                Refused::NotGranted { import: import.name.clone(), grant, plugin: plugin.to_owned() }
            } else {
                Refused::Unknown { import: import.name.clone() }
            }
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

/// A linker with WASI, the log and with `granted` only, so that what was not granted is not there at all.
///
/// # Errors
///
/// Never but for a mistake in this file: an interface defined twice.
pub fn linker(engine: &Engine, imports: &[Import], granted: &[Grant]) -> wasmtime::Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    if imports.iter().any(|import| import.interface() == LOGGING) {
        logging::add_to_linker::<_, HasSelf<Sandbox>>(&mut linker, |it| it)?;
    }
    let has = |is_wasi_3: bool, is_http: bool| {
        let mut always = imports.iter().filter(|import| WASI.contains(&import.package()));
        always.any(|import| import.is_wasi_3() == is_wasi_3 && (import.package() == "wasi:http") == is_http)
    };
    // The types of `wasi:http` have those of other packages in them.
    if has(false, false) || has(false, true) {
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    }
    if has(false, true) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    }
    if has(true, false) || has(true, true) {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    }
    if has(true, true) {
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    }
    for import in imports.iter().filter(|import| granted.iter().any(|grant| grant.covers(import))) {
        match import.interface() {
            "wasi:keyvalue/store" => store::add_to_linker::<_, HasSelf<Sandbox>>(&mut linker, |it| it)?,
            "wasi:keyvalue/atomics" => atomics::add_to_linker::<_, HasSelf<Sandbox>>(&mut linker, |it| it)?,
            "witapi:host/request" => request::add_to_linker::<_, HasSelf<Sandbox>>(&mut linker, |it| it)?,
            _ => {}
        }
    }
    Ok(linker)
}

impl logging::Host for Sandbox {
    async fn log(&mut self, level: logging::Level, context: String, message: String) -> wasmtime::Result<()> {
        let level = match level {
            logging::Level::Trace => Level::Trace,
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error | logging::Level::Critical => Level::Error,
        };
        self.log().message(level, &context, &message);
        Ok(())
    }
}

/// A plugin's only bucket.
pub struct Bucket {
    store: Store,
}

/// The one identifier that [`store::Host::open`] knows: each plugin has one store, its own.
const DEFAULT_BUCKET: &str = "default";

fn guest_error(error: &keyvalue::Error) -> store::Error {
    store::Error::Other(error.for_guest())
}

impl store::Host for Sandbox {
    async fn open(&mut self, identifier: String) -> wasmtime::Result<Result<Resource<Bucket>, store::Error>> {
        if identifier != DEFAULT_BUCKET {
            return Ok(Err(store::Error::NoSuchStore));
        }
        match self.stores.open(&self.plugin).await {
            Ok(store) => Ok(Ok(self.table.push(Bucket { store })?)),
            Err(error) => {
                self.log().failed("the plugin's key-value store does not open", error.to_string(), true);
                Ok(Err(guest_error(&error)))
            }
        }
    }
}

impl Sandbox {
    /// Runs `action` on the store behind `bucket`; what goes wrong is logged in full, within what the call may write, and told
    /// to the guest in short.
    async fn with_bucket<T>(
        &mut self,
        bucket: Resource<Bucket>,
        action: impl AsyncFnOnce(&Store) -> Result<T, keyvalue::Error>,
    ) -> wasmtime::Result<Result<T, store::Error>> {
        let store = self.table.get(&bucket)?.store.clone();
        Ok(action(&store).await.map_err(|error| {
            self.log().failed("a key-value operation failed", error.to_string(), false);
            guest_error(&error)
        }))
    }
}

impl store::HostBucket for Sandbox {
    async fn get(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, store::Error>> {
        self.with_bucket(bucket, async |store| store.get(key).await).await
    }

    async fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), store::Error>> {
        self.with_bucket(bucket, async |store| store.set(key, value).await).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> wasmtime::Result<Result<(), store::Error>> {
        self.with_bucket(bucket, async |store| store.delete(key).await).await
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> wasmtime::Result<Result<bool, store::Error>> {
        self.with_bucket(bucket, async |store| store.exists(key).await).await
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> wasmtime::Result<Result<store::KeyResponse, store::Error>> {
        let page = self.with_bucket(bucket, async |store| store.list_keys(cursor).await).await?;
        Ok(page.map(|page| store::KeyResponse { keys: page.keys, cursor: page.cursor }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Sandbox {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: u64,
    ) -> wasmtime::Result<Result<u64, store::Error>> {
        self.with_bucket(bucket, async |store| store.increment(key, delta).await).await
    }
}

impl request::Host for Sandbox {
    async fn id(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.id.to_string())
    }

    async fn method(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.head.method.as_str().to_owned())
    }

    async fn route(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.route.to_string())
    }

    async fn target(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.head.uri.path_and_query().map_or("/", |it| it.as_str()).to_owned())
    }

    async fn headers(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.facts.headers())
    }

    async fn header(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.facts.header(&name))
    }

    async fn peer(&mut self) -> wasmtime::Result<String> {
        Ok(self.facts.peer.to_string())
    }
}
