//! What the HTTP handlers share, and how errors look to a caller.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Multipart, multipart::MultipartError},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spatialclaw_domain::{Question, SessionId};
use spatialclaw_ingest as ingest;
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
    submissions: Arc<Semaphore>,
    submission_deadline: Duration,
    limits: Arc<ingest::Limits>,
}

impl Api {
    pub(crate) fn new(gateway: Gateway, config: &Config, limits: ingest::Limits) -> Self {
        Self {
            gateway,
            streams: Arc::new(Semaphore::new(config.concurrent_streams)),
            submissions: Arc::new(Semaphore::new(config.concurrent_submissions)),
            submission_deadline: config.submission_deadline,
            limits: Arc::new(limits),
        }
    }

    /// Reads a submission and asks its question.
    pub(crate) async fn submit(&self, form: Multipart) -> Result<SessionId, Problem> {
        let read = async {
            // Decoding pictures is the expensive part: at most so many at once.
            let _permit = self.submissions.acquire().await;
            let parts = Parts::read(form).await?;
            parts.question(&self.gateway, &self.limits).await
        };
        let question = tokio::time::timeout(self.submission_deadline, read)
            .await
            .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the submission took too long to read"))??;
        Ok(self.gateway.submit(question).await?)
    }
}

/// An uploaded submission.
struct Parts {
    row: Bytes,
    files: HashMap<String, Bytes>,
}

impl Parts {
    async fn read(mut form: Multipart) -> Result<Self, Problem> {
        let mut row = None;
        let mut files = HashMap::new();
        while let Some(field) = form.next_field().await? {
            let Some(name) = field.file_name().or(field.name()).map(str::to_owned) else {
                return Err(Problem::invalid("a part has neither a name nor a file name"));
            };
            let is_row = field.name() == Some(QUESTION_PART);
            let bytes = field.bytes().await?;
            if is_row {
                row = Some(bytes);
            } else if files.insert(name.clone(), bytes).is_some() {
                return Err(Problem::invalid(format!("two parts are named `{name}`")));
            }
        }
        let row = row.ok_or_else(|| {
            Problem::invalid(format!("part `{QUESTION_PART}` is missing: it holds one manifest row as JSON"))
        })?;
        Ok(Self { row, files })
    }

    async fn question(self, gateway: &Gateway, limits: &ingest::Limits) -> Result<Question, Problem> {
        let row = ingest::Row::parse(&self.row, limits).map_err(Problem::invalid)?;
        let source = ingest::Uploaded::new(self.files);
        ingest::question(&row, &source, gateway.bus().artifacts(), limits).await.map_err(Problem::invalid)
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

impl From<door::Error> for Problem {
    fn from(error: door::Error) -> Self {
        let status = match &error {
            door::Error::NotFound(_) => StatusCode::NOT_FOUND,
            door::Error::Ended(_) => StatusCode::CONFLICT,
            door::Error::Bus(cause) => {
                tracing::error!(%cause, "the bus failed");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::new(status, error)
    }
}
