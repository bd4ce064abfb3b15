//! `witapi dev`: build, serve, watch, and all of it again with every save.

mod sources;
pub mod terminal;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::spawn_blocking;

use self::sources::{Snapshot, SourceWatch};
use super::{
    Project,
    build::{BuildOptions, Built, build},
    error::BuildError,
};
use terminal::Terminal;
use witapi_host::{
    Host,
    catalog::Change,
    log,
    plugin::{Listed, load},
    runtime::grants,
};

/// Bytes of compiled components that are kept: a few versions of the largest.
pub const MAX_CODE: u64 = 128 << 20;

/// A plugin that is written just now.
pub struct Development {
    pub host: Arc<Host>,
    pub project: Project,
    /// Install what of the toolchain is missing.
    pub install: bool,
    pub terminal: Terminal,
    /// What the configuration itself grants the plugin. The host grants all.
    pub grants: Vec<String>,
}

/// What was told last, so that it is told again only when it is another.
#[derive(Default)]
struct Told {
    routes: String,
    wanted: Vec<String>,
}

impl Development {
    /// Builds and serves, now and after every save, for ever. `ready` is called when there is an answer for the first
    /// time: routes, or why there are none.
    pub async fn run(self, ready: impl FnOnce()) {
        let mut ready = Some(ready);
        let mut watch = SourceWatch::new(self.project.clone());
        let mut told = Told::default();
        let mut seen = watch.snapshot();
        let mut saved = None;
        loop {
            self.once(saved, &mut told).await;
            if let Some(ready) = ready.take() {
                ready();
            }
            // What was saved meanwhile is seen at once; what the build wrote itself is none of it.
            seen.take_over(&watch.snapshot(), Snapshot::is_lock);
            let (at, next) = watch.changed(&seen).await;
            (saved, seen) = (Some(at), next);
        }
    }

    /// One build, and what it leads to. `saved` is when the change was seen.
    async fn once(&self, saved: Option<Instant>, told: &mut Told) {
        let began = saved.unwrap_or_else(Instant::now);
        let component = self.component();
        let options = BuildOptions {
            output: Some(component.clone()),
            install: self.install,
            is_draft: true,
            is_coloured: self.terminal.is_coloured(),
            world: None,
        };
        let project = self.project.clone();
        let built = match spawn_blocking(move || build(&project, &options)).await {
            Ok(built) => built,
            Err(error) => Err(BuildError::Unsupported(format!("the build failed inside witapi: {error}"))),
        };
        match built {
            Ok(built) => self.serve(&built, began, told).await,
            Err(error) => {
                let is_serving = self.serving().is_some();
                let said = error.to_string();
                self.host.note_build_failure(&self.project.name, &component, &terminal::plain(&said));
                self.terminal.failed("build", &said, began.elapsed(), is_serving);
            }
        }
    }

    /// Loads what was built, if it is not what is serving.
    async fn serve(&self, built: &Built, began: Instant, told: &mut Told) {
        let entry = self.host.catalog().entries().get(&self.project.name).cloned().unwrap_or_default();
        if built.was_fresh && entry.serving.is_some() && entry.failure.is_none() {
            return;
        }
        for warning in &built.warnings {
            self.terminal.warning(warning);
        }
        let (host, file) = (self.host.clone(), built.file.clone());
        let loading = spawn_blocking(move || load_and_serve(&host, &file));
        let loaded = loading.await.unwrap_or_else(|error| {
            Err(load::LoadError { file: built.file.clone(), cause: load::Cause::Host(error.into()) })
        });
        let why = match loaded {
            Ok(None) => {
                self.terminal.live(built, began.elapsed());
                if let Some(plugin) = self.serving() {
                    self.tell(&plugin, told);
                }
                return;
            }
            Ok(Some(why)) => why,
            Err(error) => {
                let why = log::with_causes(&error.cause);
                self.host.note_failure(error);
                why
            }
        };
        self.terminal.failed("load", &why, began.elapsed(), entry.serving.is_some());
    }

    /// Routes, and grants that production needs, if they are other than before.
    fn tell(&self, plugin: &Listed, told: &mut Told) {
        let routes = witapi_host::catalog::table::routes(&self.host.catalog());
        if routes != told.routes {
            self.terminal.print(&routes);
            told.routes = routes;
        }
        let Ok(contract) = plugin.contract(&self.host.loader) else { return };
        for warning in &contract.warnings {
            self.terminal.warning(warning);
        }
        let imports = contract.imports.iter().filter(|import| grants::is_grantable(import));
        let is_granted = |import: &&witapi_contract::Import| {
            self.grants.iter().any(|grant| grant == import.package() || grant == import.interface())
        };
        let mut wanted: Vec<String> = imports.filter(|it| !is_granted(it)).map(|it| it.package().to_owned()).collect();
        wanted.dedup();
        if wanted != told.wanted {
            self.terminal.grants(&plugin.name, &wanted);
            told.wanted = wanted;
        }
    }

    fn serving(&self) -> Option<Arc<Listed>> {
        self.host.catalog().entries().get(&self.project.name)?.serving.clone()
    }

    /// Not in the project's folder: what is there is what `witapi build` made, to be used.
    fn component(&self) -> PathBuf {
        self.project.generated("dev").join(format!("{}.wasm", self.project.name))
    }
}

/// Serves the component in that file from now on, or says why it does not serve though it loads.
fn load_and_serve(host: &Host, file: &Path) -> Result<Option<String>, load::LoadError> {
    let failed = |cause| load::LoadError { file: file.to_owned(), cause };
    let bytes = load::read(file).map_err(failed)?;
    let change = Change { loaded: vec![load::listed(&host.loader, file, &bytes)?], ..Change::default() };
    Ok(host.change(change).refused.pop().map(|refusal| log::with_causes(&refusal.reason)))
}

/// Seconds for people.
fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
