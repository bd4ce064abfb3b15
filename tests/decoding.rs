//! Reading a component never harms the host, whatever the bytes: `witapi inspect` ends with 0 or 1, soon, without a panic
//! and without taking memory beyond all bounds.

mod hostile;
mod refusals;

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::{
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tempfile::TempDir;
use witapi_tests::{dummy_component, plugin, witapi, with_wit};

/// What reading one component may take.
const CPU_SECONDS: u64 = 10;
const MEMORY: u64 = 1 << 30;

/// `witapi inspect` of one file under limits.
struct Inspection {
    folder: TempDir,
}

impl Inspection {
    fn new() -> Inspection {
        Inspection { folder: tempfile::tempdir().expect("a folder") }
    }

    fn run(&self, bytes: &[u8], arguments: &[&str]) -> Output {
        let file = self.folder.path().join("plugin.wasm");
        fs::write(&file, bytes).expect("a file");
        self.run_file(&file, arguments)
    }

    fn run_file(&self, file: &Path, arguments: &[&str]) -> Output {
        // A shell sets the limits: a fork of this process, to do it here, would take longer than the inspection.
        let limited = format!("ulimit -t {CPU_SECONDS}; ulimit -v {}; exec \"$0\" inspect \"$@\"", MEMORY >> 10);
        let mut command = Command::new("sh");
        command.args(["-c", &limited]).arg(witapi()).arg(file).args(arguments);
        command.current_dir(self.folder.path()).env("RUST_BACKTRACE", "0").output().expect("an inspection")
    }

    /// Whether the bytes are a contract. The error says how the host came to harm.
    fn survives(&self, bytes: &[u8]) -> Result<bool, String> {
        let output = self.run(bytes, &["--openapi"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let short: String = stderr.chars().take(1_000).collect();
        match output.status.code() {
            Some(_) if stderr.contains("panicked") => Err(format!("panicked: {short}")),
            Some(0) => Ok(true),
            Some(1) if stderr.starts_with("witapi: ") => Ok(false),
            Some(code) => Err(format!("exit status {code}: {short}")),
            None => Err(format!("signal {:?}: {short}", output.status.signal())),
        }
    }
}

/// Inspects every one of `files`, two at a time, and says how many are contracts.
fn all_survive(what: &str, files: &[(String, Vec<u8>)]) -> usize {
    let (next, contracts) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let inspection = Inspection::new();
        let mut harmed = vec![];
        while let Some((name, bytes)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            match inspection.survives(bytes) {
                Ok(is_contract) => drop(contracts.fetch_add(is_contract.into(), Ordering::Relaxed)),
                Err(harm) => {
                    let kept = std::env::temp_dir().join(format!("witapi-harm-{}.wasm", harmed.len()));
                    fs::write(&kept, bytes).expect("a file");
                    harmed.push(format!("{name} (kept as {}): {harm}", kept.display()));
                }
            }
        }
        harmed
    };
    let harmed = std::thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect::<Vec<_>>()
    });
    let contracts = contracts.into_inner();
    println!("{what}: {} files, {contracts} of them contracts", files.len());
    assert!(
        harmed.is_empty(),
        "{} of {} files:\n{}",
        harmed.len(),
        files.len(),
        harmed[..harmed.len().min(10)].join("\n")
    );
    contracts
}

const TODOS: &str = r#"package test:todos@1.2.3;
/// Things to do.
interface todos {
  /// One thing.
  record todo { id: u32, title: string, tags: list<string>, due: option<u64> }
  variant error { not-found, invalid(string) }
  enum order { newest, oldest }
  list-todos: func(order: option<order>, limit: u8) -> list<todo>;
  @external-id("GET /todos/{id}")
  get-todo: func(id: u32) -> result<todo, error>;
  create-todo: func(todo: todo) -> result<todo, error>;
  delete-todo: func(id: u32) -> option<tuple<u8, f32>>;
}
world w { export todos; }
"#;

/// Components of several makers, with and without embedded WIT.
fn sources() -> Vec<(&'static str, Vec<u8>)> {
    let dummy = dummy_component(TODOS);
    let embedded = with_wit(&dummy, TODOS);
    let orders = fs::read(plugin("orders")).expect("a component");
    let todos = fs::read(plugin("todos")).expect("a component");
    vec![("dummy", dummy), ("dummy with WIT", embedded), ("orders", orders), ("todos", todos)]
}

#[test]
fn a_component_cut_off_anywhere_is_refused() {
    let mut files = vec![];
    for (name, bytes) in sources() {
        // Each byte of the small ones, about 300 places of the large ones.
        let step = (bytes.len() / 300).max(if bytes.len() < 10_000 { 7 } else { 1 });
        files.extend((0..bytes.len()).step_by(step).map(|len| (format!("{name}, {len} bytes"), bytes[..len].to_vec())));
    }
    let contracts = all_survive("truncations", &files);
    // A cut between two sections may leave a component, but hardly ever one with the export.
    assert!(contracts < 10, "{contracts} of them were taken");
}

/// Something that goes wrong with bytes.
#[derive(Debug, Clone)]
enum Mishap {
    Set(Index, u8),
    Flipped(Index, u8),
    Inserted(Index, Vec<u8>),
    Removed(Index, usize),
    Copied(Index, Index, usize),
    Leb(Index),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Mishap::Set(at, byte)),
        (place(), 0..8u8).prop_map(|(at, bit)| Mishap::Flipped(at, bit)),
        (place(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Mishap::Inserted(at, bytes)),
        (place(), 1..64usize).prop_map(|(at, len)| Mishap::Removed(at, len)),
        (place(), place(), 1..64usize).prop_map(|(from, to, len)| Mishap::Copied(from, to, len)),
        place().prop_map(Mishap::Leb),
    ]
}

impl Mishap {
    /// Befalls the bytes of `window`.
    fn befall(&self, bytes: &mut Vec<u8>, window: std::ops::Range<usize>) {
        let window = window.start..window.end.min(bytes.len());
        // An earlier one may have taken all of it.
        if window.is_empty() {
            return;
        }
        let place = |index: &Index| window.start + index.index(window.len());
        match self {
            Mishap::Set(at, byte) => bytes[place(at)] = *byte,
            Mishap::Flipped(at, bit) => bytes[place(at)] ^= 1 << bit,
            Mishap::Inserted(at, new) => drop(bytes.splice(place(at)..place(at), new.iter().copied())),
            Mishap::Removed(at, len) => drop(bytes.drain(place(at)..(place(at) + len).min(window.end))),
            Mishap::Copied(from, to, len) => {
                let copied = bytes[place(from)..(place(from) + len).min(window.end)].to_vec();
                bytes.splice(place(to)..place(to), copied);
            }
            // A count or an index as large as can be.
            Mishap::Leb(at) => drop(bytes.splice(place(at)..=place(at), [0xff, 0xff, 0xff, 0xff, 0x0f])),
        }
    }
}

/// Components in which something went wrong, each with what it was.
fn mutations(count: usize, seed: u64) -> Vec<(String, Vec<u8>)> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = (select(sources()), prop::collection::vec(mishap(), 1..5), any::<bool>(), any::<Index>());
    let one = |i| {
        let ((name, mut bytes), mishaps, anywhere, start) = strategy.new_tree(&mut runner).expect("a value").current();
        // The types of a component are at its end and its code, of less interest here, in front of them.
        let start = if anywhere { start.index(bytes.len()) } else { bytes.len().saturating_sub(3_000) };
        let window = start..bytes.len();
        mishaps.iter().for_each(|mishap| mishap.befall(&mut bytes, window.clone()));
        (format!("{name}, case {i}: {mishaps:?} in {window:?}"), bytes)
    };
    (0..count).map(one).collect()
}

#[test]
fn a_component_with_random_bytes_is_judged() {
    let number = |name, usual| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let (count, seed) = (number("WITAPI_CASES", 600), number("WITAPI_SEED", 1));
    println!("WITAPI_SEED={seed}");
    let contracts = all_survive("mutations", &mutations(count as usize, seed));
    assert!(contracts as u64 > count / 100, "only {contracts} of {count} got as far as a contract");
}
