//! What a session takes in and gives out.

use std::time::Duration;

use spatialclaw_domain::{Event, EventKind, Fault, KernelId, Observation, VisionCall};
use spatialclaw_models::{ChatReply, Message};

/// Bounds of the service, beside those of the question.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Pictures shown to the model before it starts.
    pub key_frames: usize,
    /// Misfit answers sent back.
    pub answer_bounces: u32,
    /// Kernels one cell may lose before the loss is its observation.
    pub kernel_losses: u32,
    /// Kernels a session may lose in all.
    pub session_losses: u32,
    /// Requests to the model for one reply.
    pub model_attempts: u32,
    /// Wait before the second request; doubles.
    pub model_backoff: Duration,
    /// How long to go on asking for a kernel when nobody answers.
    pub lease_deadline: Duration,
    /// Wait before the second attempt; doubles up to [`MAX_BACKOFF`].
    pub lease_backoff: Duration,
    /// Before a job is delivered again whose model or kernel did not come.
    pub retry_wait: Duration,
    /// Before a job is delivered again that somebody else seems to work on.
    pub yield_wait: Duration,
}

/// No wait between two attempts is longer, spread aside.
pub const MAX_BACKOFF: Duration = Duration::from_secs(15);
/// Nor is one for a kernel while all are leased.
pub const MAX_FULL_BACKOFF: Duration = Duration::from_secs(1);

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The session begins, or a [`Effect::Wake`] is due.
    Tick,
    /// The model answered after so many seconds.
    Replied(Result<ChatReply, Fault>, f64),
    /// An executor answered.
    Leased(Result<Lease, Fault>),
    /// A run came back.
    Ran {
        /// Where it ran.
        kernel: KernelId,
        /// The cell's step.
        step: u32,
        /// What came back.
        outcome: Result<Observation, Loss>,
    },
    /// A kernel's lease key lapsed.
    Lapsed(KernelId),
    /// The last append stands, under this number.
    Appended(u64),
    /// The last append was refused; these entries came first.
    Refused(Vec<(u64, Event)>),
    /// The last append could not be made.
    NotAppended(Fault),
    /// An entry of the journal, as followed.
    Seen(u64, EventKind),
}

/// A kernel of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Its id.
    pub kernel: KernelId,
    /// Isolation level.
    pub walls: String,
}

/// Why a run has no observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The kernel or its executor is gone.
    Gone(String),
    /// The executor will not run this cell, on no kernel.
    Refused(String),
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful at a time, performed at once")]
pub enum Effect {
    /// Ask the model for a step.
    Ask {
        /// The step.
        step: u32,
        /// The whole conversation.
        messages: Vec<Message>,
    },
    /// Ask for a kernel.
    Lease,
    /// Run a cell.
    Run(Run),
    /// A replayed cell came out differently; its first observation stands.
    ReplayDiffers {
        /// The cell's step.
        step: u32,
        /// In what.
        what: &'static str,
    },
    /// Give a kernel back.
    Release {
        /// Which.
        kernel: KernelId,
        /// A cell is running in it.
        interrupt: bool,
    },
    /// Append to the journal, after the transcript's last entry.
    Append(EventKind),
    /// Send [`Input::Tick`] at this time, in place of any earlier wish.
    Wake(u64),
    /// Nothing more will come.
    Stop(End),
}

/// A cell to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where.
    pub kernel: KernelId,
    /// The cell's step.
    pub step: u32,
    /// Python source.
    pub code: String,
    /// Wall clock it may take.
    pub deadline: Duration,
    /// Images it may show.
    pub shown_images_left: u32,
    /// Calls it may make; `u32::MAX` is unlimited.
    pub tool_calls_left: u32,
    /// It was observed before, in another kernel.
    pub replay: bool,
    /// What the vision model has answered already, not to be asked and paid for again.
    pub vision: Vec<VisionCall>,
}

/// How a session's work ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Its journal has ended.
    Finished,
    /// Somebody else seems to work on it.
    Yield {
        /// Before looking again.
        wait: Duration,
    },
    /// Somebody should go on later.
    Later {
        /// Not before.
        wait: Duration,
        /// Why.
        reason: String,
    },
}
