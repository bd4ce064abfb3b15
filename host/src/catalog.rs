//! An immutable snapshot of what the host serves. A change makes a new one; requests keep the one they began with.

use std::{cmp::Reverse, collections::BTreeMap, path::PathBuf, sync::Arc, sync::OnceLock, time::SystemTime};

use crate::{
    config,
    contract::{Method, Operation, Pattern, Raw, Segment},
    openapi::{self, Document},
    plugin::{Names, Plugin},
};

/// See the module.
#[derive(Default)]
pub struct Catalog {
    entries: BTreeMap<String, Entry>,
    router: matchit::Router<Vec<Target>>,
    /// With raw HTTP handlers, those of the longest prefix first.
    mounted: Vec<Mounted>,
    document: OnceLock<Document>,
}

/// What the host knows of one plugin.
#[derive(Clone, Default)]
pub struct Entry {
    pub serving: Option<Arc<Plugin>>,
    /// Why the newest file of this name is not what is serving.
    pub failure: Option<Failure>,
}

/// A file that did not load, or that could not be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub step: Step,
    /// The component, which is not there if it was never built.
    pub file: PathBuf,
    pub reason: String,
    pub at: SystemTime,
}

/// What did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// By `witapi dev`, which builds what it serves.
    Build,
    Load,
}

impl Step {
    pub fn name(self) -> &'static str {
        match self {
            Step::Build => "build",
            Step::Load => "load",
        }
    }
}

#[derive(Clone)]
struct Target {
    plugin: Arc<Plugin>,
    operation: usize,
}

/// An operation that a request is for.
pub struct Found<'c, 'p> {
    pub plugin: &'c Arc<Plugin>,
    /// Its place in the contract.
    pub index: usize,
    /// What stands in the places of the path parameters, percent-encoded, in the route's order.
    pub path: Vec<&'p str>,
}

impl<'c> Found<'c, '_> {
    pub fn operation(&self) -> &'c Operation {
        &self.plugin.contract.operations[self.index]
    }

    pub fn names(&self) -> &'c Names {
        &self.plugin.names[self.index]
    }
}

/// A plugin with a raw HTTP handler.
#[derive(Clone)]
pub struct Mounted {
    pub plugin: Arc<Plugin>,
    pub raw: Raw,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub enum NotFound {
    Path,
    Method { allow: Vec<Method> },
}

/// Two plugins that want one route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the route `{route}` of `{newcomer}` is taken by `{operation}` of plugin `{owner}`; mount one of the two elsewhere \
     (`mount` under `[plugin.<name>]` in witapi.toml)"
)]
pub struct Conflict {
    pub route: String,
    /// The operation that wanted it.
    pub newcomer: String,
    /// The operation that has it, and its plugin.
    pub operation: String,
    pub owner: String,
}

impl Catalog {
    /// This catalog with `plugin` added, or in the place of the one of the same name.
    ///
    /// # Errors
    ///
    /// A route is taken by another plugin, or is one of the host's own.
    pub fn with(&self, plugin: Arc<Plugin>) -> Result<Catalog, Conflict> {
        for operation in &plugin.contract.operations {
            let conflict = |taken: String, owner: &str| Conflict {
                route: operation.route(),
                newcomer: operation.label(),
                operation: taken,
                owner: owner.to_owned(),
            };
            if let Some(path) = reserved(&operation.pattern) {
                return Err(conflict(path.to_owned(), "witapi"));
            }
            for other in self.plugins().filter(|other| other.name != plugin.name) {
                if let Some(taken) = other.contract.operations.iter().find(|taken| taken.has_route_of(operation)) {
                    return Err(conflict(taken.label(), &other.name));
                }
            }
        }
        if let Some(raw) = &plugin.contract.raw {
            let conflict = |taken: &str, owner: &str| Conflict {
                route: raw.paths(),
                newcomer: format!("the raw HTTP handler of {}", plugin.name),
                operation: taken.to_owned(),
                owner: owner.to_owned(),
            };
            if let Some(path) = reserved_segment(&raw.mount) {
                return Err(conflict(path, "witapi"));
            }
            let others = self.mounted.iter().filter(|other| other.plugin.name != plugin.name);
            if let Some(other) = others.into_iter().find(|other| other.raw.mount == raw.mount) {
                return Err(conflict("the raw HTTP handler", &other.plugin.name));
            }
        }
        let mut entries = self.entries.clone();
        let name = plugin.name.to_string();
        entries.insert(name, Entry { serving: Some(plugin), failure: None });
        Ok(Catalog::of(entries))
    }

    /// This catalog without that plugin, and without what is known of its failures.
    pub fn without(&self, name: &str) -> Catalog {
        let mut entries = self.entries.clone();
        entries.remove(name);
        Catalog::of(entries)
    }

    /// This catalog with a failure noted; what is serving goes on.
    pub fn with_failure(&self, name: &str, failure: Failure) -> Catalog {
        let mut entries = self.entries.clone();
        entries.entry(name.to_owned()).or_default().failure = Some(failure);
        Catalog::of(entries)
    }

    /// This catalog with the failure of that name forgotten.
    pub fn without_failure(&self, name: &str) -> Catalog {
        let mut entries = self.entries.clone();
        if let Some(entry) = entries.get_mut(name) {
            entry.failure = None;
        }
        Catalog::of(entries)
    }

    fn of(entries: BTreeMap<String, Entry>) -> Catalog {
        let mut targets: BTreeMap<String, Vec<Target>> = BTreeMap::new();
        for plugin in entries.values().filter_map(|entry| entry.serving.as_ref()) {
            for (i, operation) in plugin.contract.operations.iter().enumerate() {
                let target = Target { plugin: plugin.clone(), operation: i };
                targets.entry(anonymous(&operation.pattern)).or_default().push(target);
            }
        }
        let mut router = matchit::Router::new();
        for (path, targets) in targets {
            // The paths are well-formed and all different, so the router takes each.
            if let Err(error) = router.insert(&path, targets) {
                tracing::error!(path, %error, "a route is not served");
            }
        }
        let serving = entries.values().filter_map(|entry| entry.serving.as_ref());
        let mut mounted: Vec<_> = serving
            .filter_map(|plugin| Some(Mounted { plugin: plugin.clone(), raw: plugin.contract.raw.clone()? }))
            .collect();
        mounted.sort_by_key(|mounted| Reverse(mounted.raw.mount.len()));
        Catalog { entries, router, mounted, document: OnceLock::new() }
    }

    /// The raw HTTP handler that a request for that path is for: that with the longest prefix, unless the host or an
    /// operation has the path.
    pub fn mounted(&self, path: &str) -> Option<&Mounted> {
        let mounted = self.mounted.iter().find(|mounted| mounted.raw.has(path))?;
        let is_operations = || matches!(self.find("", path), Err(NotFound::Method { .. }));
        (reserved_segment(path).is_none() && !is_operations()).then_some(mounted)
    }

    /// Whether a path is among those that the host has kept for itself.
    pub fn is_reserved(path: &str) -> bool {
        reserved_segment(path).is_some()
    }

    /// The operation for a method and a path as it came.
    ///
    /// # Errors
    ///
    /// No operation has the path, or none with that method.
    pub fn find<'c, 'p>(&'c self, method: &str, path: &'p str) -> Result<Found<'c, 'p>, NotFound> {
        let Ok(matched) = self.router.at(path) else { return Err(NotFound::Path) };
        // An empty segment is no value, wherever it stands.
        if matched.params.iter().any(|(_, value)| value.is_empty()) {
            return Err(NotFound::Path);
        }
        // Who asks for the head of an answer gets the operation of the whole; hyper leaves out the body.
        let wanted = if method == "HEAD" { "GET" } else { method };
        let is_wanted = |target: &&Target| target.operation().method.as_str() == wanted;
        let Some(target) = matched.value.iter().find(is_wanted) else {
            let mut allow: Vec<_> = matched.value.iter().map(|target| target.operation().method).collect();
            allow.sort();
            return Err(NotFound::Method { allow });
        };
        let path = matched.params.iter().map(|(_, value)| value).collect();
        Ok(Found { plugin: &target.plugin, index: target.operation, path })
    }

    /// Every plugin that has a file or serves, by name.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// The plugins that serve, by name.
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.entries.values().filter_map(|entry| entry.serving.as_ref())
    }

    /// The OpenAPI document of all plugins, made when it is first asked for.
    pub fn document(&self, settings: &config::OpenApi) -> &Document {
        self.document
            .get_or_init(|| openapi::of_all(settings, self.plugins().map(|it| (it.name.as_ref(), &it.contract))))
    }
}

impl Target {
    fn operation(&self) -> &Operation {
        &self.plugin.contract.operations[self.operation]
    }
}

/// The first segments of the host's own paths.
pub const RESERVED: [&str; 8] =
    ["docs", "openapi", "openapi.json", "_witapi", "healthz", "readyz", "problems", "reference"];

/// The host's path that the pattern would hide.
fn reserved(pattern: &Pattern) -> Option<&str> {
    match pattern.segments.first()? {
        Segment::Literal(first) => RESERVED.contains(&first.as_str()).then_some(first),
        Segment::Param(_) => None,
    }
}

/// The same of a path as it comes.
fn reserved_segment(path: &str) -> Option<&str> {
    let first = path.strip_prefix('/')?.split('/').next()?;
    RESERVED.contains(&first).then_some(first)
}

/// The pattern with numbers for names, so that patterns that match the same paths are equal.
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
