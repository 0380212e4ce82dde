//! What an endpoint is told, and where it is.

use std::{fmt, path::PathBuf, time::Duration};

use reqwest::{Url, header::HeaderValue};
use serde::{Deserialize, Serialize};

use crate::{Role, backbone::Error};

/// Section `backbone.openai`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Up to and without `/chat/completions`, e.g. `http://127.0.0.1:8000/v1`.
    pub base_url: String,
    /// As the endpoint names it.
    pub model: String,
    /// Environment variable that holds the key; for endpoints that want one.
    pub key_env: Option<String>,
    /// File that holds the key; read once, at start.
    pub key_file: Option<PathBuf>,
    /// Header that carries the session id, for routers that keep a session on one replica.
    pub session_header: Option<String>,
    /// One attempt, from sending to the last byte.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Until the connection stands.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// Wait before the second attempt; doubles from there, with jitter.
    #[serde(with = "humantime_serde")]
    pub backoff: Duration,
    /// The longest wait between attempts, also for an endpoint that asks for more.
    #[serde(with = "humantime_serde")]
    pub backoff_max: Duration,
    /// Parameters of plans.
    pub plan: Parameters,
    /// Parameters of cells.
    pub code: Parameters,
    /// Parameters of `vlm.locate`.
    pub locate: Parameters,
    /// Parameters of `vlm.ask_with_thinking`.
    pub think: Parameters,
}

/// Sampling parameters of one role; what is not set is left to the endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Tokens of a reply, thinking included.
    pub max_tokens: Option<u32>,
    /// 0 is greedy.
    pub temperature: Option<f64>,
    /// Nucleus.
    pub top_p: Option<f64>,
    /// Merged into the request body as it is, e.g. `chat_template_kwargs = { enable_thinking = true }`.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            model: String::new(),
            key_env: None,
            key_file: None,
            session_header: None,
            timeout: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(10),
            attempts: 5,
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(30),
            plan: Parameters::default(),
            code: Parameters::default(),
            locate: Parameters::default(),
            think: Parameters::default(),
        }
    }
}

impl Config {
    pub(super) fn parameters(&self, role: Role) -> &Parameters {
        match role {
            Role::Plan => &self.plan,
            Role::Code => &self.code,
            Role::Locate => &self.locate,
            Role::Think => &self.think,
        }
    }

    /// Where chats go.
    pub(super) fn url(&self) -> Result<Url, Error> {
        let wrong = |reason: String| Error::Value { key: "openai.base_url", reason };
        if self.base_url.is_empty() {
            return Err(wrong("is not set; write e.g. http://127.0.0.1:8000/v1".into()));
        }
        let text = format!("{}/chat/completions", self.base_url.trim_end_matches('/'));
        let url: Url = text.parse().map_err(|error| wrong(format!("is no URL: {error}")))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            other => Err(wrong(format!("has scheme `{other}`; only http and https are understood"))),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.model.is_empty() {
            let reason = "is not set; write the name the endpoint lists under /models".into();
            return Err(Error::Value { key: "openai.model", reason });
        }
        if self.attempts == 0 {
            return Err(Error::Value { key: "openai.attempts", reason: "is 0; write at least 1".into() });
        }
        Ok(())
    }

    /// The key, from wherever it lies.
    pub(super) fn key(&self) -> Result<Option<Key>, Error> {
        if let Some(variable) = &self.key_env {
            let missing = |_| Error::Value {
                key: "openai.key_env",
                reason: format!("the environment variable {variable} is not set"),
            };
            return Key::new("openai.key_env", &std::env::var(variable).map_err(missing)?).map(Some);
        }
        let Some(path) = &self.key_file else { return Ok(None) };
        let unreadable = |cause| Error::File { key: "openai.key_file", path: path.clone(), cause };
        Key::new("openai.key_file", &std::fs::read_to_string(path).map_err(unreadable)?).map(Some)
    }
}

/// A key: it goes into one header and nowhere else.
#[derive(Clone)]
pub(super) struct Key(String);

impl Key {
    fn new(source: &'static str, text: &str) -> Result<Self, Error> {
        let key = text.trim();
        if key.is_empty() || HeaderValue::from_str(key).is_err() {
            let reason = "what it names is empty or holds characters no header may carry".into();
            return Err(Error::Value { key: source, reason });
        }
        Ok(Self(key.to_owned()))
    }

    /// `Authorization`, marked sensitive so that no log prints it.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// `text` without the key, should an endpoint echo it.
    pub(super) fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "[key]")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
