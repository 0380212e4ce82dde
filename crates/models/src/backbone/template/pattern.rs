//! A small language for ways of asking something.
//!
//! A pattern is words separated by spaces:
//!
//! | written | matches |
//! |---|---|
//! | `far` | this word |
//! | `metre\|meter`, `in_front_of` | one of several; `_` joins words of one alternative |
//! | `[the]`, `[away\|apart]` | one of these or nothing |
//! | `NEAR`, `FAR`, `LARGE`, `SMALL`, `LENGTHS` | one of a group of words |
//! | `<how:NEAR\|FAR>` | one of these, kept in the slot `how` |
//! | `{a}` | a name: one to ten words |
//! | `{list:x}` | several names with commas, `and` or `or` between them |
//! | `{n:x}` | a whole number |
//! | `{tail:x}` | everything up to the end |
//! | `*` | up to eight words of any kind |
//!
//! Matching compares lower-case words and keeps the original spelling of what slots hold. Of several ways to match, the
//! one wins in which most names start with an article. Matching is bounded by a fuel, whatever the text.

use std::collections::BTreeMap;

use super::words;

/// A word or a punctuation mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) lower: String,
}

impl Token {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), lower: text.to_lowercase().replace('’', "'") }
    }

    fn is_mark(&self) -> bool {
        self.lower.len() == 1 && self.lower.chars().all(|c| !c.is_alphanumeric())
    }
}

/// What the slots of a pattern hold.
pub(super) type Captures = BTreeMap<&'static str, Vec<Token>>;

/// A match and the tokens it covers.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) captures: Captures,
    pub(super) end: usize,
}

/// Steps one pattern may take on one text.
const FUEL: u32 = 20_000;
const NAME_WORDS: usize = 10;
const LIST_WORDS: usize = 60;
const SKIP_WORDS: usize = 8;

/// Whether the pattern covers all tokens.
pub(super) fn whole(pattern: &'static str, tokens: &[Token]) -> Option<Captures> {
    Matcher::new(pattern, tokens, true).run(0).map(|found| found.captures)
}

/// The first place that the pattern covers.
pub(super) fn anywhere(pattern: &'static str, tokens: &[Token]) -> Option<(usize, Found)> {
    (0..tokens.len()).find_map(|start| {
        let found = Matcher::new(pattern, tokens, false).run(start)?;
        (found.end > start).then_some((start, found))
    })
}

/// Groups of words, by the name that patterns use.
const GROUPS: [(&str, &[&str]); 5] = [
    ("NEAR", &["closest", "nearest", "closer", "nearer"]),
    ("FAR", &["farthest", "furthest", "farther", "further", "most_distant"]),
    (
        "LARGE",
        &[
            "tallest", "taller", "widest", "wider", "broadest", "broader", "longest", "longer", "biggest",
            "bigger", "largest", "larger", "highest", "higher",
        ],
    ),
    ("SMALL", &["smallest", "smaller", "shortest", "shorter", "narrowest", "narrower"]),
    (
        "LENGTHS",
        &[
            "metres",
            "meters",
            "centimetres",
            "centimeters",
            "millimetres",
            "millimeters",
            "feet",
            "inches",
            "cm",
            "m",
        ],
    ),
];

struct Matcher<'t> {
    parts: Vec<&'static str>,
    tokens: &'t [Token],
    anchored: bool,
    fuel: u32,
    best: Option<(usize, Found)>,
}

impl<'t> Matcher<'t> {
    fn new(pattern: &'static str, tokens: &'t [Token], anchored: bool) -> Self {
        Self { parts: pattern.split_ascii_whitespace().collect(), tokens, anchored, fuel: FUEL, best: None }
    }

    fn run(mut self, start: usize) -> Option<Found> {
        self.step(0, start, &mut Captures::new());
        self.best.map(|(_, found)| found)
    }

    fn step(&mut self, part: usize, at: usize, captures: &mut Captures) {
        if self.fuel == 0 {
            return;
        }
        self.fuel -= 1;
        let Some(&text) = self.parts.get(part) else { return self.finish(at, captures) };
        if text == "*" {
            for end in at..=(at + SKIP_WORDS).min(self.tokens.len()) {
                self.step(part + 1, end, captures);
            }
        } else if let Some(slot) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            self.slot(slot, part, at, captures);
        } else if let Some(words) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            self.word(words, part, at, captures);
            self.step(part + 1, at, captures);
        } else if let Some((slot, words)) = choice(text) {
            self.choice(slot, words, part, at, captures);
        } else {
            self.word(text, part, at, captures);
        }
    }

    fn finish(&mut self, end: usize, captures: &Captures) {
        if self.anchored && end != self.tokens.len() {
            return;
        }
        let names = captures.values().filter(|tokens| tokens.first().is_some_and(words::is_article));
        let score = names.count();
        if self.best.as_ref().is_none_or(|(best, _)| score > *best) {
            self.best = Some((score, Found { captures: captures.clone(), end }));
        }
    }

    fn word(&mut self, alternatives: &'static str, part: usize, at: usize, captures: &mut Captures) {
        for length in self.lengths(alternatives, at) {
            self.step(part + 1, at + length, captures);
        }
    }

    fn choice(
        &mut self,
        slot: &'static str,
        alternatives: &'static str,
        part: usize,
        at: usize,
        captures: &mut Captures,
    ) {
        for length in self.lengths(alternatives, at) {
            captures.insert(slot, self.tokens[at..at + length].to_vec());
            self.step(part + 1, at + length, captures);
            captures.remove(slot);
        }
    }

    /// How many tokens each alternative covers that stands here.
    fn lengths(&self, alternatives: &'static str, at: usize) -> Vec<usize> {
        let group = |word: &'static str| {
            GROUPS.iter().find(|(name, _)| *name == word).map(|(_, words)| words.to_vec())
        };
        let words = alternatives.split('|').flat_map(|word| group(word).unwrap_or_else(|| vec![word]));
        words.filter_map(|word| self.covers(word, at)).collect()
    }

    fn covers(&self, alternative: &str, at: usize) -> Option<usize> {
        let length = alternative.split('_').count();
        let tokens = self.tokens.get(at..at + length)?;
        alternative.split('_').zip(tokens).all(|(word, token)| word == token.lower).then_some(length)
    }

    fn slot(&mut self, slot: &'static str, part: usize, at: usize, captures: &mut Captures) {
        let (kind, name) = slot.split_once(':').unwrap_or(("name", slot));
        let rest = self.tokens.len() - at;
        let (shortest, longest) = match kind {
            "n" => (1, rest.min(1)),
            "list" => (3, rest.min(LIST_WORDS)),
            "tail" => (rest.max(1), rest),
            _ => (1, rest.min(NAME_WORDS)),
        };
        for length in shortest..=longest {
            let held = &self.tokens[at..at + length];
            if fits(kind, held) {
                let earlier = captures.insert(name, held.to_vec());
                self.step(part + 1, at + length, captures);
                match earlier {
                    Some(earlier) => captures.insert(name, earlier),
                    None => captures.remove(name),
                };
            }
        }
    }
}

/// `<how:NEAR|FAR>` as slot and alternatives.
fn choice(text: &'static str) -> Option<(&'static str, &'static str)> {
    text.strip_prefix('<')?.strip_suffix('>')?.split_once(':')
}

fn fits(kind: &str, tokens: &[Token]) -> bool {
    match kind {
        "n" => tokens.iter().all(|token| token.lower.parse::<u32>().is_ok()),
        "list" => words::list(tokens).is_some(),
        "tail" => true,
        _ => !tokens.iter().any(Token::is_mark) && words::name(tokens).is_some(),
    }
}

/// Words and marks of a text. Quotation marks go; a point stays inside a number.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for chunk in text.split_whitespace() {
        let mut word = String::new();
        let chars: Vec<char> = chunk.chars().collect();
        for (i, &c) in chars.iter().enumerate() {
            let inside_number = c == '.'
                && i > 0
                && chars[i - 1].is_ascii_digit()
                && chars.get(i + 1).is_some_and(char::is_ascii_digit);
            match c {
                '"' | '“' | '”' | '`' | '*' => {}
                ',' | ';' | ':' | '.' | '?' | '!' | '(' | ')' if !inside_number => {
                    push(&mut tokens, &mut word);
                    tokens.push(Token::new(&c.to_string()));
                }
                _ => word.push(c),
            }
        }
        push(&mut tokens, &mut word);
    }
    tokens
}

fn push(tokens: &mut Vec<Token>, word: &mut String) {
    let trimmed = word.trim_matches('\'');
    if !trimmed.is_empty() {
        match trimmed.to_lowercase().replace('’', "'").strip_suffix("'s") {
            // "what's" is two words; a possessive stays one.
            Some(question @ ("what" | "where" | "how" | "which")) => {
                tokens.extend([Token::new(question), Token::new("is")]);
            }
            _ => tokens.push(Token::new(trimmed)),
        }
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(captures: &Captures, slot: &str) -> String {
        captures[slot].iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_prefer_to_start_with_an_article() {
        let tokens = tokens("distance between the salt and pepper mill and the Red chair");
        let captures = whole("[the] distance between {a} and {b}", &tokens).unwrap();
        assert_eq!(held(&captures, "a"), "the salt and pepper mill");
        assert_eq!(held(&captures, "b"), "the Red chair");
    }

    #[test]
    fn alternatives_options_and_joined_words() {
        let pattern = "is {a} in_front_of|behind [the] sofa";
        assert!(whole(pattern, &tokens("Is the dog in front of the sofa")).is_some());
        assert!(whole(pattern, &tokens("is the dog behind sofa")).is_some());
        assert!(whole(pattern, &tokens("is the dog behind the sofa now")).is_none());
    }

    #[test]
    fn marks_are_tokens_and_numbers_stay_whole() {
        let texts: Vec<String> = tokens("What's 1.5 m, \"x\"?").into_iter().map(|t| t.lower).collect();
        assert_eq!(texts, ["what", "is", "1.5", "m", ",", "x", "?"]);
    }

    #[test]
    fn a_hostile_text_costs_a_bounded_effort() {
        let text = "a and ".repeat(20_000);
        assert!(whole("{a} and {b} and {c} and {d} x", &tokens(&text)).is_none());
    }
}
