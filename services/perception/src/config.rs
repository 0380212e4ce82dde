//! Section `perception`.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// Section `perception`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Asks handled at once; more are answered `exhausted`.
    pub concurrency: usize,
    /// How long one ask may take, retries included.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// Attempts at a pod that is gone or full.
    pub attempts: u32,
    /// Before the second attempt; doubled before each further one.
    #[serde(with = "humantime_serde")]
    pub retry_wait: Duration,
    /// Most frames of one reconstruction.
    pub max_frames: usize,
    /// Most pixels of one result, all frames or masks together, and of all results being made at once.
    pub max_pixels: u64,
    /// Results remembered.
    pub cache_entries: usize,
    /// Where the memory of results outlives the process. Absent: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 32,
            deadline: Duration::from_secs(180),
            attempts: 6,
            retry_wait: Duration::from_millis(200),
            max_frames: 64,
            max_pixels: 32 << 20,
            cache_entries: 100_000,
            index: None,
        }
    }
}
