//! A conversation's question, ready to be worked on.

use super::{
    ask::{self, Asked},
    converse::{Form, Opening},
    family::{Family, FrameRef, Kind},
    options::{self, Letters},
    units::Unit,
};

/// What to find out and in which form to say it.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) family: Family,
    /// The frame it is about.
    pub(super) frame: Option<FrameRef>,
    pub(super) ending: Ending,
}

/// How the answer is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    /// A number in a unit.
    Number(Unit),
    /// A whole number; of a unit, for lengths and angles.
    Whole(Unit),
    /// A number and its unit, as text.
    Measure(Unit),
    /// A word or names, as text.
    Words,
    /// `yes` or `no`.
    YesNo,
    /// The letter of an option.
    Letter(Letters),
}

impl Task {
    /// The task, or why there is none.
    pub(super) fn of(opening: &Opening) -> Result<Self, String> {
        let texts: Vec<String> = opening.choices.iter().map(|choice| choice.text.clone()).collect();
        let Some(Asked { family, frame }) = ask::understand(&opening.question, &texts) else {
            return Err(unknown());
        };
        let ending = ending(&family, opening)?;
        Ok(Self { family, frame, ending })
    }

    /// Names of indices that must be looked at.
    pub(super) fn must_see(&self) -> Vec<u32> {
        let interval = self.family.interval().map(|(start, end)| [start, end]);
        let refs = interval.into_iter().flatten().chain(self.frame);
        refs.filter_map(|frame| match frame {
            FrameRef::Index(index) => Some(index),
            FrameRef::First | FrameRef::Last => None,
        })
        .collect()
    }
}

fn unknown() -> String {
    format!(
        "The template backbone knows fixed families of questions and this is none of them: {}. \
         Their wording is in docs/reference/template.md; a language model (backbone.kind = \"openai\") reads any question.",
        super::FAMILIES.iter().map(|(title, _)| *title).collect::<Vec<_>>().join(", ")
    )
}

fn ending(family: &Family, opening: &Opening) -> Result<Ending, String> {
    let kind = family.kind();
    let default = match kind {
        Kind::Angle => Unit::Degree,
        _ => Unit::Metre,
    };
    let fits = |unit: Unit| unit.is_angle() == (kind == Kind::Angle);
    let misfit = |wanted: &str| {
        Err(format!("A question about the {} has no answer that is {wanted}.", family.title()))
    };
    let is_number = matches!(kind, Kind::Length | Kind::Angle | Kind::Count);
    match opening.form {
        Form::Letter => {
            let unit = stated_unit(&opening.question).filter(|unit| fits(*unit)).unwrap_or(default);
            let read = options::read(family, &opening.choices, unit);
            read.map(Ending::Letter).map_err(|reason| format!("The question is understood, but {reason}."))
        }
        Form::Number(Some(unit)) if is_number && kind != Kind::Count && !fits(unit) => {
            misfit(&format!("a number in {}", unit.symbol()))
        }
        Form::Number(unit) if is_number => {
            let said = unit.or_else(|| stated_unit(&opening.question).filter(|unit| fits(*unit)));
            Ok(Ending::Number(said.unwrap_or(default)))
        }
        Form::Integer if is_number => {
            Ok(Ending::Whole(stated_unit(&opening.question).filter(|unit| fits(*unit)).unwrap_or(default)))
        }
        Form::Number(_) | Form::Integer => misfit("a number"),
        Form::YesNo if kind == Kind::YesNo || family.asked().is_some() => Ok(Ending::YesNo),
        Form::YesNo => misfit("yes or no"),
        Form::Text if is_number => {
            let said = stated_unit(&opening.question).filter(|unit| fits(*unit));
            Ok(Ending::Measure(said.unwrap_or(default)))
        }
        Form::Text if kind == Kind::YesNo || family.asked().is_some() => Ok(Ending::YesNo),
        Form::Text => Ok(Ending::Words),
    }
}

/// The unit a question asks for: `… in centimetres?`.
fn stated_unit(question: &str) -> Option<Unit> {
    let words: Vec<String> = question
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .collect();
    let after_in = words.windows(2).filter(|pair| pair[0] == "in").find_map(|pair| Unit::parse(&pair[1]));
    let how_many = words.windows(2).filter(|pair| pair[0] == "many").find_map(|pair| Unit::parse(&pair[1]));
    after_in.or(how_many)
}
