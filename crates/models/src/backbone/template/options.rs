//! What the options of a multiple-choice question mean to a family.

use serde_json::{Map, Value, json};

use super::{
    directions,
    family::{Axis, Family, Kind},
    pattern,
    units::{self, Unit},
    words,
};

/// One option of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) letter: String,
    pub(super) text: String,
}

/// Letters by what they mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Letters {
    /// Letter to metres, degrees or count.
    Numbers(Map<String, Value>),
    /// Word, name, `yes` or `no` to letter.
    Words(Map<String, Value>),
    /// Letter to names in order.
    Orders(Map<String, Value>),
}

/// What the options mean, or which option means nothing to the family.
pub(super) fn read(family: &Family, choices: &[Choice], unit: Unit) -> Result<Letters, String> {
    match family.kind() {
        Kind::Length | Kind::Angle | Kind::Count => {
            let number = |choice: &Choice| units::quantity(&choice.text, unit).map(|value| json!(value));
            by_letter(choices, number).map(Letters::Numbers)
        }
        Kind::Names => {
            let order = |choice: &Choice| order(family, &choice.text).map(|names| json!(names));
            by_letter(choices, order).map(Letters::Orders)
        }
        Kind::Name => by_meaning(choices, |choice| candidate(family, &choice.text)).map(Letters::Words),
        Kind::YesNo => by_meaning(choices, |choice| yes_no(&choice.text)).map(Letters::Words),
        Kind::Word => word_letters(family, choices).map(Letters::Words),
    }
}

/// `yes` and `no` if the question asks about one word and the options say so; else the words themselves.
fn word_letters(family: &Family, choices: &[Choice]) -> Result<Map<String, Value>, String> {
    if family.asked().is_some() && choices.iter().all(|choice| yes_no(&choice.text).is_some()) {
        return by_meaning(choices, |choice| yes_no(&choice.text));
    }
    by_meaning(choices, |choice| word(family, &choice.text))
}

fn by_letter(
    choices: &[Choice],
    meaning: impl Fn(&Choice) -> Option<Value>,
) -> Result<Map<String, Value>, String> {
    choices
        .iter()
        .map(|choice| Ok((choice.letter.clone(), meaning(choice).ok_or_else(|| unread(choice))?)))
        .collect()
}

/// Options that mean nothing ("cannot be determined") are left out as long as two others differ.
fn by_meaning(
    choices: &[Choice],
    meaning: impl Fn(&Choice) -> Option<String>,
) -> Result<Map<String, Value>, String> {
    let mut letters = Map::new();
    for choice in choices {
        if let Some(meaning) = meaning(choice) {
            letters.entry(meaning).or_insert_with(|| json!(choice.letter));
        }
    }
    match letters.len() {
        0 | 1 => Err(choices
            .iter()
            .find(|choice| meaning(choice).is_none())
            .map_or_else(|| "the options all mean the same".to_owned(), unread)),
        _ => Ok(letters),
    }
}

fn unread(choice: &Choice) -> String {
    format!("option {} means nothing to this kind of question", choice.letter)
}

fn yes_no(text: &str) -> Option<String> {
    let first = text.trim().split(|c: char| !c.is_alphanumeric()).next()?.to_lowercase();
    match first.as_str() {
        "yes" | "true" | "correct" => Some("yes".into()),
        "no" | "false" | "incorrect" => Some("no".into()),
        _ => None,
    }
}

fn word(family: &Family, text: &str) -> Option<String> {
    let known = family.words();
    let found = match family {
        Family::CameraDirection { .. } => directions::motions(text),
        Family::Viewpoint { .. } if known.iter().any(|word| word.starts_with("front ")) => {
            directions::quadrant(text).into_iter().collect()
        }
        Family::Relation { axis: Axis::FrontBehind, .. } => nearer_or_farther(text),
        _ => directions::places(text),
    };
    match found.as_slice() {
        [one] if known.contains(one) => Some((*one).to_owned()),
        _ => None,
    }
}

fn nearer_or_farther(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match (says(&["closer", "nearer"]), says(&["farther", "further"])) {
        (true, false) => vec!["in front"],
        (false, true) => vec!["behind"],
        _ => directions::places(text),
    }
}

/// The candidate an option names: the same words, else the one whose words it shares most, if that is one.
fn candidate(family: &Family, text: &str) -> Option<String> {
    let among = match family {
        Family::Nearest { among, .. } | Family::Largest { among, .. } | Family::Order { among, .. } => among,
        _ => return None,
    };
    let option = plain(text);
    if let Some(same) = among.iter().find(|name| plain(name) == option) {
        return Some(same.clone());
    }
    let shared = |name: &String| {
        let words = plain(name);
        option.iter().filter(|word| words.contains(word)).count()
    };
    let most = among.iter().map(shared).max().filter(|most| *most > 0)?;
    let mut best = among.iter().filter(|name| shared(name) == most);
    match (best.next(), best.next()) {
        (Some(one), None) => Some(one.clone()),
        _ => None,
    }
}

/// The order an option states: every candidate once.
fn order(family: &Family, text: &str) -> Option<Vec<String>> {
    let Family::Order { among, .. } = family else { return None };
    let text = text.replace(['<', '>', '→'], ",").replace("->", ",");
    let tokens = pattern::tokens(&text);
    let items = words::list(&tokens.into_iter().filter(|token| token.lower != "then").collect::<Vec<_>>())?;
    let names: Vec<String> = items.iter().map(|item| candidate(family, item)).collect::<Option<_>>()?;
    let every_once = names.len() == among.len() && among.iter().all(|name| names.contains(name));
    every_once.then_some(names)
}

fn plain(text: &str) -> Vec<String> {
    let tokens = pattern::tokens(text.trim().trim_end_matches('.'));
    tokens.iter().skip_while(|token| words::is_article(token)).map(|token| token.lower.clone()).collect()
}
