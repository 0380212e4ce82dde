//! What is left of a cell that has no proper observation.

use spatialclaw_domain::{CellError, Observation};

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
