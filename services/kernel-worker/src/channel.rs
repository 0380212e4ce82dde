//! One session's pipe as Python sees it: blocking calls that a signal can interrupt.
//!
//! The interpreter lock is released while a call waits. A `Call` waits in short turns, so that an interrupt which
//! arrives just before the wait is seen too; the wait for the next cell is one long sleep, since nothing interrupts
//! an idle kernel.
//!
//! An abandoned call leaves its answer behind; answers carry the number of their call, and the ones that nobody
//! waits for any more are dropped together with their descriptors.

use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use pyo3::exceptions::{PyConnectionError, PyKeyError, PyRuntimeError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use spatialclaw_proto::kernel::v1::{
    self as wire, call, from_kernel::Kind as Said, reply, segment, to_kernel::Kind as Heard,
};
use spatialclaw_proto::session::v1::{CellError, Variable, VisionKind};

use crate::frame::{self, Incoming, Reader};

/// How long a waiting call sleeps before it looks for signals again.
const TURN: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

impl From<frame::Error> for PyErr {
    fn from(error: frame::Error) -> Self {
        match error {
            frame::Error::TooLong(_) => PyValueError::new_err(error.to_string()),
            frame::Error::Socket(errno) => PyConnectionError::new_err(format!("{error}: {errno}")),
            _ => PyConnectionError::new_err(error.to_string()),
        }
    }
}

/// One input frame, before scaling.
#[pyclass(frozen, get_all, module = "spatialclaw._host")]
#[derive(Debug, Clone)]
pub(crate) struct Input {
    index: u32,
    width: u32,
    height: u32,
    time_s: Option<f64>,
}

/// What a session starts from.
#[pyclass(frozen, get_all, module = "spatialclaw._host")]
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    session: String,
    frames: Vec<Input>,
    max_long_edge: u32,
    /// Frames a second, frames in all, seconds; none for bare images.
    video: Option<(f64, u32, f64)>,
    reconstruct_max_frames: u32,
    seed: u64,
}

impl From<wire::Open> for Opening {
    fn from(open: wire::Open) -> Self {
        let input = |frame: wire::FrameInfo| Input {
            index: frame.index,
            width: frame.width,
            height: frame.height,
            time_s: frame.time_s,
        };
        Self {
            session: open.session,
            frames: open.frames.into_iter().map(input).collect(),
            max_long_edge: open.max_long_edge,
            video: open.video.map(|video| (video.fps, video.total_frames, video.duration_s)),
            reconstruct_max_frames: open.reconstruct_max_frames,
            seed: open.seed,
        }
    }
}

/// One cell to run.
#[pyclass(frozen, get_all, module = "spatialclaw._host")]
#[derive(Debug, Clone)]
pub(crate) struct Work {
    step: u32,
    code: String,
}

/// How a cell failed: kind, message, 1-based line (0 = unknown), traceback.
type Failure = (String, String, u32, String);

/// The kernel's end of a session's socket.
///
/// Listening is for one thread at a time; a second one gets `RuntimeError`.
#[pyclass(frozen, module = "spatialclaw._host")]
pub(crate) struct Channel {
    socket: OwnedFd,
    state: Mutex<State>,
    /// Held while one message is written: a cell's own threads may show pictures while another message is under way.
    outgoing: Mutex<()>,
}

#[derive(Default)]
struct State {
    reader: Reader,
    calls: u64,
}

#[pymethods]
impl Channel {
    /// Takes over `descriptor`, a connected Unix stream socket.
    #[new]
    #[expect(unsafe_code, reason = "a descriptor can only come from Python as a number")]
    fn new(descriptor: RawFd) -> PyResult<Self> {
        if descriptor < 0 {
            return Err(PyValueError::new_err(format!("{descriptor} is not a descriptor")));
        }
        // SAFETY: the caller hands the descriptor over (documented in the stub) and does not use it again.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { socket, state: Mutex::default(), outgoing: Mutex::default() })
    }

    /// Waits for the session's first message.
    fn open(&self, py: Python<'_>) -> PyResult<Opening> {
        match self.listen(py)? {
            Some(Heard::Open(open)) => Ok(open.into()),
            other => Err(out_of_turn("open", other)),
        }
    }

    /// Says that the walls are up and cells may come.
    fn ready(&self, py: Python<'_>, python: String, walls: String) -> PyResult<()> {
        self.say(py, Said::Ready(wire::Ready { python, walls, pid: std::process::id() }))
    }

    /// Waits for the next cell; `None` when the host has closed the session.
    fn next_work(&self, py: Python<'_>) -> PyResult<Option<Work>> {
        loop {
            match self.listen(py)? {
                None => return Ok(None),
                Some(Heard::Run(run)) => return Ok(Some(Work { step: run.step, code: run.code })),
                // The answer to a call whose cell was interrupted.
                Some(Heard::Reply(_)) => {}
                other => return Err(out_of_turn("a cell", other)),
            }
        }
    }

    /// Reports the end of a cell.
    #[pyo3(signature = (*, step, seconds, stdout, stderr, error, new, changed, stdout_truncated))]
    #[expect(clippy::too_many_arguments, reason = "the fields of one message, by keyword")]
    fn done(
        &self,
        py: Python<'_>,
        step: u32,
        seconds: f64,
        stdout: String,
        stderr: String,
        error: Option<Failure>,
        new: Vec<(String, String)>,
        changed: Vec<(String, String)>,
        stdout_truncated: bool,
    ) -> PyResult<()> {
        let error =
            error.map(|(kind, message, line, traceback)| CellError { kind, message, line, traceback });
        self.say(
            py,
            Said::Done(wire::Done {
                step,
                seconds,
                stdout,
                stderr,
                error,
                new_variables: variables(new),
                changed_variables: variables(changed),
                stdout_truncated,
            }),
        )
    }

    /// Shows one image to the model. `png`: the encoded picture.
    #[pyo3(signature = (png, label, frame_index = None))]
    fn show(&self, py: Python<'_>, png: Vec<u8>, label: String, frame_index: Option<u32>) -> PyResult<()> {
        self.say(py, Said::Show(wire::Show { png: png.into(), label, frame_index }))
    }

    /// Submits the answer. `number` when it is one.
    #[pyo3(signature = (text, number = None))]
    fn submit_answer(&self, py: Python<'_>, text: String, number: Option<f64>) -> PyResult<()> {
        self.say(py, Said::Answer(wire::SubmitAnswer { text, number }))
    }

    /// Descriptor of a memory file with the encoded image of frame `index`.
    fn fetch_frame(&self, py: Python<'_>, index: u32) -> PyResult<RawFd> {
        self.fetch(py, call::Op::FetchFrame(wire::FetchFrame { index }))
    }

    /// Descriptor of a memory file with the safetensors of a reconstruction of `frames` at `width` x `height` pixels.
    fn reconstruct(&self, py: Python<'_>, frames: Vec<u32>, width: u32, height: u32) -> PyResult<RawFd> {
        self.fetch(py, call::Op::Reconstruct(wire::Reconstruct { frames, width, height }))
    }

    /// Descriptor of a memory file with the safetensors of a segmentation.
    ///
    /// `image`: a frame index, or the bytes of a PNG. Exactly one of `text`, `bounds` (x0, y0, x1, y1) and `points`
    /// (x, y, positive), in pixels of `width` x `height`.
    #[pyo3(signature = (image, width, height, *, text = None, bounds = None, points = None, score_threshold = 0.0))]
    #[expect(clippy::too_many_arguments, reason = "the fields of one message, by keyword")]
    fn segment(
        &self,
        py: Python<'_>,
        image: Image,
        width: u32,
        height: u32,
        text: Option<String>,
        bounds: Option<(f32, f32, f32, f32)>,
        points: Option<Vec<(f32, f32, bool)>>,
        score_threshold: f32,
    ) -> PyResult<RawFd> {
        let prompt = match (text, bounds, points) {
            (Some(text), None, None) => segment::Prompt::Text(text),
            (None, Some((x0, y0, x1, y1)), None) => segment::Prompt::Box(wire::Box { x0, y0, x1, y1 }),
            (None, None, Some(points)) => segment::Prompt::Points(wire::Points {
                points: points.into_iter().map(|(x, y, positive)| wire::Point { x, y, positive }).collect(),
            }),
            _ => return Err(PyValueError::new_err("exactly one of text, bounds and points is needed")),
        };
        let image = match image {
            Image::Frame(index) => segment::Image::Frame(index),
            Image::Png(bytes) => segment::Image::Png(bytes.into()),
        };
        self.fetch(
            py,
            call::Op::Segment(wire::Segment {
                image: Some(image),
                prompt: Some(prompt),
                width,
                height,
                score_threshold,
            }),
        )
    }

    /// The vision model's answer, as a JSON string. `pictures`: PNGs with the absolute index of their frame.
    fn ask_vision(
        &self,
        py: Python<'_>,
        kind: &str,
        pictures: Vec<(Vec<u8>, Option<u32>)>,
        question: String,
    ) -> PyResult<String> {
        let kind = vision_kind(kind)?.into();
        let picture = |(png, frame_index): (Vec<u8>, _)| wire::VisionPicture { png: png.into(), frame_index };
        let pictures = pictures.into_iter().map(picture).collect();
        let (reply, _) = self.call(py, call::Op::AskVision(wire::AskVision { kind, question, pictures }))?;
        spelled(reply)
    }
}

/// The kind of a question to the vision model, by the name the stub gives it.
fn vision_kind(name: &str) -> PyResult<VisionKind> {
    match name {
        "locate" => Ok(VisionKind::Locate),
        "think" => Ok(VisionKind::Think),
        other => Err(PyValueError::new_err(format!("a vision model can locate and think, not `{other}`"))),
    }
}

/// What a segmentation looks at.
#[derive(FromPyObject)]
enum Image {
    Frame(u32),
    Png(Vec<u8>),
}

impl Channel {
    /// Makes a call that is answered with a memory file.
    fn fetch(&self, py: Python<'_>, op: call::Op) -> PyResult<RawFd> {
        let (reply, descriptor) = self.call(py, op)?;
        settle(reply, descriptor)
    }

    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(PyRuntimeError::new_err("another thread is using the channel"))
            }
        }
    }

    fn say(&self, py: Python<'_>, kind: Said) -> PyResult<()> {
        let message = wire::FromKernel { kind: Some(kind) };
        Ok(py.detach(|| {
            let _turn = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            frame::send(&self.socket, &message)
        })?)
    }

    /// The next message, however long that takes; `None` at the end of the session.
    fn listen(&self, py: Python<'_>) -> PyResult<Option<Heard>> {
        let mut guard = self.state()?;
        let state = &mut *guard;
        loop {
            match py.detach(|| state.reader.next::<wire::ToKernel>(self.socket.as_fd())) {
                Ok(Incoming { message, .. }) => return Ok(message.kind),
                Err(frame::Error::Interrupted) => py.check_signals()?,
                Err(frame::Error::Closed) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn call(&self, py: Python<'_>, op: call::Op) -> PyResult<(wire::Reply, Option<OwnedFd>)> {
        let mut state = self.state()?;
        state.calls += 1;
        let number = state.calls;
        self.say(py, Said::Call(wire::Call { call: number, op: Some(op) }))?;
        loop {
            let Incoming { message, descriptor } = self.hear(py, &mut state)?;
            match message.kind {
                Some(Heard::Reply(reply)) if reply.call == number => return Ok((reply, descriptor)),
                Some(Heard::Reply(_)) => {}
                other => return Err(out_of_turn("an answer to a call", other)),
            }
        }
    }

    /// The next message, looking for signals every [`TURN`].
    fn hear(&self, py: Python<'_>, state: &mut State) -> PyResult<Incoming<wire::ToKernel>> {
        loop {
            py.check_signals()?;
            let readable = py.detach(|| poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&TURN)));
            match readable {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(frame::Error::Socket(errno).into()),
            }
            match py.detach(|| state.reader.next(self.socket.as_fd())) {
                Err(frame::Error::Interrupted) => {}
                other => return Ok(other?),
            }
        }
    }
}

/// Turns an answer into a descriptor that Python owns, or into the exception it asks for.
fn settle(reply: wire::Reply, descriptor: Option<OwnedFd>) -> PyResult<RawFd> {
    match (reply.result, descriptor) {
        (Some(reply::Result::BlobBytes(expected)), Some(descriptor)) => {
            let stat = rustix::fs::fstat(&descriptor).map_err(frame::Error::Socket)?;
            if stat.st_size as u64 != expected {
                return Err(protocol(format!("a tensor file of {} bytes, not {expected}", stat.st_size)));
            }
            Ok(descriptor.into_raw_fd())
        }
        (Some(reply::Result::Failure(failure)), _) => Err(exception(&failure)),
        (Some(reply::Result::BlobBytes(_)), None) => {
            Err(protocol("an answer without its descriptor".to_owned()))
        }
        (result, _) => Err(protocol(format!("an answer that is no tensor: {result:?}"))),
    }
}

/// Turns an answer into its JSON text, or into the exception it asks for.
fn spelled(reply: wire::Reply) -> PyResult<String> {
    match reply.result {
        Some(reply::Result::Json(text)) => Ok(text),
        Some(reply::Result::Failure(failure)) => Err(exception(&failure)),
        result => Err(protocol(format!("an answer that is no text: {result:?}"))),
    }
}

fn exception(failure: &wire::CallFailure) -> PyErr {
    let message = failure.message.clone();
    match failure.exception.as_str() {
        "ValueError" => PyValueError::new_err(message),
        "KeyError" => PyKeyError::new_err(message),
        "TimeoutError" => PyTimeoutError::new_err(message),
        _ => PyRuntimeError::new_err(message),
    }
}

fn out_of_turn(expected: &str, heard: Option<Heard>) -> PyErr {
    let heard = match heard {
        None => "nothing",
        Some(Heard::Open(_)) => "open",
        Some(Heard::Run(_)) => "a cell",
        Some(Heard::Reply(_)) => "an answer to a call",
    };
    protocol(format!("{heard} where {expected} was due"))
}

fn protocol(what: String) -> PyErr {
    frame::Error::Malformed(what).into()
}

fn variables(pairs: Vec<(String, String)>) -> Vec<Variable> {
    pairs.into_iter().map(|(name, summary)| Variable { name, summary }).collect()
}
