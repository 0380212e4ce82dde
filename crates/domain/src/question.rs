//! A question and what it may spend.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Frame, SessionId, StereoRig, Video};

/// A question with everything needed to answer it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Its session.
    pub session: SessionId,
    /// The caller's own name for it, e.g. a manifest row's id.
    pub label: String,
    /// The question itself.
    pub text: String,
    /// At least one, indices strictly rising.
    pub frames: Vec<Frame>,
    /// A calibrated pair among the frames.
    pub stereo: Option<StereoRig>,
    /// Which way is up in the poses' world; unit length.
    pub world_up: Option<[f64; 3]>,
    /// Where the frames were sampled from.
    pub video: Option<Video>,
    /// Empty unless the answer is one of these.
    pub choices: Vec<Choice>,
    /// What counts as an answer.
    pub answer_type: AnswerType,
    /// Unit the answer is wanted in, e.g. `m`; `None` means as the question says.
    pub unit: Option<String>,
    /// What it may spend.
    pub budget: Budget,
}

/// One option of a multiple-choice question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// `A`, `B`, …
    pub letter: String,
    /// What it says.
    pub text: String,
}

/// What counts as an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    /// Any non-empty text.
    #[default]
    Text,
    /// A finite number.
    Number,
    /// A whole number.
    Integer,
    /// `yes` or `no`.
    YesNo,
    /// The letter of one of the question's choices.
    Choice,
}

/// Bounds on one question; reaching one ends it with a stated reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Cells, well-formed or not.
    pub steps: u32,
    /// Consecutive replies that could not be read.
    pub failures: u32,
    /// Tool calls; 0 is unlimited.
    pub tool_calls: u32,
    /// Images shown over the whole session.
    pub shown_images: u32,
    /// Wall clock of one cell, seconds.
    pub cell_seconds: u32,
    /// Wall clock of the whole question, seconds.
    pub question_seconds: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: 30,
            failures: 5,
            tool_calls: 0,
            shown_images: 250,
            cell_seconds: 600,
            question_seconds: 3600,
        }
    }
}

impl Budget {
    /// [`Self::cell_seconds`] as a duration.
    pub fn cell(&self) -> Duration {
        Duration::from_secs(self.cell_seconds.into())
    }

    /// [`Self::question_seconds`] as a duration.
    pub fn question(&self) -> Duration {
        Duration::from_secs(self.question_seconds.into())
    }
}
