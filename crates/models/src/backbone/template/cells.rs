//! From a move to a reply: what the cell is for, why, and its Python.

use serde_json::{Value, json};

use super::{
    family::{Axis, Family, FrameRef, Kind, Motion},
    options::Letters,
    python::{literal, prose},
    script::Move,
    task::{Ending, Task},
    units::Unit,
};

/// Frames looked at in one cell, besides those the question names.
const LOOKS: u32 = 8;

macro_rules! fragment {
    ($name:literal) => {
        include_str!(concat!("python/", $name, ".py"))
    };
}

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
        assign("names", json!(task.family.names())),
        assign("must_see", json!(task.must_see())),
        assign("looks", json!(LOOKS)),
        assign("want_depth", json!(task.family.wants_depth())),
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
    let depth = assign("want_depth", json!(task.family.wants_depth()));
    written(
        &format!("Look again for {missing}."),
        reasoning,
        "Measure, once everything is found.",
        &format!("{}{depth}\n{code}", assign("other_names", names)),
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
    let steps = measurement(task, depth);
    written(
        &format!("Measure the {} and answer.", task.family.title()),
        steps.reasoning,
        "The answer is returned in this cell.",
        &format!("{}\n{}", steps.code.trim_end(), last_lines(task)),
    )
}

/// The measuring part of the last cell: leaves `value`, `word` or `order`.
struct Measurement {
    reasoning: &'static str,
    code: String,
}

fn measurement(task: &Task, depth: bool) -> Measurement {
    let (reasoning, header, fragments) = parts(task, depth);
    let mut code = header.concat();
    if !matches!(
        &task.family,
        Family::CameraMoved { .. } | Family::CameraTurned { .. } | Family::CameraDirection { .. }
    ) {
        code += &format!("only = {}\n", task.frame.map_or("None".into(), frame));
    }
    if let Some((start, end)) = task.family.interval() {
        code += &format!("start, end = {}, {}\n", frame(start), frame(end));
    }
    for fragment in fragments {
        code = format!("{}\n\n{fragment}", code.trim_end());
    }
    Measurement { reasoning, code }
}

fn frame(frame: FrameRef) -> String {
    match frame {
        FrameRef::First => "frames[0].frame_index".into(),
        FrameRef::Last => "frames[-1].frame_index".into(),
        FrameRef::Index(index) => index.to_string(),
    }
}

fn assign(name: &str, value: Value) -> String {
    format!("{name} = {}\n", literal(&value))
}

type Parts = (&'static str, Vec<String>, Vec<&'static str>);

fn parts(task: &Task, depth: bool) -> Parts {
    let family = &task.family;
    match family {
        Family::Count { a } => count(a, depth && task.frame.is_none()),
        Family::Relation { a, b, axis, .. } => relation(a, b, *axis, depth),
        Family::Exists { .. } | Family::Viewpoint { .. } => place(family),
        Family::Nearest { .. }
        | Family::Order { .. }
        | Family::Closer { .. }
        | Family::Largest { .. }
        | Family::Larger { .. } => compare(family),
        _ => measure(family),
    }
}

fn measure(family: &Family) -> Parts {
    let one = |a: &String| vec![assign("a", json!(a))];
    let two = |a: &String, b: &String| vec![assign("a", json!(a)), assign("b", json!(b))];
    let fused = |fragment: &'static str| vec![fragment!("fuse"), fragment];
    match family {
        Family::Distance { a, b, centres: false } => (
            "Points of all frames are joined, then the closest pair is taken; the distance of the medians is a check.",
            two(a, b),
            fused(fragment!("distance")),
        ),
        Family::Distance { a, b, centres: true } => (
            "The median of what is seen is a centre that single wrong pixels cannot move.",
            two(a, b),
            fused(fragment!("distance_centres")),
        ),
        Family::CameraDistance { a } => (
            "Measured in one frame, from that frame's camera to the closest visible point.",
            one(a),
            fused(fragment!("camera_distance")),
        ),
        Family::MedianDepth { a } => (
            "The median along the camera's axis ignores the few mask pixels that lie on the background.",
            one(a),
            fused(fragment!("median_depth")),
        ),
        Family::Extent { a, side } => (
            "The world is gravity-aligned: height is its Y extent, the other sides come from the smallest rectangle on the floor.",
            vec![assign("a", json!(a)), assign("side", json!(side.name()))],
            vec![fragment!("fuse"), fragment!("extent"), fragment!("extent_of")],
        ),
        Family::Elevation { a } => (
            "The floor lies at height zero in the gravity-aligned world.",
            one(a),
            fused(fragment!("elevation")),
        ),
        Family::Moved { a, .. } => (
            "Both frames lie in one world, so the camera's own motion drops out; edges are steadier than medians when the \
             visible part changes.",
            one(a),
            fused(fragment!("moved")),
        ),
        Family::Angle { a, at, b } => (
            "The angle between the directions from one median to the two others.",
            vec![assign("a", json!(a)), assign("at", json!(at)), assign("b", json!(b))],
            fused(fragment!("angle")),
        ),
        Family::CameraTurned { .. } => (
            "The rotation that takes the first pose to the last one.",
            vec![],
            vec![fragment!("camera_turned")],
        ),
        Family::CameraDirection { motion, .. } => {
            let [positive, negative] = match motion {
                Motion::ForwardBackward | Motion::UpDown => motion.words(),
                Motion::Sideways | Motion::Turn => ["right", "left"],
            };
            let kind = match motion {
                Motion::ForwardBackward => "forward",
                Motion::Sideways => "sideways",
                Motion::UpDown => "vertical",
                Motion::Turn => "turn",
            };
            (
                "Directions are those of the first camera's own frame.",
                vec![
                    assign("motion", json!(kind)),
                    assign("positive", json!(positive)),
                    assign("negative", json!(negative)),
                ],
                vec![fragment!("camera_direction")],
            )
        }
        Family::CameraHeight => ("The floor lies at height zero.", vec![], vec![fragment!("camera_height")]),
        _ => ("The straight line between the two camera positions.", vec![], vec![fragment!("camera_moved")]),
    }
}

fn place(family: &Family) -> Parts {
    match family {
        Family::Exists { a } => (
            "Something is there if some frame shows it.",
            vec![assign("a", json!(a))],
            vec![fragment!("exists")],
        ),
        Family::Viewpoint { at, facing, target, words, .. } => (
            "Left and right are those of whoever stands there, not the camera's: the direction faced is taken as ahead.",
            vec![
                assign("standing", json!(at)),
                assign("facing", json!(facing)),
                assign("target", json!(target)),
                assign("allowed", json!(words)),
            ],
            vec![fragment!("fuse"), fragment!("viewpoint")],
        ),
        _ => ("", vec![], vec![]),
    }
}

fn count(a: &str, depth: bool) -> Parts {
    let header = vec![assign("a", json!(a))];
    match depth {
        true => (
            "What several frames show at one place is one thing, so views are joined in space before counting.",
            header,
            vec![fragment!("fuse"), fragment!("count_merged")],
        ),
        false => ("Counted in the frame that shows most of them.", header, vec![fragment!("count")]),
    }
}

fn relation(a: &str, b: &str, axis: Axis, depth: bool) -> Parts {
    let header = vec![assign("a", json!(a)), assign("b", json!(b))];
    match axis {
        Axis::LeftRight => (
            "As the camera sees it: compare the columns of both masks in a frame that shows both.",
            header,
            vec![fragment!("outline"), fragment!("left_right")],
        ),
        Axis::AboveBelow if depth => (
            "Heights above the floor do not depend on where the camera stood.",
            header,
            vec![fragment!("fuse"), fragment!("above_below")],
        ),
        Axis::AboveBelow => (
            "There is no depth, so rows of the picture have to do: higher up counts as above.",
            header,
            vec![fragment!("outline"), fragment!("above_below_flat")],
        ),
        Axis::FrontBehind => (
            "In front is what the camera sees at the smaller depth.",
            header,
            vec![fragment!("fuse"), fragment!("front_behind")],
        ),
    }
}

fn compare(family: &Family) -> Parts {
    let nearest = |to: &Option<String>| match to {
        None => fragment!("nearest"),
        Some(_) => fragment!("nearest_object"),
    };
    let candidates = |among: &[String], to: &Option<String>, farthest: bool| {
        let mut header = vec![assign("candidates", json!(among)), assign("farthest", json!(farthest))];
        header.extend(to.as_ref().map(|to| assign("to", json!(to))));
        header
    };
    match family {
        Family::Nearest { among, to, farthest } => (
            "Distances run to the closest visible points, all from the same place.",
            candidates(among, to, *farthest),
            vec![fragment!("fuse"), nearest(to)],
        ),
        Family::Order { among, farthest_first } => (
            "All distances run from the same camera to the closest visible points.",
            candidates(among, &None, *farthest_first),
            vec![fragment!("fuse"), fragment!("nearest")],
        ),
        Family::Closer { a, b, to, farther } => {
            let mut header = candidates(&[a.clone(), b.clone()], to, *farther);
            header.push(assign("a", json!(a)));
            (
                "Both distances run from the same place to the closest visible points.",
                header,
                vec![fragment!("fuse"), nearest(to), fragment!("closer")],
            )
        }
        Family::Largest { among, side, smallest } => (
            "Sizes are those of gravity-aligned boxes around what is seen.",
            sizes(among, side.name(), *smallest),
            vec![fragment!("fuse"), fragment!("extent"), fragment!("largest")],
        ),
        Family::Larger { a, b, side, smaller } => {
            let mut header = sizes(&[a.clone(), b.clone()], side.name(), *smaller);
            header.push(assign("a", json!(a)));
            (
                "Sizes are those of gravity-aligned boxes around what is seen.",
                header,
                vec![fragment!("fuse"), fragment!("extent"), fragment!("largest"), fragment!("larger")],
            )
        }
        _ => ("", vec![], vec![]),
    }
}

fn sizes(among: &[String], side: &str, smallest: bool) -> Vec<String> {
    vec![assign("candidates", json!(among)), assign("side", json!(side)), assign("smallest", json!(smallest))]
}

/// Brings the measurement into the form asked for and returns it.
fn last_lines(task: &Task) -> String {
    let is_count = task.family.kind() == Kind::Count;
    match &task.ending {
        Ending::Number(_) | Ending::Whole(_) if is_count => "ReturnAnswer(int(value))".into(),
        Ending::Measure(_) if is_count => "ReturnAnswer(int(value))".into(),
        Ending::Number(unit) => format!("ReturnAnswer(round({}, {}))", in_unit(*unit), unit.digits()),
        Ending::Whole(unit) => format!("ReturnAnswer(int(round({})))", in_unit(*unit)),
        Ending::Measure(unit) => {
            format!("ReturnAnswer(f\"{{{}:.{}f}} {}\")", in_unit(*unit), unit.digits().min(2), unit.symbol())
        }
        Ending::Words if task.family.kind() == Kind::Names => "ReturnAnswer(\", \".join(order))".into(),
        Ending::Words => "ReturnAnswer(word)".into(),
        Ending::YesNo => format!("{}ReturnAnswer(word)", yes_or_no(task)),
        Ending::Letter(letters) => by_letter(task, letters),
    }
}

fn in_unit(unit: Unit) -> String {
    match unit.scale() {
        1.0 => "value".into(),
        scale => format!("value / {scale}"),
    }
}

fn yes_or_no(task: &Task) -> String {
    task.family
        .asked()
        .map_or_else(String::new, |asked| format!("word = \"yes\" if word == {asked:?} else \"no\"\n"))
}

fn by_letter(task: &Task, letters: &Letters) -> String {
    match letters {
        Letters::Numbers(values) => format!(
            "options = {}\nReturnAnswer(min(options, key=lambda letter: abs(options[letter] - value)))",
            literal(&json!(values))
        ),
        Letters::Orders(orders) => format!(
            "options = {}\nReturnAnswer(next(letter for letter, names in options.items() if names == order))",
            literal(&json!(orders))
        ),
        Letters::Words(words) => {
            let yes_no = if words.contains_key("yes") { yes_or_no(task) } else { String::new() };
            format!("{yes_no}letters = {}\nReturnAnswer(letters[word])", literal(&json!(words)))
        }
    }
}
