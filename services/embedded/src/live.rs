//! What a person sees while a question is being answered.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use spatialclaw_domain::{EventKind, Observation};

use crate::tell::{self, counted, one_line};

/// Lines kept of a cell's code; the report has all of it.
const CODE: usize = 16;
/// Lines kept of a plan or of a cell's output.
const LINES: usize = 40;
/// Characters kept of one line.
const CHARS: usize = 500;
/// What a plan says to the machine starts here.
const CHECKLIST: &str = "### CHECKLIST";

/// Tells a session's events on stderr: with colour and a spinner on a terminal, as plain lines elsewhere.
pub(crate) struct Live {
    spinner: Option<ProgressBar>,
    /// Whether events are told, not only what is being done now.
    steps: bool,
    colour: bool,
}

impl Live {
    pub(crate) fn new(steps: bool) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
            spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            spinner.enable_steady_tick(Duration::from_millis(120));
            spinner
        });
        let live = Self { spinner, steps, colour: tell::is_colourful(&std::io::stderr()) };
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
                let frames = counted(question.frames.len() as u64, "frame");
                self.head("question", &format!("{} ({frames})", one_line(&question.text, CHARS)));
                self.now("planning");
            }
            EventKind::Planned { plan } => {
                self.head("plan", &plan.model);
                self.body(plan.text.split(CHECKLIST).next().unwrap_or_default().trim_end(), LINES);
                self.now("writing step 1");
            }
            EventKind::CellWritten { cell, .. } => {
                self.head(&format!("step {}", cell.step), &cell.purpose);
                self.body(&cell.code, CODE);
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
            EventKind::Reopened { reason } => self.head("reopened", reason),
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
        let tools = counted(seen.tool_calls.len() as u64, "tool call");
        let pictures = counted(seen.shown.len() as u64, "picture");
        self.head("ran", &format!("{:.2} s, {tools}, {pictures}", seen.seconds));
        self.body(&seen.stdout, LINES);
        if let Some(error) = &seen.error {
            let line = error.line.map(|line| format!(" (line {line})")).unwrap_or_default();
            self.head("error", &format!("{}: {}{line}", error.kind, error.message));
        }
    }

    fn head(&self, what: &str, text: &str) {
        let text = one_line(text, 2 * CHARS);
        if self.colour {
            self.line(&format!("\x1b[1;36m{what}\x1b[0m {text}"));
        } else {
            self.line(&format!("{what}: {text}"));
        }
    }

    fn body(&self, text: &str, lines: usize) {
        let edge = if self.colour { "  \x1b[2m│\x1b[0m" } else { "  |" };
        let total = text.lines().count();
        for line in text.lines().take(lines) {
            self.line(&format!("{edge} {}", one_line(line, CHARS)));
        }
        if total > lines {
            self.line(&format!("{edge} … {} in the report", counted((total - lines) as u64, "more line")));
        }
    }

    fn line(&self, line: &str) {
        match &self.spinner {
            _ if !self.steps => {}
            Some(spinner) if !spinner.is_hidden() => spinner.println(line),
            _ => tell::err(line),
        }
    }
}
