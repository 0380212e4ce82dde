//! The offline default.
use async_trait::async_trait;
use spatialclaw_domain::{Fault, Usage};

use crate::{ChatReply, ChatRequest, Finish, LanguageModel};

/// Writes plans and cells from documented question families.
#[derive(Clone, Copy, Debug, Default)]
pub struct Template;

#[async_trait]
impl LanguageModel for Template {
    fn name(&self) -> &str {
        "template"
    }

    async fn chat(&self, _request: &ChatRequest) -> Result<ChatReply, Fault> {
        let usage = Usage { calls: 1, ..Usage::default() };
        let text = "**Cannot Answer**\nThe template backbone does not know this question.".to_owned();
        Ok(ChatReply { text, finish: Finish::Stop, usage, model: self.name().to_owned() })
    }
}
