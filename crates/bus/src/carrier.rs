//! What a carrier must be able to do. Above it everything is typed, below it everything is bytes.

pub(crate) mod local;
pub(crate) mod nats;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use spatialclaw_domain::{Fault, SessionId};

use crate::{AppendError, DeadJob, Envelope, Error, Queue};

/// Dead jobs a queue keeps; beyond it the oldest make room.
pub(crate) const MAX_DEAD: u32 = 100_000;

/// Moves envelopes. Typed handlers, limits, spans and panics are dealt with above, once for every carrier.
#[async_trait]
pub(crate) trait Carrier: Send + Sync + 'static {
    async fn ask(&self, subject: &str, request: Envelope, deadline: Duration) -> Result<Envelope, Fault>;
    async fn serve(&self, subject: &str) -> Result<Box<dyn Requests>, Error>;

    async fn enqueue(&self, queue: Queue, id: &str, job: Envelope) -> Result<(), Error>;
    async fn work(&self, queue: Queue) -> Result<Box<dyn Jobs>, Error>;
    async fn dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadJob>, Error>;
    async fn is_dead(&self, queue: Queue, id: &str) -> Result<bool, Error>;
    async fn revive(&self, queue: Queue, id: &str) -> Result<bool, Error>;

    async fn append(&self, session: SessionId, entry: Bytes, after: u64) -> Result<u64, AppendError>;
    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<(u64, Bytes)>, Error>;
    async fn follow(&self, session: SessionId, after: u64) -> Result<Box<dyn Entries>, Error>;

    async fn hold(&self, key: &str, ttl: Duration) -> Result<Box<dyn Held>, Error>;
    async fn lapsed(&self, key: &str) -> Result<(), Error>;
}

/// Requests as they arrive at one server.
#[async_trait]
pub(crate) trait Requests: Send {
    /// The next one; `None` once closed and empty. Safe to drop.
    async fn next(&mut self) -> Result<Option<Request>, Error>;
    /// Takes no new ones; those that have arrived are still handed out.
    async fn close(&mut self);
}

/// A request waiting for its reply. Dropped unanswered, its asker is told so as far as the carrier can.
pub(crate) struct Request {
    pub(crate) envelope: Envelope,
    pub(crate) reply: Box<dyn Reply>,
}

#[async_trait]
pub(crate) trait Reply: Send {
    /// Nobody listening any more is no error: the asker's deadline may have passed.
    async fn send(self: Box<Self>, reply: Envelope);
}

/// Jobs as they are claimed by one worker.
#[async_trait]
pub(crate) trait Jobs: Send {
    /// Claims the next job, however long that takes. A claim made for a dropped future is given back, at the latest
    /// when it lapses.
    async fn next(&mut self) -> Result<Job, Error>;
}

pub(crate) struct Job {
    pub(crate) envelope: Envelope,
    /// 1 the first time.
    pub(crate) attempt: u32,
    /// How long its claim may go without a sign of life.
    pub(crate) ack_wait: Duration,
    pub(crate) claim: Box<dyn Claim>,
}

/// A claimed job. Dropped unsettled, the job is delivered again soon.
#[async_trait]
pub(crate) trait Claim: Send + Sync {
    /// A sign of life.
    async fn extend(&self) -> Result<(), Error>;
    /// Never again.
    async fn finish(&self) -> Result<(), Error>;
    /// Again after `wait`.
    async fn retry(&self, wait: Duration) -> Result<(), Error>;
    /// To the dead-letter place.
    async fn bury(&self, reason: &str) -> Result<(), Error>;
}

/// One journal's entries as they come.
#[async_trait]
pub(crate) trait Entries: Send {
    /// Safe to drop.
    async fn next(&mut self) -> Result<(u64, Bytes), Error>;
}

/// A lease in our hands; dropping it releases it soon.
#[async_trait]
pub(crate) trait Held: Send {
    async fn release(self: Box<Self>);
    /// Safe to drop.
    async fn lost(&mut self);
}
