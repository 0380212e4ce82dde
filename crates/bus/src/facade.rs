//! The typed interface.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use spatialclaw_domain::{Event, Fault, FaultKind, SessionId};
use spatialclaw_proto::session::v1 as wire;

use crate::{
    AppendError, ArtifactStore, Config, Envelope, Error, Follow, Lease, Serving,
    carrier::{Carrier, local::Local, nats::Nats},
    envelope::{self, MAX_BODY},
    handle::entry,
    serve::Server,
    work::Worker,
};

/// Longest job id, in bytes.
const MAX_ID: usize = 256;
/// Longest ttl of a lease.
pub(crate) const MAX_TTL: Duration = Duration::from_secs(600);

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
pub struct Bus {
    pub(crate) carrier: Arc<dyn Carrier>,
    artifacts: ArtifactStore,
    max_deliveries: u32,
}

impl Bus {
    /// Connects to NATS if `config` names a server, else opens the in-process bus. `name` is this client's name.
    ///
    /// # Errors
    /// If the server cannot be reached, or the store cannot be opened.
    pub async fn connect(config: &Config, name: &str) -> Result<Self, Error> {
        config.check()?;
        let artifacts = ArtifactStore::open(&config.artifacts)?;
        let carrier: Arc<dyn Carrier> = match &config.nats {
            Some(server) => Arc::new(Nats::connect(server, config, name).await?),
            None => Arc::new(Local::open(config).await?),
        };
        Ok(Self { carrier, artifacts, max_deliveries: config.max_deliveries })
    }

    /// Where large bytes lie.
    pub fn artifacts(&self) -> &ArtifactStore {
        &self.artifacts
    }

    /// Sends `request` to whoever serves `subject` (dotted lower-case tokens) and waits for the reply.
    ///
    /// Dropping the future abandons the reply; the request may still be handled.
    ///
    /// # Errors
    /// The handler's own fault; `unavailable` at once if nobody serves; `deadline` when time is up.
    pub async fn ask<Q, R>(&self, subject: &str, request: &Q, deadline: Duration) -> Result<R, Fault>
    where
        Q: prost::Message,
        R: prost::Message + Default,
    {
        check_subject(subject)?;
        let envelope = Envelope::carrying(request);
        check_size(&envelope.body, || format!("the request to `{subject}`"))?;
        let reply = self.carrier.ask(subject, envelope, deadline).await?.into_reply()?;
        R::decode(reply).map_err(|error| {
            Fault::new(FaultKind::Internal, format!("the reply of `{subject}` cannot be decoded: {error}"))
        })
    }

    /// Serves `subject` with `handler`, at most `limit` requests at once; one over it is answered `exhausted` at once.
    ///
    /// Several servers of one subject share its requests. The handler runs inside a span that continues the asker's
    /// trace. A request that cannot be decoded is answered `invalid`.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn serve<Q, R, F, Fut>(&self, subject: &str, limit: usize, handler: F) -> Result<Serving, Error>
    where
        Q: prost::Message + Default + 'static,
        R: prost::Message + 'static,
        F: Fn(Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Fault>> + Send + 'static,
    {
        check_subject(subject)?;
        check_limit(limit)?;
        let requests = self.carrier.serve(subject).await?;
        let handler = Arc::new(handler);
        let handler = move |body: Bytes| {
            let handler = Arc::clone(&handler);
            let handling = async move {
                let request = Q::decode(body).map_err(|error| {
                    Fault::new(FaultKind::Invalid, format!("the request cannot be decoded: {error}"))
                })?;
                Ok(Bytes::from(handler(request).await?.encode_to_vec()))
            };
            Box::pin(handling) as futures::future::BoxFuture<'static, _>
        };
        let server = Server { subject: subject.to_owned(), limit, handler: Arc::new(handler) };
        Ok(Serving::spawn(|stop| server.run(requests, stop)))
    }

    /// Puts a job on a queue. `id` deduplicates: the same id again is a no-op while the job is known.
    ///
    /// # Errors
    /// [`Error::QueueFull`], or the carrier's own.
    pub async fn enqueue<M: prost::Message>(&self, queue: Queue, id: &str, job: &M) -> Result<(), Error> {
        check_id(id)?;
        let mut envelope = Envelope::carrying(job);
        check_size(&envelope.body, || format!("the job `{id}`"))?;
        envelope.set(envelope::ID, id);
        self.carrier.enqueue(queue, id, envelope).await
    }

    /// Works on a queue with `handler`, at most `limit` jobs at once.
    ///
    /// The claim is extended while the handler runs. The handler runs inside a span that continues the trace of
    /// whoever enqueued. A job that cannot be decoded goes to the dead-letter place; so does one whose handler
    /// panicked or whose worker went away, once its deliveries are used up. Before that, if the job's id names a session
    /// whose journal is open, `failed` is appended to it: nobody waits for ever, and whoever submits the session again
    /// reads there what became of it.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn work<M, F, Fut>(&self, queue: Queue, limit: usize, handler: F) -> Result<Serving, Error>
    where
        M: prost::Message + Default + 'static,
        F: Fn(M, Delivery) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Done> + Send + 'static,
    {
        check_limit(limit)?;
        let jobs = self.carrier.work(queue).await?;
        let handler = Arc::new(handler);
        let handler = move |body: Bytes, delivery: Delivery| {
            let handler = Arc::clone(&handler);
            let handling = async move {
                match M::decode(body) {
                    Ok(job) => handler(job, delivery).await,
                    Err(error) => Done::Dead { reason: format!("the job cannot be decoded: {error}") },
                }
            };
            Box::pin(handling) as futures::future::BoxFuture<'static, _>
        };
        let worker = Worker {
            queue,
            limit,
            max_deliveries: self.max_deliveries,
            handler: Arc::new(handler),
            closing: self.closing(queue),
        };
        Ok(Serving::spawn(|stop| worker.run(jobs, stop)))
    }

    /// The jobs nobody could do, oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadJob>, Error> {
        self.carrier.dead(queue, limit).await
    }

    /// Puts a dead job back on its queue with all its deliveries; `false` if there is none with that id.
    ///
    /// A session that had failed over it is opened again first (`reopened`), and goes on where its journal stands; one
    /// that ended otherwise stays as it is, and the job is done as soon as it is delivered.
    ///
    /// # Errors
    /// If the carrier fails or the queue is full: ask again, for the session may be open already.
    pub async fn revive(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        check_id(id)?;
        // The journal first: a worker that finds it closed would think the job done.
        if let Ok(session) = id.parse()
            && self.carrier.is_dead(queue, id).await?
        {
            self.reopen(session, queue).await?;
        }
        self.carrier.revive(queue, id).await
    }

    /// Appends to a session's journal after entry `after` (0: as its first entry) and returns the new entry's
    /// sequence number. Numbers rise within a journal; they need not be consecutive.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] if `after` is not the journal's last entry.
    pub async fn append(&self, session: SessionId, event: &Event, after: u64) -> Result<u64, AppendError> {
        let entry = Bytes::from(wire::Event::from(event).encode_to_vec());
        check_size(&entry, || format!("the journal entry `{}`", event.kind.name()))?;
        self.carrier.append(session, entry, after).await
    }

    /// A session's entries after `after`, in order; empty for a session nobody wrote of.
    ///
    /// # Errors
    /// If the carrier fails or an entry cannot be read.
    pub async fn read(&self, session: SessionId, after: u64) -> Result<Vec<(u64, Event)>, Error> {
        self.carrier.read(session, after).await?.into_iter().map(entry).collect()
    }

    /// A session's entries after `after`, as they come.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn follow(&self, session: SessionId, after: u64) -> Result<Follow, Error> {
        Ok(Follow::new(self.carrier.follow(session, after).await?))
    }

    /// Takes the lease `key` and renews it in the background until the [`Lease`] is dropped or released.
    ///
    /// # Errors
    /// If somebody holds it, or the carrier fails.
    pub async fn hold(&self, key: &str, ttl: Duration) -> Result<Lease, Error> {
        check_subject(key)?;
        if ttl.is_zero() || ttl > MAX_TTL {
            return Err(Error::Config(format!(
                "a lease of {ttl:?}: its ttl must lie above 0 and at most {MAX_TTL:?}"
            )));
        }
        Ok(Lease::new(self.carrier.hold(key, ttl).await?))
    }

    /// Waits until nobody holds `key`: it was released, or its holder was silent for its ttl. Returns at once if
    /// nobody holds it now.
    ///
    /// # Errors
    /// If the carrier fails.
    pub async fn lapsed(&self, key: &str) -> Result<(), Error> {
        check_subject(key)?;
        self.carrier.lapsed(key).await
    }
}

/// Dotted lower-case tokens: what every carrier can address.
fn check_subject(subject: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if subject.len() <= MAX_ID && subject.split('.').all(|token| !token.is_empty() && token.chars().all(fits))
    {
        return Ok(());
    }
    Err(Error::Config(format!("`{subject}` is no subject: it must be dotted tokens of a-z, 0-9, - and _")))
}

fn check_id(id: &str) -> Result<(), Error> {
    if (1..=MAX_ID).contains(&id.len()) && !id.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::Config(format!(
        "{id:?} is no job id: it must be 1 to {MAX_ID} bytes without control characters"
    )))
}

fn check_limit(limit: usize) -> Result<(), Error> {
    if (1..=tokio::sync::Semaphore::MAX_PERMITS).contains(&limit) {
        return Ok(());
    }
    Err(Error::Config(format!("a limit of {limit}: at least one must be allowed to run")))
}

fn check_size(body: &Bytes, what: impl FnOnce() -> String) -> Result<(), Error> {
    if body.len() <= MAX_BODY {
        return Ok(());
    }
    Err(Error::TooLarge { what: what(), size: body.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_and_ids_are_checked() {
        check_subject("kernel.0af7-1_x").unwrap();
        for bad in ["", "a..b", ".a", "a.", "Kernel", "a b", "a.*", "a.>", &"a".repeat(257)] {
            assert!(check_subject(bad).is_err(), "{bad}");
        }
        check_id("row 7 / ü").unwrap();
        for bad in ["", "a\nb", &"a".repeat(257)] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
    }
}
