//! Words for directions.

const PLACES: [(&str, &str); 28] = [
    ("left", "left"),
    ("left-hand", "left"),
    ("lefthand", "left"),
    ("right", "right"),
    ("right-hand", "right"),
    ("righthand", "right"),
    ("front", "in front"),
    ("ahead", "in front"),
    ("forward", "in front"),
    ("forwards", "in front"),
    ("front-left", "in front"),
    ("front-right", "in front"),
    ("behind", "behind"),
    ("back", "behind"),
    ("rear", "behind"),
    ("backward", "behind"),
    ("backwards", "behind"),
    ("back-left", "behind"),
    ("back-right", "behind"),
    ("above", "above"),
    ("over", "above"),
    ("higher", "above"),
    ("below", "below"),
    ("under", "below"),
    ("beneath", "below"),
    ("underneath", "below"),
    ("lower", "below"),
    ("top", "above"),
];

const MOTIONS: [(&str, &str); 16] = [
    ("left", "left"),
    ("leftward", "left"),
    ("leftwards", "left"),
    ("right", "right"),
    ("rightward", "right"),
    ("rightwards", "right"),
    ("forward", "forward"),
    ("forwards", "forward"),
    ("ahead", "forward"),
    ("backward", "backward"),
    ("backwards", "backward"),
    ("back", "backward"),
    ("up", "up"),
    ("upwards", "up"),
    ("down", "down"),
    ("downwards", "down"),
];

/// The places a text names, each once, in order.
pub(super) fn places(text: &str) -> Vec<&'static str> {
    words(text, &PLACES)
}

/// The ways to move that a text names, each once, in order.
pub(super) fn motions(text: &str) -> Vec<&'static str> {
    words(text, &MOTIONS)
}

/// `front-left` and the like: one of front and behind with one of left and right.
pub(super) fn quadrant(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase().replace('-', " ");
    let places = places(&lower);
    match (places.contains(&"in front"), places.contains(&"left")) {
        _ if places.len() != 2 => None,
        (true, true) => Some("front left"),
        (true, false) if places.contains(&"right") => Some("front right"),
        (false, true) if places.contains(&"behind") => Some("back left"),
        (false, false) if places.contains(&"behind") && places.contains(&"right") => Some("back right"),
        _ => None,
    }
}

fn words(text: &str, table: &[(&str, &'static str)]) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric() && c != '-') {
        let meant = table.iter().find(|(spelling, _)| *spelling == word).map(|(_, meant)| *meant);
        if let Some(meant) = meant.filter(|meant| !found.contains(meant)) {
            found.push(meant);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_quadrants() {
        assert_eq!(places("to my left, right, in front or behind"), ["left", "right", "in front", "behind"]);
        assert_eq!(quadrant("front-left"), Some("front left"));
        assert_eq!(quadrant("back right"), Some("back right"));
        assert_eq!(quadrant("left"), None);
        assert_eq!(quadrant("left or right"), None);
        assert_eq!(motions("Forwards or back"), ["forward", "backward"]);
    }
}
