//! What the tool says about a cell.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{Answer, CellError, Observation, ShownImage};

use super::session::Ran;

/// Where a PNG says its width.
const PNG_WIDTH: usize = 16;

/// What cells read when a wall stood in their way (`python/spatialclaw/_cell.py`), and how the machine puts it.
const WALLS: [&str; 7] = [
    "cells have no network",
    "cells can only open",
    "[Errno 1]",
    "[Errno 13]",
    "Operation not permitted",
    "Permission denied",
    "SIGSYS",
];

pub(super) fn refused(why: &str) -> Value {
    json!({ "error": why })
}

pub(super) async fn of(ran: Ran, store: &ArtifactStore, with_images: bool) -> Value {
    let seen = match ran.seen {
        Ok(seen) => seen,
        Err(fault) => {
            let error = format!("{}: {fault}", fault.kind.as_str());
            return shape(&Observation::default(), Some(error), false, Vec::new(), ran.restarted, &ran.walls);
        }
    };
    let mut images = Vec::with_capacity(seen.shown.len());
    for shown in &seen.shown {
        images.push(image(shown, store, with_images).await);
    }
    let blocked = seen.error.as_ref().is_some_and(is_blocked);
    let error = seen.error.as_ref().map(told);
    shape(&seen, error, blocked, images, ran.restarted, &ran.walls)
}

fn shape(
    seen: &Observation,
    error: Option<String>,
    blocked: bool,
    images: Vec<Value>,
    restarted: bool,
    walls: &str,
) -> Value {
    json!({
        "stdout": seen.stdout,
        "stderr": seen.stderr,
        "error": error,
        "blocked": blocked,
        "answer": seen.answer.as_ref().map(answer),
        "restarted": restarted,
        "images": images,
        "metrics": {
            "tool_calls": seen.tool_calls.len(),
            "images_dropped": seen.shown_dropped,
            "seconds": seen.seconds,
        },
        "walls": walls,
    })
}

fn told(error: &CellError) -> String {
    let line = error.line.map(|line| format!(" (line {line})")).unwrap_or_default();
    format!("{}: {}{line}", error.kind, error.message)
}

fn is_blocked(error: &CellError) -> bool {
    error.kind == "PermissionError"
        || error.kind == "gaierror"
        || WALLS.iter().any(|words| error.message.contains(words))
}

fn answer(answer: &Answer) -> Value {
    match (answer.number, answer.text.parse::<i64>()) {
        (Some(_), Ok(whole)) => Value::from(whole),
        (Some(number), _) => Value::from(number),
        (None, _) => Value::from(answer.text.as_str()),
    }
}

async fn image(shown: &ShownImage, store: &ArtifactStore, with_images: bool) -> Value {
    let Ok(png) = store.get(&shown.image).await else {
        return json!({ "w": 0, "h": 0, "bytes": shown.image.size, "label": shown.label });
    };
    let mut told = json!({
        "w": number(&png, PNG_WIDTH),
        "h": number(&png, PNG_WIDTH + 4),
        "bytes": png.len(),
        "label": shown.label,
    });
    if with_images {
        told["b64"] = Value::from(STANDARD.encode(&png));
    }
    told
}

fn number(png: &[u8], at: usize) -> u32 {
    let bytes = png.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_numbers_if_they_are() {
        let given = |text: &str, number| answer(&Answer { text: text.to_owned(), number });
        assert_eq!(given("3", Some(3.0)), json!(3));
        assert_eq!(given("0.5", Some(0.5)), json!(0.5));
        assert_eq!(given("3", None), json!("3"));
    }

    #[test]
    fn a_wall_is_told_from_a_mistake() {
        let error = |kind: &str, message: &str| CellError {
            kind: kind.to_owned(),
            message: message.to_owned(),
            line: Some(1),
            traceback: String::new(),
        };
        assert!(is_blocked(&error("PermissionError", "")));
        assert!(is_blocked(&error("URLError", "<urlopen error [Errno 1] Operation not permitted>")));
        assert!(!is_blocked(&error("FileNotFoundError", "[Errno 2] No such file or directory: 'x'")));
        assert_eq!(told(&error("ValueError", "no")), "ValueError: no (line 1)");
    }
}
