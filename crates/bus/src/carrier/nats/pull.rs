//! Claims jobs one by one: a pull for one message at a time, asked for when a worker is free.
//!
//! The client's own pull streams fetch ahead, and a job fetched ahead ages unattended; its batches notice a restarted
//! server only when they time out. This one asks again as soon as the connection is back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Message, StatusCode, Subscriber,
    jetstream::{
        self, AckKind,
        consumer::{
            AckPolicy, Consumer,
            pull::{self, BatchConfig},
        },
        message::Acker,
        stream::Stream,
    },
};
use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _};
use tokio::{sync::watch, time::Instant};

use super::{
    link::{ANSWER, Connection, Link, token},
    queue::dead_headers,
    warn_kept, wire,
};
use crate::{
    Envelope, Error, Queue,
    carrier::{Claim, Job, Jobs},
    envelope,
};

const CONSUMER: &str = "workers";
/// Jobs of one queue that may be claimed at once, by all workers together.
const MAX_CLAIMED: i64 = 100_000;
/// How long one pull waits on the server, and how much longer we wait for its end.
const PULL: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(5);
/// Refused pulls in a row, on a connection that is up, before a worker gives up; and the wait between them.
const TRIES: u32 = 60;
const BETWEEN: Duration = Duration::from_secs(1);

pub(super) struct Pulls {
    link: Arc<Link>,
    queue: Queue,
    stream: Stream,
    ack_wait: Duration,
    consumer: Consumer<pull::Config>,
    inbox: String,
    messages: Subscriber,
    connection: watch::Receiver<Connection>,
    /// Number of the last pull; its end of the line is `<inbox>.<number>`.
    pulls: u64,
    /// Until when the last pull may still be answered; `None` if it was.
    waiting: Option<Instant>,
    failures: u32,
}

impl Pulls {
    pub(super) async fn start(
        link: Arc<Link>,
        queue: Queue,
        stream: Stream,
        ack_wait: Duration,
    ) -> Result<Self, Error> {
        let consumer = consumer(&stream, ack_wait).await?;
        if consumer.cached_info().config.ack_wait != ack_wait {
            warn_kept(&stream.cached_info().config.name, "bus.ack_wait");
        }
        let mut connection = link.connection();
        connection.mark_unchanged();
        let (inbox, messages) = open_inbox(&link).await?;
        Ok(Self {
            link,
            queue,
            stream,
            ack_wait,
            consumer,
            inbox,
            messages,
            connection,
            pulls: 0,
            waiting: None,
            failures: 0,
        })
    }

    /// Asks for one job, unless an earlier pull is still to be answered. Not while the server is away: the client
    /// would keep the pull and send it beside the one that follows.
    async fn pull(&mut self) -> Result<Instant, Error> {
        if let Some(until) = self.waiting {
            return Ok(until);
        }
        if self.connection.wait_for(|now| now.is_up).await.is_err() {
            return Err(Error::carrier("claim a job", "the NATS client was closed"));
        }
        self.pulls += 1;
        let pull = BatchConfig { batch: 1, expires: Some(PULL), ..BatchConfig::default() };
        let inbox = format!("{}.{}", self.inbox, self.pulls).into();
        let asked = self.consumer.request_batch(pull, inbox).await;
        asked.map_err(|error| Error::carrier("claim a job", error))?;
        let until = Instant::now() + PULL + GRACE;
        self.waiting = Some(until);
        Ok(until)
    }

    /// After the connection was away: the server may know nothing of our pull, or may still answer it beside the next
    /// one. So the next has another inbox.
    async fn reopen(&mut self) -> Result<(), Error> {
        self.waiting = None;
        self.messages.drain().await.map_err(|error| Error::carrier("claim a job", error))?;
        while let Ok(Some(message)) = tokio::time::timeout(ANSWER, self.messages.next()).await {
            self.give_back(message);
        }
        (self.inbox, self.messages) = open_inbox(&self.link).await?;
        Ok(())
    }

    /// Nobody is free for what is in `message`: dropping its claim gives it back.
    fn give_back(&self, message: Message) {
        if message.status.is_none_or(|status| status == StatusCode::OK) {
            drop(self.job(message));
        }
    }

    /// The job in `message`, if it is one.
    async fn receive(&mut self, message: Message) -> Result<Option<Job>, Error> {
        let status = message.status.unwrap_or(StatusCode::OK);
        if status == StatusCode::OK {
            self.waiting = None;
            self.failures = 0;
            return self.job(message).map(Some);
        }
        let is_of_last = message.subject.rsplit('.').next() == Some(&self.pulls.to_string());
        if !is_of_last || status == StatusCode::IDLE_HEARTBEAT {
            return Ok(None);
        }
        self.waiting = None;
        if status != StatusCode::TIMEOUT && status != StatusCode::NOT_FOUND {
            let why = format!("{status}: {}", message.description.unwrap_or_default());
            self.recover(Error::carrier("claim a job", why)).await?;
        }
        Ok(None)
    }

    fn job(&self, message: Message) -> Result<Job, Error> {
        let message = jetstream::Message { message, context: self.link.jetstream.clone() };
        let step = "claim a job";
        let info = message.info().map_err(|error| Error::Unreadable { step, reason: error.to_string() })?;
        let (attempt, sequence) = (u32::try_from(info.delivered).unwrap_or(u32::MAX), info.stream_sequence);
        let (message, acker) = message.split();
        let envelope = wire::envelope(message.headers.as_ref(), message.payload);
        let claim = NatsClaim {
            link: Arc::clone(&self.link),
            queue: self.queue,
            envelope: envelope.clone(),
            attempt,
            sequence,
            acker: Some(acker),
            open: AtomicBool::new(true),
        };
        let ack_wait = self.consumer.cached_info().config.ack_wait;
        Ok(Job { envelope, attempt, ack_wait, claim: Box::new(claim) })
    }

    /// A pull was refused, e.g. because the server shuts down or the consumer is gone: makes the consumer anew.
    async fn recover(&mut self, error: Error) -> Result<(), Error> {
        if self.link.is_up() {
            self.failures += 1;
        }
        if self.failures > TRIES {
            return Err(error);
        }
        let error = spatialclaw_domain::Fault::from(error);
        tracing::warn!(%error, queue = self.queue.name(), "claiming again");
        tokio::time::sleep(BETWEEN).await;
        match consumer(&self.stream, self.ack_wait).await {
            Ok(consumer) => self.consumer = consumer,
            Err(error) => {
                let error = spatialclaw_domain::Fault::from(error);
                tracing::debug!(%error, queue = self.queue.name(), "the consumer was not made");
            }
        }
        Ok(())
    }
}

async fn open_inbox(link: &Link) -> Result<(String, Subscriber), Error> {
    let inbox = link.client.new_inbox();
    let subscribed = link.client.subscribe(format!("{inbox}.*")).await;
    Ok((inbox, subscribed.map_err(|error| Error::carrier("work on a queue", error))?))
}

/// The one consumer of a queue, as it stands; made if missing.
async fn consumer(stream: &Stream, ack_wait: Duration) -> Result<Consumer<pull::Config>, Error> {
    let config = pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait,
        // Deliveries are counted by the worker, which knows what to do after the last.
        max_deliver: -1,
        max_ack_pending: MAX_CLAIMED,
        ..pull::Config::default()
    };
    stream
        .get_or_create_consumer(CONSUMER, config)
        .await
        .map_err(|error| Error::carrier("work on a queue", error))
}

#[async_trait]
impl Jobs for Pulls {
    async fn next(&mut self) -> Result<Job, Error> {
        loop {
            let until = match self.pull().await {
                Ok(until) => until,
                Err(error) => {
                    self.recover(error).await?;
                    continue;
                }
            };
            tokio::select! {
                message = self.messages.next() => {
                    let message = message.ok_or_else(|| Error::carrier("claim a job", "the NATS client was closed"))?;
                    if let Some(job) = self.receive(message).await? {
                        return Ok(job);
                    }
                }
                Ok(()) = self.connection.changed() => {
                    if self.connection.borrow_and_update().is_up {
                        self.reopen().await?;
                    }
                }
                () = tokio::time::sleep_until(until) => self.waiting = None,
            }
        }
    }
}

impl Drop for Pulls {
    /// A job may have arrived since the last look.
    fn drop(&mut self) {
        while let Some(Some(message)) = self.messages.next().now_or_never() {
            self.give_back(message);
        }
    }
}

struct NatsClaim {
    link: Arc<Link>,
    queue: Queue,
    /// For the dead-letter place.
    envelope: Envelope,
    attempt: u32,
    /// In the queue's stream.
    sequence: u64,
    /// `None` only while dropping.
    acker: Option<Acker>,
    /// Whether it is still to be settled.
    open: AtomicBool,
}

impl NatsClaim {
    /// Says `kind` to the server and waits for its word.
    async fn settle(&self, step: &'static str, kind: AckKind) -> Result<(), Error> {
        self.open.store(false, Ordering::Relaxed);
        let Some(acker) = &self.acker else { return Ok(()) };
        acker.double_ack_with(kind).await.map_err(|error| Error::carrier(step, error))
    }
}

#[async_trait]
impl Claim for NatsClaim {
    async fn extend(&self) -> Result<(), Error> {
        let Some(acker) = &self.acker else { return Ok(()) };
        acker.ack_with(AckKind::Progress).await.map_err(|error| Error::carrier("extend a claim", error))
    }

    async fn finish(&self) -> Result<(), Error> {
        self.settle("finish a job", AckKind::Ack).await
    }

    async fn retry(&self, wait: Duration) -> Result<(), Error> {
        self.settle("give a job back", AckKind::Nak(Some(wait))).await
    }

    async fn bury(&self, reason: &str) -> Result<(), Error> {
        let id = self.envelope.header(envelope::ID);
        let message_id = format!("{}:{}", self.queue.name(), self.sequence);
        let headers = dead_headers(&self.envelope, reason, self.attempt, &message_id);
        let subject = self.link.dead(self.queue, &token(id));
        let buried = self.link.publish(&subject, headers, self.envelope.body.clone()).await;
        buried.map_err(|error| Error::carrier("bury a job", error))?;
        self.settle("bury a job", AckKind::Term).await
    }
}

impl Drop for NatsClaim {
    /// Gives an unsettled job back at once, as far as there is a runtime to do it.
    fn drop(&mut self) {
        if !*self.open.get_mut() {
            return;
        }
        let (Some(acker), Ok(runtime)) = (self.acker.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            if let Err(error) = acker.ack_with(AckKind::Nak(None)).await {
                tracing::warn!(%error, "an abandoned job waits for its claim to lapse");
            }
        });
    }
}
