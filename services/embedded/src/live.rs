//! What a person sees while a question is being answered.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use spatialclaw_domain::{EventKind, Observation};

/// Lines kept of a cell or of its output; the report has all of it.
const LINES: usize = 40;

/// Tells a session's events on stderr: with colour and a spinner on a terminal, as plain lines elsewhere.
pub(crate) struct Live {
    spinner: Option<ProgressBar>,
}

impl Live {
    pub(crate) fn new() -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
            spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        let live = Self { spinner };
        live.now("starting");
        live
    }

    /// Says what is being done now.
    pub(crate) fn now(&self, stage: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(stage.to_owned());
        }
    }

    /// Tells one event.
    pub(crate) fn tell(&self, event: &EventKind) {
        match event {
            EventKind::Submitted { question, .. } => {
                self.head("question", &format!("{} ({} frames)", question.text, question.frames.len()));
                self.now("planning");
            }
            EventKind::Planned { plan } => {
                self.head("plan", &plan.model);
                self.body(&plan.text);
                self.now("writing step 1");
            }
            EventKind::CellWritten { cell, .. } => {
                self.head(&format!("step {}", cell.step), &cell.purpose);
                self.body(&cell.code);
                self.now(&format!("running step {}", cell.step));
            }
            EventKind::ReplyRejected { step, reason, .. } => {
                self.head(&format!("step {step}"), &format!("reply not understood: {reason}"));
            }
            EventKind::Observed { observation, .. } => {
                self.observed(observation);
                self.now(&format!("writing step {}", observation.step + 1));
            }
            EventKind::KernelLost { reason, .. } => {
                self.head("kernel lost", &format!("{reason}; running its cells again"));
            }
            EventKind::Answered { .. }
            | EventKind::Unanswered { .. }
            | EventKind::Failed { .. }
            | EventKind::Cancelled { .. } => {}
        }
    }

    /// Clears the spinner.
    pub(crate) fn done(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    fn observed(&self, seen: &Observation) {
        let tools = seen.tool_calls.len();
        self.head(
            "ran",
            &format!("{:.2} s, {tools} tool calls, {} pictures", seen.seconds, seen.shown.len()),
        );
        self.body(&seen.stdout);
        if let Some(error) = &seen.error {
            let line = error.line.map(|line| format!(" (line {line})")).unwrap_or_default();
            self.head("error", &format!("{}: {}{line}", error.kind, error.message));
        }
    }

    fn head(&self, what: &str, text: &str) {
        let (what, text) = (printable(what), printable(text));
        match &self.spinner {
            Some(spinner) => spinner.println(format!("\x1b[1;36m{what}\x1b[0m {text}")),
            None => eprintln!("{what}: {text}"),
        }
    }

    fn body(&self, text: &str) {
        let total = text.lines().count();
        for line in text.lines().take(LINES) {
            self.line(&printable(line));
        }
        if total > LINES {
            self.line(&format!("… {} more lines in the report", total - LINES));
        }
    }

    fn line(&self, line: &str) {
        match &self.spinner {
            Some(spinner) => spinner.println(format!("  \x1b[2m│\x1b[0m {line}")),
            None => eprintln!("  | {line}"),
        }
    }
}

/// Model-written text must not move a person's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '·' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{9b}c\td"), "a·[2Jb·c\td");
    }
}
