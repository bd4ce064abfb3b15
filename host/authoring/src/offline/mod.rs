//! A component in a host without a socket: what `witapi call` and `witapi test` send their requests to.

pub mod call;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, Response},
};
use uuid::Uuid;

use crate::tools::cache_folder;
use witapi_contract::Contract;
use witapi_host::{
    catalog::{Host, Refusal},
    config::Config,
    plugin::{
        LoadError,
        load::{self, Cause, Loader},
    },
    runtime::{EngineError, grants::GRANTABLE},
    server::Server,
};

/// Calls at one time. One after the other is asked for; a stream of one may still run when the next begins.
const INSTANCES: usize = 4;

/// How long the end of a run waits for compiled code to be written.
const PATIENCE: Duration = Duration::from_secs(20);

/// A component that was read, for any number of hosts in turn.
pub struct Offline {
    file: PathBuf,
    bytes: Vec<u8>,
    loader: Loader,
    /// The plugin's name.
    pub name: String,
    pub contract: Contract,
    /// How long an answer may take: the plugin's `deadline_ms`.
    pub deadline: Duration,
}

/// A host with the component, and with state of its own.
pub struct Session {
    server: Server,
    host: Arc<Host>,
    /// Deleted with it.
    temporary: Option<TemporaryFolder>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the host cannot start")]
    Host(#[source] EngineError),
    #[error("{}: cannot create the folder for the stores: {error}", folder.display())]
    Data { folder: PathBuf, error: io::Error },
}

impl Offline {
    /// Reads the component. Whatever it imports of what the host offers is granted: it runs on its author's own machine.
    /// Compiled code is kept in the user's cache.
    ///
    /// # Errors
    ///
    /// The file is no plugin, or the host cannot start.
    pub fn open(file: &Path, mut config: Config) -> Result<Offline, OfflineError> {
        let failed = |cause| LoadError { file: file.to_owned(), cause };
        let name = load::name_of(file).ok_or_else(|| failed(Cause::Name))?.to_owned();
        let bytes = load::read(file).map_err(failed)?;
        let contract = load::contract_of(&bytes, &config.plugin(&name)).map_err(|error| failed(error.into()))?;
        config.grants.extend(GRANTABLE.map(str::to_owned));
        config.scheduler.instances = INSTANCES;
        let deadline = config.plugin(&name).limits.deadline;
        let loader = Loader::new(config, cache_folder().join("code")).map_err(OfflineError::Host)?;
        Ok(Offline { file: file.to_owned(), bytes, loader, name, contract, deadline })
    }

    /// A host with the component. What it stores is kept in `data`, or else forgotten. To be called on a runtime with several
    /// threads.
    ///
    /// # Errors
    ///
    /// The component does not load, or there is no folder for what it stores.
    pub fn session(&self, data: Option<&Path>) -> Result<Session, OfflineError> {
        let temporary = match data {
            Some(_) => None,
            None => Some(TemporaryFolder::new().map_err(|(folder, error)| OfflineError::Data { folder, error })?),
        };
        let folder = data.or(temporary.as_ref().map(|it| it.0.as_path())).unwrap_or(Path::new("data"));
        let loader = self.loader.with_data(folder);
        // Loading may wait for a raw handler's document, which the runtime has to drive meanwhile.
        let plugin = tokio::task::block_in_place(|| load::listed(&loader, &self.file, &self.bytes))?;
        let host = Arc::new(Host::of(loader));
        host.serve(plugin)?;
        let server = Server::new(host.clone());
        server.set_ready(true);
        Ok(Session { server, host, temporary })
    }
}

impl Session {
    /// The answer to a request, as a client would get it. Its body may still be on its way.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        // Nobody is at the other end of a connection.
        self.server.answer(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), request).await
    }

    /// Ends it, when all that was stored is on disk, and what was compiled, so that the next run need not compile it.
    pub async fn close(self) {
        self.host.loader.stores.close().await;
        let cache = self.host.loader.cache.clone();
        // Whether it is kept or not, the answer is there.
        let _ = tokio::task::spawn_blocking(move || cache.settle(PATIENCE)).await;
        drop(self.temporary);
    }
}

/// A folder that only this user can read, deleted on drop.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Result<TemporaryFolder, (PathBuf, io::Error)> {
        let folder = std::env::temp_dir().join(format!("witapi-{}", Uuid::now_v7()));
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => Ok(TemporaryFolder(folder)),
            Err(error) => Err((folder, error)),
        }
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be deleted is left to whoever cleans the folder of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
