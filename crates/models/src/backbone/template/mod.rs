//! The offline default: **no neural network**, a scripted baseline.
//!
//! It knows [`FAMILIES`] of questions by their wording, and writes for each the cells that a careful analyst would: find
//! what the question names, look at the masks, reconstruct, measure, answer. It speaks the same protocol as any model,
//! reads what comes back, and revises: other words for what was not found, fewer adjectives, other frames, fewer frames
//! for a reconstruction that failed, the picture alone where depth is a luxury. Every detour is bounded; at the end of
//! them stands `**Cannot Answer**` with the precise reason. A question of no known family is refused at once, by name.
//!
//! It is a smoke test, a load generator and a cheap baseline. It is no model: it understands wording, not pictures,
//! and every number it returns was measured by the tools.
//!
//! ```text
//! request ─ converse ─► opening ── ask (pattern, rules, words) ──► Family ─┐
//!              │                   options, units ─────────────► Ending ──┴─► Task ── plan ──► plan
//!              └──────► feedback ──────────── script (a fold) ──► Move ── cells, python/ ────► cell
//! ```
//!
//! Everything is a function of the conversation, so a resumed session continues word for word.
//!
//! What is measured, where wording leaves a choice:
//!
//! * a distance between objects runs between their closest visible points, unless centres are asked for; a centre is
//!   the median of what is seen;
//! * a distance from the camera runs to the closest visible point, in the frame named or else the first that shows it;
//! * height is along gravity; length is the longer side of the smallest rectangle on the floor, width the side that
//!   lies across the camera's view, depth the other one;
//! * left, right, above, below, in front and behind are the camera's in the first frame that shows both objects, unless
//!   the question says where one stands and what one faces;
//! * a camera's turn is the angle of the rotation between two poses; its direction is told in the first pose's frame.

mod ask;
mod cells;
mod converse;
mod directions;
mod ending;
mod family;
mod measurement;
mod options;
mod pattern;
mod plan;
mod python;
mod rules;
mod script;
mod task;
mod units;
mod words;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use spatialclaw_domain::{Fault, FaultKind, Usage};

use self::task::Task;
use crate::{ChatReply, ChatRequest, Finish, LanguageModel, Role};

/// Every family and one way to ask for it. Many other wordings are understood; `docs/reference/template.md` lists more.
pub const FAMILIES: &[(&str, &str)] = &[
    (
        "distance between two objects",
        "What is the distance between the mug and the lamp, from their closest points, in metres?",
    ),
    ("distance from the camera", "How far is the mug from the camera, in metres?"),
    ("median depth", "What is the median depth of the motorcycle, in metres?"),
    ("count", "How many chairs are there?"),
    ("existence", "Is there a lamp?"),
    ("nearest or farthest object", "Which is nearest to the camera: the mug, the lamp or the chair?"),
    ("order by distance", "List the mug, the lamp and the chair from nearest to farthest."),
    ("relation as the camera sees it", "Is the mug to the left or to the right of the lamp?"),
    ("comparison of distances", "Is the mug closer to the camera than the lamp?"),
    (
        "direction from a viewpoint in the scene",
        "Standing at the sofa and facing the lamp, is the mug to my left, right, in front or behind?",
    ),
    ("size of an object", "How tall is the lamp, in metres?"),
    ("height above the floor", "How high above the floor is the mug, in metres?"),
    ("largest or smallest object", "Which is taller: the lamp or the chair?"),
    ("comparison of sizes", "Is the lamp taller than the chair?"),
    ("movement of an object", "How far did the ball move between frame 0 and frame 8, in metres?"),
    (
        "movement of the camera",
        "How far did the camera move between the first and the last frame, in metres?",
    ),
    ("turn of the camera", "How many degrees did the camera turn between the first and the last frame?"),
    (
        "direction of the camera's movement",
        "Did the camera move forward or backward between the first and the last frame?",
    ),
    (
        "angle between objects",
        "What is the angle between the mug, the lamp and the chair at the lamp, in degrees?",
    ),
    ("height of the camera", "How high above the floor is the camera, in metres?"),
];

/// Writes plans and cells from documented question families.
#[derive(Clone, Copy, Debug, Default)]
pub struct Template;

#[async_trait]
impl LanguageModel for Template {
    fn name(&self) -> &str {
        "template"
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let text = say(request)?;
        // No tokens: nothing was paid for.
        let usage = Usage { calls: 1, ..Usage::default() };
        Ok(ChatReply { text, finish: Finish::Stop, usage, model: self.name().to_owned() })
    }
}

/// The reply to a conversation.
fn say(request: &ChatRequest) -> Result<String, Fault> {
    let (opening, history) = converse::read(request);
    Ok(match (request.role, Task::of(&opening)) {
        (Role::Plan, Ok(task)) => plan::plan(&task, opening.form),
        (Role::Code, Ok(task)) => cells::reply(&task, &script::next(&task, &history)),
        (Role::Plan, Err(reason)) => plan::no_plan(&reason),
        (Role::Code, Err(reason)) => cells::cannot_answer(&reason),
        (Role::Locate | Role::Think, _) => return Err(blind()),
    })
}

fn blind() -> Fault {
    let text =
        "the backbone `template` cannot see pictures: measure with `tools`, or configure a vision model";
    Fault::new(FaultKind::Invalid, text)
}
