//! How far a run is.

use std::{
    fmt,
    io::IsTerminal as _,
    path::Path,
    sync::Mutex,
    sync::PoisonError,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use spatialclaw_ingest::Manifest;

use crate::result::{ResultLine, RowStatus};

/// Between two plain progress lines.
const EVERY: Duration = Duration::from_secs(5);

/// Rows by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) answered: u64,
    unanswered: u64,
    errors: u64,
    scored: u64,
    correct: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, line: &ResultLine) {
        self.rows += 1;
        match line.status {
            RowStatus::Answered => self.answered += 1,
            RowStatus::Unanswered => self.unanswered += 1,
            RowStatus::Error => self.errors += 1,
        }
        self.scored += u64::from(line.correct.is_some());
        self.correct += u64::from(line.correct == Some(true));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, answered, unanswered, errors, .. } = self;
        write!(f, "{rows} rows: {answered} answered, {unanswered} unanswered, {errors} errors")?;
        if self.scored > 0 {
            write!(f, "; {} of {} with a reference within tolerance", self.correct, self.scored)?;
        }
        Ok(())
    }
}

/// A bar on a terminal, a line now and then elsewhere.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    before: u64,
    started: Instant,
    told: Mutex<Instant>,
}

impl Progress {
    /// `before`: rows an earlier run has answered.
    pub(crate) fn new(manifest: &Path, before: u64) -> Self {
        // Only the estimate hangs on it.
        let total = Manifest::count(manifest).unwrap_or(0);
        let bar = std::io::stderr().is_terminal().then(|| bar(total));
        let now = Instant::now();
        Self { bar, total, before, started: now, told: Mutex::new(now) }
    }

    pub(crate) fn count(&self, tally: &Tally) {
        if let Some(bar) = &self.bar {
            bar.set_position(tally.rows);
            bar.set_message(format!("{} answered, {} errors", tally.answered, tally.errors));
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= EVERY {
            *told = Instant::now();
            eprintln!("{}", self.line(tally));
        }
    }

    fn line(&self, tally: &Tally) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = tally.rows.saturating_sub(self.before) as f64 / seconds;
        let left = self.total.saturating_sub(tally.rows) as f64 / rate.max(1e-9);
        format!(
            "{}/{} rows, {rate:.1} rows/s, {left:.0} s to go: {} errors",
            tally.rows, self.total, tally.errors
        )
    }

    /// The last word.
    pub(crate) fn end(&self, word: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.started.elapsed().as_secs_f64();
        eprintln!("run: {word} ({seconds:.1} s)");
    }
}

fn bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{bar:32.cyan} {pos}/{len} rows {per_sec} eta {eta} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
