//! The last word on a job that nobody could do, to whoever waits for its session.
//!
//! ```text
//! to be buried ──→ journal open? ──yes──→ append failed ──→ dead-letter place
//!                     │  └──no, or the id names no session ──────↗
//! replayed ──→ journal ends with failed? ──yes──→ append reopened ──→ queue
//! ```
//!
//! Jobs are named after their sessions, so the bus can do this for every queue, also for jobs that no handler ever saw
//! to their end. Appending goes by the journal's fence: whoever ends the session first has ended it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use spatialclaw_domain::{Event, EventKind, Fault, SessionId, Usage};

use crate::{AppendError, Bus, Error, Queue, envelope::one_line, handle::entry, work::Closing};

impl Bus {
    /// Closes the session that a job's id names before the job is buried; ids that name none are none of its business.
    pub(crate) fn closing(&self, queue: Queue) -> Closing {
        let bus = self.clone();
        Arc::new(move |id, fault| {
            let bus = bus.clone();
            Box::pin(async move {
                match id.parse() {
                    Ok(session) => bus.close(session, queue, fault).await,
                    Err(_) => Ok(()),
                }
            })
        })
    }

    async fn close(&self, session: SessionId, queue: Queue, fault: Fault) -> Result<(), Error> {
        let (queue, reason) = (queue.name(), one_line(&fault.message));
        let message = format!(
            "its job on the queue `{queue}` was given up: {reason}; `spatialclaw dead replay {queue} {session}` tries it \
             again"
        );
        let fault = Fault { message, ..fault };
        self.add(session, |events, now| {
            let open = events.last().is_some_and(|last| last.kind.outcome().is_none());
            open.then(|| EventKind::Failed {
                fault: fault.clone(),
                steps: steps(events),
                usage: usage(events),
                seconds: seconds(events, now),
            })
        })
        .await
    }

    /// Opens a failed session again, because its job is about to be on its queue again.
    pub(crate) async fn reopen(&self, session: SessionId, queue: Queue) -> Result<(), Error> {
        let reason = format!("its job on the queue `{}` is tried again", queue.name());
        self.add(session, |events, _| {
            let failed = events.last().is_some_and(|last| matches!(last.kind, EventKind::Failed { .. }));
            failed.then(|| EventKind::Reopened { reason: reason.clone() })
        })
        .await
    }

    /// Appends what `next` makes of the journal and the time (Unix ms), until nobody came in between.
    ///
    /// Entries that cannot be read are passed over: a damaged journal has its end all the same.
    async fn add(
        &self,
        session: SessionId,
        next: impl Fn(&[Event], u64) -> Option<EventKind>,
    ) -> Result<(), Error> {
        loop {
            let entries = self.carrier.read(session, 0).await?;
            let last = entries.last().map_or(0, |(last, _)| *last);
            let events: Vec<Event> =
                entries.into_iter().filter_map(|found| Some(entry(found).ok()?.1)).collect();
            let now =
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64;
            let Some(kind) = next(&events, now) else { return Ok(()) };
            match self.append(session, &Event { at_unix_ms: now, kind }, last).await {
                Ok(_) => return Ok(()),
                Err(AppendError::Conflict { .. }) => {}
                Err(AppendError::Carrier(error)) => return Err(error),
            }
        }
    }
}

fn steps(events: &[Event]) -> u32 {
    let is_step = |event: &&Event| {
        matches!(event.kind, EventKind::CellWritten { .. } | EventKind::ReplyRejected { .. })
    };
    events.iter().filter(is_step).count() as u32
}

fn usage(events: &[Event]) -> Usage {
    let mut sum = Usage::default();
    for event in events {
        match &event.kind {
            EventKind::Planned { plan } => sum += plan.usage,
            EventKind::CellWritten { usage, .. } | EventKind::ReplyRejected { usage, .. } => sum += *usage,
            EventKind::Observed { observation, .. } => sum += observation.vision_usage,
            _ => {}
        }
    }
    sum
}

/// Since the submission.
fn seconds(events: &[Event], now: u64) -> f64 {
    events.first().map_or(0.0, |first| now.saturating_sub(first.at_unix_ms) as f64 / 1000.0)
}
