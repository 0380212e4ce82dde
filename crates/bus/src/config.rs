//! Section `bus`.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize, Serializer};

use crate::Error;

/// Below this a busy machine would lose claims that are alive.
const MIN_ACK_WAIT: Duration = Duration::from_millis(100);

/// Section `bus`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// NATS server, e.g. `nats://127.0.0.1:4222`, `nats://user:password@host`, `tls://token@host`. Absent: everything
    /// stays in this process (`path`). Printed without what it authenticates with: put that back before a printed
    /// configuration is read again.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "without_secret")]
    pub nats: Option<String>,
    /// Credentials file for NATS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats_credentials: Option<PathBuf>,
    /// Put before every subject, stream and bucket, so that installations can share a server.
    pub prefix: String,
    /// Copies of every stream and bucket a NATS cluster keeps. Like `max_queued`, `journal_age` and `ack_wait`, this holds
    /// for streams, buckets and consumers that are still to be made: what stands on a server is shared, and is changed
    /// with the server's own tools (`nats stream edit`).
    pub replicas: usize,
    /// Folder where the in-process bus keeps queues and journals (made if missing); one process at a time may use it.
    /// Absent: in memory, gone with the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Where artifacts lie: a folder, or `s3://…`, `gs://…`, `az://…`.
    pub artifacts: String,
    /// How long a claimed job may go without a sign of life before it is delivered again.
    #[serde(with = "humantime_serde")]
    pub ack_wait: Duration,
    /// Deliveries before a job goes to the dead-letter place and its session fails. Also those count whose worker went
    /// away (a rollout, `kill -9`): only so can a job that kills its workers come to an end. Hence far more than a model
    /// that is away for a while should need.
    pub max_deliveries: u32,
    /// Jobs a queue holds; more are refused.
    pub max_queued: u64,
    /// How long journals are kept after their last entry. A NATS server goes by the age of every single entry, so there
    /// it must be far longer than a session lasts.
    #[serde(with = "humantime_serde")]
    pub journal_age: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            nats: None,
            nats_credentials: None,
            prefix: "spatialclaw".to_owned(),
            replicas: 1,
            path: None,
            artifacts: ".data/artifacts".to_owned(),
            ack_wait: Duration::from_secs(30),
            max_deliveries: 20,
            max_queued: 1_000_000,
            journal_age: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

impl fmt::Debug for Config {
    /// As it is printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("nats", &self.nats.as_deref().map(redacted))
            .field("prefix", &self.prefix)
            .field("path", &self.path)
            .field("artifacts", &self.artifacts)
            .finish_non_exhaustive()
    }
}

/// The address of a server without what it authenticates with, for whoever may read errors and logs.
pub(crate) fn redacted(server: &str) -> String {
    let Some((before, host)) = server.rsplit_once('@') else { return server.to_owned() };
    let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
    format!("{scheme}***@{host}")
}

fn without_secret<S: Serializer>(server: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    server.as_deref().map(redacted).serialize(serializer)
}

impl Config {
    /// Values that no carrier could work with are refused at the start.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.prefix.is_empty() || !self.prefix.chars().all(fits) {
            let text = format!("bus.prefix `{}` must be letters, digits, - and _", self.prefix);
            return Err(Error::Config(text));
        }
        if self.ack_wait < MIN_ACK_WAIT {
            return Err(Error::Config(format!("bus.ack_wait {:?} is below {MIN_ACK_WAIT:?}", self.ack_wait)));
        }
        for (name, value) in [
            ("max_deliveries", u64::from(self.max_deliveries)),
            ("max_queued", self.max_queued),
            ("replicas", self.replicas as u64),
            ("journal_age", self.journal_age.as_secs()),
        ] {
            if value == 0 {
                return Err(Error::Config(format!("bus.{name} must be at least 1")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (server, shown) in [
            ("nats://user:pass@host:4222", "nats://***@host:4222"),
            ("nats://us@er:p@ss@host", "nats://***@host"),
            ("token@host", "***@host"),
            ("nats://host:4222", "nats://host:4222"),
        ] {
            assert_eq!(redacted(server), shown);
            let config = Config { nats: Some(server.to_owned()), ..Config::default() };
            assert!(format!("{config:?}").contains(shown), "{config:?}");
        }
    }
}
