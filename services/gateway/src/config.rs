//! Section `gateway`.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

/// Section `gateway`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// Bytes of one submission, pictures included.
    pub max_submission_bytes: usize,
    /// Files of one submission.
    pub max_files: usize,
    /// Submissions read at once.
    pub concurrent_submissions: usize,
    /// Submissions waiting for one of those to end; more are turned away with 503.
    pub waiting_submissions: usize,
    /// Event streams open at once; more are turned away with 503.
    pub concurrent_streams: usize,
    /// How long waiting at the door and reading one submission may take.
    #[serde(with = "humantime_serde")]
    pub submission_deadline: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            max_submission_bytes: 256 << 20,
            max_files: 2_048,
            concurrent_submissions: 8,
            waiting_submissions: 64,
            concurrent_streams: 256,
            submission_deadline: Duration::from_secs(120),
        }
    }
}
