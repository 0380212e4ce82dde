//! Section `bus`.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Below this a busy machine would lose claims that are alive.
const MIN_ACK_WAIT: Duration = Duration::from_millis(100);

/// Section `bus`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// NATS server, e.g. `nats://127.0.0.1:4222`. Absent: everything stays in this process (`path`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats: Option<String>,
    /// Credentials file for NATS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats_credentials: Option<PathBuf>,
    /// Put before every subject, stream and bucket, so that installations can share a server.
    pub prefix: String,
    /// Copies of every stream and bucket a NATS cluster keeps.
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
    /// Deliveries before a job goes to the dead-letter place.
    pub max_deliveries: u32,
    /// Jobs a queue holds; more are refused.
    pub max_queued: u64,
    /// How long journals are kept.
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
            max_deliveries: 5,
            max_queued: 1_000_000,
            journal_age: Duration::from_secs(30 * 24 * 3600),
        }
    }
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
