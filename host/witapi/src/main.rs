//! The command line.

mod cli;

use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use cli::serving;
use witapi_authoring::embed;
use witapi_host::{catalog::table, config::Config, log, server::Server, watch::Watch};

/// FastAPI for WebAssembly components: the WIT that a component exports becomes routes, validation and documentation.
#[derive(Parser)]
#[command(name = "witapi", version, max_term_width = 120, after_help = cli::help::WITAPI)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve plugins, and load, replace and unload them as their files change
    Serve(Serve),
    /// Show a component's contract: its routes, parameters and imports
    Inspect(cli::inspect::Inspect),
    /// Embed WIT with its documentation into a component built by other tools
    Embed(Embed),
    /// Create a plugin: a folder with its contract, its source and its build files
    New(cli::new::New),
    /// Build a plugin's folder into a component
    Build(cli::build::Build),
    /// Call one operation of a component, without a host
    Call(cli::call::Call),
    /// Run a plugin's tests: files of requests and expected responses
    Test(cli::test::Test),
    /// Build and serve a plugin, and do both again whenever you save
    Dev(cli::dev::Dev),
    /// Check witapi.toml, or print its JSON Schema for editors
    Config(cli::config::Configuration),
    /// Print a completion script for a shell
    Completions(cli::completions::Completions),
    /// Print the man page of witapi or of a command
    Man(cli::man::ManPage),
}

#[derive(Args)]
#[command(after_help = cli::help::SERVE)]
struct Serve {
    /// Components and folders of components [default: the plugin folder]
    paths: Vec<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The plugin folder; created if it does not exist [default: plugins]
    #[arg(long, value_name = "FOLDER")]
    plugins: Option<PathBuf>,
    /// The folder for compiled code and key-value stores [default: data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The configuration [default: witapi.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The format of log lines; WITAPI_LOG selects which lines
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Args)]
#[command(after_help = cli::help::EMBED)]
struct Embed {
    /// The component; it is changed in place
    file: PathBuf,
    /// The folder with the component's WIT; dependencies are in its folder `deps`
    #[arg(long, value_name = "FOLDER")]
    wit: PathBuf,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(arguments) => serve(arguments),
        Command::Inspect(arguments) => return cli::inspect::run(&arguments),
        Command::New(arguments) => cli::new::run(&arguments),
        Command::Build(arguments) => cli::build::run(arguments),
        Command::Call(arguments) => return cli::call::run(&arguments),
        Command::Test(arguments) => return cli::test::run(&arguments),
        Command::Dev(arguments) => cli::dev::run(arguments),
        Command::Config(arguments) => cli::config::run(&arguments),
        Command::Completions(arguments) => cli::completions::run(&arguments),
        Command::Man(arguments) => cli::man::run(&arguments),
        Command::Embed(arguments) => {
            let warn = |warning: String| eprintln!("witapi: warning: {}: {warning}", arguments.file.display());
            let warnings = embed::embed(&arguments.file, &arguments.wit);
            warnings.map(|warnings| warnings.into_iter().for_each(warn)).map_err(Into::into)
        }
    };
    log::flush(cli::exit::PATIENCE);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::exit::with(cli::exit::FAILED, format!("{error:#}")),
    }
}

fn serve(arguments: Serve) -> anyhow::Result<()> {
    log::init(match arguments.log_format {
        LogFormat::Text => log::LogFormat::Text,
        LogFormat::Json => log::LogFormat::Json,
    })?;
    serving::allow_open_files();
    let mut config = Config::load(arguments.config.as_deref())?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    config.data = arguments.data.unwrap_or(config.data);
    let mut sources = arguments.paths;
    if sources.is_empty() || arguments.plugins.is_some() {
        let folder = arguments.plugins.unwrap_or_else(|| config.plugins.clone());
        std::fs::create_dir_all(&folder).with_context(|| format!("the plugin folder {}", folder.display()))?;
        sources.push(folder);
    }
    if let Some(missing) = sources.iter().find(|source| !source.exists()) {
        anyhow::bail!("{}: no such file or folder; name a component, or a folder of them", missing.display());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(run(config, sources));
    // A load that is under way on a thread of its own is not worth waiting for.
    runtime.shutdown_background();
    result
}

async fn run(config: Config, sources: Vec<PathBuf>) -> anyhow::Result<()> {
    let stopped = serving::stop_signal()?;
    let stop = async move {
        stopped.await;
        serving::tell(sd_notify::NotifyState::Stopping);
    };
    let listener = serving::listen(config.listen).await?;
    let address = listener.local_addr()?;
    let host = Arc::new(serving::host(config)?);
    let mut watch = Watch::start(host.clone(), sources).context("cannot watch the plugins' files")?;
    let server = Server::new(host.clone()).with_awaited(watch.awaited());

    let follow = async {
        if let Err(ended) = watch.started().await {
            return ended;
        }
        server.set_ready(true);
        serving::tell(sd_notify::NotifyState::Ready);
        for name in host.config().plugin_names().filter(|name| !host.catalog().entries().contains_key(*name)) {
            tracing::warn!("witapi.toml configures `[plugin.{name}]`, but no {name}.wasm is loaded");
        }
        let routes = table::routes(&host.catalog());
        let text = format!(
            "{routes}\nListening on http://{address}\nDocumentation: http://{address}/docs · http://{address}/openapi.json\n"
        );
        // Whether anyone reads it or not, the host serves.
        tokio::task::spawn_blocking(move || print(&text));
        watch.ended().await
    };
    let result = tokio::select! {
        () = server.run(listener, stop) => Ok(()),
        ended = follow => Err(ended.into()),
    };
    serving::end(&host).await;
    result
}

/// Writes to stdout. That its reader has seen enough is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
