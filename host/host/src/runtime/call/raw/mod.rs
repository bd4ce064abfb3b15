//! A raw HTTP handler's call: it has a request as it came, and answers as it likes, at any time while its instance lives.

mod handler;
mod p2;
mod p3;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use axum::http::{Request, Response};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;
use wasmtime::Store;
use wasmtime_wasi_http::{Error, WasiBody};

use super::{CallError, Callable, error::failure};
use crate::{
    log::cut,
    runtime::{
        sandbox::{Facts, Sandbox},
        scheduler::Permit,
    },
};

pub(super) use handler::Handler;

/// The body of a request or an answer on its way to or from a guest.
pub type GuestBody = WasiBody;

/// Why such a body breaks off, as a guest is told.
pub type HttpError = Error;

/// The head of an answer, or the name of the error that the handler has instead.
type Head = oneshot::Sender<Result<Response<WasiBody>, String>>;

/// An answer whose body is still to come, while its instance lives.
pub struct Handled {
    pub response: Response<WasiBody>,
    pub failure: EarlyEnd,
    pub task: Task,
}

/// Why an instance ended before its time.
#[derive(Clone, Default)]
pub struct EarlyEnd(Arc<State>);

#[derive(Default)]
struct State {
    why: OnceLock<CallError>,
    answer_is_whole: AtomicBool,
}

impl EarlyEnd {
    /// Known before what the instance wrote comes to its end.
    pub fn get(&self) -> Option<&CallError> {
        self.0.why.get()
    }

    /// The answer went out to its end: what fails from now on fails behind it.
    pub fn note_answer_ended(&self) {
        self.0.answer_is_whole.store(true, Ordering::Relaxed);
    }
}

/// A task that ends with whoever waits for it, unless it is let go.
pub struct Task(Option<AbortOnDropHandle<()>>);

impl Task {
    /// Lets the handler do what it does behind its answer.
    pub fn let_go(&mut self) {
        drop(self.0.take().map(AbortOnDropHandle::detach));
    }
}

impl Callable {
    /// Gives the handler a request, in an instance of its own, and waits for the head of its answer. The instance lives in
    /// a task of its own until the handler is done, at the latest until `deadline`, and has `permit` for as long.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn handle(
        &self,
        request: Request<WasiBody>,
        facts: Box<Facts>,
        permit: Permit,
        deadline: Instant,
    ) -> Result<Handled, CallError> {
        let Some(handler) = self.handler.clone() else {
            return Err(CallError::Trap("the component has no raw HTTP handler".into()));
        };
        let (plugin, id) = (self.plugin.clone(), facts.id.clone());
        let running = self.engines.running();
        let mut store = self.store(facts, self.bounds.stream_transfer);
        let (sender, head) = oneshot::channel();
        let failed = EarlyEnd::default();
        let known = failed.clone();
        let handling = permit.run(None, Box::pin(async move {
            let result = timeout_at(deadline, run(&mut store, &handler, request, sender)).await;
            let why = match result {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(failure(&error, &store)),
                Err(_) => Some(CallError::Deadline),
            };
            if let Some(why) = why {
                if known.0.answer_is_whole.load(Ordering::Relaxed) {
                    tracing::error!(%plugin, request = id.as_str(), fault = &*cut(&why.to_string()), "the handler failed after its response");
                }
                let _ = known.0.why.set(why);
            }
            // What it left unfinished ends with the store, and whoever reads that asks why.
            drop(store);
            drop(running);
        }));
        let task = Task(Some(AbortOnDropHandle::new(tokio::spawn(async move { drop(handling.await) }))));
        match head.await {
            Ok(Ok(response)) if response.status().is_informational() => {
                Err(CallError::Trap(format!("the handler's answer has the status {}", response.status().as_u16())))
            }
            Ok(Ok(response)) => Ok(Handled { response, failure: failed, task }),
            Ok(Err(code)) => Err(CallError::Trap(format!("the handler answered with the error {code}"))),
            // The sender went with the store.
            Err(_) => Err(match failed.get() {
                None => CallError::Trap("the handler returned without an answer".into()),
                Some(error) => error.clone(),
            }),
        }
    }
}

async fn run(
    store: &mut Store<Sandbox>,
    handler: &Handler,
    request: Request<WasiBody>,
    head: Head,
) -> wasmtime::Result<()> {
    match handler {
        Handler::P2(pre) => p2::run(store, pre, request, head).await,
        Handler::P3(pre) => p3::run(store, pre, request, head).await,
    }
}
