//! The file as it is written, and its JSON Schema. What the comments of the keys say is what operators read, in their editor and in
//! the reference.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::{HeaderName, Method};
use schemars::{
    JsonSchema,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Compatible, Config, CorsConfig, KeyValue, Limits, SchedulerConfig, ServerConfig, openapi,
    values::{DocumentPath, GrantName, Header, Mount, Origin, PluginName, Table, Text, WholeNumber},
};
use crate::contract::casing::Casing;

type Milliseconds = WholeNumber<1, 3_600_000>;
type StreamMilliseconds = WholeNumber<1, 86_400_000>;
type MemoryMib = WholeNumber<1, 4096>;
/// A wasm32 guest could address four times the upper bound.
type Kib = WholeNumber<1, { 1 << 20 }>;
type KeyValueMib = WholeNumber<1, { 1 << 20 }>;
type LogKib = WholeNumber<0, 65_536>;
type Instances = WholeNumber<1, MAX_INSTANCES>;
type QueueLength = WholeNumber<0, 1_000_000>;
type Weight = WholeNumber<1, 10_000>;

pub(super) const MAX_INSTANCES: u64 = 20_000;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConfigFile {
    /// The address and port to listen on. Port 0 takes a free port.
    listen: Option<Text<SocketAddr>>,
    /// The plugin folder, relative to the folder of this file.
    plugins: Option<Text<PathBuf>>,
    /// The folder for compiled code and key-value stores, relative to the folder of this file.
    data: Option<Text<PathBuf>>,
    /// The interfaces or packages that every plugin may import, such as `wasi:keyvalue`.
    grants: Vec<Text<GrantName>>,
    /// What to do with a new version of a plugin that breaks clients of the serving version: `required` rejects it, `warn` logs what breaks, `off` does not compare.
    compatible: Option<Text<Compatible>>,
    /// Plugins that stay in memory. The host keeps only the routes of the others, and reads them back in milliseconds on their next request.
    resident: Option<WholeNumber<1, 20_000>>,
    /// Compiled code to keep on disk. Default: 1024 MiB, but at most a quarter of the disk space that is free or already used by it.
    code_cache_mib: Option<WholeNumber<1, { 1 << 20 }>>,
    /// Limits for each call, for every plugin that has none of its own.
    limits: Table<LimitsTable>,
    /// How many instances run at the same time.
    scheduler: Table<SchedulerTable>,
    /// Connections, timeouts and buffers.
    server: Table<ServerTable>,
    /// Which pages of other origins may use this host from a browser.
    cors: Table<CorsTable>,
    /// The key-value stores of the plugins.
    keyvalue: Table<KeyValueTable>,
    /// What the OpenAPI documents say about the API as a whole.
    openapi: Table<openapi::OpenApiTable>,
    /// Settings for one plugin. `<name>` is the name of its file without `.wasm`.
    plugin: Table<BTreeMap<Text<PluginName>, Table<PluginTable>>>,
}

impl ConfigFile {
    /// With the defaults where the file is silent.
    pub(super) fn config(self, folder: &Path) -> Config {
        let default = Config::default();
        let (scheduler, server) = (self.scheduler.0, self.server.0);
        let plugin = self.plugin.0.into_iter();
        Config {
            listen: Text::or(self.listen, default.listen),
            plugins: folder.join(Text::or(self.plugins, default.plugins)),
            data: folder.join(Text::or(self.data, default.data)),
            grants: self.grants.into_iter().map(|grant| grant.0.0).collect(),
            compatible: Text::or(self.compatible, default.compatible),
            resident: self.resident.map_or(default.resident, WholeNumber::count),
            code_cache: self.code_cache_mib.map_or(default.code_cache, |max| Some(max.0 << 20)),
            limits: default.limits.overridden(self.limits.0),
            scheduler: SchedulerConfig {
                instances: scheduler.instances.map_or(default.scheduler.instances, WholeNumber::count),
                queue: scheduler.queue.map_or(default.scheduler.queue, WholeNumber::count),
            },
            server: ServerConfig {
                header_timeout: server.header_timeout_ms.map_or(default.server.header_timeout, WholeNumber::ms),
                body_timeout: server.body_timeout_ms.map_or(default.server.body_timeout, WholeNumber::ms),
                drain: server.drain_ms.map_or(default.server.drain, WholeNumber::ms),
                write_timeout: server.write_timeout_ms.map_or(default.server.write_timeout, WholeNumber::ms),
                header: server.header_kib.map_or(default.server.header, WholeNumber::kib),
                connections: server.connections.map_or(default.server.connections, WholeNumber::count),
                connections_per_peer: server
                    .connections_per_peer
                    .map_or(default.server.connections_per_peer, WholeNumber::count),
                buffer: server.buffer_mib.map_or(default.server.buffer, WholeNumber::mib),
                compression: server.compression.unwrap_or(default.server.compression),
            },
            cors: self.cors.0.config(default.cors),
            keyvalue: KeyValue {
                max_bytes: self.keyvalue.0.max_mib.map_or(default.keyvalue.max_bytes, |max| max.0 << 20),
                idle: self.keyvalue.0.idle_s.map_or(default.keyvalue.idle, |idle| Duration::from_secs(idle.0)),
            },
            openapi: self.openapi.0.into(),
            plugin: plugin.map(|(name, table)| (name.0.0, table.0)).collect(),
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsTable {
    /// Linear memory of one instance, all its memories together.
    memory_mib: Option<MemoryMib>,
    /// The time from the arrival of a request to its response, including the wait for an instance. Then the client gets a 504.
    deadline_ms: Option<Milliseconds>,
    /// The time from the arrival of a request to the end of a stream; `deadline_ms` then bounds only what comes before the stream.
    stream_deadline_ms: Option<StreamMilliseconds>,
    /// The body of a request after decoding, or one line of a stream. A larger one gets a 413.
    body_kib: Option<Kib>,
    /// The body of a response, or one item of a stream. Also limits, in proportion, what a plugin hands to the host in one call.
    result_kib: Option<Kib>,
    /// What one call may write to the log through stdout, stderr, `wasi:logging` and failing store calls. Counts whole lines, with time, plugin and request.
    log_kib: Option<LogKib>,
    /// Processor time of one call, without the time that it waits. Then the client gets a 504.
    cpu_ms: Option<Milliseconds>,
    /// Instances of one plugin at the same time. Default: `scheduler.instances`.
    concurrency: Option<Instances>,
    /// Requests of one plugin that may wait for an instance. Further ones get a 503.
    queue: Option<QueueLength>,
    /// The plugin's share of the processors while other plugins want them too: a plugin with 200 gets twice as much as one with 100.
    weight: Option<Weight>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SchedulerTable {
    /// Instances at the same time, of all plugins. The host warns if the system's `vm.max_map_count` is too low for them. Up to 1 MiB of each memory stays allocated for the next instance.
    instances: Option<Instances>,
    /// Requests that may wait for an instance, of all plugins. When the queue is full, the plugin with the most waiting requests loses its newest.
    queue: Option<QueueLength>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ServerTable {
    /// The time that a connection may take to send the head of a request, or may be idle. Then the host closes it.
    header_timeout_ms: Option<Milliseconds>,
    /// The time from the head of a request to the end of its body, or to the next bytes of a stream. Then the client gets a 408.
    body_timeout_ms: Option<Milliseconds>,
    /// How long the host waits for requests in flight when it stops.
    drain_ms: Option<WholeNumber<0, 3_600_000>>,
    /// How long a client may read nothing of a response while the system's buffers are full. Then the host closes the connection.
    write_timeout_ms: Option<Milliseconds>,
    /// The head of a request: its first line and at most 100 headers. A larger one gets a 431.
    header_kib: Option<WholeNumber<8, 1024>>,
    /// Connections at the same time, but no more than `ulimit -n` allows; the host keeps a quarter of the descriptors, at most 256, for files. When all are taken, it closes those that have been idle longest.
    connections: Option<WholeNumber<1, 1_000_000>>,
    /// Connections of one client address, or of one IPv6 network of 64 bits. Do not set it behind a proxy. Default: no limit.
    connections_per_peer: Option<WholeNumber<1, 1_000_000>>,
    /// Bodies of requests and responses in memory, of all plugins together. One plugin may take twice what is free, by its `weight`; its further requests get a 503. Default: an eighth of the machine's memory.
    buffer_mib: Option<WholeNumber<1, { 1 << 20 }>>,
    /// Compress responses and documents of 1 KiB and more for clients that accept gzip.
    compression: Option<bool>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct CorsTable {
    /// Origins whose pages may use this host, such as `https://app.example`, or `*`.
    origins: Vec<Text<Origin>>,
    /// Methods that these pages may use. Default: all.
    methods: Option<Vec<Text<Method>>>,
    /// Headers that their requests may have; `*` allows any.
    headers: Option<Vec<Text<Header>>>,
    /// Response headers that the pages may read, besides those that every page may read.
    expose_headers: Option<Vec<Text<HeaderName>>>,
    /// Whether their requests may have cookies and other credentials. Not with the origin `*`.
    credentials: Option<bool>,
    /// How long a browser may cache the permission.
    max_age_s: Option<WholeNumber<0, 86_400>>,
}

impl CorsTable {
    fn config(self, default: CorsConfig) -> CorsConfig {
        let names = |names: Vec<Text<Header>>| names.into_iter().map(|name| name.0.0).collect::<Option<Vec<_>>>();
        CorsConfig {
            origins: self.origins.into_iter().map(|origin| origin.0.0).collect(),
            methods: self.methods.map_or(default.methods, |methods| methods.into_iter().map(|it| it.0).collect()),
            headers: self.headers.map_or(default.headers, names),
            expose_headers: self
                .expose_headers
                .map_or(default.expose_headers, |names| names.into_iter().map(|it| it.0).collect()),
            credentials: self.credentials.unwrap_or(default.credentials),
            max_age: self.max_age_s.map_or(default.max_age, |seconds| Duration::from_secs(seconds.0)),
        }
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct KeyValueTable {
    /// What the store of one plugin may hold.
    max_mib: Option<KeyValueMib>,
    /// The host closes a store that nobody has used for this long, and opens it again on its next use.
    idle_s: Option<WholeNumber<1, 86_400>>,
}

// The limits are repeated here: serde cannot both flatten a table and refuse unknown keys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PluginTable {
    /// A prefix for all paths of the plugin, such as `/shop/v1`. Default: `/`; for a raw HTTP handler `/<name>`.
    pub(super) mount: Option<Text<Mount>>,
    /// Where a raw HTTP handler serves its own OpenAPI document, under its mount. The host requests it once, when it loads the plugin.
    pub(super) openapi: Option<Text<DocumentPath>>,
    /// How JSON members and parameters are spelt: `snake_case`, `camelCase` or `kebab-case`. Default: the author's choice (`@json`), or `snake_case`.
    pub(super) casing: Option<Text<Casing>>,
    /// What the store of this plugin may hold. Default: `keyvalue.max_mib`.
    pub(super) keyvalue_mib: Option<KeyValueMib>,
    /// How many requests an instance serves, one after another. With more than 1, calls are faster, but a request may find in the plugin's memory what an earlier one left there.
    pub(super) requests_per_instance: Option<WholeNumber<1, 1_000_000>>,
    /// The interfaces or packages that this plugin may import, besides the common `grants`.
    pub(super) grants: Vec<Text<GrantName>>,
    /// As `compatible`, for this plugin.
    pub(super) compatible: Option<Text<Compatible>>,
    /// As `limits.memory_mib`, for this plugin.
    memory_mib: Option<MemoryMib>,
    /// As `limits.deadline_ms`, for this plugin.
    deadline_ms: Option<Milliseconds>,
    /// As `limits.stream_deadline_ms`, for this plugin.
    stream_deadline_ms: Option<StreamMilliseconds>,
    /// As `limits.body_kib`, for this plugin.
    body_kib: Option<Kib>,
    /// As `limits.result_kib`, for this plugin.
    result_kib: Option<Kib>,
    /// As `limits.log_kib`, for this plugin.
    log_kib: Option<LogKib>,
    /// As `limits.cpu_ms`, for this plugin.
    cpu_ms: Option<Milliseconds>,
    /// As `limits.concurrency`, for this plugin.
    concurrency: Option<Instances>,
    /// As `limits.queue`, for this plugin.
    queue: Option<QueueLength>,
    /// As `limits.weight`, for this plugin.
    weight: Option<Weight>,
}

impl PluginTable {
    pub(super) fn limits(&self) -> LimitsTable {
        LimitsTable {
            memory_mib: self.memory_mib,
            deadline_ms: self.deadline_ms,
            stream_deadline_ms: self.stream_deadline_ms,
            body_kib: self.body_kib,
            result_kib: self.result_kib,
            log_kib: self.log_kib,
            cpu_ms: self.cpu_ms,
            concurrency: self.concurrency,
            queue: self.queue,
            weight: self.weight,
        }
    }
}

impl Limits {
    pub(super) fn overridden(self, by: LimitsTable) -> Limits {
        Limits {
            memory: by.memory_mib.map_or(self.memory, WholeNumber::mib),
            deadline: by.deadline_ms.map_or(self.deadline, WholeNumber::ms),
            stream_deadline: by.stream_deadline_ms.map_or(self.stream_deadline, WholeNumber::ms),
            body: by.body_kib.map_or(self.body, WholeNumber::kib),
            result: by.result_kib.map_or(self.result, WholeNumber::kib),
            keyvalue: self.keyvalue,
            log: by.log_kib.map_or(self.log, WholeNumber::kib),
            cpu: by.cpu_ms.map_or(self.cpu, WholeNumber::ms),
            concurrency: by.concurrency.map_or(self.concurrency, WholeNumber::count),
            queue: by.queue.map_or(self.queue, WholeNumber::count),
            weight: by.weight.map_or(self.weight, |weight| weight.0 as u32),
        }
    }
}

/// The JSON Schema of `witapi.toml` (2020-12), for editors. Each key has its description, its bounds and its default, where that
/// does not depend on the machine.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|it| it.inline_subschemas = true).with_transform(WithoutNull);
    let mut schema = settings.into_generator().into_root_schema_for::<ConfigFile>().to_value();
    let default = Config::default();
    let (limits, server, cors) = (default.limits, default.server, default.cors);
    let ms = |time: Duration| time.as_millis() as u64;
    for (table, defaults) in [
        (
            "",
            json!({
                "listen": default.listen.to_string(), "plugins": default.plugins, "data": default.data, "grants": default.grants,
                "compatible": "warn", "resident": default.resident,
            }),
        ),
        (
            "/properties/limits",
            json!({
                "memory_mib": limits.memory >> 20, "deadline_ms": ms(limits.deadline),
                "stream_deadline_ms": ms(limits.stream_deadline), "body_kib": limits.body >> 10,
                "result_kib": limits.result >> 10, "log_kib": limits.log >> 10, "cpu_ms": ms(limits.cpu),
                "queue": limits.queue, "weight": limits.weight,
            }),
        ),
        (
            "/properties/scheduler",
            json!({
                "instances": default.scheduler.instances, "queue": default.scheduler.queue,
            }),
        ),
        (
            "/properties/server",
            json!({
                "header_timeout_ms": ms(server.header_timeout), "body_timeout_ms": ms(server.body_timeout),
                "drain_ms": ms(server.drain), "write_timeout_ms": ms(server.write_timeout),
                "header_kib": server.header >> 10, "connections": server.connections, "compression": server.compression,
            }),
        ),
        (
            "/properties/cors",
            json!({
                "origins": [], "headers": ["*"], "expose_headers": names(&cors.expose_headers),
                "credentials": cors.credentials, "max_age_s": cors.max_age.as_secs(),
            }),
        ),
        (
            "/properties/keyvalue",
            json!({
                "max_mib": default.keyvalue.max_bytes >> 20, "idle_s": default.keyvalue.idle.as_secs(),
            }),
        ),
        ("/properties/openapi", json!({ "title": default.openapi.title, "servers": default.openapi.servers })),
        ("/properties/plugin/additionalProperties", json!({ "grants": [], "requests_per_instance": 1 })),
    ] {
        let Some(table) = schema.pointer_mut(table) else { continue };
        for (key, value) in defaults.as_object().into_iter().flatten() {
            table["properties"][key]["default"] = value.clone();
        }
    }
    schema
}

fn names(headers: &[HeaderName]) -> Vec<&str> {
    headers.iter().map(HeaderName::as_str).collect()
}

/// TOML has no null: what may be left out is optional, and has no such default.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        object.remove("default");
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|it| it != "null");
            if let [only] = &types[..] {
                let only = only.clone();
                object.insert("type".into(), only);
            }
        }
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.retain(|it| !it.is_null());
        }
        let is_null = |it: &Value| it["type"] == "null";
        if let Some(Value::Array(any)) = object.get_mut("anyOf") {
            any.retain(|it| !is_null(it));
            if let [Value::Object(only)] = &any[..] {
                let only = only.clone();
                object.remove("anyOf");
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
        }
    }
}
