//! From a move to a reply: what the cell is for, why, and its Python.

use serde_json::{Value, json};

use super::{
    ending,
    measurement::{self, assign},
    python::prose,
    script::Move,
    task::Task,
};

/// Frames looked at in one cell, besides those the question names.
const LOOKS: u32 = 8;

/// A file of Python.
macro_rules! fragment {
    ($name:literal) => {
        include_str!(concat!("python/", $name, ".py"))
    };
}
pub(super) use fragment;

/// The reply that makes a move.
pub(super) fn reply(task: &Task, next: &Move) -> String {
    match next {
        Move::GiveUp(reason) => cannot_answer(reason),
        Move::Observe => observe(task),
        Move::Search(others) => search(task, others, false),
        Move::Widen(others) => search(task, others, true),
        Move::Again => again(),
        Move::Answer { depth } => answer(task, *depth),
    }
}

/// Gives up, saying why.
pub(super) fn cannot_answer(reason: &str) -> String {
    format!("**Cannot Answer**\n{reason}")
}

fn written(purpose: &str, reasoning: &str, next_goal: &str, code: &str) -> String {
    format!(
        "**Purpose**\n{purpose}\n\n**Reasoning**\n{reasoning}\n\n**Next Goal**\n{next_goal}\n\n\
         **Code**\n```python\n{}\n```",
        code.trim_end()
    )
}

fn names_in_prose(task: &Task) -> String {
    let names = task.family.names();
    match names.as_slice() {
        [] => "the camera's path".into(),
        names => names.iter().map(|name| format!("\"{}\"", prose(name))).collect::<Vec<_>>().join(", "),
    }
}

fn observe(task: &Task) -> String {
    let header = [
        assign("names", &json!(task.family.names())),
        assign("must_see", &json!(task.must_see())),
        assign("looks", &json!(LOOKS)),
        assign("want_depth", &json!(task.family.wants_depth())),
    ];
    let depth = match task.family.wants_depth() {
        true => "Positions and sizes have to be metric, so the same frames are reconstructed in one world.",
        false => "What is asked can be read off the pictures, so nothing is reconstructed.",
    };
    written(
        &format!("Find {} in a few frames.", names_in_prose(task)),
        &format!(
            "Everything else rests on the right masks: they are shown so that a wrong one can be seen. {depth}"
        ),
        "Look again for whatever was not found, or measure.",
        &format!("{}\n{}", header.concat(), fragment!("observe")),
    )
}

fn search(task: &Task, others: &[(String, Vec<String>)], wider: bool) -> String {
    let names: Value = others.iter().map(|(name, phrases)| (name.clone(), json!(phrases))).collect();
    let missing =
        others.iter().map(|(name, _)| format!("\"{}\"", prose(name))).collect::<Vec<_>>().join(", ");
    let (reasoning, code) = match wider {
        true => {
            ("Other frames may show it better, and a weaker mask is better than none.", fragment!("wider"))
        }
        false => {
            ("A segmenter may know it under another word, or without its adjectives.", fragment!("search"))
        }
    };
    let depth = assign("want_depth", &json!(task.family.wants_depth()));
    written(
        &format!("Look again for {missing}."),
        reasoning,
        "Measure, once everything is found.",
        &format!("{}{depth}\n{code}", assign("other_names", &names)),
    )
}

fn again() -> String {
    written(
        "Reconstruct again, from fewer frames.",
        "One frame without depth can spoil a joint reconstruction.",
        "Measure in whatever frames have depth.",
        fragment!("again"),
    )
}

fn answer(task: &Task, depth: bool) -> String {
    let recipe = measurement::recipe(task, depth);
    written(
        &format!("Measure the {} and answer.", task.family.title()),
        recipe.why,
        "The answer is returned in this cell.",
        &format!("{}\n{}", recipe.code(task), ending::last_lines(task)),
    )
}
