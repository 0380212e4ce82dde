//! What the planning model reads: the instructions and the question. Text only.

use spatialclaw_domain::Question;
use spatialclaw_models::{Message, Speaker, conversation::opening};

/// The instructions, by the name of each section.
const SECTIONS: [(&str, &str); 3] = [
    ("role", include_str!("../prompts/role.md")),
    ("tools", include_str!("../../../python/spatialclaw/tools.md")),
    ("task", include_str!("../prompts/task.md")),
];

/// The whole conversation.
pub(crate) fn conversation(question: &Question) -> Vec<Message> {
    let system = SECTIONS.map(|(_, text)| text.trim()).join("\n\n");
    vec![Message::text(Speaker::System, system), Message::text(Speaker::User, opening(question))]
}
