//! One leased kernel.
//!
//! ```text
//! idle ──run──→ running ──observation──→ idle
//!  │               └─state lost─→ gone
//!  └─released, orphaned, idle too long, lease lost, died, drained─→ gone
//! ```
//!
//! A kernel runs one cell at a time and does nothing else meanwhile, so the cell runs inside the actor's handler
//! ([`cell`]). What must reach it while it runs does not come by mail but through [`Signals`]: interrupt, and the end
//! of the lease.
//!
//! The actor owns everything the lease consists of: the process, its scratch directory, its seat in the pool, the
//! subject `kernel.<id>` and the lease key. However it ends, even by a bug, dropping its state gives all of it back.

mod cell;
mod signals;
mod worker;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, rpc::CallResult};
use spatialclaw_bus::{Bus, Lease, Serving};
use spatialclaw_domain::{Fault, FaultKind, KernelId, Observation, SessionId, VisionCall};
use spatialclaw_proto::kernel::v1::{KernelReply, KernelRequest, RunRequest, kernel_request::Op};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, Span, field::Empty, info_span};

pub(crate) use self::worker::{FRAME_LIMIT, Lost, Worker};
use self::{cell::Cell, signals::Signals};
use crate::{Config, host::Host, process::Exit, scratch::KernelDir};

/// Asks of one kernel handled at once: a run, and whatever stops it.
const ASKS: usize = 4;
/// Longest cell, bytes.
const CODE_LIMIT: usize = 1 << 20;
/// Before an owner that could not be watched is watched again.
const WATCH_AGAIN: Duration = Duration::from_secs(1);
/// How long the last reply may take to leave, and the lease key to be released.
const FAREWELL: Duration = Duration::from_secs(5);

/// The kernels there are, for the drain.
#[derive(Clone, Default)]
pub(crate) struct Registry(Arc<Mutex<HashMap<KernelId, Handle>>>);

impl Registry {
    /// Ends the kernels of a session that asks for another: nobody gives them back any more.
    pub(crate) fn supersede(&self, session: SessionId) {
        for handle in self.all().into_iter().filter(|handle| handle.session == session) {
            handle.end(FaultKind::Cancelled, "its session leased another");
        }
    }

    /// Every kernel there is now.
    pub(crate) fn all(&self) -> Vec<Handle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn enter(&self, id: KernelId, handle: Handle) -> Entry {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, handle);
        Entry { registry: self.clone(), id }
    }
}

/// A line in the registry; dropping it strikes it out.
struct Entry {
    registry: Registry,
    id: KernelId,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Everything a kernel actor starts from.
pub(crate) struct Start {
    pub(crate) id: KernelId,
    pub(crate) bus: Bus,
    pub(crate) config: Arc<Config>,
    pub(crate) registry: Registry,
    pub(crate) host: Host,
    pub(crate) worker: Worker,
    pub(crate) scratch: KernelDir,
    pub(crate) seat: OwnedSemaphorePermit,
    /// The lease key of whoever asked for it; empty if there is none.
    pub(crate) owner: String,
}

#[derive(Debug)]
pub(crate) enum Message {
    Run(RunRequest, Span, RpcReplyPort<Result<Observation, Fault>>),
    /// The process ended while no cell ran.
    Died(Option<Exit>),
    /// Nothing was asked for too long, or the lease was lost.
    Leave(String),
}

/// A kernel, as those who ask something of it hold it.
#[derive(Clone)]
pub(crate) struct Handle {
    id: KernelId,
    session: SessionId,
    actor: ActorRef<Message>,
    signals: Arc<Signals>,
    usage: Arc<Usage>,
}

/// Whether a cell runs, and when something was asked last.
struct Usage {
    is_busy: AtomicBool,
    last: Mutex<Instant>,
}

impl Usage {
    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run a cell; one at a time.
struct Turn<'a>(&'a Usage);

impl<'a> Turn<'a> {
    fn take(usage: &'a Usage) -> Option<Self> {
        usage.touch();
        (!usage.is_busy.swap(true, Ordering::AcqRel)).then_some(Self(usage))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.touch();
        self.0.is_busy.store(false, Ordering::Release);
    }
}

impl Handle {
    /// Answers an ask on `kernel.<id>`.
    async fn serve(&self, request: KernelRequest) -> Result<KernelReply, Fault> {
        self.usage.touch();
        let observation = match request.op {
            Some(Op::Run(run)) => Some(self.run(run).await?.into()),
            Some(Op::Interrupt(_)) => {
                self.signals.interrupt();
                None
            }
            Some(Op::Release(_)) => {
                self.end(FaultKind::Cancelled, "it was released");
                None
            }
            None => return Err(Fault::new(FaultKind::Invalid, "a kernel can run, interrupt and release")),
        };
        Ok(KernelReply { observation })
    }

    async fn run(&self, run: RunRequest) -> Result<Observation, Fault> {
        if let Some(fault) = self.signals.ended() {
            return Err(fault);
        }
        if run.deadline_ms == 0 || run.code.len() > CODE_LIMIT {
            let message = format!("a cell needs a deadline and at most {CODE_LIMIT} bytes of code");
            return Err(Fault::new(FaultKind::Invalid, message));
        }
        let Some(_turn) = Turn::take(&self.usage) else {
            let message = format!("kernel {} runs another cell; wait for it or interrupt it", self.id);
            return Err(Fault::new(FaultKind::Conflict, message));
        };
        let span = info_span!(
            "execute_cell",
            spatialclaw.kernel = %self.id,
            spatialclaw.step = run.step,
            spatialclaw.code_bytes = run.code.len(),
            spatialclaw.tool_calls = Empty,
            spatialclaw.error = Empty,
            spatialclaw.state_lost = Empty,
        );
        match self.actor.call(|reply| Message::Run(run, span, reply), None).await {
            Ok(CallResult::Success(answer)) => answer,
            _ => Err(self.signals.ended().unwrap_or_else(|| gone(self.id, "it ended"))),
        }
    }

    /// Ends the lease: a running cell is given up.
    pub(crate) fn end(&self, kind: FaultKind, why: &str) {
        self.signals.end(Fault::new(kind, format!("kernel {} is gone: {why}", self.id)));
        self.actor.stop(Some(why.to_owned()));
    }

    /// Ends the lease once the running cell has ended.
    pub(crate) fn end_after_cell(&self, why: &str) {
        self.actor.stop(Some(why.to_owned()));
    }
}

fn gone(id: KernelId, why: &str) -> Fault {
    Fault::new(
        FaultKind::Unavailable,
        format!("kernel {id} is gone: {why}; lease another and run its cells again"),
    )
}

/// A leased kernel's actor.
pub(crate) struct Kernel;

pub(crate) struct State {
    worker: Worker,
    host: Host,
    config: Arc<Config>,
    handle: Handle,
    presence: Presence,
    belongings: Option<Belongings>,
    _watchers: [AbortOnDropHandle<()>; 3],
}

/// Given back last, in this order.
struct Belongings {
    scratch: KernelDir,
    entry: Entry,
    seat: OwnedSemaphorePermit,
}

impl Belongings {
    async fn give_back(self) {
        let scratch = self.scratch;
        // Files are removed here; a failure is logged there.
        let _removed = tokio::task::spawn_blocking(move || drop(scratch)).await;
        drop(self.entry);
        drop(self.seat);
    }
}

impl Actor for Kernel {
    type Msg = Message;
    type State = State;
    type Arguments = Start;

    async fn pre_start(&self, myself: ActorRef<Message>, start: Start) -> Result<State, ActorProcessingErr> {
        let handle = Handle {
            id: start.id,
            session: start.host.session(),
            actor: myself.clone(),
            signals: Arc::new(Signals::new()),
            usage: Arc::new(Usage { is_busy: AtomicBool::new(false), last: Mutex::new(Instant::now()) }),
        };
        let presence = Presence::open(&start, &handle).await?;
        let died = tokio::spawn(watch_death(start.worker.exit(), myself.clone()));
        let idle = tokio::spawn(watch_idle(handle.clone(), start.config.idle_deadline));
        let orphaned = tokio::spawn(watch_owner(start.bus.clone(), start.owner, handle.clone()));
        Ok(State {
            worker: start.worker,
            host: start.host,
            config: start.config,
            presence,
            belongings: Some(Belongings {
                scratch: start.scratch,
                entry: start.registry.enter(start.id, handle.clone()),
                seat: start.seat,
            }),
            handle,
            _watchers: [died, idle, orphaned].map(AbortOnDropHandle::new),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Run(run, span, reply) => {
                let (answer, lost) = state.run(run).instrument(span).await;
                if let Some(why) = lost {
                    state.leave(&myself, &why);
                }
                // The asker may have given up; the kernel's state is the same.
                let _abandoned = reply.send(answer);
            }
            Message::Died(exit) => state.leave(&myself, &Lost::Died(exit).to_string()),
            Message::Leave(why) => state.leave(&myself, &why),
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Message>, state: &mut State) -> Result<(), ActorProcessingErr> {
        let id = state.handle.id;
        state.handle.signals.end(gone(id, "its lease has ended"));
        state.worker.kill().await;
        state.presence.close().await;
        // Not left to the drop of the state: that happens in the supervisor's time.
        if let Some(belongings) = state.belongings.take() {
            belongings.give_back().await;
        }
        Ok(())
    }
}

impl State {
    /// Later asks are told why.
    fn leave(&self, myself: &ActorRef<Message>, why: &str) {
        tracing::info!(kernel = %self.handle.id, why, "a kernel ends");
        self.handle.signals.end(gone(self.handle.id, why));
        myself.stop(Some(why.to_owned()));
    }

    /// Runs a cell; the second value says why the kernel is of no use after it, if so.
    async fn run(&mut self, mut run: RunRequest) -> (Result<Observation, Fault>, Option<String>) {
        let recorded = std::mem::take(&mut run.vision).into_iter().map(VisionCall::try_from);
        match recorded.collect() {
            Ok(recorded) => self.host.begin(recorded),
            // To ask anew would be to pay twice.
            Err(error) => return (Err(Fault::from(error)), None),
        }
        let mut ends = self.handle.signals.listen();
        let cell = Cell::new(&self.host, &self.config, &run);
        match Box::pin(cell.run(run.code, &mut self.worker, &mut ends)).await {
            Ok(ran) => {
                note(&ran.observation);
                (Ok(ran.observation), ran.lost)
            }
            Err(fault) => {
                let why = fault.message.clone();
                (Err(fault), Some(why))
            }
        }
    }
}

fn note(seen: &Observation) {
    let span = Span::current();
    span.record("spatialclaw.tool_calls", seen.tool_calls.len());
    span.record("spatialclaw.state_lost", seen.state_lost);
    if let Some(error) = &seen.error {
        span.record("spatialclaw.error", error.kind.as_str());
    }
}

/// The kernel on the bus: its subject and its lease key.
struct Presence {
    leave: Option<oneshot::Sender<()>>,
    keeper: JoinHandle<()>,
}

impl Presence {
    async fn open(start: &Start, handle: &Handle) -> Result<Self, ActorProcessingErr> {
        let subject = format!("kernel.{}", start.id);
        let lease = start.bus.hold(&subject, start.config.lease_ttl).await?;
        let served = handle.clone();
        let serve = move |request| {
            let handle = served.clone();
            async move { handle.serve(request).await }
        };
        let serving = start.bus.serve(&subject, ASKS, serve).await?;
        let (leave, left) = oneshot::channel();
        let keeper = tokio::spawn(keep(serving, lease, left, handle.clone()));
        Ok(Self { leave: Some(leave), keeper })
    }

    async fn close(&mut self) {
        // The keeper ends by itself if the lease is lost.
        let _left = self.leave.take().map(|leave| leave.send(()));
        if timeout(2 * FAREWELL, &mut self.keeper).await.is_err() {
            self.keeper.abort();
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Serves and holds until told to leave; the last reply leaves before the key is released.
async fn keep(mut serving: Serving, mut lease: Lease, left: oneshot::Receiver<()>, handle: Handle) {
    tokio::select! {
        _ = left => {}
        () = lease.lost() => handle.end(FaultKind::Unavailable, "its lease key was lost"),
        error = serving.failed() => handle.end(FaultKind::Unavailable, &format!("its subject is closed: {error}")),
    }
    serving.drain(FAREWELL).await;
    lease.release().await;
}

async fn watch_death(mut exit: tokio::sync::watch::Receiver<Option<Exit>>, actor: ActorRef<Message>) {
    let exit = exit.wait_for(Option::is_some).await.map_or(None, |exit| *exit);
    // A cell that runs has noticed by itself.
    let _noticed = actor.cast(Message::Died(exit));
}

/// Nobody gives back the kernel of an owner that died, and nobody waits for its cell.
async fn watch_owner(bus: Bus, owner: String, handle: Handle) {
    if owner.is_empty() {
        return;
    }
    while let Err(error) = bus.lapsed(&owner).await {
        tracing::warn!(kernel = %handle.id, %owner, %error, "a kernel's owner cannot be watched");
        tokio::time::sleep(WATCH_AGAIN).await;
    }
    handle.end(FaultKind::Cancelled, "its owner is gone");
}

async fn watch_idle(handle: Handle, limit: Duration) {
    let is_busy = || handle.usage.is_busy.load(Ordering::Acquire);
    loop {
        // The end of a cell counts as an ask.
        let until = if is_busy() { Instant::now() } else { handle.usage.last() };
        tokio::time::sleep_until(until + limit).await;
        if !is_busy() && handle.usage.last() + limit <= Instant::now() {
            let _gone = handle.actor.cast(Message::Leave(format!("nothing was asked of it for {limit:?}")));
            return;
        }
    }
}
