//! Section `ingest`: how much a row may ask for.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use spatialclaw_domain::Budget;

/// Section `ingest`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Pixels of one picture; checked before it is decoded.
    pub max_image_pixels: u64,
    /// Bytes of one picture, depth map or mask file.
    pub max_image_bytes: u64,
    /// Pictures of one row.
    pub max_images: usize,
    /// Characters of a question.
    pub max_question_chars: usize,
    /// Options of a multiple-choice question.
    pub max_options: usize,
    /// Characters of an id.
    pub max_id_chars: usize,
    /// Bytes of one manifest line; a longer one is skipped without being kept.
    pub max_row_bytes: usize,
    /// Frames sampled from a video, evenly, first and last included.
    pub max_video_frames: usize,
    /// Bytes of a video.
    pub max_video_bytes: u64,
    /// How long probing or sampling one video may take.
    #[serde(with = "humantime_serde")]
    pub video_deadline: Duration,
    /// The `ffmpeg` program; a bare name is looked up on `PATH`.
    pub ffmpeg: PathBuf,
    /// The `ffprobe` program; a bare name is looked up on `PATH`.
    pub ffprobe: PathBuf,
    /// What each question may spend.
    pub budget: Budget,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_image_pixels: 100_000_000,
            max_image_bytes: 256 << 20,
            max_images: 512,
            max_question_chars: 100_000,
            max_options: 1_000,
            max_id_chars: 256,
            max_row_bytes: 8 << 20,
            max_video_frames: 64,
            max_video_bytes: 4 << 30,
            video_deadline: Duration::from_secs(300),
            ffmpeg: "ffmpeg".into(),
            ffprobe: "ffprobe".into(),
            budget: Budget::default(),
        }
    }
}
