//! Which of several, in which order, and whether one exceeds another.

use super::{Context, Family, Held, Rule};
use crate::backbone::template::{family::Side, words};

pub(super) const RULES: &[Rule] = &[
    Rule {
        patterns: &[
            "[can] [you] list|order|sort|rank|arrange|name|put [the] {list:x} [,] \
             [in_order|in_the_order|by_distance|by_their_distance|by_their_distances|in_order_of_distance|in_order_of_their_distance] \
             [to|from] [the] [camera|me] [,] from {tail:way}",
            "[what] [is] [the] order of {list:x} [,] [by_distance|by_their_distance|in_distance] [to|from] [the] [camera|me] [,] \
             from {tail:way}",
            "[can] [you] list|order|sort|rank|arrange {list:x} [in] order of increasing|decreasing {tail:way}",
            "[can] [you] list|order|sort|rank|arrange {list:x} , {tail:way}",
        ],
        build: order,
    },
    Rule {
        patterns: &[
            "is|are {a} <how:NEAR|FAR> [away] [to|from] [the] [camera|me] than {b} [is|are] [to|from] [the] [camera|me]",
            "is|are {a} <how:NEAR> to {to} than [to] {b} [is|are]",
            "is|are {a} <how:FAR> [away] from {to} than {b} [is|are]",
        ],
        build: closer,
    },
    Rule {
        patterns: &[
            "which|what|who * <how:NEAR|FAR> [object] [away] to|from {to} :|,|- {list:x}",
            "which|what|who * <how:NEAR|FAR> [object] [away] to|from {to} {list:x}",
            "which|what|who * <how:NEAR|FAR> [away] [:|,|-] {list:x}",
            "which|what of {list:x} is|are|lies|stands|sits [located] [the] <how:NEAR|FAR> [away] to|from {to}",
            "which|what of {list:x} is|are|lies|stands|sits [located] [the] <how:NEAR|FAR> [away]",
            "is|are {list:x} [the] <how:NEAR|FAR> [away] to|from {to}",
            "is|are {list:x} [the] <how:NEAR|FAR> [away]",
            "of|among|between {list:x} , which|what|who * <how:NEAR|FAR> [object] [away] to|from {to}",
            "of|among|between {list:x} , which|what|who * <how:NEAR|FAR> [away]",
            "what|which [is] <how:NEAR|FAR> [away] to|from {to} :|, {list:x}",
            "is {to} <how:NEAR|FAR> [away] to|from {list:x}",
            "which|what|who * <how:NEAR|FAR> [object|thing|item] [away] to|from {to}",
            "which|what|who * <how:NEAR|FAR> [object|thing|item] [away]",
        ],
        build: nearest,
    },
    Rule {
        patterns: &["is|are {a} <how:LARGE|SMALL> than {b} [is]"],
        build: |held, _| {
            let (side, smaller) = size(&held.tail("how"))?;
            pair(held).map(|(a, b)| Family::Larger { a, b, side, smaller })
        },
    },
    Rule {
        patterns: &[
            "is|are {list:x} [the] <how:LARGE|SMALL>",
            "which|what * <how:LARGE|SMALL> [one] :|,|- {list:x}",
            "which|what * <how:LARGE|SMALL> [one] {list:x}",
            "which|what of {list:x} is|are [the] <how:LARGE|SMALL>",
            "of|among|between {list:x} , which|what * <how:LARGE|SMALL>",
            "which|what * <how:LARGE|SMALL> [one|object|thing|item]",
        ],
        build: |held, context| {
            let (side, smallest) = size(&held.tail("how"))?;
            Some(Family::Largest { among: candidates(held, context)?, side, smallest })
        },
    },
];

fn is_far(word: &str) -> bool {
    word.starts_with("far") || word.starts_with("fur") || word.starts_with("most")
}

/// Which side a comparative is about, and whether it asks for the smaller one.
fn size(word: &str) -> Option<(Side, bool)> {
    Some(match word {
        "taller" | "tallest" | "higher" | "highest" => (Side::Height, false),
        "shorter" | "shortest" => (Side::Height, true),
        "wider" | "widest" | "broader" | "broadest" => (Side::Width, false),
        "narrower" | "narrowest" => (Side::Width, true),
        "longer" | "longest" => (Side::Length, false),
        "bigger" | "biggest" | "larger" | "largest" => (Side::Volume, false),
        "smaller" | "smallest" => (Side::Volume, true),
        _ => return None,
    })
}

/// The named candidates, else the options.
fn candidates(held: &Held, context: &Context) -> Option<Vec<String>> {
    let names = match held.0.contains_key("x") {
        true => held.list("x")?,
        false => context.options.iter().map(|option| option_name(option)).collect::<Option<_>>()?,
    };
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if words::is_camera(&name) {
            return None;
        }
        if !distinct.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            distinct.push(name);
        }
    }
    (2..=12).contains(&distinct.len()).then_some(distinct)
}

fn option_name(text: &str) -> Option<String> {
    let tokens = crate::backbone::template::pattern::tokens(text.trim().trim_end_matches('.'));
    (tokens.len() <= 8).then(|| words::name(&tokens))?
}

fn nearest(held: &Held, context: &Context) -> Option<Family> {
    let among = candidates(held, context)?;
    let to = match held.0.contains_key("to") {
        true => Some(held.name("to")?).filter(|to| !words::is_camera(to)),
        false => None,
    };
    let among: Vec<String> = among
        .into_iter()
        .filter(|name| to.as_ref().is_none_or(|to| !to.eq_ignore_ascii_case(name)))
        .collect();
    (among.len() >= 2).then(|| Family::Nearest { among, to, farthest: is_far(&held.tail("how")) })
}

fn pair(held: &Held) -> Option<(String, String)> {
    let (a, b) = (held.name("a")?, held.name("b")?);
    let distinct = !a.eq_ignore_ascii_case(&b) && !words::is_camera(&a) && !words::is_camera(&b);
    distinct.then_some((a, b))
}

fn closer(held: &Held, _: &Context) -> Option<Family> {
    let (a, b) = pair(held)?;
    let to = match held.0.contains_key("to") {
        true => Some(held.name("to")?).filter(|to| !words::is_camera(to)),
        false => None,
    };
    let is_other = to.as_ref().is_none_or(|to| !to.eq_ignore_ascii_case(&a) && !to.eq_ignore_ascii_case(&b));
    is_other.then(|| Family::Closer { a, b, to, farther: is_far(&held.tail("how")) })
}

fn order(held: &Held, context: &Context) -> Option<Family> {
    let way = held.tail("way");
    let near = way
        .split(' ')
        .position(|word| matches!(word, "nearest" | "closest" | "near" | "close" | "increasing"));
    let far = way.split(' ').position(|word| is_far(word) || word == "decreasing");
    let farthest_first = match (near, far) {
        (Some(near), Some(far)) => far < near,
        (None, Some(_)) => true,
        (Some(_), None) => false,
        (None, None) if way.contains("distance") => false,
        (None, None) => return None,
    };
    Some(Family::Order { among: candidates(held, context)?, farthest_first })
}
