//! An attack from its beginning to its end: the host, what it weighed before, and the neighbour.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;
use witapi_tests::{Answer, Host, PATIENCE, Setup, send};

use crate::hostile::neighbour::{Neighbour, beside};

/// MiB that an attack may leave with the host, or need while it goes on where nothing else is said. Instances have
/// 128 MiB each where nothing else is said, so this is about what the host holds for them.
const ROOM: u64 = 200;

/// A host under attack.
pub struct Attack {
    pub host: Host,
    pub neighbour: Neighbour,
    /// Of the host before the attack, in MiB.
    resident: u64,
}

impl Attack {
    /// Begins with a host that serves the neighbour too.
    pub async fn on(setup: Setup) -> Attack {
        let host = beside(setup).start().await;
        let neighbour = Neighbour::of(&host).await;
        let resident = resident_mib(&host);
        Attack { host, neighbour, resident }
    }

    /// That this GET is answered 500 without a word of why, and that the log says why: with `reason` in it.
    pub async fn fails(&self, path: &str, reason: &str) -> String {
        let (status, kind) = (500, "/problems/plugin-failed");
        let fault = self.ends(path, status, kind).await;
        assert!(fault.contains(reason), "{path}: no `{reason}` in `{fault}`");
        fault
    }

    /// That this GET is answered 504, at its deadline.
    pub async fn is_overdue(&self, path: &str) {
        self.ends(path, 504, "/problems/deadline").await;
    }

    /// That this GET has that problem; what the log has for its fault.
    async fn ends(&self, path: &str, status: u16, kind: &str) -> String {
        let id = id();
        let answer = send(self.host.request("GET", path).header("x-request-id", &id)).await;
        assert_problem(&answer, status, kind);
        let line = self.host.log.wait_for(&format!("request: id=\"{id}\"")).await;
        assert!(line.contains(&format!("status={status}")) && line.contains("plugin=\""), "{line}");
        if status == 500 {
            assert!(line.contains("ERROR"), "{line}");
        }
        line.split_once("fault=").map(|(_, fault)| fault.to_owned()).unwrap_or_default()
    }

    /// That this GET is answered with that JSON.
    pub async fn answers(&self, path: &str, value: Value) {
        let answer = self.host.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (200, value),
            "{path}: {:#?}",
            self.host.log.lines_with("ERROR")
        );
    }

    /// Ends the attack: the neighbour never noticed, the host weighs about what it did, and nothing in it panicked.
    pub async fn ended(self) -> Host {
        let Attack { host, neighbour, resident } = self;
        neighbour.was_served().await;
        // What was answered at its deadline may still be in the middle of an instruction that fills a whole memory.
        let began = Instant::now();
        let mut after = resident_mib(&host);
        while after >= resident + ROOM {
            assert!(began.elapsed() < PATIENCE, "{after} MiB after the attack, {resident} before");
            tokio::time::sleep(Duration::from_millis(10)).await;
            after = resident_mib(&host);
        }
        is_sane(&host);
        host
    }
}

/// A request id that no other request of this test run has.
pub fn id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("attack-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An answer that tells the client nothing of the guest.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["type"], kind);
    let members: Vec<_> = problem.as_object().expect("an object").keys().map(String::as_str).collect();
    assert!(members.iter().all(|name| ["type", "title", "status", "detail"].contains(name)), "{problem}");
    for secret in ["wasm", "unreachable", "backtrace", "hostile", "stack", "fuel", "memory", "pointer", "0x"] {
        assert!(!answer.text().contains(secret), "`{secret}` in {}", answer.text());
    }
}

/// That no code of the host's own panicked. What a guest says of itself is another matter.
#[track_caller]
pub fn is_sane(host: &Host) {
    let panics: Vec<_> =
        host.log.lines_with("panicked at").into_iter().filter(|line| !line.contains("guest:")).collect();
    assert!(panics.is_empty(), "{panics:#?}");
}

/// The host's resident memory, in MiB.
pub fn resident_mib(host: &Host) -> u64 {
    of_status(host, "VmRSS:")
}

/// The same: its peak since the start.
pub fn peak_mib(host: &Host) -> u64 {
    of_status(host, "VmHWM:")
}

fn of_status(host: &Host, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("the process's status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("such a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10
}
