//! The actor around a session: performs effects, turns what comes of them into inputs, decides nothing.
//!
//! Every effect that takes time is a task whose end is a message to this actor; the session has at most one request,
//! one append, one kernel and one timer in flight, so the mailbox stays short. A task that panics stops the actor, and
//! the job is delivered again.
//!
//! A kernel is given back by telling its executor, more than once if need be. Should nobody be left to tell, or the
//! link be down, it goes all the same: every kernel is leased for a lease key of its own ([`owner`]) which lies beside
//! it in this actor's state and lapses however that ends. A lease in flight outlives the actor, for the same purpose.

use std::{
    fmt::Display,
    future::Future,
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::FutureExt as _;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use spatialclaw_bus::{Bus, Envelope};
use spatialclaw_domain::{Event, EventKind, Fault, FaultKind, KernelId, Observation, SessionId};
use spatialclaw_models::{ChatRequest, Message, Role};
use spatialclaw_proto::kernel::v1::{
    InterruptRequest, KernelReply, KernelRequest, LeaseReply, LeaseRequest, ReleaseRequest, RunRequest,
    kernel_request::Op,
};
use tokio::{
    sync::oneshot,
    task::{AbortHandle, JoinHandle, JoinSet},
    time::Instant,
};
use tracing::{Instrument as _, Span, field, info_span};

use crate::{
    job::Desk,
    journal,
    session::{Effect, End, Input, Lease, Loss, Run, Session},
    transcript::Transcript,
};

mod owner;
#[cfg(test)]
mod tests;

use owner::{Leased, Owner};

/// A kernel's last reply leaves before its lease key goes; it may come in after that news all the same.
const REPLY_GRACE: Duration = Duration::from_millis(500);
/// Before a journal that could not be followed is followed again.
const FOLLOW_AGAIN: Duration = Duration::from_secs(1);
/// Before a lease key that could not be watched is watched again.
const WATCH_AGAIN: Duration = Duration::from_secs(1);
/// Between two attempts to give a kernel back.
const RELEASE_AGAIN: Duration = Duration::from_secs(1);
/// How long to go on trying to; its owner's key has lapsed long before.
const RELEASE_FOR: Duration = Duration::from_secs(60);

/// Wall clock that never runs backwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    unix_ms: u64,
    since: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { unix_ms: u64::try_from(unix.as_millis()).unwrap_or_default(), since: Instant::now() }
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now(self) -> u64 {
        self.unix_ms.saturating_add(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

pub(crate) struct Shell {
    desk: Desk,
}

impl Shell {
    pub(crate) fn new(desk: Desk) -> Self {
        Self { desk }
    }
}

pub(crate) struct Arguments {
    pub(crate) transcript: Transcript,
    pub(crate) is_last_delivery: bool,
    pub(crate) attempt: u32,
    /// Told how the session's work ended; dropped if it ended badly.
    pub(crate) ended: oneshot::Sender<End>,
}

pub(crate) struct State {
    session: Session,
    id: SessionId,
    clock: Clock,
    ended: Option<oneshot::Sender<End>>,
    /// Aborted with the actor.
    tasks: JoinSet<()>,
    /// The lease in flight, until the session has read what came of it; not aborted with the actor.
    lease: Option<JoinHandle<Leased>>,
    /// What the kernel at hand lives by, or the next one will.
    owner: Option<Owner>,
    timer: Option<AbortHandle>,
    lapse: Option<AbortHandle>,
    solve: Span,
    /// The step being worked on and its span.
    step: (u32, Span),
}

impl Actor for Shell {
    type Msg = Input;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Input>,
        given: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let id = given.transcript.question.session;
        let solve = root_span(&given);
        let clock = Clock::start();
        let last = given.transcript.last;
        let limits = self.desk.config.limits();
        let session = Session::new(given.transcript, limits, given.is_last_delivery, clock.now());
        let mut state = State {
            session,
            id,
            clock,
            ended: Some(given.ended),
            tasks: JoinSet::new(),
            lease: None,
            owner: None,
            timer: None,
            lapse: None,
            step: (0, Span::none()),
            solve,
        };
        state.begin(&myself, follow(self.desk.clone(), id, last, myself.clone()));
        myself.cast(Input::Tick)?;
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Input>,
        input: Input,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        while state.tasks.try_join_next().is_some() {}
        if matches!(input, Input::Leased(_))
            && let Some(lease) = state.lease.take()
        {
            // That input was the last it had to do.
            state.owner = lease.await.ok().and_then(|leased| leased.owner);
        }
        let now = state.clock.now();
        let effects = state.session.handle(input, now)?;
        for effect in effects {
            self.perform(&myself, effect, state).await;
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Input>, state: &mut State) -> Result<(), ActorProcessingErr> {
        // Stopped from outside: nobody waits for the end, but a kernel waits to be given back.
        for effect in state.session.abandon() {
            if let Effect::Release { kernel, interrupt } = effect {
                self.release(kernel, interrupt).await;
                state.owner = None;
            }
        }
        // One that is still being leased, or whose news lies unread in the mailbox, has nobody else either.
        if let Some(lease) = state.lease.take() {
            let shell = Self::new(self.desk.clone());
            let hand_back = async move {
                if let Ok(Leased { kernel: Some(kernel), owner }) = lease.await {
                    shell.release(kernel, false).await;
                    drop(owner);
                }
            };
            tokio::spawn(hand_back.instrument(state.solve.clone()));
        }
        Ok(())
    }
}

impl Shell {
    async fn perform(&self, myself: &ActorRef<Input>, effect: Effect, state: &mut State) {
        match effect {
            Effect::Ask { step, messages } => {
                let span = state.span_of(step);
                state.begin(
                    myself,
                    ask(self.desk.clone(), state.id, messages, myself.clone()).instrument(span),
                );
            }
            Effect::Lease => {
                let question = state.session.transcript().question.clone();
                let request = LeaseRequest { question: Some(question.into()), ..LeaseRequest::default() };
                let lease = lease(self.desk.clone(), request, state.owner.take(), myself.clone());
                state.lease = Some(tokio::spawn(lease.instrument(state.solve.clone())));
            }
            Effect::Run(run) => {
                state.watch(self, run.kernel, myself);
                let span = if run.replay { state.solve.clone() } else { state.span_of(run.step) };
                state.begin(myself, execute(self.desk.clone(), run, myself.clone()).instrument(span));
            }
            Effect::Release { kernel, interrupt } => {
                state.unwatch();
                self.release(kernel, interrupt).instrument(state.solve.clone()).await;
                state.owner = None;
            }
            Effect::Append(kind) => {
                let event = Event { at_unix_ms: state.clock.now(), kind };
                state.note(&event.kind);
                let after = state.session.transcript().last;
                let (desk, id, to) = (self.desk.clone(), state.id, myself.clone());
                let append = async move { tell(&to, journal::append(&desk.bus, id, &event, after).await) };
                let span = state.solve.clone();
                state.begin(myself, append.instrument(span));
            }
            Effect::ReplayDiffers { step, what } => {
                tracing::warn!(session = %state.id, step, what, "a replayed cell came out differently");
            }
            Effect::Wake(at) => state.wake(at, myself),
            Effect::Stop(end) => {
                state.tasks.abort_all();
                if let Some(ended) = state.ended.take() {
                    // A receiver that is gone was told by other means.
                    let _ = ended.send(end);
                }
                myself.stop(None);
            }
        }
    }

    /// Gives a kernel back, now or as soon as its executor can be told.
    async fn release(&self, kernel: KernelId, interrupt: bool) {
        let (desk, interrupt) = (&self.desk, interrupt.then_some(Op::Interrupt(InterruptRequest {})));
        for op in interrupt.into_iter().chain([Op::Release(ReleaseRequest {})]) {
            if let Err(fault) = order(desk, kernel, op).await {
                tracing::debug!(%kernel, %fault, "a kernel could not be given back yet");
                tokio::spawn(insist(desk.clone(), kernel).in_current_span());
                return;
            }
        }
    }
}

impl State {
    fn begin(
        &mut self,
        myself: &ActorRef<Input>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let myself = myself.clone();
        self.tasks.spawn(async move {
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                myself.stop(Some("a task of the session panicked".to_owned()));
            }
        })
    }

    fn span_of(&mut self, step: u32) -> Span {
        if self.step.0 != step {
            let session = self.id;
            let span = info_span!(parent: &self.solve, "step", spatialclaw.step = step, spatialclaw.session = %session);
            self.step = (step, span);
        }
        self.step.1.clone()
    }

    fn wake(&mut self, at: u64, myself: &ActorRef<Input>) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
        let wait = Duration::from_millis(at.saturating_sub(self.clock.now()));
        let to = myself.clone();
        self.timer = Some(self.begin(myself, async move {
            tokio::time::sleep(wait).await;
            tell(&to, Input::Tick);
        }));
    }

    /// Watches the kernel's lease from its first run on.
    fn watch(&mut self, shell: &Shell, kernel: KernelId, myself: &ActorRef<Input>) {
        if self.lapse.is_none() {
            let (bus, to) = (shell.desk.bus.clone(), myself.clone());
            self.lapse = Some(self.begin(myself, async move {
                until_lapsed(&bus, kernel).await;
                tokio::time::sleep(REPLY_GRACE).await;
                tell(&to, Input::Lapsed(kernel));
            }));
        }
    }

    fn unwatch(&mut self) {
        if let Some(lapse) = self.lapse.take() {
            lapse.abort();
        }
    }

    fn note(&self, kind: &EventKind) {
        if let Some(outcome) = kind.outcome() {
            self.solve.record("spatialclaw.outcome", field::debug(outcome));
            self.solve.record("spatialclaw.steps", self.session.transcript().steps());
        }
        if let EventKind::Failed { fault, .. } = kind {
            self.solve.record("error.type", fault.kind.as_str());
            tracing::warn!(session = %self.id, %fault, "a session failed");
        }
    }
}

/// The root of a session's work. It hangs below the submission, whichever delivery it is.
fn root_span(given: &Arguments) -> Span {
    let span = info_span!(
        parent: None,
        "solve",
        spatialclaw.session = %given.transcript.question.session,
        spatialclaw.attempt = given.attempt,
        spatialclaw.resumed_steps = given.transcript.steps(),
        spatialclaw.outcome = field::Empty,
        spatialclaw.steps = field::Empty,
        error.type = field::Empty,
    );
    Envelope::set_parent(&span, &given.transcript.traceparent);
    span
}

/// An actor that is gone needs no news.
fn tell(to: &ActorRef<Input>, input: Input) {
    let _ = to.cast(input);
}

fn subject(kernel: KernelId) -> String {
    format!("kernel.{kernel}")
}

async fn until_lapsed(bus: &Bus, kernel: KernelId) {
    let key = subject(kernel);
    insistently(&key, || bus.lapsed(&key)).await;
}

/// Watches until that works.
async fn insistently<E: Display, Fut>(key: &str, watch: impl Fn() -> Fut)
where
    Fut: Future<Output = Result<(), E>>,
{
    while let Err(error) = watch().await {
        tracing::warn!(key, %error, "a kernel's lease cannot be watched");
        tokio::time::sleep(WATCH_AGAIN).await;
    }
}

async fn order(desk: &Desk, kernel: KernelId, op: Op) -> Result<KernelReply, Fault> {
    let request = KernelRequest { op: Some(op) };
    desk.bus.ask(&subject(kernel), &request, desk.config.release_deadline).await
}

/// Gives a kernel back until its executor has heard it or the kernel is gone.
async fn insist(desk: Desk, kernel: KernelId) {
    let heard = async {
        loop {
            tokio::time::sleep(RELEASE_AGAIN).await;
            if order(&desk, kernel, Op::Release(ReleaseRequest {})).await.is_ok() {
                return;
            }
        }
    };
    let done = async {
        tokio::select! {
            () = heard => {}
            () = until_lapsed(&desk.bus, kernel) => {}
        }
    };
    if tokio::time::timeout(RELEASE_FOR, done).await.is_err() {
        tracing::warn!(%kernel, "a kernel could not be given back; it goes with its owner's lease key");
    }
}

async fn follow(desk: Desk, session: SessionId, after: u64, to: ActorRef<Input>) {
    let mut after = after;
    loop {
        let followed = async {
            let mut follow = desk.bus.follow(session, after).await?;
            loop {
                let (seq, event) = follow.next().await?;
                after = seq;
                tell(&to, Input::Seen(seq, event.kind));
            }
        };
        let followed: Result<std::convert::Infallible, spatialclaw_bus::Error> = followed.await;
        let Err(error) = followed;
        tracing::warn!(%session, %error, "a journal cannot be followed; a cancellation would be noticed late");
        tokio::time::sleep(FOLLOW_AGAIN).await;
    }
}

async fn ask(desk: Desk, session: SessionId, messages: Vec<Message>, to: ActorRef<Input>) {
    let request = ChatRequest { session, role: Role::Code, messages };
    let begun = Instant::now();
    let deadline = desk.config.model_deadline;
    let reply = tokio::time::timeout(deadline, desk.model.chat(&request)).await.unwrap_or_else(|_| {
        Err(Fault::new(FaultKind::Deadline, format!("no reply within {deadline:?} (codegen.model_deadline)")))
    });
    if let Err(fault) = &reply {
        tracing::warn!(%session, %fault, "the model did not reply");
    }
    tell(&to, Input::Replied(reply, begun.elapsed().as_secs_f64()));
}

/// Asks for a kernel that lives by `owner`, or by a fresh one.
async fn lease(desk: Desk, request: LeaseRequest, owner: Option<Owner>, to: ActorRef<Input>) -> Leased {
    let (answer, owner) = match Owner::living(owner, &desk).await {
        Ok(owner) => {
            (reach(&desk, LeaseRequest { owner: owner.key().to_owned(), ..request }).await, Some(owner))
        }
        Err(fault) => (Err(fault), None),
    };
    let kernel = answer.as_ref().ok().map(|lease| lease.kernel);
    // Whoever refuses for want of room has kept nothing. Else a kernel may be there whose news was lost.
    let is_full = answer.as_ref().is_err_and(|fault| fault.kind == FaultKind::Exhausted);
    let owner = owner.filter(|_| kernel.is_some() || is_full);
    tell(&to, Input::Leased(answer));
    Leased { kernel, owner }
}

async fn reach(desk: &Desk, request: LeaseRequest) -> Result<Lease, Fault> {
    let reply: LeaseReply = desk.bus.ask("executor.lease", &request, desk.config.lease_request).await?;
    match reply.kernel.parse() {
        Ok(kernel) => Ok(Lease { kernel, walls: reply.walls }),
        Err(error) => Err(Fault::new(FaultKind::Internal, format!("the executor's lease: {error}"))),
    }
}

async fn execute(desk: Desk, run: Run, to: ActorRef<Input>) {
    let (kernel, step) = (run.kernel, run.step);
    let request = RunRequest {
        step,
        code: run.code,
        deadline_ms: u32::try_from(run.deadline.as_millis()).unwrap_or(u32::MAX),
        shown_images_left: run.shown_images_left,
        tool_calls_left: run.tool_calls_left,
        vision: run.vision.into_iter().map(Into::into).collect(),
    };
    let request = KernelRequest { op: Some(Op::Run(request)) };
    let deadline = run.deadline.saturating_add(desk.config.run_grace);
    let reply = desk.bus.ask::<_, KernelReply>(&subject(kernel), &request, deadline).await;
    tell(&to, Input::Ran { kernel, step, outcome: reply.map_err(loss).and_then(observation) });
}

fn loss(fault: Fault) -> Loss {
    match fault.kind {
        // Whatever it is about this cell, another kernel will not like it either.
        FaultKind::Invalid => Loss::Refused(fault.message),
        _ => Loss::Gone(fault.message),
    }
}

fn observation(reply: KernelReply) -> Result<Observation, Loss> {
    let seen =
        reply.observation.ok_or_else(|| Loss::Gone("its executor answered without an observation".into()))?;
    Observation::try_from(seen)
        .map_err(|error| Loss::Gone(format!("its executor's answer is unreadable: {error}")))
}
