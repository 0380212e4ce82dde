//! One delivery of a plan job.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use spatialclaw_bus::{self as bus, AppendError, Bus, Delivery, Done, Queue};
use spatialclaw_domain::{Digest, Event, EventKind, Fault, FaultKind, Plan, Question, SessionId, Usage};
use spatialclaw_models::{ChatReply, ChatRequest, LanguageModel, Role};
use spatialclaw_proto::session::v1::{PlanJob, SolveJob};
use tracing::{Instrument as _, info_span};

use crate::{Config, prompt};

/// The journal of a question still to be planned rarely moves: cancelled, or planned by somebody else.
const LOOKS: u32 = 5;
/// A longer plan is cut: it has to fit a journal entry and a conversation.
const MAX_PLAN_BYTES: usize = 64 << 10;
/// No wait between two requests is longer, spread aside.
const MAX_BACKOFF: Duration = Duration::from_secs(15);

/// What a job needs of its service.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) bus: Bus,
    pub(crate) model: Arc<dyn LanguageModel>,
    pub(crate) config: Arc<Config>,
}

/// Where a question stands, by its journal.
enum Standing {
    Unknown,
    Ended,
    Open(Box<Open>),
}

/// A question that has not ended.
struct Open {
    question: Question,
    plan: Option<Plan>,
    submitted_at: u64,
    last: u64,
}

/// Works on a job until its question has been sent on, has ended, or should be tried later.
pub(crate) async fn plan(desk: Desk, job: PlanJob, delivery: Delivery) -> Done {
    let Some(session) = job.question.and_then(|question| question.session.parse::<SessionId>().ok()) else {
        return Done::Dead { reason: "the job names no session".to_owned() };
    };
    let span = info_span!("plan", spatialclaw.session = %session, spatialclaw.attempt = delivery.attempt);
    async {
        match desk.advance(session).await {
            Ok(done) => done,
            Err(fault) => desk.postpone(fault),
        }
    }
    .instrument(span)
    .await
}

impl Desk {
    async fn advance(&self, session: SessionId) -> Result<Done, Fault> {
        let mut made = None;
        for _ in 0..LOOKS {
            let open = match self.standing(session).await? {
                Standing::Unknown => {
                    let reason = format!("the journal of {session} holds no submission, or it has aged out");
                    return Ok(Done::Dead { reason });
                }
                Standing::Ended => return Ok(Done::Finished),
                Standing::Open(open) => open,
            };
            if let Some(plan) = open.plan {
                return self.forward(session, open.question, plan).await;
            }
            // Asked once, however often the journal moves.
            let entry = match &made {
                Some(plan) => EventKind::Planned { plan: Plan::clone(plan) },
                None => match self.make(&open.question).await {
                    Ok(plan) => EventKind::Planned { plan: made.insert(plan).clone() },
                    Err(fault) => failed(fault, open.submitted_at),
                },
            };
            match self.bus.append(session, &event(entry), open.last).await {
                Ok(_) | Err(AppendError::Conflict { .. }) => {}
                Err(AppendError::Carrier(error)) => return Err(error.into()),
            }
        }
        Err(Fault::new(FaultKind::Unavailable, format!("the journal of {session} keeps moving")))
    }

    async fn standing(&self, session: SessionId) -> Result<Standing, bus::Error> {
        let entries = self.bus.read(session, 0).await?;
        let Some((last, latest)) = entries.last() else { return Ok(Standing::Unknown) };
        if latest.kind.outcome().is_some() {
            return Ok(Standing::Ended);
        }
        let plan = entries.iter().find_map(|(_, event)| match &event.kind {
            EventKind::Planned { plan } => Some(plan.clone()),
            _ => None,
        });
        let Some((_, Event { at_unix_ms, kind: EventKind::Submitted { question, .. } })) = entries.first()
        else {
            return Ok(Standing::Unknown);
        };
        let question = question.clone();
        Ok(Standing::Open(Box::new(Open { question, plan, submitted_at: *at_unix_ms, last: *last })))
    }

    async fn forward(&self, session: SessionId, question: Question, plan: Plan) -> Result<Done, Fault> {
        let job = SolveJob { question: Some(question.into()), plan: Some(plan.into()) };
        self.bus.enqueue(Queue::Solve, &session.to_string(), &job).await?;
        Ok(Done::Finished)
    }

    /// Asks the model; an empty plan if it does not answer after its retries.
    ///
    /// # Errors
    /// A fault for good.
    async fn make(&self, question: &Question) -> Result<Plan, Fault> {
        let request = ChatRequest {
            session: question.session,
            role: Role::Plan,
            messages: prompt::conversation(question),
        };
        let attempts = self.config.model_attempts.max(1);
        for attempt in 1..=attempts {
            match self.ask(&request).await {
                Ok(reply) => return Ok(plan_of(reply)),
                Err(fault) if !fault.is_retryable() => {
                    return Err(Fault { message: format!("plan: {}", fault.message), ..fault });
                }
                Err(fault) => {
                    tracing::warn!(session = %question.session, %fault, attempt, attempts, "the planning model failed");
                    if attempt < attempts {
                        tokio::time::sleep(self.backoff(question.session, attempt, &fault)).await;
                    }
                }
            }
        }
        tracing::warn!(session = %question.session, "the question goes on without a plan");
        Ok(Plan { text: String::new(), model: self.model.name().to_owned(), usage: Usage::default() })
    }

    async fn ask(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let deadline = self.config.model_deadline;
        tokio::time::timeout(deadline, self.model.chat(request)).await.unwrap_or_else(|_| {
            Err(Fault::new(
                FaultKind::Deadline,
                format!("no plan within {deadline:?} (planner.model_deadline)"),
            ))
        })
    }

    /// Doubles with every attempt; spread by half up and down so that questions do not march in step.
    fn backoff(&self, session: SessionId, attempt: u32, fault: &Fault) -> Duration {
        let doubled = self.config.model_backoff.saturating_mul(1 << (attempt - 1).min(16)).min(MAX_BACKOFF);
        let dice = Digest::of(format!("{session}:{attempt}").as_bytes());
        let spread = 0.5 + f64::from(dice.as_bytes()[0]) / 255.0;
        doubled.mul_f64(spread).max(fault.retry_after.unwrap_or_default().min(MAX_BACKOFF))
    }

    /// Gives a job back; the bus ends the question if this was its last delivery.
    fn postpone(&self, fault: Fault) -> Done {
        let wait = fault.retry_after.unwrap_or_default().max(self.config.retry_wait);
        Done::Retry { wait, reason: fault.message }
    }
}

fn plan_of(reply: ChatReply) -> Plan {
    let text = reply.text.trim();
    let end = (0..=MAX_PLAN_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    Plan { text: text[..end.unwrap_or(0)].to_owned(), model: reply.model, usage: reply.usage }
}

fn failed(fault: Fault, submitted_at: u64) -> EventKind {
    let seconds = Duration::from_millis(now().saturating_sub(submitted_at)).as_secs_f64();
    EventKind::Failed { fault, steps: 0, usage: Usage::default(), seconds }
}

fn event(kind: EventKind) -> Event {
    Event { at_unix_ms: now(), kind }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or_default()
}
