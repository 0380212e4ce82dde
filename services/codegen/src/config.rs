//! Section `codegen`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::session::Limits;

/// Section `codegen`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Sessions worked on at once; more wait in the queue. Each wants a kernel of its own; while all are leased it waits
    /// for one, which its question's clock does not count.
    pub concurrency: usize,
    /// Pictures of the input shown to the model before it starts; 0 lets it work blind.
    pub key_frames: usize,
    /// Answers that do not fit the question's answer type and are sent back.
    pub answer_bounces: u32,
    /// How long the model may take for one reply.
    #[serde(with = "humantime_serde")]
    pub model_deadline: Duration,
    /// Questions of cells to the vision model answered at once; one over it is asked again by its executor.
    pub vision_concurrency: usize,
    /// How long the model may take for one such question.
    #[serde(with = "humantime_serde")]
    pub vision_deadline: Duration,
    /// Requests to the model for one reply before the job goes back to its queue.
    pub model_attempts: u32,
    /// Wait before the second request; doubles.
    #[serde(with = "humantime_serde")]
    pub model_backoff: Duration,
    /// How long one request for a kernel may take.
    #[serde(with = "humantime_serde")]
    pub lease_request: Duration,
    /// How long to go on requesting a kernel that no executor is there to give before the job goes back to its queue.
    #[serde(with = "humantime_serde")]
    pub lease_deadline: Duration,
    /// Wait before the second request for a kernel; doubles, up to about a second while all are leased.
    #[serde(with = "humantime_serde")]
    pub lease_backoff: Duration,
    /// How long a kernel outlives a session that could not give it back.
    #[serde(with = "humantime_serde")]
    pub owner_ttl: Duration,
    /// How much longer than a cell may run its executor may take to answer.
    #[serde(with = "humantime_serde")]
    pub run_grace: Duration,
    /// Kernels one cell may lose before the loss is what the model gets to see.
    pub kernel_losses: u32,
    /// Kernels one session may lose before it fails.
    pub session_losses: u32,
    /// How long an interrupt or one attempt to give a kernel back may take.
    #[serde(with = "humantime_serde")]
    pub release_deadline: Duration,
    /// Before a job is delivered again whose model, kernel or bus did not answer.
    #[serde(with = "humantime_serde")]
    pub retry_wait: Duration,
    /// Before a job is delivered again that somebody else seems to work on.
    #[serde(with = "humantime_serde")]
    pub yield_wait: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 16,
            key_frames: 32,
            answer_bounces: 2,
            model_deadline: Duration::from_secs(600),
            vision_concurrency: 16,
            vision_deadline: Duration::from_secs(600),
            model_attempts: 5,
            model_backoff: Duration::from_secs(1),
            lease_request: Duration::from_secs(40),
            lease_deadline: Duration::from_secs(300),
            lease_backoff: Duration::from_millis(200),
            owner_ttl: Duration::from_secs(5),
            run_grace: Duration::from_secs(15),
            kernel_losses: 3,
            session_losses: 10,
            release_deadline: Duration::from_secs(5),
            retry_wait: Duration::from_secs(5),
            yield_wait: Duration::from_secs(30),
        }
    }
}

impl Config {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            key_frames: self.key_frames,
            answer_bounces: self.answer_bounces,
            kernel_losses: self.kernel_losses,
            session_losses: self.session_losses,
            model_attempts: self.model_attempts,
            model_backoff: self.model_backoff,
            lease_deadline: self.lease_deadline,
            lease_backoff: self.lease_backoff,
            retry_wait: self.retry_wait,
            yield_wait: self.yield_wait,
        }
    }
}
