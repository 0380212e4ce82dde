//! The words every service uses. No I/O, no async, no wire format.
//!
//! A [`Question`] about [`Frame`]s becomes a [`Plan`], then [`Cell`]s whose
//! [`Observation`]s feed the next cell, until an [`Answer`]. Everything that
//! happens to it is an [`Event`] in its session's journal.
//!
//! Three kinds of bad news, never mixed: an exception inside a cell is part of
//! an [`Observation`] (good news for the next turn); a service that does not
//! answer is a [`Fault`]; a broken invariant is a bug and ends its actor.
//!
//! Units and frames: lengths in metres, angles in degrees, times in seconds,
//! image coordinates in pixels with the origin at the top-left corner. Poses
//! are camera-to-world, OpenCV camera axes (x right, y down, z forward).

mod artifact;
mod event;
mod fault;
mod frame;
mod id;
mod question;
mod turn;
mod vision;

pub use artifact::{ArtifactRef, Digest, ParseDigestError};
pub use event::{Event, EventKind, Outcome};
pub use fault::{Fault, FaultKind};
pub use frame::{DepthMap, Frame, InstanceMap, Intrinsics, Pose, StereoRig, Video};
pub use id::{KernelId, ParseIdError, SessionId};
pub use question::{AnswerType, Budget, Choice, Question};
pub use turn::{Answer, Cell, CellError, Observation, Plan, ShownImage, ToolCall, Usage, Variable};
pub use vision::{Picture, VisionCall, VisionKind, VisionQuestion};
