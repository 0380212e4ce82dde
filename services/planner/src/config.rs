//! Section `planner`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Section `planner`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Questions planned at once; more wait in the queue.
    pub concurrency: usize,
    /// How long the model may take for one plan.
    #[serde(with = "humantime_serde")]
    pub model_deadline: Duration,
    /// Requests to the model before a question goes on without a plan.
    pub model_attempts: u32,
    /// Wait before the second request; doubles.
    #[serde(with = "humantime_serde")]
    pub model_backoff: Duration,
    /// Before a job is delivered again whose bus did not answer.
    #[serde(with = "humantime_serde")]
    pub retry_wait: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 16,
            model_deadline: Duration::from_secs(300),
            model_attempts: 4,
            model_backoff: Duration::from_secs(1),
            retry_wait: Duration::from_secs(5),
        }
    }
}
