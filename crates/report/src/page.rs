//! The page itself.
//!
//! Every text of the journal passes through [`text`]; there is no link and no
//! attribute made of text but `alt`.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use spatialclaw_domain::{CellError, Frame, Observation, ShownImage, ToolCall, Variable, VisionCall};

use crate::{
    picture::{Album, FRAMES_SHOWN},
    story::{Ending, Step, Story},
    text::text,
};

const STYLE: &str = include_str!("style.css");
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Characters of a name, a summary, a reason, a long text.
const WORD: usize = 120;
const LINE: usize = 400;
const PARAGRAPH: usize = 4_000;
const LONG: usize = 40_000;
/// A plan longer than this is folded away.
const PLAN_OPEN: usize = 1_500;
/// Entries of a list; more are counted, not shown.
const STEPS: usize = 100;
const CHOICES: usize = 100;
const ENTRIES: usize = 60;
const CODE_LINES: usize = 1_000;

pub(crate) fn render(story: &Story<'_>, album: &Album) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (text(&story.question.text, WORD).into_string()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (question(story))
                    (ending(story.ending))
                    (facts(story))
                    (frames(story, album))
                    (plan(story))
                    @for step in story.steps.iter().take(STEPS) { (self::step(step, album)) }
                    (more(story.steps.len(), STEPS, "steps"))
                    footer { "session " code { (story.question.session) } (trace(story.traceparent)) }
                }
            }
        }
    }
}

/// Says what a bounded list leaves out.
fn more(count: usize, limit: usize, what: &str) -> Markup {
    html! { @if count > limit { p.note { "… and " (count - limit) " more " (what) } } }
}

fn question(story: &Story<'_>) -> Markup {
    let choices = &story.question.choices;
    html! {
        header {
            p.label { (text(&story.question.label, WORD)) }
            h1 dir="auto" { (text(&story.question.text, PARAGRAPH)) }
            @if !choices.is_empty() {
                ul.choices {
                    @for choice in choices.iter().take(CHOICES) {
                        li dir="auto" { b { (text(&choice.letter, WORD)) } " " (text(&choice.text, LINE)) }
                    }
                }
                (more(choices.len(), CHOICES, "options"))
            }
        }
    }
}

fn ending(ending: Option<Ending<'_>>) -> Markup {
    let (class, title, told) = match ending {
        Some(Ending::Answered(answer)) => ("answered", "Answer", answer.text.as_str()),
        Some(Ending::Unanswered(reason)) => ("unanswered", "No answer", reason),
        Some(Ending::Failed(fault)) => ("failed", "Failed", fault.message.as_str()),
        Some(Ending::Cancelled(reason)) => ("unanswered", "Cancelled", reason),
        None => ("open", "Still at work", "the journal has no closing entry yet"),
    };
    // A short answer is a headline, a long one is a text.
    let size = if told.chars().count() > WORD { "long" } else { "short" };
    html! { section.ending.(class).(size) { h2 { (title) } p dir="auto" { (text(told, PARAGRAPH)) } } }
}

fn facts(story: &Story<'_>) -> Markup {
    let cells = story.steps.iter().filter(|step| matches!(step, Step::Cell { .. })).count();
    let calls = tool_calls(story).count();
    let cached = tool_calls(story).filter(|call| call.cached).count();
    let usage = story.usage;
    html! {
        dl.facts {
            div { dt { "time" } dd { (seconds(story.seconds)) } }
            div { dt { "steps" } dd { (cells) } }
            div { dt { "tool calls" } dd { (calls) @if cached > 0 { small { (cached) " cached" } } } }
            div { dt { "model calls" } dd { (usage.calls) } }
            div { dt { "tokens in" } dd { (grouped(usage.prompt_tokens)) } }
            div { dt { "tokens out" } dd { (grouped(usage.completion_tokens)) } }
        }
    }
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 100.0 => format!("{s:.0} s"),
        s if s >= 10.0 => format!("{s:.1} s"),
        s => format!("{s:.2} s"),
    }
}

/// 12 345, with thin spaces.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
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
            h2 { "What was given" span.aside { (counted(frames.len(), "picture")) } }
            div.strip { @for frame in frames.iter().take(FRAMES_SHOWN) { (self::frame(frame, album)) } }
            (more(frames.len(), FRAMES_SHOWN, "pictures"))
        }
    }
}

fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn frame(frame: &Frame, album: &Album) -> Markup {
    let given = [
        (frame.depth.is_some(), "depth"),
        (frame.pose.is_some(), "pose"),
        (frame.instances.is_some(), "masks"),
        (frame.intrinsics.is_some(), "intrinsics"),
    ];
    let with: Vec<&str> = given.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
    let name = format!("frame {}", frame.index);
    html! {
        figure {
            (picture(album.uri(&frame.image), &name))
            figcaption {
                (name) " · " (frame.width) "×" (frame.height)
                @if let Some(time) = frame.time_s { " · " (format!("{time:.2} s")) }
                @if !with.is_empty() { br; "with " (with.join(", ")) }
            }
        }
    }
}

fn picture(uri: Result<&str, &str>, name: &str) -> Markup {
    match uri {
        Ok(uri) => html! { img src=(uri) alt=(name); },
        Err(why) => html! { p.missing { (name) " " (text(why, LINE)) } },
    }
}

fn plan(story: &Story<'_>) -> Markup {
    let Some(plan) = story.plan else { return html! {} };
    let told = text(&plan.text, LONG);
    let is_open = plan.text.len() <= PLAN_OPEN;
    html! {
        @if !told.is_empty() {
            section {
                h2 { "Plan" span.aside { "by " (text(&plan.model, WORD)) } }
                details.plan open[is_open] {
                    summary { "how the model meant to answer" }
                    pre.prose dir="auto" { (told) }
                }
            }
        }
    }
}

fn step(step: &Step<'_>, album: &Album) -> Markup {
    match step {
        Step::Cell { cell, observation, walls, thinking } => html! {
            section.step {
                h2 {
                    span.number { (cell.step) }
                    span.title dir="auto" { (text(&cell.purpose, LINE)) }
                    span.aside { "written in " (seconds(*thinking)) }
                }
                @if !cell.reasoning.is_empty() { p.reasoning dir="auto" { (text(&cell.reasoning, PARAGRAPH)) } }
                (code(&cell.code, observation.and_then(|seen| seen.error.as_ref())))
                @match observation {
                    Some(seen) => { (self::observation(seen, walls, album)) }
                    None => { p.note { "this cell has not run" } }
                }
                @if !cell.next_goal.is_empty() { p.next dir="auto" { b { "Next: " } (text(&cell.next_goal, PARAGRAPH)) } }
            }
        },
        Step::Rejected { step, reason, raw } => html! {
            section.step.bad {
                h2 { span.number { (step) } span.title { "Reply not understood" } }
                p dir="auto" { (text(reason, PARAGRAPH)) }
                details { summary { "the reply" } pre dir="auto" { (text(raw, LONG)) } }
            }
        },
        Step::KernelLost { step, reason } => html! {
            section.step.bad {
                h2 { span.number { (step) } span.title { "Kernel lost" } }
                p dir="auto" { (text(reason, PARAGRAPH)) }
                p.note { "The cells before it were run again on a fresh kernel." }
            }
        },
    }
}

/// Python with numbered lines; the one that failed is marked.
fn code(source: &str, error: Option<&CellError>) -> Markup {
    let hit = error.and_then(|error| error.line);
    let source = text(source, LONG);
    let count = source.lines().count();
    html! {
        pre.code dir="ltr" {
            @for (at, line) in (1..).zip(source.lines().take(CODE_LINES)) {
                span.line.hit[hit == Some(at)] { (line) "\n" }
            }
            (source.rest())
        }
        (more(count, CODE_LINES, "lines"))
    }
}

fn observation(seen: &Observation, walls: &str, album: &Album) -> Markup {
    html! {
        div.seen {
            p.ran {
                @if seen.error.is_some() { b.failed { "failed" } } @else { b { "ran" } }
                " after " (seconds(seen.seconds))
                @if !walls.is_empty() { " · walls " (text(walls, WORD)) }
            }
            (block("output", &seen.stdout))
            @if seen.stdout_truncated { p.note { "the output was cut by its bound" } }
            (block("error-output", &seen.stderr))
            @if let Some(error) = &seen.error { (failure(error)) }
            @if seen.state_lost { p.note { "the interpreter had to be killed; earlier variables are gone" } }
            @if let Some(answer) = &seen.answer {
                p.returned dir="auto" { "returned " b { (text(&answer.text, LINE)) } }
            }
            (shown(&seen.shown, seen.shown_dropped, album))
            (calls(&seen.tool_calls))
            (asked(&seen.vision))
            (variables(&seen.new_variables, &seen.changed_variables))
        }
    }
}

fn block(class: &str, told: &str) -> Markup {
    html! { @if !told.trim().is_empty() { pre.(class) dir="ltr" { (text(told.trim_end(), LONG)) } } }
}

fn failure(error: &CellError) -> Markup {
    html! {
        pre.error dir="ltr" {
            b { (text(&error.kind, WORD)) } ": " (text(&error.message, PARAGRAPH))
            @if let Some(line) = error.line { " (line " (line) ")" }
        }
        @if !error.traceback.trim().is_empty() {
            details { summary { "traceback" } (block("traceback", &error.traceback)) }
        }
    }
}

fn calls(calls: &[ToolCall]) -> Markup {
    html! {
        @if !calls.is_empty() {
            div.table {
                table {
                    thead { tr { th { "tool" } th { "engine" } th.number { "seconds" } th { "outcome" } } }
                    tbody { @for call in calls.iter().take(ENTRIES) { (self::call(call)) } }
                }
            }
            (more(calls.len(), ENTRIES, "calls"))
        }
    }
}

fn call(call: &ToolCall) -> Markup {
    html! {
        tr {
            td { code { (text(&call.name, WORD)) } }
            td { (text(&call.engine, WORD)) @if call.cached { " (cached)" } }
            td.number { (format!("{:.3}", call.seconds)) }
            td.outcome dir="auto" { (text(&call.outcome, LINE)) }
        }
    }
}

/// What the cell asked the vision model.
fn asked(asked: &[VisionCall]) -> Markup {
    html! {
        @if !asked.is_empty() {
            details {
                summary { (counted(asked.len(), "question")) " to the vision model" }
                ul.asked { @for call in asked.iter().take(ENTRIES) { li { (self::question_and_answer(call)) } } }
                (more(asked.len(), ENTRIES, "questions"))
            }
        }
    }
}

fn question_and_answer(call: &VisionCall) -> Markup {
    let pictures = &call.asked.pictures;
    html! {
        code { (call.asked.kind.tool()) } " about " (counted(pictures.len(), "picture"))
        @if !call.model.is_empty() { " · " (text(&call.model, WORD)) }
        @if call.cached { " (cached)" }
        p dir="auto" { b { "Q " } (text(&call.asked.text, PARAGRAPH)) }
        p.failed[call.failed] dir="auto" { b { "A " } (text(&call.answer, PARAGRAPH)) }
    }
}

fn variables(new: &[Variable], changed: &[Variable]) -> Markup {
    let all = || new.iter().chain(changed);
    html! {
        @if all().next().is_some() {
            details {
                summary { (counted(new.len(), "new variable")) @if !changed.is_empty() { ", " (changed.len()) " changed" } }
                ul.variables {
                    @for variable in all().take(ENTRIES) {
                        li dir="ltr" { code { (text(&variable.name, WORD)) } " " (text(&variable.summary, LINE)) }
                    }
                }
                (more(all().count(), ENTRIES, "variables"))
            }
        }
    }
}

fn shown(images: &[ShownImage], dropped: u32, album: &Album) -> Markup {
    html! {
        @if !images.is_empty() {
            div.shown.single[images.len() == 1] {
                @for image in images.iter().take(ENTRIES) {
                    @let label = text(&image.label, LINE).into_string();
                    figure {
                        (picture(album.uri(&image.image), &label))
                        figcaption dir="auto" {
                            (label)
                            @if let Some(index) = image.frame_index { " · frame " (index) }
                        }
                    }
                }
            }
            (more(images.len(), ENTRIES, "pictures"))
        }
        @if dropped > 0 { p.note { (dropped) " pictures over the budget were dropped" } }
    }
}

/// The trace id is the second field of a W3C traceparent.
fn trace(traceparent: &str) -> Markup {
    let id = traceparent
        .split('-')
        .nth(1)
        .filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    html! { @if let Some(id) = id { " · trace " code { (id) } } }
}
