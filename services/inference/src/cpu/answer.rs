//! What the child answers, checked and in the engine's words.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use spatialclaw_domain::Intrinsics;

use super::{Blobs, broken, child::Message};
use crate::{Concept, DepthAsk, Instance, Mask, Rect, Refusal, Scene, Stereo, View, ViewDepth};

const IDENTITY: [f64; 16] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];
/// Most pixels of the grid that the child works on.
const MAX_PIXELS: u64 = 4_000_000;

#[derive(Deserialize)]
struct Grid {
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Found {
    label: String,
    score: f32,
    rect: [f64; 4],
    area: u64,
}

#[derive(Deserialize)]
struct FoundConcept {
    presence: f32,
    note: String,
    instances: Vec<Found>,
}

fn field<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Refusal> {
    T::deserialize(value).map_err(|error| broken(&error.to_string()))
}

fn opened(message: Message) -> Result<(Value, Grid, Blobs), Refusal> {
    let grid: Grid = field(&message.header)?;
    let pixels = u64::from(grid.width) * u64::from(grid.height);
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(broken(&format!("a grid of {}x{}", grid.width, grid.height)));
    }
    Ok((message.header, grid, Blobs(message.blobs.into_iter())))
}

/// Depth of both views of a pair.
pub(super) fn scene(message: Message, ask: &DepthAsk, pair: Stereo, k: Intrinsics) -> Result<Scene, Refusal> {
    let (_, grid, mut blobs) = opened(message)?;
    let (left, right) = (&ask.views[pair.left], &ask.views[pair.right]);
    let left_pose = left.w2c.unwrap_or(IDENTITY);
    let right_pose = right.w2c.unwrap_or_else(|| beside(&left_pose, pair.baseline_m));
    let right_k = right.intrinsics.unwrap_or(Intrinsics { cx: k.cx + pair.doffs_px, ..k });
    let mut view = |at: usize, k: Intrinsics, w2c: [f64; 16]| {
        let from = (ask.views[at].width, ask.views[at].height);
        Ok(ViewDepth {
            index: at as u32,
            width: grid.width,
            height: grid.height,
            depth: floats(&blobs.next()?, &grid)?,
            confidence: floats(&blobs.next()?, &grid)?,
            intrinsics: crate::engine::resized(k, from, (grid.width, grid.height)),
            w2c,
        })
    };
    let views = vec![view(pair.left, k, left_pose)?, view(pair.right, right_k, right_pose)?];
    Ok(Scene { scale_source: "stereo baseline", views })
}

/// World-to-camera of a camera `baseline` metres to the right of another.
fn beside(left: &[f64; 16], baseline: f64) -> [f64; 16] {
    let mut right = *left;
    right[3] -= baseline;
    right
}

fn floats(blob: &Bytes, grid: &Grid) -> Result<Vec<f32>, Refusal> {
    if blob.len() != grid.width as usize * grid.height as usize * 4 {
        return Err(broken(&format!("{} bytes of depth for {}x{}", blob.len(), grid.width, grid.height)));
    }
    Ok(blob.chunks_exact(4).map(|raw| f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]])).collect())
}

/// One answer a prompt.
pub(super) fn concepts(message: Message, view: &View) -> Result<Vec<Concept>, Refusal> {
    let (header, grid, mut blobs) = opened(message)?;
    let found: Vec<FoundConcept> = field(&header["concepts"])?;
    found
        .into_iter()
        .map(|one| {
            let instances = placed(one.instances, &grid, &mut blobs, view)?;
            Ok(Concept { instances, presence: one.presence, note: one.note })
        })
        .collect()
}

/// Candidates, best first.
pub(super) fn instances(message: Message, view: &View) -> Result<Vec<Instance>, Refusal> {
    let (header, grid, mut blobs) = opened(message)?;
    placed(field(&header["instances"])?, &grid, &mut blobs, view)
}

fn placed(found: Vec<Found>, grid: &Grid, blobs: &mut Blobs, view: &View) -> Result<Vec<Instance>, Refusal> {
    let pixels = grid.width as usize * grid.height as usize;
    let across = |v: f64| (v + 0.5) * f64::from(view.width) / f64::from(grid.width) - 0.5;
    let down = |v: f64| (v + 0.5) * f64::from(view.height) / f64::from(grid.height) - 0.5;
    (1..)
        .zip(found)
        .map(|(id, one)| {
            let bits = blobs.next()?;
            if bits.len() != pixels.div_ceil(8) {
                return Err(broken(&format!("{} bytes of mask for {pixels} pixels", bits.len())));
            }
            let [x0, y0, x1, y1] = one.rect;
            Ok(Instance {
                id,
                score: one.score,
                label: one.label,
                rect: Rect { x0: across(x0), y0: down(y0), x1: across(x1), y1: down(y1) },
                mask: Mask { width: grid.width, height: grid.height, bits: bits.to_vec(), area: one.area },
            })
        })
        .collect()
}
