//! Whether values of the right shape make sense.

use std::collections::BTreeMap;

use serde_json::Value;
use spatialclaw_domain::{AnswerType, Choice, Intrinsics, Pose, StereoRig};

use crate::{
    DepthSpec, Error, FrameSpec, MaskSpec, Media, Reference, Tolerance,
    raw::{RawDepth, RawFrame, RawIntrinsics, RawMasks, RawStereo, RawTolerance},
};

/// How far a pose's rotation may be from orthonormal: printed with 4 digits, it still passes.
const ROTATION_TOLERANCE: f64 = 1e-3;
/// What a row's texts may come to, so that with 512 frames it still fits a message.
const TEXT_BYTES: usize = 512 << 10;
const LETTER_CHARS: usize = 8;
const LABEL_CHARS: usize = 256;
const UNIT_CHARS: usize = 64;

pub(crate) fn id(id: &str, max_chars: usize) -> Result<(), Error> {
    let chars = id.chars().count();
    if id.trim().is_empty() {
        return Err(Error::value("id", "is empty"));
    }
    if chars > max_chars {
        let problem = format!("has {chars} characters, over the limit of {max_chars} (ingest.max_id_chars)");
        return Err(Error::value("id", problem));
    }
    if id.chars().any(char::is_control) {
        return Err(Error::value("id", "holds a control character"));
    }
    Ok(())
}

pub(crate) fn question(text: &str, max_chars: usize) -> Result<(), Error> {
    let chars = text.chars().count();
    if text.trim().is_empty() {
        return Err(Error::value("question", "is empty"));
    }
    if chars > max_chars {
        let problem =
            format!("has {chars} characters, over the limit of {max_chars} (ingest.max_question_chars)");
        return Err(Error::value("question", problem));
    }
    readable("question", text)
}

/// Bounds what travels in messages.
pub(crate) fn texts(question: &str, choices: &[Choice], media: &Media) -> Result<(), Error> {
    let frames = if let Media::Frames(frames) = media { frames.as_slice() } else { &[] };
    let labels =
        frames.iter().filter_map(|frame| frame.masks.as_ref()).flat_map(|masks| masks.labels.values());
    let labels: usize = labels.map(|name| name.len() + 8).sum();
    let choices: usize = choices.iter().map(|choice| choice.text.len() + 16).sum();
    let bytes = question.len() + choices + labels;
    if bytes > TEXT_BYTES {
        let problem = format!(
            "its question, options and labels have {bytes} bytes in all, over the limit of {TEXT_BYTES}"
        );
        return Err(Error::value("row", problem));
    }
    Ok(())
}

/// Refuses control characters other than white space.
fn readable(key: &str, text: &str) -> Result<(), Error> {
    match text.chars().find(|&c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        None => Ok(()),
        Some(c) => Err(Error::value(key, format!("holds the control character U+{:04X}", c as u32))),
    }
}

fn short(key: &str, text: &str, max_chars: usize) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::value(key, "is empty"));
    }
    if text.chars().count() > max_chars {
        return Err(Error::value(key, format!("has more than {max_chars} characters")));
    }
    readable(key, text)
}

pub(crate) fn unit(unit: String) -> Result<String, Error> {
    short("unit", &unit, UNIT_CHARS)?;
    Ok(unit)
}

pub(crate) fn choice(letter: String, text: String, max_chars: usize) -> Result<Choice, Error> {
    let fits =
        (1..=LETTER_CHARS).contains(&letter.len()) && letter.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        let problem = format!("`{letter:.16}` is no letter: use 1 to {LETTER_CHARS} ASCII letters or digits");
        return Err(Error::value("options", problem));
    }
    short(&format!("options.{letter}"), &text, max_chars)?;
    Ok(Choice { letter, text })
}

pub(crate) fn count(key: &str, count: usize, limit: usize) -> Result<(), Error> {
    match count {
        0 => Err(Error::value(key, "is empty: a question needs at least one picture")),
        n if n > limit => {
            Err(Error::value(key, format!("has {n} entries, over the limit of {limit} (ingest.max_images)")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn frames(raw: Vec<RawFrame>) -> Result<Vec<FrameSpec>, Error> {
    let frames: Vec<FrameSpec> =
        raw.into_iter().enumerate().map(|(at, raw)| frame(at, raw)).collect::<Result<_, _>>()?;
    for (at, pair) in frames.windows(2).enumerate() {
        follows(at + 1, &pair[0], &pair[1])?;
    }
    let posed = frames.iter().filter(|frame| frame.pose.is_some()).count();
    if posed > 0 && posed < frames.len() {
        let at = frames.iter().position(|frame| frame.pose.is_none()).unwrap_or_default();
        let problem = "is missing although other frames have one: give every frame a pose, or none";
        return Err(Error::value(format!("frames[{at}].pose"), problem));
    }
    Ok(frames)
}

fn follows(at: usize, before: &FrameSpec, frame: &FrameSpec) -> Result<(), Error> {
    if frame.index == before.index {
        return Err(Error::value(format!("frames[{at}].index"), format!("{} is used twice", frame.index)));
    }
    if frame.index < before.index {
        let problem = format!("{} follows {}: indices must rise", frame.index, before.index);
        return Err(Error::value(format!("frames[{at}].index"), problem));
    }
    match (before.time_s, frame.time_s) {
        (Some(then), Some(now)) if now < then => {
            Err(Error::value(format!("frames[{at}].time_s"), "is earlier than the frame before"))
        }
        _ => Ok(()),
    }
}

fn frame(at: usize, raw: RawFrame) -> Result<FrameSpec, Error> {
    let key = format!("frames[{at}]");
    if let Some(time) = raw.time_s
        && !(time.is_finite() && time >= 0.0)
    {
        return Err(Error::value(format!("{key}.time_s"), "must be seconds from 0 up"));
    }
    if raw.depth.is_some() && raw.intrinsics.is_none() {
        let problem = "is missing: depth becomes points only with fx, fy, cx and cy";
        return Err(Error::value(format!("{key}.intrinsics"), problem));
    }
    let index = match raw.index {
        Some(index) => index,
        None => u32::try_from(at).map_err(|_| Error::value(&key, "there are too many frames"))?,
    };
    Ok(FrameSpec {
        index,
        image: raw.image,
        time_s: raw.time_s,
        intrinsics: raw.intrinsics.map(|raw| intrinsics(&format!("{key}.intrinsics"), &raw)).transpose()?,
        pose: raw.pose.map(|rows| pose(&format!("{key}.pose"), &rows)).transpose()?,
        depth: raw.depth.map(|raw| depth(&format!("{key}.depth"), raw)).transpose()?,
        masks: raw.masks.map(|raw| masks(&format!("{key}.masks"), raw)).transpose()?,
    })
}

fn intrinsics(key: &str, raw: &RawIntrinsics) -> Result<Intrinsics, Error> {
    for (name, value) in [("fx", raw.fx), ("fy", raw.fy), ("cx", raw.cx), ("cy", raw.cy)] {
        if !(value.is_finite() && value > 0.0) {
            return Err(Error::value(format!("{key}.{name}"), format!("is {value}: must be pixels above 0")));
        }
    }
    Ok(Intrinsics { fx: raw.fx, fy: raw.fy, cx: raw.cx, cy: raw.cy })
}

/// A rigid camera-to-world transform: orthonormal, right-handed, last row 0 0 0 1.
fn pose(key: &str, rows: &[[f64; 4]; 4]) -> Result<Pose, Error> {
    let refuse = |problem: &str| Err(Error::value(key, problem));
    if rows.iter().flatten().any(|value| !value.is_finite()) {
        return refuse("holds a number that is not finite");
    }
    if rows[3].iter().zip([0.0, 0.0, 0.0, 1.0]).any(|(have, want)| (have - want).abs() > 1e-6) {
        return refuse("must end in the row [0, 0, 0, 1]: row-major, camera to world");
    }
    let dot = |a: usize, b: usize| (0..3).map(|row| rows[row][a] * rows[row][b]).sum::<f64>();
    for (a, b) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] {
        let want = if a == b { 1.0 } else { 0.0 };
        if (dot(a, b) - want).abs() > ROTATION_TOLERANCE {
            return refuse("is not rigid: its first three columns must be perpendicular and of length 1");
        }
    }
    if determinant(rows) < 0.0 {
        return refuse(
            "mirrors: its rotation has determinant -1 (are the camera axes x right, y down, z forward?)",
        );
    }
    let mut flat = [0.0; 16];
    flat.iter_mut().zip(rows.iter().flatten()).for_each(|(to, from)| *to = *from);
    Ok(Pose(flat))
}

fn determinant(m: &[[f64; 4]; 4]) -> f64 {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
}

fn depth(key: &str, raw: RawDepth) -> Result<DepthSpec, Error> {
    if !(raw.metres_per_unit.is_finite() && raw.metres_per_unit > 0.0) {
        return Err(Error::value(
            format!("{key}.metres_per_unit"),
            "must be above 0, e.g. 0.001 for millimetres",
        ));
    }
    Ok(DepthSpec { file: raw.file, metres_per_unit: raw.metres_per_unit })
}

fn masks(key: &str, raw: RawMasks) -> Result<MaskSpec, Error> {
    let key = format!("{key}.labels");
    let mut labels = BTreeMap::new();
    for (id, name) in raw.labels {
        let number = match id.parse::<u32>() {
            Ok(number) if (1..=65_535).contains(&number) => number,
            _ => {
                return Err(Error::value(
                    key,
                    format!("`{id:.16}` is no id: use \"1\" to \"65535\" (0 is background)"),
                ));
            }
        };
        short(&format!("{key}.{id}"), &name, LABEL_CHARS)?;
        if labels.insert(number, name).is_some() {
            return Err(Error::value(key, format!("the id {number} is named twice")));
        }
    }
    if labels.is_empty() {
        return Err(Error::value(key, "is empty: name at least one id"));
    }
    Ok(MaskSpec { file: raw.file, labels })
}

pub(crate) fn stereo(raw: &RawStereo, media: &Media) -> Result<StereoRig, Error> {
    let refuse = |key: &str, problem: &str| Err(Error::value(format!("stereo.{key}"), problem));
    let Media::Frames(frames) = media else {
        return Err(Error::value("stereo", "needs `frames`, whose left one carries intrinsics"));
    };
    let find = |index: u32| frames.iter().find(|frame| frame.index == index);
    let Some(left) = find(raw.left) else { return refuse("left", "names no frame's index") };
    if find(raw.right).is_none() {
        return refuse("right", "names no frame's index");
    }
    if raw.left == raw.right {
        return refuse("right", "is the left frame");
    }
    if left.intrinsics.is_none() {
        return refuse("left", "names a frame without intrinsics: depth needs its fx");
    }
    if !(raw.baseline_m.is_finite() && raw.baseline_m > 0.0) {
        return refuse("baseline_m", "must be metres above 0");
    }
    if !raw.doffs_px.is_finite() {
        return refuse("doffs_px", "must be finite");
    }
    Ok(StereoRig { left: raw.left, right: raw.right, baseline_m: raw.baseline_m, doffs_px: raw.doffs_px })
}

/// Scaled to unit length.
pub(crate) fn world_up(up: [f64; 3]) -> Result<[f64; 3], Error> {
    let length = up.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length.is_finite() && length > 1e-9 {
        Ok(up.map(|value| value / length))
    } else {
        Err(Error::value("world_up", "must be a direction: three finite numbers, not all 0"))
    }
}

pub(crate) fn reference(
    answer: Option<Value>,
    tolerance: Option<RawTolerance>,
    answer_type: AnswerType,
    choices: &[Choice],
) -> Result<Option<Reference>, Error> {
    let Some(answer) = answer else {
        return match tolerance {
            Some(_) => Err(Error::value("tolerance", "is given without `answer`")),
            None => Ok(None),
        };
    };
    if let Some(problem) = misfit(&answer, answer_type, choices) {
        return Err(Error::value("answer", problem));
    }
    let tolerance = match tolerance {
        Some(raw) => self::tolerance(raw, &answer)?,
        None => Tolerance::default(),
    };
    Ok(Some(Reference { answer, tolerance }))
}

fn tolerance(raw: RawTolerance, answer: &Value) -> Result<Tolerance, Error> {
    if !answer.is_number() {
        return Err(Error::value("tolerance", "is for answers that are numbers"));
    }
    for (key, value) in [("relative", raw.relative), ("absolute", raw.absolute)] {
        if value.is_some_and(|value| !(value.is_finite() && value >= 0.0)) {
            return Err(Error::value(format!("tolerance.{key}"), "must be 0 or more"));
        }
    }
    if raw.relative.is_none() && raw.absolute.is_none() {
        return Err(Error::value("tolerance", "gives neither `relative` nor `absolute`"));
    }
    Ok(Tolerance { relative: raw.relative, absolute: raw.absolute })
}

/// Why `answer` can be no answer of this type.
fn misfit(answer: &Value, answer_type: AnswerType, choices: &[Choice]) -> Option<&'static str> {
    let every_text = |fits: &dyn Fn(&str) -> bool| match answer {
        Value::String(text) => fits(text),
        Value::Array(list) => !list.is_empty() && list.iter().all(|entry| entry.as_str().is_some_and(fits)),
        _ => false,
    };
    let (fits, problem) = match answer_type {
        AnswerType::Text => (
            every_text(&|text| !text.trim().is_empty()),
            "must be a text, or a list of texts that all count as right",
        ),
        AnswerType::Number => (answer.is_number(), "must be a number, as answer_type says"),
        AnswerType::Integer => {
            (answer.as_f64().is_some_and(|n| n.fract() == 0.0), "must be a whole number, as answer_type says")
        }
        AnswerType::YesNo => (
            every_text(&|text| matches!(text, "yes" | "no")),
            "must be \"yes\" or \"no\", as answer_type says",
        ),
        AnswerType::Choice => (
            every_text(&|text| choices.iter().any(|choice| choice.letter == text)),
            "must be the letter of one of the options",
        ),
    };
    (!fits).then_some(problem)
}
