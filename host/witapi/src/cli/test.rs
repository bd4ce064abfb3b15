//! `witapi test`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anstyle::{AnsiColor, Style};
use clap::Args;
use witapi_authoring::{
    offline::Offline,
    test::{self, Difference, FileReport, TestFailure},
};
use witapi_host::{
    config::{Config, FILE_NAME},
    log,
};

use super::exit;

const FORMAT: &str = "\
A test is a text file NAME.http of requests and expected responses, in steps:

  ### Create a note
  POST /notes
  x-tenant: acme

  {\"text\": \"milk\"}

  HTTP 201
  content-type: application/json

  {\"id\": {{id}}, \"text\": \"milk\", {{...}}}

  ### Read it back
  GET /notes/{{id}}

  HTTP 200

  {\"id\": {{id}}, \"text\": \"milk\", \"created\": \"{{_}}\"}

Steps       A line that begins with `###` begins a step; the rest of the line is its title. Lines before a request, and
            among headers, that begin with `#` or `//` are comments.
Request     Method and path, headers, an empty line, the body. Without a content-type JSON is sent as application/json, bytes
            as application/octet-stream, other text as text/plain.
Response    `HTTP` and the status (`*` for any), the required headers, an empty line, the body. The test ignores headers and
            a body that you leave out. A step without a response expects a success status.
Bodies      JSON is compared as JSON: the order of members and white space do not matter, and 1 equals 1.0. Several values after
            each other are the lines of a stream. Other text has to be equal, but for line breaks at its end. `base64,…;` are
            bytes, `file,NAME;` is a file beside the test.
{{name}}    In a response: any value, kept under that name; where the name is known, that value. As a JSON value of its own
            it is any value, in quotes or amid text a text. In a request: the value that was kept.
{{_}}       Anything, not kept.
{{...}}     All other members of an object; at the end of a list or a stream, all other items.

Files run in the order of their names. Each begins with empty stores, and its steps share them. The component
is granted everything that it imports. What it writes and logs goes to stderr (WITAPI_LOG sets how much).

Examples:
  witapi test                            NAME.wasm of this folder, with its folder `tests`
  witapi test notes                      the same in the folder `notes`
  witapi test notes.wasm checks/         a component, with a folder of tests or one of them
  witapi test --update                   write the found responses into the tests, then review the change in git

Exit status: 0 all passed · 1 a test failed · 2 wrong command line
             3 nothing tested: the component does not load, or there are no tests";

#[derive(Args)]
#[command(after_long_help = FORMAT, after_help = "`witapi test --help` describes the format of tests.")]
pub(crate) struct Test {
    /// The plugin's folder, with NAME.wasm and `tests`; or a component
    #[arg(default_value = ".")]
    plugin: PathBuf,
    /// A folder of tests, or one of them [default: `tests` beside the component]
    tests: Option<PathBuf>,
    /// Update the tests: write the found responses into them
    #[arg(long)]
    update: bool,
    /// The configuration with limits, mount point and casing [default: witapi.toml beside the component]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const PASSED: Style = AnsiColor::Green.on_default();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const FOUND: Style = AnsiColor::Red.on_default();
const PLACE: Style = Style::new().bold();

pub(crate) fn run(arguments: &Test) -> ExitCode {
    match all(arguments) {
        Ok(status) => status,
        Err(error) => exit::with(exit::TROUBLE, format!("{error:#}")),
    }
}

fn all(arguments: &Test) -> anyhow::Result<ExitCode> {
    log::init(log::LogFormat::Brief)?;
    let (component, folder) = component(&arguments.plugin)?;
    let tests = arguments.tests.clone().unwrap_or_else(|| folder.join("tests"));
    let files = test::files(&tests)?;
    let beside = folder.join(FILE_NAME);
    let config = arguments.config.as_deref().or(beside.exists().then_some(beside.as_path()));
    let config = config.map_or_else(|| Ok(Config::default()), |config| Config::load(Some(config)))?;
    let offline = Offline::open(&component, config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (mut steps, mut failed, mut updated, mut unread) = (0, 0, 0, 0);
    for file in &files {
        let report = runtime.block_on(test::run(&offline, file, arguments.update))?;
        // What the component wrote comes before what became of it.
        log::flush(exit::PATIENCE);
        tell(&report);
        steps += report.steps;
        failed += report.failures.len();
        updated += report.updated;
        unread += usize::from(report.mistake.is_some());
    }
    let of_update = if updated > 0 { format!(", {updated} updated") } else { String::new() };
    let of_unread = if unread > 0 { format!("; {} not run", count(unread, "file")) } else { String::new() };
    let is_ok = failed == 0 && unread == 0;
    let style = if is_ok { PASSED } else { FAILED };
    say!(
        "{style}{}, {}: {} passed, {failed} failed{of_update}{of_unread}{style:#}",
        count(files.len(), "file"),
        count(steps, "step"),
        steps - failed - updated,
    );
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The component, and the folder that it stands in.
fn component(path: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    if !path.is_dir() {
        return Ok((path.to_owned(), path.parent().unwrap_or(Path::new("")).to_owned()));
    }
    let whole = fs::canonicalize(path)?;
    let name = whole.file_name().unwrap_or(whole.as_os_str()).to_string_lossy().into_owned();
    let path = if path == Path::new(".") { Path::new("") } else { path };
    let component = path.join(format!("{name}.wasm"));
    anyhow::ensure!(component.exists(), "{} is not there; `witapi build` makes it", component.display());
    Ok((component, path.to_owned()))
}

fn tell(report: &FileReport) {
    let file = report.file.display();
    if let Some(mistake) = &report.mistake {
        say!("{FAILED}FAIL{FAILED:#} {file}: {mistake}");
    } else if report.failures.is_empty() {
        let updated = if report.updated > 0 { format!(", {} updated", report.updated) } else { String::new() };
        say!("{PASSED}ok{PASSED:#}   {file}: {}{updated}", count(report.steps, "step"));
    }
    for failure in &report.failures {
        tell_failure(&report.file, failure);
    }
}

fn tell_failure(file: &Path, failure: &TestFailure) {
    let TestFailure { title, line, request, mistake, differences, body } = failure;
    let request = if title == request { String::new() } else { format!(": {request}") };
    say!("{FAILED}FAIL{FAILED:#} {}:{line}: {}{}", file.display(), safe(title), safe(&request));
    if let Some(mistake) = mistake {
        say!("  {}", safe(mistake));
    }
    for Difference { place, expected, found } in differences {
        say!("  {PLACE}{}{PLACE:#}", safe(place));
        side("expected", PASSED, expected.as_deref().unwrap_or("nothing"));
        side("found   ", FOUND, found.as_deref().unwrap_or("nothing"));
    }
    if let Some(body) = body {
        say!("  {PLACE}the received body{PLACE:#}");
        body.lines().take(MAX_LINES).for_each(|line| say!("    {}", safe(line)));
    }
}

/// Lines of a value that are shown.
const MAX_LINES: usize = 60;

fn side(name: &str, style: Style, text: &str) {
    for (i, line) in text.lines().take(MAX_LINES).enumerate() {
        let name = if i == 0 { name } else { "      " };
        say!("    {name} {style}{}{style:#}", safe(line));
    }
    if text.is_empty() {
        say!("    {name} {style}(empty){style:#}");
    }
}

/// What a plugin says must not drive the terminal.
fn safe(text: &str) -> std::borrow::Cow<'_, str> {
    log::printable(text)
}
