//! The word to whoever waits for a job that nobody could do.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use spatialclaw_domain::{Event, EventKind, Fault, FaultKind, SessionId, Usage};

use crate::{AppendError, Bus, Error, Queue, work::Closing};

impl Bus {
    /// Closes the session that a buried job's id names; ids that name none are none of its business.
    pub(crate) fn closing(&self, queue: Queue) -> Closing {
        let bus = self.clone();
        Arc::new(move |id, reason| {
            let bus = bus.clone();
            Box::pin(async move {
                match id.parse::<SessionId>() {
                    Ok(session) => bus.close(session, queue, &reason).await,
                    Err(_) => Ok(()),
                }
            })
        })
    }

    async fn close(&self, session: SessionId, queue: Queue, reason: &str) -> Result<(), Error> {
        let message = format!(
            "the job on queue `{}` went to the dead-letter place: {reason}. `spatialclaw dead replay` tries it again",
            queue.name()
        );
        let fault = Fault::new(FaultKind::Unavailable, message);
        self.add(session, |events| {
            let open = events.last().is_some_and(|last| last.kind.outcome().is_none());
            open.then(|| EventKind::Failed {
                fault: fault.clone(),
                steps: steps(events),
                usage: usage(events),
                seconds: seconds(events),
            })
        })
        .await
    }

    pub(crate) async fn reopen(&self, session: SessionId, queue: Queue) -> Result<(), Error> {
        let reason = format!("its job on queue `{}` is tried again", queue.name());
        self.add(session, |events| {
            let failed = events.last().is_some_and(|last| matches!(last.kind, EventKind::Failed { .. }));
            failed.then(|| EventKind::Reopened { reason: reason.clone() })
        })
        .await
    }

    /// Appends what `next` makes of the journal, until nobody came in between.
    async fn add(
        &self,
        session: SessionId,
        next: impl Fn(&[Event]) -> Option<EventKind>,
    ) -> Result<(), Error> {
        loop {
            let entries = self.read(session, 0).await?;
            let last = entries.last().map_or(0, |(last, _)| *last);
            let events: Vec<Event> = entries.into_iter().map(|(_, event)| event).collect();
            let Some(kind) = next(&events) else { return Ok(()) };
            let at_unix_ms =
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64;
            match self.append(session, &Event { at_unix_ms, kind }, last).await {
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

fn seconds(events: &[Event]) -> f64 {
    let ends = events.first().zip(events.last());
    ends.map_or(0.0, |(first, last)| last.at_unix_ms.saturating_sub(first.at_unix_ms) as f64 / 1000.0)
}
