//! Where something lies.

use super::{Context, Family, Held, Rule};
use crate::backbone::template::{directions, family::Axis, words};

pub(super) const VIEWPOINT: &[Rule] = &[Rule {
    patterns: &[
        "* standing|stand|sitting|sit|positioned|located [at|by|next_to|beside|near|on] {at} [,] [and|while] [i] [am] \
         facing|face|looking_at|looking_towards|looking_toward|looking|look_at|look_towards [at|towards|toward] {b} [,|.] \
         [then] is|are|will|would {c} [be] [located] <side:to|on|at|in|behind|left|right|ahead|my|your|directly> {tail:way}",
        "* standing|stand|sitting|sit|positioned|located [at|by|next_to|beside|near|on] {at} [,] [and|while] [i] [am] \
         facing|face|looking_at|looking_towards|looking_toward|looking|look_at|look_towards [at|towards|toward] {b} [,|.] \
         [then] is|are {c} <side:behind|left|right|ahead>",
        "* standing|stand|sitting|sit|positioned|located [at|by|next_to|beside|near|on] {at} [,] [and|while] [i] [am] \
         facing|face|looking_at|looking_towards|looking_toward|looking|look_at|look_towards [at|towards|toward] {b} [,|.] \
         [then] where is|are|will {c} [be] [located] [relative_to_me|relative_to_you|from_me]",
        "* standing|stand|sitting|sit|positioned|located [at|by|next_to|beside|near|on] {at} [,] [and|while] [i] [am] \
         facing|face|looking_at|looking_towards|looking_toward|looking|look_at|look_towards [at|towards|toward] {b} [,|.] \
         [then] [in|on|to] which|what side|direction|way [of_me|of_you] is|are|will {c} [be] [relative_to_me|located|on|in]",
        "facing {b} from {at} [,|.] is|are {c} [located] <side:to|on|at|in|behind|left|right|ahead> {tail:way}",
        "from {at} [,] [and] facing|looking_at|looking_towards|looking_toward {b} [,|.] is|are {c} [located] \
         <side:to|on|at|in|behind|left|right|ahead> {tail:way}",
    ],
    build: viewpoint,
}];

pub(super) const RULES: &[Rule] = &[
    Rule {
        patterns: &[
            "is|are {a} [located|placed|positioned] [to|on|at] [the] left|right [side] or [to|on|at] [the] left|right [side] of {b}",
            "on|to which|what side of {b} is|are {a} [located]",
            "which side of {b} is|are {a} on",
            "is|are {a} [located] [to|on] [the] left or right [side] of {b}",
            "is|are {a} left of or right of {b}",
        ],
        build: |held, _| relation(held, Axis::LeftRight, None),
    },
    Rule {
        patterns: &[
            "is|are {a} [located|placed|positioned] [to|on|at] [the] left|left-hand [side] of|from {b}",
        ],
        build: |held, _| relation(held, Axis::LeftRight, Some("left")),
    },
    Rule {
        patterns: &[
            "is|are {a} [located|placed|positioned] [to|on|at] [the] right|right-hand [side] of|from {b}",
        ],
        build: |held, _| relation(held, Axis::LeftRight, Some("right")),
    },
    Rule {
        patterns: &[
            "is|are {a} [located|placed|positioned] above|over|higher_than|below|under|underneath|beneath|lower_than or \
             above|over|higher_than|below|under|underneath|beneath|lower_than {b}",
            "is|are {a} higher or lower than {b}",
        ],
        build: |held, _| relation(held, Axis::AboveBelow, None),
    },
    Rule {
        patterns: &["is|are {a} [located|placed|positioned] above|over|higher_than|higher_up_than {b}"],
        build: |held, _| relation(held, Axis::AboveBelow, Some("above")),
    },
    Rule {
        patterns: &["is|are {a} [located|placed|positioned] below|under|underneath|beneath|lower_than {b}"],
        build: |held, _| relation(held, Axis::AboveBelow, Some("below")),
    },
    Rule {
        patterns: &[
            "is|are {a} [located|placed|positioned] in_front_of or behind {b}",
            "is|are {a} [located|placed|positioned] in_front or behind {b}",
            "is|are {a} [located|placed|positioned] behind or in_front_of {b}",
        ],
        build: |held, _| relation(held, Axis::FrontBehind, None),
    },
    Rule {
        patterns: &["is|are {a} [located|placed|positioned] in_front_of {b}"],
        build: |held, _| relation(held, Axis::FrontBehind, Some("in front")),
    },
    Rule {
        patterns: &["is|are {a} [located|placed|positioned] behind {b}"],
        build: |held, _| relation(held, Axis::FrontBehind, Some("behind")),
    },
    Rule {
        patterns: &[
            "where is|are {a} [located] relative_to|in_relation_to|with_respect_to|compared_to {b}",
            "[what] [is] [the] position|location|relation|relationship of {a} relative_to|in_relation_to|with_respect_to {b}",
        ],
        build: by_options,
    },
];

fn relation(held: &Held, axis: Axis, asked: Option<&'static str>) -> Option<Family> {
    let (a, b) = (held.name("a")?, held.name("b")?);
    let distinct = !a.eq_ignore_ascii_case(&b) && !words::is_camera(&a) && !words::is_camera(&b);
    distinct.then_some(Family::Relation { a, b, axis, asked })
}

/// The options say which axis is meant; without them the question has no single answer.
fn by_options(held: &Held, context: &Context) -> Option<Family> {
    let places: Vec<&str> = context.options.iter().flat_map(|option| directions::places(option)).collect();
    let fits = |axis: &Axis| !places.is_empty() && places.iter().all(|place| axis.words().contains(place));
    relation(held, Axis::ALL.into_iter().find(fits)?, None)
}

/// The words offered by the question, or else by the options, or else all four.
fn viewpoint(held: &Held, context: &Context) -> Option<Family> {
    const ALL: [&str; 4] = ["left", "right", "in front", "behind"];
    let (at, facing, target) = (held.name("at")?, held.name("b")?, held.name("c")?);
    if [&at, &facing, &target].into_iter().any(|name| words::is_camera(name))
        || at.eq_ignore_ascii_case(&facing)
    {
        return None;
    }
    let said = directions::places(&format!("{} {}", held.tail("side"), held.tail("way")));
    let quadrants: Option<Vec<&'static str>> =
        context.options.iter().map(|o| directions::quadrant(o)).collect();
    let offered: Vec<&'static str> =
        context.options.iter().flat_map(|option| directions::places(option)).collect();
    let (words, asked) = match (said.as_slice(), quadrants.filter(|q| !q.is_empty())) {
        (_, Some(quadrants)) => (quadrants, None),
        ([one], None) if ALL.contains(one) && offered.is_empty() => (vec![], Some(*one)),
        ([_, ..], None) if said.len() > 1 => (said, None),
        (_, None) if !offered.is_empty() => (offered, None),
        (_, None) => (ALL.to_vec(), None),
    };
    let words = match asked {
        Some("left" | "right") => vec!["left", "right"],
        Some(_) => vec!["in front", "behind"],
        None => words,
    };
    let known = |word: &&'static str| ALL.contains(word) || word.contains(' ');
    words.iter().all(known).then_some(Family::Viewpoint { at, facing, target, words, asked })
}
