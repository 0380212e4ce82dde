//! A question, a bus in memory, and an executor with a real template.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use safetensors::{Dtype, tensor::TensorView};
use spatialclaw_bus::{self as bus, Bus, Serving};
use spatialclaw_domain::{AnswerType, Budget, Fault, FaultKind, Frame, Observation, Question, SessionId};
use spatialclaw_executor::{Config, Service};
use spatialclaw_proto::{
    kernel::v1::{
        InterruptRequest, KernelReply, KernelRequest, LeaseReply, LeaseRequest, ReleaseRequest, RunRequest,
        kernel_request::Op,
    },
    perception::v1::{PerceptionReply, PerceptionRequest, perception_request},
};
use spatialclaw_runtime::{Readiness, Service as _};
use tokio::sync::watch;

/// Longer than anything here takes, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const WIDTH: u32 = 8;
pub(crate) const HEIGHT: u32 = 6;

/// An executor of its own, with everything it talks to.
pub(crate) struct World {
    pub(crate) bus: Bus,
    pub(crate) readiness: Readiness,
    pub(crate) service: Option<Service>,
    pub(crate) perception: Perception,
    pub(crate) question: Question,
    _artifacts: tempfile::TempDir,
}

/// Settings for tests: the font cache is shared by all of them.
pub(crate) fn config() -> Config {
    Config {
        scratch_dir: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("executor")),
        min_walls: vec!["rlimits".to_owned()],
        kernels: 3,
        ..Config::default()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let artifacts = tempfile::tempdir().unwrap();
        let settings = bus::Config {
            artifacts: artifacts.path().display().to_string(),
            path: None,
            ..bus::Config::default()
        };
        let bus = Bus::connect(&settings, "executor-test").await.unwrap();
        let perception = Perception::serve(&bus).await;
        let readiness = Readiness::default();
        let service = spatialclaw_executor::spawn(bus.clone(), config, readiness.clone()).await.unwrap();
        let question = question(&bus).await;
        Self { bus, readiness, service: Some(service), perception, question, _artifacts: artifacts }
    }

    pub(crate) async fn try_lease(&self) -> Result<LeaseReply, Fault> {
        self.try_lease_for("").await
    }

    /// A lease for whoever holds the lease key `owner`.
    pub(crate) async fn try_lease_for(&self, owner: &str) -> Result<LeaseReply, Fault> {
        self.ask_lease(SessionId::random(), owner).await
    }

    /// A lease for a session that may have one already.
    pub(crate) async fn lease_as(&self, session: SessionId) -> Result<Kernel, Fault> {
        let reply = self.ask_lease(session, "").await?;
        Ok(Kernel { bus: self.bus.clone(), reply })
    }

    async fn ask_lease(&self, session: SessionId, owner: &str) -> Result<LeaseReply, Fault> {
        let question = Question { session, ..self.question.clone() };
        let request = LeaseRequest {
            question: Some(question.into()),
            owner: owner.to_owned(),
            ..LeaseRequest::default()
        };
        self.bus.ask("executor.lease", &request, PATIENCE).await
    }

    pub(crate) async fn lease_for(&self, owner: &str) -> Kernel {
        let reply = self.try_lease_for(owner).await.unwrap();
        Kernel { bus: self.bus.clone(), reply }
    }

    pub(crate) async fn lease(&self) -> Kernel {
        let reply = self.try_lease().await.unwrap();
        Kernel { bus: self.bus.clone(), reply }
    }

    /// Asks for a lease until one is to be had.
    pub(crate) async fn lease_soon(&self) -> Kernel {
        let asking = async {
            loop {
                match self.try_lease().await {
                    Ok(reply) => return Kernel { bus: self.bus.clone(), reply },
                    Err(fault) => {
                        assert!(fault.is_retryable(), "{fault}");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("a lease in time")
    }

    /// Process id of the living template, as readiness tells it.
    pub(crate) fn template(&self) -> Option<i32> {
        let conditions = self.readiness.conditions();
        let condition = &conditions["template"];
        let digits = condition.detail.split("process ").nth(1)?.split(',').next()?;
        condition.ready.then(|| digits.parse().unwrap())
    }

    pub(crate) async fn drain(&mut self, deadline: Duration) {
        Box::new(self.service.take().unwrap()).drain(deadline).await;
    }
}

/// The beginning of a cell that tells the test that it runs: see [`Perception::called`].
pub(crate) const CALL: &str = "tools.SAM3.segment_image_by_text(InputImages[0], 'chair')\n";

/// A leased kernel.
pub(crate) struct Kernel {
    pub(crate) bus: Bus,
    pub(crate) reply: LeaseReply,
}

pub(crate) fn run_request(step: u32, code: &str) -> RunRequest {
    RunRequest {
        step,
        code: code.to_owned(),
        deadline_ms: 30_000,
        shown_images_left: 10,
        tool_calls_left: u32::MAX,
        vision: Vec::new(),
    }
}

impl Kernel {
    pub(crate) fn key(&self) -> String {
        format!("kernel.{}", self.reply.kernel)
    }

    pub(crate) async fn ask(&self, op: Op) -> Result<KernelReply, Fault> {
        self.bus.ask(&self.key(), &KernelRequest { op: Some(op) }, PATIENCE).await
    }

    pub(crate) async fn try_run(&self, request: RunRequest) -> Result<Observation, Fault> {
        let reply = self.ask(Op::Run(request)).await?;
        Ok(reply.observation.expect("an observation").try_into().unwrap())
    }

    pub(crate) async fn run(&self, step: u32, code: &str) -> Observation {
        self.try_run(run_request(step, code)).await.unwrap()
    }

    pub(crate) async fn interrupt(&self) {
        self.ask(Op::Interrupt(InterruptRequest {})).await.unwrap();
    }

    pub(crate) async fn release(&self) {
        self.ask(Op::Release(ReleaseRequest {})).await.unwrap();
    }

    /// Waits until nobody holds the lease key.
    pub(crate) async fn lapsed(&self) {
        tokio::time::timeout(PATIENCE, self.bus.lapsed(&self.key())).await.expect("in time").unwrap();
    }

    /// The kernel is gone for good: key released, subject closed.
    pub(crate) async fn assert_gone(&self) {
        self.lapsed().await;
        let fault = self.try_run(run_request(99, "1")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
    }
}

/// Answers `perception` with hand-made tensors and remembers what it was asked.
pub(crate) struct Perception {
    pub(crate) asked: Arc<Mutex<Vec<PerceptionRequest>>>,
    pub(crate) absences: Arc<AtomicUsize>,
    calls: watch::Receiver<usize>,
    _serving: Serving,
}

impl Perception {
    async fn serve(bus: &Bus) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let absences = Arc::new(AtomicUsize::new(0));
        let (count, calls) = watch::channel(0);
        let count = Arc::new(count);
        let (record, away, store) = (Arc::clone(&asked), Arc::clone(&absences), bus.artifacts().clone());
        let handler = move |request: PerceptionRequest| {
            let (record, away, store) = (Arc::clone(&record), Arc::clone(&away), store.clone());
            record.lock().unwrap().push(request.clone());
            count.send_modify(|count| *count += 1);
            async move {
                if away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
                {
                    return Err(Fault::new(FaultKind::Unavailable, "no pod is there"));
                }
                let bytes = tensors(&request)?;
                let tensors = store.put(bytes, "application/vnd.safetensors").await?;
                Ok(PerceptionReply {
                    tensors: Some(tensors.into()),
                    engine: "fake".to_owned(),
                    model: "hand".to_owned(),
                    cached: false,
                    seconds: 0.0,
                })
            }
        };
        let serving = bus.serve("perception", 8, handler).await.unwrap();
        Self { asked, absences, calls, _serving: serving }
    }

    /// Waits until somebody asked.
    pub(crate) async fn called(&self) {
        let mut calls = self.calls.clone();
        let called = calls.wait_for(|count| *count > 0);
        tokio::time::timeout(PATIENCE, called).await.expect("a call in time").unwrap();
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn tensors(request: &PerceptionRequest) -> Result<Bytes, Fault> {
    match request.op.as_ref().unwrap() {
        perception_request::Op::Reconstruct(ask) => {
            Ok(reconstruction(ask.frames.iter().map(|frame| frame.index).collect(), ask.width, ask.height))
        }
        perception_request::Op::Segment(ask) if ask.score_threshold > 0.9 => {
            Err(Fault::new(FaultKind::Invalid, "nothing is that certain"))
        }
        perception_request::Op::Segment(ask) => Ok(segmentation(ask.width, ask.height)),
    }
}

fn le<const N: usize>(values: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    values.into_iter().flatten().collect()
}

/// Depth is 2 m everywhere in the first frame, 3 m in the second, and so on; cameras stand where the world begins.
fn reconstruction(indices: Vec<u32>, width: u32, height: u32) -> Bytes {
    let (n, w, h) = (indices.len(), width as usize, height as usize);
    let depth = le((0..n).flat_map(|frame| vec![(frame as f32 + 2.0).to_le_bytes(); w * h]));
    let confidence = le(vec![1.0_f32.to_le_bytes(); n * w * h]);
    let k = [10.0, 10.0, f64::from(width - 1) / 2.0, f64::from(height - 1) / 2.0];
    let intrinsics = le((0..n).flat_map(|_| k.map(f64::to_le_bytes)));
    let pose: [f64; 16] = [1., 0., 0., 0., 0., -1., 0., 1.5, 0., 0., -1., 0., 0., 0., 0., 1.];
    let poses = le((0..n).flat_map(|_| pose.map(f64::to_le_bytes)));
    let tensor = |dtype, shape, data| TensorView::new(dtype, shape, data).unwrap();
    let views = [
        ("depth", tensor(Dtype::F32, vec![n, h, w], &depth)),
        ("confidence", tensor(Dtype::F32, vec![n, h, w], &confidence)),
        ("intrinsics", tensor(Dtype::F64, vec![n, 4], &intrinsics)),
        ("poses", tensor(Dtype::F64, vec![n, 4, 4], &poses)),
    ];
    let metadata = [
        ("frame_indices", format!("{indices:?}")),
        ("metric_scale", "1.0".to_owned()),
        ("gravity_source", "\"world_up\"".to_owned()),
        ("scale_source", "\"measured\"".to_owned()),
        ("engine", "\"fake\"".to_owned()),
        ("model", "\"hand\"".to_owned()),
    ];
    serialize(views, metadata)
}

/// One mask: the left half.
fn segmentation(width: u32, height: u32) -> Bytes {
    let (w, h) = (width as usize, height as usize);
    let mask: Vec<u8> = (0..w * h).map(|pixel| u8::from(pixel % w < w / 2)).collect();
    let score = 0.8_f32.to_le_bytes();
    let id = 1_i32.to_le_bytes();
    let views = [
        ("masks", TensorView::new(Dtype::BOOL, vec![1, h, w], &mask).unwrap()),
        ("scores", TensorView::new(Dtype::F32, vec![1], &score).unwrap()),
        ("ids", TensorView::new(Dtype::I32, vec![1], &id).unwrap()),
    ];
    let metadata = [
        ("labels", "[\"chair\"]".to_owned()),
        ("engine", "\"fake\"".to_owned()),
        ("model", "\"hand\"".to_owned()),
        ("presence", "0.9".to_owned()),
        ("note", "\"\"".to_owned()),
    ];
    serialize(views, metadata)
}

fn serialize<const N: usize, const M: usize>(
    views: [(&str, TensorView<'_>); N],
    metadata: [(&str, String); M],
) -> Bytes {
    let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    safetensors::serialize(views, Some(metadata)).unwrap().into()
}

/// Two small frames, at indices 0 and 10; the second is brighter.
async fn question(bus: &Bus) -> Question {
    let mut frames = Vec::new();
    for (index, grey) in [(0, 50), (10, 200)] {
        let mut png = Vec::new();
        let pixels = vec![grey; (WIDTH * HEIGHT * 3) as usize];
        PngEncoder::new(&mut png).write_image(&pixels, WIDTH, HEIGHT, ExtendedColorType::Rgb8).unwrap();
        let image = bus.artifacts().put(png.into(), "image/png").await.unwrap();
        frames.push(Frame {
            index,
            image,
            width: WIDTH,
            height: HEIGHT,
            time_s: None,
            intrinsics: None,
            pose: None,
            depth: None,
            instances: None,
        });
    }
    Question {
        session: SessionId::random(),
        label: "test".to_owned(),
        text: "How far is the chair?".to_owned(),
        frames,
        stereo: None,
        world_up: None,
        video: None,
        choices: vec![],
        answer_type: AnswerType::Number,
        unit: None,
        budget: Budget::default(),
    }
}
