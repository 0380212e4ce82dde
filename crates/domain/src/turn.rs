//! One turn of the loop: what the model wrote and what came back.

use serde::{Deserialize, Serialize};

use crate::{ArtifactRef, VisionCall};

/// How the model means to answer; plain text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The plan, as the cell-writing model will read it.
    pub text: String,
    /// Who wrote it.
    pub model: String,
    /// What it cost.
    pub usage: Usage,
}

/// Tokens spent on a language model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Requests.
    pub calls: u64,
    /// Tokens read, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Part of `prompt_tokens` served from the endpoint's prefix cache.
    pub cached_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.cached_tokens += other.cached_tokens;
    }
}

/// One Python cell and why it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Counts from 1.
    pub step: u32,
    /// What this step is for.
    pub purpose: String,
    /// Why this way.
    pub reasoning: String,
    /// What should follow.
    pub next_goal: String,
    /// Python source.
    pub code: String,
}

/// What came back from running a cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The cell's step.
    pub step: u32,
    /// Wall clock.
    pub seconds: f64,
    /// Bounded by the executor.
    pub stdout: String,
    /// Bounded by the executor.
    pub stderr: String,
    /// The exception that ended the cell, if one did.
    pub error: Option<CellError>,
    /// Variables the cell introduced.
    pub new_variables: Vec<Variable>,
    /// Variables the cell changed.
    pub changed_variables: Vec<Variable>,
    /// Images the cell showed, in order.
    pub shown: Vec<ShownImage>,
    /// Images over the budget, dropped.
    pub shown_dropped: u32,
    /// Calls from the cell to the host, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Calls beyond those that are recorded one by one.
    #[serde(default)]
    pub tool_calls_dropped: u32,
    /// The last `ReturnAnswer` of the cell.
    pub answer: Option<Answer>,
    /// The interpreter had to be killed: variables of earlier cells are gone.
    pub state_lost: bool,
    /// Some of the output was cut by a bound.
    pub stdout_truncated: bool,
    /// What the cell asked the vision model, in order.
    #[serde(default)]
    pub vision: Vec<VisionCall>,
    /// What that cost.
    #[serde(default)]
    pub vision_usage: Usage,
}

/// An exception inside a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellError {
    /// Exception type, e.g. `ValueError`.
    pub kind: String,
    /// Its text.
    pub message: String,
    /// Line of the cell, 1-based.
    pub line: Option<u32>,
    /// Trimmed to the cell's own frames.
    pub traceback: String,
}

/// A variable as the model will read of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Name in the kernel's namespace.
    pub name: String,
    /// Type, shape, dtype, length: one line.
    pub summary: String,
}

/// An image a cell showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownImage {
    /// PNG.
    pub image: ArtifactRef,
    /// What it shows.
    pub label: String,
    /// Absolute index, if it is of one frame.
    pub frame_index: Option<u32>,
}

/// A call from a cell to the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// e.g. `Reconstruct` or `SAM3.segment_image_by_text`.
    pub name: String,
    /// Wall clock.
    pub seconds: f64,
    /// `ok`, or the exception the cell met; for a question to the vision model also the fault it was told of.
    pub outcome: String,
    /// Which engine answered.
    pub engine: String,
    /// Whether it came from the result cache.
    pub cached: bool,
}

/// What `ReturnAnswer` was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// As text, trimmed, never empty.
    pub text: String,
    /// As a number, if it is one.
    pub number: Option<f64>,
}
