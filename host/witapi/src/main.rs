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
    /// Serve plugins, and follow every change of their files
    Serve(Serve),
    /// Show what a component promises: its routes, parameters and imports
    Inspect(cli::inspect::Inspect),
    /// Put WIT with its documentation into a component, since toolchains drop the documentation
    Embed(Embed),
    /// Begin a plugin: a folder with its contract, its source and how it is built
    New(cli::new::New),
    /// Build a plugin in any language: its folder becomes a component
    Build(cli::build::Build),
    /// Call one operation of a component, without a host
    Call(cli::call::Call),
    /// Run a plugin's tests: files of requests and the answers that are wanted
    Test(cli::test::Test),
    /// Write a plugin: build it, serve it, and do so again with every save
    Dev(cli::dev::Dev),
    /// Print what a shell needs to complete commands
    Completions(cli::completions::Completions),
    /// Print the man page of witapi, or of one command
    Man(cli::man::ManPage),
}

#[derive(Args)]
#[command(after_help = cli::help::SERVE)]
struct Serve {
    /// Components and folders of components; without any, the plugin folder
    paths: Vec<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The plugin folder, which is made if it is not there [default: plugins]
    #[arg(long, value_name = "FOLDER")]
    plugins: Option<PathBuf>,
    /// The folder of compiled code and key-value stores [default: data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The configuration [default: witapi.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How log lines are written; WITAPI_LOG sets which
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
    /// The component, which is changed in place
    file: PathBuf,
    /// The folder with the component's WIT, its dependencies in `deps`
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
    let stop = serving::stop_signal()?;
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
        for name in host.config().plugin_names().filter(|name| !host.catalog().entries().contains_key(*name)) {
            tracing::warn!("witapi.toml has a table `[plugin.{name}]`, but there is no {name}.wasm");
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
