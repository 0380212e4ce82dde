//! Journals: one subject each in one stream; the stream itself refuses an append that follows the wrong entry.

use std::{sync::Arc, time::Duration};

use async_nats::{
    HeaderMap, HeaderValue,
    header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID},
    jetstream::{
        consumer::{
            DeliverPolicy,
            pull::{Ordered, OrderedConfig},
        },
        context::{PublishError, PublishErrorKind},
        stream::{RawMessageErrorKind, Stream},
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use spatialclaw_domain::SessionId;
use tokio::sync::watch;
use uuid::Uuid;

use super::link::{ANSWER, Connection, Link};
use crate::{AppendError, Error, carrier::Entries};

/// Entries asked for at once.
const BATCH: u32 = 1000;
/// What the server says of each.
const NATS_SEQUENCE: &str = "Nats-Sequence";
const NATS_LAST_SEQUENCE: &str = "Nats-Last-Sequence";
const NATS_PENDING: &str = "Nats-Num-Pending";

/// Tries to follow again before a follower gives up, and the wait between them.
const TRIES: u32 = 120;
const BETWEEN: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub(super) struct Journals {
    link: Arc<Link>,
    stream: Stream,
}

impl Journals {
    pub(super) fn new(link: Arc<Link>, stream: Stream) -> Self {
        Self { link, stream }
    }

    pub(super) async fn append(
        &self,
        session: SessionId,
        entry: Bytes,
        after: u64,
    ) -> Result<u64, AppendError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(after));
        // Random, not made from the entry: two writers of equal entries must not both believe they wrote it.
        let id = Uuid::new_v4().simple().to_string();
        headers.insert(NATS_MESSAGE_ID, id.as_str());
        let subject = self.link.journal(&session.to_string());
        match self.link.publish(&subject, headers, entry).await {
            Ok(stored) => Ok(stored.sequence),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                match self.find_ours(&subject, &id, after).await? {
                    Some(sequence) => Ok(sequence),
                    None => Err(AppendError::Conflict { last: last_sequence(&error) }),
                }
            }
            Err(error) => Err(Error::carrier("append to the journal", error).into()),
        }
    }

    /// The entry after `after` if it has the message id `id`: then what was refused is a repetition of an append
    /// whose answer was lost. The server looks at the fence before it looks for duplicates.
    async fn find_ours(&self, subject: &str, id: &str, after: u64) -> Result<Option<u64>, Error> {
        match self.stream.get_first_raw_message_by_subject(subject, after + 1).await {
            Ok(entry) => {
                let is_ours =
                    entry.headers.get_last(NATS_MESSAGE_ID).is_some_and(|found| found.as_str() == id);
                Ok(is_ours.then_some(entry.sequence))
            }
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(Error::carrier("append to the journal", error)),
        }
    }

    /// Asks the stream's leader: what was appended is read.
    pub(super) async fn read(&self, session: SessionId, after: u64) -> Result<Vec<(u64, Bytes)>, Error> {
        let subject = self.link.journal(&session.to_string());
        let mut entries = Vec::new();
        loop {
            let failed = |error| Error::carrier("read the journal", error);
            self.read_batch(&subject, after, &mut entries).await.map_err(failed)?;
            let from = entries.last().map_or(after, |(last, _)| *last) + 1;
            match self.stream.get_first_raw_message_by_subject(&subject, from).await {
                Ok(entry) => entries.push((entry.sequence, entry.payload)),
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(entries),
                Err(error) => return Err(Error::carrier("read the journal", error)),
            }
        }
    }

    /// Reads on in one request. What comes is a beginning of what there is: any replica answers, perhaps a late one,
    /// and the server ends a batch early; one before 2.11 sends a single entry.
    async fn read_batch(
        &self,
        subject: &str,
        after: u64,
        entries: &mut Vec<(u64, Bytes)>,
    ) -> Result<(), async_nats::Error> {
        let info = self.stream.cached_info();
        if !info.config.allow_direct {
            return Ok(());
        }
        let mut last = entries.last().map_or(after, |(last, _)| *last);
        let request = format!(r#"{{"batch":{BATCH},"seq":{},"next_by_subj":"{subject}"}}"#, last + 1);
        let inbox = self.link.client.new_inbox();
        let mut messages = self.link.client.subscribe(inbox.clone()).await?;
        let to = format!("$JS.API.DIRECT.GET.{}", info.config.name);
        self.link.client.publish_with_reply(to, inbox, request.into()).await?;
        while let Ok(Some(message)) = tokio::time::timeout(ANSWER, messages.next()).await {
            let number = |name: &str| -> Option<u64> {
                message.headers.as_ref()?.get_last(name)?.as_str().parse().ok()
            };
            // A status ends the batch, a gap makes what follows useless.
            let (Some(sequence), before) = (number(NATS_SEQUENCE), number(NATS_LAST_SEQUENCE)) else { break };
            if before.is_some_and(|before| before != 0 && before != last) {
                break;
            }
            last = sequence;
            entries.push((sequence, message.payload.clone()));
            if number(NATS_PENDING).is_none_or(|pending| pending == 0) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn follow(&self, session: SessionId, after: u64) -> Follower {
        let subject = self.link.journal(&session.to_string());
        let mut connection = self.link.connection();
        connection.mark_unchanged();
        Follower { stream: self.stream.clone(), subject, after, connection, messages: None, failures: 0 }
    }
}

fn last_sequence(error: &PublishError) -> Option<u64> {
    parse_last_sequence(&std::error::Error::source(error)?.to_string())
}

/// The server names the last entry in its text only.
fn parse_last_sequence(text: &str) -> Option<u64> {
    let (_, number) = text.split_once("wrong last sequence: ")?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

pub(super) struct Follower {
    stream: Stream,
    subject: String,
    after: u64,
    connection: watch::Receiver<Connection>,
    messages: Option<Ordered>,
    /// Since the last entry or fresh start.
    failures: u32,
}

impl Follower {
    async fn start(&mut self) -> Result<Ordered, Error> {
        let step = "follow the journal";
        let config = OrderedConfig {
            filter_subject: self.subject.clone(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.after + 1 },
            ..OrderedConfig::default()
        };
        let consumer =
            self.stream.create_consumer(config).await.map_err(|error| Error::carrier(step, error))?;
        consumer.messages().await.map_err(|error| Error::carrier(step, error))
    }

    /// Waits before the next try, or gives up.
    async fn again(&mut self, error: Error) -> Result<(), Error> {
        self.messages = None;
        self.failures += 1;
        if self.failures > TRIES {
            return Err(error);
        }
        let error = spatialclaw_domain::Fault::from(error);
        tracing::debug!(%error, subject = self.subject, "following again");
        tokio::time::sleep(BETWEEN).await;
        Ok(())
    }
}

#[async_trait]
impl Entries for Follower {
    async fn next(&mut self) -> Result<(u64, Bytes), Error> {
        loop {
            let messages = match &mut self.messages {
                Some(messages) => messages,
                None => match self.start().await {
                    Ok(messages) => self.messages.insert(messages),
                    Err(error) => {
                        self.again(error).await?;
                        continue;
                    }
                },
            };
            let next = tokio::select! {
                next = messages.next() => next,
                // A server that was away has forgotten the consumer; the client would notice by missed heartbeats only.
                Ok(()) = self.connection.changed() => {
                    if self.connection.borrow_and_update().is_up {
                        self.messages = None;
                    }
                    continue;
                }
            };
            let lost = match next {
                Some(Ok(message)) => {
                    let sequence = message.info().map(|info| info.stream_sequence);
                    match sequence {
                        Ok(sequence) if sequence > self.after => {
                            (self.after, self.failures) = (sequence, 0);
                            return Ok((sequence, message.message.payload));
                        }
                        Ok(_) => continue,
                        Err(error) => Error::carrier("follow the journal", error),
                    }
                }
                Some(Err(error)) => Error::carrier("follow the journal", error),
                None => Error::carrier("follow the journal", "the consumer ended"),
            };
            self.again(lost).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_is_read_from_the_servers_text() {
        assert_eq!(parse_last_sequence("wrong last sequence: 17 (code 400, error code 10071)"), Some(17));
        assert_eq!(parse_last_sequence("wrong last sequence"), None);
    }
}
