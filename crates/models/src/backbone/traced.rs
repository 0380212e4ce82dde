//! One span per call, whoever answers.

use std::sync::Arc;

use async_trait::async_trait;
use spatialclaw_domain::Fault;
use tracing::{Instrument, Span, field};

use crate::{ChatReply, ChatRequest, Finish, LanguageModel};

/// A model whose calls are `chat` spans with the attributes that OpenTelemetry reserves for generative models.
/// Bodies are never recorded.
pub(super) struct Traced {
    inner: Arc<dyn LanguageModel>,
    provider: &'static str,
}

impl Traced {
    pub(super) fn new(inner: Arc<dyn LanguageModel>, provider: &'static str) -> Self {
        Self { inner, provider }
    }

    fn span(&self, request: &ChatRequest) -> Span {
        tracing::info_span!(
            "chat",
            "gen_ai.operation.name" = "chat",
            "gen_ai.provider.name" = self.provider,
            "gen_ai.request.model" = self.inner.name(),
            "gen_ai.response.model" = field::Empty,
            "gen_ai.response.finish_reasons" = field::Empty,
            "gen_ai.usage.input_tokens" = field::Empty,
            "gen_ai.usage.output_tokens" = field::Empty,
            "spatialclaw.role" = request.role.name(),
            "spatialclaw.messages" = request.messages.len(),
            "spatialclaw.cached_tokens" = field::Empty,
            "error.type" = field::Empty,
        )
    }
}

#[async_trait]
impl LanguageModel for Traced {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let span = self.span(request);
        let result = self.inner.chat(request).instrument(span.clone()).await;
        match &result {
            Ok(reply) => record(&span, reply),
            Err(fault) => {
                span.record("error.type", fault.kind.as_str());
            }
        }
        result
    }
}

fn record(span: &Span, reply: &ChatReply) {
    let finish = match reply.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    };
    span.record("gen_ai.response.model", reply.model.as_str());
    span.record("gen_ai.response.finish_reasons", finish);
    span.record("gen_ai.usage.input_tokens", reply.usage.prompt_tokens);
    span.record("gen_ai.usage.output_tokens", reply.usage.completion_tokens);
    span.record("spatialclaw.cached_tokens", reply.usage.cached_tokens);
}
