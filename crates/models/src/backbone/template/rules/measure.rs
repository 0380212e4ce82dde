//! Lengths, counts and angles.

use super::{Context, Family, Held, Rule};
use crate::backbone::template::{family::Side, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        patterns: &[
            "how far|much did|does|has {a} move|moved|travel|travelled|traveled|go|gone|shift|shifted [away]",
            "[by] how much did|does|has {a} move|moved|shift|shifted",
            "[what] [is|was] [the] displacement of {a}",
            "[what] [is|was] [the] distance [that] {a} moved|travelled|traveled|moves|travels|covered",
            "[what] [is|was] [the] distance moved|travelled|traveled|covered by {a}",
            "how many LENGTHS did|does {a} move|travel",
        ],
        build: |held, context| {
            let a = held.name("a")?;
            Some(match words::is_camera(&a) {
                true => Family::CameraMoved { over: context.over() },
                false => Family::Moved { a, over: context.over() },
            })
        },
    },
    Rule {
        patterns: &[
            "[what] [is] [the] angle between|of {list:x} at {v}",
            "[what] [is] [the] angle formed|made|spanned by {list:x} at {v}",
            "[what] [is] [the] angle at {v} between {a} and {b}",
            "[what] [is] [the] angle between {a} and {b} [as|when] [seen|viewed|measured] at|from {v}",
            "[what] [is] [the] angle between [the] directions|lines from {v} to {a} and [to] {b}",
        ],
        build: angle,
    },
    Rule {
        patterns: &[
            "[what] [is] [the] [closest|shortest|minimum|minimal|nearest|smallest|straight-line|direct|actual] \
             distance|gap|clearance|separation [there] [is] between {a} and {b}",
            "[what] [is] [the] [closest|shortest|minimum|straight-line|direct] distance from {a} to {b}",
            "[what] [is] [the] [straight-line] distance of {a} from|to {b}",
            "how far|distant [away] is|are {a} [away] from {b}",
            "how far [away|apart] is|are {a} and {b} [apart|from_each_other] [from] [each] [other]",
            "how far [away] is it from {a} to {b}",
            "how far|close|near is|are {a} to {b}",
            "how much space|room|distance is there between {a} and {b}",
            "how many LENGTHS is|are {a} [away] from {b}",
            "how many LENGTHS apart are {a} and {b}",
            "how many LENGTHS are|is|lie [there] between {a} and {b}",
            "how far apart are {a} and {b}",
        ],
        build: distance,
    },
    Rule {
        patterns: &[
            "how far [away] is|are {a} [away]",
            "how many LENGTHS away is|are {a}",
            "[what] [is] [the] distance to {a}",
        ],
        build: |held, _| camera_distance(held.name("a")?),
    },
    Rule {
        patterns: &[
            "[what] [is] [the] median|average|mean|typical|z depth [value] of {a} [from] [the] [camera]",
            "[what] [is] [the] depth of {a} from|relative_to [the] camera",
            "at what [median|average|mean] depth is {a}",
        ],
        build: |held, _| Some(Family::MedianDepth { a: held.name("a")? }),
    },
    Rule {
        patterns: &[
            "how many [different|distinct|separate] {a} are|is [there] [visible|present|shown|altogether|in_total|in_all|there]",
            "how many [different|distinct] {a} can|do|does|could you|we|i|one see|count|spot [altogether|in_total]",
            "how many [different] {a} appear|appears|exist",
            "how many [different] {a} does [the|this] image|scene|picture|photo|video|room contain|show|have",
            "count [the] [number_of|number] [all] [of] {a}",
            "[what] [is] [the] [total] number|count of {a}",
            "how many {a}",
        ],
        build: |held, _| Some(Family::Count { a: words::singular(&held.name("a")?) }),
    },
    Rule {
        patterns: &[
            "is|are there {a} [visible|present|here|anywhere]",
            "can|do you|we see|find|spot {a} [anywhere]",
            "does [the|this] image|scene|picture|photo|video|room contain|show|have|include {a}",
            "is|are {a} visible|present|shown|there",
        ],
        build: |held, _| Some(Family::Exists { a: words::singular(&held.name("a")?) }),
    },
    Rule {
        patterns: &[
            "how high|far above|off|over [the] floor|ground is|are {a}",
            "how high is|are {a} above|off|over [the] floor|ground",
            "[what] [is] [the] height of {a} above|off|over [the] floor|ground",
            "how far is|are {a} above|off|over [the] floor|ground",
        ],
        build: |held, _| {
            let a = held.name("a")?;
            Some(if words::is_camera(&a) { Family::CameraHeight } else { Family::Elevation { a } })
        },
    },
    Rule {
        patterns: &[
            "how tall|high is|are {a}",
            "[what] [is|are] [the] height of {a}",
            "how tall does {a} stand",
        ],
        build: |held, _| extent(held, Side::Height),
    },
    Rule {
        patterns: &["how wide|broad is|are {a}", "[what] [is|are] [the] width|breadth of {a}"],
        build: |held, _| extent(held, Side::Width),
    },
    Rule {
        patterns: &["how long is|are {a}", "[what] [is|are] [the] length of {a}"],
        build: |held, _| extent(held, Side::Length),
    },
    Rule {
        patterns: &[
            "how deep|thick is|are {a}",
            "[what] [is|are] [the] front-to-back|thickness [depth] of {a}",
        ],
        build: |held, _| extent(held, Side::Depth),
    },
];

/// Tried when nothing else fits.
pub(super) const LAST: &[Rule] = &[Rule {
    patterns: &["[what] [is] [the] depth of {a}"],
    build: |held, _| Some(Family::MedianDepth { a: held.name("a")? }),
}];

fn extent(held: &Held, side: Side) -> Option<Family> {
    let a = held.name("a")?;
    match (words::is_camera(&a), side) {
        (true, Side::Height) => Some(Family::CameraHeight),
        (true, _) => None,
        (false, side) => Some(Family::Extent { a, side }),
    }
}

fn distance(held: &Held, context: &Context) -> Option<Family> {
    let (a, b) = (held.name("a")?, held.name("b")?);
    match (words::is_camera(&a), words::is_camera(&b)) {
        (true, true) => None,
        (true, false) => camera_distance(b),
        (false, true) => camera_distance(a),
        (false, false) if a.eq_ignore_ascii_case(&b) => None,
        (false, false) => Some(Family::Distance { a, b, centres: context.centres }),
    }
}

fn camera_distance(a: String) -> Option<Family> {
    (!words::is_camera(&a)).then_some(Family::CameraDistance { a })
}

fn angle(held: &Held, _: &Context) -> Option<Family> {
    let at = held.name("v")?;
    let (a, b) = match held.list("x") {
        Some(list) => {
            let others: Vec<String> =
                list.into_iter().filter(|name| !name.eq_ignore_ascii_case(&at)).collect();
            let [a, b] = <[String; 2]>::try_from(others).ok()?;
            (a, b)
        }
        None => (held.name("a")?, held.name("b")?),
    };
    let distinct = !a.eq_ignore_ascii_case(&b) && ![&a, &b, &at].iter().any(|name| words::is_camera(name));
    distinct.then_some(Family::Angle { a, at, b })
}
