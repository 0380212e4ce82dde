//! Bodies of requests and replies.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{ArtifactRef, Fault, FaultKind, Usage};

use super::config::Parameters;
use crate::{ChatReply, ChatRequest, Finish, Message, Part, Speaker};

/// The request body: `extra` first, so that it cannot replace the conversation.
pub(super) async fn body(
    model: &str,
    parameters: &Parameters,
    request: &ChatRequest,
    artifacts: &ArtifactStore,
) -> Result<Value, Fault> {
    let mut body: Map<String, Value> = parameters.extra.clone();
    body.insert("model".into(), model.into());
    body.insert("stream".into(), false.into());
    let numbers = [
        ("max_tokens", parameters.max_tokens.map(Value::from)),
        ("temperature", parameters.temperature.map(Value::from)),
        ("top_p", parameters.top_p.map(Value::from)),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    }
    body.insert("messages".into(), messages(&request.messages, artifacts).await?);
    Ok(Value::Object(body))
}

/// Neighbouring messages of one speaker become one: many chat templates insist on turns that alternate.
async fn messages(messages: &[Message], artifacts: &ArtifactStore) -> Result<Value, Fault> {
    let mut turns: Vec<(Speaker, Vec<Value>)> = Vec::new();
    for message in messages {
        let mut parts = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            parts.push(content(part, artifacts).await?);
        }
        match turns.last_mut() {
            Some((speaker, earlier)) if *speaker == message.speaker => earlier.extend(parts),
            _ => turns.push((message.speaker, parts)),
        }
    }
    let turn =
        |(speaker, parts): (Speaker, Vec<Value>)| json!({"role": role(speaker), "content": flat(parts)});
    Ok(turns.into_iter().map(turn).collect())
}

fn role(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    }
}

async fn content(part: &Part, artifacts: &ArtifactStore) -> Result<Value, Fault> {
    match part {
        Part::Text(text) => Ok(json!({"type": "text", "text": text})),
        Part::Image(artifact) => {
            Ok(json!({"type": "image_url", "image_url": {"url": uri(artifact, artifacts).await?}}))
        }
    }
}

async fn uri(artifact: &ArtifactRef, artifacts: &ArtifactStore) -> Result<String, Fault> {
    if !matches!(artifact.media_type.as_str(), "image/png" | "image/jpeg") {
        let text = format!("a model is shown PNG and JPEG pictures only, not `{}`", artifact.media_type);
        return Err(Fault::new(FaultKind::Invalid, text));
    }
    let bytes = artifacts.get(artifact).await?;
    Ok(format!("data:{};base64,{}", artifact.media_type, STANDARD.encode(&bytes)))
}

/// Text alone travels as a plain string, which every endpoint takes.
fn flat(parts: Vec<Value>) -> Value {
    let texts: Option<Vec<&str>> =
        parts.iter().map(|part| part.get("text").and_then(Value::as_str)).collect();
    match texts {
        Some(texts) => texts.join("\n\n").into(),
        None => parts.into(),
    }
}

/// A reply as endpoints write it; everything may be missing.
#[derive(Deserialize)]
pub(super) struct Completion {
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Said {
    content: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counts {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
}

impl Completion {
    /// The first choice as a reply; `None` if there is none.
    pub(super) fn reply(self, model: &str, calls: u64) -> Option<ChatReply> {
        let choice = self.choices.into_iter().next()?;
        let finish = match choice.finish_reason.as_deref() {
            Some("length") => Finish::Length,
            _ => Finish::Stop,
        };
        let counts = self.usage.unwrap_or_default();
        let usage = Usage {
            calls,
            prompt_tokens: counts.prompt_tokens.unwrap_or(0),
            completion_tokens: counts.completion_tokens.unwrap_or(0),
            cached_tokens: counts.prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0),
        };
        let model = self.model.unwrap_or_else(|| model.to_owned());
        Some(ChatReply { text: choice.message.spoken(), finish, usage, model })
    }
}

impl Said {
    /// Content without thinking; an endpoint that put everything into the reasoning is read from there.
    fn spoken(&self) -> String {
        let content = without_thinking(self.content.as_deref().unwrap_or_default());
        if !content.is_empty() {
            return content.into_owned();
        }
        let reasoning = self.reasoning_content.as_deref().or(self.reasoning.as_deref()).unwrap_or_default();
        without_thinking(reasoning).into_owned()
    }
}

/// `text` without `<think>…</think>`, without everything before an orphan `</think>`, and without thinking that never
/// ended.
pub(super) fn without_thinking(text: &str) -> Cow<'_, str> {
    const OPEN: &str = "<think>";
    const CLOSE: &str = "</think>";
    let mut rest = text.rsplit_once(CLOSE).map_or(text, |(_, after)| after);
    if let Some((before, _unfinished)) = rest.split_once(OPEN) {
        rest = before;
    }
    // What stood before the first thought was said aloud.
    match text.split_once(OPEN) {
        Some((before, thought)) if thought.contains(CLOSE) && !before.contains(CLOSE) => {
            Cow::Owned(format!("{before}{rest}").trim().to_owned())
        }
        _ => Cow::Borrowed(rest.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_is_removed_however_it_is_fenced() {
        let cases = [
            ("<think>hm</think>**Purpose**", "**Purpose**"),
            ("hm, so\n</think>\nanswer", "answer"),
            ("<think>a</think>b<think>c</think>d", "d"),
            ("aloud <think>a</think> b", "aloud  b"),
            ("<think>never ends", ""),
            ("plain", "plain"),
            ("", ""),
        ];
        for (text, spoken) in cases {
            assert_eq!(without_thinking(text), spoken, "{text}");
        }
    }

    #[test]
    fn reasoning_stands_in_for_empty_content() {
        let body = r#"{"choices":[{"message":{"content":null,"reasoning_content":"<think>x</think>said"}}]}"#;
        let reply = serde_json::from_str::<Completion>(body).unwrap().reply("m", 1).unwrap();
        assert_eq!((reply.text.as_str(), reply.model.as_str()), ("said", "m"));
    }
}
