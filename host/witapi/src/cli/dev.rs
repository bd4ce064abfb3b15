//! `witapi dev`.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use witapi_authoring::{
    Project,
    dev::{self, terminal::Terminal},
    language::toolchain,
};
use witapi_host::{
    config::{self, Config},
    log,
    runtime::grants,
    server::Server,
};

use super::serving;

#[derive(Args)]
#[command(after_help = super::help::DEV)]
pub(crate) struct Dev {
    /// The plugin's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Install the missing parts of the language's toolchain
    #[arg(long)]
    install: bool,
    /// The configuration [default: witapi.toml in the plugin's folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Requests in flight may take so long when the author ends it all.
const DRAIN: Duration = Duration::from_secs(1);

pub(crate) fn run(arguments: Dev) -> anyhow::Result<()> {
    let project = Project::find(&arguments.folder)?;
    log::init_with(Terminal)?;
    let own = Some(project.folder.join(config::FILE_NAME)).filter(|file| file.is_file());
    let mut config = match arguments.config.or(own) {
        Some(file) => Config::load(Some(&file))?,
        None => Config::default(),
    };
    config.listen = arguments.listen.unwrap_or(config.listen);
    project.make_generated()?;
    config.data = project.generated("data");
    config.server.drain = config.server.drain.min(DRAIN);
    let granted = config.plugin(&project.name).grants;
    config.grants.extend(grants::GRANTABLE.map(str::to_owned));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(develop(config, project, arguments.install, granted));
    // A build that is under way on a thread of its own is not worth waiting for.
    runtime.shutdown_background();
    result
}

async fn develop(config: Config, project: Project, install: bool, grants: Vec<String>) -> anyhow::Result<()> {
    let stop = serving::stop_signal()?;
    let listener = serving::listen(config.listen).await?;
    let address = listener.local_addr()?;
    let mut host = serving::host(config)?.for_development();
    host.loader.cache = host.loader.cache.limited_to(dev::MAX_CODE);
    let host = Arc::new(host);
    let server = Server::new(host.clone());
    let terminal = Terminal;
    terminal.started(&project.name, toolchain(project.language).name(), &address.to_string());
    let dev = dev::Development { host: host.clone(), project, install, terminal, grants };
    tokio::select! {
        () = server.run(listener, stop) => {}
        () = dev.run(|| server.set_ready(true)) => {}
    }
    serving::end(&host).await;
    Ok(())
}
