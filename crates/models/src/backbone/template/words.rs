//! What names are made of.

use super::pattern::Token;

const ARTICLES: [&str; 17] = [
    "the",
    "a",
    "an",
    "my",
    "your",
    "our",
    "this",
    "that",
    "these",
    "those",
    "any",
    "some",
    "both",
    "all",
    "different",
    "distinct",
    "separate",
];

/// Words that no name of an object holds; they bound names in a sentence.
const NO_NAME: [&str; 30] = [
    "is", "are", "was", "were", "do", "does", "did", "has", "have", "than", "which", "what", "how", "or",
    "from", "to", "there", "where", "who", "when", "it", "be", "will", "would", "can", "could", "facing",
    "standing", "between", "while",
];

const CAMERA: [&str; 14] = [
    "camera",
    "camera position",
    "viewer",
    "observer",
    "photographer",
    "me",
    "us",
    "you",
    "i",
    "robot",
    "camera lens",
    "viewpoint",
    "camera's position",
    "camera centre",
];

/// Different words for one thing, as people and as detectors name it.
const SAME: [&[&str]; 15] = [
    &["sofa", "couch", "settee"],
    &["tv", "television", "monitor", "screen", "tv monitor"],
    &["mug", "cup"],
    &["plant", "potted plant", "houseplant"],
    &["bike", "bicycle"],
    &["motorbike", "motorcycle"],
    &["fridge", "refrigerator"],
    &["picture", "painting"],
    &["rug", "carpet"],
    &["bin", "trash can", "wastebasket", "waste bin"],
    &["phone", "cell phone", "mobile phone", "telephone"],
    &["ball", "sports ball"],
    &["bookshelf", "bookcase"],
    &["pillow", "cushion"],
    &["car", "automobile"],
];

/// Words for things that are much alike: tried only for things that must be somewhere.
const ALIKE: [&[&str]; 7] = [
    &["table", "dining table", "desk"],
    &["chair", "armchair", "seat", "stool"],
    &["cupboard", "cabinet", "wardrobe", "dresser"],
    &["person", "man", "woman", "pedestrian"],
    &["box", "carton", "crate"],
    &["lamp", "light"],
    &["laptop", "notebook", "computer"],
];

const IRREGULAR: [(&str, &str); 12] = [
    ("people", "person"),
    ("persons", "person"),
    ("men", "man"),
    ("women", "woman"),
    ("children", "child"),
    ("mice", "mouse"),
    ("knives", "knife"),
    ("shelves", "shelf"),
    ("bookshelves", "bookshelf"),
    ("leaves", "leaf"),
    ("feet", "foot"),
    ("loaves", "loaf"),
];

pub(super) fn is_article(token: &Token) -> bool {
    ARTICLES.contains(&token.lower.as_str())
}

/// The name that tokens spell, without articles, at most 60 characters; `None` if they are no name.
pub(super) fn name(tokens: &[Token]) -> Option<String> {
    let words: Vec<&Token> = tokens.iter().skip_while(|token| is_article(token)).collect();
    let fits = |token: &&Token| !NO_NAME.contains(&token.lower.as_str());
    if words.is_empty() || !words.iter().all(fits) {
        return None;
    }
    let name = words.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    (name.chars().count() <= 60 && name.chars().any(char::is_alphanumeric)).then_some(name)
}

/// The names of a list such as `the B, the C or the D`; at least two.
pub(super) fn list(tokens: &[Token]) -> Option<Vec<String>> {
    let names: Vec<String> = tokens
        .split(|token| matches!(token.lower.as_str(), "," | "or" | "and" | ";"))
        .filter(|item| !item.is_empty())
        .map(name)
        .collect::<Option<_>>()?;
    (names.len() >= 2).then_some(names)
}

/// Whether a name means whoever takes the picture.
pub(super) fn is_camera(name: &str) -> bool {
    CAMERA.contains(&name.to_lowercase().as_str())
}

/// A name in the singular: `red chairs` reads `red chair`, `cups of tea` reads `cup of tea`.
pub(super) fn singular(name: &str) -> String {
    let words: Vec<&str> = name.split(' ').collect();
    let head = head_position(&words);
    let one = |(i, word): (usize, &&str)| if i == head { singular_word(word) } else { (*word).to_owned() };
    words.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
}

fn singular_word(word: &str) -> String {
    let lower = word.to_lowercase();
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == lower) {
        return (*one).to_owned();
    }
    if let Some(stem) = lower.strip_suffix("ies").filter(|stem| stem.chars().count() > 1) {
        return format!("{stem}y");
    }
    for end in ["ses", "xes", "zes", "ches", "shes"] {
        if lower.ends_with(end)
            && !matches!(
                lower.as_str(),
                "vases"
                    | "cases"
                    | "bookcases"
                    | "suitcases"
                    | "houses"
                    | "hoses"
                    | "roses"
                    | "purses"
                    | "horses"
                    | "mazes"
            )
        {
            return cut(word, 2);
        }
    }
    let plain =
        lower.ends_with('s') && !lower.ends_with("ss") && !lower.ends_with("us") && lower.chars().count() > 3;
    if plain { cut(word, 1) } else { word.to_owned() }
}

fn cut(word: &str, chars: usize) -> String {
    word.chars().take(word.chars().count() - chars).collect()
}

/// Position of the noun: the last word, or the last before `of`, `with`, `on` and the like.
fn head_position(words: &[&str]) -> usize {
    let stop = words
        .iter()
        .skip(1)
        .position(|w| matches!(w.to_lowercase().as_str(), "of" | "with" | "on" | "in" | "under" | "near"));
    stop.map_or(words.len().saturating_sub(1), |at| at)
}

/// The noun of a name.
pub(super) fn head(name: &str) -> String {
    let words: Vec<&str> = name.split(' ').collect();
    words.get(head_position(&words)).map(|word| singular_word(&word.to_lowercase())).unwrap_or_default()
}

/// Other phrasings that keep every adjective: singular, then other words for the same thing.
pub(super) fn rephrased(name: &str) -> Vec<String> {
    let one = singular(name);
    let others = synonyms(&one, &SAME);
    distinct(std::iter::once(one).chain(others), name)
}

/// Looser phrasings: words for things alike, then adjectives dropped one by one, down to the noun and its synonyms.
pub(super) fn shortened(name: &str) -> Vec<String> {
    let one = singular(name);
    let words: Vec<&str> = one.split(' ').collect();
    let head = head_position(&words);
    let mut phrases = synonyms(&one, &ALIKE);
    phrases.extend((1..=head).map(|start| words[start..=head].join(" ")));
    if let Some(noun) = words.get(head).filter(|_| words.len() > 1) {
        phrases.extend(synonyms(noun, &SAME));
        phrases.extend(synonyms(noun, &ALIKE));
    }
    distinct(phrases, name)
}

/// The name with its last words replaced by others of their group.
fn synonyms(name: &str, groups: &[&[&str]]) -> Vec<String> {
    let lower = name.to_lowercase();
    let ends = |word: &&&str| lower == **word || lower.ends_with(&format!(" {word}"));
    let longest = |group: &&[&str]| group.iter().filter(ends).map(|word| word.len()).max();
    let group = groups.iter().filter_map(|group| longest(group).map(|length| (*group, length)));
    let Some((group, length)) = group.max_by_key(|(_, length)| *length) else { return vec![] };
    let stem = &lower[..lower.len() - length];
    group.iter().map(|other| format!("{stem}{other}")).collect()
}

fn distinct(phrases: impl IntoIterator<Item = String>, except: &str) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for phrase in phrases {
        let known = |other: &str| other.eq_ignore_ascii_case(&phrase);
        if !known(except) && !kept.iter().any(|k| known(k)) && !phrase.is_empty() {
            kept.push(phrase);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{super::pattern::tokens, *};

    #[test]
    fn plurals_become_singular_at_the_noun() {
        let cases = [
            ("red chairs", "red chair"),
            ("cups of tea", "cup of tea"),
            ("glasses", "glass"),
            ("boxes", "box"),
            ("vases", "vase"),
            ("batteries", "battery"),
            ("people", "person"),
            ("bus", "bus"),
            ("glass", "glass"),
            ("Blue benches", "Blue bench"),
            ("bookshelves", "bookshelf"),
            ("", ""),
        ];
        for (many, one) in cases {
            assert_eq!(singular(many), one);
        }
    }

    #[test]
    fn names_drop_articles_and_refuse_sentences() {
        assert_eq!(name(&tokens("the Red chair")).as_deref(), Some("Red chair"));
        assert_eq!(name(&tokens("the")), None);
        assert_eq!(name(&tokens("chairs are on the table")), None);
        assert_eq!(list(&tokens("the red box, the lamp, or the cat")).unwrap().len(), 3);
        assert_eq!(list(&tokens("the lamp")), None);
    }

    #[test]
    fn other_phrasings_keep_adjectives_first_and_drop_them_later() {
        assert_eq!(rephrased("blue sofas"), ["blue sofa", "blue couch", "blue settee"]);
        assert_eq!(shortened("small red mug"), ["red mug", "mug", "cup"]);
        assert_eq!(rephrased("teapot"), Vec::<String>::new());
        assert_eq!(head("chair with wheels"), "chair");
    }
}
