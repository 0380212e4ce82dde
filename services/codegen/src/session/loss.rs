//! What is left of a cell that has no proper observation.

use spatialclaw_domain::{CellError, Observation};

/// Whether the cell itself cost its interpreter: it would cost the next one too.
pub(super) fn is_own_doing(seen: &Observation) -> bool {
    seen.error.as_ref().is_some_and(|error| matches!(error.kind.as_str(), "TimeoutError" | "MemoryError"))
}

pub(super) fn loss_of(seen: &Observation) -> String {
    match &seen.error {
        Some(error) => format!("{}: {}", error.kind, error.message),
        None => "its interpreter ended".to_owned(),
    }
}

pub(super) fn refusal(step: u32, message: String) -> Observation {
    let error = CellError { kind: "RuntimeError".to_owned(), message, line: None, traceback: String::new() };
    Observation { step, error: Some(error), ..Observation::default() }
}

pub(super) fn gave_up_on(step: u32, losses: u32) -> Observation {
    let message = format!(
        "the interpreter went away {losses} times while this cell ran; it was not run again. Do the same in smaller \
         pieces or in another way"
    );
    Observation { state_lost: true, ..refusal(step, message) }
}

pub(super) fn difference(first: &Observation, again: &Observation) -> Option<&'static str> {
    let kind = |seen: &Observation| seen.error.as_ref().map(|error| error.kind.clone());
    if kind(first) != kind(again) {
        Some("exception")
    } else if first.answer != again.answer {
        Some("answer")
    } else if first.stdout != again.stdout {
        Some("output")
    } else {
        None
    }
}
