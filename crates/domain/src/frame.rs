//! What a question is about: pictures and what came with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ArtifactRef;

/// One picture, with whatever the capture device measured beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Absolute index; unique within a question and strictly rising.
    pub index: u32,
    /// The encoded picture, upright (EXIF orientation already applied), 8-bit RGB.
    pub image: ArtifactRef,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Seconds since the start of the video.
    pub time_s: Option<f64>,
    /// Pinhole intrinsics, in pixels of `image`.
    pub intrinsics: Option<Intrinsics>,
    /// Where the camera stood.
    pub pose: Option<Pose>,
    /// Measured depth.
    pub depth: Option<DepthMap>,
    /// Known instance masks.
    pub instances: Option<InstanceMap>,
}

impl Frame {
    /// Whether a device measured anything here that a network would otherwise predict.
    pub fn is_measured(&self) -> bool {
        self.depth.is_some() || self.instances.is_some()
    }
}

/// Pinhole intrinsics, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intrinsics {
    /// Focal length along x.
    pub fx: f64,
    /// Focal length along y.
    pub fy: f64,
    /// Principal point.
    pub cx: f64,
    /// Principal point.
    pub cy: f64,
}

/// Camera-to-world, 4×4 row-major, OpenCV camera axes, metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pose(pub [f64; 16]);

/// A measured depth picture: 16-bit grey PNG or f32 `.npy`, of the image's aspect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepthMap {
    /// The encoded picture.
    pub artifact: ArtifactRef,
    /// Stored value times this is metres along camera +Z; stored 0 or NaN means no reading.
    pub metres_per_unit: f64,
}

/// Known instance masks: an 8- or 16-bit grey PNG of ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceMap {
    /// The encoded picture.
    pub artifact: ArtifactRef,
    /// Id in the picture to name. Two instances may share a name.
    pub labels: BTreeMap<u32, String>,
}

/// A rectified pair among a question's frames: `depth = fx · baseline / (disparity + doffs)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StereoRig {
    /// Absolute index of the left frame; it must carry intrinsics.
    pub left: u32,
    /// Absolute index of the right frame.
    pub right: u32,
    /// Metres.
    pub baseline_m: f64,
    /// Horizontal offset of the principal points, pixels (cx_right − cx_left).
    pub doffs_px: f64,
}

/// The video the frames were sampled from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// Native frames a second.
    pub fps: f64,
    /// Native frames in all.
    pub total_frames: u32,
    /// Seconds.
    pub duration_s: f64,
}
