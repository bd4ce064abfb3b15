//! Who may run when: spinning guests, full hosts, deadlines, clients that go away.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use witapi_tests::{Answer, Host, fixture, host, send};

/// A request that runs beside the test.
fn begin(host: &Host, path: &str, id: &str) -> JoinHandle<Answer> {
    tokio::spawn(send(host.request("GET", path).header("x-request-id", id)))
}

#[tokio::test]
async fn a_deadline_is_a_504() {
    let host = host().fixture("hostile").config("[limits]\ndeadline_ms = 200").start().await;
    let began = Instant::now();
    for path in ["/hostile/spin", "/hostile/spin/60000", "/hostile/wait/60000"] {
        let answer = host.get(path).await;
        assert_eq!(answer.status, 504, "{path}: {answer:?}");
        assert_eq!(answer.json()["type"], "/problems/deadline");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(host.get("/hostile/spin/20").await.json(), 20);
}

#[tokio::test]
async fn a_deadline_is_of_each_plugin() {
    let host = host()
        .fixture("hostile")
        .component("patient", fixture("hostile"))
        .config("[limits]\ndeadline_ms = 100\n[plugin.patient]\ndeadline_ms = 60000\nmount = '/patient'")
        .start()
        .await;
    assert_eq!(host.get("/hostile/wait/400").await.status, 504);
    assert_eq!(host.get("/patient/hostile/wait/400").await.json(), 400);
}

#[tokio::test]
async fn spinning_guests_do_not_stop_the_others() {
    let host = host().fixture("hostile").plugin("orders").config("[limits]\ndeadline_ms = 4000").start().await;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let spinners: Vec<_> = (0..threads * 2 + 4).map(|i| begin(&host, "/hostile/spin", &format!("spin{i}"))).collect();
    for i in 0..spinners.len() {
        is_running(&host, &format!("spin{i}")).await;
    }
    let mut answered = 0;
    while !spinners.iter().any(JoinHandle::is_finished) {
        assert_eq!(host.get("/hello").await.status, 200);
        assert_eq!(host.get("/healthz").await.status, 200);
        answered += 1;
    }
    // Each costs some epochs of each spinner, so hundreds would be usual. A thread that is held answers none.
    assert!(answered >= 10, "{answered} answers beside the spinners");
    for spinner in spinners {
        assert_eq!(spinner.await.expect("an answer").status, 504);
    }
}

#[tokio::test]
async fn a_full_host_lets_some_wait_and_turns_the_rest_away() {
    let host = host().fixture("hostile").config("[scheduler]\ninstances = 2\nqueue = 1").start().await;
    let requests: Vec<_> = (0..8).map(|i| begin(&host, "/hostile/wait/1500", &format!("r{i}"))).collect();
    let mut statuses = vec![];
    for request in requests {
        let answer = request.await.expect("an answer");
        if answer.status == 503 {
            assert_eq!(answer.json()["type"], "/problems/saturated");
            let after: u32 = answer.header("retry-after").parse().expect("seconds");
            assert!(after >= 1);
        }
        statuses.push(answer.status.as_u16());
    }
    statuses.sort();
    assert_eq!(statuses, [200, 200, 200, 503, 503, 503, 503, 503]);
    assert_eq!(host.get("/hostile/light").await.status, 200);
}

#[tokio::test]
async fn a_full_host_still_answers_what_needs_no_guest() {
    let host = host().fixture("hostile").config("[scheduler]\ninstances = 1\nqueue = 0").start().await;
    let busy = begin(&host, "/hostile/wait/3000", "busy");
    is_running(&host, "busy").await;
    assert_eq!(host.get("/hostile/light").await.status, 503);
    assert_eq!(host.get("/healthz").await.status, 200);
    assert_eq!(host.get("/openapi.json").await.status, 200);
    // Faults are found before an instance is asked for.
    assert_eq!(host.get("/hostile/wait/soon").await.status, 422);
    assert!(!busy.is_finished());
    assert_eq!(busy.await.expect("an answer").status, 200);
}

#[tokio::test]
async fn waiting_in_the_queue_counts_to_the_deadline() {
    let host = host()
        .fixture("hostile")
        .component("hasty", fixture("hostile"))
        .config("[scheduler]\ninstances = 1\nqueue = 10\n[plugin.hasty]\nmount = '/hasty'\ndeadline_ms = 300")
        .start()
        .await;
    let busy = begin(&host, "/hostile/wait/2500", "busy");
    is_running(&host, "busy").await;
    let answer = host.get("/hasty/hostile/light").await;
    assert_eq!(answer.status, 504, "{answer:?}");
    assert!(!busy.is_finished(), "the answer came late");
    assert_eq!(busy.await.expect("an answer").status, 200);
    assert_eq!(host.get("/hasty/hostile/light").await.status, 200);
}

/// Waits until the guest runs that answers the request of that id.
async fn is_running(host: &Host, id: &str) {
    host.log.wait_for(&format!("request={id} ")).await;
}

/// Sends a request and keeps its connection.
async fn connect(host: &Host, path: &str, id: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host.address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("to send");
    stream
}

#[tokio::test]
async fn a_client_that_goes_away_frees_its_instance() {
    let host = host()
        .fixture("hostile")
        .config("[scheduler]\ninstances = 1\nqueue = 0\n[limits]\ndeadline_ms = 600000")
        .start()
        .await;
    for path in ["/hostile/spin", "/hostile/wait/500000"] {
        let id = format!("gone{}", path.replace('/', "-"));
        let stream = connect(&host, path, &id).await;
        is_running(&host, &id).await;
        assert_eq!(host.get("/hostile/light").await.status, 503);
        let began = Instant::now();
        drop(stream);
        let line = host.log.wait_for(&format!("id=\"{id}\"")).await;
        assert!(line.contains("the client went away"), "{line}");
        while host.get("/hostile/light").await.status != 200 {
            assert!(began.elapsed() < Duration::from_secs(60), "the instance is not free");
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_the_queue() {
    let host = host()
        .fixture("hostile")
        .config("[scheduler]\ninstances = 1\nqueue = 1\n[limits]\ndeadline_ms = 600000")
        .start()
        .await;
    let busy = connect(&host, "/hostile/spin", "busy").await;
    is_running(&host, "busy").await;
    let queued = connect(&host, "/hostile/spin", "queued").await;
    host.wait_for("hostile", |it| it["scheduler"]["waiting"] == 1).await;
    assert_eq!(host.get("/hostile/light").await.status, 503);
    drop(queued);
    host.log.wait_for("id=\"queued\"").await;
    // Its place is free, so this one waits for the instance instead of being turned away.
    host.wait_for("hostile", |it| it["scheduler"]["waiting"] == 0).await;
    let next = begin(&host, "/hostile/light", "next");
    host.wait_for("hostile", |it| it["scheduler"]["waiting"] == 1).await;
    assert!(!next.is_finished());
    drop(busy);
    assert_eq!(next.await.expect("an answer").status, 200);
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let host = host().fixture("hostile").start().await;
    let mut stream = TcpStream::connect(host.address).await.expect("a connection");
    let one = |path: &str, close: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{close}\r\n");
    let text = one("/hostile/wait/200", "") + &one("/hostile/wait/10", "connection: close\r\n");
    stream.write_all(text.as_bytes()).await.expect("to send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answers");
    let (first, second) =
        (answer.find("\r\n\r\n200").expect("the first"), answer.find("\r\n\r\n10").expect("the second"));
    assert!(first < second, "{answer}");
}
