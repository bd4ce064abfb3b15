//! What the others see during an attack: a light plugin of the same host, asked from before its first moment until after
//! its last.

use std::time::{Duration, Instant};

use tokio::{sync::watch, task::JoinHandle};
use witapi_tests::{Host, PATIENCE, Setup};

use super::guests::component::guest;

/// How long one answer of the neighbour may take. It takes a millisecond; an attack that could hold up others would do so for
/// seconds, until its deadline. What lies between is for machines that are busy with more than this test.
const BOUND: Duration = Duration::from_secs(2);

/// Between an answer and the next request.
const PAUSE: Duration = Duration::from_millis(3);

/// What the host is told of it.
const TABLE: &str = "plugin.neighbour";

/// A deadline that is never the reason why it does not answer.
pub const PATIENT: &str = "deadline_ms = 30000";

/// Gives back the name that it is given, through its memory: an answer that is another's is seen to be one.
const WIT: &str = "package test:neighbour; interface neighbour { get-name: func(name: string) -> string; } \
                   world plugin { export neighbour; }";

const CODE: &str = r#"(module
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 16))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get 3))))
    (func (export "test:neighbour/neighbour#get-name") (param $at i32) (param $length i32) (result i32)
        (i32.store (i32.const 0) (local.get $at))
        (i32.store (i32.const 4) (local.get $length))
        (i32.const 0)))"#;

/// With the neighbour beside whatever else the host serves.
pub fn beside(setup: Setup) -> Setup {
    let setup = setup.made("neighbour", guest(WIT, CODE));
    // The deadline of an attack may be shorter than the bound that the neighbour is judged by.
    if setup.has_table(TABLE) { setup } else { setup.config(&format!("[{TABLE}]\n{PATIENT}")) }
}

/// A light plugin that is being asked.
pub struct Neighbour {
    asking: JoinHandle<Seen>,
    stop: watch::Sender<bool>,
    answers: watch::Receiver<usize>,
}

/// What it answered.
#[derive(Debug, Default)]
pub struct Seen {
    pub answers: usize,
    pub slowest: Duration,
    /// All that was not 200, was wrong, or took longer than [`BOUND`].
    pub wrong: Vec<String>,
}

impl Neighbour {
    /// Begins to ask it, one request after the other, and returns when it has answered once.
    pub async fn of(host: &Host) -> Neighbour {
        let (stop, stopped) = watch::channel(false);
        let (sender, answers) = watch::channel(0);
        let url = host.url("/neighbour/name");
        // A client of its own: the attack may have all connections of the other. Each request has a connection of its own,
        // since one that waits for its next request may be closed for a newcomer (RFC 9112, section 9.6).
        let client = reqwest::Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0);
        let client = client.build().expect("a client");
        let asking = tokio::spawn(async move {
            let mut seen = Seen::default();
            loop {
                // The last request begins when the attack is over.
                let is_last = *stopped.borrow();
                let name = format!("name-{}", seen.answers);
                let began = Instant::now();
                let answer = async {
                    let answer = client.get(format!("{url}?name={name}")).send().await?;
                    let status = answer.status();
                    answer.text().await.map(|text| (status.as_u16(), text))
                };
                let answer = answer.await;
                let took = began.elapsed();
                if !matches!(&answer, Ok((200, text)) if serde_json::from_str(text).is_ok_and(|text: String| text == name))
                    || took > BOUND
                {
                    seen.wrong.push(format!("{answer:?} for {name} after {took:?}"));
                }
                seen.answers += 1;
                seen.slowest = seen.slowest.max(took);
                sender.send_replace(seen.answers);
                if is_last {
                    return seen;
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        let mut neighbour = Neighbour { asking, stop, answers };
        neighbour.answers(1).await;
        neighbour
    }

    /// Waits until it was asked and has answered so many times more.
    pub async fn answers(&mut self, more: usize) {
        let expected = *self.answers.borrow() + more;
        self.answers.wait_for(|count| *count >= expected).await.expect("a neighbour that is being asked");
    }

    /// Asks it for the last time. Every answer has to be right.
    pub async fn was_served(self) -> Seen {
        self.stop.send_replace(true);
        let seen = self.asking.await.expect("the neighbour's client");
        assert!(seen.wrong.is_empty(), "of {} answers: {:#?}", seen.answers, seen.wrong);
        seen
    }
}
