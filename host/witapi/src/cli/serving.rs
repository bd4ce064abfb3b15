//! What commands that serve have in common.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::net::TcpListener;
use witapi_host::{catalog::Host, config::Config, log};

/// How long the end of the host waits for compiled code to be on disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an end at once waits until the log is written.
const LAST_LINES: Duration = Duration::from_millis(100);

/// The socket that the service manager opened already (systemd.socket(5), `LISTEN_FDS`), or else one at that address.
///
/// # Errors
///
/// The address is not one of this machine, or another program listens there. What the service manager passed is not a TCP socket.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let passed = listenfd::ListenFd::from_env().take_tcp_listener(0);
    if let Some(listener) = passed.context("expected a listening TCP socket in LISTEN_FDS, found something else")? {
        listener.set_nonblocking(true)?;
        return Ok(TcpListener::from_std(listener)?);
    }
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            let other = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(8080));
            anyhow::anyhow!("cannot listen on {address}: another program does; end that, or choose another port, such as `--listen {other}`")
        } else {
            anyhow::anyhow!("cannot listen on {address}: {error}")
        }
    })
}

/// Lets the process have as many open files as its user may have at all: each connection is one, and the limit that
/// shells give is a thousand, for the sake of programs that use `select`.
pub(crate) fn allow_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is no limit at all.
    if current.is_some()
        && current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(?current, ?maximum, %error, "cannot raise the limit on open files");
    }
}

/// # Errors
///
/// The pools that the configuration wants do not fit into the address space.
pub(crate) fn host(config: Config) -> anyhow::Result<Host> {
    let instances = config.scheduler.instances;
    Host::new(config).map_err(|error| {
        anyhow::anyhow!(
            "the pools for {instances} instances do not fit; lower `instances` under `[scheduler]`: {error:#}"
        )
    })
}

/// Tells the service manager how the host is (sd_notify(3), `NOTIFY_SOCKET`), if there is one.
pub(crate) fn tell(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify the service manager");
    }
}

/// Has all on disk that is to be there.
pub(crate) async fn end(host: &Arc<Host>) {
    host.loader.stores.close().await;
    host.loader.cache.settle(PATIENCE);
}

/// Done when the process is asked to end. When it is asked again, it ends at once, with the status that shells give a
/// program which the signal ended: 130 for SIGINT, 143 for SIGTERM.
///
/// # Errors
///
/// The system does not let the process hear of signals.
pub(crate) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::terminate(), SignalKind::interrupt()];
    let [mut terminate, mut interrupt] = [signal(kinds[0])?, signal(kinds[1])?];
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => kinds[0],
            _ = interrupt.recv() => kinds[1],
        }
    };
    Ok(async move {
        next().await;
        // Beside all that is waited for until the end.
        tokio::spawn(async move {
            let again = next().await;
            tracing::warn!("stopped by a second signal: cut off the requests in flight");
            log::flush(LAST_LINES);
            std::process::exit(128 + again.as_raw_value());
        });
    })
}
