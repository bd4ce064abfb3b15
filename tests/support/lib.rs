//! A host under test: the real binary, on a port of its own, with folders of its own.

pub mod built;
pub mod cli;
mod code;
pub mod dev;
pub mod disk;
pub mod markdown;
pub mod process;
pub mod stall;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Notify,
    task::JoinHandle,
};

use self::code::SharedCode;

/// How long a test waits for something that should take milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// The host's binary, as `make` builds it, or the one that `WITAPI_BINARY` names from the repository's root.
pub fn witapi() -> PathBuf {
    built(std::env::var("WITAPI_BINARY").as_deref().unwrap_or("target/release/witapi"))
}

/// An example plugin's component.
pub fn plugin(name: &str) -> PathBuf {
    built(&format!("target/plugins/{name}.wasm"))
}

/// A component of `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    built(&format!("target/fixtures/{name}.wasm"))
}

fn built(path: &str) -> PathBuf {
    let path = root().join(path);
    assert!(path.exists(), "{} is not there: run `make test`", path.display());
    path
}

/// How a host is to be started.
#[derive(Default)]
pub struct Setup {
    components: Vec<(String, PathBuf)>,
    made: Vec<(String, Vec<u8>)>,
    config: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    folder: Option<TempDir>,
    is_compiled_anew: bool,
    run_by: Vec<String>,
    log_is_unread: bool,
    address: Option<SocketAddr>,
}

/// A host with nothing in it yet.
pub fn host() -> Setup {
    Setup::default()
}

impl Setup {
    /// With an example plugin under its own name.
    pub fn plugin(self, name: &str) -> Setup {
        self.component(name, plugin(name))
    }

    /// With a fixture under its own name.
    pub fn fixture(self, name: &str) -> Setup {
        self.component(name, fixture(name))
    }

    /// With a component in the plugin folder as `<name>.wasm`.
    pub fn component(mut self, name: &str, file: impl Into<PathBuf>) -> Setup {
        self.components.push((name.to_owned(), file.into()));
        self
    }

    /// With a component that the test made itself.
    pub fn made(mut self, name: &str, component: Vec<u8>) -> Setup {
        self.made.push((name.to_owned(), component));
        self
    }

    /// With these lines more in `witapi.toml`.
    pub fn config(mut self, lines: &str) -> Setup {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Whether `witapi.toml` has that table so far.
    pub fn has_table(&self, table: &str) -> bool {
        self.config.lines().any(|line| line == format!("[{table}]"))
    }

    /// With an argument more on the command line.
    pub fn argument(mut self, argument: &str) -> Setup {
        self.arguments.push(argument.to_owned());
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Run by another program, which has the host's command line as its last arguments, and becomes the host.
    pub fn run_by(mut self, program: impl IntoIterator<Item = impl Into<String>>) -> Setup {
        self.run_by = program.into_iter().map(Into::into).collect();
        self
    }

    /// Run by a shell that has run these commands, which may lower limits.
    pub fn after(self, commands: &str) -> Setup {
        self.run_by(["sh", "-c", &format!("{commands}\nexec \"$@\""), "sh"])
    }

    /// The same in namespaces of its own, by `unshare` with these options.
    pub fn apart(self, options: &str, commands: &str) -> Setup {
        self.run_by(["unshare", options, "sh", "-c", &format!("{commands}\nexec \"$@\""), "sh"])
    }

    /// On that address, for tests that ask before the host is ready.
    pub fn on(mut self, address: SocketAddr) -> Setup {
        self.address = Some(address);
        self
    }

    /// In the folder of an earlier host, with its plugins, its data and its configuration.
    pub fn in_folder_of(mut self, earlier: Stopped) -> Setup {
        self.folder = Some(earlier.folder);
        self
    }

    /// With an empty code cache. Others begin with what an earlier host compiled of the same plugins: see `code`.
    pub fn compiled_anew(mut self) -> Setup {
        self.is_compiled_anew = true;
        self
    }

    /// With a stderr that nobody reads before [`Host::read_log`].
    pub fn log_unread(mut self) -> Setup {
        self.log_is_unread = true;
        self
    }

    /// With all example plugins, which may import what they need.
    pub fn examples(self) -> Setup {
        let host = self.config("[plugin.todos]\ngrants = [\"wasi:keyvalue\"]");
        ["greeter", "orders", "ticker", "todos", "wordcount"].into_iter().fold(host, Setup::plugin)
    }

    /// The compiled code that it shares with other hosts: that of the plugins which are built once. Who brings his own, or
    /// looks at how a host starts or where it keeps what, compiles for himself.
    fn shared_code(&self) -> Option<String> {
        let folders = ["target/plugins", "target/fixtures", "target/tmp/built"].map(|folder| root().join(folder));
        let is_built = |file: &PathBuf| folders.iter().any(|folder| file.starts_with(folder));
        let has_a_folder = self.folder.is_some() || self.arguments.iter().any(|it| it.starts_with("--data"));
        let is_shared = !self.is_compiled_anew && !has_a_folder && self.address.is_none() && self.made.is_empty();
        let files = self.components.iter().map(|(_, file)| file);
        (is_shared && !self.components.is_empty() && files.clone().all(is_built)).then(|| code::set(files))
    }

    /// Starts it and waits until it is ready.
    pub async fn start(self) -> Host {
        let shared_code = self.shared_code();
        let folder = self.folder.unwrap_or_else(|| tempfile::tempdir().expect("a folder"));
        let plugins = folder.path().join("plugins");
        fs::create_dir_all(&plugins).expect("the plugin folder");
        for (name, file) in &self.components {
            fs::copy(file, plugins.join(format!("{name}.wasm"))).expect("a copied component");
        }
        for (name, component) in &self.made {
            fs::write(plugins.join(format!("{name}.wasm")), component).expect("a written component");
        }
        let shared_code = shared_code.map(|set| SharedCode::new(set, folder.path()));
        let compiles = match &shared_code {
            Some(code) => code.lend().await,
            None => None,
        };
        let config = folder.path().join("witapi.toml");
        if !self.config.is_empty() || !config.exists() {
            fs::write(&config, &self.config).expect("the configuration");
        }
        let mut program = self.run_by;
        program.push(witapi().to_str().expect("a path").to_owned());
        let address = self.address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let mut child = Command::new(&program[0])
            .args(&program[1..])
            .args(["serve", "--listen", &address.to_string(), "--config"])
            .arg(&config)
            .args(&self.arguments)
            .envs(self.environment)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the host's process");
        let log = Log::default();
        let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
        let kept = log.clone();
        let log_reader = Arc::new(Notify::new());
        if !self.log_is_unread {
            log_reader.notify_one();
        }
        let reader = log_reader.clone();
        let log_read = tokio::spawn(async move {
            reader.notified().await;
            while let Ok(Some(line)) = lines.next_line().await {
                kept.0.lock().expect("the log").push(line);
            }
        });
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut printed = String::new();
        let address = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("the host to be ready in time");
            let Some(line) = line.expect("stdout") else { panic!("the host ended:\n{printed}\n{}", log.text()) };
            printed.push_str(&line);
            printed.push('\n');
            if let Some(address) = line.strip_prefix("Listening on http://") {
                break address.parse().expect("an address");
            }
        };
        if let (Some(code), Some(compiles)) = (shared_code, compiles) {
            code.keep(compiles).await;
        }
        // What comes after is of no interest, but the pipe must not fill up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        // A test that computes for long does not see meanwhile that the host closed a connection which was idle for
        // `header_timeout_ms`, and must not send its next request on that.
        let client = reqwest::Client::builder().timeout(PATIENCE).pool_idle_timeout(Duration::from_secs(5));
        let client = client.build().expect("a client");
        Host { child, address, folder, log, log_reader, log_read, printed, client }
    }
}

/// A running host. Its process ends with it.
pub struct Host {
    child: Child,
    pub address: SocketAddr,
    folder: TempDir,
    pub log: Log,
    log_reader: Arc<Notify>,
    log_read: JoinHandle<()>,
    /// What it printed to stdout until it was ready.
    pub printed: String,
    pub client: reqwest::Client,
}

/// The folder of a host that runs no more.
pub struct Stopped {
    folder: TempDir,
    pub log: Log,
}

impl Stopped {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// What a host wrote to stderr, line by line.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn text(&self) -> String {
        self.0.lock().expect("the log").join("\n")
    }

    pub fn lines_with(&self, text: &str) -> Vec<String> {
        self.0.lock().expect("the log").iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// Waits until as many lines hold `text`, and gives all that do: a line is there some time after what it tells of.
    pub async fn lines(&self, text: &str, count: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let lines = self.lines_with(text);
            if lines.len() >= count {
                return lines;
            }
            assert!(began.elapsed() < PATIENCE, "{count} lines with `{text}` are not in the log:\n{}", self.text());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for a line that holds `text`.
    pub async fn wait_for(&self, text: &str) -> String {
        self.lines(text, 1).await.swap_remove(0)
    }
}

/// Whether a message has what was expected, or its beginning, and what was found: `expected a number, found `x``.
pub fn says(message: &str, expected: &str) -> bool {
    match expected.split_once(", found ") {
        Some((expected, found)) => message.contains(expected) && message.contains(&format!(", found {found}")),
        None => message.contains(expected),
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: bytes::Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("text")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The faults of a 422, each as `body.items[0].qty minimum`, sorted.
    pub fn faults(&self) -> Vec<String> {
        assert_eq!(self.status, 422, "{self:?}");
        let fault = |fault: &Value| {
            let mut loc = String::new();
            for step in fault["loc"].as_array().expect("loc") {
                match step {
                    Value::String(name) if loc.is_empty() => loc.push_str(name),
                    Value::String(name) => loc.push_str(&format!(".{name}")),
                    index => loc.push_str(&format!("[{index}]")),
                }
            }
            assert!(fault["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{fault}");
            format!("{loc} {}", fault["type"].as_str().expect("type"))
        };
        let mut faults: Vec<_> = self.json()["errors"].as_array().expect("errors").iter().map(fault).collect();
        faults.sort();
        faults
    }
}

impl Host {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(Method::from_bytes(method.as_bytes()).expect("a method"), self.url(path))
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    /// Waits until there is an instance for a `GET` of that path again. Its pauses leave the processors to who is to give
    /// one back.
    pub async fn freed(&self, path: &str) {
        let began = Instant::now();
        while self.get(path).await.status == 503 {
            assert!(began.elapsed() < PATIENCE, "no instance is free\n{}", self.log.text());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request("DELETE", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request("POST", path).json(body)).await
    }

    /// Sends a body as it is, as JSON.
    pub async fn post_text(&self, path: &str, json: &str) -> Answer {
        send(self.request("POST", path).header("content-type", "application/json").body(json.to_owned())).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.request("PUT", path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request("PATCH", path).json(body)).await
    }

    /// The file of that plugin in the plugin folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("plugins/{name}.wasm"))
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `/_witapi/plugins` says of that plugin; null if it does not know it.
    pub async fn status(&self, name: &str) -> Value {
        let plugins = self.get("/_witapi/plugins").await.json();
        let mut plugins = plugins.as_array().expect("an array").iter();
        plugins.find(|plugin| plugin["name"] == name).cloned().unwrap_or_default()
    }

    /// Waits until what `/_witapi/plugins` says of that plugin is as expected, and says how long it took.
    pub async fn wait_for(&self, name: &str, is_wanted: impl Fn(&Value) -> bool) -> Duration {
        let began = Instant::now();
        loop {
            let status = self.status(name).await;
            if is_wanted(&status) {
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "{name} is still {status:#}\n{}", self.log.text());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Begins to read a log that was left unread.
    pub fn read_log(&self) {
        self.log_reader.notify_one();
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Sends it a signal, such as `libc::SIGTERM`.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the process is this test's own child and was not waited for yet.
        let sent = unsafe { libc::kill(self.pid() as i32, signal) };
        assert_eq!(sent, 0, "the signal was not sent");
    }

    /// Ends it at once, as `kill -9` does, and keeps its folder.
    pub async fn kill(mut self) -> Stopped {
        self.child.kill().await.expect("to end the process");
        self.stopped().await
    }

    /// Waits until it has ended by itself, and says with which exit status.
    pub async fn ended(mut self) -> (Option<i32>, Stopped) {
        let status =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("an end in time").expect("a status");
        (status.code(), self.stopped().await)
    }

    /// With all of its log.
    async fn stopped(self) -> Stopped {
        self.read_log();
        tokio::time::timeout(PATIENCE, self.log_read).await.expect("the end of the log in time").expect("no panic");
        Stopped { folder: self.folder, log: self.log }
    }
}

/// An address whose port was free a moment ago.
pub fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port")
}

/// Sends a request and reads its answer to the end.
pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.expect("a body") }
}

/// A component with the exports of the world that `wit` describes, of which every function traps. For contracts that no
/// fixture has: what is refused before a call answers as always, what is accepted answers 500.
pub fn dummy_component(wit: &str) -> Vec<u8> {
    let mut resolve = wit_parser::Resolve { all_features: true, ..Default::default() };
    let package = resolve.push_source("dummy.wit", wit).unwrap_or_else(|error| panic!("{error:#} in\n{wit}"));
    let world = resolve.select_world(&[package], None).expect("one world");
    let mangling = wit_parser::ManglingAndAbi::Standard32;
    let mut module = wit_component::dummy_module(&resolve, world, mangling);
    wit_component::embed_component_metadata(&mut module, &resolve, world, wit_component::StringEncoding::UTF8)
        .expect("metadata");
    let encoder = wit_component::ComponentEncoder::default().module(&module).expect("a module");
    encoder.validate(true).encode().expect("a component")
}

/// The component with `text` embedded as its WIT.
pub fn with_wit(component: &[u8], text: &str) -> Vec<u8> {
    with_section(component, "witapi:wit", text)
}

/// The component with a custom section more.
pub fn with_section(component: &[u8], name: &str, text: &str) -> Vec<u8> {
    use wasm_encoder::{ComponentSection, CustomSection};
    let mut component = component.to_vec();
    CustomSection { name: name.into(), data: text.as_bytes().into() }.append_to_component(&mut component);
    component
}
