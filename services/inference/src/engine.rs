//! What an engine is asked and what it answers. Everything here has been checked: see [`crate::parse`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use spatialclaw_domain::Intrinsics;

use crate::admission::Permit;

/// Does the seeing. Its methods may be called concurrently, as often as there are permits.
///
/// The permit lasts as long as the work, even if the caller has left: an
/// engine that cannot stop half-way keeps it until it has stopped.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// What it is and can do.
    fn about(&self) -> &About;

    /// Depth and camera of every view.
    ///
    /// # Errors
    /// A refusal that names what is missing and what would help.
    async fn depth(&self, permit: Permit, ask: DepthAsk) -> Result<Scene, Refusal>;

    /// The instances a text names, for every prompt.
    ///
    /// # Errors
    /// As for [`Self::depth`]; a prompt that matches nothing is an empty [`Concept`] with a note.
    async fn concept(&self, permit: Permit, ask: ConceptAsk) -> Result<Vec<Concept>, Refusal>;

    /// The instances that points or a box pick, best first.
    ///
    /// # Errors
    /// As for [`Self::depth`].
    async fn interactive(&self, permit: Permit, ask: InteractiveAsk) -> Result<Vec<Instance>, Refusal>;
}

/// What an engine is and can do.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// e.g. `sensor`.
    pub engine: &'static str,
    /// Model and revision: changes whenever the same request may be answered differently.
    pub model: String,
    /// Of every weights file, one after the other; or empty.
    pub weights_sha256: Bytes,
    /// Of code and weights.
    pub license: &'static str,
    /// Most views of one request.
    pub max_views: u32,
    /// Serves what was measured; needs no pixels.
    pub needs_measured: bool,
    /// Depth from pictures that are no calibrated pair.
    pub single_image: bool,
    /// Depth from a calibrated pair.
    pub stereo: bool,
    /// Text prompts.
    pub text: bool,
    /// Box prompts.
    pub boxes: bool,
    /// Point prompts.
    pub points: bool,
    /// What text prompts may name; empty: anything.
    pub vocabulary: Vec<String>,
}

/// Why there is no answer; the text is for whoever asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The request can never work anywhere.
    #[error("{0}")]
    Invalid(String),
    /// This engine cannot do that; the text says what can.
    #[error("{0}")]
    Precondition(String),
    /// Too much at once.
    #[error("{0}")]
    Exhausted(String),
    /// The engine is starting again.
    #[error("{0}")]
    Unavailable(String),
    /// It took too long.
    #[error("{0}")]
    Deadline(String),
    /// A bug of ours.
    #[error("{0}")]
    Internal(String),
}

impl From<Refusal> for tonic::Status {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Invalid(_) => Self::invalid_argument(text),
            Refusal::Precondition(_) => Self::failed_precondition(text),
            Refusal::Exhausted(_) => Self::resource_exhausted(text),
            Refusal::Unavailable(_) => Self::unavailable(text),
            Refusal::Deadline(_) => Self::deadline_exceeded(text),
            Refusal::Internal(_) => Self::internal(text),
        }
    }
}

/// One picture of a request.
#[derive(Clone, Debug)]
pub struct View {
    /// Encoded; empty only for engines that need no pixels.
    pub image: Bytes,
    /// Pixels, more than 0.
    pub width: u32,
    /// Pixels, more than 0.
    pub height: u32,
    /// In pixels of the picture; focal lengths are positive.
    pub intrinsics: Option<Intrinsics>,
    /// World-to-camera, a rigid motion.
    pub w2c: Option<[f64; 16]>,
    /// What a device measured.
    pub measured: Measured,
}

/// What a device measured for a view; an empty picture means not measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// 16-bit grey PNG or f32 `.npy`.
    pub depth: Bytes,
    /// Positive if there is depth.
    pub metres_per_unit: f64,
    /// Grey PNG of instance ids.
    pub instances: Bytes,
    /// Id to name.
    pub labels: BTreeMap<u32, String>,
}

/// A rectified pair: `depth = fx · baseline / (disparity + doffs)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stereo {
    /// Position among the views.
    pub left: usize,
    /// Position among the views, another one.
    pub right: usize,
    /// Metres, positive.
    pub baseline_m: f64,
    /// Pixels.
    pub doffs_px: f64,
}

/// Depth of some views, seen as one scene.
#[derive(Clone, Debug)]
pub struct DepthAsk {
    /// At least one; all posed or none.
    pub views: Vec<View>,
    /// A pair among them.
    pub stereo: Option<Stereo>,
}

/// Depth in metres.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Where metres come from.
    pub scale_source: &'static str,
    /// Any order.
    pub views: Vec<ViewDepth>,
}

/// Depth and camera of one view.
#[derive(Clone, Debug)]
pub struct ViewDepth {
    /// Position among the views asked for.
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
    /// World-to-camera.
    pub w2c: [f64; 16],
}

/// Every instance that texts name.
#[derive(Clone, Debug)]
pub struct ConceptAsk {
    /// Where.
    pub view: View,
    /// What, each not blank.
    pub prompts: Vec<String>,
    /// 0 to 1.
    pub score_threshold: f32,
    /// Most instances of a prompt.
    pub max_instances: usize,
}

/// The answer to one text.
#[derive(Clone, Debug, Default)]
pub struct Concept {
    /// Best first.
    pub instances: Vec<Instance>,
    /// How sure the engine is that it is there at all, 0 to 1.
    pub presence: f32,
    /// Why nothing was found, or what else to know.
    pub note: String,
}

/// The instance that somebody points at.
#[derive(Clone, Debug)]
pub struct InteractiveAsk {
    /// Where.
    pub view: View,
    /// How, in pixels of the view.
    pub pick: Pick,
}

/// How somebody points.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// A box that overlaps the picture.
    Rect(Rect),
    /// Points, at least one of them positive and inside the picture.
    Points(Vec<Point>),
}

/// Corners, pixels; `x0 < x1`, `y0 < y1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left.
    pub x0: f64,
    /// Top.
    pub y0: f64,
    /// Right.
    pub x1: f64,
    /// Bottom.
    pub y1: f64,
}

/// A point, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Rightwards.
    pub x: f64,
    /// Downwards.
    pub y: f64,
    /// On the object, or beside it.
    pub positive: bool,
}

/// One object in one view.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The same object has the same id in every view, where the engine can tell.
    pub id: u32,
    /// 0 to 1.
    pub score: f32,
    /// The engine's name for it.
    pub label: String,
    /// In pixels of the picture.
    pub rect: Rect,
    /// Its pixels.
    pub mask: Mask,
}

/// Pixels of an object, on a grid that covers the whole picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Row by row, not padded, most significant bit first.
    pub bits: Vec<u8>,
    /// Pixels set.
    pub area: u64,
}

impl Mask {
    /// Packs a grid, row by row.
    pub fn pack(width: u32, height: u32, pixels: impl Iterator<Item = bool>) -> Self {
        let mut bits = vec![0; (width as usize * height as usize).div_ceil(8)];
        let mut area = 0;
        for (at, on) in pixels.enumerate() {
            if on {
                bits[at / 8] |= 0x80 >> (at % 8);
                area += 1;
            }
        }
        Self { width, height, bits, area }
    }
}

/// Intrinsics after resizing; integer coordinates are pixel centres.
pub(crate) fn resized(k: Intrinsics, from: (u32, u32), to: (u32, u32)) -> Intrinsics {
    let (sx, sy) = (f64::from(to.0) / f64::from(from.0), f64::from(to.1) / f64::from(from.1));
    Intrinsics { fx: k.fx * sx, fy: k.fy * sy, cx: (k.cx + 0.5) * sx - 0.5, cy: (k.cy + 0.5) * sy - 0.5 }
}
