//! Questions of a cell to the vision model.
//!
//! ```text
//! cell ── pictures, question ──→ check ──→ pictures to the store ──→ answered before? ──→ memory
//!                                                                        └─ no ──→ bus: vision ──→ memory
//! ```
//!
//! A question that was answered in this session is never asked again: not by the same kernel, and not by the one that
//! replays its cells, since whoever asks for a replay brings what was answered then. What the model does not answer is
//! a text that says so, which the cell gets as its answer; what is wrong with the question is an exception.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use prost::Message as _;
use spatialclaw_domain::{Digest, Fault, FaultKind, Picture, Usage, VisionCall, VisionKind, VisionQuestion};
use spatialclaw_proto::{
    kernel::v1::{AskVision, VisionPicture, VisionReply, VisionRequest},
    session::v1 as session,
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Failure, Host};
use crate::{feedback, picture::Refusal};

/// Where codegen listens.
const SUBJECT: &str = "vision";
/// Times the vision model is asked again when nobody is there; one that is busy is asked until the deadline.
const RETRIES: u32 = 3;
const RETRY_WAIT: Duration = Duration::from_millis(200);
const MAX_RETRY_WAIT: Duration = Duration::from_secs(5);
/// Pictures of one question on their way to the store at once.
const STORING: usize = 4;
/// Longest question, bytes.
const QUESTION: usize = 16 << 10;
/// Longest answer, bytes.
const ANSWER: usize = 8 << 10;
/// Longest reason why there is no answer, bytes.
const REASON: usize = 500;
/// Bytes of one picture in a record, and of what else it holds.
const PICTURE: usize = 80;
const REST: usize = 256;
/// Answers kept for one session.
const REMEMBERED: usize = 4096;
/// How an answer begins that is none.
const TAG: &str = "[vlm error]";

/// What the cells of one session were told.
#[derive(Default)]
pub(super) struct Memory(Mutex<Told>);

#[derive(Default)]
struct Told {
    /// What the running cell was told when it ran first, in order, failures included.
    first_run: VecDeque<VisionCall>,
    /// Answers by question.
    answers: HashMap<Digest, (String, String)>,
}

impl Memory {
    /// Begins a cell that was told `recorded` before.
    fn begin(&self, recorded: Vec<VisionCall>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.iter().for_each(|call| told.keep(call));
        told.first_run = recorded.into();
    }

    fn keep(&self, call: &VisionCall) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(call);
    }

    /// What was told when this was asked before; free of charge.
    fn recall(&self, asked: &VisionQuestion) -> Option<VisionCall> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let again = told.first_run.iter().position(|call| call.asked == *asked);
        if let Some(call) = again.and_then(|at| told.first_run.remove(at)) {
            return Some(VisionCall { cached: true, usage: Usage::default(), ..call });
        }
        let (answer, model) = told.answers.get(&asked.key())?.clone();
        let (asked, usage) = (asked.clone(), Usage::default());
        Some(VisionCall { asked, answer, failed: false, cached: true, model, usage })
    }
}

impl Told {
    fn keep(&mut self, call: &VisionCall) {
        if !call.failed && self.answers.len() < REMEMBERED {
            self.answers.insert(call.asked.key(), (call.answer.clone(), call.model.clone()));
        }
    }
}

/// The most bytes that the record of a question may come to.
pub(crate) fn record_bytes(ask: &AskVision) -> usize {
    ask.question.len() + ANSWER + PICTURE * ask.pictures.len() + REST
}

/// The bytes that a record has come to.
pub(crate) fn recorded_bytes(call: &VisionCall) -> usize {
    session::VisionCall::from(call.clone()).encoded_len()
}

/// Encoded bytes of the pictures.
pub(crate) fn picture_bytes(ask: &AskVision) -> u64 {
    ask.pictures.iter().map(|picture| picture.png.len() as u64).sum()
}

/// What a cell calls it.
pub(super) fn tool(ask: &AskVision) -> &'static str {
    VisionKind::try_from(ask.kind()).map_or("vlm", VisionKind::tool)
}

impl Host {
    /// Begins a cell whose questions were answered with `recorded` before, if it asks them again.
    pub(crate) fn begin(&self, recorded: Vec<VisionCall>) {
        self.memory.begin(recorded);
    }

    /// The answer to a question, and how the fault is called that stands in its place.
    pub(super) async fn look(&self, ask: AskVision) -> Result<(VisionCall, &'static str), Failure> {
        let asked = self.question(ask).await?;
        if let Some(call) = self.memory.recall(&asked) {
            let outcome = if call.failed { "failed" } else { "ok" };
            return Ok((call, outcome));
        }
        let reply = self.consult(&asked).await;
        let outcome = reply.as_ref().err().map_or("ok", |fault| fault.kind.as_str());
        let call = told(asked, reply);
        self.memory.keep(&call);
        Ok((call, outcome))
    }

    async fn question(&self, ask: AskVision) -> Result<VisionQuestion, Failure> {
        let unknown = |_| Failure::value("the vision model can be asked to locate or to think");
        let kind = VisionKind::try_from(ask.kind()).map_err(unknown)?;
        let (count, limit) = (ask.pictures.len(), kind.max_pictures());
        if !(1..=limit).contains(&count) {
            let tool = kind.tool();
            return Err(Failure::value(format!("{tool} takes between 1 and {limit} pictures, not {count}")));
        }
        if ask.question.len() > QUESTION {
            let size = ask.question.len();
            return Err(Failure::value(format!("the question has {size} bytes, more than {QUESTION}")));
        }
        let text = feedback::bounded(ask.question.trim(), QUESTION);
        if text.is_empty() {
            return Err(Failure::value("the question is blank; ask for one thing"));
        }
        let keep = |picture: VisionPicture| self.picture(picture);
        let pictures = stream::iter(ask.pictures).map(keep).buffered(STORING).try_collect().await?;
        Ok(VisionQuestion { kind, text, pictures })
    }

    async fn picture(&self, picture: VisionPicture) -> Result<Picture, Failure> {
        let kept = self.pictures.keep(picture.png).await.map_err(|refusal| match refusal {
            Refusal::Store(_) | Refusal::StoreSlow | Refusal::Unchecked => {
                Failure::runtime(refusal.to_string())
            }
            _ => Failure::value(refusal.to_string()),
        })?;
        let frame_index = picture.frame_index.filter(|index| self.frame(*index).is_some());
        Ok(Picture { image: kept.artifact, frame_index })
    }

    /// Asks, and asks again when nobody was there or nobody had time.
    async fn consult(&self, asked: &VisionQuestion) -> Result<VisionReply, Fault> {
        let session = self.question.session.to_string();
        let request = VisionRequest { session, asked: Some(asked.clone().into()) };
        let limit = self.config.vision_deadline;
        let end = Instant::now() + limit;
        let mut attempt = 0;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let late = |_| {
                Fault::new(
                    FaultKind::Deadline,
                    format!("no answer within {limit:?}; ask about fewer pictures, or go on without it"),
                )
            };
            let asking = self.bus.ask::<_, VisionReply>(SUBJECT, &request, left);
            let fault = match timeout_at(end, asking).await.map_err(late)? {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            let again = match fault.kind {
                FaultKind::Exhausted => true,
                FaultKind::Unavailable => attempt < RETRIES,
                _ => false,
            };
            let wait = RETRY_WAIT.saturating_mul(1 << attempt.min(8)).min(MAX_RETRY_WAIT);
            let wait = fault.retry_after.unwrap_or_default().max(wait);
            if !again || Instant::now() + wait >= end {
                return Err(fault);
            }
            tracing::info!(%fault, ?wait, "the vision model is not there: asking again");
            sleep(wait).await;
            attempt += 1;
        }
    }
}

fn told(asked: VisionQuestion, reply: Result<VisionReply, Fault>) -> VisionCall {
    match reply {
        Ok(reply) => VisionCall {
            asked,
            answer: feedback::bounded(reply.answer.trim(), ANSWER),
            failed: false,
            cached: false,
            model: feedback::bounded(&reply.model, 64),
            usage: reply.usage.map(Into::into).unwrap_or_default(),
        },
        Err(fault) => {
            tracing::warn!(%fault, "the vision model did not answer");
            let reason = feedback::bounded(&without_addresses(&fault.message), REASON);
            let answer = format!("{TAG} {}: {reason}", fault.kind.as_str());
            let (model, usage) = (String::new(), Usage::default());
            VisionCall { asked, answer, failed: true, cached: false, model, usage }
        }
    }
}

/// Where our services are is nothing for a cell to know.
fn without_addresses(text: &str) -> String {
    let word = |word: &str| if word.contains("://") { "(its endpoint)" } else { word }.to_owned();
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> VisionQuestion {
        VisionQuestion { kind: VisionKind::Locate, text: text.to_owned(), pictures: vec![] }
    }

    fn reply(answer: &str) -> Result<VisionReply, Fault> {
        let usage = Usage { calls: 1, prompt_tokens: 9, ..Usage::default() };
        Ok(VisionReply { answer: answer.to_owned(), model: "m".to_owned(), usage: Some(usage.into()) })
    }

    fn absence() -> Result<VisionReply, Fault> {
        Err(Fault::new(FaultKind::Unavailable, "model `m` at http://10.0.0.7:8000/v1 did not answer"))
    }

    #[test]
    fn a_failure_is_a_text_that_tells_no_address() {
        let call = told(asked("where?"), absence());
        assert!(call.failed);
        assert_eq!(call.answer, "[vlm error] unavailable: model `m` at (its endpoint) did not answer");
    }

    #[test]
    fn an_answer_is_recalled_free_of_charge_and_a_failure_is_not() {
        let memory = Memory::default();
        memory.keep(&told(asked("where?"), reply(" (1, 2) ")));
        memory.keep(&told(asked("and there?"), absence()));
        let call = memory.recall(&asked("where?")).unwrap();
        assert_eq!((call.answer.as_str(), call.cached, call.usage), ("(1, 2)", true, Usage::default()));
        assert!(memory.recall(&asked("and there?")).is_none());
    }

    #[test]
    fn a_cell_that_runs_again_is_told_the_same_in_the_same_order() {
        let memory = Memory::default();
        let first = [told(asked("where?"), absence()), told(asked("where?"), reply("(1, 2)"))];
        memory.begin(first.to_vec());
        let again = [(); 3].map(|()| memory.recall(&asked("where?")).unwrap());
        assert_eq!(again.each_ref().map(|call| call.failed), [true, false, false]);
        assert!(again.iter().all(|call| call.usage.calls == 0));
        memory.begin(vec![]);
        assert!(!memory.recall(&asked("where?")).unwrap().failed, "later cells know the answer");
    }

    #[test]
    fn a_record_is_never_larger_than_was_reserved_for_it() {
        let ask = AskVision {
            kind: session::VisionKind::Think.into(),
            question: "q".repeat(100),
            pictures: vec![VisionPicture::default(); 64],
        };
        let image = spatialclaw_domain::ArtifactRef {
            digest: Digest::of(b"x"),
            size: u64::MAX,
            media_type: "image/png".to_owned(),
        };
        let pictures = vec![Picture { image, frame_index: Some(u32::MAX) }; 64];
        let asked = VisionQuestion { kind: VisionKind::Think, text: "q".repeat(100), pictures };
        let call = told(asked, reply(&"a".repeat(100_000)));
        assert!(recorded_bytes(&call) <= record_bytes(&ask), "{}", recorded_bytes(&call));
    }
}
