//! `witapi inspect`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::json;
use witapi_authoring::inspect;
use witapi_contract::{
    Contract,
    diff::{ContractChange, diff},
};
use witapi_host::{
    config::Config,
    openapi,
    plugin::{LoadError, load},
    runtime::grants,
};

use super::{exit, serving};
use crate::print;

const EXAMPLES: &str = "\
Examples:
  witapi inspect notes.wasm
  witapi inspect notes.wasm --openapi > notes.json
  witapi inspect --diff notes-1.0.wasm notes.wasm      what changes for clients of the first

With --diff, a change breaks clients if the new version rejects a request that the old one accepted, or returns a response
that the old one could not return. New members of a response do not break: clients ignore what they do not know.

Exit status: 0 done, nothing breaks · 1 a change breaks clients, or the component has no contract · 2 wrong command line
             3 with --diff: one of the files cannot be read or has no contract";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    /// The component
    #[arg(required_unless_present = "diff")]
    file: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long, conflicts_with = "openapi")]
    json: bool,
    /// Print the OpenAPI document
    #[arg(long)]
    openapi: bool,
    /// Print what compiling and instantiating it takes, as JSON; for bench/languages
    #[arg(long, hide = true, conflicts_with_all = ["json", "openapi"])]
    timings: bool,
    /// Compare the contracts of two components: what changes for clients of OLD, and what breaks them
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["file", "openapi"])]
    diff: Option<Vec<PathBuf>>,
    /// The configuration with mount point, casing and `[openapi]` [default: witapi.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Inspect) -> ExitCode {
    let (done, status) = match &arguments.diff {
        Some(files) => (compared(arguments, files), exit::TROUBLE),
        None => (inspected(arguments).map(|()| ExitCode::SUCCESS), exit::FAILED),
    };
    done.unwrap_or_else(|error| exit::with(status, format!("{error:#}")))
}

fn inspected(arguments: &Inspect) -> anyhow::Result<()> {
    let file = arguments.file.as_deref().unwrap_or(Path::new(""));
    let config = Config::load(arguments.config.as_deref())?;
    if arguments.timings {
        return print(&format!("{}\n", timings(file, config)?));
    }
    let (name, contract) = contract_of(file, None, &config)?;
    print(&if arguments.openapi {
        format!("{}\n", openapi::pretty(&config.openapi, &name, &contract))
    } else if arguments.json {
        format!("{:#}\n", inspect::json(&name, &contract))
    } else {
        inspect::text(&name, &contract)
    })
}

/// Instances of which the median is told.
const INSTANCES: usize = 200;

/// Compiled anew, whatever was compiled before: there is no folder to keep it in.
fn timings(file: &Path, mut config: Config) -> anyhow::Result<serde_json::Value> {
    config.grants.extend(grants::GRANTABLE.map(str::to_owned));
    config.data = PathBuf::from("/dev/null/none");
    let host = serving::host(config)?;
    let failed = |cause| LoadError { file: file.to_owned(), cause };
    let bytes = load::read(file).map_err(failed)?;
    let plugin = load::load(&host.loader, file, &bytes)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let instance = runtime.block_on(plugin.instantiation(INSTANCES))?;
    let micros = |time: Duration| time.as_micros() as u64;
    Ok(json!({ "load_us": micros(plugin.load_time), "instantiate_us": instance.as_nanos() as f64 / 1000.0 }))
}

fn compared(arguments: &Inspect, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let [old, new] = files else { anyhow::bail!("expected two components, OLD and NEW") };
    let config = Config::load(arguments.config.as_deref())?;
    // Both are versions of one plugin, so what the configuration says of the new one holds for both.
    let (name, contract) = contract_of(new, None, &config)?;
    let (_, earlier) = contract_of(old, Some(&name), &config)?;
    let changes = diff(&earlier, &contract);
    let breaks = changes.iter().filter(|change| change.breaks).count();
    if arguments.json {
        let json = json!({ "breaks": breaks > 0, "changes": changes.iter().map(as_json).collect::<Vec<_>>() });
        print(&format!("{json:#}\n"))?;
    } else {
        tell(&changes, breaks);
    }
    Ok(if breaks > 0 { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

fn as_json(change: &ContractChange) -> serde_json::Value {
    json!({
        "operation": change.operation,
        "location": change.location,
        "kind": change.kind.name(),
        "what": change.what,
        "effect": change.effect,
        "breaks": change.breaks,
    })
}

const BREAKING: Style = AnsiColor::Red.on_default().bold();
const COMPATIBLE: Style = AnsiColor::Green.on_default();

/// A line each, and one for all.
fn tell(changes: &[ContractChange], breaks: usize) {
    for change in changes {
        let (style, word) = if change.breaks { (BREAKING, "breaking  ") } else { (COMPATIBLE, "compatible") };
        let text = change.to_string();
        say!("{style}{word}{style:#}  {}", witapi_host::log::printable(&text));
    }
    match changes.len() {
        0 => say!("no change of the contract"),
        all => say!("{breaks} breaking, {} compatible", all - breaks),
    }
}

/// The contract of a component, under the configuration of the plugin `name` or else of that in the file's name.
fn contract_of(file: &Path, name: Option<&str>, config: &Config) -> Result<(String, Contract), LoadError> {
    let of_file = || file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let name = name.map_or_else(of_file, str::to_owned);
    let failed = |cause| LoadError { file: file.to_owned(), cause };
    let bytes = load::read(file).map_err(failed)?;
    let contract = load::contract_of(&bytes, &config.plugin(&name)).map_err(|error| failed(error.into()))?;
    Ok((name, contract))
}
