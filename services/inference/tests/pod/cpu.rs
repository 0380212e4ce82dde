//! The engine `cpu`, with the real child process.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use spatialclaw_inference::{Config, EngineKind};
use spatialclaw_proto::inference::v1 as wire;
use tokio::time::{Instant, timeout};
use tonic::Code;

use crate::client::{IDENTITY, Pod, floats, pixels, png, view_depths};

const PATIENCE: Duration = Duration::from_secs(120);
/// Of the pair as it comes: metres and pixels.
const FX: f64 = 994.978;
const BASELINE: f64 = 0.193_001;
const DOFFS: f64 = 31.086;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn python() -> Option<PathBuf> {
    let python = root().join(".venv/bin/python");
    let found =
        Command::new(&python).args(["-c", "import cv2"]).output().is_ok_and(|out| out.status.success());
    if !found {
        eprintln!("SKIPPED: no OpenCV in .venv; `cargo xtask setup` installs it");
    }
    found.then_some(python)
}

fn models() -> Option<PathBuf> {
    let models = root().join(".data/models");
    let found = models.join("detector.pb").is_file() && models.join("saliency.onnx").is_file();
    if !found {
        eprintln!("SKIPPED: no model files in .data/models; `cargo xtask setup` fetches them");
    }
    found.then_some(models)
}

#[derive(Clone)]
struct Motorcycle {
    left: Vec<u8>,
    right: Vec<u8>,
    disparity: PathBuf,
}

fn motorcycle() -> Option<Motorcycle> {
    let folder = root().join("examples/motorcycle");
    let named = |part: &str| {
        let entries = fs::read_dir(&folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
        let mut found: Vec<PathBuf> = entries
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(part)))
            .collect();
        found.sort();
        found.into_iter().next()
    };
    match (named("left.png"), named("right.png"), named(".npz")) {
        (Some(left), Some(right), Some(disparity)) => {
            Some(Motorcycle { left: fs::read(left).ok()?, right: fs::read(right).ok()?, disparity })
        }
        _ => {
            eprintln!("SKIPPED: no motorcycle pair in {}; `cargo xtask setup` fetches it", folder.display());
            None
        }
    }
}

impl Motorcycle {
    /// The laser's depth, metres; 0 = no reading.
    fn laser(&self, python: &Path) -> Vec<f32> {
        let script = "import numpy, sys; f = numpy.load(sys.argv[1]); d = f[f.files[0]]; \
                      sys.stdout.buffer.write(numpy.nan_to_num(d, posinf=0, neginf=0).astype('<f4').tobytes())";
        let out = Command::new(python).args(["-c", script]).arg(&self.disparity).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let depth = |raw: &[u8]| {
            let disparity = f64::from(f32::from_le_bytes(raw.try_into().unwrap()));
            if disparity > 0.0 { (FX * BASELINE / (disparity + DOFFS)) as f32 } else { 0.0 }
        };
        out.stdout.chunks_exact(4).map(depth).collect()
    }
}

async fn pod(python: &Path, models: &Path) -> Pod {
    let config =
        Config { python: python.to_owned(), models: models.to_owned(), concurrency: 2, ..Config::default() };
    let pod = Pod::start(EngineKind::Cpu, config).await;
    until(|| pod.readiness.is_ready().then_some(())).await;
    pod
}

/// Waits for the thing itself, with a deadline.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "it did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn view(image: &[u8]) -> wire::View {
    let image = wire::Image { encoded: image.to_vec().into(), ..Default::default() };
    wire::View { image: Some(image), ..Default::default() }
}

fn pair(motorcycle: &Motorcycle) -> wire::DepthRequest {
    let left =
        wire::View { k: vec![FX, 0.0, 311.193, 0.0, FX, 254.877, 0.0, 0.0, 1.0], ..view(&motorcycle.left) };
    wire::DepthRequest {
        views: vec![left, view(&motorcycle.right)],
        stereo: Some(wire::Stereo { left: 0, right: 1, baseline_m: BASELINE, doffs_px: DOFFS }),
        ..Default::default()
    }
}

fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The engine's process, as readiness names it.
fn engine(pod: &Pod) -> Option<i32> {
    let detail = pod.readiness.conditions().remove("cpu engine")?.detail;
    detail.strip_prefix("process ")?.split(':').next()?.parse().ok()
}

fn signal(pid: i32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_photograph_has_no_depth_and_that_is_said() {
    let (Some(python), Some(bike)) = (python(), motorcycle()) else { return };
    let pod = pod(&python, Path::new("/nowhere")).await;
    let why = pod.refused(vec![view(&bike.left)], Code::FailedPrecondition).await;
    for word in ["single photograph", "stereo pair", "sensor pod", "depth-network pod"] {
        assert!(why.contains(word), "{word}: {why}");
    }
    let status = pod.concept(view(&bike.left), "motorcycle").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("fetch.py"), "{status}");
    let empty = view(&[]);
    assert!(pod.refused(vec![empty], Code::InvalidArgument).await.contains("empty"));
    pod.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stereo_depth_agrees_with_the_laser() {
    let (Some(python), Some(bike)) = (python(), motorcycle()) else { return };
    let pod = pod(&python, Path::new("/nowhere")).await;
    let views = view_depths(pod.estimate(pair(&bike)).await.unwrap());
    assert_eq!(views.len(), 2);
    assert_eq!(views[0].w2c, IDENTITY);
    assert_eq!((views[1].w2c[3], views[1].k[2]), (-BASELINE, 311.193 + DOFFS), "the right camera");
    let (depth, confidence, laser) =
        (floats(&views[0].depth), floats(&views[0].confidence), bike.laser(&python));
    assert_eq!(depth.len(), laser.len());
    let both: Vec<(f32, f32)> =
        depth.iter().copied().zip(laser).filter(|&(d, truth)| d > 0.0 && truth > 0.0).collect();
    let density = depth.iter().filter(|d| **d > 0.0).count() as f64 / depth.len() as f64;
    let relative: Vec<f32> = both.iter().map(|(d, truth)| (d - truth).abs() / truth).collect();
    let mean = relative.iter().sum::<f32>() / relative.len() as f32;
    let error = median(relative);
    println!(
        "motorcycle pair: {:.1} % of pixels have depth; against the laser the median error is {:.2} %, the mean \
              {:.2} %",
        density * 100.0,
        error * 100.0,
        mean * 100.0
    );
    assert!(density > 0.8 && error < 0.01 && mean < 0.03, "density {density}, median {error}, mean {mean}");
    assert!(depth.iter().zip(&confidence).all(|(d, c)| (*d > 0.0) == (*c > 0.0) && (0.0..=1.0).contains(c)));
    pod.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_finds_the_motorcycle_and_its_median_depth_is_right() {
    let (Some(python), Some(models), Some(bike)) = (python(), models(), motorcycle()) else { return };
    let pod = pod(&python, &models).await;
    let found = pod.concept(view(&bike.left), "the motorbike").await.unwrap();
    assert_eq!(found.instances.len(), 1, "{}", found.note);
    let mask = pixels(&found.instances[0].mask);
    let depth = floats(&view_depths(pod.estimate(pair(&bike)).await.unwrap())[0].depth);
    let under = |grid: &[f32]| {
        let values = grid.iter().zip(&mask).filter(|&(d, on)| *on && *d > 0.0);
        median(values.map(|(d, _)| *d).collect())
    };
    let (ours, laser) = (under(&depth), under(&bike.laser(&python)));
    println!("median depth of the motorcycle: {ours:.3} m, laser {laser:.3} m");
    assert!((ours - laser).abs() / laser < 0.05);
    let corners = wire::Box { x0: 100.0, y0: 60.0, x1: 690.0, y1: 450.0 };
    let boxed = pod.interactive(view(&bike.left), Some(corners), vec![]).await.unwrap();
    let overlap = pixels(&boxed[0].mask).iter().zip(&mask).filter(|(a, b)| **a && **b).count();
    assert!(overlap * 2 > mask.iter().filter(|on| **on).count());
    let points = vec![
        wire::Point { x: 380.0, y: 250.0, positive: true },
        wire::Point { x: 20.0, y: 20.0, positive: false },
    ];
    let pointed = pixels(&pod.interactive(view(&bike.left), None, points).await.unwrap()[0].mask);
    assert!(pointed[250 * 741 + 380] && !pointed[20 * 741 + 20]);
    let unknown = pod.concept(view(&bike.left), "motercycle").await.unwrap();
    assert!(unknown.instances.is_empty() && unknown.note.contains("not in the vocabulary"));
    assert!(unknown.note.contains("motorcycle"), "a near word: {}", unknown.note);
    let absent = pod.concept(view(&bike.left), "giraffes").await.unwrap();
    assert!(absent.instances.is_empty() && !absent.note.is_empty());
    pod.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_dies_over_a_request_costs_time_and_no_answer() {
    let (Some(python), Some(bike)) = (python(), motorcycle()) else { return };
    let pod = pod(&python, Path::new("/nowhere")).await;
    let child = until(|| engine(&pod)).await;
    let expected = view_depths(pod.estimate(doubled(&bike)).await.unwrap());
    let (request, client, idle) = (doubled(&bike), pod.depth.clone(), cpu_ticks(child));
    let asked = tokio::spawn(async move {
        let mut stream = { client }.estimate(request).await?.into_inner();
        let mut bodies = Vec::new();
        while let Some(reply) = stream.message().await? {
            bodies.extend(reply.body);
        }
        Ok::<_, tonic::Status>(bodies)
    });
    // It works on the request when its clock runs; the answer takes many times as long.
    until(|| (cpu_ticks(child) > idle + 2).then_some(())).await;
    signal(child, "-KILL");
    let answered = timeout(PATIENCE, asked).await.unwrap().unwrap().unwrap();
    assert_eq!(view_depths(answered), expected, "once, and the same");
    assert!(engine(&pod).is_some_and(|next| next != child), "another child answered");
    pod.stop().await;
}

/// The pair at twice its size.
fn doubled(bike: &Motorcycle) -> wire::DepthRequest {
    let twice = |file: &[u8]| {
        let picture = image::load_from_memory(file).unwrap();
        let (w, h) = (picture.width() * 2, picture.height() * 2);
        png(&picture.resize_exact(w, h, image::imageops::FilterType::Triangle).to_rgb8())
    };
    let mut request =
        pair(&Motorcycle { left: twice(&bike.left), right: twice(&bike.right), ..bike.clone() });
    request.views[0].k.iter_mut().take(8).for_each(|value| *value *= 2.0);
    request.stereo.as_mut().unwrap().doffs_px *= 2.0;
    request
}

/// Processor time a process has used, in hundredths of a second.
fn cpu_ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_deadline_holds_whatever_the_engine_does() {
    let (Some(python), Some(bike)) = (python(), motorcycle()) else { return };
    let pod = pod(&python, Path::new("/nowhere")).await;
    let child = until(|| engine(&pod)).await;
    signal(child, "-STOP");
    let hurried = wire::DepthRequest { call: Some(wire::Call { deadline_ms: 50, seed: 0 }), ..pair(&bike) };
    let status = pod.estimate(hurried).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    signal(child, "-CONT");
    assert_eq!(
        view_depths(pod.estimate(pair(&bike)).await.unwrap()).len(),
        2,
        "and the next caller is served"
    );
    pod.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_cannot_start_says_why() {
    let config = Config { python: "/nowhere/python".into(), ..Config::default() };
    let pod = Pod::start(EngineKind::Cpu, config).await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let status = pod.concept(view(png.get_ref()), "chair").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("/nowhere/python"), "{status}");
    assert!(!pod.readiness.is_ready());
    pod.stop().await;
}
