//! Depth and cameras: what is asked of the pod, and what is made of its answer.

use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{Fault, FaultKind, Frame};
use spatialclaw_models::pod::{DepthAsk, Scene, Stereo, ViewDepth};

use crate::{
    fetch::{self, Want},
    grid::{self, Size},
    request::Reconstruct,
    route::{Chosen, Way},
    tensors::File,
    world::World,
};

/// The safetensors file that answers `ask`.
///
/// # Errors
/// The pod's refusal, or `internal` if its answer cannot be used.
pub(crate) async fn answer(store: &ArtifactStore, chosen: &Chosen, ask: &Reconstruct) -> Result<File, Fault> {
    let sent = sent(ask, chosen.way)?;
    let views = fetch::views(store, &sent.frames, chosen.way, Want::Depth).await?;
    let scene = chosen.pod.depth(DepthAsk { views, stereo: sent.stereo }).await?;
    let asked =
        ask.frames.iter().map(|frame| position(&sent.frames, frame.index)).collect::<Result<Vec<_>, _>>()?;
    let indices: Vec<u32> = ask.frames.iter().map(|frame| frame.index).collect();
    let (anchor, world_up, size) = (sent.anchor, ask.world_up, ask.grid);
    let (engine, model) = (chosen.engine.clone(), chosen.model.clone());
    let made = tokio::task::spawn_blocking(move || {
        let world = World::fixed_by(view(&scene, anchor)?, world_up);
        let mut file = file(&scene, &asked, &world, size)?;
        file.note("frame_indices", indices);
        file.note("engine", engine);
        file.note("model", model);
        Ok(file)
    });
    made.await.map_err(|error| Fault::new(FaultKind::Internal, format!("reconstruction failed: {error}")))?
}

/// What goes to the pod.
struct Sent<'a> {
    frames: Vec<&'a Frame>,
    /// Position of the frame that fixes the world.
    anchor: usize,
    stereo: Option<Stereo>,
}

fn sent(ask: &Reconstruct, way: Way) -> Result<Sent<'_>, Fault> {
    match (way, ask.stereo) {
        (Way::Stereo, Some(rig)) => {
            let frames = vec![known(ask, rig.left)?, known(ask, rig.right)?];
            let stereo = Stereo { left: 0, right: 1, baseline_m: rig.baseline_m, doffs_px: rig.doffs_px };
            Ok(Sent { frames, anchor: 0, stereo: Some(stereo) })
        }
        _ => Ok(with_anchor(ask, way)),
    }
}

/// The frames asked for, and the one that fixes the world if poses relate it to them.
fn with_anchor(ask: &Reconstruct, way: Way) -> Sent<'_> {
    let mut frames: Vec<&Frame> = ask.frames.iter().collect();
    let first = ask.earliest();
    let posed = first.pose.is_some() && frames.iter().all(|frame| frame.pose.is_some());
    let usable = way != Way::Measured || first.depth.is_some();
    let anchor = match frames.iter().position(|frame| frame.index == first.index) {
        Some(_) if !posed => 0,
        Some(at) => at,
        None if posed && usable => {
            frames.push(first);
            frames.len() - 1
        }
        None => 0,
    };
    Sent { frames, anchor, stereo: None }
}

fn known(ask: &Reconstruct, index: u32) -> Result<&Frame, Fault> {
    ask.known().find(|frame| frame.index == index).ok_or_else(|| {
        let message =
            format!("frame {index} of the stereo pair was not sent along: ask for both frames of the pair");
        Fault::new(FaultKind::Invalid, message)
    })
}

fn position(frames: &[&Frame], index: u32) -> Result<usize, Fault> {
    let found = frames.iter().position(|frame| frame.index == index);
    found.ok_or_else(|| Fault::new(FaultKind::Internal, format!("frame {index} was asked for and not sent")))
}

fn view(scene: &Scene, at: usize) -> Result<&ViewDepth, Fault> {
    scene.views.iter().find(|view| view.index as usize == at).ok_or_else(|| {
        Fault::new(FaultKind::Internal, format!("the pod `{}` left view {at} unanswered", scene.model))
    })
}

fn file(scene: &Scene, asked: &[usize], world: &World, size: Size) -> Result<File, Fault> {
    let views: Vec<&ViewDepth> = asked.iter().map(|&at| view(scene, at)).collect::<Result<_, _>>()?;
    let (n, w, h) = (views.len(), size.0 as usize, size.1 as usize);
    let mut file = File::default();
    let intrinsics =
        views.iter().map(|view| grid::intrinsics(view.intrinsics, (view.width, view.height), size));
    file.f64("intrinsics", &[n, 4], intrinsics.flat_map(|k| [k.fx, k.fy, k.cx, k.cy]));
    file.f64("poses", &[n, 4, 4], views.iter().flat_map(|view| world.pose(view)));
    let resized = |pixels: &[f32], view: &ViewDepth| grid::nearest(pixels, (view.width, view.height), size);
    let depth = views.iter().map(|view| resized(&view.depth, view));
    file.f32("depth", &[n, h, w], depth.flatten().map(|d| if is_reading(d) { d } else { f32::NAN }));
    let confidence = views.iter().map(|view| {
        let pairs = resized(&view.depth, view).into_iter().zip(resized(&view.confidence, view));
        pairs.map(|(d, c)| if is_reading(d) { c.clamp(0.0, 1.0) } else { 0.0 }).collect::<Vec<f32>>()
    });
    file.f32("confidence", &[n, h, w], confidence.flatten());
    file.note("metric_scale", 1.0);
    file.note("gravity_source", world.gravity_source);
    file.note("scale_source", scene.scale_source.as_str());
    Ok(file)
}

fn is_reading(depth: f32) -> bool {
    depth.is_finite() && depth > 0.0
}
