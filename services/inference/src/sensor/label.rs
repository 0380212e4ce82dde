//! Which labels a text means.
//!
//! Case, underscores, hyphens, leading articles and plural endings do not
//! count. A text means a label if all its words stand in the label as whole
//! words and its last word, the head, is the label's last word too: "chair"
//! means "red chair", "table" does not mean "table lamp". If it means no label
//! that way, the order of words no longer counts. "object" and "thing" mean
//! every label.

use std::collections::BTreeSet;

const ARTICLES: [&str; 3] = ["the", "a", "an"];
const ANYTHING: [&str; 5] = ["object", "thing", "item", "instance", "everything"];
const IRREGULAR: [(&str, &str); 8] = [
    ("people", "person"),
    ("men", "man"),
    ("women", "woman"),
    ("children", "child"),
    ("feet", "foot"),
    ("mice", "mouse"),
    ("geese", "goose"),
    ("tvs", "tv"),
];

/// The ids whose labels `prompt` means.
pub(super) fn matching<'a>(prompt: &str, labels: impl Iterator<Item = (u32, &'a str)>) -> BTreeSet<u32> {
    let wanted = words(prompt);
    if wanted.is_empty() {
        return BTreeSet::new();
    }
    let labels: Vec<(u32, Vec<String>)> = labels.map(|(id, label)| (id, words(label))).collect();
    if let [only] = &wanted[..]
        && ANYTHING.iter().any(|any| stem(any) == *only)
    {
        return labels.into_iter().map(|(id, _)| id).collect();
    }
    let holding: Vec<&(u32, Vec<String>)> =
        labels.iter().filter(|(_, label)| wanted.iter().all(|word| label.contains(word))).collect();
    let headed: BTreeSet<u32> =
        holding.iter().filter(|(_, label)| label.last() == wanted.last()).map(|(id, _)| *id).collect();
    if headed.is_empty() { holding.into_iter().map(|(id, _)| *id).collect() } else { headed }
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.skip_while(|word| ARTICLES.contains(word)).map(stem).collect()
}

/// The same text for the singular and the plural of a word; not itself a word.
fn stem(word: &str) -> String {
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return stem(singular);
    }
    let kept = word.len() <= 3 || ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    let base = if kept { word } else { word.strip_suffix('s').unwrap_or(word) };
    let base = if base.len() > 3 { base.strip_suffix('e').unwrap_or(base) } else { base };
    match base.strip_suffix('y').or_else(|| base.strip_suffix('i')) {
        Some(rest) if rest.len() > 1 => format!("{rest}i"),
        _ => base.strip_suffix('v').map_or_else(|| base.to_owned(), |rest| format!("{rest}f")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(prompt: &str, labels: &[&str]) -> Vec<u32> {
        matching(prompt, (0..).zip(labels.iter().copied())).into_iter().collect()
    }

    #[test]
    fn spelling_does_not_count() {
        let labels = ["Red_Chair", "dining-table"];
        for prompt in ["red chair", "RED CHAIRS", "the red_chair", "a red  chair", "chair", "chairs"] {
            assert_eq!(found(prompt, &labels), [0], "{prompt}");
        }
    }

    #[test]
    fn plurals_meet_their_singulars() {
        for (one, many) in [
            ("box", "boxes"),
            ("glass", "glasses"),
            ("vase", "vases"),
            ("bus", "buses"),
            ("knife", "knives"),
            ("shelf", "shelves"),
            ("berry", "berries"),
            ("toy", "toys"),
            ("person", "people"),
            ("child", "children"),
            ("mouse", "mice"),
            ("tv", "tvs"),
            ("lamp", "lamps"),
            ("couch", "couches"),
        ] {
            assert_eq!(found(one, &[many]), [0], "{one} / {many}");
            assert_eq!(found(many, &[one]), [0], "{many} / {one}");
        }
    }

    #[test]
    fn words_are_whole_and_the_head_decides() {
        assert_eq!(found("table", &["table lamp", "dining table", "tablet"]), [1]);
        assert_eq!(found("table", &["table lamp"]), [0], "when nothing else is called a table");
        assert_eq!(found("red", &["red chair", "redwood"]), [0]);
        assert_eq!(found("blue chair", &["red chair"]), [0; 0]);
        assert_eq!(found("", &["red chair"]), [0; 0]);
    }

    #[test]
    fn anything_means_everything() {
        assert_eq!(found("objects", &["red chair", "lamp"]), [0, 1]);
        assert_eq!(found("thing", &["red chair", "lamp"]), [0, 1]);
    }
}
