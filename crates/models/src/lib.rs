//! Asking a model for something.
//!
//! * [`LanguageModel`]: a conversation in, a reply out. [`backbone`] has the implementations: `openai` (any
//!   OpenAI-compatible endpoint), `recorded` (a transcript, for tests), `template` (no network: documented question
//!   families as honest cells).
//! * [`pod`]: the client's end of `spatialclaw.inference.v1`.

pub mod backbone;
pub mod chat;
pub mod conversation;
pub mod pod;

pub use chat::{ChatReply, ChatRequest, Finish, LanguageModel, Message, Part, Role, Speaker};
