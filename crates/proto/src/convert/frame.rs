//! Frames and what came with them.

use spatialclaw_domain::{DepthMap, Frame, InstanceMap, Intrinsics, Pose, StereoRig, Video};

use super::{Error, required};
use crate::session::v1 as wire;

impl From<Intrinsics> for wire::Intrinsics {
    fn from(k: Intrinsics) -> Self {
        Self { fx: k.fx, fy: k.fy, cx: k.cx, cy: k.cy }
    }
}

impl From<wire::Intrinsics> for Intrinsics {
    fn from(k: wire::Intrinsics) -> Self {
        Self { fx: k.fx, fy: k.fy, cx: k.cx, cy: k.cy }
    }
}

impl From<StereoRig> for wire::StereoRig {
    fn from(rig: StereoRig) -> Self {
        Self { left: rig.left, right: rig.right, baseline_m: rig.baseline_m, doffs_px: rig.doffs_px }
    }
}

impl From<wire::StereoRig> for StereoRig {
    fn from(rig: wire::StereoRig) -> Self {
        Self { left: rig.left, right: rig.right, baseline_m: rig.baseline_m, doffs_px: rig.doffs_px }
    }
}

impl From<Video> for wire::Video {
    fn from(video: Video) -> Self {
        Self { fps: video.fps, total_frames: video.total_frames, duration_s: video.duration_s }
    }
}

impl From<wire::Video> for Video {
    fn from(video: wire::Video) -> Self {
        Self { fps: video.fps, total_frames: video.total_frames, duration_s: video.duration_s }
    }
}

impl From<DepthMap> for wire::DepthMap {
    fn from(depth: DepthMap) -> Self {
        Self { artifact: Some(depth.artifact.into()), metres_per_unit: depth.metres_per_unit }
    }
}

impl TryFrom<wire::DepthMap> for DepthMap {
    type Error = Error;

    fn try_from(depth: wire::DepthMap) -> Result<Self, Error> {
        Ok(Self {
            artifact: required(depth.artifact, "depth.artifact")?.try_into()?,
            metres_per_unit: depth.metres_per_unit,
        })
    }
}

impl From<InstanceMap> for wire::InstanceMap {
    fn from(map: InstanceMap) -> Self {
        Self { artifact: Some(map.artifact.into()), labels: map.labels.into_iter().collect() }
    }
}

impl TryFrom<wire::InstanceMap> for InstanceMap {
    type Error = Error;

    fn try_from(map: wire::InstanceMap) -> Result<Self, Error> {
        Ok(Self {
            artifact: required(map.artifact, "instances.artifact")?.try_into()?,
            labels: map.labels.into_iter().collect(),
        })
    }
}

impl From<Frame> for wire::Frame {
    fn from(frame: Frame) -> Self {
        Self {
            index: frame.index,
            image: Some(frame.image.into()),
            width: frame.width,
            height: frame.height,
            time_s: frame.time_s,
            intrinsics: frame.intrinsics.map(Into::into),
            camera_to_world: frame.pose.map(|Pose(m)| m.to_vec()).unwrap_or_default(),
            depth: frame.depth.map(Into::into),
            instances: frame.instances.map(Into::into),
        }
    }
}

impl TryFrom<wire::Frame> for Frame {
    type Error = Error;

    fn try_from(frame: wire::Frame) -> Result<Self, Error> {
        Ok(Self {
            index: frame.index,
            image: required(frame.image, "frame.image")?.try_into()?,
            width: frame.width,
            height: frame.height,
            time_s: frame.time_s,
            intrinsics: frame.intrinsics.map(Into::into),
            pose: pose(&frame.camera_to_world)?,
            depth: frame.depth.map(TryInto::try_into).transpose()?,
            instances: frame.instances.map(TryInto::try_into).transpose()?,
        })
    }
}

fn pose(values: &[f64]) -> Result<Option<Pose>, Error> {
    if values.is_empty() {
        return Ok(None);
    }
    let matrix = values.try_into().map_err(|_| {
        Error::invalid("camera_to_world", format!("expected 16 values, got {}", values.len()))
    })?;
    Ok(Some(Pose(matrix)))
}
