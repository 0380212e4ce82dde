//! Serves what a capture device measured, exactly as if a network had predicted it.
//!
//! Depth cameras, laser scanners of phones and simulators deliver depth,
//! intrinsics, poses and instance masks beside the picture; nothing here looks
//! at the picture itself. Confidence is 1 where there is a reading, else 0.

mod depth;
mod instances;
mod label;

use async_trait::async_trait;

use crate::{
    About, Concept, ConceptAsk, Config, DepthAsk, Engine, Instance, InteractiveAsk, Refusal, Scene, View,
    ViewDepth, admission::Permit,
};

/// Most pixels of a depth map: depth and confidence of one view must fit one message.
const DEPTH_PIXELS: u64 = 7_500_000;
const IDENTITY: [f64; 16] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

/// The engine `sensor`.
pub(crate) struct Sensor {
    about: About,
}

impl Sensor {
    pub(crate) fn new(config: &Config) -> Self {
        let about = About {
            engine: "sensor",
            model: "measured-1".to_owned(),
            license: "Apache-2.0",
            max_views: config.max_views,
            needs_measured: true,
            text: true,
            boxes: true,
            points: true,
            ..About::default()
        };
        Self { about }
    }
}

#[async_trait]
impl Engine for Sensor {
    fn about(&self) -> &About {
        &self.about
    }

    async fn depth(&self, permit: Permit, ask: DepthAsk) -> Result<Scene, Refusal> {
        blocking(permit, move || scene(&ask.views)).await
    }

    async fn concept(&self, permit: Permit, ask: ConceptAsk) -> Result<Vec<Concept>, Refusal> {
        blocking(permit, move || instances::concepts(&ask)).await
    }

    async fn interactive(&self, permit: Permit, ask: InteractiveAsk) -> Result<Vec<Instance>, Refusal> {
        blocking(permit, move || instances::picked(&ask)).await
    }
}

/// Decoding takes its time: away from the async threads, and under its permit to the end.
async fn blocking<T: Send + 'static>(
    permit: Permit,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    done.await.unwrap_or_else(|error| Err(Refusal::Internal(format!("the sensor engine failed: {error}"))))
}

fn scene(views: &[View]) -> Result<Scene, Refusal> {
    if views.len() > 1 && views.iter().any(|view| view.w2c.is_none()) {
        return Err(Refusal::Precondition(format!(
            "{} views without poses: the sensor engine knows no way to place them in one scene; reconstruct them \
             one at a time, supply poses, or add a pod whose network estimates them",
            views.len()
        )));
    }
    let views = views.iter().enumerate().map(|(at, view)| view_depth(at, view)).collect::<Result<_, _>>()?;
    Ok(Scene { scale_source: "measured depth", views })
}

fn view_depth(at: usize, view: &View) -> Result<ViewDepth, Refusal> {
    if view.measured.depth.is_empty() {
        return Err(Refusal::Precondition(format!(
            "view {at} carries no measured depth, and the sensor engine measures nothing itself; give the frame a \
             depth map, or add a depth pod for bare pictures"
        )));
    }
    let Some(k) = view.intrinsics else {
        return Err(Refusal::Precondition(format!(
            "view {at} has measured depth but no intrinsics; without focal lengths depth has no place in space"
        )));
    };
    let grid = depth::decode(&view.measured.depth, view.measured.metres_per_unit, DEPTH_PIXELS)
        .map_err(|error| Refusal::Invalid(format!("view {at}: measured depth: {error}")))?;
    let (w, h) = (grid.width, grid.height);
    if !same_aspect((w, h), (view.width, view.height)) {
        let (vw, vh) = (view.width, view.height);
        return Err(Refusal::Invalid(format!(
            "view {at}: a depth map of {w}x{h} does not cover a picture of {vw}x{vh}: their aspects differ"
        )));
    }
    let confidence = grid.metres.iter().map(|&d| f32::from(u8::from(d > 0.0))).collect();
    Ok(ViewDepth {
        index: at as u32,
        width: w,
        height: h,
        depth: grid.metres,
        confidence,
        intrinsics: crate::engine::resized(k, (view.width, view.height), (w, h)),
        w2c: view.w2c.unwrap_or(IDENTITY),
    })
}

/// Within a pixel, which is what rounding a size costs, or one percent.
fn same_aspect(a: (u32, u32), b: (u32, u32)) -> bool {
    let (aw, ah, bw, bh) = (f64::from(a.0), f64::from(a.1), f64::from(b.0), f64::from(b.1));
    let height = bh * aw / bw;
    (height - ah).abs() <= 1.0_f64.max(0.01 * ah)
}
