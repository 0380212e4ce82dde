//! Questions and journals for tests.

use spatialclaw_domain::{
    Answer, AnswerType, ArtifactRef, Budget, Cell, CellError, Choice, Digest, Event, EventKind, Frame,
    Observation, Picture, Plan, Question, SessionId, ShownImage, Usage, Variable, VisionCall, VisionKind,
    VisionQuestion,
};

pub(crate) const SUBMITTED_AT: u64 = 1_000_000;

pub(crate) fn session() -> SessionId {
    SessionId::named("test")
}

pub(crate) fn image(name: &str) -> ArtifactRef {
    ArtifactRef { digest: Digest::of(name.as_bytes()), size: 1, media_type: "image/png".into() }
}

pub(crate) fn question() -> Question {
    let frame = |index| Frame {
        index,
        image: image(&format!("frame {index}")),
        width: 640,
        height: 480,
        time_s: None,
        intrinsics: None,
        pose: None,
        depth: None,
        instances: None,
    };
    Question {
        session: session(),
        label: "test".into(),
        text: "How far is the red chair from the camera, in metres?".into(),
        frames: vec![frame(0), frame(30)],
        stereo: None,
        world_up: None,
        video: None,
        choices: vec![],
        answer_type: AnswerType::Number,
        unit: Some("m".into()),
        budget: Budget::default(),
    }
}

pub(crate) fn multiple_choice() -> Question {
    let choice = |letter: &str, text: &str| Choice { letter: letter.into(), text: text.into() };
    Question {
        answer_type: AnswerType::Choice,
        unit: None,
        choices: vec![choice("A", "left"), choice("B", "right")],
        ..question()
    }
}

pub(crate) fn at(kind: EventKind) -> Event {
    Event { at_unix_ms: SUBMITTED_AT, kind }
}

pub(crate) fn usage() -> Usage {
    Usage { calls: 1, prompt_tokens: 100, completion_tokens: 10, cached_tokens: 0 }
}

/// Submitted, then `events`, numbered from 1.
pub(crate) fn journal(events: Vec<EventKind>) -> Vec<(u64, Event)> {
    journal_of(question(), events)
}

pub(crate) fn journal_of(question: Question, events: Vec<EventKind>) -> Vec<(u64, Event)> {
    let submitted = EventKind::Submitted { question, traceparent: String::new() };
    (1..).zip(std::iter::once(submitted).chain(events).map(at)).collect()
}

pub(crate) fn planned(text: &str) -> EventKind {
    EventKind::Planned { plan: Plan { text: text.into(), model: "planner".into(), usage: usage() } }
}

pub(crate) fn cell(step: u32, code: &str) -> Cell {
    Cell {
        step,
        purpose: "measure".into(),
        reasoning: "because".into(),
        next_goal: "answer".into(),
        code: code.into(),
    }
}

pub(crate) fn written(step: u32, code: &str) -> EventKind {
    EventKind::CellWritten {
        cell: cell(step, code),
        raw: "raw".into(),
        usage: usage(),
        model: "test".into(),
        seconds: 2.0,
    }
}

pub(crate) fn rejected(step: u32) -> EventKind {
    EventKind::ReplyRejected { step, reason: "no **Code**".into(), raw: "hm".into(), usage: usage() }
}

pub(crate) fn lost(step: u32) -> EventKind {
    EventKind::KernelLost { step, reason: "gone".into() }
}

pub(crate) fn cancelled() -> EventKind {
    EventKind::Cancelled { reason: "enough".into() }
}

pub(crate) fn observation(step: u32, stdout: &str) -> Observation {
    Observation { step, seconds: 0.5, stdout: stdout.into(), ..Observation::default() }
}

pub(crate) fn observed(step: u32, stdout: &str) -> EventKind {
    EventKind::Observed { observation: observation(step, stdout), walls: "test".into() }
}

pub(crate) fn answering(step: u32, text: &str) -> Observation {
    let answer = Answer { text: text.into(), number: text.parse().ok() };
    Observation { answer: Some(answer), ..observation(step, "") }
}

pub(crate) fn answered(step: u32, text: &str) -> EventKind {
    EventKind::Observed { observation: answering(step, text), walls: "test".into() }
}

pub(crate) fn failing(step: u32) -> Observation {
    let error = CellError {
        kind: "ValueError".into(),
        message: "no mask for `chair` in frame 0".into(),
        line: Some(2),
        traceback: String::new(),
    };
    Observation { error: Some(error), ..observation(step, "before\n") }
}

/// A question about `text` that was answered, or not.
pub(crate) fn look(text: &str, failed: bool) -> VisionCall {
    let pictures = vec![Picture { image: image("frame 0"), frame_index: Some(0) }];
    let asked = VisionQuestion { kind: VisionKind::Locate, text: text.into(), pictures };
    let answer = "(500, 500)".into();
    VisionCall { asked, answer, failed, cached: false, model: "test".into(), usage: usage() }
}

/// Everything an observation can hold.
pub(crate) fn rich(step: u32) -> Observation {
    let variable = |name: &str, summary: &str| Variable { name: name.into(), summary: summary.into() };
    Observation {
        stdout: "median 2.41\n".into(),
        stderr: "RuntimeWarning: mean of empty slice\n".into(),
        new_variables: vec![variable("depth", "ndarray, shape=(480, 640), dtype=float32")],
        changed_variables: vec![variable("n", "int")],
        shown: vec![
            ShownImage { image: image("a"), label: "mask of the chair".into(), frame_index: Some(30) },
            ShownImage { image: image("b"), label: "top view".into(), frame_index: None },
        ],
        shown_dropped: 1,
        stdout_truncated: true,
        ..observation(step, "")
    }
}
