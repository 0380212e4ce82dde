//! One cell, from its source to its observation.
//!
//! ```text
//! running ──done──────────────────────────────→ observation
//!    │ ├─call, show, answer─→ running
//!    │ └─deadline or interrupt: SIGINT─→ stopping ──done──→ observation
//!    │                                      └─grace: SIGKILL─→ observation, state lost
//!    └─death or violation: SIGKILL──────────────────────────→ observation, state lost
//! ```
//!
//! One call of the cell is served at a time: a new one takes the place of one whose cell was interrupted. While a
//! picture goes to the store the pipe is not read, so a flood of pictures waits in the kernel and not here; the
//! deadline runs on.

use std::{ops::ControlFlow, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use spatialclaw_domain::{Fault, FaultKind, Observation, ShownImage, VisionCall};
use spatialclaw_proto::kernel::v1::{
    self as wire, RunRequest, call::Op, from_kernel::Kind, segment, to_kernel,
};
use tokio::time::{Instant, sleep_until};

use super::{
    signals::Listener,
    worker::{Lost, Worker},
};
use crate::{
    Config,
    feedback::{self, Collected},
    host::{self, Failure, Host, Served},
    picture::Refusal,
    pipe,
};

/// Tool calls left, when nobody counts.
const UNLIMITED: u32 = u32::MAX;
/// Of questions to the vision model and their answers in one observation, which has to fit a message and the journal.
const VISION_BYTES: usize = 256 << 10;
/// Messages of one cell, of whatever kind.
const MESSAGES: u32 = 100_000;

/// What a cell came to.
pub(crate) struct Ran {
    pub(crate) observation: Observation,
    /// Why the kernel is of no use any more, if it is not.
    pub(crate) lost: Option<String>,
}

/// A cell under way.
pub(crate) struct Cell<'a> {
    host: &'a Host,
    config: &'a Config,
    step: u32,
    started: Instant,
    limit: Duration,
    alarm: Instant,
    stopping: Option<Why>,
    collected: Collected,
    shows_left: u32,
    calls_left: u32,
    cell_calls_left: u32,
    picture_bytes_left: u64,
    /// Bytes that the cell's questions to the vision model may still take in its observation.
    vision_bytes_left: usize,
    /// Calls that are no tool's, answers and dropped pictures are not counted otherwise.
    messages_left: u32,
    serving: Option<Serving<'a>>,
    storing: Option<BoxFuture<'a, Result<ShownImage, Refusal>>>,
}

struct Serving<'a> {
    tool: Option<&'static str>,
    started: Instant,
    answer: BoxFuture<'a, Served>,
}

/// Why a cell is being stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Deadline,
    Interrupt,
}

enum Event {
    Heard(Result<Bytes, pipe::Error>),
    Served(Served),
    Stored(Result<ShownImage, Refusal>),
    Alarm,
    Interrupt,
    End(Fault),
}

/// How a cell comes to its end while its kernel keeps to the rules.
enum End {
    Done(wire::Done),
    /// The grace is over.
    Kill(Why),
    /// The lease is over.
    Leave(Fault),
}

const GO_ON: ControlFlow<End> = ControlFlow::Continue(());

impl<'a> Cell<'a> {
    pub(crate) fn new(host: &'a Host, config: &'a Config, run: &RunRequest) -> Self {
        let started = Instant::now();
        let limit = Duration::from_millis(run.deadline_ms.into()).min(config.max_cell);
        Self {
            host,
            config,
            step: run.step,
            started,
            limit,
            alarm: started + limit,
            stopping: None,
            collected: Collected::default(),
            shows_left: run.shown_images_left,
            calls_left: run.tool_calls_left,
            cell_calls_left: config.max_cell_tool_calls,
            picture_bytes_left: config.max_cell_pictures.as_u64(),
            vision_bytes_left: VISION_BYTES,
            messages_left: MESSAGES,
            serving: None,
            storing: None,
        }
    }

    /// Runs the cell to its end.
    ///
    /// # Errors
    /// The fault that ended the kernel's lease while the cell ran, or the end of its template.
    pub(crate) async fn run(
        mut self,
        code: String,
        worker: &mut Worker,
        ends: &mut Listener,
    ) -> Result<Ran, Fault> {
        let work = to_kernel::Kind::Run(wire::Run { step: self.step, code });
        worker.resume();
        let end = match worker.push(work, None) {
            Ok(()) => self.drive(worker, ends).await,
            Err(lost) => Err(lost),
        };
        self.abandon_call();
        match end {
            Ok(End::Done(done)) => {
                // It may lie about having ended: then it does nothing more until the next cell.
                worker.pause();
                Ok(self.done(done))
            }
            Ok(End::Kill(why)) => {
                worker.kill().await;
                Ok(self.killed(why))
            }
            Ok(End::Leave(fault)) => {
                worker.kill().await;
                Err(fault)
            }
            Err(lost) => {
                worker.kill().await;
                if let Lost::Died(None) = lost {
                    // No doing of the cell's.
                    return Err(Fault::new(FaultKind::Unavailable, lost.to_string()));
                }
                Ok(self.lost("KernelDied", lost.to_string()))
            }
        }
    }

    async fn drive(&mut self, worker: &mut Worker, ends: &mut Listener) -> Result<End, Lost> {
        loop {
            let event = self.event(worker, ends).await;
            if let ControlFlow::Break(end) = self.apply(event, worker).await? {
                return Ok(end);
            }
        }
    }

    async fn event(&mut self, worker: &mut Worker, ends: &mut Listener) -> Event {
        let listening = self.storing.is_none();
        tokio::select! {
            fault = ends.ended.wait() => Event::End(fault),
            () = ends.interrupted.wait() => Event::Interrupt,
            () = sleep_until(self.alarm) => Event::Alarm,
            served = served(&mut self.serving) => Event::Served(served),
            stored = optional(&mut self.storing) => Event::Stored(stored),
            heard = worker.turn(listening) => Event::Heard(heard),
        }
    }

    async fn apply(&mut self, event: Event, worker: &mut Worker) -> Result<ControlFlow<End>, Lost> {
        match event {
            Event::Heard(heard) => {
                let kind = worker.understand(heard).await?;
                return self.heard(kind);
            }
            Event::Served(served) => {
                self.serving = None;
                if let Some(call) = served.record {
                    self.collected.called(call);
                }
                self.asked(served.vision);
                worker.push(to_kernel::Kind::Reply(served.reply), served.blob)?;
            }
            Event::Stored(stored) => {
                self.storing = None;
                self.stored(stored);
            }
            Event::Alarm => match self.stopping {
                None => self.stop(Why::Deadline, worker),
                Some(why) => return Ok(ControlFlow::Break(End::Kill(why))),
            },
            Event::Interrupt if self.stopping.is_none() => self.stop(Why::Interrupt, worker),
            Event::Interrupt => {}
            Event::End(fault) => return Ok(ControlFlow::Break(End::Leave(fault))),
        }
        Ok(GO_ON)
    }

    fn stop(&mut self, why: Why, worker: &Worker) {
        tracing::info!(step = self.step, limit = ?self.limit, "stopping a cell");
        worker.interrupt();
        self.stopping = Some(why);
        self.alarm = Instant::now() + self.config.interrupt_grace;
    }

    fn heard(&mut self, kind: Kind) -> Result<ControlFlow<End>, Lost> {
        self.messages_left = self
            .messages_left
            .checked_sub(1)
            .ok_or_else(|| Lost::Violation(format!("more than {MESSAGES} messages in one cell")))?;
        match kind {
            Kind::Done(done) if done.step == self.step => return Ok(ControlFlow::Break(End::Done(done))),
            Kind::Done(done) => {
                return Err(Lost::Violation(format!("the end of step {}, which does not run", done.step)));
            }
            Kind::Ready(_) => return Err(Lost::Violation("`ready` in the middle of a session".to_owned())),
            Kind::Answer(answer) => self.collected.answer(answer),
            Kind::Show(show) => self.show(show),
            Kind::Call(call) => self.call(call)?,
        }
        Ok(GO_ON)
    }

    fn show(&mut self, show: wire::Show) {
        let bytes = show.png.len() as u64;
        if self.shows_left == 0 || bytes > self.picture_bytes_left {
            self.collected.shown_dropped = self.collected.shown_dropped.saturating_add(1);
            return;
        }
        self.shows_left -= 1;
        self.picture_bytes_left -= bytes;
        let host = self.host;
        self.storing = Some(Box::pin(async move {
            let kept = host.pictures().keep(show.png).await?;
            Ok(ShownImage {
                image: kept.artifact,
                label: feedback::label(&show.label),
                frame_index: show.frame_index.filter(|index| host.frame(*index).is_some()),
            })
        }));
    }

    fn stored(&mut self, stored: Result<ShownImage, Refusal>) {
        match stored {
            Ok(shown) => self.collected.shown.push(shown),
            Err(refusal) => {
                tracing::warn!(error = %refusal, "a shown picture is dropped");
                self.collected.shown_dropped = self.collected.shown_dropped.saturating_add(1);
            }
        }
    }

    fn call(&mut self, call: wire::Call) -> Result<(), Lost> {
        // Its cell was interrupted, or it would still be waiting.
        self.abandon_call();
        let op = call.op.ok_or_else(|| Lost::Violation("a call for nothing".to_owned()))?;
        let tool = host::tool(&op);
        let refusal = tool.and_then(|_| self.spend_call().and_then(|()| self.spend_pictures(&op)).err());
        // Refused calls are not recorded, not even one whose cell does not wait for the refusal: they have no end.
        let tool = tool.filter(|_| refusal.is_none());
        let host = self.host;
        let answer: BoxFuture<'a, Served> = match refusal {
            Some(failure) => Box::pin(std::future::ready(Host::refuse(call.call, failure))),
            None => Box::pin(async move { host.serve(call.call, op).await }),
        };
        self.serving = Some(Serving { tool, started: Instant::now(), answer });
        Ok(())
    }

    /// Takes one call from the budgets.
    fn spend_call(&mut self) -> Result<(), Failure> {
        if self.calls_left == 0 {
            return Err(Failure::runtime(
                "no tool calls are left for this question; work with the results you have and answer",
            ));
        }
        if self.cell_calls_left == 0 {
            let limit = self.config.max_cell_tool_calls;
            return Err(Failure::runtime(format!(
                "one cell may make {limit} tool calls; make fewer, on more frames each"
            )));
        }
        if self.calls_left != UNLIMITED {
            self.calls_left -= 1;
        }
        self.cell_calls_left -= 1;
        Ok(())
    }

    /// Takes the pictures that a call brings along, and what else a question to the vision model costs, from the
    /// budgets.
    fn spend_pictures(&mut self, op: &Op) -> Result<(), Failure> {
        let bytes = match op {
            Op::AskVision(ask) => host::picture_bytes(ask),
            Op::Segment(wire::Segment { image: Some(segment::Image::Png(png)), .. }) => png.len() as u64,
            Op::Segment(_) | Op::FetchFrame(_) | Op::Reconstruct(_) => 0,
        };
        if bytes > self.picture_bytes_left {
            let limit = self.config.max_cell_pictures;
            return Err(Failure::runtime(format!(
                "one cell may send {limit} of pictures; ask about fewer or smaller ones, or in another cell"
            )));
        }
        if let Op::AskVision(ask) = op
            && host::record_bytes(ask) > self.vision_bytes_left
        {
            return Err(Failure::runtime(format!(
                "the questions of one cell and their answers may come to {VISION_BYTES} bytes; ask on in another cell"
            )));
        }
        self.picture_bytes_left -= bytes;
        Ok(())
    }

    fn asked(&mut self, call: Option<VisionCall>) {
        if let Some(call) = call {
            self.vision_bytes_left = self.vision_bytes_left.saturating_sub(host::recorded_bytes(&call));
            self.collected.vision.push(call);
        }
    }

    /// Records a call that nobody waits for any more.
    fn abandon_call(&mut self) {
        if let Some(Serving { tool: Some(tool), started, .. }) = self.serving.take() {
            self.collected.called(host::record(tool, started, "KeyboardInterrupt", String::new(), false));
        }
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn done(self, done: wire::Done) -> Ran {
        let (seconds, limit) = (self.seconds(), self.limit);
        let timed_out = self.stopping == Some(Why::Deadline);
        let mut observation = self.collected.observation(seconds, done);
        if let Some(error) =
            observation.error.as_mut().filter(|error| timed_out && error.kind == "KeyboardInterrupt")
        {
            error.kind = "TimeoutError".to_owned();
            error.message =
                format!("the cell reached its limit of {limit:?} and was stopped. {}", error.message);
        }
        Ran { observation, lost: None }
    }

    fn killed(self, why: Why) -> Ran {
        let grace = self.config.interrupt_grace;
        let (kind, cause) = match why {
            Why::Deadline => ("TimeoutError", format!("the cell reached its limit of {:?}", self.limit)),
            Why::Interrupt => ("KeyboardInterrupt", "the cell was interrupted".to_owned()),
        };
        let message = format!(
            "{cause} and did not stop within {grace:?}, so the interpreter was killed and everything this cell did is \
             lost. Do less in one cell: smaller inputs, a coarser stride, fewer iterations; catch `Exception`, never \
             `BaseException`"
        );
        self.lost(kind, message)
    }

    fn lost(self, kind: &str, message: String) -> Ran {
        let (step, seconds) = (self.step, self.seconds());
        let lost = Some(message.clone());
        Ran { observation: self.collected.lost(step, seconds, kind, message), lost }
    }
}

async fn optional<T>(slot: &mut Option<BoxFuture<'_, T>>) -> T {
    match slot {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn served(slot: &mut Option<Serving<'_>>) -> Served {
    match slot {
        Some(serving) => (&mut serving.answer).await,
        None => std::future::pending().await,
    }
}
