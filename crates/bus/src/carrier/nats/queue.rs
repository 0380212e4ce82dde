//! Work queues: a work-queue stream each, one durable consumer that all workers share, one stream of dead jobs.
//!
//! A job has a subject of its own and the stream keeps one message per subject, so the stream itself refuses a job
//! that is queued or claimed. Burying is in two steps, dead first, so that a job is never nowhere: a worker that dies
//! between them leaves a claim, whose next delivery is one too many and is buried again under the same message id.

use std::sync::Arc;

use async_nats::{
    HeaderMap,
    header::NATS_MESSAGE_ID,
    jetstream::{
        context::{PublishError, PublishErrorKind},
        message::StreamMessage,
        stream::{RawMessageErrorKind, Stream},
    },
};

use super::{
    link::{Link, token},
    pull::Pulls,
    wire,
};
use crate::{Config, DeadJob, Envelope, Error, Queue, envelope};

pub(super) const REASON: &str = "reason";
pub(super) const ATTEMPTS: &str = "attempts";

pub(super) struct Queues {
    link: Arc<Link>,
    lines: [Stream; 2],
    dead: Stream,
    ack_wait: std::time::Duration,
}

impl Queues {
    pub(super) fn new(link: Arc<Link>, lines: [Stream; 2], dead: Stream, config: &Config) -> Self {
        Self { link, lines, dead, ack_wait: config.ack_wait }
    }

    pub(super) async fn enqueue(&self, queue: Queue, id: &str, job: Envelope) -> Result<(), Error> {
        if self.find_dead(queue, id).await?.is_some() {
            return Ok(());
        }
        let mut headers = wire::headers(&job);
        headers.insert(NATS_MESSAGE_ID, wire::value(id));
        let sent = self.link.publish(&self.link.queue(queue, &token(id)), headers, job.body).await;
        match sent.map_err(Refused::of) {
            Ok(_) | Err(Refused::Known) => Ok(()),
            Err(Refused::Full) => Err(Error::QueueFull(queue.name())),
            Err(Refused::Failed(error)) => Err(Error::carrier("put a job on its queue", error)),
        }
    }

    pub(super) async fn work(&self, queue: Queue) -> Result<Pulls, Error> {
        Pulls::start(Arc::clone(&self.link), queue, self.lines[queue as usize].clone(), self.ack_wait).await
    }

    pub(super) async fn dead(&self, queue: Queue, limit: usize) -> Result<Vec<DeadJob>, Error> {
        let every = self.link.dead(queue, ">");
        let (mut listed, mut from) = (Vec::new(), 1);
        while listed.len() < limit {
            let Some(job) = first(&self.dead, &every, from).await? else { break };
            from = job.sequence + 1;
            let text = |name: &str| job.headers.get_last(name).map_or("", |value| value.as_str());
            listed.push(DeadJob {
                id: text(envelope::ID).to_owned(),
                reason: text(REASON).to_owned(),
                attempts: text(ATTEMPTS).parse().unwrap_or(0),
            });
        }
        Ok(listed)
    }

    pub(super) async fn revive(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        let Some(dead) = self.find_dead(queue, id).await? else { return Ok(false) };
        let subject = self.link.queue(queue, &token(id));
        let message_id = format!("{id}:revived:{}", dead.sequence);
        self.remove_original(queue, &subject, &message_id).await?;
        let mut job = wire::envelope(Some(&dead.headers), dead.payload.clone());
        job.headers.remove(REASON);
        job.headers.remove(ATTEMPTS);
        let mut headers = wire::headers(&job);
        headers.insert(NATS_MESSAGE_ID, wire::value(&message_id));
        match self.link.publish(&subject, headers, job.body).await.map_err(Refused::of) {
            Ok(_) | Err(Refused::Known) => {}
            Err(Refused::Full) => return Err(Error::QueueFull(queue.name())),
            Err(Refused::Failed(error)) => return Err(Error::carrier("revive a dead job", error)),
        }
        let removed = self.dead.delete_message(dead.sequence).await;
        removed.map_err(|error| Error::carrier("revive a dead job", error))?;
        Ok(true)
    }

    /// A worker that died while burying a job left it on the queue as well.
    async fn remove_original(&self, queue: Queue, subject: &str, revived: &str) -> Result<(), Error> {
        let line = &self.lines[queue as usize];
        let Some(queued) = first(line, subject, 1).await? else { return Ok(()) };
        if queued.headers.get_last(NATS_MESSAGE_ID).is_some_and(|id| id.as_str() == revived) {
            return Ok(());
        }
        let removed = line.delete_message(queued.sequence).await;
        removed.map(drop).map_err(|error| Error::carrier("revive a dead job", error))
    }

    pub(super) async fn find_dead(&self, queue: Queue, id: &str) -> Result<Option<StreamMessage>, Error> {
        first(&self.dead, &self.link.dead(queue, &token(id)), 1).await
    }
}

/// The first message of `subject` at or after `from`, as the stream's leader knows it.
async fn first(stream: &Stream, subject: &str, from: u64) -> Result<Option<StreamMessage>, Error> {
    match stream.get_first_raw_message_by_subject(subject, from).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(Error::carrier("look for a job", error)),
    }
}

/// Headers of a dead job.
pub(super) fn dead_headers(job: &Envelope, reason: &str, attempts: u32, message_id: &str) -> HeaderMap {
    let mut headers = wire::headers(job);
    headers.insert(REASON, wire::value(reason));
    headers.insert(ATTEMPTS, attempts.to_string());
    headers.insert(NATS_MESSAGE_ID, wire::value(message_id));
    headers
}

/// Why a queue's stream did not take a job. Both bounds have one error code; the server's text tells them apart.
enum Refused {
    /// There is one of that id.
    Known,
    Full,
    Failed(PublishError),
}

impl Refused {
    fn of(error: PublishError) -> Self {
        let text = match (error.kind(), std::error::Error::source(&error)) {
            (PublishErrorKind::Other, Some(source)) => source.to_string(),
            _ => return Self::Failed(error),
        };
        if text.contains("maximum messages per subject exceeded") {
            Self::Known
        } else if text.contains("maximum messages exceeded") {
            Self::Full
        } else {
            Self::Failed(error)
        }
    }
}
