//! Carries everything over a NATS server with JetStream (2.10 or newer).
//!
//! Asks are core request/reply: at most once, the asker decides. Jobs and entries are in file storage with as many
//! replicas as configured; `enqueue` and `append` return when the server has stored them. While the server is away
//! asks fail as `unavailable` at once, appends and enqueues after ten seconds; workers, followers and servers resume by
//! themselves when it is back.

mod ask;
mod journal;
mod lease;
mod link;
mod pull;
mod queue;
mod wire;

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    kv,
    stream::{self, DiscardPolicy, RetentionPolicy, StorageType, Stream},
};
use async_trait::async_trait;
use bytes::Bytes;
use spatialclaw_domain::{Fault, SessionId};

use self::{journal::Journals, lease::Leases, link::Link, queue::Queues};
use super::{Carrier, Entries, Held, Jobs, MAX_DEAD, Requests};
use crate::{AppendError, Config, DeadJob, Envelope, Error, Queue, facade::MAX_TTL};

/// How long a message id is remembered.
const DUPLICATES: Duration = Duration::from_secs(120);

pub(crate) struct Nats {
    link: Arc<Link>,
    queues: Queues,
    journals: Journals,
    leases: Leases,
}

impl Nats {
    pub(crate) async fn connect(server: &str, config: &Config, name: &str) -> Result<Self, Error> {
        let link = Arc::new(Link::connect(server, config, name).await?);
        let lines = [
            prepare(&link, queue_stream(&link, Queue::Plan, config)).await?,
            prepare(&link, queue_stream(&link, Queue::Solve, config)).await?,
        ];
        let dead = prepare(&link, dead_stream(&link, config)).await?;
        let journal = prepare(&link, journal_stream(&link, config)).await?;
        let leases = Leases::open(Arc::clone(&link), lease_bucket(&link, config)).await?;
        Ok(Self {
            queues: Queues::new(Arc::clone(&link), lines, dead, config),
            journals: Journals::new(Arc::clone(&link), journal),
            leases,
            link,
        })
    }
}

/// The stream as it stands, or as `wanted` if it does not stand yet.
///
/// Streams are shared by every client, so none changes one that is there: a tool started with other settings must not
/// drop a cluster's copies or its journals.
async fn prepare(link: &Link, wanted: stream::Config) -> Result<Stream, Error> {
    let stream = link.jetstream.get_or_create_stream(wanted.clone()).await;
    let failed = |error| Error::carrier("prepare a stream", format!("{}: {error}", wanted.name));
    let stream: Stream = stream.map_err(failed)?;
    for setting in differences(&stream.cached_info().config, &wanted) {
        warn_kept(&wanted.name, setting);
    }
    Ok(stream)
}

/// The settings in which a stream differs from what is wanted of it. Without a wish for a bound the server has its own
/// word for none.
fn differences(standing: &stream::Config, wanted: &stream::Config) -> Vec<&'static str> {
    let bounds_differ = wanted.max_messages > 0 && standing.max_messages != wanted.max_messages;
    let pairs = [
        ("bus.replicas", standing.num_replicas != wanted.num_replicas),
        ("bus.max_queued", bounds_differ),
        ("bus.journal_age", standing.max_age != wanted.max_age),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(setting, _)| setting).collect()
}

fn warn_kept(stream: &str, setting: &str) {
    tracing::warn!(stream, setting, "what stands on the server differs from this configuration and is kept");
}

fn queue_stream(link: &Link, queue: Queue, config: &Config) -> stream::Config {
    stream::Config {
        name: link.queue_stream(queue),
        description: Some(format!("Jobs of the queue `{}`", queue.name())),
        subjects: vec![link.queue(queue, "*")],
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        max_messages: i64::try_from(config.max_queued).unwrap_or(i64::MAX),
        max_messages_per_subject: 1,
        discard_new_per_subject: true,
        ..file_stream(config)
    }
}

fn dead_stream(link: &Link, config: &Config) -> stream::Config {
    stream::Config {
        name: link.dead_stream(),
        description: Some("Jobs nobody could do".to_owned()),
        subjects: vec![link.dead(Queue::Plan, "*"), link.dead(Queue::Solve, "*")],
        max_messages: 2 * i64::from(MAX_DEAD),
        max_messages_per_subject: 1,
        discard: DiscardPolicy::Old,
        ..file_stream(config)
    }
}

fn journal_stream(link: &Link, config: &Config) -> stream::Config {
    stream::Config {
        name: link.journal_stream(),
        description: Some("One journal per session".to_owned()),
        subjects: vec![link.journal("*")],
        max_age: config.journal_age.max(DUPLICATES),
        // Whole journals are read in one request.
        allow_direct: true,
        ..file_stream(config)
    }
}

fn file_stream(config: &Config) -> stream::Config {
    stream::Config {
        storage: StorageType::File,
        num_replicas: config.replicas,
        duplicate_window: DUPLICATES,
        ..stream::Config::default()
    }
}

/// On file: a bucket in memory is gone with its server, and with it what everybody is known to hold. Old keys are removed long after anybody could hold them.
fn lease_bucket(link: &Link, config: &Config) -> kv::Config {
    kv::Config {
        bucket: link.lease_bucket(),
        description: "Leases and their holders".to_owned(),
        history: 1,
        max_age: 2 * MAX_TTL,
        storage: StorageType::File,
        num_replicas: config.replicas,
        ..kv::Config::default()
    }
}

#[async_trait]
impl Carrier for Nats {
    async fn ask(&self, subject: &str, request: Envelope, deadline: Duration) -> Result<Envelope, Fault> {
        ask::ask(&self.link, subject, request, deadline).await
    }

    async fn serve(&self, subject: &str) -> Result<Box<dyn Requests>, Error> {
        Ok(Box::new(ask::serve(&self.link, subject).await?))
    }

    async fn enqueue(&self, queue: Queue, id: &str, job: Envelope) -> Result<(), Error> {
        self.queues.enqueue(queue, id, job).await
    }

    async fn work(&self, queue: Queue) -> Result<Box<dyn Jobs>, Error> {
        Ok(Box::new(self.queues.work(queue).await?))
    }

    async fn dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadJob>, Error> {
        self.queues.dead(queue, limit).await
    }

    async fn is_dead(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        Ok(self.queues.find_dead(queue, id).await?.is_some())
    }

    async fn revive(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        self.queues.revive(queue, id).await
    }

    async fn append(&self, session: SessionId, entry: Bytes, after: u64) -> Result<u64, AppendError> {
        self.journals.append(session, entry, after).await
    }

    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<(u64, Bytes)>, Error> {
        self.journals.read(session, after).await
    }

    async fn follow(&self, session: SessionId, after: u64) -> Result<Box<dyn Entries>, Error> {
        Ok(Box::new(self.journals.follow(session, after)))
    }

    async fn hold(&self, key: &str, ttl: Duration) -> Result<Box<dyn Held>, Error> {
        Ok(Box::new(self.leases.hold(key, ttl).await?))
    }

    async fn lapsed(&self, key: &str) -> Result<(), Error> {
        self.leases.lapsed(key).await
    }
}
