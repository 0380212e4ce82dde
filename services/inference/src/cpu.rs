//! Bare photographs, by OpenCV in a supervised child process (`engine/`).
//!
//! Calibrated stereo gives depth; a COCO detector and saliency give masks for
//! texts and boxes, GrabCut for points. A single photograph has no depth here,
//! and no invented one either.
//!
//! A fault of the child costs time and no answer: it is started again and the
//! request it left unanswered is sent once more, see [`keeper`]. Instance ids
//! count from 1 within one answer: nothing here recognises an object in two
//! pictures.

mod answer;
mod child;
mod keeper;
mod scripts;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use spatialclaw_runtime::Readiness;
use tokio::sync::{mpsc, oneshot};

use crate::{
    About, Concept, ConceptAsk, Config, DepthAsk, Engine, Instance, InteractiveAsk, Pick, Refusal, Scene,
    admission::Permit,
};

use child::Message;
use keeper::Job;

/// The engine `cpu`.
pub(crate) struct Cpu {
    about: About,
    jobs: mpsc::Sender<Job>,
}

impl Cpu {
    /// Starts the child in the background; until it is there, requests wait.
    ///
    /// # Errors
    /// If the child's scripts cannot be written to a temporary folder, or the pinned hashes cannot be read.
    pub(crate) fn start(config: &Config, readiness: Readiness) -> anyhow::Result<Self> {
        let launch = child::Launch::new(config, scripts::Scripts::unpack()?);
        // Those with a permit at work or at the head of the queue; the rest wait at the door.
        let (jobs, waiting) = mpsc::channel(config.concurrency.max(1));
        tokio::spawn(keeper::keep(launch, waiting, readiness, config.deadline));
        Ok(Self { about: about(config)?, jobs })
    }

    async fn ask(&self, permit: Permit, message: Message) -> Result<Message, Refusal> {
        let (reply, answer) = oneshot::channel();
        let gone = || Refusal::Unavailable("the cpu engine is closing".to_owned());
        self.jobs.send(Job::new(message, reply, permit)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn about(config: &Config) -> anyhow::Result<About> {
    Ok(About {
        engine: "cpu",
        model: "sgbm+ssd-mobilenet-v2-coco+u2net-p+grabcut/1".to_owned(),
        weights_sha256: scripts::weights()?,
        license: "Apache-2.0",
        max_views: config.max_views,
        stereo: true,
        text: true,
        boxes: true,
        points: true,
        vocabulary: scripts::vocabulary(),
        ..About::default()
    })
}

#[async_trait]
impl Engine for Cpu {
    fn about(&self) -> &About {
        &self.about
    }

    async fn depth(&self, permit: Permit, ask: DepthAsk) -> Result<Scene, Refusal> {
        let Some(pair) = ask.stereo else { return Err(no_depth()) };
        if let Some(other) = (0..ask.views.len()).find(|&at| at != pair.left && at != pair.right) {
            return Err(Refusal::Precondition(format!(
                "view {other} is not part of the stereo pair, and a single photograph has no depth here; ask for the \
                 pair alone"
            )));
        }
        let (left, right) = (&ask.views[pair.left], &ask.views[pair.right]);
        let Some(k) = left.intrinsics else {
            return Err(Refusal::Invalid("stereo: the left view needs intrinsics (k)".to_owned()));
        };
        let header = json!({
            "op": "stereo", "width": left.width, "fx": k.fx, "baseline": pair.baseline_m, "doffs": pair.doffs_px,
        });
        let message = Message { header, blobs: vec![left.image.clone(), right.image.clone()] };
        answer::scene(self.ask(permit, message).await?, &ask, pair, k)
    }

    async fn concept(&self, permit: Permit, ask: ConceptAsk) -> Result<Vec<Concept>, Refusal> {
        let header = json!({
            "op": "concept", "prompts": ask.prompts, "threshold": ask.score_threshold, "most": ask.max_instances,
        });
        let message = Message { header, blobs: vec![ask.view.image.clone()] };
        answer::concepts(self.ask(permit, message).await?, &ask.view)
    }

    async fn interactive(&self, permit: Permit, ask: InteractiveAsk) -> Result<Vec<Instance>, Refusal> {
        let header = match &ask.pick {
            Pick::Rect(r) => json!({"op": "box", "width": ask.view.width, "rect": [r.x0, r.y0, r.x1, r.y1]}),
            Pick::Points(points) => {
                let points: Vec<_> = points.iter().map(|p| json!([p.x, p.y, p.positive])).collect();
                json!({"op": "points", "width": ask.view.width, "points": points})
            }
        };
        let message = Message { header, blobs: vec![ask.view.image.clone()] };
        answer::instances(self.ask(permit, message).await?, &ask.view)
    }
}

fn no_depth() -> Refusal {
    Refusal::Precondition(
        "a single photograph has no depth here: the cpu engine computes depth from a calibrated stereo pair only. What \
         would help: a stereo pair with intrinsics and baseline, depth measured by the capture device (a sensor pod), \
         or a depth-network pod"
            .to_owned(),
    )
}

/// Takes the blobs of an answer one by one.
struct Blobs(std::vec::IntoIter<Bytes>);

impl Blobs {
    fn next(&mut self) -> Result<Bytes, Refusal> {
        self.0.next().ok_or_else(|| broken("a blob is missing"))
    }
}

fn broken(why: &str) -> Refusal {
    Refusal::Internal(format!("the cpu engine's answer cannot be used: {why}"))
}
