//! How far a run is.

use std::{
    fmt,
    io::IsTerminal as _,
    path::Path,
    sync::Mutex,
    sync::PoisonError,
    time::{Duration, Instant},
};

use indicatif::{FormattedDuration, ProgressBar, ProgressState, ProgressStyle};
use spatialclaw_ingest::Manifest;

use crate::{
    result::{ResultLine, RowStatus},
    tell::{self, counted, one_line},
};

/// Between two plain progress lines.
const EVERY: Duration = Duration::from_secs(5);
/// Failed rows that are told one by one; the results have all of them.
const TOLD: u64 = 20;

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
        let (rows, errors) = (counted(*rows, "row"), counted(*errors, "error"));
        write!(f, "{rows}: {answered} answered, {unanswered} unanswered, {errors}")?;
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
        if before > 0 {
            tell::err(format!("going on: {} of {total} are done", counted(before, "row")));
        }
        let now = Instant::now();
        Self { bar, total, before, started: now, told: Mutex::new(now) }
    }

    /// Tells how far the run is, and of a row without an answer why.
    pub(crate) fn count(&self, tally: &Tally, line: &ResultLine) {
        if tally.rows > self.before && line.status != RowStatus::Answered {
            self.complain(tally.rows - tally.answered, line);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(tally.rows);
            if tally.rows <= self.before {
                // Results that are read again would count as speed.
                bar.reset_eta();
            }
            bar.set_message(format!("{} answered, {}", tally.answered, counted(tally.errors, "error")));
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= EVERY {
            *told = Instant::now();
            tell::err(self.line(tally));
        }
    }

    fn complain(&self, failures: u64, line: &ResultLine) {
        let text = match failures {
            ..=TOLD => {
                let id = one_line(line.id.as_deref().unwrap_or("no id"), 64);
                let why = one_line(line.error.as_deref().unwrap_or("no answer"), 300);
                format!("row {} ({id}): {why}", line.line)
            }
            n if n == TOLD + 1 => "further rows without an answer are in the results only".to_owned(),
            _ => return,
        };
        match &self.bar {
            Some(bar) if !bar.is_hidden() => bar.println(text),
            _ => tell::err(text),
        }
    }

    fn line(&self, tally: &Tally) -> String {
        let Tally { rows, answered, errors, .. } = tally;
        let rate = rows.saturating_sub(self.before) as f64 / self.started.elapsed().as_secs_f64();
        let left = self.total.saturating_sub(*rows) as f64 / rate;
        let eta = Duration::try_from_secs_f64(left)
            .map_or_else(|_| "?".to_owned(), |left| FormattedDuration(left).to_string());
        let errors = counted(*errors, "error");
        format!("{rows}/{} rows, {rate:.1} rows/s, eta {eta}: {answered} answered, {errors}", self.total)
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The last word.
    pub(crate) fn end(&self, word: impl fmt::Display) {
        tell::err(format!("run: {word} ({:.1} s)", self.started.elapsed().as_secs_f64()));
    }
}

fn bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{bar:20.cyan} {pos}/{len} rows {rate} eta {eta} {wide_msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.with_key("rate", |state: &ProgressState, text: &mut dyn fmt::Write| {
        let _ = write!(text, "{:.1}/s", state.per_sec());
    }));
    // Alive, even while a row takes its time.
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
