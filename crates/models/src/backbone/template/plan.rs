//! The plan: what is asked, how it is measured, what may go wrong.

use serde_json::json;

use super::{
    converse::Form,
    family::{Family, Kind},
    python::prose,
    task::Task,
};

/// The plan of a question that is understood.
pub(super) fn plan(task: &Task, form: Form) -> String {
    let family = &task.family;
    let names: Vec<String> = family.names().into_iter().map(|name| format!("\"{}\"", prose(name))).collect();
    let things = if names.is_empty() { "the camera alone".to_owned() } else { names.join(", ") };
    let steps = steps(family, &things);
    let numbered: Vec<String> =
        steps.iter().enumerate().map(|(i, step)| format!("{}. {step}", i + 1)).collect();
    format!(
        "### TASK\nA question about the {title}; it names {things}. {frame}\nAnswer format: {format}.\n\n\
         ### STEPS\n{steps}\n\n\
         ### VERIFICATION\nLook at the shown masks; print what was measured before returning it; compare with a second \
         measure where there is one.\n\n\
         ### FALLBACKS\nNot found: other words for the same thing, then fewer adjectives, then other frames. {fallback}\n\n\
         ### CHECKLIST\n```json\n{checklist}\n```",
        title = family.title(),
        frame = reference_frame(family),
        format = format_name(form),
        steps = numbered.join("\n"),
        fallback = depth_fallback(family),
        checklist = checklist(family, &things),
    )
}

/// The plan of a question that is not understood, or cannot be answered in the form wanted.
pub(super) fn no_plan(reason: &str) -> String {
    let families: Vec<String> =
        super::FAMILIES.iter().map(|(title, example)| format!("* {title}: {example}")).collect();
    format!(
        "### TASK\n{reason}\n\n### STEPS\n1. Say so. There is nothing to measure.\n\n### KNOWN FAMILIES\n{}\n\n\
         ### CHECKLIST\n```json\n[]\n```",
        families.join("\n")
    )
}

fn steps(family: &Family, things: &str) -> Vec<String> {
    let mut steps = Vec::new();
    if !family.names().is_empty() {
        steps.push(format!("Segment {things} in a few frames, spread evenly, and show a mask of each."));
    }
    if family.wants_depth() {
        steps.push("Reconstruct the same frames in one metric, gravity-aligned world.".into());
    }
    steps.push(measure(family).into());
    steps.push("Return the answer in the format wanted.".into());
    steps
}

fn measure(family: &Family) -> &'static str {
    match family.kind() {
        Kind::Length | Kind::Angle => "Join the views of each object, drop lone flying points, and measure.",
        Kind::Count => "Join views of the same thing in space, so that each counts once.",
        Kind::Word => "Compare along the axis that the question means.",
        Kind::Name | Kind::Names | Kind::YesNo => "Measure every candidate in the same way and compare.",
    }
}

fn reference_frame(family: &Family) -> &'static str {
    match family {
        Family::Viewpoint { .. } => "Directions are those of somebody in the scene, not the camera's.",
        Family::Relation { .. } => "Directions are those of the camera's view.",
        Family::CameraDirection { .. } => "Directions are those of the first camera.",
        Family::Extent { .. } | Family::Largest { .. } | Family::Larger { .. } | Family::Elevation { .. } => {
            "Sizes and heights are gravity-aligned."
        }
        _ => "Lengths are metric and do not depend on a viewpoint.",
    }
}

fn depth_fallback(family: &Family) -> &'static str {
    match family.needs_depth() {
        true => {
            "No depth: reconstruct fewer frames; without any depth this cannot be answered, and must not be guessed."
        }
        false => "No depth: the picture alone has to do.",
    }
}

fn format_name(form: Form) -> String {
    match form {
        Form::Text => "text".into(),
        Form::Number(None) => "a number".into(),
        Form::Number(Some(unit)) => format!("a number in {}", unit.symbol()),
        Form::Integer => "a whole number".into(),
        Form::YesNo => "yes or no".into(),
        Form::Letter => "the letter of one option".into(),
    }
}

fn checklist(family: &Family, things: &str) -> String {
    let mut items = Vec::new();
    if !family.names().is_empty() {
        items.push(
            json!({"priority": "HIGH", "description": format!("Masks of {things} show the right things.")}),
        );
    }
    if family.needs_depth() {
        items.push(
            json!({"priority": "HIGH", "description": "Depth was read on every object that is measured."}),
        );
    }
    items.push(json!({"priority": "MEDIUM", "description": "The measured value is printed and plausible."}));
    items.push(json!({"priority": "HIGH", "description": "The answer has the format wanted."}));
    serde_json::Value::from(items).to_string()
}
