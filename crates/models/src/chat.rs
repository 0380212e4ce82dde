//! What every language model understands.

use async_trait::async_trait;
use spatialclaw_domain::{ArtifactRef, Fault, SessionId, Usage};

/// What a request is for; parameters are configured per role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Writing a plan.
    Plan,
    /// Writing the next cell.
    Code,
    /// Saying where something is in pictures.
    Locate,
    /// Answering a question about pictures.
    Think,
}

impl Role {
    /// As configuration, traces and transcripts name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Code => "code",
            Self::Locate => "locate",
            Self::Think => "think",
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The instructions.
    System,
    /// The question and what came back.
    User,
    /// The model itself, earlier.
    Assistant,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// A picture in the artifact store.
    Image(ArtifactRef),
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub speaker: Speaker,
    /// In order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of one text.
    pub fn text(speaker: Speaker, text: impl Into<String>) -> Self {
        Self { speaker, parts: vec![Part::Text(text.into())] }
    }
}

/// A conversation that wants a reply.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// Whose conversation: keeps a session on one endpoint, and books its cost.
    pub session: SessionId,
    /// What it is for.
    pub role: Role,
    /// In order; the system message first.
    pub messages: Vec<Message>,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// It ran into its token limit: the text is cut.
    Length,
}

/// What a model said.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatReply {
    /// Thinking already removed.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost.
    pub usage: Usage,
    /// Who said it.
    pub model: String,
}

/// A language model that sees pictures.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// As answers and reports name it.
    fn name(&self) -> &str;

    /// Asks for a reply. The caller brings the overall deadline; dropping the future gives the request up.
    ///
    /// # Errors
    /// A fault, retryable or not as its kind says.
    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault>;
}
