//! Connections: how many there may be, which goes first when there are too many, and how long each may be silent.
//!
//! Whoever opens connections and sends nothing, or sends a head byte by byte, takes the places of others. So when all
//! places are taken, those go that have waited longest for a request, of the address with the most connections first;
//! a client that sends its request when it has connected is never among them. A connection whose request is being
//! answered is not closed for another, until its answer is ready: who takes that slowly is as good as silent.
//!
//! # What it owns
//!
//! `Places` has every open connection, by client, under one lock that is held for as long as it takes to look through them.
//! A connection adds itself when it is accepted and takes itself out when its task ends, however that is. What it is doing is
//! one atomic of its own: since when it waits for a request, that it is being answered, or that it was given up.
//!
//! # What always holds
//!
//! - There are never more connections than places, and descriptors are left for files, stores and the log.
//! - Only a connection that still waits as it was seen to is given up: the exchange of its state fails when its request came
//!   meanwhile, and then it is answered.
//! - Clients are counted by address, of IPv6 by the network that one client has. A client that has all that it may have makes
//!   room of its own.
//! - Accepting ends with no error. It waits, and says so at most every ten seconds.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    os::fd::AsRawFd,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{extract::Request, response::Response};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::AbortHandle,
};
use tokio_io_timeout::TimeoutWriter;

use super::{head, patience::Patience};
use crate::config;

/// Descriptors that are kept from connections, if a quarter of all is not less: for files of plugins, of stores and of
/// compiled code.
const KEPT_DESCRIPTORS: usize = 256;

/// So many connections there may be however many descriptors all else has taken.
const LEAST: usize = 4;

/// This part of all places is made free at one time, so that looking for the right ones costs each new connection little.
const FREED_AT_ONCE: usize = 64;

/// How long a new connection waits at most until it is looked again whether there is a place.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How often the log may say that there are too many connections.
const COMPLAINT: Duration = Duration::from_secs(10);

/// A connection whose request is being answered.
const BUSY: u64 = 0;
/// A connection that is being closed for another.
const GIVEN_UP: u64 = u64::MAX;

/// All connections of a server.
pub(super) struct Connections {
    http: http1::Builder,
    write_timeout: Duration,
    per_peer: usize,
    places: Arc<Places>,
    graceful: GracefulShutdown,
}

impl Connections {
    pub(super) fn new(config: &config::ServerConfig) -> Connections {
        let mut http = http1::Builder::new();
        http.header_read_timeout(config.header_timeout).max_buf_size(config.header);
        let places = Arc::new(Places {
            limit: places(config.connections),
            ceiling: descriptors().map_or(usize::MAX, |all| all - kept(all)),
            began: Instant::now(),
            freed: Notify::new(),
            open: Mutex::default(),
        });
        Connections {
            http,
            write_timeout: config.write_timeout,
            per_peer: config.connections_per_peer,
            places,
            graceful: GracefulShutdown::new(),
        }
    }

    /// Takes connections until `stop` is done. `answer` gets each request with the address of its peer.
    pub(super) async fn accept<F, A>(&self, listener: TcpListener, answer: F, stop: impl Future<Output = ()>)
    where
        F: Fn(SocketAddr, Request<Incoming>) -> A + Clone + Send + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        tokio::pin!(stop);
        let mut complained: Option<Instant> = None;
        let mut complain = |why: &str| {
            if complained.is_none_or(|at| at.elapsed() >= COMPLAINT) {
                complained = Some(Instant::now());
                tracing::warn!(limit = self.places.limit, "{why}");
            }
        };
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Most often there are too many open files: some will be closed.
                    complain(&format!("a connection was not accepted: {error}"));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            if !self.places.makes_room_for(peer, self.per_peer) {
                complain(&format!("a connection of {} was closed: it has `connections_per_peer`", peer.ip()));
                continue;
            }
            // The system gives the lowest number that is free: a high one means that so many are taken, by whatever it is.
            let is_high = stream.as_raw_fd() as usize >= self.places.ceiling;
            let crowd = is_high.then(|| self.places.open().count);
            loop {
                match self.places.room(crowd) {
                    Room::Free => break,
                    Room::Soon => {}
                    Room::None => {
                        let all =
                            if is_high { "that there are descriptors for (`ulimit -n`)" } else { "of `connections`" };
                        complain(&format!("a connection waits: all {all} have a request that is being answered"))
                    }
                }
                tokio::select! {
                    () = self.places.freed.notified() => {}
                    // Nobody tells when an answer has ended, and its connection may be closed.
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    () = &mut stop => return,
                }
            }
            // One that was closed for it left a lower number, which the next one would take for a sign that there is room.
            let stream = if is_high { lowered(stream) } else { Ok(stream) };
            match stream {
                Ok(stream) => self.begin(stream, peer, answer.clone()),
                Err(error) => complain(&format!("a connection was not accepted: {error}")),
            }
        }
    }

    fn begin<F, A>(&self, stream: TcpStream, peer: SocketAddr, answer: F)
    where
        F: Fn(SocketAddr, Request<Incoming>) -> A + Clone + Send + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        // Answers are small and complete, so nothing is won by waiting for more.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.write_timeout));
        let waiting = Arc::new(Waiting::since(self.places.began));
        let place = Place { places: self.places.clone(), of: PeerGroup::from(peer.ip()), id: self.places.next_id() };
        let (of, id) = (place.of, place.id);
        let state = waiting.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let (state, answer) = (state.clone(), answer.clone());
            // The answer's future is large: it is made where it stays.
            async move {
                if !state.begins_answer() {
                    return Err(Closing);
                }
                let response = match head::refused(&request) {
                    Some(refused) => refused,
                    None => answer(peer, request).await,
                };
                // One whose end is not known is being answered until its next request.
                if response.body().size_hint().exact().is_some() {
                    state.waits();
                }
                Ok(response)
            }
        });
        let mut http = self.http.clone();
        http.timer(Patience::default());
        let connection = self.graceful.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        let mut open = self.places.open();
        let task = tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "connection failed");
            }
        });
        open.count += 1;
        open.peers.entry(of).or_default().insert(id, Open { waiting, task: task.abort_handle() });
    }

    /// Waits for the requests in flight, and closes what is idle. Says whether all ended in time.
    pub(super) async fn drained(self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.graceful.shutdown()).await.is_ok()
    }
}

/// The same connection under the lowest number that is free.
fn lowered(stream: TcpStream) -> io::Result<TcpStream> {
    TcpStream::from_std(stream.into_std()?.try_clone()?)
}

/// How many descriptors the process may have, if there is a limit.
fn descriptors() -> Option<usize> {
    getrlimit(Resource::Nofile).current.map(|limit| limit as usize)
}

fn kept(descriptors: usize) -> usize {
    KEPT_DESCRIPTORS.min(descriptors / 4)
}

/// As many as are wanted, and as there are descriptors for.
fn places(wanted: usize) -> usize {
    let descriptors = descriptors().unwrap_or(usize::MAX);
    let possible = (descriptors - kept(descriptors)).max(1);
    if wanted > possible {
        tracing::warn!(
            "{possible} connections at one time instead of `connections` = {wanted}: \
             this process may open {descriptors} files (`ulimit -n`)"
        );
    }
    wanted.min(possible)
}

/// Why no request is read from a connection any more.
#[derive(Debug, thiserror::Error)]
#[error("closed to make room for another connection")]
struct Closing;

/// Since when a connection waits for a request.
#[derive(Debug)]
struct Waiting {
    began: Instant,
    /// Microseconds since then, and one. Or [`BUSY`], or [`GIVEN_UP`].
    state: AtomicU64,
}

impl Waiting {
    /// It waits since now. `began` is the same for all.
    fn since(began: Instant) -> Waiting {
        let waiting = Waiting { began, state: AtomicU64::new(BUSY) };
        waiting.waits();
        waiting
    }

    fn waits(&self) {
        self.state.store(1 + self.began.elapsed().as_micros() as u64, Ordering::Relaxed);
    }

    /// Whether there is still somebody to answer.
    fn begins_answer(&self) -> bool {
        let was = self.state.swap(BUSY, Ordering::Relaxed);
        if was == GIVEN_UP {
            self.state.store(GIVEN_UP, Ordering::Relaxed);
        }
        was != GIVEN_UP
    }

    fn is_given_up(&self) -> bool {
        self.state.load(Ordering::Relaxed) == GIVEN_UP
    }

    /// The same state as a time, if it is one.
    fn time(&self) -> Option<u64> {
        Some(self.state.load(Ordering::Relaxed)).filter(|&state| state != BUSY && state != GIVEN_UP)
    }

    /// Ends it, if it still waits since that time.
    fn gives_up(&self, time: u64) -> bool {
        self.state.compare_exchange(time, GIVEN_UP, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Clients that are counted as one: an address, or of IPv6 the network that one client has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PeerGroup(IpAddr);

impl From<IpAddr> for PeerGroup {
    fn from(address: IpAddr) -> PeerGroup {
        match address.to_canonical() {
            IpAddr::V6(v6) => PeerGroup(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into()),
            v4 => PeerGroup(v4),
        }
    }
}

struct Open {
    waiting: Arc<Waiting>,
    task: AbortHandle,
}

#[derive(Default)]
struct OpenConnections {
    count: usize,
    /// Of them, those that are given up and not closed yet.
    closing: usize,
    last_id: u64,
    peers: HashMap<PeerGroup, HashMap<u64, Open>>,
}

/// Whether a new connection can be taken.
enum Room {
    Free,
    /// When those are closed that were given up.
    Soon,
    /// All have a request that is being answered.
    None,
}

struct Places {
    limit: usize,
    /// No descriptor of a connection ought to have a number as high as this: the rest is kept for files.
    ceiling: usize,
    began: Instant,
    freed: Notify,
    open: Mutex<OpenConnections>,
}

impl Places {
    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_id(&self) -> u64 {
        let mut open = self.open();
        open.last_id += 1;
        open.last_id
    }

    /// Whether this peer may have one more, for which its own that waits longest may have to go.
    fn makes_room_for(&self, peer: SocketAddr, limit: usize) -> bool {
        let mut open = self.open();
        let Some(own) = open.peers.get(&PeerGroup::from(peer.ip())) else { return true };
        if own.len() < limit {
            return true;
        }
        let closing = own.values().filter(|it| it.waiting.is_given_up()).count();
        let waiting = own.values().filter_map(|it| Some((0, it.waiting.time()?, it)));
        let wanted = (own.len() - closing + 1).saturating_sub(limit);
        let closed = close_first(waiting.collect(), wanted);
        open.closing += closed;
        closed == wanted
    }

    /// Whether there is a place, for which those that wait longest may have to go. If the newcomer took one of the descriptors
    /// that are kept, there is none as long as there is the `crowd` that it came to.
    fn room(&self, crowd: Option<usize>) -> Room {
        let mut open = self.open();
        let is_crowded = crowd.is_some_and(|crowd| open.count >= crowd.max(LEAST));
        if open.count < self.limit && !is_crowded {
            return Room::Free;
        }
        if open.closing == 0 {
            let waiting = open.peers.values().flat_map(|own| {
                let rank = usize::MAX - own.len();
                own.values().filter_map(move |it| Some((rank, it.waiting.time()?, it)))
            });
            open.closing = close_first(waiting.collect(), (self.limit / FREED_AT_ONCE).max(1));
        }
        if open.closing > 0 { Room::Soon } else { Room::None }
    }
}

/// Closes so many of these connections, in the order of rank and time. Says how many.
fn close_first(mut waiting: Vec<(usize, u64, &Open)>, count: usize) -> usize {
    if waiting.len() > count {
        waiting.select_nth_unstable_by_key(count, |&(rank, time, _)| (rank, time));
        waiting.truncate(count);
    }
    let mut closed = 0;
    for (_, time, connection) in waiting {
        if connection.waiting.gives_up(time) {
            connection.task.abort();
            closed += 1;
        }
    }
    closed
}

/// The place of one connection, which is free again when this is dropped.
struct Place {
    places: Arc<Places>,
    of: PeerGroup,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open();
        let own = open.peers.get_mut(&self.of);
        if let Some(connection) = own.and_then(|own| own.remove(&self.id)) {
            open.count -= 1;
            open.closing -= usize::from(connection.waiting.is_given_up());
        }
        if open.peers.get(&self.of).is_some_and(HashMap::is_empty) {
            open.peers.remove(&self.of);
        }
        drop(open);
        self.places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
