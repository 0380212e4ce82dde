//! Checks of what a cell asks for. The package checks first and says it better; this is for code that goes around it.

use spatialclaw_proto::kernel::v1::{self as wire, segment};

use super::Failure;
use crate::Config;

/// Longest side of arrays, pixels.
const MAX_SIDE: u32 = 8192;
/// Bytes of one pixel of a reconstruction: depth and confidence.
const PIXEL_BYTES: u64 = 8;
const MAX_PROMPT: usize = 1000;
const MAX_POINTS: usize = 256;
/// Frames named in a message.
const LISTED: usize = 20;

pub(super) fn reconstruct(ask: &wire::Reconstruct, config: &Config) -> Result<(), Failure> {
    let (count, limit) = (ask.frames.len(), config.reconstruct_max_frames as usize);
    if count == 0 {
        return Err(Failure::value("Reconstruct needs at least one frame"));
    }
    if count > limit {
        let stride = count / limit + 1;
        return Err(Failure::value(format!(
            "Reconstruct takes at most {limit} frames, not {count}; use a stride of {stride}"
        )));
    }
    size(ask.width, ask.height)?;
    let bytes = count as u64 * u64::from(ask.width) * u64::from(ask.height) * PIXEL_BYTES;
    if bytes > config.max_tensors.as_u64() {
        return Err(Failure::value(format!(
            "{count} frames at {}x{} pixels make {bytes} bytes, more than {}; use fewer frames",
            ask.width,
            ask.height,
            config.max_tensors.as_u64(),
        )));
    }
    Ok(())
}

/// The prompt of a segmentation whose other values are fine.
pub(super) fn prompt(ask: &wire::Segment) -> Result<segment::Prompt, Failure> {
    size(ask.width, ask.height)?;
    if !(0.0..=1.0).contains(&ask.score_threshold) {
        return Err(Failure::value(format!(
            "a score threshold lies in 0..1, {} does not",
            ask.score_threshold
        )));
    }
    let prompt =
        ask.prompt.clone().ok_or_else(|| Failure::value("segmentation needs a text, a box or points"))?;
    match &prompt {
        segment::Prompt::Text(text) if text.trim().is_empty() => {
            return Err(Failure::value("the text prompt is blank; name the object to segment"));
        }
        segment::Prompt::Text(text) if text.len() > MAX_PROMPT => {
            return Err(Failure::value(format!(
                "the text prompt has {} bytes, more than {MAX_PROMPT}",
                text.len()
            )));
        }
        segment::Prompt::Text(_) => {}
        segment::Prompt::Box(bounds) => finite(&[bounds.x0, bounds.y0, bounds.x1, bounds.y1])?,
        segment::Prompt::Points(points) => check_points(&points.points)?,
    }
    Ok(prompt)
}

fn check_points(points: &[wire::Point]) -> Result<(), Failure> {
    if points.is_empty() || points.len() > MAX_POINTS {
        return Err(Failure::value(format!(
            "between 1 and {MAX_POINTS} points are needed, not {}",
            points.len()
        )));
    }
    points.iter().try_for_each(|point| finite(&[point.x, point.y]))
}

fn finite(values: &[f32]) -> Result<(), Failure> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Failure::value(format!("coordinates are pixels, {value} is none"))),
        None => Ok(()),
    }
}

fn size(width: u32, height: u32) -> Result<(), Failure> {
    if (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height) {
        return Ok(());
    }
    Err(Failure::value(format!("arrays of {width}x{height} pixels: each side lies in 1..{MAX_SIDE}")))
}

pub(super) fn unknown_frame<'a>(index: u32, known: impl Iterator<Item = &'a u32>) -> String {
    let mut known: Vec<_> = known.map(u32::to_string).collect();
    if known.len() > LISTED {
        known.truncate(LISTED);
        known.push("…".to_owned());
    }
    format!("there is no frame {index}; the absolute indices are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn sizes_and_counts_are_bounded() {
        let config = Config::default();
        let ask =
            |frames: u32, width| wire::Reconstruct { frames: (0..frames).collect(), width, height: 480 };
        reconstruct(&ask(2, 640), &config).unwrap();
        assert!(refusal(reconstruct(&ask(0, 640), &config)).contains("at least one"));
        assert!(refusal(reconstruct(&ask(65, 640), &config)).contains("a stride of 2"));
        assert!(refusal(reconstruct(&ask(1, 0), &config)).contains("0x480"));
        let huge = wire::Reconstruct { frames: (0..64).collect(), width: 8000, height: 8000 };
        assert!(refusal(reconstruct(&huge, &config)).contains("fewer frames"));
    }

    #[test]
    fn prompts_are_finite_and_say_something() {
        let ask = |prompt, score_threshold| wire::Segment {
            width: 4,
            height: 4,
            prompt,
            score_threshold,
            image: None,
        };
        let text = |text: &str| Some(segment::Prompt::Text(text.to_owned()));
        prompt(&ask(text("chair"), 0.3)).unwrap();
        assert!(refusal(prompt(&ask(text("  "), 0.3))).contains("blank"));
        assert!(refusal(prompt(&ask(text("chair"), f32::NAN))).contains("NaN"));
        assert!(refusal(prompt(&ask(None, 0.3))).contains("a text, a box or points"));
        let bounds = wire::Box { x0: 0.0, y0: f32::INFINITY, x1: 1.0, y1: 1.0 };
        assert!(refusal(prompt(&ask(Some(segment::Prompt::Box(bounds)), 0.3))).contains("inf"));
        let points = wire::Points { points: vec![] };
        assert!(refusal(prompt(&ask(Some(segment::Prompt::Points(points)), 0.3))).contains("not 0"));
    }

    #[test]
    fn an_unknown_frame_is_named_with_those_there_are() {
        assert_eq!(unknown_frame(7, [0, 5].iter()), "there is no frame 7; the absolute indices are 0, 5");
    }
}
