//! The dispatcher on an in-process bus, with a real sensor pod behind real gRPC.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{io::Cursor, sync::Arc, time::Duration};

use bytes::Bytes;
use image::{GrayImage, ImageBuffer, ImageFormat, Luma};
use safetensors::SafeTensors;
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_domain::{
    ArtifactRef, DepthMap, Fault, FaultKind, Frame, InstanceMap, Intrinsics, Pose, StereoRig,
};
use spatialclaw_models::pod::{self, Endpoint, Pods};
use spatialclaw_perception::{Config, SUBJECT};
use spatialclaw_proto::{
    kernel::v1::{Box, Point, Points},
    perception::v1::{
        PerceptionReply, PerceptionRequest, ReconstructRequest, SegmentRequest, perception_request::Op,
        segment_request::Prompt,
    },
};
use spatialclaw_runtime::{Readiness, Service as _};

const DEADLINE: Duration = Duration::from_secs(30);
const HEIGHT: f64 = 1.2;
const K: Intrinsics = Intrinsics { fx: 60.0, fy: 60.0, cx: 39.5, cy: 29.5 };

struct World {
    bus: Bus,
    dispatcher: spatialclaw_perception::Service,
    pod: Option<spatialclaw_inference::Service>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> Self {
        let inference = spatialclaw_inference::Config {
            listen: ([127, 0, 0, 1], 0).into(),
            ..spatialclaw_inference::Config::default()
        };
        let pod = spatialclaw_inference::spawn(inference, Readiness::default()).await.unwrap();
        let pods = Pods::connect(&pod::Config {
            endpoints: vec![Endpoint::at(format!("http://{}", pod.address()))],
            ..pod::Config::default()
        });
        Self::over(pods.unwrap(), config, Some(pod)).await
    }

    async fn over(pods: Pods, config: Config, pod: Option<spatialclaw_inference::Service>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path().join("artifacts").display().to_string();
        let bus = Bus::connect(&bus::Config { artifacts, ..bus::Config::default() }, "test").await.unwrap();
        let dispatcher = spatialclaw_perception::spawn(bus.clone(), pods, config).await.unwrap();
        Self { bus, dispatcher, pod, _folder: folder }
    }

    async fn put(&self, bytes: Vec<u8>) -> ArtifactRef {
        self.bus.artifacts().put(bytes.into(), "image/png").await.unwrap()
    }

    async fn ask(&self, op: Op) -> Result<PerceptionReply, Fault> {
        let request = PerceptionRequest { session: "s".to_owned(), op: Some(op) };
        self.bus.ask(SUBJECT, &request, DEADLINE).await
    }

    async fn tensors(&self, reply: &PerceptionReply) -> Bytes {
        let artifact = reply.tensors.clone().unwrap().try_into().unwrap();
        self.bus.artifacts().get(&artifact).await.unwrap()
    }

    async fn close(self) {
        std::boxed::Box::new(self.dispatcher).drain(DEADLINE).await;
        if let Some(pod) = self.pod {
            std::boxed::Box::new(pod).drain(DEADLINE).await;
        }
    }

    /// A camera 1.2 m over a floor, pitched down by 0.4, that walked `at` metres to its right.
    async fn frame(&self, index: u32, at: f64) -> Frame {
        let (s, c) = 0.4_f64.sin_cos();
        // World: +Y up, camera looks along -Z.
        let pose = [1., 0., 0., at, 0., -c, -s, HEIGHT, 0., s, -c, 0., 0., 0., 0., 1.];
        let depth: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_fn(80, 60, |_, v| {
            let down = c * (f64::from(v) - K.cy) / K.fy + s;
            let z = if down > 0.0 { HEIGHT / down } else { f64::INFINITY };
            Luma([if z < 6.0 { (z * 10_000.0).round() as u16 } else { 0 }])
        });
        let ids = GrayImage::from_fn(80, 60, |u, v| match (u / 20, v / 30) {
            (0, 1) => Luma([3]),
            (3, 1) => Luma([4]),
            _ => Luma([0]),
        });
        let labels = [(3, "red chair".to_owned()), (4, "table".to_owned())].into();
        Frame {
            index,
            image: self.put(png(&image::RgbImage::from_pixel(80, 60, image::Rgb([index as u8, 0, 0])))).await,
            width: 80,
            height: 60,
            time_s: None,
            intrinsics: Some(K),
            pose: Some(Pose(pose)),
            depth: Some(DepthMap { artifact: self.put(png(&depth)).await, metres_per_unit: 1e-4 }),
            instances: Some(InstanceMap { artifact: self.put(png(&ids)).await, labels }),
        }
    }
}

fn png<P, C>(picture: &ImageBuffer<P, C>) -> Vec<u8>
where
    P: image::PixelWithColorType,
    [P::Subpixel]: image::EncodableLayout,
    C: std::ops::Deref<Target = [P::Subpixel]>,
{
    let mut file = Vec::new();
    picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).unwrap();
    file
}

fn reconstruct(frames: &[&Frame], support: &[&Frame], size: (u32, u32)) -> Op {
    let wire = |frames: &[&Frame]| frames.iter().map(|&frame| frame.clone().into()).collect();
    Op::Reconstruct(ReconstructRequest {
        frames: wire(frames),
        support: wire(support),
        width: size.0,
        height: size.1,
        ..ReconstructRequest::default()
    })
}

fn segment(frame: &Frame, prompt: Prompt, size: (u32, u32)) -> Op {
    Op::Segment(SegmentRequest {
        frame: Some(frame.clone().into()),
        width: size.0,
        height: size.1,
        prompt: Some(prompt),
        score_threshold: 0.3,
    })
}

fn text(prompt: &str) -> Prompt {
    Prompt::Text(prompt.to_owned())
}

fn f64s(file: &[u8], name: &str) -> Vec<f64> {
    let file = SafeTensors::deserialize(file).unwrap();
    let data = file.tensor(name).unwrap().data().to_vec();
    data.chunks_exact(8).map(|raw| f64::from_le_bytes(raw.try_into().unwrap())).collect()
}

fn f32s(file: &[u8], name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(file).unwrap();
    let data = file.tensor(name).unwrap().data().to_vec();
    data.chunks_exact(4).map(|raw| f32::from_le_bytes(raw.try_into().unwrap())).collect()
}

fn note(file: &[u8], name: &str) -> serde_json::Value {
    let (_, metadata) = SafeTensors::read_metadata(file).unwrap();
    serde_json::from_str(&metadata.metadata().as_ref().unwrap()[name]).unwrap()
}

fn close(a: &[f64], b: &[f64]) {
    assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-3), "{a:?} is not {b:?}");
}

#[tokio::test]
async fn a_reconstruction_stands_in_one_world_whatever_frames_are_asked_for() {
    let world = World::new().await;
    let (first, second) = (world.frame(0, 5.0).await, world.frame(10, 7.0).await);
    let both = world.ask(reconstruct(&[&first, &second], &[], (40, 30))).await.unwrap();
    let alone = world.ask(reconstruct(&[&second], &[&first], (40, 30))).await.unwrap();
    let (both, alone) = (world.tensors(&both).await, world.tensors(&alone).await);
    let poses = f64s(&both, "poses");
    let (s, c) = 0.4_f64.sin_cos();
    close(&poses[..16], &[1., 0., 0., 0., 0., -c, -s, HEIGHT, 0., s, -c, 0., 0., 0., 0., 1.]);
    close(&[poses[16 + 3], poses[16 + 7], poses[16 + 11]], &[2.0, HEIGHT, 0.0]);
    assert_eq!(f64s(&alone, "poses"), poses[16..], "the first frame fixes the world either way");
    assert_eq!(note(&both, "frame_indices"), serde_json::json!([0, 10]));
    assert_eq!(note(&alone, "frame_indices"), serde_json::json!([10]));
    assert_eq!(note(&both, "gravity_source"), "ground plane");
    assert_eq!(note(&both, "scale_source"), "measured depth");
    let k = f64s(&both, "intrinsics");
    assert_eq!(k[..4], [30.0, 30.0, 19.5, 14.5], "in pixels of the grid asked for");
    let (depth, confidence) = (f32s(&both, "depth"), f32s(&both, "confidence"));
    assert_eq!(depth.len(), 2 * 40 * 30);
    assert!(depth[0].is_nan() && confidence[0] == 0.0, "no reading above the horizon");
    let down = c * ((59.0 - K.cy) / K.fy) + s;
    let last = depth[40 * 30 - 1];
    assert!((f64::from(last) - HEIGHT / down).abs() < 1e-3 && confidence[40 * 30 - 1] == 1.0);
    world.close().await;
}

#[tokio::test]
async fn masks_come_on_the_grid_asked_for() {
    let world = World::new().await;
    let frame = world.frame(0, 0.0).await;
    let found = world.ask(segment(&frame, text("chairs"), (40, 30))).await.unwrap();
    assert_eq!((found.engine.as_str(), found.cached), ("sensor", false));
    let file = world.tensors(&found).await;
    assert_eq!(note(&file, "labels"), serde_json::json!(["red chair"]));
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let masks = tensors.tensor("masks").unwrap();
    assert_eq!(masks.shape(), [1, 30, 40]);
    let on = |u: usize, v: usize| masks.data()[v * 40 + u];
    assert_eq!([on(0, 15), on(9, 29), on(10, 20), on(0, 14)], [1, 1, 0, 0]);
    assert_eq!(masks.data().iter().map(|&on| usize::from(on)).sum::<usize>(), 150);
    assert_eq!(tensors.tensor("ids").unwrap().data(), 3_i32.to_le_bytes());

    // In pixels of the small grid, the table begins at 30, 15.
    let point = Points { points: vec![Point { x: 35.0, y: 20.0, positive: true }] };
    let picked = world.ask(segment(&frame, Prompt::Points(point), (40, 30))).await.unwrap();
    assert_eq!(note(&world.tensors(&picked).await, "labels"), serde_json::json!(["table"]));
    let corners = Prompt::Box(Box { x0: 30.0, y0: 15.0, x1: 39.0, y1: 29.0 });
    let boxed = world.ask(segment(&frame, corners, (40, 30))).await.unwrap();
    let boxed = world.tensors(&boxed).await;
    assert_eq!(note(&boxed, "labels"), serde_json::json!(["table"]));
    assert!(f32s(&boxed, "scores")[0] > 0.9, "corners are pixel centres, half a small pixel inside the edge");
    world.close().await;
}

#[tokio::test]
async fn nothing_found_is_an_empty_answer_that_says_why() {
    let world = World::new().await;
    let frame = world.frame(0, 0.0).await;
    let found = world.ask(segment(&frame, text("piano"), (40, 30))).await.unwrap();
    let file = world.tensors(&found).await;
    let shape = SafeTensors::deserialize(&file).unwrap().tensor("masks").unwrap().shape().to_vec();
    assert_eq!(shape, [0, 30, 40]);
    let why = note(&file, "note");
    assert!(why.as_str().unwrap().contains("red chair, table"), "{why}");
    world.close().await;
}

#[tokio::test]
async fn what_was_found_once_is_not_looked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { index: Some(folder.path().join("index.jsonl")), ..Config::default() };
    let world = World::with(config.clone()).await;
    let frame = world.frame(0, 0.0).await;
    let ask = || world.ask(reconstruct(&[&frame], &[], (40, 30)));
    let fresh = ask().await.unwrap();
    let again = ask().await.unwrap();
    assert!(!fresh.cached && again.cached);
    assert_eq!(fresh.tensors, again.tensors);
    // The same picture in another question, at another place of the video: the same masks.
    world.ask(segment(&frame, text("table"), (40, 30))).await.unwrap();
    let elsewhere = Frame { index: 7, time_s: Some(3.0), ..frame.clone() };
    assert!(world.ask(segment(&elsewhere, text("table"), (40, 30))).await.unwrap().cached);
    assert!(!world.ask(segment(&elsewhere, text("table"), (20, 15))).await.unwrap().cached);
    // A dispatcher that starts over its predecessor's index needs no pod for what that one found.
    let bus = world.bus.clone();
    std::boxed::Box::new(world.dispatcher).drain(DEADLINE).await;
    let pods = Pods::connect(&pod::Config {
        endpoints: vec![Endpoint::at(format!("http://{}", world.pod.as_ref().unwrap().address()))],
        ..pod::Config::default()
    });
    let second = spatialclaw_perception::spawn(bus.clone(), pods.unwrap(), config).await.unwrap();
    let request =
        PerceptionRequest { session: String::new(), op: Some(reconstruct(&[&frame], &[], (40, 30))) };
    let recalled: PerceptionReply = bus.ask(SUBJECT, &request, DEADLINE).await.unwrap();
    assert!(recalled.cached);
    assert_eq!(recalled.tensors, fresh.tensors);
    std::boxed::Box::new(second).drain(DEADLINE).await;
}

#[tokio::test]
async fn fresh_equals_cached_to_the_byte() {
    let (one, other) = (World::new().await, World::new().await);
    let (a, b) = (one.frame(0, 1.0).await, other.frame(0, 1.0).await);
    let a = one.ask(reconstruct(&[&a], &[], (40, 30))).await.unwrap();
    let b = other.ask(reconstruct(&[&b], &[], (40, 30))).await.unwrap();
    assert!(!a.cached && !b.cached);
    assert_eq!(a.tensors, b.tensors, "two dispatchers that never met");
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn identical_asks_in_flight_cost_one() {
    let world = Arc::new(World::new().await);
    let frame = world.frame(0, 0.0).await;
    let asks = (0..8).map(|_| world.ask(reconstruct(&[&frame], &[], (64, 48))));
    let replies = futures::future::join_all(asks).await;
    let first = replies[0].as_ref().unwrap().tensors.clone();
    assert!(replies.iter().all(|reply| reply.as_ref().unwrap().tensors == first));
    Arc::into_inner(world).unwrap().close().await;
}

#[tokio::test]
async fn a_pod_that_is_gone_is_named_with_the_fix() {
    // A port that was free a moment ago: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pods = Pods::connect(&pod::Config {
        endpoints: vec![Endpoint::at(format!("http://{free}"))],
        ..pod::Config::default()
    });
    let config = Config { attempts: 2, retry_wait: Duration::from_millis(1), ..Config::default() };
    let world = World::over(pods.unwrap(), config, None).await;
    let frame = world.frame(0, 0.0).await;
    let fault = world.ask(reconstruct(&[&frame], &[], (40, 30))).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains(&free.to_string()) && fault.message.contains("pods.endpoints"), "{fault}");
    world.close().await;
}

#[tokio::test]
async fn what_no_pod_can_do_is_refused_with_what_could() {
    let world = World::new().await;
    let bare = Frame { depth: None, instances: None, ..world.frame(4, 0.0).await };
    let fault = world.ask(reconstruct(&[&bare], &[], (40, 30))).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    for word in ["frame 4", "stereo", "sensor", "depth-network"] {
        assert!(fault.message.contains(word), "{word}: {fault}");
    }
    let fault = world.ask(segment(&bare, text("chair"), (40, 30))).await.unwrap_err();
    assert!(fault.message.contains("cpu"), "{fault}");
    let unposed = [0, 1].map(|_| Frame { pose: None, ..bare.clone() });
    let mut pair = [world.frame(0, 0.0).await, world.frame(1, 0.0).await];
    pair.iter_mut().for_each(|frame| frame.pose = None);
    let fault = world.ask(reconstruct(&[&pair[0], &pair[1]], &[], (40, 30))).await.unwrap_err();
    assert!(fault.message.contains("without poses"), "{fault}");
    let fault = world.ask(reconstruct(&[&unposed[0], &unposed[1]], &[], (40, 30))).await.unwrap_err();
    assert!(fault.message.contains("twice"), "{fault}");
    world.close().await;
}

#[tokio::test]
async fn absurd_asks_are_refused_before_they_cost_anything() {
    let world = World::new().await;
    let frame = world.frame(0, 0.0).await;
    let refused = async |op| {
        let fault = world.ask(op).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid, "{fault}");
        fault.message
    };
    assert!(refused(reconstruct(&[], &[], (40, 30))).await.contains("no frames"));
    assert!(refused(reconstruct(&[&frame], &[], (0, 30))).await.contains("0x30"));
    assert!(refused(reconstruct(&[&frame], &[], (u32::MAX, u32::MAX))).await.contains("smaller"));
    assert!(refused(segment(&frame, text("  "), (40, 30))).await.contains("blank"));
    let inside_out = Prompt::Box(Box { x0: 9.0, y0: 9.0, x1: 3.0, y1: 12.0 });
    assert!(refused(segment(&frame, inside_out, (40, 30))).await.contains("x1 < x2"));
    let outside = Points { points: vec![Point { x: 400.0, y: 2.0, positive: true }] };
    assert!(refused(segment(&frame, Prompt::Points(outside), (40, 30))).await.contains("400"));
    let Op::Reconstruct(mut ask) = reconstruct(&[&frame], &[], (40, 30)) else { unreachable!() };
    ask.world_up = vec![0.0, 0.0, 0.0];
    assert!(refused(Op::Reconstruct(ask)).await.contains("world_up"));
    world.close().await;
}

#[tokio::test]
async fn half_a_pair_needs_its_other_half() {
    let world = World::new().await;
    let left = Frame { depth: None, ..world.frame(0, 0.0).await };
    let Op::Reconstruct(mut ask) = reconstruct(&[&left], &[], (40, 30)) else { unreachable!() };
    ask.stereo = Some(StereoRig { left: 0, right: 1, baseline_m: 0.2, doffs_px: 0.0 }.into());
    let fault = world.ask(Op::Reconstruct(ask)).await.unwrap_err();
    assert!(fault.message.contains("pair is frames 0 and 1"), "a sensor pod does no stereo: {fault}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_half_of_a_stereo_pair_is_enough_to_ask_for() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".venv/bin/python");
    let usable = std::process::Command::new(&python).args(["-c", "import cv2"]).output();
    if !usable.is_ok_and(|out| out.status.success()) {
        eprintln!("SKIPPED: no OpenCV in .venv; `cargo xtask setup` installs it");
        return;
    }
    let inference = spatialclaw_inference::Config {
        engine: spatialclaw_inference::EngineKind::Cpu,
        listen: ([127, 0, 0, 1], 0).into(),
        python,
        ..spatialclaw_inference::Config::default()
    };
    let pod = spatialclaw_inference::spawn(inference, Readiness::default()).await.unwrap();
    let endpoint = Endpoint::at(format!("http://{}", pod.address()));
    let pods = Pods::connect(&pod::Config { endpoints: vec![endpoint], ..pod::Config::default() });
    let world = World::over(pods.unwrap(), Config::default(), Some(pod)).await;
    let [left, right] = [(0, 0), (1, 12)].map(|(index, shift)| (index, textured(shift)));
    let frame = async |(index, picture): (u32, image::RgbImage)| Frame {
        index,
        image: world.put(png(&picture)).await,
        width: 320,
        height: 240,
        time_s: None,
        intrinsics: Some(Intrinsics { fx: 300.0, fy: 300.0, cx: 159.5, cy: 119.5 }),
        pose: None,
        depth: None,
        instances: None,
    };
    let (left, right) = (frame(left).await, frame(right).await);
    let rig = StereoRig { left: 0, right: 1, baseline_m: 0.1, doffs_px: 0.0 };
    let with_rig = |op: Op| {
        let Op::Reconstruct(mut ask) = op else { unreachable!() };
        ask.stereo = Some(rig.into());
        Op::Reconstruct(ask)
    };
    let alone = world.ask(with_rig(reconstruct(&[&right], &[&left], (160, 120)))).await.unwrap();
    let both = world.ask(with_rig(reconstruct(&[&left, &right], &[], (160, 120)))).await.unwrap();
    assert_eq!(both.engine, "cpu");
    let (alone, both) = (world.tensors(&alone).await, world.tensors(&both).await);
    assert_eq!(note(&both, "scale_source"), "stereo baseline");
    let poses = f64s(&both, "poses");
    assert_eq!(f64s(&alone, "poses"), poses[16..], "the left frame fixes the world either way");
    close(&[poses[16 + 3] - poses[3], poses[16 + 11] - poses[11]], &[0.1, 0.0]);
    // Every pixel moved by 12, so everything is 300 * 0.1 / 12 = 2.5 m away.
    let mut depth: Vec<f32> = f32s(&both, "depth").into_iter().filter(|d| d.is_finite()).collect();
    depth.sort_by(f32::total_cmp);
    assert!(depth.len() > 160 * 120, "more than half of both views");
    assert!((depth[depth.len() / 2] - 2.5).abs() < 0.05, "{}", depth[depth.len() / 2]);
    let fault = world.ask(reconstruct(&[&left], &[], (160, 120))).await.unwrap_err();
    assert!(fault.message.contains("calibrated stereo pair"), "{fault}");
    world.close().await;
}

/// A texture with no repetition, moved to the left.
fn textured(shift: u32) -> image::RgbImage {
    image::RgbImage::from_fn(320, 240, |x, y| {
        let mut hash = ((x + shift) / 2).wrapping_mul(73_856_093) ^ (y / 2).wrapping_mul(19_349_663);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0x5bd1_e995);
        image::Rgb([(hash >> 8) as u8, (hash >> 16) as u8, (hash >> 24) as u8])
    })
}
