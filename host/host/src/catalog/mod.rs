//! What the host serves: an immutable snapshot, and the one place where another follows it.
//!
//! - A [`Catalog`] never changes. A request keeps the one it began with, so all of it is of one version.
//! - [`Host`] has the current one. Only [`Host::change`], and what is built on it, puts another into its place, under a
//!   lock that no request takes: an [`Edit`] of the last one, with all of a [`Change`] or, of a plugin that is in another's
//!   way, nothing.
//! - The swap is one store of a pointer. Catalogs that no request has any more are dropped by whoever changes things, never
//!   by a thread that serves.

pub mod change;
mod host;
mod refusal;
pub mod table;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, collections::BTreeMap, path::PathBuf, sync::Arc, time::SystemTime};

use crate::{
    contract::{Method, Raw},
    plugin::{Listed, RouteKey, load::Loader},
};

pub use self::{
    change::{Change, Changed},
    host::Host,
    refusal::{Conflict, Reason, Refusal},
};

/// See the module.
#[derive(Default)]
pub struct Catalog {
    entries: BTreeMap<String, Entry>,
    router: matchit::Router<Vec<Target>>,
    /// With raw HTTP handlers, those of the longest prefix first.
    mounted: Vec<Arc<Listed>>,
}

/// What the host knows of one plugin.
#[derive(Clone, Default)]
pub struct Entry {
    pub serving: Option<Arc<Listed>>,
    /// Why the newest file of this name is not what is serving.
    pub failure: Option<Failure>,
}

/// A file that did not load, or that could not be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub step: FailedStep,
    /// The component, which is not there if it was never built.
    pub file: PathBuf,
    pub reason: String,
    pub at: SystemTime,
}

/// What did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedStep {
    /// By `witapi dev`, which builds what it serves.
    Build,
    Load,
}

impl FailedStep {
    pub fn name(self) -> &'static str {
        match self {
            FailedStep::Build => "build",
            FailedStep::Load => "load",
        }
    }
}

#[derive(Clone)]
struct Target {
    plugin: Arc<Listed>,
    operation: usize,
}

/// An operation that a request is for.
pub struct Found<'c, 'p> {
    pub plugin: &'c Arc<Listed>,
    /// Its place in the contract.
    pub index: usize,
    /// What stands in the places of the path parameters, percent-encoded, in the route's order.
    pub path: Vec<&'p str>,
}

/// A plugin with a raw HTTP handler.
#[derive(Clone, Copy)]
pub struct Mounted<'c> {
    pub plugin: &'c Arc<Listed>,
    pub raw: &'c Raw,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub enum NotFound {
    Path,
    Method { allow: Vec<Method> },
}

impl Catalog {
    /// A catalog that is to follow this one, the same so far.
    pub fn edit(&self) -> Edit<'_> {
        Edit { base: self, entries: self.entries.clone(), routes: None, has_other_routes: false }
    }

    fn of_routes(entries: BTreeMap<String, Entry>, routes: Routes) -> Catalog {
        let Routes { router, mut mounted } = routes;
        mounted.sort_by_key(|plugin| Reverse(plugin.raw.as_ref().map_or(0, |raw| raw.mount.len())));
        // Its nodes have room for four children each, and most have one or none. The copy has no room that it does not use;
        // and without the entries that were made in turn with it, whole pages are free when the first one goes.
        let (router, entries) = (router.clone(), entries.clone());
        Catalog { entries, router, mounted }
    }

    /// The raw HTTP handler that a request for that path is for: that with the longest prefix, unless the host or an
    /// operation has the path.
    pub fn mounted(&self, path: &str) -> Option<Mounted<'_>> {
        let mut mounted =
            self.mounted.iter().filter_map(|plugin| Some(Mounted { plugin, raw: plugin.raw.as_deref()? }));
        let mounted = mounted.find(|mounted| mounted.raw.has(path))?;
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
        let is_wanted = |target: &&Target| target.route().method.as_str() == wanted;
        let Some(target) = matched.value.iter().find(is_wanted) else {
            let mut allow: Vec<_> = matched.value.iter().map(|target| target.route().method).collect();
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
    pub fn plugins(&self) -> impl Iterator<Item = &Arc<Listed>> {
        self.entries.values().filter_map(|entry| entry.serving.as_ref())
    }
}

/// Changes of a catalog that are published together.
pub struct Edit<'c> {
    base: &'c Catalog,
    entries: BTreeMap<String, Entry>,
    /// Those of `entries`, as far as they are known.
    routes: Option<Routes>,
    has_other_routes: bool,
}

/// Which of two plugins has a route that both want.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precedence {
    /// The one that serves already. Of two that come together, the first.
    #[default]
    Served,
    /// The one whose file comes first by name, whichever was there first.
    ByName,
}

/// A plugin that does not serve, or no more, since another has one of its routes.
pub type Loser = (Arc<Listed>, Conflict);

impl Edit<'_> {
    /// As they are so far.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// Without that plugin, and without what is known of its failures.
    pub fn remove(&mut self, name: &str) {
        if self.entries.remove(name).is_some_and(|entry| entry.serving.is_some()) {
            self.lose_routes();
        }
    }

    /// With a failure noted; what is serving goes on.
    pub fn fail(&mut self, name: String, failure: Failure) {
        self.entries.entry(name).or_default().failure = Some(failure);
    }

    /// With the failure of that name forgotten.
    pub fn forget_failure(&mut self, name: &str) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.failure = None;
        }
    }

    /// With these, each in the place of the one of its name. A plugin that loses a route to another does not serve at all;
    /// if it has an earlier version, that one goes on.
    pub fn serve(&mut self, plugins: &[Arc<Listed>], precedence: Precedence, loader: &Loader) -> Vec<Loser> {
        let mut lost: Vec<Loser> = vec![];
        loop {
            // Whoever lost has not given up the routes of its earlier version, which others may have been given below.
            let is_left = |plugin: &&Arc<Listed>| !lost.iter().any(|(other, _)| Arc::ptr_eq(other, plugin));
            let plugins: Vec<_> = plugins.iter().filter(is_left).collect();
            let mut attempt = self.attempt(&plugins, precedence, loader);
            let serves_before = |name: &str| self.entries.get(name).is_some_and(|entry| entry.serving.is_some());
            let (again, losers): (Vec<_>, Vec<_>) = attempt.lost.into_iter().partition(|(plugin, _)| {
                plugins.iter().any(|it| Arc::ptr_eq(it, plugin)) && serves_before(&plugin.name)
            });
            if !again.is_empty() {
                lost.extend(again);
                continue;
            }
            lost.extend(losers);
            self.has_other_routes |= attempt.has_served;
            attempt.entries.retain(|_, entry| entry.serving.is_some() || entry.failure.is_some());
            (self.entries, self.routes) = (attempt.entries, Some(attempt.routes));
            return lost;
        }
    }

    /// All of `plugins` in the places of their earlier versions, of which none is in the way of another.
    fn attempt(&self, plugins: &[&Arc<Listed>], precedence: Precedence, loader: &Loader) -> Attempt {
        let mut entries = self.entries.clone();
        let mut is_replaced = false;
        for plugin in plugins {
            let entry = entries.get_mut(plugin.name.as_ref());
            is_replaced |= entry.is_some_and(|entry| entry.serving.take().is_some());
        }
        let known = if is_replaced { None } else { self.routes.clone().or_else(|| self.unchanged_routes()) };
        let mut routes = known.unwrap_or_else(|| Routes::of(&entries));
        let (mut lost, mut has_served) = (vec![], false);
        for plugin in plugins {
            let gives_way = |owner: &Listed| precedence == Precedence::ByName && plugin.file < owner.file;
            if let Some(taken) = routes.conflict(plugin, |owner| !gives_way(owner)) {
                lost.push(((*plugin).clone(), taken.described(plugin, loader)));
                continue;
            }
            let mut displaced: Vec<Arc<Listed>> = vec![];
            while let Some(owner) = routes
                .conflict(plugin, |owner| !displaced.iter().any(|it| it.name == owner.name))
                .and_then(|taken| taken.owner().cloned())
            {
                displaced.push(owner);
            }
            for owner in &displaced {
                if let Some(entry) = entries.get_mut(owner.name.as_ref()) {
                    entry.serving = None;
                }
            }
            if !displaced.is_empty() {
                routes = Routes::of(&entries);
            }
            routes.add(plugin);
            has_served = true;
            entries.insert(plugin.name.to_string(), Entry { serving: Some((*plugin).clone()), failure: None });
            for owner in displaced {
                if let Some(taken) = routes.conflict(&owner, |_| true) {
                    let conflict = taken.described(&owner, loader);
                    lost.push((owner, conflict));
                }
            }
        }
        Attempt { entries, routes, lost, has_served }
    }

    /// The catalog with all of these changes.
    pub fn finish(self) -> Catalog {
        match (self.routes, self.has_other_routes) {
            (Some(routes), true) => Catalog::of_routes(self.entries, routes),
            (None, true) => {
                let routes = Routes::of(&self.entries);
                Catalog::of_routes(self.entries, routes)
            }
            (_, false) => {
                Catalog { entries: self.entries, router: self.base.router.clone(), mounted: self.base.mounted.clone() }
            }
        }
    }

    fn lose_routes(&mut self) {
        (self.routes, self.has_other_routes) = (None, true);
    }

    /// Those of the catalog that this one follows, if they are the same.
    fn unchanged_routes(&self) -> Option<Routes> {
        let base = self.base;
        (!self.has_other_routes).then(|| Routes { router: base.router.clone(), mounted: base.mounted.clone() })
    }
}

/// What came of plugins that were to be served.
struct Attempt {
    entries: BTreeMap<String, Entry>,
    routes: Routes,
    lost: Vec<Loser>,
    has_served: bool,
}

impl Target {
    fn route(&self) -> &RouteKey {
        &self.plugin.routes[self.operation]
    }
}

/// What becomes the way from paths to plugins.
#[derive(Clone, Default)]
struct Routes {
    router: matchit::Router<Vec<Target>>,
    mounted: Vec<Arc<Listed>>,
}

/// What a plugin wants and another has.
enum Taken {
    Route {
        wanted: usize,
        owner: Arc<Listed>,
        operation: usize,
    },
    Mount {
        owner: Arc<Listed>,
    },
    /// One of the host's own: the operation that wants it, if it is not the handler.
    Reserved {
        wanted: Option<usize>,
        path: String,
    },
}

impl Routes {
    fn of(entries: &BTreeMap<String, Entry>) -> Routes {
        let mut routes = Routes::default();
        entries.values().filter_map(|entry| entry.serving.as_ref()).for_each(|plugin| routes.add(plugin));
        routes
    }

    fn add(&mut self, plugin: &Arc<Listed>) {
        for (operation, route) in plugin.routes.iter().enumerate() {
            let target = Target { plugin: plugin.clone(), operation };
            match self.router.at_mut(&route.path) {
                Ok(found) if found.value.iter().all(|it| it.route().path == route.path) => found.value.push(target),
                // The paths are well-formed and all different, so the router takes each.
                _ => {
                    if let Err(error) = self.router.insert(&*route.path, vec![target]) {
                        tracing::error!(path = %route.path, %error, "route not served");
                    }
                }
            }
        }
        if plugin.raw.is_some() {
            self.mounted.push(plugin.clone());
        }
    }

    /// What of `plugin` is taken by another that `stands` in its way.
    fn conflict(&self, plugin: &Listed, stands: impl Fn(&Listed) -> bool) -> Option<Taken> {
        for (wanted, route) in plugin.routes.iter().enumerate() {
            if let Some(path) = reserved_segment(&route.path) {
                return Some(Taken::Reserved { wanted: Some(wanted), path: path.to_owned() });
            }
            // A pattern taken as a path is found where it stands itself: braces stand for no literal text.
            let targets = self.router.at(&route.path).map_or(&[][..], |found| found.value);
            if let Some(taken) = targets.iter().find(|it| it.route() == route && stands(&it.plugin)) {
                return Some(Taken::Route { wanted, owner: taken.plugin.clone(), operation: taken.operation });
            }
        }
        let raw = plugin.raw.as_ref()?;
        if let Some(path) = reserved_segment(&raw.mount) {
            return Some(Taken::Reserved { wanted: None, path: path.to_owned() });
        }
        let is_same = |other: &&Arc<Listed>| other.raw.as_ref().is_some_and(|other| other.mount == raw.mount);
        self.mounted
            .iter()
            .filter(is_same)
            .find(|owner| stands(owner))
            .map(|owner| Taken::Mount { owner: owner.clone() })
    }
}

impl Taken {
    /// Who has it, if not the host.
    fn owner(&self) -> Option<&Arc<Listed>> {
        match self {
            Taken::Route { owner, .. } | Taken::Mount { owner } => Some(owner),
            Taken::Reserved { .. } => None,
        }
    }

    /// In words.
    fn described(&self, plugin: &Listed, loader: &Loader) -> Conflict {
        let operation = |plugin: &Listed, operation: usize| {
            let contract = plugin.contract(loader);
            let found = contract.as_ref().ok().and_then(|contract| contract.operations.get(operation));
            found.map_or_else(Default::default, |operation| (operation.route(), operation.label()))
        };
        let handler = || {
            let paths = plugin.raw.as_ref().map(|raw| raw.paths()).unwrap_or_default();
            (paths, format!("the raw HTTP handler of {}", plugin.name))
        };
        let ((route, newcomer), (taken, owner)) = match self {
            Taken::Route { wanted, owner, operation: at } => {
                (operation(plugin, *wanted), (operation(owner, *at).1, owner.name.as_ref()))
            }
            Taken::Mount { owner } => (handler(), ("the raw HTTP handler".to_owned(), owner.name.as_ref())),
            Taken::Reserved { wanted, path } => {
                (wanted.map_or_else(handler, |wanted| operation(plugin, wanted)), (path.clone(), "witapi"))
            }
        };
        Conflict { route, newcomer, operation: taken, owner: owner.to_owned() }
    }
}

/// The first segments of the host's own paths.
pub const RESERVED: [&str; 8] =
    ["docs", "openapi", "openapi.json", "_witapi", "healthz", "readyz", "problems", "reference"];

/// The host's path that stands for a path as it comes.
fn reserved_segment(path: &str) -> Option<&str> {
    let first = path.strip_prefix('/')?.split('/').next()?;
    RESERVED.contains(&first).then_some(first)
}
