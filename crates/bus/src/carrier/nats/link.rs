//! The connection, and what lies where on the server.
//!
//! | thing | stream | subjects |
//! |---|---|---|
//! | asks | none (core request/reply) | `<prefix>.ask.<subject>` |
//! | a work queue | `<prefix>_queue_<queue>`, work-queue retention, file | `<prefix>.queue.<queue>.<id>` |
//! | dead jobs | `<prefix>_dead`, file | `<prefix>.dead.<queue>.<id>` |
//! | journals | `<prefix>_journal`, file | `<prefix>.journal.<session>` |
//! | leases | bucket `<prefix>_leases`, file | `$KV.<prefix>_leases.<key>` |

use std::{fmt::Display, time::Duration};

use async_nats::{
    Client, ConnectOptions, Event, ServerAddr,
    connection::State,
    jetstream::{
        self, Context,
        context::{PublishError, PublishErrorKind},
        publish::PublishAck,
    },
};
use bytes::Bytes;
use tokio::sync::watch;
use url::{Url, form_urlencoded};

use crate::{Config, Error, Queue, config::redacted, envelope::MAX_BODY};

/// For every single answer of JetStream.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
/// Room the headers of a message may need beside its body, in bytes.
const HEADERS: usize = 16 * 1024;
/// Published messages that may wait for the server's word; more wait to be sent.
const IN_FLIGHT: usize = 1024;

/// One connection to a server. Reconnects by itself, for ever.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    prefix: String,
    /// How often the connection has come up, and whether it is up.
    connection: watch::Receiver<Connection>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) times_up: u64,
    pub(super) is_up: bool,
}

impl Link {
    pub(super) async fn connect(server: &str, config: &Config, name: &str) -> Result<Self, Error> {
        let (changed, mut connection) = watch::channel(Connection::default());
        let options = ConnectOptions::new()
            .name(format!("{}-{name}", config.prefix))
            .connection_timeout(ANSWER)
            .ping_interval(Duration::from_secs(10))
            .reconnect_delay_callback(|attempts| Duration::from_millis(100 << attempts.min(5)))
            .event_callback(move |event| {
                note(&changed, &event);
                async {}
            });
        let options = match &config.nats_credentials {
            None => options,
            Some(file) => options.credentials_file(file).await.map_err(|error| {
                Error::Config(format!("bus.nats_credentials {}: {error}", file.display()))
            })?,
        };
        let (options, address) = sign(options, server)?;
        let server = redacted(server);
        let client = options.connect(address).await.map_err(|error| Error::Carrier {
            step: "connect to NATS",
            cause: format!("{server}: {error}").into(),
        })?;
        // The event follows the connection; from here on an event means a change.
        let up =
            tokio::time::timeout(ANSWER, connection.wait_for(|now| now.is_up)).await.map(|up| up.is_ok());
        if up != Ok(true) {
            return Err(Error::carrier(
                "connect to NATS",
                format!("{server}: the connection did not stay up"),
            ));
        }
        if client.max_payload() < MAX_BODY + HEADERS {
            return Err(Error::Config(format!(
                "the server {server} takes messages of {} bytes, {} are needed: set its max_payload to 1MB",
                client.max_payload(),
                MAX_BODY + HEADERS
            )));
        }
        let jetstream = jetstream::ContextBuilder::new()
            .timeout(ANSWER)
            .ack_timeout(ANSWER)
            .max_ack_inflight(IN_FLIGHT)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Ok(Self { client, jetstream, prefix: config.prefix.clone(), connection })
    }

    pub(super) fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.clone()
    }

    pub(super) fn is_up(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Resolves when the connection goes down.
    pub(super) async fn down(&self) {
        let mut connection = self.connection.clone();
        if connection.wait_for(|now| now.times_up > 0 && !now.is_up).await.is_err() {
            // The client is gone, and whoever waits for it with it.
            std::future::pending().await
        }
    }

    /// Publishes to a stream and waits until it is stored. Told nothing, it sends it once more: `headers` carry a
    /// message id, so the stream stores it once.
    pub(super) async fn publish(
        &self,
        subject: &str,
        headers: async_nats::HeaderMap,
        body: Bytes,
    ) -> Result<PublishAck, PublishError> {
        let send = async || {
            let (subject, headers, body) = (subject.to_owned(), headers.clone(), body.clone());
            self.jetstream.publish_with_headers(subject, headers, body).await?.await
        };
        match send().await {
            Err(error) if error.kind() == PublishErrorKind::TimedOut => send().await,
            sent => sent,
        }
    }

    /// Waits until the server has seen everything sent so far on this connection.
    pub(super) async fn settled(&self) -> Result<(), Error> {
        let subject = format!("{}.settled", self.prefix);
        let request = async_nats::Request::new().timeout(Some(ANSWER));
        match self.client.send_request(subject, request).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == async_nats::RequestErrorKind::NoResponders => Ok(()),
            Err(error) => Err(Error::carrier("subscribe", error)),
        }
    }

    pub(super) fn ask(&self, subject: &str) -> String {
        format!("{}.ask.{subject}", self.prefix)
    }

    pub(super) fn queue_stream(&self, queue: Queue) -> String {
        format!("{}_queue_{}", self.prefix, queue.name())
    }

    pub(super) fn queue(&self, queue: Queue, id: &str) -> String {
        format!("{}.queue.{}.{id}", self.prefix, queue.name())
    }

    pub(super) fn dead_stream(&self) -> String {
        format!("{}_dead", self.prefix)
    }

    pub(super) fn dead(&self, queue: Queue, id: &str) -> String {
        format!("{}.dead.{}.{id}", self.prefix, queue.name())
    }

    pub(super) fn journal_stream(&self) -> String {
        format!("{}_journal", self.prefix)
    }

    pub(super) fn journal(&self, session: &str) -> String {
        format!("{}.journal.{session}", self.prefix)
    }

    pub(super) fn lease_bucket(&self) -> String {
        format!("{}_leases", self.prefix)
    }
}

/// Takes what a server's address authenticates with out of it: the client itself reads it nowhere but in its options,
/// and logs addresses whole.
fn sign(options: ConnectOptions, server: &str) -> Result<(ConnectOptions, ServerAddr), Error> {
    let bad = |error: &dyn Display| Error::Config(format!("bus.nats `{}`: {error}", redacted(server)));
    let text = if server.contains("://") { server.to_owned() } else { format!("nats://{server}") };
    let mut url = Url::parse(&text).map_err(|error| bad(&error))?;
    let (user, password) = (plain(url.username()), url.password().map(plain));
    if (!user.is_empty() || password.is_some())
        && (url.set_username("").is_err() || url.set_password(None).is_err())
    {
        return Err(bad(&"it names no host"));
    }
    let options = match (user, password) {
        (user, Some(password)) => options.user_and_password(user, password),
        (user, None) if user.is_empty() => options,
        (token, None) => options.token(token),
    };
    Ok((options, ServerAddr::from_url(url).map_err(|error| bad(&error))?))
}

/// Percent-encoded text as it was meant. The decoder is one for forms, where three characters mean more than themselves.
fn plain(encoded: &str) -> String {
    let encoded = encoded.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(encoded.as_bytes()).next().map_or_else(String::new, |(text, _)| text.into_owned())
}

fn note(connection: &watch::Sender<Connection>, event: &Event) {
    match event {
        Event::Connected => {
            tracing::info!("connected to NATS");
            connection.send_modify(|now| {
                now.times_up += 1;
                now.is_up = true;
            });
        }
        Event::Disconnected | Event::Closed => {
            tracing::warn!("the connection to NATS is down");
            connection.send_modify(|now| now.is_up = false);
        }
        Event::SlowConsumer(_) => {
            tracing::error!("NATS messages were dropped: a subscription is not read fast enough")
        }
        Event::LameDuckMode | Event::Draining => tracing::info!(%event, "NATS"),
        Event::ServerError(_) | Event::ClientError(_) => tracing::warn!(%event, "NATS"),
    }
}

/// `text` as one token of a subject: what a subject cannot have is written `_` and two hex digits.
pub(super) fn token(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut token, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            token.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(token, "_{byte:02x}");
        }
        token
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_they_were_meant() {
        for text in ["", "plain", "a+b&c=d", "p%40ss%2Fw%C3%BC"] {
            let meant = text.replace("%40", "@").replace("%2F", "/").replace("%C3%BC", "ü");
            assert_eq!(plain(text), meant);
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_is_named_without_its_secret() {
        for server in ["nats://user:s3cret@host:port", "ftp://user:s3cret@host", "nats://user:s3cret@"] {
            let text = sign(ConnectOptions::new(), server).err().unwrap().to_string();
            assert!(text.contains("bus.nats") && !text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn any_id_is_one_token_and_two_ids_are_two() {
        assert_eq!(token("row-7"), "row-7");
        assert_eq!(token("a.b*c>d e_"), "a_2eb_2ac_3ed_20e_5f");
        assert_ne!(token("a_2e"), token("a."));
    }
}
