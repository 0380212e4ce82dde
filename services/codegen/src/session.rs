//! A session as a function: state and input to next state and effects. No I/O, no async, no clock inside.
//!
//! ```text
//!                       ┌────────────────────────── observed ──────────────────────────┐
//!                       ▼                                                              │
//!  fold ──→ decide ──→ ask the model ──reply──→ append cell_written ──→ run the cell ──┘
//!             │  └───→ lease a kernel ──→ replay observed cells ──────────↗    │
//!             │                    ▲                                           │ kernel lost
//!             │                    └───────────── append kernel_lost ──────────┘
//!             └──→ append answered | unanswered | failed ──→ stop
//! ```
//!
//! What to do next is derived from the [`Transcript`] alone, so a resumed session needs nothing that the journal does
//! not hold. Beside it the session only knows what is in flight: at most one request to the model, one kernel (being
//! leased, replaying, idle or running) and one append. A cell runs only after it is journaled, and nothing is decided
//! while an append is under way.
//!
//! Failures:
//! * **a kernel goes away**: `kernel_lost`, a fresh one, replay, the cell again; after [`Limits::kernel_losses`] of
//!   one cell the loss is what the model gets to see, after [`Limits::session_losses`] the session fails;
//! * **a cell costs its interpreter** (it crashed, or had to be killed): the model gets to see that; it is no loss;
//! * **every kernel is leased**: again, about every second, for as long as it takes;
//! * **the model or the lease does not come**: again after a growing wait, then the job goes back to its queue, or the
//!   session fails if this was its last delivery;
//! * **an append is refused**: somebody cancelled the question or owns it now: stop;
//! * **an append cannot be made**: the job goes back to its queue, or the session fails if that would not help;
//! * **a budget is used up**: `unanswered`, saying which.

mod loss;
mod replay;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod tests;
mod words;

use std::{collections::VecDeque, time::Duration};

use spatialclaw_domain::{Cell, Digest, Event, EventKind, Fault, FaultKind, KernelId, Observation, Usage};
use spatialclaw_models::ChatReply;

use crate::{
    parse::{Reply, parse},
    prompt::{self, char_boundary},
    transcript::{Error, Transcript},
    verdict,
};
use loss::{gave_up_on, loss_of, refusal};
pub use words::{Effect, End, Input, Lease, Limits, Loss, MAX_BACKOFF, MAX_FULL_BACKOFF, Run};

/// The longest reply that is read; a longer one would not fit a journal entry.
const MAX_REPLY_BYTES: usize = 200_000;
/// Times an entry is appended, all retries of each counted as one, when nobody would go on after us.
const LAST_APPENDS: u32 = 3;
/// Bytes of the reason why an entry could not be made.
const MAX_REASON_BYTES: usize = 1000;

/// The request to the model.
#[derive(Clone, Debug)]
enum Desk {
    Idle { not_before: u64 },
    Asked,
}

/// The kernel.
#[derive(Clone, Debug)]
enum Hands {
    Empty { not_before: u64 },
    Reaching,
    Holding(Holding),
}

#[derive(Clone, Debug)]
struct Holding {
    lease: Lease,
    /// How many of the transcript's replayable cells it has run.
    ran: usize,
    running: Option<Run>,
}

/// One question from plan to answer.
#[derive(Clone, Debug)]
pub struct Session {
    limits: Limits,
    transcript: Transcript,
    is_last_delivery: bool,
    /// Milliseconds since the Unix epoch; moves while a cell waits for a kernel.
    deadline: u64,
    /// When the last input came.
    at: u64,
    /// Since then a written cell has only waited for a kernel.
    is_waiting: bool,
    desk: Desk,
    model_faults: u32,
    hands: Hands,
    lease_faults: u32,
    reaching_since: u64,
    /// To be appended, in order; the first is under way when `appending`.
    outbox: VecDeque<EventKind>,
    /// Paid for in replays that asked otherwise than the first time; booked with the next observation.
    unbooked: Usage,
    appending: bool,
    append_faults: u32,
    wake_at: Option<u64>,
    stopped: bool,
}

impl Session {
    /// A session taken up at `now` (milliseconds since the Unix epoch) where its journal stands.
    ///
    /// The question's clock counts work, not waiting: what the journal accounts for, and the time since `now` but for
    /// that in which a written cell waits for a kernel.
    pub fn new(transcript: Transcript, limits: Limits, is_last_delivery: bool, now: u64) -> Self {
        let worked = Duration::from_secs_f64(transcript.seconds_worked().min(1e9));
        let left = transcript.question.budget.question().saturating_sub(worked);
        Self {
            limits,
            transcript,
            is_last_delivery,
            deadline: now.saturating_add(millis(left)),
            at: now,
            is_waiting: false,
            desk: Desk::Idle { not_before: now },
            model_faults: 0,
            hands: Hands::Empty { not_before: now },
            lease_faults: 0,
            reaching_since: now,
            outbox: VecDeque::new(),
            unbooked: Usage::default(),
            appending: false,
            append_faults: 0,
            wake_at: None,
            stopped: false,
        }
    }

    /// What the journal says so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Takes an input at `now`; never fails on input that comes late or twice.
    ///
    /// # Errors
    /// If the session's own entry does not fit its own transcript: a bug.
    pub fn handle(&mut self, input: Input, now: u64) -> Result<Vec<Effect>, Error> {
        let mut effects = Vec::new();
        if self.stopped {
            if let Input::Leased(Ok(lease)) = input {
                effects.push(Effect::Release { kernel: lease.kernel, interrupt: false });
            }
            return Ok(effects);
        }
        self.pass(now);
        match input {
            Input::Tick => self.wake_at = None,
            Input::Replied(reply, seconds) => self.replied(reply, seconds, now, &mut effects),
            Input::Leased(lease) => self.leased(lease, now, &mut effects),
            Input::Ran { kernel, step, outcome } => self.ran(kernel, step, outcome, now, &mut effects),
            Input::Lapsed(kernel) => self.lapsed(kernel, now, &mut effects),
            Input::Appended(seq) => self.appended(seq)?,
            Input::Refused(entries) => self.refused(&entries, &mut effects)?,
            Input::NotAppended(fault) => self.not_appended(fault, now, &mut effects),
            Input::Seen(seq, kind) => self.seen(seq, &kind, &mut effects),
        }
        self.advance(now, &mut effects);
        self.is_waiting = self.transcript.pending().is_some() && !matches!(self.hands, Hands::Holding(_));
        Ok(effects)
    }

    /// Time goes on to `now`.
    fn pass(&mut self, now: u64) {
        if self.is_waiting {
            self.deadline = self.deadline.saturating_add(now.saturating_sub(self.at));
        }
        self.at = self.at.max(now);
    }

    /// Puts everything down because nobody waits for this session any more; somebody will go on from its journal.
    pub fn abandon(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.stopped {
            let reason = "the job was taken away".to_owned();
            self.stop(End::Later { wait: self.limits.retry_wait, reason }, &mut effects);
        }
        effects
    }

    // ---- what happened ----------------------------------------------------

    fn replied(
        &mut self,
        reply: Result<ChatReply, Fault>,
        seconds: f64,
        now: u64,
        effects: &mut Vec<Effect>,
    ) {
        if !matches!(self.desk, Desk::Asked) || self.is_closing() {
            return;
        }
        match reply {
            Ok(reply) => {
                self.desk = Desk::Idle { not_before: now };
                self.model_faults = 0;
                let entry = self.read(reply, seconds, now);
                self.outbox.push_back(entry);
            }
            Err(fault) => {
                self.model_faults += 1;
                let wait = self.backoff(self.model_faults, self.limits.model_backoff, MAX_BACKOFF, &fault);
                self.desk = Desk::Idle { not_before: now.saturating_add(wait) };
                if !fault.is_retryable() || self.model_faults >= self.limits.model_attempts {
                    self.give_up("ask the model", fault, now, effects);
                }
            }
        }
    }

    fn read(&self, reply: ChatReply, seconds: f64, now: u64) -> EventKind {
        let step = self.transcript.steps() + 1;
        let ChatReply { text, finish, usage, model } = reply;
        if text.len() > MAX_REPLY_BYTES {
            let reason =
                format!("the reply is {} bytes long, at most {MAX_REPLY_BYTES} are read", text.len());
            let cut = char_boundary(&text, MAX_REPLY_BYTES);
            return EventKind::ReplyRejected { step, reason, raw: text[..cut].to_owned(), usage };
        }
        match parse(&text, finish) {
            Ok(Reply::Cell(draft)) => {
                let cell = Cell {
                    step,
                    purpose: draft.purpose,
                    reasoning: draft.reasoning,
                    next_goal: draft.next_goal,
                    code: draft.code,
                };
                EventKind::CellWritten { cell, raw: text, usage, model, seconds }
            }
            Ok(Reply::CannotAnswer(reason)) => {
                let mut total = self.transcript.usage;
                total += usage;
                let seconds = self.seconds(now);
                EventKind::Unanswered { reason, steps: self.transcript.steps(), usage: total, seconds }
            }
            Err(error) => EventKind::ReplyRejected { step, reason: error.to_string(), raw: text, usage },
        }
    }

    fn leased(&mut self, lease: Result<Lease, Fault>, now: u64, effects: &mut Vec<Effect>) {
        let reaching = matches!(self.hands, Hands::Reaching);
        match lease {
            Ok(lease) if reaching && !self.is_closing() => {
                self.lease_faults = 0;
                self.hands = Hands::Holding(Holding { lease, ran: 0, running: None });
            }
            Ok(lease) => effects.push(Effect::Release { kernel: lease.kernel, interrupt: false }),
            Err(fault) if reaching && !self.is_closing() => {
                self.lease_faults += 1;
                // Somebody is there, with all hands full: worth waiting for, like the queue before it.
                let is_full = fault.kind == FaultKind::Exhausted;
                let longest = if is_full { MAX_FULL_BACKOFF } else { MAX_BACKOFF };
                let wait = self.backoff(self.lease_faults, self.limits.lease_backoff, longest, &fault);
                self.hands = Hands::Empty { not_before: now.saturating_add(wait) };
                if is_full {
                    self.reaching_since = now;
                    return;
                }
                let late = now >= self.reaching_since.saturating_add(millis(self.limits.lease_deadline));
                if !fault.is_retryable() || late {
                    self.give_up("lease a kernel", fault, now, effects);
                }
            }
            Err(_) => {}
        }
    }

    fn ran(
        &mut self,
        kernel: KernelId,
        step: u32,
        outcome: Result<Observation, Loss>,
        now: u64,
        effects: &mut Vec<Effect>,
    ) {
        let Hands::Holding(holding) = &mut self.hands else { return };
        if holding.lease.kernel != kernel || holding.running.as_ref().map(|run| run.step) != Some(step) {
            return;
        }
        let Some(run) = holding.running.take() else { return };
        match outcome {
            Err(Loss::Gone(reason)) => self.lose(step, reason, now, effects),
            // The first time it did not: that is no doing of the cell's.
            Ok(seen) if seen.state_lost && run.replay => {
                self.lose(step, loss_of(&seen), now, effects);
            }
            outcome if run.replay => {
                holding.ran += 1;
                self.unbooked += outcome.as_ref().map(|seen| seen.vision_usage).unwrap_or_default();
                let first = self.transcript.replayed().find(|(_, cell, _)| cell.step == step);
                if let (Ok(seen), Some((_, _, first))) = (outcome, first)
                    && let Some(what) = replay::difference(first, &seen)
                {
                    effects.push(Effect::ReplayDiffers { step, what });
                }
            }
            Ok(seen) => self.observe(Observation { step, ..seen }, now, effects),
            Err(Loss::Refused(reason)) => self.observe(refusal(step, reason), now, effects),
        }
    }

    fn observe(&mut self, mut seen: Observation, now: u64, effects: &mut Vec<Effect>) {
        let mut walls = String::new();
        if let Hands::Holding(holding) = &mut self.hands {
            walls.clone_from(&holding.lease.walls);
            holding.ran += 1;
        }
        if seen.state_lost {
            self.put_down(now, effects);
        }
        seen.vision_usage += std::mem::take(&mut self.unbooked);
        self.outbox.push_back(EventKind::Observed { observation: seen, walls });
    }

    fn lapsed(&mut self, kernel: KernelId, now: u64, effects: &mut Vec<Effect>) {
        let Hands::Holding(holding) = &self.hands else { return };
        if holding.lease.kernel == kernel {
            let running = holding.running.as_ref().map(|run| run.step);
            let next =
                || self.transcript.pending().map_or(self.transcript.steps() + 1, |next| next.cell.step);
            let step = running.unwrap_or_else(next);
            self.lose(step, "its executor went silent".to_owned(), now, effects);
        }
    }

    fn lose(&mut self, step: u32, reason: String, now: u64, effects: &mut Vec<Effect>) {
        self.put_down(now, effects);
        if !self.is_closing() {
            self.outbox.push_back(EventKind::KernelLost { step, reason });
        }
    }

    fn appended(&mut self, seq: u64) -> Result<(), Error> {
        if !std::mem::take(&mut self.appending) {
            return Ok(());
        }
        self.append_faults = 0;
        match self.outbox.pop_front() {
            Some(kind) => self.transcript.apply(seq, &kind),
            None => Ok(()),
        }
    }

    fn not_appended(&mut self, fault: Fault, now: u64, effects: &mut Vec<Effect>) {
        if !std::mem::take(&mut self.appending) {
            return;
        }
        self.append_faults += 1;
        if fault.is_retryable() && !self.is_last_delivery {
            self.stop(self.later(&fault), effects);
            return;
        }
        if fault.is_retryable() && self.append_faults < LAST_APPENDS {
            return;
        }
        if matches!(self.outbox.pop_front(), Some(EventKind::Failed { .. })) {
            self.stop(self.later(&fault), effects);
            return;
        }
        // Small enough for any journal.
        let message = format!("write the journal: {}", fault.message);
        let cut = char_boundary(&message, MAX_REASON_BYTES);
        self.outbox.clear();
        self.fail(Fault::new(fault.kind, &message[..cut]), now);
    }

    fn refused(&mut self, entries: &[(u64, Event)], effects: &mut Vec<Effect>) -> Result<(), Error> {
        // One that seemed to have failed stands after all.
        if let (1.., Some((seq, first))) = (self.append_faults, entries.first())
            && self.outbox.front() == Some(&first.kind)
        {
            return self.appended(*seq);
        }
        let end = match entries.last().is_some_and(|(_, event)| event.kind.outcome().is_some()) {
            true => End::Finished,
            false => End::Yield { wait: self.limits.yield_wait },
        };
        self.stop(end, effects);
        Ok(())
    }

    fn seen(&mut self, seq: u64, kind: &EventKind, effects: &mut Vec<Effect>) {
        let is_ours = seq <= self.transcript.last || (self.appending && self.outbox.front() == Some(kind));
        if !is_ours && kind.outcome().is_some() {
            self.stop(End::Finished, effects);
        }
    }

    // ---- what to do -------------------------------------------------------

    fn advance(&mut self, now: u64, effects: &mut Vec<Effect>) {
        if self.stopped {
            return;
        }
        if self.transcript.outcome.is_some() {
            self.stop(End::Finished, effects);
            return;
        }
        if self.outbox.is_empty() {
            self.decide(now, effects);
        }
        if self.is_closing() {
            self.put_down(now, effects);
        }
        if let (false, Some(next)) = (self.appending, self.outbox.front()) {
            effects.push(Effect::Append(next.clone()));
            self.appending = true;
        }
        self.wake(now, effects);
    }

    /// What the transcript calls for, with no append under way.
    fn decide(&mut self, now: u64, effects: &mut Vec<Effect>) {
        if let Some(closing) = self.closing(now) {
            self.outbox.push_back(closing);
            return;
        }
        match self.transcript.pending() {
            Some(pending) if pending.losses >= self.limits.kernel_losses.max(1) => {
                let seen = gave_up_on(pending.cell.step, pending.losses);
                self.outbox.push_back(EventKind::Observed { observation: seen, walls: String::new() });
            }
            Some(_) => self.use_kernel(now, effects),
            None => {
                self.use_kernel(now, effects);
                self.use_model(now, effects);
            }
        }
    }

    fn use_model(&mut self, now: u64, effects: &mut Vec<Effect>) {
        if matches!(self.desk, Desk::Idle { not_before } if not_before <= now) {
            self.desk = Desk::Asked;
            let messages = prompt::conversation(&self.transcript, self.limits.key_frames);
            effects.push(Effect::Ask { step: self.transcript.steps() + 1, messages });
        }
    }

    fn use_kernel(&mut self, now: u64, effects: &mut Vec<Effect>) {
        let next = self.next_run(now);
        match &mut self.hands {
            Hands::Empty { not_before } if *not_before <= now => {
                if self.lease_faults == 0 {
                    self.reaching_since = now;
                }
                self.hands = Hands::Reaching;
                effects.push(Effect::Lease);
            }
            Hands::Holding(holding @ Holding { running: None, .. }) => {
                holding.running.clone_from(&next);
                effects.extend(next.map(Effect::Run));
            }
            Hands::Empty { .. } | Hands::Reaching | Hands::Holding(_) => {}
        }
    }

    /// The next cell the kernel at hand has to run: one it has not replayed yet, else the pending one.
    fn next_run(&self, now: u64) -> Option<Run> {
        let Hands::Holding(holding) = &self.hands else { return None };
        let replay = self.transcript.replayed().nth(holding.ran);
        let replay = replay.map(|(at, cell, first)| (at, cell, Some(first)));
        let pending =
            || self.transcript.pending().map(|next| (self.transcript.turns.len() - 1, next.cell, None));
        let (at, cell, first) = replay.or_else(pending)?;
        let budget = &self.transcript.question.budget;
        let limit = first.map_or(budget.cell(), |first| replay::limit(first).min(budget.cell()));
        let replay = first.is_some();
        let spent = self.transcript.spent(at);
        Some(Run {
            kernel: holding.lease.kernel,
            step: cell.step,
            code: cell.code.clone(),
            deadline: limit.min(Duration::from_millis(self.deadline.saturating_sub(now).max(1))),
            shown_images_left: budget.shown_images.saturating_sub(spent.shown_images),
            tool_calls_left: match budget.tool_calls {
                0 => u32::MAX,
                calls => calls.saturating_sub(spent.tool_calls),
            },
            replay,
            vision: if replay { self.transcript.told(at) } else { self.transcript.told_in_vain() },
        })
    }

    /// The entry that ends the session, if it is time.
    fn closing(&self, now: u64) -> Option<EventKind> {
        let (steps, usage, seconds) = (self.transcript.steps(), self.transcript.usage, self.seconds(now));
        if self.transcript.losses >= self.limits.session_losses.max(1) {
            let message = format!("{} kernels were lost under this question", self.transcript.losses);
            let fault = Fault::new(FaultKind::Unavailable, message);
            return Some(EventKind::Failed { fault, steps, usage, seconds });
        }
        let is_late = now >= self.deadline;
        match verdict::of(&self.transcript, self.limits.answer_bounces, is_late)? {
            verdict::Verdict::Answered(answer) => {
                let evidence = self.transcript.evidence();
                Some(EventKind::Answered { answer, steps, usage, seconds, evidence })
            }
            verdict::Verdict::Unanswered(reason) => {
                Some(EventKind::Unanswered { reason, steps, usage, seconds })
            }
        }
    }

    // ---- helpers ----------------------------------------------------------

    /// Whether the entry that ends the session is on its way.
    fn is_closing(&self) -> bool {
        self.outbox.iter().any(|kind| kind.outcome().is_some())
    }

    fn give_up(&mut self, what: &str, fault: Fault, now: u64, effects: &mut Vec<Effect>) {
        let fault = Fault { message: format!("{what}: {}", fault.message), ..fault };
        if fault.is_retryable() && !self.is_last_delivery {
            self.stop(self.later(&fault), effects);
            return;
        }
        self.fail(fault, now);
    }

    fn fail(&mut self, fault: Fault, now: u64) {
        let (steps, usage, seconds) = (self.transcript.steps(), self.transcript.usage, self.seconds(now));
        self.outbox.push_back(EventKind::Failed { fault, steps, usage, seconds });
    }

    fn later(&self, fault: &Fault) -> End {
        let wait = fault.retry_after.unwrap_or_default().max(self.limits.retry_wait);
        End::Later { wait, reason: fault.message.clone() }
    }

    fn stop(&mut self, end: End, effects: &mut Vec<Effect>) {
        self.put_down(0, effects);
        self.stopped = true;
        effects.push(Effect::Stop(end));
    }

    fn put_down(&mut self, now: u64, effects: &mut Vec<Effect>) {
        if let Hands::Holding(holding) = &self.hands {
            let (kernel, interrupt) = (holding.lease.kernel, holding.running.is_some());
            effects.push(Effect::Release { kernel, interrupt });
            self.hands = Hands::Empty { not_before: now };
        }
    }

    fn wake(&mut self, now: u64, effects: &mut Vec<Effect>) {
        if self.is_closing() {
            return;
        }
        let waits = [
            Some(self.deadline),
            match self.desk {
                Desk::Idle { not_before } => Some(not_before),
                Desk::Asked => None,
            },
            match self.hands {
                Hands::Empty { not_before } => Some(not_before),
                Hands::Reaching | Hands::Holding(_) => None,
            },
        ];
        let next = waits.into_iter().flatten().filter(|at| *at > now).min();
        if next != self.wake_at {
            self.wake_at = next;
            effects.extend(next.map(Effect::Wake));
        }
    }

    /// Wall clock since the submission.
    fn seconds(&self, now: u64) -> f64 {
        Duration::from_millis(now.saturating_sub(self.transcript.submitted_at)).as_secs_f64()
    }

    /// Doubles with every attempt up to `longest`; spread by half up and down so that sessions do not march in step.
    fn backoff(&self, attempt: u32, first: Duration, longest: Duration, fault: &Fault) -> u64 {
        let doubled = first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(longest);
        let dice = Digest::of(format!("{}:{attempt}", self.transcript.question.session).as_bytes());
        let spread = 0.5 + f64::from(dice.as_bytes()[0]) / 255.0;
        millis(doubled.mul_f64(spread).max(fault.retry_after.unwrap_or_default().min(longest)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
