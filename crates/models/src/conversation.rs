//! How a conversation about a question opens, whoever asks the model.
//!
//! The planner and the cell writer put the same first words before a model:
//!
//! ```text
//! ## Input
//! <what there is to see: frames, indices, sizes, what was measured>
//! ## Question
//! <the question>
//! ## Options            only when there are choices, one `A. text` a line
//! ## Answer format
//! <one line out of a short list>, then prose
//! ```
//!
//! Headings stand alone on their lines and in this order; the offline
//! backbone reads them.

use std::{collections::BTreeSet, fmt::Write as _};

use spatialclaw_domain::{AnswerType, Frame, Question};

/// Longer index lists are cut in the middle.
const LISTED: usize = 16;
/// Shown of each end of a cut list.
const LISTED_END: usize = 5;

/// The first user message of every conversation about `question`.
pub fn opening(question: &Question) -> String {
    let mut text = format!("## Input\n{}\n\n## Question\n{}\n", input(question), question.text.trim());
    if !question.choices.is_empty() {
        text.push_str("\n## Options\n");
        for choice in &question.choices {
            let _ = writeln!(text, "{}. {}", choice.letter, choice.text);
        }
    }
    let (format, prose) = answer_format(question);
    let _ = write!(text, "\n## Answer format\n{format}\n{prose}");
    text
}

/// The answer wanted: one line of a short list, and the same for a reader.
pub fn answer_format(question: &Question) -> (String, String) {
    let unit = question.unit.as_deref();
    match question.answer_type {
        AnswerType::Text => ("text".to_owned(), "A short text, as specific as the question asks.".to_owned()),
        AnswerType::Number => (
            unit.map_or_else(|| "number".to_owned(), |unit| format!("number in {unit}")),
            format!(
                "One finite number{}, nothing else.",
                unit.map(|u| format!(" in {u}")).unwrap_or_default()
            ),
        ),
        AnswerType::Integer => ("integer".to_owned(), "One whole number, nothing else.".to_owned()),
        AnswerType::YesNo => ("yes or no".to_owned(), "The word yes or the word no.".to_owned()),
        AnswerType::Choice => {
            let letters: Vec<&str> = question.choices.iter().map(|choice| choice.letter.as_str()).collect();
            ("the letter of one option".to_owned(), format!("One of {}, nothing else.", letters.join(", ")))
        }
    }
}

/// The frames a model is shown before it starts: at most `limit`, spread evenly, first and last included.
pub fn key_frames(question: &Question, limit: usize) -> Vec<(usize, &Frame)> {
    let frames = &question.frames;
    let count = limit.min(frames.len());
    let position = |i: usize| match count {
        1 => 0,
        // Rounded to the nearest position; both ends are exact.
        _ => (i * (frames.len() - 1) + (count - 1) / 2) / (count - 1),
    };
    (0..count).map(position).filter_map(|at| frames.get(at).map(|frame| (at, frame))).collect()
}

fn input(question: &Question) -> String {
    let frames = &question.frames;
    let noun = if frames.len() == 1 { "image" } else { "images" };
    let mut text = match &question.video {
        Some(video) => format!(
            "{} frames in `InputImages`, sampled from a video of {:.2} s ({} frames at {:.3} a second).",
            frames.len(),
            video.duration_s,
            video.total_frames,
            video.fps
        ),
        None => format!("{} {noun} in `InputImages`.", frames.len()),
    };
    let indices: Vec<String> = frames.iter().map(|frame| frame.index.to_string()).collect();
    let _ = write!(text, "\nAbsolute frame indices, in list order: {}.", abbreviated(&indices));
    let sizes: BTreeSet<(u32, u32)> = frames.iter().map(|frame| (frame.width, frame.height)).collect();
    let sizes: Vec<String> = sizes.iter().map(|(w, h)| format!("{w}x{h}")).collect();
    let _ = write!(text, "\nSizes in pixels (width x height): {}.", abbreviated(&sizes));
    for line in measured(question) {
        let _ = write!(text, "\n{line}");
    }
    text
}

/// One line for each thing that came with the pictures.
fn measured(question: &Question) -> Vec<String> {
    let frames = &question.frames;
    let count = |has: fn(&Frame) -> bool| frames.iter().filter(|frame| has(frame)).count();
    let kinds = [
        ("depth", count(|frame| frame.depth.is_some())),
        ("camera intrinsics", count(|frame| frame.intrinsics.is_some())),
        ("camera poses", count(|frame| frame.pose.is_some())),
        ("instance masks", count(|frame| frame.instances.is_some())),
    ];
    let there: Vec<String> = kinds
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(name, n)| match *n == frames.len() {
            true => format!("{name} (every frame)"),
            false => format!("{name} ({n} of {} frames)", frames.len()),
        })
        .collect();
    let mut lines = vec![match there.is_empty() {
        true => "Measured with the pictures: nothing.".to_owned(),
        false => format!("Measured with the pictures: {}.", there.join(", ")),
    }];
    if let Some(rig) = question.stereo {
        lines.push(format!(
            "Frames {} (left) and {} (right) are a rectified stereo pair, {:.4} m apart.",
            rig.left, rig.right, rig.baseline_m
        ));
    }
    lines
}

fn abbreviated(items: &[String]) -> String {
    if items.len() <= LISTED {
        return items.join(", ");
    }
    let (head, tail) = (&items[..LISTED_END], &items[items.len() - LISTED_END..]);
    format!("{}, … ({} in all) …, {}", head.join(", "), items.len(), tail.join(", "))
}

#[cfg(test)]
mod tests {
    use spatialclaw_domain::{ArtifactRef, Budget, Choice, Digest, SessionId, StereoRig};

    use super::*;

    fn question(frames: u32) -> Question {
        let frame = |index| Frame {
            index,
            image: ArtifactRef { digest: Digest::of(b"x"), size: 1, media_type: "image/png".into() },
            width: 640,
            height: 480,
            time_s: None,
            intrinsics: None,
            pose: None,
            depth: None,
            instances: None,
        };
        Question {
            session: SessionId::named("q"),
            label: "q".into(),
            text: "Which is nearest to the camera: the cup or the ball?".into(),
            frames: (0..frames).map(|i| frame(i * 10)).collect(),
            stereo: None,
            world_up: None,
            video: None,
            choices: vec![],
            answer_type: AnswerType::Text,
            unit: None,
            budget: Budget::default(),
        }
    }

    #[test]
    fn headings_stand_alone_and_in_order() {
        let mut question = question(2);
        question.answer_type = AnswerType::Choice;
        question.choices = ["A", "B"].map(|l| Choice { letter: l.into(), text: format!("{l} thing") }).into();
        question.stereo = Some(StereoRig { left: 0, right: 10, baseline_m: 0.193, doffs_px: 0.0 });
        let text = opening(&question);
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## Input", "## Question", "## Options", "## Answer format"]);
        assert!(text.contains("\nA. A thing\nB. B thing\n"), "{text}");
        assert!(text.contains("## Answer format\nthe letter of one option\nOne of A, B"), "{text}");
        assert!(text.contains("rectified stereo pair, 0.1930 m apart"), "{text}");
    }

    #[test]
    fn the_format_names_the_unit() {
        let mut question = question(1);
        question.answer_type = AnswerType::Number;
        assert_eq!(answer_format(&question).0, "number");
        question.unit = Some("m".into());
        assert_eq!(answer_format(&question).0, "number in m");
    }

    #[test]
    fn key_frames_are_spread_and_keep_both_ends() {
        let at = |frames, limit| -> Vec<usize> {
            key_frames(&question(frames), limit).into_iter().map(|(at, _)| at).collect()
        };
        assert_eq!(at(3, 32), [0, 1, 2]);
        assert_eq!(at(9, 1), [0]);
        assert_eq!(at(9, 3), [0, 4, 8]);
        assert_eq!(at(10, 4), [0, 3, 6, 9]);
        assert!(at(5, 0).is_empty());
    }

    #[test]
    fn long_index_lists_are_cut_in_the_middle() {
        let text = opening(&question(100));
        assert!(text.contains("0, 10, 20, 30, 40, … (100 in all) …, 950, 960, 970, 980, 990."), "{text}");
    }
}
