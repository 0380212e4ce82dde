//! One row: asked, waited for, reported.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use spatialclaw_bus as bus;
use spatialclaw_domain::SessionId;
use spatialclaw_gateway::{Error as DoorError, Gateway, QuestionResult, Status};
use spatialclaw_ingest::{self as ingest, Entry};

use crate::result::ResultLine;

/// Tries of one row while the bus or the store does not answer.
const ATTEMPTS: u32 = 6;
/// Before the second try; doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a question may stay without an end beyond what it may spend.
const GRACE: Duration = Duration::from_secs(600);

/// Asks rows and waits for their ends.
pub(super) struct Asker {
    pub(super) gateway: Gateway,
    pub(super) folder: ingest::Folder,
    pub(super) limits: ingest::Limits,
    pub(super) run: String,
    /// Where report pages go; none are written otherwise.
    pub(super) reports: Option<PathBuf>,
    /// Whether a session that ended without an answer is left alone and another one begun.
    pub(super) retry: bool,
}

/// Why a row has no result yet.
enum Trouble {
    /// The row can never be asked.
    Row(String),
    /// Something of ours did not answer: the row deserves another try.
    Ours(anyhow::Error),
}

impl From<ingest::Error> for Trouble {
    fn from(error: ingest::Error) -> Self {
        if error.is_callers() { Self::Row(error.to_string()) } else { Self::Ours(error.into()) }
    }
}

impl From<DoorError> for Trouble {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Bus(cause @ bus::Error::TooLarge { .. }) => Self::Row(cause.to_string()),
            other => Self::Ours(other.into()),
        }
    }
}

impl Asker {
    /// The row's line.
    ///
    /// # Errors
    /// If something of ours did not answer for as long as we are willing to wait.
    pub(super) async fn answer(&self, entry: Entry) -> anyhow::Result<ResultLine> {
        let Entry { line, id, row } = entry;
        let row = match row {
            Ok(row) => row,
            Err(error) => return Ok(ResultLine::refused(line, id, error.to_string())),
        };
        for attempt in 1.. {
            match self.ask(line, &row).await {
                Ok(result) => return Ok(result),
                Err(Trouble::Row(why)) => return Ok(ResultLine::refused(line, id, why)),
                Err(Trouble::Ours(error)) if attempt >= ATTEMPTS => {
                    return Err(error).with_context(|| format!("row {line} could not be asked"));
                }
                Err(Trouble::Ours(error)) => {
                    let pause = PAUSE * 2_u32.pow(attempt - 1);
                    tracing::warn!(line, ?pause, "trying again: {error:#}");
                    tokio::time::sleep(pause).await;
                }
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn ask(&self, line: u64, row: &ingest::Row) -> Result<ResultLine, Trouble> {
        let fingerprint = row.fingerprint(&self.folder, &self.limits).await?;
        let session = self.session(&format!("{}:{line}:{fingerprint}", self.run)).await?;
        let mut question =
            ingest::question(row, &self.folder, self.gateway.bus().artifacts(), &self.limits).await?;
        question.session = session;
        let patience = question.budget.question() + GRACE;
        self.gateway.submit(question).await?;
        let result = self.outcome(session, patience).await?;
        let mut told = ResultLine::asked(line, result, row);
        // An answer is worth more than its page.
        told.report = self.report(line, session).await.unwrap_or_else(|error| {
            tracing::warn!(line, "no report: {error:#}");
            None
        });
        Ok(told)
    }

    /// The session of a row that is called `name`; with `retry`, the first that did not end without an answer.
    async fn session(&self, name: &str) -> Result<SessionId, Trouble> {
        let (mut session, mut failures) = (SessionId::named(name), 0);
        while self.retry && self.has_failed(session).await? {
            failures += 1;
            session = SessionId::named(&format!("{name}:{failures}"));
        }
        Ok(session)
    }

    async fn has_failed(&self, session: SessionId) -> Result<bool, Trouble> {
        match self.gateway.result(session).await {
            Ok(result) => Ok(matches!(result.status, Status::Unanswered | Status::Error | Status::Cancelled)),
            Err(DoorError::NotFound(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Waits for the end; a question that does not come to one is withdrawn.
    async fn outcome(&self, session: SessionId, patience: Duration) -> Result<QuestionResult, Trouble> {
        if let Ok(ended) = tokio::time::timeout(patience, self.gateway.outcome(session)).await {
            return Ok(ended?);
        }
        let why = format!("no service finished the question within {} s", patience.as_secs());
        match self.gateway.cancel(session, &why).await {
            // It ended just now.
            Ok(()) | Err(DoorError::Ended(_)) => Ok(self.gateway.result(session).await?),
            Err(other) => Err(other.into()),
        }
    }

    /// Writes the report page; its name relative to the results.
    async fn report(&self, line: u64, session: SessionId) -> anyhow::Result<Option<String>> {
        let Some(folder) = &self.reports else { return Ok(None) };
        let events = self.gateway.events(session).await?;
        let page = spatialclaw_report::render(self.gateway.bus().artifacts(), &events).await?;
        let name = format!("{line:06}.html");
        let file = folder.join(&name);
        tokio::fs::write(&file, page).await.with_context(|| format!("write {}", file.display()))?;
        Ok(Some(format!("reports/{name}")))
    }
}
