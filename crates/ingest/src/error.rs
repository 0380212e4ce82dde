//! Why a row cannot be asked, in words its author can act on.

use std::io;

use spatialclaw_bus as bus;
use spatialclaw_domain::{Fault, FaultKind};

/// A row cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The line is longer than a row may be.
    #[error("the line is longer than {limit} bytes (ingest.max_row_bytes)")]
    TooLong {
        /// Bytes.
        limit: usize,
    },
    /// The line is not text.
    #[error("column {column}: the line is not UTF-8 text")]
    NotText {
        /// Byte position, 1-based.
        column: usize,
    },
    /// The line is not JSON, or not of a row's shape.
    #[error("column {column}: {at}{message}")]
    Json {
        /// Byte position, 1-based.
        column: usize,
        /// The key it happened at and `: `, or nothing.
        at: String,
        /// What the JSON reader says.
        message: String,
    },
    /// The id is taken.
    #[error("id: is already used in line {first}: ids are unique in a manifest")]
    Duplicate {
        /// The line that used it first.
        first: u64,
    },
    /// The manifest broke off here: the disk's doing, not the row's.
    #[error("the manifest cannot be read on: {0}")]
    Unreadable(io::Error),
    /// A key's value has the right shape but makes no sense.
    #[error("{key}: {problem}")]
    Value {
        /// e.g. `frames[2].pose`.
        key: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A file the row names cannot be used.
    #[error("{key}: `{name}` {cause}")]
    File {
        /// e.g. `images[0]`.
        key: String,
        /// As the row names it.
        name: String,
        /// What is wrong with it.
        cause: FileError,
    },
    /// The artifact store failed: not the row's doing, and worth another try.
    #[error("the artifact store failed")]
    Store(#[source] bus::Error),
}

impl Error {
    pub(crate) fn value(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Value { key: key.into(), problem: problem.into() }
    }

    pub(crate) fn file(key: &str, name: &str, cause: impl Into<FileError>) -> Self {
        Self::File { key: key.to_owned(), name: name.to_owned(), cause: cause.into() }
    }

    /// Whether the row is to blame, rather than us.
    pub fn is_callers(&self) -> bool {
        !matches!(self, Self::Store(_) | Self::Unreadable(_))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let kind = if error.is_callers() { FaultKind::Invalid } else { FaultKind::Unavailable };
        Self::new(kind, error.to_string())
    }
}

/// What is wrong with a file; reads after its name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not there.
    #[error("does not exist in the manifest's folder")]
    Missing,
    /// Not among the uploaded parts.
    #[error("was not uploaded: no part has that name")]
    NotUploaded,
    /// It points elsewhere.
    #[error("is a URL: download it and name the file beside the manifest")]
    Url,
    /// It points elsewhere.
    #[error("leads out of the manifest's folder: put the file inside it and use a relative path")]
    Outside,
    /// A directory, FIFO, socket or device.
    #[error("is {0}, not a regular file")]
    NotRegular(&'static str),
    /// 0 bytes.
    #[error("is empty (0 bytes)")]
    Empty,
    /// Over a limit.
    #[error("has more than {limit} bytes ({setting})")]
    TooLarge {
        /// Bytes.
        limit: u64,
        /// The setting that says so.
        setting: &'static str,
    },
    /// The operating system says no.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// Not a usable picture.
    #[error("{0}")]
    Picture(#[from] PictureError),
    /// Not a usable video.
    #[error("{0}")]
    Video(#[from] VideoError),
}

/// What is wrong with a picture; reads after its name.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The bytes are of no format we decode.
    #[error("is no picture this build can read (PNG, JPEG, WebP, GIF, BMP, TIFF); it looks like {0}")]
    Unknown(&'static str),
    /// The header promises too much.
    #[error("claims {width}×{height} pixels, over the limit of {limit} (ingest.max_image_pixels)")]
    TooManyPixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Pixels in all.
        limit: u64,
    },
    /// It ends before its last pixel.
    #[error("ends early: the file is truncated")]
    Truncated,
    /// It does not decode.
    #[error("cannot be decoded: {0}")]
    Broken(String),
    /// Rotated by metadata, while something was measured in its stored orientation.
    #[error(
        "is turned by its EXIF orientation, so intrinsics, pose, depth, masks or stereo given with it are \
         ambiguous: store the picture upright"
    )]
    TurnedAndMeasured,
    /// Not the shape of picture that belongs there.
    #[error("{0}")]
    Unfit(String),
}

/// What is wrong with a video; reads after its name.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// No ffmpeg.
    #[error(
        "needs `{program}`, which is not there: install ffmpeg or set {setting} to its path, or give frames \
         as `images`"
    )]
    NoProgram {
        /// As configured.
        program: String,
        /// The setting.
        setting: &'static str,
    },
    /// The program could not be run.
    #[error("could not be handed to `{program}`: {cause}")]
    Start {
        /// As configured.
        program: String,
        /// What the operating system says.
        cause: io::Error,
    },
    /// The program took too long.
    #[error("was not read within {seconds} s (ingest.video_deadline)")]
    Deadline {
        /// Seconds.
        seconds: u64,
    },
    /// The program refused it.
    #[error("cannot be read as a video: {0}")]
    Refused(String),
    /// It has no frames.
    #[error("has no video frames")]
    NoFrames,
    /// It decodes to fewer frames than it declares.
    #[error("ends early: frame {wanted} of {total} could not be decoded")]
    EndsEarly {
        /// Absolute index.
        wanted: u32,
        /// As the container says.
        total: u32,
    },
}
