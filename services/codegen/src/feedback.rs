//! What came back from a step, as the model reads it.
//!
//! The first line is one of `## Step N: ok (0.12 s)`, `## Step N: error (0.12 s)`, `## Step N: not understood`,
//! `## Step N: answer refused`; then those of the sections `### Output`, `### Error`, `### Variables`, `### Images`,
//! `### Answer`, `### Left` that apply; then the shown pictures, each behind its label.

use std::fmt::Write as _;

use spatialclaw_domain::{Cell, CellError, Observation, ShownImage};
use spatialclaw_models::{Message, Part, Speaker};

use crate::{
    prompt::char_boundary,
    transcript::{Transcript, Turn},
    verdict::submitted,
};

/// Of warnings, when the cell ran to its end.
const MAX_STDERR: usize = 500;
/// Of an exception's text.
const MAX_ERROR: usize = 600;
/// Names of variables in one list.
const MAX_NAMES: usize = 60;
/// Of the line of code that raised it.
const MAX_LINE: usize = 200;

/// The message after turn `at`; says what is left then.
pub fn message(transcript: &Transcript, at: usize) -> Message {
    let mut parts = Vec::new();
    match transcript.turns.get(at) {
        Some(Turn::Cell { cell, observation: Some(seen), .. }) => {
            parts.push(Part::Text(observed(transcript, at, cell, seen)));
            parts.extend(pictures(&seen.shown));
        }
        Some(Turn::Rejected { step, reason }) => parts.push(Part::Text(format!(
            "## Step {step}: not understood\n### Error\n{reason}\nReply with the sections **Purpose**, **Reasoning**, \
             **Next Goal** and **Code**, each header on a line of its own, and one ```python block under **Code**.\n{}",
            left(transcript, at)
        ))),
        Some(Turn::Cell { cell, observation: None, .. }) => {
            parts.push(Part::Text(format!("## Step {}: not run yet", cell.step)));
        }
        None => {}
    }
    Message { speaker: Speaker::User, parts }
}

fn observed(transcript: &Transcript, at: usize, cell: &Cell, seen: &Observation) -> String {
    let refusal = submitted(&transcript.question, seen).and_then(Result::err);
    let status = match (&refusal, &seen.error) {
        (Some(_), _) => "answer refused".to_owned(),
        (None, Some(_)) => format!("error ({:.2} s)", seen.seconds),
        (None, None) => format!("ok ({:.2} s)", seen.seconds),
    };
    let mut text = format!("## Step {}: {status}\n", cell.step);
    text.push_str(&output(seen));
    if let Some(error) = &seen.error {
        text.push_str(&exception(error, &cell.code));
    }
    text.push_str(&variables(transcript, at, seen));
    text.push_str(&images(seen));
    if let Some(misfit) = refusal {
        let _ = writeln!(text, "### Answer\n{misfit}");
    }
    text.push_str(&left(transcript, at));
    text
}

fn output(seen: &Observation) -> String {
    let mut text = String::new();
    if !seen.stdout.trim().is_empty() {
        let _ = writeln!(text, "### Output\n{}", seen.stdout.trim_end());
        if seen.stdout_truncated {
            text.push_str("(the output was longer and has been cut: print less)\n");
        }
    } else if seen.error.is_none() && seen.shown.is_empty() && seen.answer.is_none() {
        text.push_str("### Output\n(nothing was printed)\n");
    }
    if seen.error.is_none() && !seen.stderr.trim().is_empty() {
        let _ = writeln!(text, "(warnings) {}", head(seen.stderr.trim(), MAX_STDERR));
    }
    text
}

fn exception(error: &CellError, code: &str) -> String {
    let mut text = format!("### Error\n{}: {}\n", error.kind, head(error.message.trim(), MAX_ERROR));
    let source = error.line.and_then(|line| Some((line, code.lines().nth(line.checked_sub(1)? as usize)?)));
    if let Some((line, source)) = source {
        let _ = writeln!(text, "line {line}: {}", head(source.trim(), MAX_LINE));
    }
    text
}

fn variables(transcript: &Transcript, at: usize, seen: &Observation) -> String {
    let new = seen.new_variables.iter().map(|variable| (variable, ""));
    let changed = seen.changed_variables.iter().map(|variable| (variable, " (changed)"));
    let mut lines: Vec<String> =
        new.chain(changed).map(|(it, note)| format!("{}: {}{note}\n", it.name, it.summary)).collect();
    if seen.state_lost {
        lines.push(
            "(the interpreter had to be ended; the cells before this one are run again in a fresh one, so their \
             variables are back, those of this cell are not)\n"
                .to_owned(),
        );
    } else if seen.error.is_some() {
        lines.push("(what was assigned before the error is kept)\n".to_owned());
    }
    if transcript.renewed.contains(&at) {
        lines.push(renewed(transcript, at));
    }
    if lines.is_empty() { String::new() } else { format!("### Variables\n{}", lines.concat()) }
}

/// What exists again in the interpreter that ran turn `at`, and what does not.
fn renewed(transcript: &Transcript, at: usize) -> String {
    let before = || transcript.turns.iter().take(at);
    let mut names: Vec<&str> = Vec::new();
    for seen in before().filter_map(Turn::observation).filter(|seen| !seen.state_lost) {
        let made = seen.new_variables.iter().map(|variable| variable.name.as_str());
        names.extend(made.filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    let mut text =
        "(before this step the interpreter was lost and made anew; the cells before it were run again, with \
                    the same random numbers and tool answers"
            .to_owned();
    if !names.is_empty() {
        let _ = write!(text, ", so these exist again: {}", names.join(", "));
    }
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    let lost = before().filter(|turn| turn.observation().is_some_and(|seen| seen.state_lost));
    let lost: Vec<_> = lost.map(|turn| turn.step().to_string()).collect();
    if !lost.is_empty() {
        let _ = write!(text, "; nothing of step {} does", lost.join(", "));
    }
    text.push_str(")\n");
    text
}

fn images(seen: &Observation) -> String {
    if seen.shown.is_empty() && seen.shown_dropped == 0 {
        return String::new();
    }
    let mut text = format!("### Images\n{} shown, below.\n", seen.shown.len());
    for (nth, shown) in seen.shown.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", nth + 1, label(shown));
    }
    if seen.shown_dropped > 0 {
        let _ = writeln!(text, "{} more were over the budget and have been dropped.", seen.shown_dropped);
    }
    text
}

fn label(shown: &ShownImage) -> String {
    match shown.frame_index {
        Some(index) => format!("{} (frame {index})", shown.label),
        None => shown.label.clone(),
    }
}

fn pictures(shown: &[ShownImage]) -> impl Iterator<Item = Part> {
    shown.iter().enumerate().flat_map(|(nth, shown)| {
        let label = format!("Image {}: {}", nth + 1, label(shown));
        [Part::Text(label), Part::Image(shown.image.clone())]
    })
}

/// What is left of each bounded budget once turn `at` is over.
fn left(transcript: &Transcript, at: usize) -> String {
    let budget = &transcript.question.budget;
    let taken = u32::try_from(at + 1).unwrap_or(u32::MAX);
    let steps = budget.steps.saturating_sub(taken);
    let spent = transcript.spent(at + 1);
    let mut text = format!("### Left\n{steps} of {} steps", budget.steps);
    if spent.shown_images > 0 {
        let left = budget.shown_images.saturating_sub(spent.shown_images);
        let _ = write!(text, ", {left} of {} images to show", budget.shown_images);
    }
    if budget.tool_calls > 0 {
        let left = budget.tool_calls.saturating_sub(spent.tool_calls);
        let _ = write!(text, ", {left} of {} tool calls", budget.tool_calls);
    }
    let worked = transcript.worked.get(at).copied().unwrap_or_default();
    let seconds = (f64::from(budget.question_seconds) - worked).max(0.0);
    let _ = write!(text, ", about {:.0} of {} minutes", seconds / 60.0, budget.question_seconds / 60);
    if steps == 1 {
        text.push_str("\nThe next step is the last one: return the best answer you have measured.");
    }
    text
}

fn head(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    format!("{}… ({} bytes in all)", &text[..char_boundary(text, max)], text.len())
}
