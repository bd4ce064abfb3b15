//! Sends GET requests at a constant rate and tells how long answers took: counted from when a request was due, not from when
//! it could be sent, as wrk2 does it. So an answer that is late is not the less late for those that had to wait behind it.
//!
//! `wrk` cannot do this: it sends the next request when it has the answer to the last.

use std::{
    env,
    error::Error,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

const USAGE: &str = "usage: bench-rate ADDRESS:PORT PATH REQUESTS_PER_SECOND SECONDS CONNECTIONS";
/// After that, an answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);

struct Load {
    server: SocketAddr,
    request: Vec<u8>,
    /// Between two requests on one connection.
    period: Duration,
    /// On one connection.
    requests: u32,
}

impl Load {
    /// How long each answer took, and how many were not 200.
    fn send(&self, begin: Instant) -> Result<(Vec<Duration>, u32), String> {
        let mut stream = TcpStream::connect(self.server).map_err(|error| format!("no connection: {error}"))?;
        let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
        set.map_err(|error| error.to_string())?;
        let mut took = Vec::with_capacity(self.requests as usize);
        let mut failed = 0;
        for number in 0..self.requests {
            let due = begin + self.period * number;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let status = self.ask(&mut stream).map_err(|error| format!("request {number}: {error}"))?;
            took.push(due.elapsed());
            failed += u32::from(status != 200);
        }
        Ok((took, failed))
    }

    /// The status of an answer, once all of it is there.
    fn ask(&self, stream: &mut TcpStream) -> Result<u16, Box<dyn Error>> {
        stream.write_all(&self.request)?;
        let mut buffer = [0; 16 << 10];
        let mut filled = 0;
        loop {
            let count = stream.read(&mut buffer[filled..])?;
            if count == 0 {
                return Err("the connection ended, or the answer is longer than 16 KiB".into());
            }
            filled += count;
            let Some(head) = buffer[..filled].windows(4).position(|end| end == b"\r\n\r\n") else { continue };
            let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.ok_or("an answer without content-length")?.parse()?;
            if filled == head + 4 + length {
                return Ok(text.get(9..12).ok_or("no status")?.parse()?);
            }
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-rate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [server, path, rate, seconds, connections] = &arguments[..] else { return Err(USAGE.into()) };
    let (rate, seconds, connections): (u32, u32, u32) = (rate.parse()?, seconds.parse()?, connections.parse()?);
    if rate == 0 || seconds == 0 || connections == 0 {
        return Err(USAGE.into());
    }
    let load = Load {
        server: server.parse()?,
        request: format!("GET {path} HTTP/1.1\r\nhost: {server}\r\n\r\n").into_bytes(),
        period: Duration::from_secs(1) * connections / rate,
        requests: rate * seconds / connections,
    };
    // Connections take turns, and all are there before the first of them.
    let begin = Instant::now() + Duration::from_millis(100);
    let sent: Vec<_> = thread::scope(|scope| {
        let load = &load;
        let start = |number| begin + load.period * number / connections;
        let threads: Vec<_> = (0..connections).map(|number| scope.spawn(move || load.send(start(number)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread ended".to_string()))).collect()
    });
    let (took, failed): (Vec<_>, Vec<_>) = sent.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let mut took: Vec<_> = took.concat().into_iter().map(|it| it.as_micros()).collect();
    took.sort_unstable();
    let at = |share: f64| took.get(((took.len() as f64 * share) as usize).min(took.len() - 1)).copied().unwrap_or(0);
    println!(
        r#"{{"requests": {}, "failed": {}, "p50_us": {}, "p99_us": {}, "max_us": {}}}"#,
        took.len(),
        failed.iter().sum::<u32>(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
    Ok(())
}
