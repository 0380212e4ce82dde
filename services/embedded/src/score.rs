//! How an answer compares with what the row's author holds to be right.

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use spatialclaw_ingest::{Reference, Tolerance};

use crate::tell::one_line;

/// How an answer compares with the reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// What the author holds to be right.
    pub expected: Value,
    /// Whether the answer is right within the row's tolerance.
    pub correct: bool,
    /// `|answer − expected| / |expected|`, for numbers with a reference other than 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_error: Option<f64>,
}

impl Score {
    /// Compares an answer, given as text and perhaps as a number. No answer is wrong.
    pub fn of(reference: &Reference, text: Option<&str>, number: Option<f64>) -> Self {
        let expected = reference.answer.clone();
        let (correct, relative_error) = match (&expected, text) {
            (_, None) => (false, None),
            (Value::Number(wanted), Some(text)) => {
                let wanted = wanted.as_f64().unwrap_or(f64::NAN);
                near(wanted, number.or_else(|| text.trim().parse().ok()), reference.tolerance)
            }
            (Value::Array(any), Some(text)) => (any.iter().any(|one| same(one, text)), None),
            (one, Some(text)) => (same(one, text), None),
        };
        Self { expected, correct, relative_error }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}: {}", in_words(&self.expected), if self.correct { "right" } else { "wrong" })?;
        self.relative_error.map_or(Ok(()), |error| write!(f, ", {:.2} % off", error * 100.0))
    }
}

fn in_words(expected: &Value) -> String {
    match expected {
        Value::String(text) => one_line(text, 1000),
        Value::Array(any) => any.iter().map(in_words).collect::<Vec<_>>().join(" or "),
        other => other.to_string(),
    }
}

fn near(wanted: f64, got: Option<f64>, tolerance: Tolerance) -> (bool, Option<f64>) {
    let Some(got) = got.filter(|got| got.is_finite()) else { return (false, None) };
    let off = (got - wanted).abs();
    let relative = tolerance.relative.map_or(0.0, |share| share * wanted.abs());
    let allowed = relative.max(tolerance.absolute.unwrap_or(0.0)).max(1e-9 * wanted.abs());
    (off <= allowed, (wanted != 0.0).then(|| off / wanted.abs()))
}

fn same(wanted: &Value, got: &str) -> bool {
    let plain = |text: &str| text.trim().trim_end_matches('.').to_lowercase();
    wanted.as_str().is_some_and(|wanted| plain(wanted) == plain(got))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference(answer: Value, relative: Option<f64>) -> Reference {
        Reference { answer, tolerance: Tolerance { relative, absolute: None } }
    }

    #[test]
    fn numbers_count_within_their_tolerance() {
        let two = reference(json!(2.0), Some(0.02));
        assert!(Score::of(&two, Some("2.03"), Some(2.03)).correct);
        let far = Score::of(&two, Some("2.1"), Some(2.1));
        assert!(!far.correct);
        assert!((far.relative_error.unwrap() - 0.05).abs() < 1e-9);
        assert_eq!(far.to_string(), "expected 2.0: wrong, 5.00 % off");
        assert!(!Score::of(&two, None, None).correct);
        assert!(!Score::of(&two, Some("about two"), None).correct);
    }

    #[test]
    fn texts_count_whatever_their_case() {
        assert!(Score::of(&reference(json!("left"), None), Some("Left."), None).correct);
        let either = Score::of(&reference(json!(["sofa", "couch"]), None), Some("couch"), None);
        assert_eq!(either.to_string(), "expected sofa or couch: right");
        assert!(!Score::of(&reference(json!("left"), None), Some("right"), None).correct);
    }
}
