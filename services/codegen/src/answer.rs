//! Whether an answer is one.
//!
//! What `ReturnAnswer` was given is checked against what the question asks for before it counts, and brought into the
//! question's own form: a letter, `yes` or `no`, a number. A misfit goes back to the model with the reason.

use spatialclaw_domain::{Answer, AnswerType, Choice, Question};

/// Beyond this, a float no longer holds every whole number.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Why an answer does not fit, in words for the model that gave it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Nothing was given.
    #[error("the answer is empty")]
    Empty,
    /// No number could be read.
    #[error("`{0}` is not a finite number: return the number alone, e.g. ReturnAnswer(1.25)")]
    NoNumber(String),
    /// It carries a unit that was not asked for.
    #[error("`{text}` is in `{unit}`: the answer is wanted in `{wanted}`, as a number alone")]
    Unit {
        /// As given.
        text: String,
        /// The unit found.
        unit: String,
        /// The unit asked for.
        wanted: String,
    },
    /// A whole number was wanted.
    #[error("`{0}` is not a whole number")]
    NotWhole(String),
    /// Yes or no was wanted.
    #[error("`{0}` is neither `yes` nor `no`")]
    NotYesNo(String),
    /// None of the options.
    #[error("`{text}` is none of the options: return one of the letters {letters}")]
    NoOption {
        /// As given.
        text: String,
        /// The letters there are.
        letters: String,
    },
}

/// Brings an answer into the form its question wants.
///
/// # Errors
/// Why it cannot be.
pub fn check(question: &Question, answer: &Answer) -> Result<Answer, Misfit> {
    let text = answer.text.trim();
    if text.is_empty() {
        return Err(Misfit::Empty);
    }
    match question.answer_type {
        AnswerType::Text => Ok(Answer { text: text.to_owned(), number: finite(answer.number) }),
        AnswerType::Number => number(question, answer, text),
        AnswerType::Integer => whole(number(question, answer, text)?),
        AnswerType::YesNo => yes_no(text),
        AnswerType::Choice => choice(&question.choices, text),
    }
}

fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite())
}

fn number(question: &Question, answer: &Answer, text: &str) -> Result<Answer, Misfit> {
    let (value, unit) = match finite(answer.number) {
        Some(value) => (value, ""),
        None => quantity(text).ok_or_else(|| Misfit::NoNumber(text.to_owned()))?,
    };
    match &question.unit {
        Some(wanted) if !unit.is_empty() && !same_unit(unit, wanted) => {
            Err(Misfit::Unit { text: text.to_owned(), unit: unit.to_owned(), wanted: wanted.clone() })
        }
        _ => Ok(Answer { text: value.to_string(), number: Some(value) }),
    }
}

/// `2.4`, `2.4 m`, `+1e-3metres`: a number first, then at most a unit.
fn quantity(text: &str) -> Option<(f64, &str)> {
    let digits = |end: &usize| text[..*end].parse::<f64>().ok().filter(|value| value.is_finite());
    // The longest number at the start: `1e` of `1 ear` is none, `1` is.
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let (end, value) = ends
        .take_while(|end| text[..*end].chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c)))
        .filter_map(|end| digits(&end).map(|value| (end, value)))
        .last()?;
    let unit = text[end..].trim();
    let is_unit = unit.split_whitespace().count() <= 1
        && unit.chars().all(|c| c.is_alphabetic() || "°²³/^.%".contains(c));
    is_unit.then_some((value, unit.trim_end_matches('.')))
}

fn same_unit(a: &str, b: &str) -> bool {
    canonical_unit(a) == canonical_unit(b)
}

fn canonical_unit(unit: &str) -> String {
    let unit = unit.trim().to_lowercase();
    match unit.as_str() {
        "m" | "metre" | "metres" | "meter" | "meters" => "m",
        "cm" | "centimetre" | "centimetres" | "centimeter" | "centimeters" => "cm",
        "mm" | "millimetre" | "millimetres" | "millimeter" | "millimeters" => "mm",
        "°" | "deg" | "degree" | "degrees" => "deg",
        "s" | "sec" | "second" | "seconds" => "s",
        _ => return unit,
    }
    .to_owned()
}

fn whole(answer: Answer) -> Result<Answer, Misfit> {
    match answer.number {
        Some(value) if value.fract() == 0.0 && value.abs() < LARGEST_WHOLE => {
            // Adding zero turns -0 into 0.
            Ok(Answer { text: format!("{:.0}", value + 0.0), number: Some(value + 0.0) })
        }
        _ => Err(Misfit::NotWhole(answer.text)),
    }
}

fn yes_no(text: &str) -> Result<Answer, Misfit> {
    let word = text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let word = match word.as_str() {
        "yes" | "true" => "yes",
        "no" | "false" => "no",
        _ => return Err(Misfit::NotYesNo(text.to_owned())),
    };
    Ok(Answer { text: word.to_owned(), number: None })
}

/// The letter itself, dressed (`(b)`, `B.`, `B. right`), or an option's whole text.
fn choice(choices: &[Choice], text: &str) -> Result<Answer, Misfit> {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    let by_letter = choices.iter().find(|choice| choice.letter.eq_ignore_ascii_case(bare));
    let by_line = || {
        choices.iter().find(|choice| {
            let lined = format!("{}. {}", choice.letter, choice.text);
            lined.eq_ignore_ascii_case(text) || lined.trim_end_matches('.').eq_ignore_ascii_case(text)
        })
    };
    let by_text = || {
        let mut named = choices.iter().filter(|choice| choice.text.trim().eq_ignore_ascii_case(text));
        named.next().filter(|_| named.next().is_none())
    };
    match by_letter.or_else(by_line).or_else(by_text) {
        Some(choice) => Ok(Answer { text: choice.letter.clone(), number: None }),
        None => {
            let letters: Vec<&str> = choices.iter().map(|choice| choice.letter.as_str()).collect();
            Err(Misfit::NoOption { text: text.to_owned(), letters: letters.join(", ") })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    fn given(question: &Question, text: &str) -> Result<String, String> {
        let answer = Answer { text: text.into(), number: None };
        check(question, &answer).map(|answer| answer.text).map_err(|misfit| misfit.to_string())
    }

    fn of(answer_type: AnswerType, unit: Option<&str>) -> Question {
        Question { answer_type, unit: unit.map(Into::into), ..fixture::question() }
    }

    #[test]
    fn numbers_may_carry_the_unit_that_was_asked_for() {
        let metres = of(AnswerType::Number, Some("m"));
        for text in ["2.4", " 2.4 ", "2.4 m", "2.4m", "2.4 metres", "2.4 Meters.", "+2.4", "24e-1 m"] {
            assert_eq!(given(&metres, text), Ok("2.4".into()), "{text}");
        }
        assert!(given(&metres, "240 cm").unwrap_err().contains("wanted in `m`"));
        assert_eq!(given(&of(AnswerType::Number, None), "240 cm"), Ok("240".into()));
        for text in ["about two", "nan", "inf", "-", "2.4 m or 3 m", "", "e", "1..2"] {
            assert!(given(&metres, text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_number_a_cell_returned_is_taken_as_it_is() {
        let metres = of(AnswerType::Number, Some("m"));
        let answer = Answer { text: "2.4000000000000004".into(), number: Some(2.400_000_000_000_000_4) };
        assert_eq!(check(&metres, &answer).unwrap().number, answer.number);
        let answer = Answer { text: "nan".into(), number: Some(f64::NAN) };
        assert!(check(&metres, &answer).is_err());
    }

    #[test]
    fn whole_numbers_are_whole() {
        let count = of(AnswerType::Integer, None);
        assert_eq!(given(&count, "3"), Ok("3".into()));
        assert_eq!(given(&count, "3.0"), Ok("3".into()));
        assert_eq!(given(&count, "-0"), Ok("0".into()));
        assert!(given(&count, "3.5").unwrap_err().contains("not a whole number"));
        assert!(given(&count, "1e300").is_err());
    }

    #[test]
    fn yes_and_no_in_every_dress() {
        let question = of(AnswerType::YesNo, None);
        for (text, word) in [("Yes", "yes"), ("no.", "no"), ("True", "yes"), ("**No**", "no")] {
            assert_eq!(given(&question, text), Ok(word.into()), "{text}");
        }
        assert!(given(&question, "maybe").unwrap_err().contains("neither"));
    }

    #[test]
    fn a_choice_becomes_its_letter() {
        let question = fixture::multiple_choice();
        for text in ["B", "b", "(B)", "B.", "B. right", "right", "Right"] {
            assert_eq!(given(&question, text), Ok("B".into()), "{text}");
        }
        assert!(given(&question, "C").unwrap_err().contains("letters A, B"));
        assert!(given(&question, "behind").is_err());
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(text in r"([-+.eE0-9 a-zA-Z°()]|\PC){0,20}", number in any::<Option<f64>>()) {
            for answer_type in [AnswerType::Text, AnswerType::Number, AnswerType::Integer, AnswerType::YesNo, AnswerType::Choice] {
                let question = Question { answer_type, ..fixture::multiple_choice() };
                let checked = check(&question, &Answer { text: text.clone(), number });
                if let Ok(answer) = checked {
                    prop_assert!(!answer.text.trim().is_empty());
                    prop_assert!(answer.number.is_none_or(f64::is_finite));
                }
            }
        }
    }
}
