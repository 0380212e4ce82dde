//! What the model reads: the instructions, the question, the plan, and one reply and one message for every step.
//!
//! A conversation is a function of the [`Transcript`] alone. A resumed session therefore sends, up to where it
//! stopped, the very same words, and an endpoint's prefix cache still serves them.

use std::fmt::Write as _;

use spatialclaw_domain::{Cell, Question};
use spatialclaw_models::{Message, Part, Speaker, conversation as opening};

use crate::{
    feedback,
    transcript::{Transcript, Turn},
};

/// The instructions, by the name of each section.
pub const SECTIONS: [(&str, &str); 7] = [
    ("role", include_str!("../prompts/role.md")),
    ("reply", include_str!("../prompts/reply.md")),
    ("kernel", include_str!("../prompts/kernel.md")),
    ("tools", include_str!("../../../python/spatialclaw/tools.md")),
    ("space", include_str!("../prompts/space.md")),
    ("care", include_str!("../prompts/care.md")),
    ("answer", include_str!("../prompts/answer.md")),
];

/// Stands where a reply stood that could not be read; the reply itself is not shown again.
const UNREAD: &str = "(a reply that could not be read)";

/// The whole conversation so far, with at most `key_frames` pictures of the input.
pub fn conversation(transcript: &Transcript, key_frames: usize) -> Vec<Message> {
    let mut messages =
        vec![Message::text(Speaker::System, system()), first(&transcript.question, key_frames)];
    if let Some(plan) = transcript.plan.as_ref().filter(|plan| !plan.text.trim().is_empty()) {
        let text = format!("## Plan\n{}\n\nBegin with its first step.", plan.text.trim());
        messages.push(Message::text(Speaker::User, text));
    }
    for (at, turn) in transcript.turns.iter().enumerate() {
        messages.push(Message::text(Speaker::Assistant, said(turn)));
        messages.push(feedback::message(transcript, at));
    }
    messages
}

/// The instructions.
pub fn system() -> String {
    SECTIONS.map(|(_, text)| text.trim()).join("\n\n")
}

fn first(question: &Question, limit: usize) -> Message {
    let shown = opening::key_frames(question, limit);
    let mut parts = vec![Part::Text(opening::opening(question))];
    for (nth, (at, frame)) in shown.iter().enumerate() {
        let mut label = String::new();
        if nth == 0 {
            let _ = writeln!(label, "{} of {} pictures follow.", shown.len(), question.frames.len());
        }
        let _ = write!(label, "Frame {} = InputImages[{at}]:", frame.index);
        parts.push(Part::Text(label));
        parts.push(Part::Image(frame.image.clone()));
    }
    Message { speaker: Speaker::User, parts }
}

fn said(turn: &Turn) -> String {
    match turn {
        Turn::Rejected { .. } => UNREAD.to_owned(),
        Turn::Cell { cell, .. } => rendered(cell),
    }
}

/// A cell in the form its model was asked to write, without what it wrote around it.
pub fn rendered(cell: &Cell) -> String {
    let Cell { purpose, reasoning, next_goal, code, .. } = cell;
    format!(
        "**Purpose**\n{purpose}\n\n**Reasoning**\n{reasoning}\n\n**Next Goal**\n{next_goal}\n\n\
         **Code**\n```python\n{code}\n```"
    )
}

/// The last place at or before `max` bytes where `text` can be cut.
pub(crate) fn char_boundary(text: &str, max: usize) -> usize {
    (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use spatialclaw_domain::{EventKind, Observation};
    use spatialclaw_models::Finish;

    use super::*;
    use crate::{
        fixture,
        parse::{Reply, parse},
    };

    fn text(messages: &[Message]) -> String {
        let mut text = String::new();
        for message in messages {
            let _ = writeln!(text, "==== {:?}", message.speaker);
            for part in &message.parts {
                match part {
                    Part::Text(said) => text.push_str(said),
                    Part::Image(image) => {
                        let _ = write!(text, "[{}]", &image.digest.to_string()[..8]);
                    }
                }
                text.push('\n');
            }
        }
        text
    }

    fn observed(observation: Observation) -> EventKind {
        EventKind::Observed { observation, walls: "test".into() }
    }

    #[test]
    fn a_conversation_is_the_fold_of_its_journal() {
        let mut refused = fixture::answering(5, "far away");
        refused.stdout = "done\n".into();
        let mut lost = fixture::failing(4);
        lost.state_lost = true;
        let journal = fixture::journal(vec![
            fixture::planned("Find the chair, take its nearest point.\n### CHECKLIST\n- [ ] mask"),
            fixture::written(1, "depth = 1"),
            observed(fixture::rich(1)),
            fixture::rejected(2),
            fixture::written(3, "x = 1\nmask = SAM3.segment_image_by_text(InputImages[0], 'chair')"),
            observed(fixture::failing(3)),
            fixture::written(4, "a = 1\nwhile True: pass"),
            observed(lost),
            fixture::written(5, "ReturnAnswer('far away')"),
            observed(refused),
        ]);
        let transcript = Transcript::fold(fixture::session(), &journal).unwrap();
        insta::assert_snapshot!(text(&conversation(&transcript, 32)[1..]));
    }

    #[test]
    fn without_a_plan_the_question_stands_alone() {
        let journal = fixture::journal(vec![fixture::planned("  ")]);
        let transcript = Transcript::fold(fixture::session(), &journal).unwrap();
        let messages = conversation(&transcript, 0);
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[1].parts.len(), 1, "no pictures were asked for");
    }

    #[test]
    fn a_rendered_cell_reads_back() {
        let cell = fixture::cell(1, "x = 1\nprint('''```''')");
        let Ok(Reply::Cell(draft)) = parse(&rendered(&cell), Finish::Stop) else { panic!() };
        assert_eq!((draft.purpose, draft.code), (cell.purpose, cell.code));
    }

    #[test]
    fn instructions_name_every_section_once() {
        let system = system();
        for (name, text) in SECTIONS {
            assert!(!text.trim().is_empty(), "{name}");
            assert!(system.contains(text.trim()), "{name}");
        }
    }
}
