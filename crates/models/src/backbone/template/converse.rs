//! Reading a conversation: the question, the answer wanted, and what came back from each step.

use super::{options::Choice, units::Unit};
use crate::{ChatRequest, Message, Part, Speaker};

/// The answer wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Text,
    Number(Option<Unit>),
    Integer,
    YesNo,
    Letter,
}

/// What the first user message says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Opening {
    pub(super) question: String,
    pub(super) choices: Vec<Choice>,
    pub(super) form: Form,
}

/// What came back from a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Feedback {
    pub(super) outcome: Outcome,
    /// What the cell printed.
    pub(super) output: String,
    /// The exception, or why the reply or the answer was turned down.
    pub(super) reason: String,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Error,
    NotUnderstood,
    Refused,
}

/// The opening and the feedback of a conversation, in order.
pub(super) fn read(request: &ChatRequest) -> (Opening, Vec<Feedback>) {
    let mut users = request.messages.iter().filter(|message| message.speaker == Speaker::User).map(text);
    let opening = users.next().map(|first| opening(&first)).unwrap_or_default();
    (opening, users.filter_map(|message| feedback(&message)).collect())
}

fn text(message: &Message) -> String {
    let texts = message.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// A question may itself hold lines that look like headings; the last ones are the real ones.
fn opening(text: &str) -> Opening {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let first = |heading: &str| lines.iter().position(|line| *line == heading);
    let last = |heading: &str| lines.iter().rposition(|line| *line == heading);
    let start = first("## Question").map_or(0, |at| at + 1);
    let format = last("## Answer format").filter(|at| *at >= start);
    let end = format.unwrap_or(lines.len());
    let form = format.map(|at| form(&lines[at + 1..])).unwrap_or_default();
    let options = last("## Options").filter(|at| form == Form::Letter && (start..end).contains(at));
    Opening {
        question: lines[start..options.unwrap_or(end)].join(" "),
        choices: options.map(|at| choices(&lines[at + 1..end])).unwrap_or_default(),
        form,
    }
}

fn form(lines: &[&str]) -> Form {
    let line = lines.iter().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default();
    let line = line.trim_matches('`').to_lowercase();
    if line.contains("letter") {
        Form::Letter
    } else if line.starts_with("number") {
        Form::Number(line.strip_prefix("number in ").and_then(Unit::parse))
    } else if line.starts_with("integer") {
        Form::Integer
    } else if line.starts_with("yes") {
        Form::YesNo
    } else {
        Form::Text
    }
}

fn choices(lines: &[&str]) -> Vec<Choice> {
    let choice = |line: &&str| {
        let (letter, text) = line.trim().split_once(". ")?;
        let is_letter = !letter.is_empty() && letter.len() <= 4 && letter.chars().all(char::is_alphanumeric);
        is_letter.then(|| Choice { letter: letter.to_owned(), text: text.trim().to_owned() })
    };
    lines.iter().filter_map(choice).collect()
}

fn feedback(text: &str) -> Option<Feedback> {
    let (head, body) = text.split_once('\n').unwrap_or((text, ""));
    let (_, status) = head.strip_prefix("## Step ")?.split_once(':')?;
    let status = status.trim();
    let outcome = if status.starts_with("ok") {
        Outcome::Ok
    } else if status.starts_with("error") {
        Outcome::Error
    } else if status.starts_with("not understood") {
        Outcome::NotUnderstood
    } else if status.starts_with("answer refused") {
        Outcome::Refused
    } else {
        return None;
    };
    let reason = match outcome {
        Outcome::Refused => section(body, "### Answer"),
        _ => section(body, "### Error"),
    };
    Some(Feedback { outcome, output: section(body, "### Output"), reason })
}

/// The text below a heading, up to the next heading.
fn section(body: &str, heading: &str) -> String {
    let below = body.lines().skip_while(|line| line.trim_end() != heading).skip(1);
    below.take_while(|line| !line.starts_with("### ")).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_with_options() {
        let text = "## Input\n1 image\n\n## Question\nIs it near?\n\n## Options\nA. 1.5 m\nB. 2 m\n\n## Answer format\n\
                    the letter of one option\nOne of A, B.";
        let opening = opening(text);
        assert_eq!(opening.question.trim(), "Is it near?");
        assert_eq!(opening.form, Form::Letter);
        assert_eq!(opening.choices[1], Choice { letter: "B".into(), text: "2 m".into() });
    }

    #[test]
    fn headings_inside_a_question_do_not_count() {
        let text = "## Input\n## Question\nHow many?\n## Answer format\nyes or no\n## Options\nA. x\n## Answer format\n`number in cm`";
        let opening = opening(text);
        assert_eq!(opening.form, Form::Number(Some(Unit::Centimetre)));
        assert!(opening.choices.is_empty());
    }

    #[test]
    fn feedback_is_cut_into_sections() {
        let text = "## Step 3: error (0.12 s)\n### Output\nsaw it\n\n### Error\nValueError: no depth\nline 3: x\n### Left\n2 of 30";
        let feedback = feedback(text).unwrap();
        assert_eq!(feedback.outcome, Outcome::Error);
        assert_eq!(
            (feedback.output.as_str(), feedback.reason.as_str()),
            ("saw it", "ValueError: no depth\nline 3: x")
        );
        assert!(super::feedback("## Plan\nfirst").is_none());
    }
}
