//! Appending to a journal so that both outcomes are known.

use std::time::Duration;

use spatialclaw_bus::{AppendError, Bus};
use spatialclaw_domain::{Event, Fault, SessionId};

use crate::session::Input;

/// Attempts while the carrier fails.
const ATTEMPTS: u32 = 4;
/// Before the second attempt; doubles.
const BACKOFF: Duration = Duration::from_millis(250);

/// Appends `event` after `after` and says what became of it.
///
/// A carrier that failed may have appended the entry all the same, so a refusal after a failure looks for our own
/// entry before it believes somebody else was first.
pub(crate) async fn append(bus: &Bus, session: SessionId, event: &Event, after: u64) -> Input {
    let mut failed = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(BACKOFF * (1 << (attempt - 1))).await;
        }
        match bus.append(session, event, after).await {
            Ok(seq) => return Input::Appended(seq),
            Err(AppendError::Conflict { .. }) => match bus.read(session, after).await {
                Ok(entries) => return refused(entries, event, failed.is_some()),
                Err(error) => failed = Some(error),
            },
            Err(AppendError::Carrier(error)) => {
                tracing::warn!(%session, %error, attempt, "an append failed");
                failed = Some(error);
            }
        }
    }
    Input::NotAppended(match failed {
        Some(error) => Fault::from(error),
        None => Fault::new(spatialclaw_domain::FaultKind::Conflict, "the journal keeps moving"),
    })
}

fn refused(entries: Vec<(u64, Event)>, event: &Event, uncertain: bool) -> Input {
    match entries.first() {
        Some((seq, first)) if uncertain && first == event => Input::Appended(*seq),
        _ => Input::Refused(entries),
    }
}
