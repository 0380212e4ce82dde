//! Questions, plans, cells and the jobs that carry them.

use spatialclaw_domain::{AnswerType, Budget, Cell, Choice, Plan, Question, Usage};

use super::{Error, inward, out, required};
use crate::session::v1 as wire;

impl From<AnswerType> for wire::AnswerType {
    fn from(kind: AnswerType) -> Self {
        match kind {
            AnswerType::Text => Self::Text,
            AnswerType::Number => Self::Number,
            AnswerType::Integer => Self::Integer,
            AnswerType::YesNo => Self::YesNo,
            AnswerType::Choice => Self::Choice,
        }
    }
}

impl From<wire::AnswerType> for AnswerType {
    fn from(kind: wire::AnswerType) -> Self {
        match kind {
            wire::AnswerType::Text | wire::AnswerType::Unspecified => Self::Text,
            wire::AnswerType::Number => Self::Number,
            wire::AnswerType::Integer => Self::Integer,
            wire::AnswerType::YesNo => Self::YesNo,
            wire::AnswerType::Choice => Self::Choice,
        }
    }
}

impl From<Budget> for wire::Budget {
    fn from(budget: Budget) -> Self {
        Self {
            steps: budget.steps,
            failures: budget.failures,
            tool_calls: budget.tool_calls,
            shown_images: budget.shown_images,
            cell_ms: budget.cell_seconds.saturating_mul(1000),
            question_ms: u64::from(budget.question_seconds) * 1000,
        }
    }
}

impl From<wire::Budget> for Budget {
    fn from(budget: wire::Budget) -> Self {
        Self {
            steps: budget.steps,
            failures: budget.failures,
            tool_calls: budget.tool_calls,
            shown_images: budget.shown_images,
            cell_seconds: budget.cell_ms / 1000,
            question_seconds: u32::try_from(budget.question_ms / 1000).unwrap_or(u32::MAX),
        }
    }
}

impl From<Choice> for wire::Choice {
    fn from(choice: Choice) -> Self {
        Self { letter: choice.letter, text: choice.text }
    }
}

impl From<wire::Choice> for Choice {
    fn from(choice: wire::Choice) -> Self {
        Self { letter: choice.letter, text: choice.text }
    }
}

impl From<Question> for wire::Question {
    fn from(question: Question) -> Self {
        Self {
            session: question.session.to_string(),
            label: question.label,
            text: question.text,
            frames: out(question.frames),
            stereo: question.stereo.map(Into::into),
            world_up: question.world_up.map(|up| up.to_vec()).unwrap_or_default(),
            video: question.video.map(Into::into),
            choices: out(question.choices),
            answer_type: wire::AnswerType::from(question.answer_type).into(),
            unit: question.unit.unwrap_or_default(),
            budget: Some(question.budget.into()),
        }
    }
}

impl TryFrom<wire::Question> for Question {
    type Error = Error;

    fn try_from(question: wire::Question) -> Result<Self, Error> {
        Ok(Self {
            session: question.session.parse().map_err(|error| Error::invalid("session", error))?,
            answer_type: question.answer_type().into(),
            label: question.label,
            text: question.text,
            frames: inward(question.frames)?,
            stereo: question.stereo.map(Into::into),
            world_up: world_up(&question.world_up)?,
            video: question.video.map(Into::into),
            choices: out(question.choices),
            unit: Some(question.unit).filter(|unit| !unit.is_empty()),
            budget: required(question.budget, "budget")?.into(),
        })
    }
}

/// Reads `world_up`: three values or none.
pub(super) fn world_up(values: &[f64]) -> Result<Option<[f64; 3]>, Error> {
    if values.is_empty() {
        return Ok(None);
    }
    let up = values
        .try_into()
        .map_err(|_| Error::invalid("world_up", format!("expected 3 values, got {}", values.len())))?;
    Ok(Some(up))
}

impl From<Usage> for wire::Usage {
    fn from(usage: Usage) -> Self {
        Self {
            calls: usage.calls,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cached_tokens: usage.cached_tokens,
        }
    }
}

impl From<wire::Usage> for Usage {
    fn from(usage: wire::Usage) -> Self {
        Self {
            calls: usage.calls,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cached_tokens: usage.cached_tokens,
        }
    }
}

impl From<Plan> for wire::Plan {
    fn from(plan: Plan) -> Self {
        Self { text: plan.text, model: plan.model, usage: Some(plan.usage.into()) }
    }
}

impl From<wire::Plan> for Plan {
    fn from(plan: wire::Plan) -> Self {
        Self { text: plan.text, model: plan.model, usage: plan.usage.map(Into::into).unwrap_or_default() }
    }
}

impl From<Cell> for wire::Cell {
    fn from(cell: Cell) -> Self {
        Self {
            step: cell.step,
            purpose: cell.purpose,
            reasoning: cell.reasoning,
            next_goal: cell.next_goal,
            code: cell.code,
        }
    }
}

impl From<wire::Cell> for Cell {
    fn from(cell: wire::Cell) -> Self {
        Self {
            step: cell.step,
            purpose: cell.purpose,
            reasoning: cell.reasoning,
            next_goal: cell.next_goal,
            code: cell.code,
        }
    }
}
