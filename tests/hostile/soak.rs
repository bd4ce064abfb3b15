//! All attacks at once, for as long as is asked for: hostile guests and clients at random, while plugins are replaced, come
//! and go, and good clients judge every answer that they get.
//!
//! `WITAPI_SOAK_SECONDS` says how long, half a minute without it; `WITAPI_SOAK_SEED` repeats the choices of an earlier run.
//! What was seen is printed, and left in `target/soak.txt`.

mod attacks;
mod good;
mod plot;

use std::{
    env, fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
use witapi_tests::{Host, fixture, host, process::Usage, root};

use super::{guests::component::guest, neighbour::beside};
use crate::hot_load::version;

/// How many attack at one time, and how many good clients there are.
const ATTACKERS: u64 = 10;
const GOOD: u64 = 4;

/// How many samples are taken of a run, whatever its length.
const SAMPLES: u32 = 60;

/// What was counted so far.
#[derive(Default)]
pub struct Counts {
    pub answers: AtomicU64,
    pub attacks: AtomicU64,
    pub replacements: AtomicU64,
    pub loads: AtomicU64,
    pub is_over: AtomicBool,
    wrong: Mutex<Vec<String>>,
}

impl Counts {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    pub fn wrong(&self, what: String) {
        self.wrong.lock().expect("the list").push(what);
    }
}

/// Chance that can be had again (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, expected a whole number")))
}

/// A plugin of one function, whose result is a string with this pointer and length.
fn liar(name: &str, pointer: u32, length: u32, realloc: &str) -> Vec<u8> {
    let wit = format!(
        "package test:{name}; interface {name} {{ get-name: func(name: string) -> string; }} \
         world plugin {{ export {name}; }}"
    );
    let module = format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
            (func (export "test:{name}/{name}#get-name") (param i32 i32) (result i32)
                (i32.store (i32.const 0) (i32.const {pointer}))
                (i32.store (i32.const 4) (i32.const {length}))
                (i32.const 0)))"#
    );
    guest(&wit, &module)
}

async fn attacked() -> Host {
    let config = "
        [server]
        header_timeout_ms = 5000
        body_timeout_ms = 1000
        write_timeout_ms = 1000
        connections = 2000
        [scheduler]
        instances = 64
        [plugin.hostile]
        deadline_ms = 300
        memory_mib = 32
        [plugin.streams]
        stream_deadline_ms = 2000
        [plugin.endless]
        deadline_ms = 200
        [plugin.guest]
        mount = '/guest'";
    let spin = "(loop $l (br $l)) (unreachable)";
    let setup = host().plugin("orders").fixture("hostile").fixture("streams").fixture("versioned").config(config);
    let setup = setup.made("liar", liar("liar", u32::MAX - 7, 1 << 30, "(i32.const 64)"));
    beside(setup.made("endless", liar("endless", 64, 1, spin)))
        .env("WITAPI_LOG", "error,request=off,guest=off")
        .start()
        .await
}

/// Replaces a file in one step, as `cp` to a new name and `mv` would.
fn replace(file: &Path, bytes: &[u8]) {
    let draft = file.with_extension("draft");
    fs::write(&draft, bytes).expect("to write it");
    fs::rename(&draft, file).expect("to rename it");
}

/// One version after the other.
async fn replaces(host: Arc<Host>, counts: Arc<Counts>) {
    let mut number = 0;
    while counts.goes_on() {
        number += 1;
        // There are not more than these, so that a long run does not fill the disk with compiled code.
        replace(&host.file("versioned"), &version(1 + number % 200));
        loop {
            let answer = host.get("/version").await;
            if answer.status == 200 && answer.json()["first"] == format!("version-{:08}", 1 + number % 200) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        counts.replacements.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A plugin comes, breaks, and goes, again and again.
async fn comes_and_goes(host: Arc<Host>, counts: Arc<Counts>) {
    let (file, good) = (host.file("guest"), fs::read(fixture("versioned")).expect("a fixture"));
    while counts.goes_on() {
        replace(&file, &good);
        host.wait_for("guest", |it| it["state"] == "serving").await;
        if host.get("/guest/version").await.status != 200 {
            counts.wrong("a plugin that serves does not answer".into());
        }
        replace(&file, &good[..good.len() / 2]);
        host.wait_for("guest", |it| it["state"] == "outdated").await;
        if host.get("/guest/version").await.status != 200 {
            counts.wrong("a broken file took its plugin away".into());
        }
        fs::remove_file(&file).expect("to remove it");
        host.wait_for("guest", serde_json::Value::is_null).await;
        if host.get("/guest/version").await.status != 404 {
            counts.wrong("a plugin that is gone answers".into());
        }
        counts.loads.fetch_add(1, Ordering::Relaxed);
    }
}

/// The middle of these samples.
fn median(samples: &[Usage], of: impl Fn(&Usage) -> u64) -> u64 {
    let mut values: Vec<_> = samples.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_attacks_at_once_leave_the_host_as_it_was() {
    let seconds = number("WITAPI_SOAK_SECONDS").unwrap_or(30);
    let seed = number("WITAPI_SOAK_SEED").unwrap_or_else(|| u64::from(std::process::id()) ^ 0x5eed_0000);
    println!("soak: {seconds} s, WITAPI_SOAK_SEED={seed}");
    let host = Arc::new(attacked().await);
    let counts = Arc::new(Counts::default());
    let mut tasks: Vec<JoinHandle<()>> = vec![];
    for i in 0..GOOD {
        tasks.push(tokio::spawn(good::asks(host.address, i, counts.clone())));
    }
    tasks.push(tokio::spawn(replaces(host.clone(), counts.clone())));
    tasks.push(tokio::spawn(comes_and_goes(host.clone(), counts.clone())));
    let before = host.usage();
    for i in 0..ATTACKERS {
        let chance = Chance(seed.wrapping_add(i.wrapping_mul(1 << 32)));
        tasks.push(tokio::spawn(attacks::attacks(host.address, chance, counts.clone())));
    }
    let (began, length) = (Instant::now(), Duration::from_secs(seconds));
    let mut samples = vec![];
    while began.elapsed() < length {
        tokio::time::sleep((length / SAMPLES).min(length.saturating_sub(began.elapsed()))).await;
        samples.push(host.usage());
    }
    counts.is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a client that ends");
    }
    host.closes_all_but(before.descriptors + 16).await;
    let after = host.usage();
    let wrong = counts.wrong.lock().expect("the list").clone();
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let report = format!(
        "soak of {seconds} s, seed {seed}\n\
         requests of good clients  {}\nattacks                   {}\nreplacements              {}\n\
         loads and unloads         {}\nwrong answers             {}\n\n{}",
        read(&counts.answers),
        read(&counts.attacks),
        read(&counts.replacements),
        read(&counts.loads),
        wrong.len(),
        plot::plot(&before, &samples, &after),
    );
    println!("{report}");
    fs::write(root().join("target/soak.txt"), &report).expect("to write the report");
    assert!(wrong.is_empty(), "{} wrong answers: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    for (count, what) in [
        (&counts.answers, "answers"),
        (&counts.attacks, "attacks"),
        (&counts.replacements, "replacements"),
        (&counts.loads, "loads"),
    ] {
        assert!(read(count) > 0, "no {what}");
    }
    // What it needs while it is attacked is reached soon, and stays.
    let quarter = samples.len() / 4;
    let (early, late) = (&samples[quarter..2 * quarter], &samples[samples.len() - quarter..]);
    let memory = |it: &Usage| it.memory;
    let (at_first, at_last) = (median(early, memory), median(late, memory));
    assert!(at_last <= at_first + at_first / 10 + (48 << 10), "memory grew from {at_first} to {at_last} KiB\n{report}");
    let threads = |it: &Usage| it.threads;
    assert!(median(late, threads) <= median(early, threads) + 8, "{report}");
    assert!(host.log.lines_with("panicked").is_empty(), "{}", host.log.text());
}
