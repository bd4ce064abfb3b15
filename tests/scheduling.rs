//! Fair shares: of processors by weight, of instances by queue; limits of each plugin; what no longer makes it does not begin.

use std::process::{Child, Command};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinHandle};
use witapi_tests::{Answer, Host, fixture, host, send};

/// A request that runs beside the test.
fn begin(host: &Host, path: &str, id: &str) -> JoinHandle<Answer> {
    tokio::spawn(send(host.request("GET", path).header("x-request-id", id)))
}

fn begin_many(host: &Host, count: usize, path: &str, id: &str) -> Vec<JoinHandle<Answer>> {
    (0..count).map(|i| begin(host, path, &format!("{id}{i}"))).collect()
}

/// Sends a request and keeps its connection.
async fn connect(host: &Host, path: &str, id: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host.address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("to send");
    stream
}

fn figure(status: &Value, name: &str) -> u64 {
    status["scheduler"][name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {status:#}"))
}

/// Waits until the scheduler's figures of a plugin are as expected.
async fn until(host: &Host, plugin: &str, is_wanted: impl Fn(&dyn Fn(&str) -> u64) -> bool) {
    host.wait_for(plugin, |status| is_wanted(&|name| figure(status, name))).await;
}

async fn cpu(host: &Host, plugin: &str) -> u64 {
    figure(&host.status(plugin).await, "cpu_ms")
}

/// Two plugins that burn what they get, `one` and `other`, and may do so for as long as the test takes.
async fn two(config: &str) -> Host {
    let patient = "[limits]\ndeadline_ms = 3600000\ncpu_ms = 3600000\n[plugin.one]\nmount = '/one'";
    host()
        .component("one", fixture("hostile"))
        .component("other", fixture("hostile"))
        .config(patient)
        .config(config)
        .start()
        .await
}

/// What both used while they spun, each with so many calls: milliseconds.
async fn used(host: &Host, calls: [usize; 2]) -> [u64; 2] {
    let mut spinners = begin_many(host, calls[0], "/one/hostile/spin", "one");
    spinners.extend(begin_many(host, calls[1], "/other/hostile/spin", "other"));
    until(host, "one", |it| it("long") >= calls[0] as u64).await;
    until(host, "other", |it| it("long") >= calls[1] as u64).await;
    let before = [cpu(host, "one").await, cpu(host, "other").await];
    let used = loop {
        let used = [cpu(host, "one").await - before[0], cpu(host, "other").await - before[1]];
        if used.iter().sum::<u64>() >= 1500 {
            break used;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    spinners.iter().for_each(JoinHandle::abort);
    used
}

#[tokio::test]
async fn plugins_of_equal_weight_get_equal_time() {
    let host = two("[plugin.other]\nmount = '/other'").await;
    let [one, other] = used(&host, [20, 4]).await;
    let ratio = one as f64 / other as f64;
    assert!((0.8..1.25).contains(&ratio), "{one} ms to {other} ms");
}

#[tokio::test]
async fn a_plugin_of_thrice_the_weight_gets_thrice_the_time() {
    let host = two("[plugin.other]\nmount = '/other'\nweight = 300").await;
    let [one, other] = used(&host, [8, 8]).await;
    let ratio = other as f64 / one as f64;
    assert!((2.4..3.75).contains(&ratio), "{one} ms to {other} ms");
}

#[tokio::test]
async fn a_light_plugin_answers_beside_many_busy_calls() {
    let host = two("[plugin.other]\nmount = '/other'").await;
    let spinners = begin_many(&host, 64, "/one/hostile/spin", "spin");
    until(&host, "one", |it| it("long") >= 64).await;
    for _ in 0..200 {
        assert_eq!(host.get("/other/hostile/light").await.status, 200);
    }
    // All of them in the foreground, but for one that the machine may have made long.
    let status = host.status("other").await;
    assert!(figure(&status, "long") < 20, "{status:#}");
    assert!(!spinners.iter().any(JoinHandle::is_finished));
    spinners.iter().for_each(JoinHandle::abort);
    until(&host, "one", |it| it("running") == 0).await;
}

#[tokio::test]
async fn short_calls_do_not_wait_for_long_ones_of_their_own() {
    let host = two("[plugin.other]\nmount = '/other'").await;
    let spinners = begin_many(&host, 40, "/one/hostile/spin", "spin");
    until(&host, "one", |it| it("long") >= 40).await;
    // Short ones, and some that are long but short of the others.
    for _ in 0..20 {
        assert_eq!(host.get("/one/hostile/light").await.status, 200);
    }
    assert_eq!(host.get("/one/hostile/allocate/30").await.json(), 30);
    assert!(!spinners.iter().any(JoinHandle::is_finished));
}

#[tokio::test]
async fn a_flood_of_short_calls_starves_no_long_call() {
    let host = two("[plugin.other]\nmount = '/other'").await;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flood: Vec<_> = (0..16)
        .map(|_| {
            let (client, url, stop) = (host.client.clone(), host.url("/one/hostile/light"), stop.clone());
            tokio::spawn(async move {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(send(client.get(&url)).await.status, 200);
                }
            })
        })
        .collect();
    until(&host, "one", |it| it("cpu_ms") > 20).await;
    let long = begin(&host, "/other/hostile/spin", "long");
    until(&host, "other", |it| it("cpu_ms") >= 500).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    long.abort();
    for client in flood {
        client.await.expect("only answers of 200");
    }
}

#[tokio::test]
async fn a_flood_is_rejected_for_its_own_plugin_alone() {
    let host = host()
        .component("one", fixture("hostile"))
        .component("other", fixture("hostile"))
        .config("[limits]\ndeadline_ms = 3600000\ncpu_ms = 3600000\n[scheduler]\ninstances = 8")
        .config("[plugin.one]\nmount = '/one'\nconcurrency = 4\nqueue = 3\n[plugin.other]\nmount = '/other'")
        .start()
        .await;
    let flood = begin_many(&host, 40, "/one/hostile/spin", "flood");
    until(&host, "one", |it| it("refused") == 33).await;
    until(&host, "one", |it| it("running") == 4 && it("waiting") == 3).await;
    for _ in 0..20 {
        assert_eq!(host.get("/other/hostile/light").await.status, 200);
    }
    let refused = host.get("/one/hostile/light").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.json()["type"], "/problems/saturated");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(figure(&host.status("other").await, "refused"), 0);
    let mut turned_away = 0;
    for request in flood {
        if request.is_finished() {
            assert_eq!(request.await.expect("an answer").status, 503);
            turned_away += 1;
        } else {
            request.abort();
        }
    }
    assert_eq!(turned_away, 33);
}

#[tokio::test]
async fn when_all_queues_are_full_the_longest_gives_way() {
    let host = host()
        .component("one", fixture("hostile"))
        .component("other", fixture("hostile"))
        .config("[limits]\ndeadline_ms = 3600000\n[scheduler]\ninstances = 1\nqueue = 4")
        .config("[plugin.one]\nmount = '/one'\n[plugin.other]\nmount = '/other'")
        .start()
        .await;
    let busy = connect(&host, "/one/hostile/wait/3000000", "busy").await;
    until(&host, "one", |it| it("running") == 1).await;
    let flood = begin_many(&host, 4, "/one/hostile/light", "flood");
    until(&host, "one", |it| it("waiting") == 4).await;
    assert_eq!(host.get("/one/hostile/light").await.status, 503);
    let light = begin(&host, "/other/hostile/light", "light");
    until(&host, "other", |it| it("waiting") == 1).await;
    until(&host, "one", |it| it("waiting") == 3 && it("refused") == 2).await;
    drop(busy);
    assert_eq!(light.await.expect("an answer").status, 200);
    let mut statuses = vec![];
    for request in flood {
        statuses.push(request.await.expect("an answer").status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 503]);
}

#[tokio::test]
async fn what_becomes_free_goes_to_who_has_least() {
    let host = host()
        .component("one", fixture("hostile"))
        .component("other", fixture("hostile"))
        .config("[limits]\ndeadline_ms = 3600000\n[scheduler]\ninstances = 3")
        .config("[plugin.one]\nmount = '/one'\n[plugin.other]\nmount = '/other'")
        .start()
        .await;
    let first = connect(&host, "/one/hostile/wait/3000000", "first").await;
    let _more = begin_many(&host, 2, "/one/hostile/wait/3000000", "more");
    until(&host, "one", |it| it("running") == 3).await;
    let _queued = begin_many(&host, 5, "/one/hostile/wait/3000000", "queued");
    until(&host, "one", |it| it("waiting") == 5).await;
    let light = begin(&host, "/other/hostile/light", "light");
    until(&host, "other", |it| it("waiting") == 1).await;
    // It came last, and is the first of those that wait.
    drop(first);
    assert_eq!(light.await.expect("an answer").status, 200);
    until(&host, "one", |it| it("running") == 3 && it("waiting") == 4).await;
}

#[tokio::test]
async fn processor_time_is_limited_and_waiting_is_free() {
    let config =
        "[plugin.hostile]\ncpu_ms = 100\ndeadline_ms = 3600000\n[plugin.waiter]\ncpu_ms = 100\ndeadline_ms = 3600000";
    let host = host().fixture("hostile").fixture("waiter").config(config).start().await;
    for path in ["/hostile/spin", "/waiter/spin"] {
        let answer = host.get(path).await;
        assert_eq!(answer.status, 504, "{path}: {answer:?}");
        assert_eq!(answer.json()["type"], "/problems/deadline");
        assert!(!answer.text().contains("wasm"), "{answer:?}");
    }
    assert_eq!(host.log.lines("`cpu_ms` sets the limit", 2).await.len(), 2, "{}", host.log.text());
    let used = cpu(&host, "hostile").await;
    assert!((100..3000).contains(&used), "{used} ms");
    for path in ["/hostile/wait/400", "/waiter/async/400", "/waiter/sync/400"] {
        assert_eq!(host.get(path).await.json(), 400, "{path}");
    }
    assert_eq!(host.get("/hostile/light").await.status, 200);
}

/// Programs of the usual priority, one for each processor.
struct FullMachine(Vec<Child>);

impl FullMachine {
    fn begin() -> FullMachine {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let busy = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().expect("a shell");
        FullMachine((0..threads).map(|_| busy()).collect())
    }
}

impl Drop for FullMachine {
    fn drop(&mut self) {
        for program in &mut self.0 {
            program.kill().and_then(|()| program.wait()).expect("the end of the shell");
        }
    }
}

#[tokio::test]
async fn a_long_call_goes_on_where_others_fill_the_machine() {
    let config = "[plugin.hostile]
cpu_ms = 300
deadline_ms = 6000";
    let host = host().fixture("hostile").config(config).start().await;
    let full = FullMachine::begin();
    assert_eq!(host.get("/hostile/spin").await.status, 504);
    // Not that of its deadline.
    host.log.wait_for("`cpu_ms` sets the limit").await;
    drop(full);
}

#[tokio::test]
async fn a_call_that_cannot_make_it_is_not_begun() {
    let host = host()
        .fixture("hostile")
        .config("[scheduler]\ninstances = 1\n[plugin.hostile]\ndeadline_ms = 6000")
        .start()
        .await;
    // So that it is known what they take.
    for i in 0..12 {
        assert_eq!(begin(&host, "/hostile/wait/300", &format!("learn{i}")).await.expect("an answer").status, 200);
    }
    let calls = begin_many(&host, 40, "/hostile/wait/300", "call");
    let mut answers = vec![];
    for call in calls {
        answers.push(call.await.expect("an answer"));
    }
    let begun = host.log.lines_with("request=call").len();
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    // All that began came to their end, but for one at most that would nearly have made it.
    assert_eq!((of(200) + of(504), of(503)), (begun, 40 - begun), "{}", host.log.text());
    assert!(of(200) >= 1 && of(504) <= 1 && of(503) >= 5, "{}, {} and {}", of(200), of(504), of(503));
}

#[tokio::test]
async fn a_client_that_leaves_frees_queue_and_background() {
    let host = host()
        .fixture("hostile")
        .config("[scheduler]\ninstances = 2\n[limits]\ndeadline_ms = 3600000\ncpu_ms = 3600000")
        .start()
        .await;
    let spinning = [connect(&host, "/hostile/spin", "s0").await, connect(&host, "/hostile/spin", "s1").await];
    until(&host, "hostile", |it| it("long") == 2).await;
    let queued = [connect(&host, "/hostile/spin", "q0").await, connect(&host, "/hostile/spin", "q1").await];
    until(&host, "hostile", |it| it("waiting") == 2).await;
    drop(queued);
    until(&host, "hostile", |it| it("waiting") == 0).await;
    drop(spinning);
    until(&host, "hostile", |it| it("running") == 0).await;
    assert_eq!(host.log.lines_with("running request=q"), [""; 0]);
    // What ran uses nothing more.
    let used = cpu(&host, "hostile").await;
    assert_eq!(host.get("/hostile/light").await.status, 200);
    assert!(cpu(&host, "hostile").await - used < 1000);
}

#[tokio::test]
async fn long_calls_are_drained_too() {
    let host = host().fixture("hostile").config("[limits]\ncpu_ms = 3600000").start().await;
    let long = begin(&host, "/hostile/spin/400", "long");
    until(&host, "hostile", |it| it("running") == 1).await;
    host.signal(libc::SIGTERM);
    assert_eq!(long.await.expect("an answer").json(), 400);
    assert_eq!(host.ended().await.0, Some(0));
}

#[tokio::test]
async fn operators_see_every_limit_and_its_use() {
    let host = host()
        .fixture("hostile")
        .config("[keyvalue]\nmax_mib = 9\n[scheduler]\ninstances = 100\n[limits]\nqueue = 7\n[plugin.hostile]\nweight = 250")
        .start()
        .await;
    let status = host.status("hostile").await;
    let expected = serde_json::json!({
        "memory_mib": 128, "deadline_ms": 30000, "stream_deadline_ms": 3600000, "body_kib": 1024, "result_kib": 1024,
        "log_kib": 64, "cpu_ms": 10000, "concurrency": 100, "queue": 7, "weight": 250, "keyvalue_mib": 9,
    });
    assert_eq!(status["limits"], expected);
    let idle =
        serde_json::json!({ "running": 0, "waiting": 0, "cpu_ms": 0, "buffered_kib": 0, "refused": 0, "long": 0 });
    assert_eq!(status["scheduler"], idle);
}
