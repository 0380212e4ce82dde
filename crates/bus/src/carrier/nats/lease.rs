//! Leases: a key of a bucket that its holder writes again every third of its ttl. A bucket that is gone is made again.
//!
//! Whether a holder is alive is told by hearing it, not by comparing clocks: whoever wants to know listens to the key's
//! subject and counts the silence on its own clock. Silence is checked against the bucket before it counts, because
//! what is heard may be lost while the connection is down. Releasing is writing a deletion, which listeners hear.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Message, Subscriber,
    jetstream::{
        kv::{self, CreateError, CreateErrorKind, Store, UpdateErrorKind},
        stream::RawMessageErrorKind,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{link::Link, warn_kept};
use crate::{Error, carrier::Held};

const OPERATION: &str = "KV-Operation";

#[derive(Clone)]
pub(super) struct Leases {
    link: Arc<Link>,
    bucket: Store,
    /// How the bucket is made if it is missing.
    wanted: Arc<kv::Config>,
}

/// What the bucket says of a key.
enum Key {
    Free,
    Held { revision: u64, value: Value },
}

/// Written as `<ttl in ms> <holder> <renewals>`, so that every renewal is told from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    ttl: Duration,
    holder: String,
    renewals: u64,
}

impl Value {
    fn encode(&self) -> Bytes {
        format!("{} {} {}", self.ttl.as_millis(), self.holder, self.renewals).into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(bytes).ok()?.split(' ');
        let (ttl, holder, renewals) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            ttl: Duration::from_millis(ttl.parse().ok()?),
            holder: holder.to_owned(),
            renewals: renewals.parse().ok()?,
        })
    }
}

/// What became of a key while we listened.
enum Heard {
    Released,
    /// Nothing for its ttl, and the bucket confirms it.
    Silence,
    Alive,
}

impl Leases {
    /// Opens the bucket, or makes it as `wanted`.
    pub(super) async fn open(link: Arc<Link>, wanted: kv::Config) -> Result<Self, Error> {
        let bucket = match link.jetstream.get_key_value(&wanted.bucket).await {
            Ok(bucket) => bucket,
            Err(_) => make(&link, &wanted).await?,
        };
        if bucket.stream.cached_info().config.num_replicas != wanted.num_replicas {
            warn_kept(&wanted.bucket, "bus.replicas");
        }
        Ok(Self { link, bucket, wanted: Arc::new(wanted) })
    }

    /// Writes a key that is free.
    async fn create(&self, key: &str, value: &Value) -> Result<u64, CreateError> {
        match self.bucket.create(key, value.encode()).await {
            // One that was kept in memory is gone after a restart of the server. Making one that stands is refused.
            Err(error)
                if error.kind() != CreateErrorKind::AlreadyExists
                    && make(&self.link, &self.wanted).await.is_ok() =>
            {
                self.bucket.create(key, value.encode()).await
            }
            created => created,
        }
    }

    pub(super) async fn hold(&self, key: &str, ttl: Duration) -> Result<Holder, Error> {
        let value = Value { ttl, holder: Uuid::new_v4().simple().to_string(), renewals: 0 };
        let asked = Instant::now();
        let revision = match self.create(key, &value).await {
            Ok(revision) => revision,
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => {
                self.take_over(key, &value).await?
            }
            Err(error) => return Err(Error::carrier("take a lease", error)),
        };
        let (lost_sender, lost) = watch::channel(false);
        let stop = CancellationToken::new();
        let renewal = Renewal { leases: self.clone(), key: key.to_owned(), value, revision, renewed: asked };
        let task = tokio::spawn(renewal.run(stop.clone(), lost_sender));
        Ok(Holder { stop: stop.drop_guard(), task, lost })
    }

    /// Takes a key whose holder is silent.
    async fn take_over(&self, key: &str, value: &Value) -> Result<u64, Error> {
        let step = "take a lease";
        let mut signs = self.listen(key).await?;
        let revision = match self.look(key).await? {
            // Released a moment ago.
            Key::Free => {
                return self.bucket.create(key, value.encode()).await.map_err(|error| match error.kind() {
                    CreateErrorKind::AlreadyExists => Error::Held(key.to_owned()),
                    _ => Error::carrier(step, error),
                });
            }
            Key::Held { revision, value: mut last } => match self.hear(key, &mut signs, &mut last).await? {
                Heard::Silence => revision,
                Heard::Released | Heard::Alive => return Err(Error::Held(key.to_owned())),
            },
        };
        self.bucket.update(key, value.encode(), revision).await.map_err(|error| match error.kind() {
            UpdateErrorKind::WrongLastRevision => Error::Held(key.to_owned()),
            _ => Error::carrier(step, error),
        })
    }

    pub(super) async fn lapsed(&self, key: &str) -> Result<(), Error> {
        let mut signs = self.listen(key).await?;
        let Key::Held { value: mut last, .. } = self.look(key).await? else { return Ok(()) };
        while let Heard::Alive = self.hear(key, &mut signs, &mut last).await? {}
        Ok(())
    }

    async fn listen(&self, key: &str) -> Result<Subscriber, Error> {
        let subject = format!("{}{key}", self.bucket.prefix);
        self.link.client.subscribe(subject).await.map_err(|error| Error::carrier("watch a lease", error))
    }

    /// Waits for a sign that follows `last`, at most its ttl, and keeps it there.
    async fn hear(&self, key: &str, signs: &mut Subscriber, last: &mut Value) -> Result<Heard, Error> {
        match tokio::time::timeout(last.ttl, signs.next()).await {
            Ok(Some(sign)) if is_deletion(&sign) => Ok(Heard::Released),
            Ok(Some(sign)) => {
                *last = Value::decode(&sign.payload).ok_or_else(|| unreadable(key))?;
                Ok(Heard::Alive)
            }
            Ok(None) => Err(Error::carrier("watch a lease", "the NATS client was closed")),
            Err(_) => Ok(match self.look(key).await? {
                Key::Held { value, .. } if value != *last => {
                    *last = value;
                    Heard::Alive
                }
                Key::Held { .. } => Heard::Silence,
                Key::Free => Heard::Released,
            }),
        }
    }

    /// Asks the bucket's leader: a replica could be late and call a fresh lease free.
    async fn look(&self, key: &str) -> Result<Key, Error> {
        let step = "look at a lease";
        let subject = format!("{}{key}", self.bucket.prefix);
        let message = match self.bucket.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => message,
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(Key::Free),
            Err(error) => return Err(Error::carrier(step, error)),
        };
        if message.headers.get(OPERATION).is_some() {
            return Ok(Key::Free);
        }
        let value = Value::decode(&message.payload).ok_or_else(|| unreadable(key))?;
        Ok(Key::Held { revision: message.sequence, value })
    }
}

async fn make(link: &Link, wanted: &kv::Config) -> Result<Store, Error> {
    let made = link.jetstream.create_key_value(wanted.clone()).await;
    made.map_err(|error| Error::carrier("prepare the bucket of leases", error))
}

fn unreadable(key: &str) -> Error {
    Error::Unreadable { step: "look at a lease", reason: format!("the value of `{key}`") }
}

fn is_deletion(message: &Message) -> bool {
    message.headers.as_ref().is_some_and(|headers| headers.get(OPERATION).is_some())
}

/// Keeps one lease alive.
struct Renewal {
    leases: Leases,
    key: String,
    value: Value,
    revision: u64,
    /// When the last renewal that succeeded was begun.
    renewed: Instant,
}

impl Renewal {
    async fn run(mut self, stop: CancellationToken, lost: watch::Sender<bool>) {
        let every = self.value.ttl / 3;
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.release().await,
                () = tokio::time::sleep_until(self.renewed + every) => {}
            }
            if !self.renew(every).await || self.renewed.elapsed() >= self.value.ttl {
                tracing::warn!(key = self.key, "a lease was lost");
                lost.send_replace(true);
                return;
            }
        }
    }

    /// `false` if somebody else has the key.
    async fn renew(&mut self, within: Duration) -> bool {
        let begun = Instant::now();
        self.value.renewals += 1;
        let update = self.leases.bucket.update(&self.key, self.value.encode(), self.revision);
        match tokio::time::timeout(within, update).await {
            Ok(Ok(revision)) => (self.revision, self.renewed) = (revision, begun),
            Ok(Err(error)) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                return self.adopt(begun, within).await;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, key = self.key, "a lease was not renewed");
                pause(within, begun).await;
            }
            Err(_) => tracing::warn!(key = self.key, "a lease's renewal was not answered"),
        }
        true
    }

    /// An earlier renewal may have gone through although nobody told us.
    async fn adopt(&mut self, begun: Instant, within: Duration) -> bool {
        match tokio::time::timeout(within, self.leases.look(&self.key)).await {
            Ok(Ok(Key::Held { revision, value })) if value.holder == self.value.holder => {
                (self.revision, self.renewed) = (revision, begun);
                true
            }
            Ok(Ok(_)) => false,
            Ok(Err(_)) | Err(_) => {
                pause(within, begun).await;
                true
            }
        }
    }

    async fn release(self) {
        let deleted = self.leases.bucket.delete_expect_revision(&self.key, Some(self.revision)).await;
        if let Err(error) = deleted {
            tracing::warn!(%error, key = self.key, "a lease was not released; it lapses by itself");
        }
    }
}

/// What failed early is not tried again early.
async fn pause(within: Duration, begun: Instant) {
    tokio::time::sleep_until(begun + within).await;
}

pub(super) struct Holder {
    stop: DropGuard,
    task: JoinHandle<()>,
    lost: watch::Receiver<bool>,
}

#[async_trait]
impl Held for Holder {
    async fn release(self: Box<Self>) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a lease's renewal ended badly");
        }
    }

    async fn lost(&mut self) {
        if self.lost.wait_for(|lost| *lost).await.is_err() {
            // Its renewal ended without losing it, which only releasing does.
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_back() {
        let value = Value { ttl: Duration::from_millis(1500), holder: "abc".to_owned(), renewals: 7 };
        assert_eq!(Value::decode(&value.encode()), Some(value));
        assert_eq!(Value::decode(b"soon"), None);
    }
}
