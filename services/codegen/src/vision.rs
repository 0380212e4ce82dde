//! Answers the questions that cells ask the vision model: subject `vision`.
//!
//! Any codegen answers for any session. Each question is a conversation of its own: instructions by kind, the pictures,
//! the question. Answers are kept for a while, so that a question whose asker went away while it was answered is not
//! paid for twice; what the journal holds does not come here at all (see `RunRequest.vision`).

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use spatialclaw_domain::{Digest, Fault, FaultKind, Picture, SessionId, VisionKind, VisionQuestion};
use spatialclaw_models::{ChatReply, ChatRequest, Finish, LanguageModel, Message, Part, Role, Speaker};
use spatialclaw_proto::kernel::v1::{VisionReply, VisionRequest};
use tokio::time::timeout;

use crate::prompt::char_boundary;

/// Where executors ask.
pub(crate) const SUBJECT: &str = "vision";
/// Answers kept.
const KEPT: usize = 1024;
/// Longest answer, bytes.
const MAX_ANSWER: usize = 8000;
/// The instructions by kind.
const LOCATE: &str = include_str!("../prompts/locate.md");
const THINK: &str = include_str!("../prompts/think.md");
/// What a thing is that is not there, for programs.
const NOT_VISIBLE: &str = "Not visible";

/// Whoever sees. Clones share what was answered.
#[derive(Clone)]
pub(crate) struct Seer {
    model: Arc<dyn LanguageModel>,
    deadline: Duration,
    answers: Arc<Mutex<Answers>>,
}

/// The latest answers by session and question.
#[derive(Default)]
struct Answers {
    by_key: HashMap<(SessionId, Digest), VisionReply>,
    order: VecDeque<(SessionId, Digest)>,
}

impl Answers {
    fn keep(&mut self, key: (SessionId, Digest), reply: &VisionReply) {
        if self.by_key.insert(key, reply.clone()).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }
}

impl Seer {
    pub(crate) fn new(model: Arc<dyn LanguageModel>, deadline: Duration) -> Self {
        Self { model, deadline, answers: Arc::default() }
    }

    /// Answers one request.
    ///
    /// # Errors
    /// `invalid` for a question that cannot be asked; otherwise what kept the model from answering.
    pub(crate) async fn answer(&self, request: VisionRequest) -> Result<VisionReply, Fault> {
        let session: SessionId = request
            .session
            .parse()
            .map_err(|error| invalid(format!("the question to the vision model is nobody's: {error}")))?;
        let asked = request.asked.ok_or_else(|| invalid("there is no question to the vision model"))?;
        let asked = VisionQuestion::try_from(asked)?;
        check(&asked)?;
        let key = (session, asked.key());
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).by_key.get(&key).cloned();
        if let Some(reply) = known {
            tracing::info!(%session, "a question to the vision model is answered again");
            return Ok(reply);
        }
        let kind = asked.kind;
        let reply = self.ask(session, asked).await.and_then(|reply| read(kind, reply))?;
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).keep(key, &reply);
        Ok(reply)
    }

    async fn ask(&self, session: SessionId, asked: VisionQuestion) -> Result<ChatReply, Fault> {
        let role = match asked.kind {
            VisionKind::Locate => Role::Locate,
            VisionKind::Think => Role::Think,
        };
        let request = ChatRequest { session, role, messages: conversation(asked) };
        let deadline = self.deadline;
        timeout(deadline, self.model.chat(&request)).await.unwrap_or_else(|_| {
            Err(Fault::new(
                FaultKind::Deadline,
                format!("no answer within {deadline:?} (codegen.vision_deadline)"),
            ))
        })
    }
}

fn check(asked: &VisionQuestion) -> Result<(), Fault> {
    let (count, limit) = (asked.pictures.len(), asked.kind.max_pictures());
    if asked.text.trim().is_empty() || !(1..=limit).contains(&count) {
        let tool = asked.kind.tool();
        return Err(invalid(format!("{tool} takes a question and 1 to {limit} pictures, not {count}")));
    }
    Ok(())
}

fn conversation(asked: VisionQuestion) -> Vec<Message> {
    let instructions = match asked.kind {
        VisionKind::Locate => LOCATE,
        VisionKind::Think => THINK,
    };
    let mut parts = Vec::with_capacity(2 * asked.pictures.len() + 1);
    for (nth, picture) in asked.pictures.into_iter().enumerate() {
        parts.push(Part::Text(label(nth + 1, &picture)));
        parts.push(Part::Image(picture.image));
    }
    parts.push(Part::Text(format!("Question: {}", asked.text.trim())));
    vec![Message::text(Speaker::System, instructions.trim()), Message { speaker: Speaker::User, parts }]
}

fn label(nth: usize, picture: &Picture) -> String {
    match picture.frame_index {
        Some(index) => format!("Picture {nth}, frame {index}:"),
        None => format!("Picture {nth}:"),
    }
}

/// What the cell gets to read of the model's reply.
fn read(kind: VisionKind, reply: ChatReply) -> Result<VisionReply, Fault> {
    let ChatReply { text, finish, usage, model } = reply;
    let is_cut = finish == Finish::Length;
    let mut answer = text.trim()[..char_boundary(text.trim(), MAX_ANSWER)].to_owned();
    if answer.is_empty() {
        let why = if is_cut { "it thought until its token limit" } else { "its reply is empty" };
        return Err(Fault::new(FaultKind::Unavailable, format!("the vision model said nothing: {why}")));
    }
    if kind == VisionKind::Locate {
        answer = exact(&answer);
    }
    if is_cut {
        answer.push_str("\n(cut at the model's token limit)");
    }
    Ok(VisionReply { answer, model, usage: Some(usage.into()) })
}

/// A first line that means [`NOT_VISIBLE`] says exactly that.
fn exact(answer: &str) -> String {
    let (first, rest) = answer.split_once('\n').unwrap_or((answer, ""));
    let bare = first.trim_matches(|c: char| !c.is_alphanumeric());
    match (bare.eq_ignore_ascii_case(NOT_VISIBLE), rest) {
        (false, _) => answer.to_owned(),
        (true, "") => NOT_VISIBLE.to_owned(),
        (true, rest) => format!("{NOT_VISIBLE}\n{rest}"),
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use spatialclaw_domain::Usage;

    use super::*;
    use crate::fixture;

    fn reply(text: &str, finish: Finish) -> ChatReply {
        ChatReply { text: text.to_owned(), finish, usage: Usage::default(), model: "m".to_owned() }
    }

    fn answer(kind: VisionKind, text: &str) -> String {
        read(kind, reply(text, Finish::Stop)).unwrap().answer
    }

    #[test]
    fn a_thing_that_is_not_there_is_exactly_not_visible() {
        for said in ["Not visible", " not visible.\n", "**Not Visible**", "\"NOT VISIBLE\""] {
            assert_eq!(answer(VisionKind::Locate, said), "Not visible", "{said}");
        }
        assert_eq!(answer(VisionKind::Locate, "not visible.\nA lamp is."), "Not visible\nA lamp is.");
        assert_eq!(answer(VisionKind::Locate, "(10, 20)\nnot visible"), "(10, 20)\nnot visible");
        assert_eq!(answer(VisionKind::Think, "not visible."), "not visible.");
    }

    #[test]
    fn silence_is_a_fault_and_a_cut_is_told() {
        let fault = read(VisionKind::Think, reply(" \n", Finish::Length)).unwrap_err();
        assert!(fault.message.contains("token limit"), "{fault}");
        let cut = read(VisionKind::Think, reply("The chair is", Finish::Length)).unwrap();
        assert_eq!(cut.answer, "The chair is\n(cut at the model's token limit)");
        assert_eq!(answer(VisionKind::Think, &"ä".repeat(50_000)).len(), MAX_ANSWER);
    }

    #[test]
    fn pictures_come_with_their_frames_before_the_question() {
        let picture = |name, frame_index| Picture { image: fixture::image(name), frame_index };
        let asked = VisionQuestion {
            kind: VisionKind::Think,
            text: " Is it open? ".to_owned(),
            pictures: vec![picture("a", Some(30)), picture("b", None)],
        };
        let [system, user] = &conversation(asked)[..] else { panic!() };
        assert_eq!(system.parts, [Part::Text(THINK.trim().to_owned())]);
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(
            user.parts,
            [
                text("Picture 1, frame 30:"),
                Part::Image(fixture::image("a")),
                text("Picture 2:"),
                Part::Image(fixture::image("b")),
                text("Question: Is it open?"),
            ]
        );
    }

    #[test]
    fn old_answers_make_room() {
        let mut answers = Answers::default();
        let key = |nth: usize| (fixture::session(), Digest::of(&nth.to_le_bytes()));
        for nth in 0..=KEPT {
            answers.keep(key(nth), &VisionReply::default());
        }
        assert_eq!((answers.by_key.len(), answers.order.len()), (KEPT, KEPT));
        assert!(!answers.by_key.contains_key(&key(0)) && answers.by_key.contains_key(&key(KEPT)));
    }
}
