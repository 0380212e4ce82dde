//! Replies of an earlier run, for tests.
//!
//! A transcript is JSON Lines, one object per reply:
//!
//! ```json
//! {"role": "code", "turn": 0, "question": "<digest>", "expects": {"contains": "## Question"}, "reply": "**Purpose** …",
//!  "finish": "stop", "usage": {"calls": 1, "prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 0}}
//! ```
//!
//! * `role`: `plan`, `code`, `locate` or `think`.
//! * `turn`: how many replies the conversation already holds; left out, entries of a role count up in file order (those
//!   of `locate` and `think` stand for one question each and stay at 0).
//! * `question`: digest of the conversation's first user message; left out, any question fits.
//! * `expects`: what the last user message must be, as a `digest`, as `text`, or something it `contains`.
//!
//! Texts and digests are compared with durations blanked (`0.12 s` reads `_ s`): they differ from run to run.
//!
//! The place in a transcript follows from the conversation alone, so several sessions may replay one file at once and
//! a resumed session goes on where it stopped. A request that no entry fits is a fault naming what was expected and
//! what came.

mod recorder;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spatialclaw_domain::{Digest, Fault, FaultKind, Usage};

pub use recorder::Recorder;

use super::Error;
use crate::{ChatReply, ChatRequest, Finish, LanguageModel, Message, Part, Role, Speaker};

/// Section `backbone.recorded`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The transcript.
    pub path: PathBuf,
}

/// One line of a transcript.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    role: EntryRole,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    question: Option<Digest>,
    expects: Expects,
    reply: String,
    #[serde(default)]
    finish: EntryFinish,
    #[serde(default)]
    usage: Usage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EntryRole {
    Plan,
    Code,
    Locate,
    Think,
}

impl EntryRole {
    /// Whether its conversations have more than one turn.
    fn has_turns(self) -> bool {
        matches!(self, Self::Plan | Self::Code)
    }
}

impl From<Role> for EntryRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Plan => Self::Plan,
            Role::Code => Self::Code,
            Role::Locate => Self::Locate,
            Role::Think => Self::Think,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EntryFinish {
    #[default]
    Stop,
    Length,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expects {
    Digest(Digest),
    Text(String),
    Contains(String),
}

impl Expects {
    fn fits(&self, asked: &Asked) -> bool {
        match self {
            Self::Digest(digest) => *digest == asked.digest,
            Self::Text(text) => blank_durations(text.trim()) == asked.last,
            Self::Contains(text) => asked.last.contains(&blank_durations(text)),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Digest(digest) => format!("a message with digest {digest}"),
            Self::Text(text) => format!("the message `{}`", excerpt(text)),
            Self::Contains(text) => format!("a message containing `{}`", excerpt(text)),
        }
    }
}

/// What a transcript can tell about a request.
struct Asked {
    role: EntryRole,
    turn: usize,
    question: Digest,
    last: String,
    digest: Digest,
}

impl Asked {
    fn of(request: &ChatRequest) -> Self {
        let by = |speaker| request.messages.iter().filter(move |message| message.speaker == speaker);
        let last = by(Speaker::User).next_back().map(text_of).unwrap_or_default();
        Self {
            role: request.role.into(),
            turn: by(Speaker::Assistant).count(),
            question: Digest::of(by(Speaker::User).next().map(text_of).unwrap_or_default().as_bytes()),
            digest: Digest::of(last.as_bytes()),
            last,
        }
    }
}

/// Replays a transcript.
#[derive(Debug)]
pub struct Recorded {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl Recorded {
    /// Reads a transcript.
    ///
    /// # Errors
    /// If there is no such file, or a line is no entry.
    pub fn open(config: &Config) -> Result<Self, Error> {
        if config.path.as_os_str().is_empty() {
            let reason = "is not set; name a transcript".into();
            return Err(Error::Value { key: "recorded.path", reason });
        }
        let failed = |cause| Error::File { key: "recorded.path", path: config.path.clone(), cause };
        let text = std::fs::read_to_string(&config.path).map_err(failed)?;
        Ok(Self { path: config.path.clone(), entries: parse(&config.path, &text)? })
    }

    fn find(&self, asked: &Asked) -> Result<&Entry, Fault> {
        let here: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.role == asked.role && entry.turn == Some(asked.turn))
            .filter(|entry| entry.question.is_none_or(|question| question == asked.question))
            .collect();
        here.iter()
            .copied()
            .find(|entry| entry.expects.fits(asked))
            .ok_or_else(|| self.mismatch(asked, &here))
    }

    fn mismatch(&self, asked: &Asked, here: &[&Entry]) -> Fault {
        let expected = match here {
            [] => "no further request".to_owned(),
            some => some.iter().take(3).map(|e| e.expects.describe()).collect::<Vec<_>>().join(", or "),
        };
        let text = format!(
            "transcript {}, {:?} turn {}: expected {expected}; got `{}` with digest {}, asked of question {}",
            self.path.display(),
            asked.role,
            asked.turn,
            excerpt(&asked.last),
            asked.digest,
            asked.question,
        );
        Fault::new(FaultKind::Invalid, text)
    }
}

#[async_trait]
impl LanguageModel for Recorded {
    fn name(&self) -> &str {
        "recorded"
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let entry = self.find(&Asked::of(request))?;
        let finish = match entry.finish {
            EntryFinish::Stop => Finish::Stop,
            EntryFinish::Length => Finish::Length,
        };
        let model = entry.model.clone().unwrap_or_else(|| self.name().to_owned());
        Ok(ChatReply { text: entry.reply.clone(), finish, usage: entry.usage, model })
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |error: serde_json::Error| Error::Transcript {
            path: path.to_owned(),
            line: number + 1,
            reason: error.to_string(),
        };
        let mut entry: Entry = serde_json::from_str(line).map_err(wrong)?;
        let is_earlier = |other: &&Entry| other.role == entry.role && entry.role.has_turns();
        let earlier = entries.iter().filter(is_earlier).count();
        entry.turn = entry.turn.or(Some(earlier));
        entries.push(entry);
    }
    Ok(entries)
}

/// A message's text with durations blanked; pictures by their digest.
fn text_of(message: &Message) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => blank_durations(text.trim()),
        Part::Image(image) => format!("[image {}]", image.digest),
    };
    message.parts.iter().map(part).collect::<Vec<_>>().join("\n")
}

/// `12.3 s` reads `_ s`.
fn blank_durations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits =
            rest[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len() - start);
        let (number, after) = rest[start..].split_at(digits);
        let is_duration =
            after.strip_prefix(" s").is_some_and(|tail| !tail.starts_with(char::is_alphanumeric));
        out.push_str(&rest[..start]);
        out.push_str(if is_duration { "_" } else { number });
        rest = after;
    }
    out + rest
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
