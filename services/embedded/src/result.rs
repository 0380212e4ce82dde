//! One line of `results.jsonl`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spatialclaw_domain::Digest;
use spatialclaw_gateway::{Cost, QuestionResult, Status};
use spatialclaw_ingest::Row;

use crate::Score;

/// What became of one input row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResultLine {
    /// Line of the manifest, 1-based.
    pub(crate) line: u64,
    /// The row's id, if it could be read.
    pub(crate) id: Option<String>,
    /// Tells whether the row is still the one that was asked; see [`digest`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) row: Option<String>,
    /// How it ended.
    pub(crate) status: RowStatus,
    /// The answer as text.
    pub(crate) answer: Option<String>,
    /// The answer as a number, if it is one.
    pub(crate) number: Option<f64>,
    /// Why there is no answer.
    pub(crate) error: Option<String>,
    /// What the row's author holds to be right.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) expected: Option<Value>,
    /// Whether the answer is right within the row's tolerance.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) correct: Option<bool>,
    /// `|answer − expected| / |expected|`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) relative_error: Option<f64>,
    /// What it took.
    pub(crate) cost: Option<Cost>,
    /// The session, for journals and traces.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) session: Option<String>,
    /// Page with plan, cells, outputs and pictures; relative to the results.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) report: Option<String>,
}

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RowStatus {
    /// With an answer.
    Answered,
    /// The loop ended without an answer, and says why.
    Unanswered,
    /// The row, or a service, was at fault.
    Error,
}

impl ResultLine {
    /// A row that could not be asked.
    pub(crate) fn refused(line: u64, id: Option<String>, error: String) -> Self {
        Self {
            line,
            id,
            row: None,
            status: RowStatus::Error,
            answer: None,
            number: None,
            error: Some(error),
            expected: None,
            correct: None,
            relative_error: None,
            cost: None,
            session: None,
            report: None,
        }
    }

    /// A row that was asked.
    pub(crate) fn asked(line: u64, result: QuestionResult, row: &Row) -> Self {
        let score =
            row.reference.as_ref().map(|right| Score::of(right, result.answer.as_deref(), result.number));
        Self {
            line,
            id: Some(result.label),
            row: Some(digest(row)),
            status: match result.status {
                Status::Answered => RowStatus::Answered,
                Status::Unanswered => RowStatus::Unanswered,
                Status::Queued | Status::Working | Status::Error | Status::Cancelled => RowStatus::Error,
            },
            answer: result.answer,
            number: result.number,
            error: result.error,
            expected: score.as_ref().map(|score| score.expected.clone()),
            correct: score.as_ref().map(|score| score.correct),
            relative_error: score.and_then(|score| score.relative_error),
            cost: Some(result.cost),
            session: Some(result.id),
            report: None,
        }
    }
}

/// What a row asks, in 16 hex digits. Its files count by name only (a resumed run does not read them all again), its
/// reference answer not at all.
pub(crate) fn digest(row: &Row) -> String {
    let text = serde_json::to_vec(row).unwrap_or_default();
    Digest::of(&text).to_string().chars().take(16).collect()
}
