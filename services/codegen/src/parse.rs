//! From a model's reply to a cell.
//!
//! A reply is Markdown with four bold headers on lines of their own, in any order and case, and one fenced block of
//! code; or the one section `**Cannot Answer**`. A fence that is never closed runs to the end of the reply, because
//! that is how a reply ends that met its token limit.

use spatialclaw_models::Finish;

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Run this.
    Cell(Draft),
    /// The model gives up, saying why.
    CannotAnswer(String),
}

/// A cell without its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// What this step is for.
    pub purpose: String,
    /// Why this way.
    pub reasoning: String,
    /// What should follow.
    pub next_goal: String,
    /// Python source.
    pub code: String,
}

/// Why a reply could not be read, in words for the model that wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing came.
    #[error("the reply was empty")]
    Empty,
    /// It was cut before it made sense.
    #[error("the reply was cut off at the token limit before it was complete ({0}); write a shorter reply")]
    Cut(Box<Error>),
    /// Sections that must be there are not.
    #[error("the reply has no section {}", names(.0))]
    Missing(Vec<Section>),
    /// Sections that must say something do not.
    #[error("the reply says nothing under {}", names(.0))]
    Blank(Vec<Section>),
}

/// The sections of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What this step is for.
    Purpose,
    /// Why this way.
    Reasoning,
    /// What should follow.
    NextGoal,
    /// The cell.
    Code,
    /// Giving up.
    CannotAnswer,
}

const CELL: [Section; 4] = [Section::Purpose, Section::Reasoning, Section::NextGoal, Section::Code];

impl Section {
    /// As it stands between the asterisks.
    pub fn title(self) -> &'static str {
        match self {
            Self::Purpose => "Purpose",
            Self::Reasoning => "Reasoning",
            Self::NextGoal => "Next Goal",
            Self::Code => "Code",
            Self::CannotAnswer => "Cannot Answer",
        }
    }

    fn named(title: &str) -> Option<Self> {
        let title = title.trim().trim_end_matches(':').replace('_', " ");
        let words: Vec<&str> = title.split_whitespace().collect();
        let title = words.join(" ");
        [Self::Purpose, Self::Reasoning, Self::NextGoal, Self::Code, Self::CannotAnswer]
            .into_iter()
            .find(|section| section.title().eq_ignore_ascii_case(&title))
    }
}

fn names(sections: &[Section]) -> String {
    sections.iter().map(|section| format!("**{}**", section.title())).collect::<Vec<_>>().join(", ")
}

/// Reads a reply.
///
/// # Errors
/// What is missing, precisely enough that the model can mend it.
pub fn parse(text: &str, finish: Finish) -> Result<Reply, Error> {
    read(text).map_err(|error| match finish {
        Finish::Length => Error::Cut(Box::new(error)),
        Finish::Stop => error,
    })
}

fn read(text: &str) -> Result<Reply, Error> {
    if text.trim().is_empty() {
        return Err(Error::Empty);
    }
    let sections = split(text);
    let body = |wanted: Section| -> Option<&str> {
        let mut bodies =
            sections.iter().filter(|(section, _)| *section == wanted).map(|(_, body)| body.trim());
        // A header may be repeated by a rambling reply: the first that says something counts.
        bodies.clone().find(|body| !body.is_empty()).or_else(|| bodies.next())
    };
    if let (Some(reason), None) = (body(Section::CannotAnswer), body(Section::Code)) {
        let reason = if reason.is_empty() { "the model gave no reason" } else { reason };
        return Ok(Reply::CannotAnswer(reason.to_owned()));
    }
    let missing: Vec<Section> = CELL.into_iter().filter(|section| body(*section).is_none()).collect();
    if !missing.is_empty() {
        return Err(Error::Missing(missing));
    }
    let text_of = |section| body(section).unwrap_or_default().to_owned();
    let draft = Draft {
        purpose: text_of(Section::Purpose),
        reasoning: text_of(Section::Reasoning),
        next_goal: text_of(Section::NextGoal),
        code: code(&text_of(Section::Code)),
    };
    let blank: Vec<Section> =
        CELL.into_iter().filter(|section| draft.part(*section).trim().is_empty()).collect();
    if blank.is_empty() { Ok(Reply::Cell(draft)) } else { Err(Error::Blank(blank)) }
}

impl Draft {
    fn part(&self, section: Section) -> &str {
        match section {
            Section::Purpose => &self.purpose,
            Section::Reasoning => &self.reasoning,
            Section::NextGoal => &self.next_goal,
            Section::Code | Section::CannotAnswer => &self.code,
        }
    }
}

/// Cuts a reply at its headers; headers inside a fence are code.
fn split(text: &str) -> Vec<(Section, String)> {
    let mut sections: Vec<(Section, String)> = Vec::new();
    let mut fence: Option<usize> = None;
    for line in text.lines() {
        let header = if fence.is_none() { header(line) } else { None };
        if let Some((section, rest)) = header {
            sections.push((section, format!("{rest}\n")));
            fence = opening(rest.trim_start());
            continue;
        }
        fence = match fence {
            None => opening(line.trim_start()),
            Some(ticks) if closes(line, ticks) => None,
            open => open,
        };
        if let Some((_, body)) = sections.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

/// A header on its own or before text: `**Purpose**`, `**purpose:** why`, `## **Next_Goal**`.
fn header(line: &str) -> Option<(Section, &str)> {
    let line = line.trim_start().trim_start_matches('#').trim_start();
    let (title, rest) = line.strip_prefix("**")?.split_once("**")?;
    Some((Section::named(title)?, rest.trim_start().strip_prefix(':').unwrap_or(rest).trim()))
}

fn opening(line: &str) -> Option<usize> {
    let ticks = line.chars().take_while(|c| *c == '`').count();
    // Backticks later on the line make it inline code.
    (ticks >= 3 && !line[ticks..].contains('`')).then_some(ticks)
}

fn closes(line: &str, ticks: usize) -> bool {
    let line = line.trim();
    line.len() >= ticks && line.chars().all(|c| c == '`')
}

/// The first fenced block of a section, or the section itself if it has none.
fn code(body: &str) -> String {
    let mut lines = body.lines();
    let Some(ticks) = lines.by_ref().find_map(|line| opening(line.trim_start())) else {
        return body.trim().to_owned();
    };
    let block: Vec<&str> = lines.take_while(|line| !closes(line, ticks)).collect();
    let block = block.join("\n");
    // Blank lines go, the first line's indentation stays.
    block.trim_start_matches('\n').trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "**Purpose**\nmeasure\n\n**Reasoning**\nit is near\n\n**Next Goal**\nanswer\n\n**Code**\n\
                        ```python\nx = 1\nprint(x)\n```\n";

    fn cell(text: &str) -> Draft {
        match parse(text, Finish::Stop) {
            Ok(Reply::Cell(draft)) => draft,
            other => panic!("{text:?} became {other:?}"),
        }
    }

    fn error(text: &str) -> String {
        parse(text, Finish::Stop).unwrap_err().to_string()
    }

    #[test]
    fn a_good_reply_becomes_a_cell() {
        assert_eq!(
            cell(GOOD),
            Draft {
                purpose: "measure".into(),
                reasoning: "it is near".into(),
                next_goal: "answer".into(),
                code: "x = 1\nprint(x)".into()
            }
        );
    }

    #[test]
    fn headers_come_in_any_order_case_and_dress() {
        let text = "Sure!\n## **code**:\n```\nx = 1\n```\n**NEXT_GOAL:** answer\n**reasoning** it is near\n\
                    **Purpose**\n  measure";
        let draft = cell(text);
        assert_eq!((draft.code.as_str(), draft.next_goal.as_str()), ("x = 1", "answer"));
        assert_eq!((draft.reasoning.as_str(), draft.purpose.as_str()), ("it is near", "measure"));
    }

    #[test]
    fn an_unclosed_fence_runs_to_the_end() {
        let text = GOOD.trim_end().trim_end_matches("```");
        assert_eq!(parse(text, Finish::Length), Ok(Reply::Cell(cell(GOOD))));
    }

    #[test]
    fn code_without_a_fence_is_code() {
        let text = "**Purpose** a\n**Reasoning** b\n**Next Goal** c\n**Code**\nx = 1\nx += 1\n";
        assert_eq!(cell(text).code, "x = 1\nx += 1");
    }

    #[test]
    fn only_the_first_block_is_the_cell() {
        let text = format!("{GOOD}\n```python\nevil()\n```\n");
        assert_eq!(cell(&text).code, "x = 1\nprint(x)");
    }

    #[test]
    fn headers_inside_code_are_code() {
        let text = GOOD.replace("x = 1", "x = '''\n**Purpose**\n'''");
        let draft = cell(&text);
        assert_eq!(draft.purpose, "measure");
        assert!(draft.code.contains("**Purpose**"));
    }

    #[test]
    fn indentation_of_the_first_line_is_kept() {
        let text = GOOD.replace("x = 1", "\n  x = 1");
        assert_eq!(cell(&text).code, "  x = 1\nprint(x)", "Python will complain, and the model can mend it");
    }

    #[test]
    fn giving_up_needs_no_code() {
        let reply = parse("**Cannot Answer**\nThe shelf is not in any frame.", Finish::Stop);
        assert_eq!(reply, Ok(Reply::CannotAnswer("The shelf is not in any frame.".into())));
        let reply = parse("**cannot_answer**", Finish::Stop);
        assert_eq!(reply, Ok(Reply::CannotAnswer("the model gave no reason".into())));
    }

    #[test]
    fn refusals_say_precisely_what_is_wrong() {
        assert_eq!(error("  \n"), "the reply was empty");
        assert_eq!(
            error("The answer is 3."),
            "the reply has no section **Purpose**, **Reasoning**, **Next Goal**, **Code**"
        );
        assert_eq!(
            error(&GOOD.replace("**Next Goal**", "**Next**")),
            "the reply has no section **Next Goal**"
        );
        assert_eq!(error(&GOOD.replace("measure", "")), "the reply says nothing under **Purpose**");
        assert_eq!(error(&GOOD.replace("x = 1\nprint(x)\n", "")), "the reply says nothing under **Code**");
        let cut = parse("**Purpose**\nmeas", Finish::Length).unwrap_err().to_string();
        assert!(cut.starts_with("the reply was cut off at the token limit"), "{cut}");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in r"([`*#a-z:_ \n]|\*\*(Purpose|Reasoning|Next Goal|Code)\*\*|```\n|\PC){0,60}") {
            if let Ok(Reply::Cell(draft)) = parse(&text, Finish::Stop) {
                for section in CELL {
                    prop_assert!(!draft.part(section).trim().is_empty());
                }
            }
        }
    }
}
