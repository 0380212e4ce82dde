//! From what came out of a kernel to an observation.
//!
//! All of it was written by code nobody trusts. Texts are cut to bounds in bytes, so that the largest observation
//! fits a message; control characters other than line breaks and tabs are taken out; numbers are finite or absent.

use spatialclaw_domain::{Answer, CellError, Observation, ShownImage, ToolCall, Usage, Variable, VisionCall};
use spatialclaw_proto::{kernel::v1 as wire, session::v1 as session};

const STDOUT: usize = 16 << 10;
const STDERR: usize = 2 << 10;
const ERROR_KIND: usize = 100;
const ERROR_MESSAGE: usize = 8 << 10;
const TRACEBACK: usize = 16 << 10;
const VARIABLES: usize = 200;
const VARIABLE_NAME: usize = 128;
const VARIABLE_SUMMARY: usize = 512;
const LABEL: usize = 256;
const ANSWER: usize = 16 << 10;
/// Calls recorded one by one.
const TOOL_CALLS: usize = 1000;
const CUT: &str = " …";

/// What a cell did besides printing, as far as it got.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) shown: Vec<ShownImage>,
    pub(crate) shown_dropped: u32,
    pub(crate) tool_calls: Vec<ToolCall>,
    pub(crate) tool_calls_dropped: u32,
    pub(crate) answer: Option<Answer>,
    pub(crate) vision: Vec<VisionCall>,
}

impl Collected {
    /// Takes the record of a call, or counts it when there are enough.
    pub(crate) fn called(&mut self, call: ToolCall) {
        if self.tool_calls.len() < TOOL_CALLS {
            self.tool_calls.push(call);
        } else {
            self.tool_calls_dropped = self.tool_calls_dropped.saturating_add(1);
        }
    }

    /// Takes an answer; the last one counts, an empty one does not.
    pub(crate) fn answer(&mut self, given: wire::SubmitAnswer) {
        let text = bounded(given.text.trim(), ANSWER);
        if !text.trim().is_empty() {
            let number = given.number.filter(|number| number.is_finite());
            self.answer = Some(Answer { text: text.trim().to_owned(), number });
        }
    }

    /// The observation of a cell that came to its end, with or without an exception.
    pub(crate) fn observation(self, seconds: f64, done: wire::Done) -> Observation {
        let stdout = bounded(&done.stdout, STDOUT);
        let is_cut = stdout.ends_with(CUT) && done.stdout.len() > STDOUT;
        Observation {
            stdout,
            stdout_truncated: done.stdout_truncated || is_cut,
            stderr: bounded(&done.stderr, STDERR),
            error: done.error.map(error),
            new_variables: variables(done.new_variables),
            changed_variables: variables(done.changed_variables),
            ..self.bare(done.step, seconds)
        }
    }

    /// The observation of a cell whose interpreter is gone.
    pub(crate) fn lost(self, step: u32, seconds: f64, kind: &str, message: String) -> Observation {
        let error = CellError { kind: kind.to_owned(), message, line: None, traceback: String::new() };
        Observation { error: Some(error), state_lost: true, ..self.bare(step, seconds) }
    }

    fn bare(self, step: u32, seconds: f64) -> Observation {
        let mut vision_usage = Usage::default();
        self.vision.iter().for_each(|call| vision_usage += call.usage);
        Observation {
            step,
            seconds,
            shown: self.shown,
            shown_dropped: self.shown_dropped,
            tool_calls: self.tool_calls,
            tool_calls_dropped: self.tool_calls_dropped,
            answer: self.answer,
            vision: self.vision,
            vision_usage,
            ..Observation::default()
        }
    }
}

/// The label of a shown picture: one line.
pub(crate) fn label(text: &str) -> String {
    let line: Vec<_> = text.split_whitespace().collect();
    bounded(&line.join(" "), LABEL)
}

fn error(error: session::CellError) -> CellError {
    CellError {
        kind: bounded(&error.kind, ERROR_KIND),
        message: bounded(&error.message, ERROR_MESSAGE),
        line: Some(error.line).filter(|line| *line > 0),
        traceback: bounded(&error.traceback, TRACEBACK),
    }
}

fn variables(variables: Vec<session::Variable>) -> Vec<Variable> {
    let read = |variable: session::Variable| Variable {
        name: bounded(&variable.name, VARIABLE_NAME),
        summary: bounded(&variable.summary, VARIABLE_SUMMARY),
    };
    variables.into_iter().take(VARIABLES).map(read).collect()
}

/// At most `limit` bytes and a mark where more was; no control characters that a terminal or a page would obey.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    let kept = &text[..end.unwrap_or(0)];
    let mut clean: String = kept.replace("\r\n", "\n").chars().filter_map(printable).collect();
    if kept.len() < text.len() {
        clean.push_str(CUT);
    }
    clean
}

fn printable(character: char) -> Option<char> {
    match character {
        '\n' | '\t' => Some(character),
        // A progress bar that redraws its line.
        '\r' => Some('\n'),
        _ if character.is_control() => None,
        _ => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_a_character_and_cleaned() {
        assert_eq!(bounded("äöü", 3), "ä …");
        assert_eq!(bounded("a\x1b[31mb\0c\r\nd\re\tf", 100), "a[31mbc\nd\ne\tf");
        assert_eq!(label("  two\nlines \t here "), "two lines here");
    }

    #[test]
    fn a_flood_makes_a_bounded_observation() {
        let variable = session::Variable { name: "n".repeat(5000), summary: "s".repeat(5000) };
        let done = wire::Done {
            stdout: "x".repeat(1 << 20),
            stderr: "y".repeat(1 << 20),
            new_variables: vec![variable.clone(); 5000],
            changed_variables: vec![variable; 5000],
            error: Some(session::CellError {
                kind: "k".repeat(5000),
                message: "m".repeat(1 << 20),
                line: 0,
                traceback: "t".repeat(1 << 20),
            }),
            ..wire::Done::default()
        };
        let mut collected = Collected::default();
        let call = ToolCall {
            name: "SAM3.segment_image_by_points".to_owned(),
            seconds: 0.1,
            outcome: "KeyboardInterrupt".to_owned(),
            engine: "e".repeat(64),
            cached: true,
        };
        (0..5000).for_each(|_| collected.called(call.clone()));
        let seen = collected.observation(0.1, done);
        assert_eq!((seen.tool_calls.len(), seen.tool_calls_dropped), (TOOL_CALLS, 4000));
        assert!(seen.stdout_truncated && seen.error.as_ref().unwrap().line.is_none());
        let size = prost::Message::encoded_len(&session::Observation::from(seen));
        assert!(size < 512 << 10, "{size}");
    }

    #[test]
    fn the_last_answer_counts_and_an_empty_one_does_not() {
        let mut collected = Collected::default();
        collected.answer(wire::SubmitAnswer { text: " B ".to_owned(), number: Some(f64::NAN) });
        collected.answer(wire::SubmitAnswer { text: "  \n".to_owned(), number: Some(1.0) });
        assert_eq!(collected.answer, Some(Answer { text: "B".to_owned(), number: None }));
    }
}
