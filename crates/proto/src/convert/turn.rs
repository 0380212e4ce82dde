//! What came back from a cell.

use spatialclaw_domain::{Answer, CellError, Observation, ShownImage, ToolCall, Variable};

use super::{Error, inward, out, required};
use crate::session::v1 as wire;

impl From<Answer> for wire::Answer {
    fn from(answer: Answer) -> Self {
        Self { text: answer.text, number: answer.number }
    }
}

impl From<wire::Answer> for Answer {
    fn from(answer: wire::Answer) -> Self {
        Self { text: answer.text, number: answer.number }
    }
}

impl From<Variable> for wire::Variable {
    fn from(variable: Variable) -> Self {
        Self { name: variable.name, summary: variable.summary }
    }
}

impl From<wire::Variable> for Variable {
    fn from(variable: wire::Variable) -> Self {
        Self { name: variable.name, summary: variable.summary }
    }
}

impl From<CellError> for wire::CellError {
    fn from(error: CellError) -> Self {
        Self {
            kind: error.kind,
            message: error.message,
            line: error.line.unwrap_or(0),
            traceback: error.traceback,
        }
    }
}

impl From<wire::CellError> for CellError {
    fn from(error: wire::CellError) -> Self {
        Self {
            kind: error.kind,
            message: error.message,
            line: Some(error.line).filter(|line| *line > 0),
            traceback: error.traceback,
        }
    }
}

impl From<ToolCall> for wire::ToolCall {
    fn from(call: ToolCall) -> Self {
        Self {
            name: call.name,
            seconds: call.seconds,
            outcome: call.outcome,
            engine: call.engine,
            cached: call.cached,
        }
    }
}

impl From<wire::ToolCall> for ToolCall {
    fn from(call: wire::ToolCall) -> Self {
        Self {
            name: call.name,
            seconds: call.seconds,
            outcome: call.outcome,
            engine: call.engine,
            cached: call.cached,
        }
    }
}

impl From<ShownImage> for wire::ShownImage {
    fn from(shown: ShownImage) -> Self {
        Self { image: Some(shown.image.into()), label: shown.label, frame_index: shown.frame_index }
    }
}

impl TryFrom<wire::ShownImage> for ShownImage {
    type Error = Error;

    fn try_from(shown: wire::ShownImage) -> Result<Self, Error> {
        Ok(Self {
            image: required(shown.image, "shown.image")?.try_into()?,
            label: shown.label,
            frame_index: shown.frame_index,
        })
    }
}

impl From<Observation> for wire::Observation {
    fn from(seen: Observation) -> Self {
        Self {
            step: seen.step,
            seconds: seen.seconds,
            stdout: seen.stdout,
            stderr: seen.stderr,
            error: seen.error.map(Into::into),
            new_variables: out(seen.new_variables),
            changed_variables: out(seen.changed_variables),
            shown: out(seen.shown),
            shown_dropped: seen.shown_dropped,
            tool_calls: out(seen.tool_calls),
            tool_calls_dropped: seen.tool_calls_dropped,
            answer: seen.answer.map(Into::into),
            state_lost: seen.state_lost,
            stdout_truncated: seen.stdout_truncated,
            vision: out(seen.vision),
            vision_usage: Some(seen.vision_usage.into()),
        }
    }
}

impl TryFrom<wire::Observation> for Observation {
    type Error = Error;

    fn try_from(seen: wire::Observation) -> Result<Self, Error> {
        Ok(Self {
            step: seen.step,
            seconds: seen.seconds,
            stdout: seen.stdout,
            stderr: seen.stderr,
            error: seen.error.map(Into::into),
            new_variables: out(seen.new_variables),
            changed_variables: out(seen.changed_variables),
            shown: inward(seen.shown)?,
            shown_dropped: seen.shown_dropped,
            tool_calls: out(seen.tool_calls),
            tool_calls_dropped: seen.tool_calls_dropped,
            answer: seen.answer.map(Into::into),
            state_lost: seen.state_lost,
            stdout_truncated: seen.stdout_truncated,
            vision: inward(seen.vision)?,
            vision_usage: seen.vision_usage.map(Into::into).unwrap_or_default(),
        })
    }
}
