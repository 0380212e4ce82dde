//! One delivery of a solve job.

use std::{sync::Arc, time::Duration};

use ractor::{Actor, ActorCell, ActorRef};
use spatialclaw_bus::{Bus, Delivery, Done};
use spatialclaw_domain::{Event, EventKind, Fault, FaultKind, SessionId, Usage};
use spatialclaw_models::LanguageModel;
use spatialclaw_proto::session::v1::SolveJob;
use tokio::sync::oneshot;

use crate::{
    Config, journal,
    session::{End, Input},
    shell::{Arguments, Clock, Shell},
    transcript::{Error, Transcript},
};

/// What a job needs of its service.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) bus: Bus,
    pub(crate) model: Arc<dyn LanguageModel>,
    pub(crate) config: Arc<Config>,
}

/// Works on a job until its session has ended or somebody should go on later.
///
/// The session's actor is linked to `supervisor`. Dropping the future stops it.
pub(crate) async fn solve(desk: Desk, supervisor: ActorCell, job: SolveJob, delivery: Delivery) -> Done {
    let Some(session) = job.question.and_then(|question| question.session.parse::<SessionId>().ok()) else {
        return Done::Dead { reason: "the job names no session".to_owned() };
    };
    loop {
        let transcript = match resume(&desk, session).await {
            Ok(transcript) if transcript.outcome.is_some() => return Done::Finished,
            Ok(transcript) => transcript,
            Err(done) => return done,
        };
        match run(desk.clone(), supervisor.clone(), transcript, &delivery).await {
            Ok(End::Finished) => return Done::Finished,
            Ok(End::Later { wait, reason }) => {
                tracing::warn!(%session, %reason, ?wait, "a session goes on later");
                return retry(wait, reason);
            }
            // Who gives the last delivery back buries the job, and with it the session that somebody works on.
            Ok(End::Yield { wait }) if delivery.is_last => tokio::time::sleep(wait).await,
            Ok(End::Yield { wait }) => {
                return retry(wait, "somebody else works on this session".to_owned());
            }
            Err(done) => return done,
        }
    }
}

/// The session as its journal tells it, or what becomes of a job without one.
async fn resume(desk: &Desk, session: SessionId) -> Result<Transcript, Done> {
    let entries = match desk.bus.read(session, 0).await {
        Ok(entries) => entries,
        Err(error) => return Err(retry(desk.config.retry_wait, Fault::from(error).message)),
    };
    match Transcript::fold(session, &entries) {
        Ok(transcript) => Ok(transcript),
        Err(error @ Error::Empty(_)) => Err(Done::Dead { reason: error.to_string() }),
        Err(error) => {
            let reason = format!("the journal is damaged: {error}");
            fail(&desk.bus, session, &entries, &reason).await;
            Err(Done::Dead { reason })
        }
    }
}

async fn run(
    desk: Desk,
    supervisor: ActorCell,
    transcript: Transcript,
    delivery: &Delivery,
) -> Result<End, Done> {
    let session = transcript.question.session;
    let (bus, wait) = (desk.bus.clone(), desk.config.retry_wait);
    let (ended, end) = oneshot::channel();
    let arguments =
        Arguments { transcript, is_last_delivery: delivery.is_last, attempt: delivery.attempt, ended };
    let actor = match Actor::spawn_linked(None, Shell::new(desk), arguments, supervisor).await {
        Ok((actor, _)) => StopOnDrop(actor),
        Err(error) => return Err(retry(wait, format!("the session's actor did not start: {error}"))),
    };
    let end = end.await;
    drop(actor);
    match end {
        Ok(end) => Ok(end),
        Err(_) => {
            let reason = "the session's actor ended without a word: a bug".to_owned();
            if delivery.is_last
                && let Ok(entries) = bus.read(session, 0).await
            {
                fail(&bus, session, &entries, &reason).await;
            }
            Err(retry(wait, reason))
        }
    }
}

/// A job that is taken from us takes its session with it.
struct StopOnDrop(ActorRef<Input>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop(None);
    }
}

fn retry(wait: Duration, reason: String) -> Done {
    Done::Retry { wait, reason }
}

/// Ends a session nobody can go on with, so that its asker does not wait for ever.
async fn fail(bus: &Bus, session: SessionId, entries: &[(u64, Event)], reason: &str) {
    tracing::error!(%session, %reason, "a session cannot be gone on with");
    let Some((last, latest)) = entries.last() else { return };
    if latest.kind.outcome().is_none() {
        let fault = Fault::new(FaultKind::Internal, reason);
        let kind = EventKind::Failed { fault, steps: 0, usage: Usage::default(), seconds: 0.0 };
        journal::append(bus, session, &Event { at_unix_ms: Clock::start().now(), kind }, *last).await;
    }
}
