//! What the HTTP handlers share, and how errors look to a caller.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Multipart,
        multipart::{MultipartError, MultipartRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spatialclaw_domain::{Question, SessionId};
use spatialclaw_ingest as ingest;
use spatialclaw_runtime::Shutdown;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::{Config, Gateway, door};

/// The part that holds the manifest row; every other part is a file the row names.
pub(crate) const QUESTION_PART: &str = "question";

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) gateway: Gateway,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) shutdown: Shutdown,
    /// Those reading and those waiting.
    at_the_door: Arc<Semaphore>,
    /// Those reading.
    submissions: Arc<Semaphore>,
    submission_deadline: Duration,
    max_files: usize,
    limits: Arc<ingest::Limits>,
}

impl Api {
    pub(crate) fn new(gateway: Gateway, config: &Config, limits: ingest::Limits, shutdown: Shutdown) -> Self {
        let at_the_door = config.concurrent_submissions.saturating_add(config.waiting_submissions);
        Self {
            gateway,
            streams: Arc::new(Semaphore::new(config.concurrent_streams.min(Semaphore::MAX_PERMITS))),
            shutdown,
            at_the_door: Arc::new(Semaphore::new(at_the_door.min(Semaphore::MAX_PERMITS))),
            submissions: Arc::new(Semaphore::new(config.concurrent_submissions.min(Semaphore::MAX_PERMITS))),
            submission_deadline: config.submission_deadline,
            max_files: config.max_files,
            limits: Arc::new(limits),
        }
    }

    /// Reads a submission and asks its question; under the same `key`, the same submission is the same session.
    pub(crate) async fn submit(&self, form: Multipart, key: Option<&str>) -> Result<SessionId, Problem> {
        let _here = self.at_the_door.try_acquire().map_err(|_| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many submissions are being read: try again soon",
            )
        })?;
        let read = async {
            // Bodies and decoded pictures are what costs memory: at most so many at once.
            let _permit = self.submissions.acquire().await;
            self.read(form, key).await
        };
        let question = tokio::time::timeout(self.submission_deadline, read).await.map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "the submission took too long to read")
        })??;
        Ok(self.gateway.submit(question).await?)
    }

    async fn read(&self, form: Multipart, key: Option<&str>) -> Result<Question, Problem> {
        let Parts { row, files } = Parts::read(form, self.max_files).await?;
        if row.len() > self.limits.max_row_bytes {
            return Err(ingest::Error::TooLong { limit: self.limits.max_row_bytes }.into());
        }
        let row = ingest::Row::parse(&row, &self.limits)?;
        let source = ingest::Uploaded::new(files);
        let mut question =
            ingest::question(&row, &source, self.gateway.bus().artifacts(), &self.limits).await?;
        if let Some(key) = key {
            question.session = row.session(&format!("gateway/{key}"), &source, &self.limits).await?;
        }
        Ok(question)
    }
}

/// An uploaded submission.
struct Parts {
    row: Bytes,
    files: HashMap<String, Bytes>,
}

impl Parts {
    async fn read(mut form: Multipart, max_files: usize) -> Result<Self, Problem> {
        let mut row = None;
        let mut files = HashMap::new();
        while let Some(field) = form.next_field().await? {
            let is_row = field.name() == Some(QUESTION_PART);
            let Some(name) = field.file_name().or(field.name()).map(str::to_owned) else {
                return Err(Problem::invalid("a part has neither a name nor a file name"));
            };
            let bytes = field.bytes().await?;
            if is_row {
                if row.replace(bytes).is_some() {
                    return Err(Problem::invalid(format!("there are two parts `{QUESTION_PART}`")));
                }
            } else if files.len() == max_files {
                return Err(Problem::invalid(format!(
                    "there are more than {max_files} files (gateway.max_files)"
                )));
            } else if files.insert(name.clone(), bytes).is_some() {
                return Err(Problem::invalid(format!("two parts are named `{name:.256}`")));
            }
        }
        let row = row.ok_or_else(|| {
            Problem::invalid(format!("part `{QUESTION_PART}` is missing: it holds one manifest row as JSON"))
        })?;
        Ok(Self { row, files })
    }
}

/// A refusal, as the caller reads it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// HTTP status.
    pub(crate) status: u16,
    /// What is wrong and how to mend it.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl ToString) -> Self {
        Self { status: status.as_u16(), message: message.to_string() }
    }

    pub(crate) fn invalid(message: impl ToString) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

impl From<MultipartRejection> for Problem {
    fn from(error: MultipartRejection) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

impl From<ingest::Error> for Problem {
    fn from(error: ingest::Error) -> Self {
        if error.is_callers() {
            return Self::invalid(error);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "a submission could not be stored");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}

impl From<door::Error> for Problem {
    fn from(error: door::Error) -> Self {
        let status = match &error {
            door::Error::NotFound(_) => StatusCode::NOT_FOUND,
            door::Error::Ended(_) => StatusCode::CONFLICT,
            door::Error::Bus(cause) => {
                tracing::error!(error = cause as &dyn std::error::Error, "the bus failed");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::new(status, error)
    }
}
