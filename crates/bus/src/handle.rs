//! What a caller keeps: something running, something followed, something held.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use spatialclaw_domain::Event;
use spatialclaw_proto::session::v1 as wire;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    Error,
    carrier::{Entries, Held},
};

/// A running server or worker. Dropping it stops taking new work and abandons what runs.
#[must_use = "dropping it stops the handler"]
pub struct Serving {
    stop: CancellationToken,
    task: AbortOnDropHandle<Result<(), Error>>,
}

impl Serving {
    pub(crate) fn spawn<Fut>(run: impl FnOnce(CancellationToken) -> Fut) -> Self
    where
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(run(stop.clone())));
        Self { stop, task }
    }

    /// Takes no new work and waits for what runs, at most `deadline`; what is still running then is abandoned (a job
    /// is delivered again).
    pub async fn drain(self, deadline: Duration) {
        self.stop.cancel();
        let mut task = self.task;
        match tokio::time::timeout(deadline, &mut task).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the carrier failed while draining"),
            Ok(Err(error)) => tracing::error!(%error, "a server's loop ended badly"),
            Err(_) => tracing::warn!(?deadline, "what still runs after the drain deadline is abandoned"),
        }
    }

    /// Resolves when it can no longer serve, saying why. Safe to drop; once it has resolved it must not be called
    /// again.
    pub async fn failed(&mut self) -> Error {
        match (&mut self.task).await {
            Ok(Ok(())) => Error::carrier("serve", "it was stopped"),
            Ok(Err(error)) => error,
            Err(error) => Error::carrier("serve", error),
        }
    }
}

/// Follows one journal.
pub struct Follow(Box<dyn Entries>);

impl Follow {
    pub(crate) fn new(entries: Box<dyn Entries>) -> Self {
        Self(entries)
    }

    /// The next entry, however long that takes. Safe to drop.
    ///
    /// # Errors
    /// If the carrier fails or the entry cannot be read.
    pub async fn next(&mut self) -> Result<(u64, Event), Error> {
        entry(self.0.next().await?)
    }
}

/// An entry as the domain has it.
pub(crate) fn entry((seq, bytes): (u64, Bytes)) -> Result<(u64, Event), Error> {
    let unreadable = |reason: String| Error::Unreadable { step: "read the journal", reason };
    let event = wire::Event::decode(bytes).map_err(|error| unreadable(format!("entry {seq}: {error}")))?;
    let event = event.try_into().map_err(|error| unreadable(format!("entry {seq}: {error}")))?;
    Ok((seq, event))
}

/// A held lease. Dropping it releases the key soon; [`Lease::release`] at once.
pub struct Lease(Box<dyn Held>);

impl Lease {
    pub(crate) fn new(held: Box<dyn Held>) -> Self {
        Self(held)
    }

    /// Gives the key up.
    pub async fn release(self) {
        self.0.release().await;
    }

    /// Resolves if the lease is lost although we renewed it, e.g. the carrier was away for longer than its ttl.
    pub async fn lost(&mut self) {
        self.0.lost().await;
    }
}
