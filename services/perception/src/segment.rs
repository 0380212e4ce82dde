//! Masks: what is asked of the pod, and what is made of its answer.

use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{Fault, FaultKind};
use spatialclaw_models::pod::{
    self, BoxPrompt, Concept, ConceptAsk, Instance, InteractiveAsk, PointPrompt, View,
};

use crate::{
    Config,
    fetch::{self, Want},
    grid::{self, Size},
    request::{Prompt, Segment},
    route::Chosen,
    tensors::File,
};

const MAX_INSTANCES: u32 = 100;

/// The safetensors file that answers `ask`.
///
/// # Errors
/// The pod's refusal, or `internal` if its answer cannot be used.
pub(crate) async fn answer(
    store: &ArtifactStore,
    chosen: &Chosen,
    ask: &Segment,
    config: &Config,
) -> Result<File, Fault> {
    let mut views = fetch::views(store, &[&ask.frame], chosen.way, Want::Masks).await?;
    let view = views.pop().ok_or_else(|| Fault::new(FaultKind::Internal, "no view of one frame"))?;
    let found = found(chosen, ask, view).await?;
    let size = ask.grid;
    let pixels = u64::from(size.0) * u64::from(size.1);
    let (engine, model, most) = (chosen.engine.clone(), chosen.model.clone(), config.max_pixels / pixels);
    let made = tokio::task::spawn_blocking(move || {
        let mut file = file(found, size, most as usize);
        file.note("engine", engine);
        file.note("model", model);
        file
    });
    made.await.map_err(|error| Fault::new(FaultKind::Internal, format!("segmentation failed: {error}")))
}

async fn found(chosen: &Chosen, ask: &Segment, view: View) -> Result<Concept, Fault> {
    let to = (view.width, view.height);
    let prompt = match &ask.prompt {
        Prompt::Text(text) => {
            let ask = ConceptAsk {
                view,
                text: text.clone(),
                score_threshold: ask.score_threshold,
                max_instances: MAX_INSTANCES,
            };
            return chosen.pod.concept(ask).await;
        }
        Prompt::Box(corners) => pod::Prompt::Box(box_on(corners, ask.grid, to)),
        Prompt::Points(points) => pod::Prompt::Points(points_on(points, ask.grid, to)),
    };
    let candidates = chosen.pod.interactive(InteractiveAsk { view, prompt }).await?;
    Ok(best(candidates, &ask.prompt))
}

/// A box or points name one object: the best candidate.
fn best(mut candidates: Vec<Instance>, prompt: &Prompt) -> Concept {
    candidates.truncate(1);
    let nothing = match prompt {
        Prompt::Box(_) => "no object overlaps the box",
        _ => "no object lies under the foreground points",
    };
    let note = if candidates.is_empty() { nothing.to_owned() } else { String::new() };
    Concept { presence: candidates.first().map_or(0.0, |one| one.score), instances: candidates, note }
}

fn on(at: f32, from: u32, to: u32) -> f32 {
    grid::coordinate(at.into(), from, to) as f32
}

fn box_on([x0, y0, x1, y1]: &[f32; 4], from: Size, to: Size) -> BoxPrompt {
    BoxPrompt {
        x0: on(*x0, from.0, to.0),
        y0: on(*y0, from.1, to.1),
        x1: on(*x1, from.0, to.0),
        y1: on(*y1, from.1, to.1),
    }
}

fn points_on(points: &[(f32, f32, bool)], from: Size, to: Size) -> Vec<PointPrompt> {
    let point = |&(x, y, positive): &(f32, f32, bool)| PointPrompt {
        x: on(x, from.0, to.0),
        y: on(y, from.1, to.1),
        positive,
    };
    points.iter().map(point).collect()
}

fn file(found: Concept, size: Size, most: usize) -> File {
    let total = found.instances.len();
    let resized = found.instances.into_iter().map(|one| {
        let pixels = grid::nearest(&one.mask.pixels, (one.mask.width, one.mask.height), size);
        (one.id, one.score, one.label, pixels)
    });
    // What is too small to be seen on this grid is not there for whoever works on it.
    let kept: Vec<_> = resized.filter(|(.., pixels)| pixels.contains(&true)).take(most).collect();
    let note = match (kept.len(), total) {
        (0, 1..) => format!("what was found is too small to be seen at {}x{} pixels", size.0, size.1),
        (k, n) if k == most && k < n => format!("the best {k} of {n} instances: more do not fit one result"),
        _ => found.note,
    };
    let (k, w, h) = (kept.len(), size.0 as usize, size.1 as usize);
    let mut file = File::default();
    file.f32("scores", &[k], kept.iter().map(|(_, score, ..)| *score));
    file.i32("ids", &[k], kept.iter().map(|(id, ..)| i32::try_from(*id).unwrap_or(i32::MAX)));
    file.note("labels", kept.iter().map(|(_, _, label, _)| label.clone()).collect::<Vec<_>>());
    file.bool("masks", &[k, h, w], kept.into_iter().flat_map(|(.., pixels)| pixels));
    file.note("presence", f64::from(found.presence));
    file.note("note", note);
    file
}
