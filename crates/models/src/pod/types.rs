//! What is asked of a pod and what it answers, in the domain's words.

use std::collections::BTreeMap;

use bytes::Bytes;
use spatialclaw_domain::Intrinsics;

/// What a pod can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Abilities {
    /// Depth; absent if the pod has none.
    pub depth: Option<DepthAbility>,
    /// Segmentation; absent if the pod has none.
    pub segment: Option<SegmentAbility>,
}

/// How a pod estimates depth.
#[derive(Clone, Debug, PartialEq)]
pub struct DepthAbility {
    /// e.g. `sensor`.
    pub engine: String,
    /// Model and revision; results of different revisions are never mixed.
    pub model: String,
    /// Of the weights, or empty.
    pub weights_sha256: Bytes,
    /// Most views of one request.
    pub max_views: u32,
    /// Serves what was measured and needs no pixels.
    pub needs_measured: bool,
    /// Can tell depth from pictures without a calibrated pair.
    pub single_image: bool,
    /// Can tell depth from a calibrated pair.
    pub stereo: bool,
}

/// How a pod segments.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentAbility {
    /// e.g. `sensor`.
    pub engine: String,
    /// Model and revision.
    pub model: String,
    /// Of the weights, or empty.
    pub weights_sha256: Bytes,
    /// Takes text prompts.
    pub text: bool,
    /// Takes box prompts.
    pub boxes: bool,
    /// Takes point prompts.
    pub points: bool,
    /// Serves what was measured and needs no pixels.
    pub needs_measured: bool,
}

/// One picture of a request.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Encoded picture; empty for pods that need no pixels.
    pub image: Bytes,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// In pixels of the picture.
    pub intrinsics: Option<Intrinsics>,
    /// World-to-camera, row-major; all views of a request or none.
    pub w2c: Option<[f64; 16]>,
    /// What a device measured.
    pub measured: Option<Measured>,
}

/// What a device measured for a view; an empty picture means not measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// 16-bit grey PNG or f32 `.npy`.
    pub depth: Bytes,
    /// Stored value times this is metres.
    pub metres_per_unit: f64,
    /// Grey PNG of instance ids.
    pub instances: Bytes,
    /// Id to name.
    pub labels: BTreeMap<u32, String>,
}

/// A rectified pair among the views.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stereo {
    /// Position in the request's views.
    pub left: u32,
    /// Position in the request's views.
    pub right: u32,
    /// Metres.
    pub baseline_m: f64,
    /// Pixels.
    pub doffs_px: f64,
}

/// Depth of some views, seen as one scene.
#[derive(Clone, Debug, Default)]
pub struct DepthAsk {
    /// At least one.
    pub views: Vec<View>,
    /// A calibrated pair among them.
    pub stereo: Option<Stereo>,
}

/// A pod's answer to [`DepthAsk`]; lengths in metres.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Model and revision.
    pub model: String,
    /// Where metres come from.
    pub scale_source: String,
    /// In the order of the request; a view without depth is missing.
    pub views: Vec<ViewDepth>,
}

/// Depth and camera of one view.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewDepth {
    /// Position in the request's views.
    pub index: u32,
    /// Pixels of `depth`.
    pub width: u32,
    /// Pixels of `depth`.
    pub height: u32,
    /// Metres along +Z, row by row; 0 = no reading.
    pub depth: Vec<f32>,
    /// 0 to 1, row by row.
    pub confidence: Vec<f32>,
    /// In pixels of `depth`.
    pub intrinsics: Intrinsics,
    /// World-to-camera, row-major.
    pub w2c: [f64; 16],
}

/// What names an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
    /// Words.
    Text(String),
    /// A box around it.
    Box(BoxPrompt),
    /// Points on it and beside it.
    Points(Vec<PointPrompt>),
}

/// Corners, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxPrompt {
    /// Left.
    pub x0: f32,
    /// Top.
    pub y0: f32,
    /// Right.
    pub x1: f32,
    /// Bottom.
    pub y1: f32,
}

/// A point, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointPrompt {
    /// Rightwards.
    pub x: f32,
    /// Downwards.
    pub y: f32,
    /// On the object, or beside it.
    pub positive: bool,
}

/// Every instance that `text` names.
#[derive(Clone, Debug)]
pub struct ConceptAsk {
    /// Where.
    pub view: View,
    /// What.
    pub text: String,
    /// Instances below it are left out; 0 to 1.
    pub score_threshold: f32,
    /// Most instances wanted.
    pub max_instances: u32,
}

/// The instance that points or a box pick.
#[derive(Clone, Debug)]
pub struct InteractiveAsk {
    /// Where.
    pub view: View,
    /// A box or points; text is refused.
    pub prompt: Prompt,
}

/// A pod's answer to [`ConceptAsk`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Concept {
    /// Best first.
    pub instances: Vec<Instance>,
    /// How sure the pod is that the concept is there at all, 0 to 1.
    pub presence: f32,
    /// Why nothing was found, or what else to know.
    pub note: String,
}

/// One object in one view.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The same object has the same id in every view, where the pod can tell.
    pub id: u32,
    /// 0 to 1.
    pub score: f32,
    /// The pod's name for it.
    pub label: String,
    /// Its pixels.
    pub mask: Mask,
}

/// Pixels of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Row by row.
    pub pixels: Vec<bool>,
}
