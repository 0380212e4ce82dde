//! The template: one Python process that has imported everything and forks a child per lease.
//!
//! ```text
//! starting ──ready──→ serving ──(fork → forked | refused)*, exited*──→ gone
//! ```
//!
//! The protocol is written down at the top of `services/kernel-worker/src/lib.rs`; [`protocol`] is its shape,
//! [`launch`] starts the process. Answers come in the order of requests, so the requests wait in a queue no longer
//! than there are kernels.
//!
//! Failures: a template that ends, answers out of turn or does not answer a fork in time fails this actor; dropping
//! its state kills the process, and its children with it. The supervisor starts another one.

mod launch;
mod protocol;

use std::{
    collections::{HashMap, VecDeque},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, rpc::CallResult};
use spatialclaw_domain::{Fault, FaultKind, SessionId};
use tokio::{process::Child, sync::watch, time::timeout};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::launch::Site;
pub(crate) use self::protocol::Limits;
use self::protocol::{FromTemplate, Ready, ToTemplate};
use crate::{
    pipe,
    process::{Exit, Process},
};

/// How long the template may take to read a request.
const WRITE_DEADLINE: Duration = Duration::from_secs(5);

/// What one template is like.
pub(crate) struct Template {
    pub(crate) site: Arc<Site>,
    /// Where the living template is published.
    pub(crate) slot: watch::Sender<Option<Handle>>,
}

/// A living template.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    actor: ActorRef<Message>,
    /// Walls of its children, as it names them.
    pub(crate) walls: Arc<str>,
    /// The interpreter's version.
    pub(crate) python: Arc<str>,
    pub(crate) pid: u32,
}

impl Handle {
    /// Forks a child.
    ///
    /// # Errors
    /// `unavailable`: refused, or the template is gone or silent; trying again makes sense.
    pub(crate) async fn fork(&self, order: Order, deadline: Duration) -> Result<Forked, Fault> {
        let unavailable = |why: &str| {
            Fault::new(FaultKind::Unavailable, format!("no kernel could be started: {why}"))
                .retry_after(Duration::from_secs(1))
        };
        match self.actor.call(|reply| Message::Fork(order, reply), Some(deadline)).await {
            Ok(CallResult::Success(answer)) => answer.map_err(|reason| unavailable(&reason)),
            Ok(CallResult::Timeout) => {
                // Nothing is gained by talking on with one that does not answer.
                self.actor.stop(Some(format!("no answer to a fork in {deadline:?}")));
                Err(unavailable("the template does not answer"))
            }
            Ok(CallResult::SenderError) | Err(_) => {
                Err(unavailable("the template ended and is being started again"))
            }
        }
    }
}

/// A child to fork.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) session: SessionId,
    pub(crate) scratch: PathBuf,
    pub(crate) limits: Limits,
    /// A directory whose files the child gets a copy of.
    pub(crate) workspace: Option<PathBuf>,
    /// The child's end of its session's socket.
    pub(crate) socket: OwnedFd,
}

/// A forked child.
#[derive(Debug)]
pub(crate) struct Forked {
    pub(crate) process: Process,
    /// How it ended, once the template has reaped it; closed if the template ended first.
    pub(crate) exit: watch::Receiver<Option<Exit>>,
}

#[derive(Debug)]
pub(crate) enum Message {
    Fork(Order, RpcReplyPort<Result<Forked, String>>),
    /// From the process.
    Heard(FromTemplate, Option<OwnedFd>),
    /// The control socket is of no use any more.
    Ended(String),
}

pub(crate) struct State {
    process: Child,
    writer: pipe::Writer,
    waiting: VecDeque<Waiting>,
    exits: HashMap<u32, watch::Sender<Option<Exit>>>,
    requests: u64,
    _reader: AbortOnDropHandle<()>,
    _log: AbortOnDropHandle<()>,
}

struct Waiting {
    id: u64,
    reply: RpcReplyPort<Result<Forked, String>>,
}

impl Actor for Template {
    type Msg = Message;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Message>, (): ()) -> Result<State, ActorProcessingErr> {
        let (ready, launched) = launch::start(&self.site).await?;
        let handle = Handle {
            actor: myself.clone(),
            walls: ready.walls.as_str().into(),
            python: ready.python.as_str().into(),
            pid: ready.pid,
        };
        announce(&ready);
        let reader = tokio::spawn(listen(launched.reader, myself));
        self.slot.send_replace(Some(handle));
        Ok(State {
            process: launched.process,
            writer: launched.writer,
            waiting: VecDeque::new(),
            exits: HashMap::new(),
            requests: 0,
            _reader: AbortOnDropHandle::new(reader),
            _log: launched.log,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Fork(order, reply) => state.ask(order, reply).await,
            Message::Heard(FromTemplate::Forked { id, pid }, pidfd) => state.forked(id, pid, pidfd),
            Message::Heard(FromTemplate::Refused { id, reason }, _) => {
                // Nobody waits any more for the answer if the lease ran out of time.
                let _late = state.answered(id)?.send(Err(reason));
                Ok(())
            }
            Message::Heard(FromTemplate::Exited { pid, status, signal }, _) => {
                if let Some(exit) = state.exits.remove(&pid) {
                    exit.send_replace(Some(signal.map_or(Exit::Status(status.unwrap_or(0)), Exit::Signal)));
                }
                Ok(())
            }
            Message::Heard(FromTemplate::Ready(_), _) => Err("the template said ready twice".into()),
            Message::Ended(why) => Err(state.how_it_ended(why).await.into()),
        }
    }
}

impl State {
    async fn ask(
        &mut self,
        order: Order,
        reply: RpcReplyPort<Result<Forked, String>>,
    ) -> Result<(), ActorProcessingErr> {
        self.requests += 1;
        let request = ToTemplate::Fork {
            id: self.requests,
            session: order.session.to_string(),
            scratch: order.scratch,
            limits: order.limits,
            workspace: order.workspace,
        };
        self.writer.push(&serde_json::to_vec(&request)?, Some(order.socket))?;
        timeout(WRITE_DEADLINE, self.writer.flush())
            .await
            .map_err(|_| "the template does not read its socket")??;
        self.waiting.push_back(Waiting { id: self.requests, reply });
        Ok(())
    }

    fn forked(&mut self, id: u64, pid: u32, pidfd: Option<OwnedFd>) -> Result<(), ActorProcessingErr> {
        let reply = self.answered(id)?;
        let pidfd = pidfd.ok_or("the template forked a child and sent no descriptor of it")?;
        let (sender, exit) = watch::channel(None);
        self.exits.insert(pid, sender);
        // An answer nobody waits for is dropped, and the child with it.
        let _late = reply.send(Ok(Forked { process: Process::new(pidfd)?, exit }));
        Ok(())
    }

    fn answered(&mut self, id: u64) -> Result<RpcReplyPort<Result<Forked, String>>, ActorProcessingErr> {
        match self.waiting.pop_front() {
            Some(waiting) if waiting.id == id => Ok(waiting.reply),
            _ => Err(format!("the template answered request {id} out of turn").into()),
        }
    }

    async fn how_it_ended(&mut self, why: String) -> String {
        match timeout(Duration::from_secs(1), self.process.wait()).await {
            Ok(Ok(status)) => format!("the template ended ({status})"),
            _ => format!("the template's socket ended: {why}"),
        }
    }
}

fn announce(ready: &Ready) {
    tracing::info!(
        pid = ready.pid,
        python = ready.python,
        walls = ready.walls,
        seconds = ready.seconds,
        packages = ?ready.packages,
        "the template is ready"
    );
}

/// Passes on what the process says. It speaks only when asked or when a child ends, so its messages are as few as
/// kernels.
async fn listen(mut reader: pipe::Reader, actor: ActorRef<Message>) {
    loop {
        let heard = match reader.next().await {
            Ok(frame) => match serde_json::from_slice(&frame.body) {
                Ok(message) => Message::Heard(message, frame.descriptor),
                Err(error) => Message::Ended(format!("unreadable message: {error}")),
            },
            Err(error) => Message::Ended(error.to_string()),
        };
        let ended = matches!(heard, Message::Ended(_));
        if actor.cast(heard).is_err() || ended {
            return;
        }
    }
}

/// The whole chain of why a template is not there, in one line.
pub(crate) fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
