//! From a question's text to a [`Family`].
//!
//! 1. Words: punctuation apart, spelling variants joined ([`super::pattern::tokens`]).
//! 2. Modifiers are taken out and remembered: which frames, closest points or centres, units, "in the image".
//! 3. What is left must match one of the patterns of [`super::rules`] from its first word to its last: the whole text,
//!    else one of its sentences, questions first.

use super::{
    family::{Family, FrameRef, Interval},
    pattern::{self, Captures, Token},
    rules, words,
};

/// The longest text, in words, that is looked at; a question of a known family is far shorter.
const WORDS: usize = 150;

/// A question, understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) family: Family,
    /// The frame it is about.
    pub(super) frame: Option<FrameRef>,
}

/// What modifiers said, and what the options say.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) frame: Option<FrameRef>,
    pub(super) interval: Option<Interval>,
    pub(super) centres: bool,
    pub(super) options: Vec<String>,
}

impl Context {
    /// The frames a movement is about: all of them unless it says otherwise.
    pub(super) fn over(&self) -> Interval {
        self.interval.unwrap_or((FrameRef::First, FrameRef::Last))
    }
}

/// What slots hold, as rules read them.
pub(super) struct Held(pub(super) Captures);

impl Held {
    pub(super) fn name(&self, slot: &str) -> Option<String> {
        words::name(self.0.get(slot)?)
    }

    pub(super) fn list(&self, slot: &str) -> Option<Vec<String>> {
        words::list(self.0.get(slot)?)
    }

    pub(super) fn tail(&self, slot: &str) -> String {
        let tokens = self.0.get(slot).map(Vec::as_slice).unwrap_or_default();
        tokens.iter().map(|token| token.lower.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Understands a question, or does not.
pub(super) fn understand(text: &str, options: &[String]) -> Option<Asked> {
    let tokens = pattern::tokens(text);
    readings(&tokens).into_iter().filter(|reading| reading.len() <= WORDS).find_map(|reading| {
        let (rest, context) = without_modifiers(reading, options);
        let family = rules::first(&rest, &context)?;
        Some(Asked { family, frame: context.frame })
    })
}

/// The whole text, then its sentences: those that end in a question mark first.
fn readings(tokens: &[Token]) -> Vec<Vec<Token>> {
    let mut sentences: Vec<(bool, Vec<Token>)> = Vec::new();
    let mut current = Vec::new();
    for token in tokens {
        let ends = matches!(token.lower.as_str(), "." | "?" | "!");
        if ends && !current.is_empty() {
            sentences.push((token.lower == "?", std::mem::take(&mut current)));
        } else if !ends {
            current.push(token.clone());
        }
    }
    if !current.is_empty() {
        sentences.push((false, current));
    }
    sentences.sort_by_key(|(question, _)| !question);
    let single = sentences.into_iter().take(8).map(|(_, sentence)| sentence);
    let whole: Vec<Token> =
        tokens.iter().filter(|t| !matches!(t.lower.as_str(), "?" | "!")).cloned().collect();
    std::iter::once(whole).chain(single).collect()
}

/// Patterns that mean a pair of frames, and whether both are numbers.
const INTERVALS: [&str; 8] = [
    "between frame|frames|image|images {n:i} and [frame|image] {n:j}",
    "from frame|image {n:i} to [frame|image] {n:j}",
    "between [the] first|initial [frame|image|picture|view] and [the] last|final frame|image|picture|view",
    "between [the] first and last frames|images|pictures|views",
    "from [the] first|initial [frame|image|picture|view] to [the] last|final [frame|image|picture|view|one]",
    "from [the] beginning|start to [the] end [of] [the] [video|clip|sequence]",
    "between [the] beginning|start and [the] end [of] [the] [video|clip|sequence]",
    "over|during|throughout|across [the] [whole|entire|course_of_the] video|clip|sequence|frames",
];

const FRAMES: [(&str, Option<FrameRef>); 3] = [
    ("[as_seen] [shown] in|at|for|of|from frame|image [number] {n:i}", None),
    (
        "[as_seen] [shown] in|at|from [the] first|initial frame|image|picture|photo|view|photograph",
        Some(FrameRef::First),
    ),
    (
        "[as_seen] [shown] in|at|from [the] last|final frame|image|picture|photo|view|photograph",
        Some(FrameRef::Last),
    ),
];

const CENTRES: [&str; 4] = [
    "[measured] from|between|at|using [their|the|its] centres|centers|centroids|centre_points|center_points",
    "[measured] [from] centre|center to centre|center",
    "centre-to-centre|center-to-center|centroid-to-centroid",
    "between_the_centres_of|between_the_centers_of|from_the_centre_of",
];

/// Said for the reader; they change nothing.
const IDLE: [&str; 17] = [
    "[measured] from|at|between|using [their|the|its|each] closest|nearest [visible] points|point [of] [each] [to] [each] [other]",
    "[measured] [from] surface|edge to surface|edge",
    "in|within|inside [the|this|these] [image|given|input] image|images|picture|pictures|photo|photos|photograph|scene|room|view|video|frames|footage",
    "shown|visible|seen|pictured|depicted in|within [the|this] image|picture|photo|photograph|scene|room|view|video",
    "[as|when] [seen|viewed|looked_at] from [the] camera's|viewer's|observer's [point_of_view|perspective|viewpoint|view|position|side]",
    "[as|when] seen|viewed from|by [the] camera|viewer|observer",
    "as [the] camera|viewer sees it|them|things",
    "from [the] point_of_view|perspective|viewpoint of [the] camera|viewer|observer",
    "from [my|this|our] point_of_view|perspective|viewpoint",
    "[give] [the|your] answer|expressed|measured|rounded|reported in|as [whole] UNIT",
    "in|to [the] [nearest] UNIT",
    "to [the] nearest UNIT",
    "approximately|roughly",
    "please",
    "can_you_tell_me|could_you_tell_me|tell_me|i_want_to_know|do_you_know",
    "estimate|determine|calculate|compute|measure|find|state|work_out",
    "give_me|give",
];

/// `UNIT` in [`IDLE`].
const UNITS: &str = "m|metre|metres|meter|meters|cm|centimetre|centimetres|centimeter|centimeters|mm|millimetre|\
                     millimetres|millimeter|millimeters|inch|inches|ft|foot|feet|yard|yards|degree|degrees|radians";

fn without_modifiers(mut tokens: Vec<Token>, options: &[String]) -> (Vec<Token>, Context) {
    let mut context = Context { options: options.to_vec(), ..Context::default() };
    for pattern in INTERVALS {
        if let Some(held) = take(&mut tokens, pattern) {
            let named = number(&held, "i").zip(number(&held, "j"));
            let named = named.map(|(i, j)| (FrameRef::Index(i), FrameRef::Index(j)));
            context.interval = context.interval.or(Some(named.unwrap_or((FrameRef::First, FrameRef::Last))));
        }
    }
    for (pattern, fixed) in FRAMES {
        if let Some(held) = take(&mut tokens, pattern) {
            let frame = fixed.or_else(|| number(&held, "i").map(FrameRef::Index));
            context.frame = context.frame.or(frame);
        }
    }
    for pattern in CENTRES {
        context.centres |= take(&mut tokens, pattern).is_some();
    }
    for pattern in idle_patterns() {
        while take(&mut tokens, pattern).is_some() {}
    }
    (tidy(tokens), context)
}

fn idle_patterns() -> &'static [&'static str] {
    static PATTERNS: std::sync::LazyLock<Vec<&'static str>> = std::sync::LazyLock::new(|| {
        let with_units = |pattern: &&'static str| -> &'static str { pattern.replace("UNIT", UNITS).leak() };
        IDLE.iter().map(with_units).collect()
    });
    &PATTERNS
}

/// Cuts the first place that a pattern covers, with the comma before it.
fn take(tokens: &mut Vec<Token>, pattern: &'static str) -> Option<Captures> {
    let (start, found) = pattern::anywhere(pattern, tokens)?;
    let comma = start > 0 && tokens[start - 1].lower == "," && start > 1;
    tokens.drain(if comma { start - 1 } else { start }..found.end);
    Some(found.captures)
}

fn number(held: &Captures, slot: &str) -> Option<u32> {
    held.get(slot)?.first()?.lower.parse().ok()
}

/// Without brackets, and without marks at either end.
fn tidy(tokens: Vec<Token>) -> Vec<Token> {
    let is_mark = |token: &Token| matches!(token.lower.as_str(), "," | "." | ":" | ";");
    let mut rest: Vec<Token> =
        tokens.into_iter().filter(|token| !matches!(token.lower.as_str(), "(" | ")")).collect();
    while rest.last().is_some_and(is_mark) {
        rest.pop();
    }
    let start = rest.iter().position(|token| !is_mark(token)).unwrap_or(rest.len());
    rest.split_off(start)
}
