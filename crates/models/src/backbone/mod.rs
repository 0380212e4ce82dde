//! The language models a session can be given.
//!
//! | kind | what it is |
//! |---|---|
//! | [`openai`] | any OpenAI-compatible chat endpoint that takes pictures |
//! | [`recorded`] | replies of an earlier run, for tests; strict about what it is asked |
//! | [`template`] | the offline default: **no neural network**, documented question families as honest cells |
//!
//! [`connect`] makes one of them from its configuration, wraps it in a `chat` span and, if asked to, records what it
//! says as a transcript that `recorded` can replay.

pub mod openai;
pub mod recorded;
pub mod template;
mod traced;

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use spatialclaw_bus::ArtifactStore;

use crate::LanguageModel;

/// Section `backbone`: who writes plans and cells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which backbone answers.
    pub kind: Kind,
    /// Read when `kind = "openai"`.
    pub openai: openai::Config,
    /// Read when `kind = "recorded"`.
    pub recorded: recorded::Config,
    /// Appends every reply to this transcript (JSON Lines).
    pub record: Option<PathBuf>,
}

/// Which backbone answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// [`template`].
    #[default]
    Template,
    /// [`openai`].
    Openai,
    /// [`recorded`].
    Recorded,
}

/// The backbone cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value is missing or makes no sense.
    #[error("backbone.{key}: {reason}")]
    Value {
        /// Below the section `backbone`.
        key: &'static str,
        /// What is wrong and what to write instead.
        reason: String,
    },
    /// A named file cannot be read or written.
    #[error("backbone.{key}: cannot use {}", path.display())]
    File {
        /// Below the section `backbone`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A line of a transcript is no entry.
    #[error("transcript {} line {line}: {reason}", path.display())]
    Transcript {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client of the backbone")]
    Client(#[source] reqwest::Error),
}

/// The configured backbone. Nothing is asked of an endpoint yet.
///
/// # Errors
/// Names the configuration key and the fix.
pub fn connect(config: &Config, artifacts: ArtifactStore) -> Result<Arc<dyn LanguageModel>, Error> {
    let model: Arc<dyn LanguageModel> = match config.kind {
        Kind::Template => Arc::new(template::Template),
        Kind::Openai => Arc::new(openai::Endpoint::new(&config.openai, artifacts)?),
        Kind::Recorded => Arc::new(recorded::Recorded::open(&config.recorded)?),
    };
    let provider = match config.kind {
        Kind::Template => "template",
        Kind::Openai => "openai",
        Kind::Recorded => "recorded",
    };
    let model: Arc<dyn LanguageModel> = match &config.record {
        Some(path) => Arc::new(recorded::Recorder::create(path, model)?),
        None => model,
    };
    Ok(Arc::new(traced::Traced::new(model, provider)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_needs_no_network_and_no_file() {
        assert_eq!(Config::default().kind, Kind::Template);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let text = r#"{"kind": "openai", "openai": {"base_ulr": "http://x"}}"#;
        let error = serde_json::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains("base_ulr"), "{error}");
    }

    #[test]
    fn a_full_configuration_reads() {
        let text = r#"{"kind": "openai", "openai": {
            "base_url": "http://127.0.0.1:8000/v1", "model": "m", "key_env": "KEY", "timeout": "5m",
            "code": {"max_tokens": 4096, "temperature": 0.2,
                     "extra": {"chat_template_kwargs": {"enable_thinking": false}}}}}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.openai.code.max_tokens, Some(4096));
        assert_eq!(config.openai.plan, openai::Parameters::default());
    }
}
