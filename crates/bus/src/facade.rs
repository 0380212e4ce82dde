//! The typed interface.

use std::{future::Future, time::Duration};

use spatialclaw_domain::{Event, Fault, SessionId};

use crate::{AppendError, ArtifactStore, Config, Error};

/// The work queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Questions to plan (`PlanJob`).
    Plan,
    /// Planned questions to answer (`SolveJob`).
    Solve,
}

impl Queue {
    /// As subjects, metrics and errors name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Solve => "solve",
        }
    }
}

/// What became of a job.
#[derive(Debug)]
pub enum Done {
    /// It is done: never deliver it again.
    Finished,
    /// It could not be done now: deliver it again after `wait`, as long as deliveries are left.
    Retry {
        /// Before the next delivery.
        wait: Duration,
        /// For the log and, should it be the last delivery, the dead-letter place.
        reason: String,
    },
    /// It can never be done: to the dead-letter place.
    Dead {
        /// Why.
        reason: String,
    },
}

/// What a handler knows of the delivery it works on.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// As given to [`Bus::enqueue`].
    pub id: String,
    /// 1 the first time.
    pub attempt: u32,
    /// Whether a failure now sends the job to the dead-letter place.
    pub is_last: bool,
}

/// A job nobody could do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadJob {
    /// As given to [`Bus::enqueue`].
    pub id: String,
    /// Why it is here.
    pub reason: String,
    /// Deliveries it had.
    pub attempts: u32,
}

/// Carries everything between actors. Clones share one connection.
#[derive(Clone)]
pub struct Bus {}

impl Bus {
    /// Connects to NATS if `config` names a server, else opens the in-process bus. `name` is this client's name.
    ///
    /// # Errors
    /// If the server cannot be reached, or the store cannot be opened.
    pub async fn connect(_config: &Config, _name: &str) -> Result<Self, Error> {
        todo!()
    }

    /// Where large bytes lie.
    pub fn artifacts(&self) -> &ArtifactStore {
        todo!()
    }

    /// Sends `request` to whoever serves `subject` (dotted lower-case tokens) and waits for the reply.
    ///
    /// Dropping the future abandons the reply; the request may still be handled.
    ///
    /// # Errors
    /// The handler's own fault; `unavailable` at once if nobody serves; `deadline` when time is up.
    pub async fn ask<Q, R>(&self, _subject: &str, _request: &Q, _deadline: Duration) -> Result<R, Fault>
    where
        Q: prost::Message,
        R: prost::Message + Default,
    {
        todo!()
    }

    /// Serves `subject` with `handler`, at most `limit` requests at once; one over it is answered `exhausted` at once.
    ///
    /// Several servers of one subject share its requests. The handler runs inside a span that continues the asker's
    /// trace. A request that cannot be decoded is answered `invalid`.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn serve<Q, R, F, Fut>(&self, _subject: &str, _limit: usize, _handler: F) -> Result<Serving, Error>
    where
        Q: prost::Message + Default + 'static,
        R: prost::Message + 'static,
        F: Fn(Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Fault>> + Send + 'static,
    {
        todo!()
    }

    /// Puts a job on a queue. `id` deduplicates: the same id again is a no-op while the job is known.
    ///
    /// # Errors
    /// [`Error::QueueFull`], or the carrier's own.
    pub async fn enqueue<M: prost::Message>(&self, _queue: Queue, _id: &str, _job: &M) -> Result<(), Error> {
        todo!()
    }

    /// Works on a queue with `handler`, at most `limit` jobs at once.
    ///
    /// The claim is extended while the handler runs. The handler runs inside a span that continues the trace of
    /// whoever enqueued. A job that cannot be decoded goes to the dead-letter place; so does one whose handler
    /// panicked, once its deliveries are used up.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn work<M, F, Fut>(&self, _queue: Queue, _limit: usize, _handler: F) -> Result<Serving, Error>
    where
        M: prost::Message + Default + 'static,
        F: Fn(M, Delivery) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Done> + Send + 'static,
    {
        todo!()
    }

    /// The jobs nobody could do, oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn dead(&self, _queue: Queue, _limit: usize) -> Result<Vec<DeadJob>, Error> {
        todo!()
    }

    /// Puts a dead job back on its queue with all its deliveries; `false` if there is none with that id.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn revive(&self, _queue: Queue, _id: &str) -> Result<bool, Error> {
        todo!()
    }

    /// Appends to a session's journal after entry `after` (0: as its first entry) and returns the new entry's
    /// sequence number. Numbers rise within a journal; they need not be consecutive.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] if `after` is not the journal's last entry.
    pub async fn append(&self, _session: SessionId, _event: &Event, _after: u64) -> Result<u64, AppendError> {
        todo!()
    }

    /// A session's entries after `after`, in order; empty for a session nobody wrote of.
    ///
    /// # Errors
    /// If the carrier fails or an entry cannot be read.
    pub async fn read(&self, _session: SessionId, _after: u64) -> Result<Vec<(u64, Event)>, Error> {
        todo!()
    }

    /// A session's entries after `after`, as they come.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn follow(&self, _session: SessionId, _after: u64) -> Result<Follow, Error> {
        todo!()
    }

    /// Takes the lease `key` and renews it in the background until the [`Lease`] is dropped or released.
    ///
    /// # Errors
    /// If somebody holds it, or the carrier fails.
    pub async fn hold(&self, _key: &str, _ttl: Duration) -> Result<Lease, Error> {
        todo!()
    }

    /// Waits until nobody holds `key`: it was released, or its holder was silent for its ttl. Returns at once if
    /// nobody holds it now.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn lapsed(&self, _key: &str) -> Result<(), Error> {
        todo!()
    }
}

/// A running server or worker. Dropping it stops taking new work and abandons what runs.
#[must_use = "dropping it stops the handler"]
pub struct Serving {}

impl Serving {
    /// Takes no new work and waits for what runs, at most `deadline`; what is still running then is abandoned (a job
    /// is delivered again).
    pub async fn drain(self, _deadline: Duration) {
        todo!()
    }

    /// Resolves when it can no longer serve, saying why.
    pub async fn failed(&mut self) -> Error {
        todo!()
    }
}

/// Follows one journal.
pub struct Follow {}

impl Follow {
    /// The next entry, however long that takes. Safe to drop.
    ///
    /// # Errors
    /// If the carrier fails or the entry cannot be read.
    pub async fn next(&mut self) -> Result<(u64, Event), Error> {
        todo!()
    }
}

/// A held lease. Dropping it releases the key soon; [`Lease::release`] at once.
pub struct Lease {}

impl Lease {
    /// Gives the key up.
    pub async fn release(self) {
        todo!()
    }

    /// Resolves if the lease is lost although we renewed it, e.g. the carrier was away for longer than its ttl.
    pub async fn lost(&mut self) {
        todo!()
    }
}
