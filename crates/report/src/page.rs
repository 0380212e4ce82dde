//! The page itself.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use spatialclaw_domain::{Frame, Observation, ShownImage, ToolCall, Variable};

use crate::{
    picture::{Album, FRAMES_SHOWN},
    story::{Ending, Step, Story},
};

const STYLE: &str = include_str!("style.css");
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

pub(crate) fn render(story: &Story<'_>, album: &Album) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (story.question.text.chars().take(80).collect::<String>()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (question(story))
                    (ending(story.ending))
                    (facts(story))
                    (frames(story, album))
                    (plan(story))
                    @for step in &story.steps { (self::step(step, album)) }
                    footer { "session " code { (story.question.session) } (trace(story.traceparent)) }
                }
            }
        }
    }
}

fn question(story: &Story<'_>) -> Markup {
    html! {
        header {
            p.label { (story.question.label) }
            h1 { (story.question.text) }
            @if !story.question.choices.is_empty() {
                ol.choices {
                    @for choice in &story.question.choices { li { b { (choice.letter) } " " (choice.text) } }
                }
            }
        }
    }
}

fn ending(ending: Option<Ending<'_>>) -> Markup {
    let (class, title, text) = match ending {
        Some(Ending::Answered(answer)) => ("answered", "Answer", answer.text.as_str()),
        Some(Ending::Unanswered(reason)) => ("unanswered", "No answer", reason),
        Some(Ending::Failed(fault)) => ("failed", "Failed", fault.message.as_str()),
        Some(Ending::Cancelled(reason)) => ("unanswered", "Cancelled", reason),
        None => ("unanswered", "Still at work", "the journal has no closing entry yet"),
    };
    html! { section.ending.(class) { h2 { (title) } p { (text) } } }
}

fn facts(story: &Story<'_>) -> Markup {
    let cells = story.steps.iter().filter(|step| matches!(step, Step::Cell { .. })).count();
    let calls = tool_calls(story).count();
    let cached = tool_calls(story).filter(|call| call.cached).count();
    html! {
        dl.facts {
            div { dt { "time" } dd { (format!("{:.2} s", story.seconds)) } }
            div { dt { "steps" } dd { (cells) } }
            div { dt { "tool calls" } dd { (calls) @if cached > 0 { " (" (cached) " cached)" } } }
            div { dt { "model calls" } dd { (story.usage.calls) } }
            div { dt { "tokens" } dd { (story.usage.prompt_tokens) " in, " (story.usage.completion_tokens) " out" } }
        }
    }
}

fn tool_calls<'a>(story: &'a Story<'a>) -> impl Iterator<Item = &'a ToolCall> {
    story.steps.iter().filter_map(Step::observation).flat_map(|seen| &seen.tool_calls)
}

impl<'a> Step<'a> {
    fn observation(&self) -> Option<&'a Observation> {
        match self {
            Step::Cell { observation, .. } => *observation,
            _ => None,
        }
    }
}

fn frames(story: &Story<'_>, album: &Album) -> Markup {
    let frames = &story.question.frames;
    html! {
        section {
            h2 { "What was given" }
            div.strip {
                @for frame in frames.iter().take(FRAMES_SHOWN) { (self::frame(frame, album)) }
            }
            @if frames.len() > FRAMES_SHOWN { p.note { (frames.len() - FRAMES_SHOWN) " more frames are not shown" } }
        }
    }
}

fn frame(frame: &Frame, album: &Album) -> Markup {
    let mut with = Vec::new();
    if frame.depth.is_some() {
        with.push("depth");
    }
    if frame.pose.is_some() {
        with.push("pose");
    }
    if frame.instances.is_some() {
        with.push("masks");
    }
    html! {
        figure {
            (picture(album.uri(&frame.image), &format!("frame {}", frame.index)))
            figcaption {
                "frame " (frame.index) ", " (frame.width) "×" (frame.height)
                @if !with.is_empty() { br; "with " (with.join(", ")) }
            }
        }
    }
}

fn picture(uri: Result<&str, &str>, alt: &str) -> Markup {
    match uri {
        Ok(uri) => html! { img src=(uri) alt=(alt); },
        Err(why) => html! { p.note { (alt) ": " (why) } },
    }
}

fn plan(story: &Story<'_>) -> Markup {
    html! {
        @if let Some(plan) = story.plan {
            section {
                h2 { "Plan" span.aside { "by " (plan.model) } }
                pre.prose { (plan.text) }
            }
        }
    }
}

fn step(step: &Step<'_>, album: &Album) -> Markup {
    match step {
        Step::Cell { cell, observation, walls, thinking } => html! {
            section.step {
                h2 {
                    "Step " (cell.step) ": " (cell.purpose)
                    span.aside { (format!("written in {thinking:.2} s")) }
                }
                p { (cell.reasoning) }
                pre.code { (cell.code) }
                @match observation {
                    Some(seen) => { (self::observation(seen, walls, album)) }
                    None => { p.note { "this cell has not run" } }
                }
                p.next { "Next: " (cell.next_goal) }
            }
        },
        Step::Rejected { step, reason, raw } => html! {
            section.step.bad {
                h2 { "Step " (step) ": reply not understood" }
                p { (reason) }
                details { summary { "the reply" } pre.code { (raw) } }
            }
        },
        Step::KernelLost { step, reason } => html! {
            section.step.bad {
                h2 { "Step " (step) ": kernel lost" }
                p { (reason) ". Its cells were run again on a fresh kernel." }
            }
        },
    }
}

fn observation(seen: &Observation, walls: &str, album: &Album) -> Markup {
    html! {
        div.seen {
            p.aside { (format!("ran {:.2} s", seen.seconds)) @if !walls.is_empty() { ", walls " (walls) } }
            @if !seen.stdout.is_empty() { pre.output { (seen.stdout) } }
            @if let Some(error) = &seen.error {
                pre.error { (error.kind) ": " (error.message) "\n" (error.traceback) }
            }
            @if seen.state_lost { p.note { "the interpreter had to be killed; earlier variables are gone" } }
            (calls(&seen.tool_calls))
            (variables(&seen.new_variables, &seen.changed_variables))
            (shown(&seen.shown, seen.shown_dropped, album))
        }
    }
}

fn calls(calls: &[ToolCall]) -> Markup {
    html! {
        @if !calls.is_empty() {
            table {
                tr { th { "tool" } th { "engine" } th { "seconds" } th { "outcome" } }
                @for call in calls {
                    tr {
                        td { code { (call.name) } }
                        td { (call.engine) @if call.cached { " (cached)" } }
                        td.number { (format!("{:.3}", call.seconds)) }
                        td { (call.outcome) }
                    }
                }
            }
        }
    }
}

fn variables(new: &[Variable], changed: &[Variable]) -> Markup {
    html! {
        @if !new.is_empty() || !changed.is_empty() {
            details {
                summary { (new.len()) " new variables, " (changed.len()) " changed" }
                ul { @for variable in new.iter().chain(changed) { li { code { (variable.name) } " " (variable.summary) } } }
            }
        }
    }
}

fn shown(images: &[ShownImage], dropped: u32, album: &Album) -> Markup {
    html! {
        @if !images.is_empty() {
            div.shown {
                @for image in images {
                    figure { (picture(album.uri(&image.image), &image.label)) figcaption { (image.label) } }
                }
            }
        }
        @if dropped > 0 { p.note { (dropped) " images over the budget were dropped" } }
    }
}

/// The trace id is the second field of a W3C traceparent.
fn trace(traceparent: &str) -> Markup {
    html! {
        @if let Some(id) = traceparent.split('-').nth(1) { " · trace " code { (id) } }
    }
}
