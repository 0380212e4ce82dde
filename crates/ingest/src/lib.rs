//! From a manifest row and the files it names to a [`Question`] whose pictures
//! lie in the artifact store.
//!
//! ```text
//! file ──Manifest──▶ line ──Row::parse──▶ Row ──question(source, store)──▶ Question
//!        (bounded)         (shape, then sense)   (files, pictures, video)
//! ```
//!
//! Everything from outside is doubted here and nowhere else: lines are
//! bounded, JSON is read into a shape that refuses unknown keys, the shape is
//! checked into a [`Row`] that makes sense, files are opened only inside the
//! manifest's folder, and pictures are measured before they are decoded.
//! What leaves is upright, 8-bit RGB and content-addressed.
//!
//! Failures: a file that is no manifest at all is one [`NotAManifest`] and no
//! rows; a bad row is one [`Error`] naming the key, the file and the cause, and
//! the rows after it are read as if it were not there; [`Error::Store`] is
//! ours, not the row's.
//!
//! The format is `docs/reference/manifest.md`.
//!
//! [`Question`]: spatialclaw_domain::Question

mod check;
mod container;
mod error;
mod limits;
mod manifest;
mod picture;
mod question;
mod raw;
mod row;
mod sensor;
mod sniff;
mod source;
mod video;

pub use error::{Error, FileError, PictureError, VideoError};
pub use limits::Limits;
pub use manifest::{Entry, Manifest, NotAManifest};
pub use question::question;
pub use row::{DepthSpec, FrameSpec, MaskSpec, Media, Reference, Row, Tolerance};
pub use source::{Folder, Local, Source, Uploaded};
