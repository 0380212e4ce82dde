//! What the last cell is made of: a header of assignments, and fragments of Python that read them and leave `value`,
//! `word` or `order`.

use serde_json::{Value, json};

use super::{
    cells::fragment,
    family::{Axis, Family, FrameRef, Motion},
    python::literal,
    task::Task,
};

/// How something is measured.
pub(super) struct Recipe {
    /// For the reader.
    pub(super) why: &'static str,
    header: Vec<(&'static str, Value)>,
    fragments: Vec<&'static str>,
}

/// With points in space.
fn fused<const N: usize>(
    why: &'static str,
    header: [(&'static str, Value); N],
    fragment: &'static str,
) -> Recipe {
    Recipe { why, header: header.into(), fragments: vec![fragment!("fuse"), fragment] }
}

/// With nothing but masks and poses.
fn plain<const N: usize>(
    why: &'static str,
    header: [(&'static str, Value); N],
    fragment: &'static str,
) -> Recipe {
    Recipe { why, header: header.into(), fragments: vec![fragment] }
}

impl Recipe {
    fn then(mut self, fragment: &'static str) -> Self {
        self.fragments.push(fragment);
        self
    }

    fn with(mut self, name: &'static str, value: &String) -> Self {
        self.header.push((name, json!(value)));
        self
    }

    /// The header, then the fragments.
    pub(super) fn code(&self, task: &Task) -> String {
        let mut code: String = self.header.iter().map(|(name, value)| assign(name, value)).collect();
        match task.family.interval() {
            Some((start, end)) => code += &format!("start, end = {}, {}\n", frame(start), frame(end)),
            None => code += &format!("only = {}\n", task.frame.map_or("None".into(), frame)),
        }
        for fragment in &self.fragments {
            code = format!("{}\n\n{fragment}", code.trim_end());
        }
        code.trim_end().to_owned()
    }
}

/// A line of Python.
pub(super) fn assign(name: &str, value: &Value) -> String {
    format!("{name} = {}\n", literal(value))
}

fn frame(frame: FrameRef) -> String {
    match frame {
        FrameRef::First => "frames[0].frame_index".into(),
        FrameRef::Last => "frames[-1].frame_index".into(),
        FrameRef::Index(index) => index.to_string(),
    }
}

/// How a task is measured, with depth or without.
pub(super) fn recipe(task: &Task, depth: bool) -> Recipe {
    match &task.family {
        Family::Distance { a, b, centres } => distance(a, b, *centres),
        Family::CameraDistance { a } => fused(
            "Measured in one frame, from that frame's camera to the closest visible point.",
            [("a", json!(a))],
            fragment!("camera_distance"),
        ),
        Family::MedianDepth { a } => fused(
            "The median along the camera's axis ignores the few mask pixels that lie on the background.",
            [("a", json!(a))],
            fragment!("median_depth"),
        ),
        Family::Count { a } => count(a, depth && task.frame.is_none()),
        Family::Exists { a } => {
            plain("Something is there if some frame shows it.", [("a", json!(a))], fragment!("exists"))
        }
        Family::Nearest { among, to, farthest } => nearest(among, to.as_ref(), *farthest),
        Family::Order { among, farthest_first } => nearest(among, None, *farthest_first),
        Family::Closer { a, b, to, farther } => {
            nearest(&[a.clone(), b.clone()], to.as_ref(), *farther).with("a", a).then(fragment!("closer"))
        }
        Family::Relation { a, b, axis, .. } => relation(a, b, *axis, depth),
        Family::Viewpoint { at, facing, target, words, .. } => fused(
            "Left and right are those of whoever stands there, not the camera's: the direction faced is taken as ahead.",
            [
                ("standing", json!(at)),
                ("facing", json!(facing)),
                ("target", json!(target)),
                ("allowed", json!(words)),
            ],
            fragment!("viewpoint"),
        ),
        Family::Extent { a, side } => fused(
            "The world is gravity-aligned: height is its Y extent, the other sides come from the smallest rectangle on \
             the floor.",
            [("a", json!(a)), ("side", json!(side.name()))],
            fragment!("extent"),
        )
        .then(fragment!("extent_of")),
        Family::Elevation { a } => fused(
            "The floor lies at height zero in the gravity-aligned world.",
            [("a", json!(a))],
            fragment!("elevation"),
        ),
        Family::Largest { among, side, smallest } => largest(among, side.name(), *smallest),
        Family::Larger { a, b, side, smaller } => {
            largest(&[a.clone(), b.clone()], side.name(), *smaller).with("a", a).then(fragment!("larger"))
        }
        Family::Moved { a, .. } => fused(
            "Both frames lie in one world, so the camera's own motion drops out; edges are steadier than medians when \
             the visible part changes.",
            [("a", json!(a))],
            fragment!("moved"),
        ),
        Family::CameraMoved { .. } => {
            plain("The straight line between the two camera positions.", [], fragment!("camera_moved"))
        }
        Family::CameraTurned { .. } => {
            plain("The rotation that takes the first pose to the last one.", [], fragment!("camera_turned"))
        }
        Family::CameraDirection { motion, .. } => camera_direction(*motion),
        Family::CameraHeight => plain("The floor lies at height zero.", [], fragment!("camera_height")),
        Family::Angle { a, at, b } => fused(
            "The angle between the directions from one median to the two others.",
            [("a", json!(a)), ("at", json!(at)), ("b", json!(b))],
            fragment!("angle"),
        ),
    }
}

fn distance(a: &str, b: &str, centres: bool) -> Recipe {
    let header = [("a", json!(a)), ("b", json!(b))];
    match centres {
        true => fused(
            "The median of what is seen is a centre that single wrong pixels cannot move.",
            header,
            fragment!("distance_centres"),
        ),
        false => fused(
            "Points of all frames are joined, then the closest pair is taken; the distance of the medians is a check.",
            header,
            fragment!("distance"),
        ),
    }
}

fn count(a: &str, depth: bool) -> Recipe {
    let header = [("a", json!(a))];
    match depth {
        true => fused(
            "What several frames show at one place is one thing, so views are joined in space before counting.",
            header,
            fragment!("count_merged"),
        ),
        false => plain("Counted in the frame that shows most of them.", header, fragment!("count")),
    }
}

fn relation(a: &str, b: &str, axis: Axis, depth: bool) -> Recipe {
    let header = [("a", json!(a)), ("b", json!(b))];
    match axis {
        Axis::LeftRight => plain(
            "As the camera sees it: compare the columns of both masks in a frame that shows both.",
            header,
            fragment!("outline"),
        )
        .then(fragment!("left_right")),
        Axis::AboveBelow if depth => fused(
            "Heights above the floor do not depend on where the camera stood.",
            header,
            fragment!("above_below"),
        ),
        Axis::AboveBelow => plain(
            "There is no depth, so rows of the picture have to do: higher up counts as above.",
            header,
            fragment!("outline"),
        )
        .then(fragment!("above_below_flat")),
        Axis::FrontBehind => {
            fused("In front is what the camera sees at the smaller depth.", header, fragment!("front_behind"))
        }
    }
}

fn nearest(among: &[String], to: Option<&String>, farthest: bool) -> Recipe {
    let header = [("candidates", json!(among)), ("farthest", json!(farthest))];
    match to {
        None => fused(
            "All distances run from the same camera to the closest visible points.",
            header,
            fragment!("nearest"),
        ),
        Some(to) => fused(
            "All distances run between closest visible points, from the same object.",
            header,
            fragment!("nearest_object"),
        )
        .with("to", to),
    }
}

fn largest(among: &[String], side: &str, smallest: bool) -> Recipe {
    fused(
        "Sizes are those of gravity-aligned boxes around what is seen.",
        [("candidates", json!(among)), ("side", json!(side)), ("smallest", json!(smallest))],
        fragment!("extent"),
    )
    .then(fragment!("largest"))
}

fn camera_direction(motion: Motion) -> Recipe {
    let (kind, [positive, negative]) = match motion {
        Motion::ForwardBackward => ("forward", motion.words()),
        Motion::UpDown => ("vertical", motion.words()),
        Motion::Sideways => ("sideways", ["right", "left"]),
        Motion::Turn => ("turn", ["right", "left"]),
    };
    plain(
        "Directions are those of the first camera's own frame.",
        [("motion", json!(kind)), ("positive", json!(positive)), ("negative", json!(negative))],
        fragment!("camera_direction"),
    )
}
