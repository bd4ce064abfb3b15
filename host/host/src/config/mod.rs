//! `witapi.toml`: what the operator decides. Every key has a default, so that no file is needed.
//!
//! A key that is not known is refused with the nearest one that is; a value that makes no sense is
//! refused with what would. Folders are relative to the folder of the file, and without a file to
//! the current one; so to write a default into the file changes nothing.

mod fault;
mod file;
pub(crate) mod memory;
mod openapi;
mod values;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;

use crate::contract::casing::Casing;
pub use fault::{ConfigError, Hint, KeyPath, toml_key};
pub use file::schema;
use file::{ConfigFile, MAX_INSTANCES, PluginTable};
pub use openapi::{Contact, License, OpenApi};
use values::{GrantName, Text};

/// The file that is read when none is named and the current folder has one.
pub const FILE_NAME: &str = "witapi.toml";

/// The operator's decisions, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `listen`: address and port. Default `127.0.0.1:8080`: nothing outside of this machine.
    pub listen: SocketAddr,
    /// `plugins`: the folder with the components. Default `plugins`.
    pub plugins: PathBuf,
    /// `data`: the folder for what plugins store. Default `data`.
    pub data: PathBuf,
    /// `grants`: what every plugin may import, such as `wasi:keyvalue`. Default nothing.
    pub grants: Vec<String>,
    /// `compatible`: what becomes of a plugin's new version whose contract breaks clients of the one that serves.
    /// Default `warn`.
    pub compatible: Compatible,
    /// `resident`, 1 to 20,000: plugins whose contract and code stay in memory, in use or not. Others are read back with
    /// their next request, in milliseconds. Default 256.
    pub resident: usize,
    /// `code_cache_mib`, 1 to 1,048,576: compiled code that is kept on disk. What was not used for the longest time is
    /// deleted when there is more. Default 1024 MiB, or less where the disk is small: a quarter of what is free and of what
    /// is kept already. Here in bytes, and `None` for the default.
    pub code_cache: Option<u64>,
    /// `[limits]`: those of a plugin that has none of its own.
    pub limits: Limits,
    /// `[scheduler]`
    pub scheduler: SchedulerConfig,
    /// `[server]`
    pub server: ServerConfig,
    /// `[cors]`
    pub cors: CorsConfig,
    /// `[keyvalue]`
    pub keyvalue: KeyValue,
    /// `[openapi]`
    pub openapi: OpenApi,
    plugin: BTreeMap<String, PluginTable>,
}

/// `compatible`: what becomes of a new version that breaks the contract of the one that serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compatible {
    /// It is not served; the earlier one goes on.
    Required,
    /// It is served, and the log says what it breaks.
    #[default]
    Warn,
    /// It is served, and nobody looks.
    Off,
}

/// `[limits]`, and under `[plugin.<name>]` for one plugin: what one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `memory_mib`, 1 to 4096: linear memory of an instance. Default 128 MiB. Here in bytes.
    pub memory: usize,
    /// `deadline_ms`, 1 to 3,600,000: from the arrival of the request to the answer. Default 30 s.
    pub deadline: Duration,
    /// `stream_deadline_ms`, 1 to 86,400,000: the same for a request or an answer that is a stream, to its end.
    /// `deadline_ms` holds until the function has returned or, while it takes a request's stream, since it last took
    /// anything. Default 1 h.
    pub stream_deadline: Duration,
    /// `body_kib`, 1 to 1,048,576: the body of a request, or one line of a stream. Default 1 MiB. Here in bytes.
    pub body: usize,
    /// `result_kib`, 1 to 1,048,576: the body of an answer, or one item of a stream. While it is made it may take a
    /// hundred times that of the host's memory, where it is a list of numbers. Default 1 MiB. Here in bytes.
    pub result: usize,
    /// `log_kib`, 0 to 65,536: how much of the log one call may take, by stdout, stderr, `wasi:logging` and failures of its store, in
    /// bytes as they are written. Default 64 KiB.
    /// Here in bytes.
    pub log: usize,
    /// `cpu_ms`, 1 to 3,600,000: processor time of one call, without the time that it waits. Default 10 s.
    pub cpu: Duration,
    /// `concurrency`, 1 to 20,000: instances of the plugin at one time. Default as many as there are:
    /// `scheduler.instances`.
    pub concurrency: usize,
    /// `queue`, 0 to 1,000,000: requests of the plugin that may wait for an instance; more are turned away. Default 512.
    pub queue: usize,
    /// `weight`, 1 to 10,000: how much of the processors the plugin gets, as long as others want them as well. One with
    /// 200 gets twice as much as one with 100. Default 100.
    pub weight: u32,
    /// `keyvalue_mib`, 1 to 1,048,576, for one plugin only: its store. Default `keyvalue.max_mib`. Here in bytes.
    pub keyvalue: u64,
}

/// `[scheduler]`: how much runs at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchedulerConfig {
    /// `instances`, 1 to 20,000: guest instances at one time. Default 256.
    pub instances: usize,
    /// `queue`, 0 to 1,000,000: requests of all plugins that may wait for one. When there are more, the plugin with the
    /// most of them loses its last. Default 1024.
    pub queue: usize,
}

/// `[server]`: how many it serves, how long it waits for whom, and how it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerConfig {
    /// `header_timeout_ms`, 1 to 3,600,000: from connection, or from the answer before, to the end of a request's head.
    /// Kept-alive connections that are idle for longer are closed. Default 10 s.
    pub header_timeout: Duration,
    /// `body_timeout_ms`, 1 to 3,600,000: from the head of a request to the end of its body; of a stream, how long the
    /// next bytes may take. Default 10 s.
    pub body_timeout: Duration,
    /// `drain_ms`, 0 to 3,600,000: how long SIGTERM waits for requests in flight. Default 30 s.
    pub drain: Duration,
    /// `write_timeout_ms`, 1 to 3,600,000: how long a client may take nothing of an answer, once what the system buffers
    /// for it is full. Then its connection is closed. Default 30 s.
    pub write_timeout: Duration,
    /// `header_kib`, 8 to 1024: the head of a request, that is its first line and its headers. Default 64 KiB. Here in
    /// bytes. A request has 100 headers at most, and 65,534 bytes of target, in any case.
    pub header: usize,
    /// `connections`, 1 to 1,000,000: connections at one time, and no more than the system's limit of open files allows.
    /// If all are taken, those are closed that have waited longest for a request. Default 16,384.
    pub connections: usize,
    /// `connections_per_peer`, 1 to 1,000,000: the same for one client address, or IPv6 network of 64 bits; one more is
    /// closed if all have a request that is being answered. Default any number, since behind a proxy all clients have
    /// one address.
    pub connections_per_peer: usize,
    /// `buffer_mib`, 1 to 1,048,576: bodies of requests, arguments made of them and answers on their way, of all plugins
    /// together. A plugin has no more than twice what is free, by its weight; its next requests are answered 503. Default
    /// an eighth of the memory that the process may have. Here in bytes.
    pub buffer: usize,
    /// `compression`: whether answers and documents of 1 KiB and more are compressed for clients that ask for it.
    /// Default true.
    pub compression: bool,
}

/// `[cors]`: which pages of other origins may use this host, and how. Requests that are not made by a page's script are
/// not concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsConfig {
    /// `origins`: such as `https://app.example`, or `*` for every one. Default none.
    pub origins: Vec<HeaderValue>,
    /// `methods`: with which. Default all that operations have.
    pub methods: Vec<Method>,
    /// `headers`: which a request may have. `None` is any that the page asks for, which is the default and written `*`.
    pub headers: Option<Vec<HeaderName>>,
    /// `expose_headers`: which of an answer the page may read beside those that it always may. Default `x-request-id`,
    /// `retry-after`, `etag`, `allow`.
    pub expose_headers: Vec<HeaderName>,
    /// `credentials`: whether requests may have cookies and other credentials of the browser's; not with the origin `*`.
    /// Default false.
    pub credentials: bool,
    /// `max_age_s`, 0 to 86,400: how long a browser remembers what it may. Default 10 min.
    pub max_age: Duration,
}

/// `[keyvalue]`: what plugins may store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyValue {
    /// `max_mib`, 1 to 1,048,576: the store of one plugin. Default 256 MiB. Here in bytes.
    pub max_bytes: u64,
    /// `idle_s`, 1 to 86,400: a store that nobody uses for that long is closed until its next use. Default 60 s.
    pub idle: Duration,
}

/// What holds for one plugin: its own table, and where that is silent what holds for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginConfig {
    pub limits: Limits,
    /// `mount`: stands before every path of the plugin. Empty for the default `/`, else it begins with a
    /// slash and ends without, such as `/shop/v1`.
    pub mount: String,
    /// Where its raw HTTP handler is mounted: `mount`, or else `/<name>`.
    pub raw_mount: String,
    /// `openapi`: under that, where the handler serves an OpenAPI document of its own, such as `/openapi.json`. It is asked
    /// for it when it is loaded. Default: it serves none.
    pub openapi: Option<String>,
    /// `casing`: `snake_case`, `camelCase` or `kebab-case`, of JSON members and queries. Default: the plugin's own choice
    /// (`@json`), or else `snake_case`.
    pub casing: Option<Casing>,
    /// `grants`, after those of every plugin, each once.
    pub grants: Vec<String>,
    /// `compatible`: the plugin's own, or else that of all.
    pub compatible: Compatible,
    /// `requests_per_instance`, 1 to 1,000,000: how many requests an instance serves, one after another, before another
    /// takes its place. Default 1: no request finds anything of another. With more, calls are faster, and what one leaves
    /// in the plugin's memory the next may find.
    pub requests_per_instance: u32,
}

impl Config {
    /// Reads the named file; without a name [`FILE_NAME`] in the current folder, or else the defaults.
    ///
    /// # Errors
    ///
    /// Any [`ConfigError`]. A file that was named and is missing is one.
    pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
        let file = path.unwrap_or(Path::new(FILE_NAME));
        match std::fs::read_to_string(file) {
            Ok(text) => Config::parse(&text, file),
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
            Err(source) => Err(ConfigError::Unreadable { file: file.to_owned(), source }),
        }
    }

    /// Reads the text of the file at `path`, which stands in messages and before relative folders.
    ///
    /// # Errors
    ///
    /// Any [`ConfigError`] but [`ConfigError::Unreadable`].
    pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
        let tree = toml::de::DeTable::parse(text).map_err(|error| fault::syntax(&error, text, path))?;
        let file = ConfigFile::deserialize(toml::de::Deserializer::from(tree.clone()))
            .map_err(|error| fault::locate(&error, tree.get_ref(), text, path))?;
        let config = file.config(path.parent().unwrap_or(Path::new("")));
        if config.cors.credentials && config.cors.origins.iter().any(|origin| origin == "*") {
            // Else every page that its user visits could act in the user's name.
            let expected = "each origin by its name, so that not every page can use the credentials of its visitors";
            return Err(fault::of_value(
                tree.get_ref(),
                text,
                path,
                ["cors", "credentials"],
                "`true` with the origin `*`",
                expected,
            ));
        }
        Ok(config)
    }

    /// What holds for the plugin of this name, whether or not the file has a table for it.
    pub fn plugin(&self, name: &str) -> PluginConfig {
        let own = self.plugin.get(name).cloned().unwrap_or_default();
        let mut grants = self.grants.clone();
        for Text(GrantName(grant)) in &own.grants {
            if !grants.contains(grant) {
                grants.push(grant.clone());
            }
        }
        let mount = own.mount.as_ref().map(|mount| mount.0.0.clone());
        let mut limits = self.limits.overridden(own.limits());
        limits.concurrency = limits.concurrency.min(self.scheduler.instances);
        limits.keyvalue = own.keyvalue_mib.map_or(self.keyvalue.max_bytes, |max| max.0 << 20);
        PluginConfig {
            limits,
            raw_mount: mount.clone().unwrap_or_else(|| format!("/{name}")),
            mount: mount.unwrap_or_default(),
            openapi: own.openapi.as_ref().map(|path| path.0.0.clone()),
            casing: own.casing.map(|casing| casing.0),
            grants,
            compatible: Text::or(own.compatible, self.compatible),
            requests_per_instance: own.requests_per_instance.map_or(1, |count| count.0 as u32),
        }
    }

    /// The plugins that have a table of their own, so that a table for none can be reported.
    pub fn plugin_names(&self) -> impl Iterator<Item = &str> {
        self.plugin.keys().map(String::as_str)
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            plugins: "plugins".into(),
            data: "data".into(),
            grants: Vec::new(),
            compatible: Compatible::default(),
            resident: 256,
            code_cache: None,
            limits: Limits::default(),
            scheduler: SchedulerConfig::default(),
            server: ServerConfig::default(),
            cors: CorsConfig::default(),
            keyvalue: KeyValue::default(),
            openapi: OpenApi::default(),
            plugin: BTreeMap::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 128 << 20,
            deadline: Duration::from_secs(30),
            stream_deadline: Duration::from_secs(3600),
            body: 1 << 20,
            result: 1 << 20,
            log: 64 << 10,
            cpu: Duration::from_secs(10),
            concurrency: MAX_INSTANCES as usize,
            queue: 512,
            weight: 100,
            keyvalue: 256 << 20,
        }
    }
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        SchedulerConfig { instances: 256, queue: 1024 }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            header: 64 << 10,
            connections: 16_384,
            connections_per_peer: usize::MAX,
            buffer: (memory::of_process() / 8) as usize,
            compression: true,
        }
    }
}

impl Default for CorsConfig {
    fn default() -> Self {
        let names = ["x-request-id", "retry-after", "etag", "allow"];
        CorsConfig {
            origins: Vec::new(),
            methods: [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].into(),
            headers: None,
            expose_headers: names.map(HeaderName::from_static).into(),
            credentials: false,
            max_age: Duration::from_secs(600),
        }
    }
}

impl Default for KeyValue {
    fn default() -> Self {
        // Opening a store takes some milliseconds and two fsyncs, which is nothing once a minute; an open file may hold 16 MiB.
        KeyValue { max_bytes: 256 << 20, idle: Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests;
