//! What a cell may ask of the world outside: its own frames, perception, and the vision model.
//!
//! Every call is answered: with the bytes in a sealed memory file, with a text, or with the exception that the cell is
//! to meet.
//! Only frames of the kernel's own question can be reached; sizes, prompts and pictures are checked before anybody
//! else is bothered with them.

mod check;
mod vision;

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use prost::Message as _;
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_domain::{
    ArtifactRef, Digest, Fault, FaultKind, Frame, Question, SessionId, ToolCall, VisionCall,
};
use spatialclaw_proto::{
    kernel::v1::{self as wire, call::Op, reply, segment},
    perception::v1::{self as perception, perception_request, segment_request},
};
use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, field::Empty, info_span};

pub(crate) use self::vision::{picture_bytes, record_bytes, recorded_bytes};
use crate::{
    Config,
    blob::{self, Blobs},
    feedback,
    picture::Pictures,
};

/// Where the dispatcher listens.
const SUBJECT: &str = "perception";
/// Times perception is asked again when it is away or busy.
const RETRIES: u32 = 3;
const RETRY_WAIT: Duration = Duration::from_millis(200);
/// How long the artifact store may take for one object.
const STORE_DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of a message that a cell reads.
const MESSAGE: usize = 2000;

/// The exception a cell is to meet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    exception: &'static str,
    message: String,
}

impl Failure {
    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self { exception: "ValueError", message: message.into() }
    }

    pub(crate) fn runtime(message: impl Into<String>) -> Self {
        Self { exception: "RuntimeError", message: message.into() }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let exception = match fault.kind {
            FaultKind::Invalid => "ValueError",
            FaultKind::Deadline => "TimeoutError",
            _ => "RuntimeError",
        };
        Self { exception, message: fault.message }
    }
}

impl From<bus::Error> for Failure {
    fn from(error: bus::Error) -> Self {
        Fault::from(error).into()
    }
}

/// The answer to one call.
pub(crate) struct Served {
    pub(crate) reply: wire::Reply,
    /// The memory file that goes with it.
    pub(crate) blob: Option<OwnedFd>,
    /// For the observation; none for a call that is no tool's.
    pub(crate) record: Option<ToolCall>,
    /// For the observation, if the vision model was asked.
    pub(crate) vision: Option<VisionCall>,
}

/// Bytes for a cell, as a memory file, and who made them.
struct Found {
    size: u64,
    file: OwnedFd,
    engine: String,
    cached: bool,
}

/// The tool that a call belongs to, as the cell names it.
pub(crate) fn tool(op: &Op) -> Option<&'static str> {
    match op {
        Op::FetchFrame(_) => None,
        Op::Reconstruct(_) => Some("Reconstruct"),
        Op::Segment(segment) => Some(match &segment.prompt {
            Some(segment::Prompt::Box(_)) => "SAM3.segment_image_by_box",
            Some(segment::Prompt::Points(_)) => "SAM3.segment_image_by_points",
            Some(segment::Prompt::Text(_)) | None => "SAM3.segment_image_by_text",
        }),
        Op::AskVision(ask) => Some(vision::tool(ask)),
    }
}

/// Serves the calls of one kernel.
pub(crate) struct Host {
    bus: Bus,
    config: Arc<Config>,
    pictures: Arc<Pictures>,
    blobs: Arc<Blobs>,
    question: Question,
    /// Position in the question by absolute index.
    frames: BTreeMap<u32, usize>,
    /// Bytes that this kernel may still be handed.
    bytes_left: AtomicU64,
    memory: vision::Memory,
}

impl Host {
    pub(crate) fn new(
        bus: Bus,
        config: Arc<Config>,
        pictures: Arc<Pictures>,
        blobs: Arc<Blobs>,
        question: Question,
    ) -> Self {
        let frames =
            question.frames.iter().enumerate().map(|(position, frame)| (frame.index, position)).collect();
        let bytes_left = AtomicU64::new(config.max_session_tensors.as_u64());
        let memory = vision::Memory::default();
        Self { bus, config, pictures, blobs, question, frames, bytes_left, memory }
    }

    pub(crate) fn session(&self) -> SessionId {
        self.question.session
    }

    pub(crate) fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// The frame with this absolute index.
    pub(crate) fn frame(&self, index: u32) -> Option<&Frame> {
        self.frames.get(&index).map(|position| &self.question.frames[*position])
    }

    /// The session's first message.
    pub(crate) fn open(&self) -> wire::Open {
        let info = |frame: &Frame| wire::FrameInfo {
            index: frame.index,
            width: frame.width,
            height: frame.height,
            time_s: frame.time_s,
        };
        let session = self.question.session.to_string();
        wire::Open {
            seed: seed(&session),
            session,
            frames: self.question.frames.iter().map(info).collect(),
            max_long_edge: self.config.image_long_edge,
            video: self.question.video.map(Into::into),
            reconstruct_max_frames: self.config.reconstruct_max_frames,
        }
    }

    /// Answers a call.
    pub(crate) async fn serve(&self, number: u64, op: Op) -> Served {
        let Some(tool) = tool(&op) else {
            return settle(number, self.find(op).await, None);
        };
        let span = info_span!(
            "execute_tool",
            gen_ai.operation.name = "execute_tool",
            gen_ai.tool.name = tool,
            spatialclaw.engine = Empty,
            spatialclaw.cached = Empty,
            spatialclaw.outcome = Empty,
        );
        async {
            let started = Instant::now();
            match op {
                Op::AskVision(ask) => spell(number, self.look(ask).await, tool, started),
                op => {
                    let found = self.find(op).await;
                    settle(number, found, Some((tool, started)))
                }
            }
        }
        .instrument(span)
        .await
    }

    /// Refuses a call.
    pub(crate) fn refuse(number: u64, failure: Failure) -> Served {
        Served { reply: failed(number, failure), blob: None, record: None, vision: None }
    }

    async fn find(&self, op: Op) -> Result<Found, Failure> {
        match op {
            Op::FetchFrame(wire::FetchFrame { index }) => {
                let image = &self.known(index)?.image;
                let file = self.fetch(image).await?;
                Ok(Found { size: image.size, file, engine: String::new(), cached: false })
            }
            Op::Reconstruct(ask) => self.perceive(self.reconstruct(ask)?).await,
            Op::Segment(ask) => {
                let request = self.segment(ask).await?;
                self.perceive(request).await
            }
            Op::AskVision(_) => Err(Failure::runtime("the vision model answers with a text")),
        }
    }

    fn known(&self, index: u32) -> Result<&Frame, Failure> {
        self.frame(index).ok_or_else(|| Failure::value(check::unknown_frame(index, self.frames.keys())))
    }

    fn reconstruct(&self, ask: wire::Reconstruct) -> Result<perception_request::Op, Failure> {
        check::reconstruct(&ask, &self.config)?;
        let frames: Vec<_> = ask.frames.iter().map(|index| self.known(*index)).collect::<Result<_, _>>()?;
        let support = self.support(&ask.frames);
        Ok(perception_request::Op::Reconstruct(perception::ReconstructRequest {
            frames: frames.into_iter().map(|frame| frame.clone().into()).collect(),
            stereo: self.question.stereo.map(Into::into),
            world_up: self.question.world_up.map(|up| up.to_vec()).unwrap_or_default(),
            width: ask.width,
            height: ask.height,
            support: support.into_iter().map(|frame| frame.clone().into()).collect(),
        }))
    }

    /// Frames that a reconstruction needs besides those asked for: the first, which fixes the world, and a pair's
    /// other half.
    fn support(&self, asked: &[u32]) -> Vec<&Frame> {
        let first = self.question.frames.first().map(|frame| frame.index);
        let pair = self.question.stereo.map(|rig| [rig.left, rig.right]);
        let mut indices: Vec<_> = first.into_iter().chain(pair.into_iter().flatten()).collect();
        indices.sort_unstable();
        indices.dedup();
        indices.retain(|index| !asked.contains(index));
        indices.into_iter().filter_map(|index| self.frame(index)).collect()
    }

    async fn segment(&self, ask: wire::Segment) -> Result<perception_request::Op, Failure> {
        let prompt = check::prompt(&ask)?;
        let frame = match ask.image {
            Some(segment::Image::Frame(index)) => self.known(index)?.clone(),
            Some(segment::Image::Png(png)) => self.bare(png).await?,
            None => return Err(Failure::value("segmentation needs an image")),
        };
        Ok(perception_request::Op::Segment(perception::SegmentRequest {
            frame: Some(frame.into()),
            width: ask.width,
            height: ask.height,
            score_threshold: ask.score_threshold,
            prompt: Some(match prompt {
                segment::Prompt::Text(text) => segment_request::Prompt::Text(text),
                segment::Prompt::Box(bounds) => segment_request::Prompt::Box(bounds),
                segment::Prompt::Points(points) => segment_request::Prompt::Points(points),
            }),
        }))
    }

    /// A picture that the cell made, as a frame that carries nothing else.
    async fn bare(&self, png: Bytes) -> Result<Frame, Failure> {
        let kept = self.pictures.keep(png).await.map_err(|refusal| Failure::value(refusal.to_string()))?;
        Ok(Frame {
            index: 0,
            image: kept.artifact,
            width: kept.width,
            height: kept.height,
            time_s: None,
            intrinsics: None,
            pose: None,
            depth: None,
            instances: None,
        })
    }

    async fn perceive(&self, op: perception_request::Op) -> Result<Found, Failure> {
        let request =
            perception::PerceptionRequest { session: self.question.session.to_string(), op: Some(op) };
        let limit = self.config.perception_deadline;
        let reply = timeout(limit, self.ask(&request, limit)).await.map_err(|_| {
            Fault::new(
                FaultKind::Deadline,
                format!("perception did not answer within {limit:?}; ask for less at once"),
            )
        })??;
        let span = tracing::Span::current();
        span.record("spatialclaw.engine", &reply.engine).record("spatialclaw.cached", reply.cached);
        let tensors: ArtifactRef = match reply.tensors.map(TryInto::try_into) {
            Some(Ok(tensors)) => tensors,
            Some(Err(_)) | None => return Err(Failure::runtime("perception answered without a result")),
        };
        let file = self.fetch(&tensors).await?;
        Ok(Found { size: tensors.size, file, engine: reply.engine, cached: reply.cached })
    }

    /// Asks, and asks again when nobody was there: a perception call changes nothing.
    async fn ask(
        &self,
        request: &perception::PerceptionRequest,
        deadline: Duration,
    ) -> Result<perception::PerceptionReply, Fault> {
        tracing::debug!(bytes = request.encoded_len(), "asking perception");
        let mut attempt = 0;
        loop {
            let fault = match self.bus.ask(SUBJECT, request, deadline).await {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            let is_absent = matches!(fault.kind, FaultKind::Unavailable | FaultKind::Exhausted);
            if !is_absent || attempt == RETRIES {
                return Err(fault);
            }
            let wait = fault.retry_after.unwrap_or(RETRY_WAIT * 2_u32.pow(attempt));
            tracing::info!(%fault, ?wait, "perception is not there: asking again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn fetch(&self, artifact: &ArtifactRef) -> Result<OwnedFd, Failure> {
        let limit = self.config.max_tensors.as_u64();
        if artifact.size > limit {
            return Err(Failure::runtime(format!(
                "the result has {} bytes, more than {limit}; ask for fewer frames or fewer pixels",
                artifact.size
            )));
        }
        let spent = self.bytes_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(artifact.size));
        if spent.is_err() {
            let limit = self.config.max_session_tensors;
            return Err(Failure::runtime(format!(
                "this session has received its {limit} of results; work with those you have, or ask for fewer pixels"
            )));
        }
        let slow = |_| {
            Fault::new(FaultKind::Deadline, format!("the artifact store took longer than {STORE_DEADLINE:?}"))
        };
        let file = timeout(STORE_DEADLINE, self.blobs.get(artifact)).await.map_err(slow)?;
        file.map_err(|error| match error {
            blob::Error::Store(error) => error.into(),
            blob::Error::Memory(error) => {
                tracing::error!(%error, "a memory file could not be made");
                Failure::runtime(
                    "the machine has no memory for the result; ask for fewer frames or fewer pixels",
                )
            }
        })
    }
}

/// The reply to a call that wanted bytes.
fn settle(number: u64, found: Result<Found, Failure>, tool: Option<(&'static str, Instant)>) -> Served {
    let (engine, cached) = match &found {
        Ok(found) => (found.engine.clone(), found.cached),
        Err(_) => (String::new(), false),
    };
    let outcome = found.as_ref().err().map_or("ok", |failure| failure.exception);
    let record = tool.map(|(name, started)| record(name, started, outcome, engine, cached));
    match found {
        Ok(Found { size, file, .. }) => {
            let reply = wire::Reply { call: number, result: Some(reply::Result::BlobBytes(size)) };
            Served { reply, blob: Some(file), record, vision: None }
        }
        Err(failure) => Served { reply: failed(number, failure), blob: None, record, vision: None },
    }
}

/// The reply to a question to the vision model.
fn spell(
    number: u64,
    looked: Result<(VisionCall, &'static str), Failure>,
    tool: &'static str,
    started: Instant,
) -> Served {
    let (call, outcome) = match looked {
        Ok(looked) => looked,
        Err(failure) => {
            let record = Some(record(tool, started, failure.exception, String::new(), false));
            return Served { reply: failed(number, failure), blob: None, record, vision: None };
        }
    };
    tracing::Span::current()
        .record("spatialclaw.engine", &call.model)
        .record("spatialclaw.cached", call.cached);
    let record = Some(record(tool, started, outcome, call.model.clone(), call.cached));
    let answer = serde_json::Value::from(call.answer.as_str()).to_string();
    let reply = wire::Reply { call: number, result: Some(reply::Result::Json(answer)) };
    Served { reply, blob: None, record, vision: Some(call) }
}

fn failed(number: u64, failure: Failure) -> wire::Reply {
    let message = feedback::bounded(&failure.message, MESSAGE);
    let failure = wire::CallFailure { exception: failure.exception.to_owned(), message };
    wire::Reply { call: number, result: Some(reply::Result::Failure(failure)) }
}

/// The record of a finished call.
pub(crate) fn record(name: &str, started: Instant, outcome: &str, engine: String, cached: bool) -> ToolCall {
    tracing::Span::current().record("spatialclaw.outcome", outcome);
    let engine = feedback::bounded(&engine, 64);
    ToolCall {
        name: name.to_owned(),
        seconds: started.elapsed().as_secs_f64(),
        outcome: outcome.to_owned(),
        engine,
        cached,
    }
}

/// The same for the same session, so that a replayed cell draws the same random numbers.
fn seed(session: &str) -> u64 {
    let digest = Digest::of(session.as_bytes());
    digest.as_bytes()[..8].iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}
